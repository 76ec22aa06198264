"""The loop over the pixels of a frame that counts its colours.

A pixel that shows the colour of the frame before costs one comparison, 256 pixels at a time: only when a
colour ends is the length of its run added to the pixel's table. Arrays only; every function trusts its arguments. A
kernel works on every `n_workers`-th band of rows, so that threads share a frame without touching the same pixel.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.reconstruction.tables import (
    COUNT_SHIFT,
    ONE_COLOR,
    RANK_SHIFT,
    SIZE_BITS,
    SIZE_SHIFT,
    START_SHIFT,
    Tables,
    U,
    Word,
    add_color,
    cell_mask,
    home_slot,
    most_colors,
)

BLOCK_PX = 32
"""Pixels compared at once where something changed: 96 bytes, whole vector registers."""

WIDE_BLOCK_PX = 256
"""Pixels compared at once before that: most of most frames is as it was."""

BATCH_FRAMES = 4
"""Frames counted together where nobody waits for them (recordings)."""

STRIP_PX = 4096
"""Pixels on which a batch is counted before the next ones: their tables fit the second-level cache."""

BATCH_PX = 512
"""Changed pixels worked on together: their lists stay in the first-level cache."""

G_SHIFT, R_SHIFT = U(8), U(16)
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
        if begin + WIDE_BLOCK_PX <= end and _is_same(frame, last, U(begin * 3), WIDE_BLOCK_PX * 3):
            begin += WIDE_BLOCK_PX
            continue
        wide_end = min(begin + WIDE_BLOCK_PX, end)
        while begin < wide_end and k <= BATCH_PX - BLOCK_PX:
            stop = min(begin + BLOCK_PX, end)
            if stop - begin < BLOCK_PX or not _is_same(frame, last, U(begin * 3), BLOCK_PX * 3):
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


@njit(cache=True, nogil=True, inline="always")
def _is_same(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], begin: Word, n: Word) -> Word:
    """Say whether `n` bytes from `begin` on are the same. A constant `n` makes it a few vector instructions, ..."""
    differing = np.uint8(0)
    for i in range(U(n)):
        # ... of whole registers of bytes: left alone, numba widens what comes of two bytes to eight of them.
        differing = np.uint8(differing | one[begin + i] ^ other[begin + i])
    return differing == np.uint8(0)


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
def open_run(tables: Tables, p: Word, n_frames: Word) -> Word:
    """Return the run that has not ended yet as a slot of the rank after all others; count 0 if there is none.

    Parameters
    ----------
    tables : Tables
        Read.
    p : int
        The pixel.
    n_frames : int
        Frames counted.

    Returns
    -------
    uint64
        Count, rank and colour as in a slot of `tables`.
    """
    i = p * 3
    color = U(tables.last[i]) | U(tables.last[i + 1]) << G_SHIFT | U(tables.last[i + 2]) << R_SHIFT
    n_colors = (tables.meta[p] >> SIZE_SHIFT) & SIZE_BITS
    return U(n_frames - tables.run_start[p]) << COUNT_SHIFT | n_colors << RANK_SHIFT | color
