"""Loops over the pixels of a frame: count its colours, choose the room by roomg's rule, pack and unpack counts.

A pixel that shows the colour of the frame before costs one comparison, 32 pixels at a time: only when a colour
ends is the length of its run added to the pixel's table. Arrays only; every function trusts its arguments. A
kernel works on every `n_workers`-th band of rows, so that threads share a frame without touching the same pixel.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.reconstruction.tables import (
    COLOR_BITS,
    COUNT_SHIFT,
    LARGEST_LOG2_CAPACITY,
    ONE_COLOR,
    RANK_BITS,
    RANK_SHIFT,
    SIZE_BITS,
    SIZE_SHIFT,
    START_SHIFT,
    Tables,
    U,
    Word,
    add_color,
    cell_mask,
    coarsen_table,
    home_slot,
    most_colors,
    sort_by_rank,
)

BLOCK_PX = 32
"""Pixels compared at once: 96 bytes, whole vector registers."""

BATCH_FRAMES = 8
"""Frames counted together where nobody waits for them (recordings)."""

STRIP_PX = 4096
"""Pixels on which a batch is counted before the next ones: their tables fit the second-level cache."""

BATCH_PX = 512
"""Changed pixels worked on together: their lists stay in the first-level cache."""

B_SHIFT, G_SHIFT, R_SHIFT = U(0), U(8), U(16)
BYTE = U(0xFF)


@njit(cache=True, nogil=True)
def count_frames(
    tables: Tables,
    frames: tuple[npt.NDArray[np.uint8], ...],
    n_batch: Word,
    n_frames: Word,
    band_px: Word,
    worker: Word,
    n_workers: Word,
    largest: Word,
    may_starve: bool,
) -> None:
    """Count a batch of frames: where a pixel's colour changes, the run that ended goes into its table.

    All frames of the batch are counted on one strip of pixels before the next strip, so that the strip's tables
    stay in the processor's cache. A band stops at a pixel that wants more memory than the band has;
    `tables.resume` says where, and the same call goes on from there.

    Parameters
    ----------
    tables : Tables
        Written; `resume` says for each band where to begin: number of the frame in the batch times `band_px`, plus
        the pixel of the band; -1 leaves the band out.
    frames : tuple of ndarray
        `BATCH_FRAMES` arrays, (n_pixels * 3,) uint8 BGR; only the first `n_batch` are looked at.
    n_batch : int
        Frames in the batch.
    n_frames : int
        Frames counted before the batch, at least 1.
    band_px : int
        Pixels in a band (the last may have fewer).
    worker, n_workers : int
        This call takes the bands `worker`, `worker + n_workers`, ...
    largest, may_starve : int, bool
        As in `tables.add_color`.
    """
    lists = (np.empty(BATCH_PX, np.uint64), np.empty(BATCH_PX, np.uint64), np.empty(BATCH_PX + 1, np.uint64))
    for band in range(worker, tables.resume.size, n_workers):
        resume = tables.resume[band]
        first_px = band * band_px
        end_px = min(tables.run_start.size, first_px + band_px)
        while resume >= 0:
            first_frame = resume // band_px
            begin = first_px + resume % band_px
            strip_begin = first_px + resume % band_px // STRIP_PX * STRIP_PX
            strip_end = min(strip_begin + STRIP_PX, end_px)
            resume = -1 if strip_end == end_px else strip_end - first_px
            for k in range(first_frame, n_batch):
                stopped_at = _count_strip(
                    tables, frames[k], n_frames + k, band, begin, strip_end, lists, largest, may_starve
                )
                if stopped_at >= 0:
                    tables.resume[band] = k * band_px + stopped_at - first_px
                    resume = -2
                    break
                begin = strip_begin
        if resume == -1:
            tables.resume[band] = -1


@njit(cache=True, nogil=True)
def _count_strip(
    tables: Tables,
    frame: npt.NDArray[np.uint8],
    n_frames: Word,
    band: Word,
    begin: Word,
    end: Word,
    lists: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint64]],
    largest: Word,
    may_starve: bool,
) -> Word:
    """Count one frame on pixels `begin` to `end`; return the pixel that wants memory, or -1."""
    pixels, colors, at = lists
    while begin < end:
        begin, n_changed = _find_changed(tables, frame, begin, end, pixels, colors, at)
        n_done = _end_runs(tables, frame, n_frames, band, pixels[:n_changed], colors, at, largest, may_starve)
        if n_done < n_changed:
            return np.int64(pixels[n_done])
    return -1


@njit(cache=True, nogil=True)
def _find_changed(
    tables: Tables,
    frame: npt.NDArray[np.uint8],
    begin: Word,
    end: Word,
    pixels: npt.NDArray[np.uint64],
    colors: npt.NDArray[np.uint64],
    at: npt.NDArray[np.uint64],
) -> tuple[Word, Word]:
    """List changed pixels from `begin` on: the pixel, the colour that ended, the slot where it is looked for first.

    Returns the pixel at which the list was full, or `end`, and the length of the list.
    """
    last, meta = tables.last, tables.meta
    k: Word = 0
    while begin < end and k <= BATCH_PX - BLOCK_PX:
        stop = min(begin + BLOCK_PX, end)
        changed = np.uint8(0)
        for i in range(U(begin * 3), U(stop * 3)):
            changed |= frame[i] ^ last[i]
        if changed != 0:
            for p in range(U(begin), U(stop)):
                b = U(p) * U(3)
                old = U(last[b]) | U(last[b + U(1)]) << G_SHIFT | U(last[b + U(2)]) << R_SHIFT
                new = U(frame[b]) | U(frame[b + U(1)]) << G_SHIFT | U(frame[b + U(2)]) << R_SHIFT
                pixels[k] = U(p)
                colors[k] = old
                k += np.int64(old != new)
        begin = stop
    for j in range(k):
        entry = meta[pixels[j]]
        cell = colors[j] & cell_mask((entry >> U(4)) & U(15))
        at[j] = (entry >> START_SHIFT) + home_slot(cell, entry & U(15))
    return begin, k


@njit(cache=True, nogil=True)
def _end_runs(
    tables: Tables,
    frame: npt.NDArray[np.uint8],
    n_frames: Word,
    band: Word,
    pixels: npt.NDArray[np.uint64],
    colors: npt.NDArray[np.uint64],
    at: npt.NDArray[np.uint64],
    largest: Word,
    may_starve: bool,
) -> Word:
    """Put the runs of listed pixels into their tables and begin new ones; return how many were done."""
    last, run_start, meta, slots = tables.last, tables.run_start, tables.meta, tables.slots
    now = U(n_frames)
    touched = U(0)
    for j in range(pixels.size):  # loads alone, one after the other: memory answers them in parallel
        touched |= slots[at[j]] + U(run_start[pixels[j]])
    at[BATCH_PX] = touched  # or the compiler would leave the loads out
    for j in range(pixels.size):
        p = pixels[j]
        n = now - U(run_start[p])
        entry = meta[p]
        start = entry >> START_SHIFT
        mask = cell_mask((entry >> U(4)) & U(15))
        last_slot = (U(1) << (entry & U(15))) - U(1)
        k = at[j] - start
        slot = slots[start + k]
        n_probes = U(0)
        while slot != U(0) and ((slot ^ colors[j]) & mask) != U(0) and n_probes < last_slot:
            k = (k + U(1)) & last_slot
            slot = slots[start + k]
            n_probes += U(1)
        n_colors = (entry >> SIZE_SHIFT) & SIZE_BITS
        if slot != U(0) and ((slot ^ colors[j]) & mask) == U(0):
            slots[start + k] = slot + (n << COUNT_SHIFT)
        elif n == U(0):
            pass  # a resumed or merged pixel: what `last` holds was counted before
        elif slot == U(0) and n_colors < most_colors(entry & U(15)):
            slots[start + k] = n << COUNT_SHIFT | n_colors << RANK_SHIFT | colors[j]
            meta[p] = entry + ONE_COLOR
        elif not add_color(tables, band, np.int64(p), colors[j], n, largest, may_starve):
            return j
        i = p * U(3)
        last[i] = frame[i]
        last[i + U(1)] = frame[i + U(1)]
        last[i + U(2)] = frame[i + U(2)]
        run_start[p] = n_frames
    return pixels.size


@njit(cache=True, nogil=True)
def choose_rarest(
    tables: Tables,
    n_frames: Word,
    omg: Word,
    step: tuple[int, int],
    room: npt.NDArray[np.uint8],
    backdrop: npt.NDArray[np.uint8],
    worker: Word,
    n_workers: Word,
) -> None:
    """Apply roomg's rule to every `step`-th pixel.

    The most frequent colour is the backdrop (ties: the one seen first). The room is the rarest colour (ties: the
    one first seen last) with |sum(BGR of backdrop) - sum(BGR of it)| > omg, and if there is none the rarest of
    all colours, unclaimed.

    Parameters
    ----------
    tables : Tables
        Read.
    n_frames : int
        Frames counted.
    omg : int
        Threshold on the difference of the sums, in code values, 0 to 765.
    step : tuple of int
        (step in pixels, width of the frames in pixels).
    room : ndarray
        (rows, columns, 4) uint8, written: BGRA of pixel (row * step, column * step), alpha 255 where claimed.
    backdrop : ndarray
        (rows, columns, 3) uint8, written: BGR.
    worker, n_workers : int
        This call takes the rows `worker`, `worker + n_workers`, ...

    References
    ----------
    satoki, "roomg", 2020.
    """
    step_px, width = step
    colors = np.empty((1 << LARGEST_LOG2_CAPACITY) + 1, np.uint64)
    for row in range(worker, room.shape[0], n_workers):
        for column in range(room.shape[1]):
            p = row * step_px * width + column * step_px
            n_colors = _list_colors(tables.slots, tables.meta[p], _open_run(tables, p, n_frames), colors)
            top, chosen, found = _choose(colors[:n_colors], omg)
            for c in range(3):
                backdrop[row, column, c] = (top >> U(8 * c)) & BYTE
                room[row, column, c] = (chosen >> U(8 * c)) & BYTE
            room[row, column, 3] = 255 if found else 0


@njit(cache=True, nogil=True)
def _channel_sum(color: Word) -> Word:
    return np.int64((color & BYTE) + ((color >> G_SHIFT) & BYTE) + ((color >> R_SHIFT) & BYTE))


@njit(cache=True, nogil=True)
def _open_run(tables: Tables, p: Word, n_frames: Word) -> Word:
    """Return the run that has not ended yet as a slot of the rank after all others; count 0 if there is none."""
    i = p * 3
    color = U(tables.last[i]) | U(tables.last[i + 1]) << G_SHIFT | U(tables.last[i + 2]) << R_SHIFT
    n_colors = (tables.meta[p] >> SIZE_SHIFT) & SIZE_BITS
    return U(n_frames - tables.run_start[p]) << COUNT_SHIFT | n_colors << RANK_SHIFT | color


@njit(cache=True, nogil=True)
def _list_colors(slots: npt.NDArray[np.uint64], entry: Word, run: Word, colors: npt.NDArray[np.uint64]) -> Word:
    """List a pixel's slots in `colors`, its open run added to the one that holds its colour; return how many."""
    start = np.int64(entry >> START_SHIFT)
    mask = cell_mask((entry >> U(4)) & U(15))
    n_open = run >> COUNT_SHIFT << COUNT_SHIFT
    n_colors = 0
    for i in range(start, start + (1 << np.int64(entry & U(15)))):
        slot = slots[i]
        if slot != U(0):
            if n_open != U(0) and ((slot ^ run) & mask) == U(0):
                slot += n_open
                n_open = U(0)
            colors[n_colors] = slot
            n_colors += 1
    if n_open != U(0):
        colors[n_colors] = run
        n_colors += 1
    return n_colors


@njit(cache=True, nogil=True)
def _choose(colors: npt.NDArray[np.uint64], omg: Word) -> tuple[Word, Word, Word]:
    """Return (most frequent colour, the rule's colour, whether it passed the threshold) of one pixel's slots."""
    top = U(0)
    for slot in colors:
        if _comes_first(slot, top):
            top = slot
    top_sum = _channel_sum(top)
    rarest = top
    best = U(0)
    for slot in colors:
        if not _comes_first(slot, rarest):
            rarest = slot
        if abs(top_sum - _channel_sum(slot)) > omg and (best == U(0) or not _comes_first(slot, best)):
            best = slot
    found = best != U(0)
    return top & COLOR_BITS, (best if found else rarest) & COLOR_BITS, found


@njit(cache=True, nogil=True, inline="always")
def _comes_first(slot: Word, other: Word) -> Word:
    """Say whether `slot` is more frequent than `other`, or as frequent and seen before it."""
    n, m = slot >> COUNT_SHIFT, other >> COUNT_SHIFT
    return n > m or (n == m and (slot >> RANK_SHIFT) & RANK_BITS < (other >> RANK_SHIFT) & RANK_BITS)


@njit(cache=True, nogil=True)
def pack_counts(
    tables: Tables,
    n_frames: Word,
    band: Word,
    band_px: Word,
    n_colors: npt.NDArray[np.uint16],
    coarse_bits: npt.NDArray[np.uint8],
    entries: npt.NDArray[np.uint64],
) -> Word:
    """Copy a band's colours out, in the order in which they were first seen, open runs included.

    Parameters
    ----------
    tables : Tables
        Read (`scratch` is used and left all 0).
    n_frames : int
        Frames counted.
    band, band_px : int
        Number of the band and pixels in a band.
    n_colors, coarse_bits : ndarray
        (pixels of the band,) uint16 and uint8, written.
    entries : ndarray
        (n,) uint64, n at least the colours held plus one for each pixel, written: count << 36 | colour.

    Returns
    -------
    int
        Entries written.
    """
    scratch = tables.scratch[band]
    n_entries = 0
    for k in range(n_colors.size):
        p = band * band_px + k
        entry = tables.meta[p]
        mask = cell_mask((entry >> U(4)) & U(15))
        n = sort_by_rank(tables.slots, entry, scratch)
        run = _open_run(tables, p, n_frames)
        if run >> COUNT_SHIFT != U(0):
            at = 0
            while at < n and ((scratch[at] ^ run) & mask) != U(0):
                at += 1
            if at == n:
                scratch[n] = run
                n += 1
            else:
                scratch[at] += run >> COUNT_SHIFT << COUNT_SHIFT
        for rank in range(n):
            entries[n_entries] = scratch[rank] & ~(RANK_BITS << RANK_SHIFT)
            scratch[rank] = U(0)
            n_entries += 1
        n_colors[k] = n
        coarse_bits[k] = (entry >> U(4)) & U(15)
    return n_entries


@njit(cache=True, nogil=True)
def add_counts(
    tables: Tables,
    band: Word,
    band_px: Word,
    n_colors: npt.NDArray[np.uint16],
    coarse_bits: npt.NDArray[np.uint8],
    entries: npt.NDArray[np.uint64],
    largest: Word,
    may_starve: bool,
) -> None:
    """Add packed counts to a band's tables, after the colours that are there.

    Parameters
    ----------
    tables : Tables
        Written. `resume[band]` is where to begin in `entries` and, if the band starved, where to go on.
    band, band_px : int
        Number of the band and pixels in a band.
    n_colors, coarse_bits, entries : ndarray
        As written by `pack_counts`.
    largest, may_starve : int, bool
        As in `tables.add_color`.
    """
    begin = tables.resume[band]
    tables.resume[band] = -1
    k: Word = 0
    for pixel in range(n_colors.size):
        p = band * band_px + pixel
        if k + n_colors[pixel] > begin:
            while (tables.meta[p] >> U(4)) & U(15) < U(coarse_bits[pixel]):
                tables.meta[p] = coarsen_table(tables.slots, tables.bands[band], tables.meta[p], tables.scratch[band])
        for i in range(k, k + np.int64(n_colors[pixel])):
            if i < begin:
                continue
            color, n = entries[i] & COLOR_BITS, entries[i] >> COUNT_SHIFT
            if not add_color(tables, band, p, color, n, largest, may_starve):
                tables.resume[band] = i
                return
        k += np.int64(n_colors[pixel])


@njit(cache=True, nogil=True)
def close_runs(tables: Tables, n_frames: Word, band_px: Word, largest: Word, may_starve: bool) -> None:
    """Put every pixel's open run into its table.

    Parameters
    ----------
    tables : Tables
        Written. `resume` says for each band where to begin and, where a band starved, where to go on.
    n_frames : int
        Frames counted; becomes the start of every run.
    band_px : int
        Pixels in a band.
    largest, may_starve : int, bool
        As in `tables.add_color`.
    """
    for band in range(tables.resume.size):
        begin = tables.resume[band]
        tables.resume[band] = -1
        if begin < 0:
            continue
        first_px = band * band_px
        for p in range(first_px + begin, min(tables.run_start.size, first_px + band_px)):
            run = _open_run(tables, p, n_frames)
            n = run >> COUNT_SHIFT
            if n != U(0) and not add_color(tables, band, p, run & COLOR_BITS, n, largest, may_starve):
                tables.resume[band] = p - first_px
                break
            tables.run_start[p] = n_frames
