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
    RANK_BITS,
    RANK_SHIFT,
    START_SHIFT,
    Tables,
    U,
    Word,
    cell_mask,
)

FIRST_SEEN_FIRST = RANK_BITS << RANK_SHIFT
"""Turns the ranks of a slot round: of two colours as frequent the one seen first then is the larger number."""

NO_KEY = U(0xFFFFFFFFFFFFFFFF)
"""Larger than every key."""


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
    for row in range(worker, room.shape[0], n_workers):
        for column in range(room.shape[1]):
            p = row * step_px * width + column * step_px
            top, chosen, found = _choose(tables.slots, tables.meta[p], open_run(tables, p, n_frames), omg)
            for c in range(3):
                backdrop[row, column, c] = (top >> U(8 * c)) & BYTE
                room[row, column, c] = (chosen >> U(8 * c)) & BYTE
            room[row, column, 3] = 255 if found else 0


@njit(cache=True, nogil=True)
def _choose(slots: npt.NDArray[np.uint64], entry: Word, run: Word, omg: Word) -> tuple[Word, Word, Word]:
    """Return (most frequent colour, the rule's colour, whether it passed the threshold) of one pixel.

    Both loops are free of branches, so that they become vector instructions; the table fits the first-level cache.
    """
    begin = entry >> START_SHIFT
    end = begin + (U(1) << (entry & U(15)))
    mask = cell_mask((entry >> U(4)) & U(15))
    most, least, n_listed = U(0), NO_KEY, U(0)
    for i in range(begin, end):
        key = _key(slots[i], run, mask)
        is_there = slots[i] != U(0)
        n_listed += U(is_there and ((slots[i] ^ run) & mask) == U(0))
        most = max(most, key if is_there else U(0))
        least = min(least, key if is_there else NO_KEY)
    # The open run is a colour of its own where the table does not hold that colour.
    is_apart = n_listed == U(0) and run >> COUNT_SHIFT != U(0)
    if is_apart:
        most, least = max(most, run ^ FIRST_SEEN_FIRST), min(least, run ^ FIRST_SEEN_FIRST)
    top_sum = _channel_sum(most)
    room = NO_KEY
    for i in range(begin, end):
        key = _key(slots[i], run, mask)
        is_far = slots[i] != U(0) and abs(_channel_sum(key) - top_sum) > omg
        room = min(room, key if is_far else NO_KEY)
    if is_apart and abs(_channel_sum(run) - top_sum) > omg:
        room = min(room, run ^ FIRST_SEEN_FIRST)
    found = room != NO_KEY
    return most & COLOR_BITS, (room if found else least) & COLOR_BITS, found


@njit(cache=True, nogil=True, inline="always")
def _key(slot: Word, run: Word, mask: Word) -> Word:
    """Return a slot, the open run added to it if it has that colour, as a number that grows in the rule's order."""
    is_open = ((slot ^ run) & mask) == U(0)
    return (slot + (run >> COUNT_SHIFT << COUNT_SHIFT if is_open else U(0))) ^ FIRST_SEEN_FIRST


@njit(cache=True, nogil=True, inline="always")
def _channel_sum(color: Word) -> Word:
    return np.int64((color & BYTE) + ((color >> G_SHIFT) & BYTE) + ((color >> R_SHIFT) & BYTE))
