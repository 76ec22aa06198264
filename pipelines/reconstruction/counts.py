"""How often every pixel showed every colour, online, in bounded memory.

Exact, first-seen order included, until the memory runs out; from then on the pixels that want more are counted
in coarser cells (see `tables`), which `is_exact` and `n_coarse_px` tell. Counts of two parts of a stream add up
to the counts of the whole.

Memory: 15 bytes a pixel for the last frame, its runs and the table's place, a first table for each pixel (128 bytes,
or 32 where the bound is tight), and 8 bytes a slot for larger ones. Pages are touched as they are needed, those of
first tables before where there is time (`claim_first_tables`); in a stream that has filled an eighth of the larger
tables' share after `CLAIM_AFTER_FRAMES` frames the rest is claimed too, so that a long call cannot run out of memory
in its third hour.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from pipelines.base import Findings, Image, PipelineError
from pipelines.reconstruction import kernels, packing, rule, tables

BAND_ROWS = 16
"""Rows that share free memory: small enough to share work between cores, large enough to share memory."""

REGION_SLOTS = 8192
"""Memory is given to a band in pieces of 64 KiB, ..."""

LARGEST_REGION_SLOTS = 32 * REGION_SLOTS
"""... twice as much each time that it asks again for the same frame, up to 2 MiB."""

MOST_FRAMES = (1 << 28) - 1
"""A count has 28 bits: 103 days at 30 frames a second."""

CLAIM_AFTER_FRAMES = 640
"""Twenty seconds at 30 frames a second: shorter recordings do not pay for memory that they never fill, ..."""

CLAIM_WITHIN_FRAMES = 320
"""... and half a minute into a call everything is claimed."""

_LATE_LOG2_CAPACITY = 4
_BYTES_PER_PIXEL = 15
_FEWEST_SLOTS = 1 << tables.SMALLEST_LOG2_CAPACITY
_BYTES_PER_SLOT = 8
_SLOTS_PER_LINE = 8
_RESERVED_SLOTS = _SLOTS_PER_LINE
_SLOTS_PER_PAGE = 512
_CLAIMED_SLOTS = 2048 * _SLOTS_PER_PAGE  # numpy lets other threads run only where it sets more than 500 values


@dataclass(frozen=True, slots=True)
class PackedBand:
    """The counts of one band of pixels, as they are saved and merged.

    Attributes
    ----------
    n_colors : ndarray
        (pixels,) uint16, colours of each pixel.
    coarse_bits : ndarray
        (pixels,) uint8, 0 where the counts are exact.
    entries : ndarray
        (sum of n_colors,) uint64, count << 36 | colour, each pixel's in the order in which they were first seen.
    """

    n_colors: npt.NDArray[np.uint16]
    coarse_bits: npt.NDArray[np.uint8]
    entries: npt.NDArray[np.uint64]


class ColorCounts:
    """Colour counts of every pixel of frames of one size. Not thread-safe; threads inside are its own.

    Parameters
    ----------
    height, width : int
        Size of the frames in pixels.
    memory_bytes : int
        Bound on the memory of the counts.
    n_workers : int, optional
        Threads that share a frame; as many as there are cores unless given.

    Raises
    ------
    PipelineError
        If `memory_bytes` does not hold four colours for each pixel.
    """

    def __init__(self, height: int, width: int, memory_bytes: int, n_workers: int | None = None) -> None:
        self.height, self.width = height, width
        self.memory_bytes = memory_bytes
        self.n_frames = 0
        n_pixels = height * width
        n_bands = -(-height // BAND_ROWS)
        self._band_px = BAND_ROWS * width
        self._n_workers = min(n_workers or os.cpu_count() or 1, n_bands)
        self._pool = ThreadPoolExecutor(max(1, self._n_workers - 1), "count")
        scratch_bytes = n_bands * (1 << tables.LARGEST_LOG2_CAPACITY) * _BYTES_PER_SLOT
        n_slots = (memory_bytes - n_pixels * _BYTES_PER_PIXEL - scratch_bytes) // _BYTES_PER_SLOT
        fewest_slots = _RESERVED_SLOTS + n_pixels * _FEWEST_SLOTS
        if n_slots < fewest_slots:
            least = n_pixels * _BYTES_PER_PIXEL + scratch_bytes + fewest_slots * _BYTES_PER_SLOT
            raise PipelineError(
                f"memory: got {memory_bytes / 2**20:.0f} MiB, wanted at least {-(-least // 2**20)} MiB "
                f"for frames of {width}x{height}; raise --memory"
            )
        log2_first = _log2_of_first_table(n_pixels, n_slots)
        self._first_slots = _RESERVED_SLOTS + (n_pixels << log2_first)
        # Entries of the pixels: where each first table starts, and its capacity; made without temporary arrays.
        shift = int(tables.START_SHIFT)
        meta = np.arange(_RESERVED_SLOTS << shift, self._first_slots << shift, 1 << log2_first + shift, dtype=np.uint64)
        meta |= tables.U(log2_first)
        self.tables = tables.Tables(
            last=np.zeros(n_pixels * 3, np.uint8),
            run_start=np.zeros(n_pixels, np.int32),
            meta=meta,
            slots=_zeros_on_cache_lines(n_slots),
            bands=np.zeros((n_bands, tables.N_BAND_COLUMNS), np.int64),
            resume=np.zeros(n_bands, np.int64),
            scratch=np.zeros((n_bands, 1 << tables.LARGEST_LOG2_CAPACITY), np.uint64),
            first_end=self._first_slots,
        )
        self._next_slot = self._first_slots
        self._claimed_slot = self._first_slots
        self._claiming: Future[None] | None = None
        self._may_claim = True

    def claim_first_tables(self) -> None:
        """Touch the memory of the first tables in another thread, as far as it gets before something is counted.

        The kernel clears memory when it is first touched, for 1080p in a twentieth to half a second, most of it in
        the first frame that differs in most pixels. While the program starts there is a core to spare for it.
        """
        self._claiming = self._pool.submit(self._claim_until_counting)

    def close(self) -> None:
        """End the threads."""
        self._may_claim = False
        self._pool.shutdown()

    @property
    def n_coarse_px(self) -> int:
        """Pixels whose colours are no longer counted exactly."""
        return int(np.count_nonzero(self.tables.meta & tables.U(0xF0)))

    @property
    def is_exact(self) -> bool:
        """Whether every count is exact."""
        return self.n_coarse_px == 0

    @property
    def n_bytes_used(self) -> int:
        """Bytes of the bound that hold counts so far, free lists included."""
        n_pixels = self.height * self.width
        return n_pixels * _BYTES_PER_PIXEL + self.tables.scratch.nbytes + self._next_slot * _BYTES_PER_SLOT

    def count(self, *images: Image) -> None:
        """Count one frame, or several in order: several at once are quicker than one by one.

        Parameters
        ----------
        *images : ndarray
            (height, width, 3) uint8 BGR, C-contiguous; not kept.

        Raises
        ------
        PipelineError
            If they would be more frames than a count can hold; nothing was counted.
        """
        if self.n_frames + len(images) > MOST_FRAMES:
            raise PipelineError(f"a count holds {MOST_FRAMES} frames and that many were counted; start a new state")
        flat = [image.reshape(-1) for image in images]
        if self.n_frames == 0 and flat:
            self.tables.last[:] = flat.pop(0)
            self.n_frames = 1
        for first in range(0, len(flat), kernels.BATCH_FRAMES):
            batch = flat[first : first + kernels.BATCH_FRAMES]
            self._until_done(self._count_pass(batch))
            self._claim_some(len(batch))
            self.n_frames += len(batch)

    def findings(self, omg: int, step_px: int = 1) -> Findings:
        """Choose the room by roomg's rule.

        Parameters
        ----------
        omg : int
            Threshold on the difference of the sums B+G+R, 0 to 765.
        step_px : int
            Look at every `step_px`-th row and column.

        Returns
        -------
        Findings
            Of size ceil(height / step_px), ceil(width / step_px); all 0 before the first frame.
        """
        rows, columns = -(-self.height // step_px), -(-self.width // step_px)
        room = np.zeros((rows, columns, 4), np.uint8)
        backdrop = np.zeros((rows, columns, 3), np.uint8)
        if self.n_frames:
            step = (step_px, self.width)
            self._share(
                lambda worker: rule.choose_rarest(
                    self.tables, self.n_frames, omg, step, room, backdrop, worker, self._n_workers
                )
            )
        return Findings(room, backdrop, float(np.count_nonzero(room[..., 3])) / (rows * columns))

    def colors_of(self, y: int, x: int) -> list[tuple[int, int, int, int]]:
        """Return what one pixel showed.

        Parameters
        ----------
        y, x : int
            Row and column, counted from 0.

        Returns
        -------
        list of tuple of int
            (B, G, R, frames) of each colour in the order in which they were first seen.
        """
        band, pixel = divmod(y * self.width + x, self._band_px)
        packed = self._pack(band)
        end = np.cumsum(packed.n_colors)
        entries = packed.entries[end[pixel] - packed.n_colors[pixel] : end[pixel]].tolist()
        return [(e & 255, e >> 8 & 255, e >> 16 & 255, e >> 36) for e in entries]

    def packed_bands(self) -> Iterator[PackedBand]:
        """Yield every band's counts, top to bottom; no frame may be counted in between."""
        for band in range(self.tables.resume.size):
            yield self._pack(band)

    def add(self, n_frames: int, bands: Iterator[PackedBand]) -> None:
        """Add the counts of frames that came after those counted here.

        Parameters
        ----------
        n_frames : int
            Frames in those counts.
        bands : iterator of PackedBand
            From counts of the same size.

        Raises
        ------
        PipelineError
            If there are more frames than a count can hold; these counts are as before.
        """
        if self.n_frames + n_frames > MOST_FRAMES:
            raise PipelineError(
                f"{self.n_frames} and {n_frames} frames are more than the {MOST_FRAMES} that a count holds"
            )
        if self.n_frames:
            self._until_done(self._close_runs_pass())
        for band, packed in enumerate(bands):
            self._until_done(self._add_pass(band, packed), only_band=band)
        self.n_frames += n_frames
        self.tables.run_start[:] = self.n_frames

    def merged(self, later: Self) -> "ColorCounts":
        """Return the counts of these frames followed by those of `later`.

        Parameters
        ----------
        later : ColorCounts
            Counts of the frames that came after, of the same size; unchanged, as these are.

        Returns
        -------
        ColorCounts
            New, with the larger of both memory bounds.
        """
        memory = max(self.memory_bytes, later.memory_bytes)
        both = ColorCounts(self.height, self.width, memory, self._n_workers)
        both.add(self.n_frames, self.packed_bands())
        both.add(later.n_frames, later.packed_bands())
        return both

    def _pack(self, band: int) -> PackedBand:
        first = band * self._band_px
        meta = self.tables.meta[first : first + self._band_px]
        n_held = int(((meta >> tables.SIZE_SHIFT) & tables.SIZE_BITS).sum())
        n_colors = np.empty(meta.size, np.uint16)
        coarse_bits = np.empty(meta.size, np.uint8)
        entries = np.empty(n_held + meta.size, np.uint64)
        n = packing.pack_counts(self.tables, self.n_frames, band, self._band_px, n_colors, coarse_bits, entries)
        return PackedBand(n_colors, coarse_bits, entries[:n])

    def _count_pass(self, batch: list[npt.NDArray[np.uint8]]) -> "_Pass":
        # The kernel is compiled for a tuple of one length.
        frames = tuple(batch) + (batch[-1],) * (kernels.BATCH_FRAMES - len(batch))

        def run(largest: int, may_starve: bool) -> None:
            self._share(
                lambda worker: kernels.count_frames(
                    self.tables,
                    frames,
                    len(batch),
                    self.n_frames,
                    self._band_px,
                    worker,
                    self._n_workers,
                    largest,
                    may_starve,
                )
            )

        return run

    def _close_runs_pass(self) -> "_Pass":
        def run(largest: int, may_starve: bool) -> None:
            packing.close_runs(self.tables, self.n_frames, self._band_px, largest, may_starve)

        return run

    def _add_pass(self, band: int, packed: PackedBand) -> "_Pass":
        def run(largest: int, may_starve: bool) -> None:
            packing.add_counts(
                self.tables,
                band,
                self._band_px,
                packed.n_colors,
                packed.coarse_bits,
                packed.entries,
                largest,
                may_starve,
            )

        return run

    def _share(self, work: Callable[[int], None]) -> None:
        """Run `work` once for each worker, the first in this thread."""
        others = [self._pool.submit(work, worker) for worker in range(1, self._n_workers)]
        work(0)
        for other in others:
            other.result()

    def _until_done(self, run: "_Pass", only_band: int | None = None) -> None:
        """Run a pass again, with more memory for the bands that starved, until no band waits."""
        self._end_claiming()
        resume = self.tables.resume
        resume[:] = 0 if only_band is None else -1
        if only_band is not None:
            resume[only_band] = 0
        may_starve = True
        n_slots = REGION_SLOTS
        while True:
            run(self._largest_log2(), may_starve)
            starved = np.flatnonzero(resume >= 0)
            if not starved.size:
                return
            may_starve = sum(self._give_region(int(band), n_slots) for band in starved) == starved.size
            n_slots = min(2 * n_slots, LARGEST_REGION_SLOTS)

    def _largest_log2(self) -> int:
        """Keep the last quarter for small tables, so that a pixel that wakes late finds some memory."""
        n_slots = self.tables.slots.size
        plenty = (n_slots - self._next_slot) * 4 > n_slots - self._first_slots
        return tables.LARGEST_LOG2_CAPACITY if plenty else _LATE_LOG2_CAPACITY

    def _give_region(self, band: int, n_slots: int) -> bool:
        n_slots = min(n_slots, (self.tables.slots.size - self._next_slot) // REGION_SLOTS * REGION_SLOTS)
        if not n_slots:
            return False
        row = self.tables.bands[band]
        tables.retire_region(self.tables.slots, row)
        row[tables.REGION_NEXT] = self._next_slot
        self._next_slot += n_slots
        row[tables.REGION_END] = self._next_slot
        return True

    def _claim_until_counting(self) -> None:
        for begin in range(0, self._first_slots, _CLAIMED_SLOTS):
            if not self._may_claim:
                return
            self.tables.slots[begin : min(begin + _CLAIMED_SLOTS, self._first_slots) : _SLOTS_PER_PAGE] = 0

    def _end_claiming(self) -> None:
        """Wait for the piece that is being touched: a slot that is touched is set to 0."""
        if self._claiming is not None:
            self._may_claim = False
            self._claiming.result()
            self._claiming = None

    def _claim_some(self, n_frames: int) -> None:
        """Touch a few more pages of the memory that a long stream is going to need."""
        n_slots = self.tables.slots.size
        is_filling = (self._next_slot - self._first_slots) * 8 >= n_slots - self._first_slots
        if self.n_frames < CLAIM_AFTER_FRAMES or not is_filling or self._claimed_slot >= n_slots:
            return
        begin = max(self._claimed_slot, self._next_slot)
        self._claimed_slot = min(n_slots, begin + n_frames * (n_slots // CLAIM_WITHIN_FRAMES + 1))
        self.tables.slots[begin : self._claimed_slot : _SLOTS_PER_PAGE] = 0


def _log2_of_first_table(n_pixels: int, n_slots: int) -> int:
    """Give every pixel sixteen slots from the start if that takes at most about half of the memory."""
    roomy = n_pixels << tables.SECOND_LOG2_CAPACITY
    return tables.SECOND_LOG2_CAPACITY if roomy * 1.8 <= n_slots else tables.SMALLEST_LOG2_CAPACITY


_Pass = Callable[[int, bool], None]


def _zeros_on_cache_lines(n_slots: int) -> npt.NDArray[np.uint64]:
    """Allocate slots so that a table lies on as few cache lines as it can: two, not three, for one of sixteen slots."""
    block = np.zeros(n_slots + _SLOTS_PER_LINE - 1, np.uint64)
    begin = -(block.ctypes.data // _BYTES_PER_SLOT) % _SLOTS_PER_LINE
    return block[begin : begin + n_slots]
