"""roomg's rule on the counts of every pixel, as a kernel. Arrays only; trusts its arguments.

Rows are shared between threads: a call works on every `n_workers`-th one.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.reconstruction.kernels import BYTE, G_SHIFT, R_SHIFT, open_run
from pipelines.reconstruction.tables import (
    COLOR_BITS,
    COUNT_SHIFT,
    LARGEST_LOG2_CAPACITY,
    RANK_BITS,
    RANK_SHIFT,
    START_SHIFT,
    Tables,
    U,
    Word,
    cell_mask,
)


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
            n_colors = _list_colors(tables.slots, tables.meta[p], open_run(tables, p, n_frames), colors)
            top, chosen, found = _choose(colors[:n_colors], omg)
            for c in range(3):
                backdrop[row, column, c] = (top >> U(8 * c)) & BYTE
                room[row, column, c] = (chosen >> U(8 * c)) & BYTE
            room[row, column, 3] = 255 if found else 0


@njit(cache=True, nogil=True)
def _channel_sum(color: Word) -> Word:
    return np.int64((color & BYTE) + ((color >> G_SHIFT) & BYTE) + ((color >> R_SHIFT) & BYTE))


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
