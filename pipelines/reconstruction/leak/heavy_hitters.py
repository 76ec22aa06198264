"""The backdrop of each pixel as its heaviest colour: weighted Misra-Gries counts with a few slots. Arrays only.

A pixel has `N_SLOTS` slots, each a cell of colours (16 codes of each channel wide), its weight and the mean of what
fell into it. A colour whose cell has a slot adds to its weight; another takes an empty slot; if there is none, every
slot of the pixel loses the smaller of the newcomer's weight and the lightest slot's. So a cell's weight is never
over what it got, and under it by at most W / (N_SLOTS + 1), W being all the weight that the pixel got [1]_: a cell
that got more than that is always held. Two states are merged by adding up cells and taking off the heaviest that
does not fit, which keeps the same bound over the sum of both [2]_.

The weight is how surely the pixel is not the person (see `pipeline`), so that a person who sits still does not become
the heaviest colour of their own pixels. A backdrop colour near the edge of a cell is spread over several cells by the
codec's noise; `choose_backdrop` adds cells whose means lie close together up again.

References
----------
.. [1] J. Misra, D. Gries, "Finding repeated elements", Science of Computer Programming 2, 1982.
.. [2] P. Agarwal et al., "Mergeable summaries", PODS 2012, section 3.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Word = Any
"""A number inside a kernel: numba mixes Python's and numpy's freely, their stubs do not."""

N_SLOTS = 6
CELL_SHIFT = 4
"""Cells are 1 << 4 codes wide: wider than the codec's noise, narrower than what tells room from backdrop."""

SAME_COLOR = 14.0
"""Means of slots no farther apart than this in any channel, in code values, are one colour."""

SLOWEST_RATE = 0.02
"""A mean follows its colour at least this fast, so that a slow change of light does not leave it behind."""


class HeavyColors(NamedTuple):
    """The slots of all pixels, as kernels take them.

    Attributes
    ----------
    cells : ndarray
        (height, width, N_SLOTS) uint16, cell of each slot: B, G and R without their low bits.
    weights : ndarray
        (height, width, N_SLOTS) uint32, 0 where a slot is empty.
    totals : ndarray
        (height, width) uint32, all the weight that the pixel got.
    means : ndarray
        (height, width, N_SLOTS, 3) float32 BGR, mean colour of each slot.
    """

    cells: npt.NDArray[np.uint16]
    weights: npt.NDArray[np.uint32]
    totals: npt.NDArray[np.uint32]
    means: npt.NDArray[np.float32]


def empty_heavy_colors(height: int, width: int) -> HeavyColors:
    """Return slots that have seen nothing.

    Parameters
    ----------
    height, width : int
        Size in pixels.

    Returns
    -------
    HeavyColors
        All 0.
    """
    size = (height, width, N_SLOTS)
    return HeavyColors(
        np.zeros(size, np.uint16),
        np.zeros(size, np.uint32),
        np.zeros((height, width), np.uint32),
        np.zeros((*size, 3), np.float32),
    )


@njit(cache=True, nogil=True)
def count_colors(image: npt.NDArray[np.uint8], weights: npt.NDArray[np.uint8], heavy: HeavyColors) -> None:
    """Count one frame's colours.

    Parameters
    ----------
    image : ndarray
        (height, width, 3) uint8 BGR.
    weights : ndarray
        (height, width) uint8, how much each pixel counts, 0 to 255.
    heavy : HeavyColors
        Written.
    """
    cells, held, totals, means = heavy
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            weight = np.uint32(weights[y, x])
            if weight == 0:
                continue
            totals[y, x] += weight
            cell = _cell(image[y, x, 0], image[y, x, 1], image[y, x, 2])
            k = _slot_for(cells, held, y, x, cell)
            if k < 0:
                weight = _make_room(held, y, x, weight)
                k = _slot_for(cells, held, y, x, cell) if weight else -1
                if k < 0:
                    continue
            if held[y, x, k] == 0:
                cells[y, x, k] = cell
                for c in range(3):
                    means[y, x, k, c] = image[y, x, c]
            held[y, x, k] += weight
            rate = max(np.float32(weight) / np.float32(held[y, x, k]), np.float32(SLOWEST_RATE))
            for c in range(3):
                means[y, x, k, c] += rate * (np.float32(image[y, x, c]) - means[y, x, k, c])


@njit(cache=True, nogil=True, inline="always")
def _cell(b: Word, g: Word, r: Word) -> Word:
    return np.uint16((b >> CELL_SHIFT) | (g >> CELL_SHIFT) << 4 | (r >> CELL_SHIFT) << 8)


# Whole arrays and the place of the pixel, not views of the pixel: making those takes several times what is done here.


@njit(cache=True, nogil=True)
def _slot_for(cells: npt.NDArray[np.uint16], weights: npt.NDArray[np.uint32], y: Word, x: Word, cell: Word) -> Word:
    """Return the slot that holds a cell, else an empty one, else -1."""
    empty = -1
    for k in range(N_SLOTS):
        if weights[y, x, k] == 0:
            empty = k
        elif cells[y, x, k] == cell:
            return k
    return empty


@njit(cache=True, nogil=True)
def _make_room(weights: npt.NDArray[np.uint32], y: Word, x: Word, weight: Word) -> Word:
    """Take the same off every slot until one is empty or the newcomer used up; return what is left of it."""
    off = weight
    for k in range(N_SLOTS):
        off = min(off, weights[y, x, k])
    for k in range(N_SLOTS):
        weights[y, x, k] -= off
    return np.uint32(weight - off)


@njit(cache=True, nogil=True)
def choose_backdrop(
    heavy: HeavyColors,
    first_row: Word,
    end_row: Word,
    backdrop: npt.NDArray[np.float32],
    weight: npt.NDArray[np.uint32],
) -> None:
    """Choose the heaviest colour of each pixel, slots of nearly the same colour taken together.

    Parameters
    ----------
    heavy : HeavyColors
        Read.
    first_row, end_row : int
        Rows to choose for.
    backdrop : ndarray
        (height, width, 3) float32 BGR, written in those rows where a slot has weight.
    weight : ndarray
        (height, width) uint32, written in those rows: the weight behind the choice.
    """
    weights, means = heavy.weights, heavy.means
    totals = np.empty(N_SLOTS, np.uint32)
    for y in range(first_row, end_row):
        for x in range(backdrop.shape[1]):
            best, n = -1, 0
            for k in range(N_SLOTS):
                if weights[y, x, k]:
                    best = k
                    n += 1
            if n > 1:
                best = _heaviest(weights, means, y, x, totals)
                weight[y, x] = totals[best]
                _mean_of_same(weights, means, y, x, best, backdrop)
            elif n == 1:  # most pixels: the same formula, of one slot
                held = weight[y, x] = weights[y, x, best]
                for c in range(3):
                    backdrop[y, x, c] = np.float32(held) * means[y, x, best, c] / np.float32(held)
            else:
                weight[y, x] = 0


@njit(cache=True, nogil=True)
def _heaviest(
    weights: npt.NDArray[np.uint32], means: npt.NDArray[np.float32], y: Word, x: Word, totals: npt.NDArray[np.uint32]
) -> Word:
    """Return the slot whose colour is the heaviest; write the weight of each slot's colour to `totals`."""
    for k in range(N_SLOTS):
        totals[k] = weights[y, x, k]
        for j in range(k):
            if weights[y, x, k] and weights[y, x, j] and _are_alike(means, y, x, k, j):
                totals[k] += weights[y, x, j]
                totals[j] += weights[y, x, k]
    best, best_weight = -1, np.uint32(0)
    for k in range(N_SLOTS):
        total = totals[k]
        if total > best_weight or (best >= 0 and total == best_weight and weights[y, x, k] > weights[y, x, best]):
            best, best_weight = k, total
    return best


@njit(cache=True, nogil=True)
def _mean_of_same(
    weights: npt.NDArray[np.uint32],
    means: npt.NDArray[np.float32],
    y: Word,
    x: Word,
    best: Word,
    backdrop: npt.NDArray[np.float32],
) -> None:
    """Write the mean of all slots that are the colour of slot `best`."""
    blue, green, red, total = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    for k in range(N_SLOTS):
        if weights[y, x, k] and _are_alike(means, y, x, best, k):
            held = np.float32(weights[y, x, k])
            total += held
            blue += held * means[y, x, k, 0]
            green += held * means[y, x, k, 1]
            red += held * means[y, x, k, 2]
    backdrop[y, x, 0], backdrop[y, x, 1], backdrop[y, x, 2] = blue / total, green / total, red / total


@njit(cache=True, nogil=True)
def _are_alike(means: npt.NDArray[np.float32], y: Word, x: Word, k: Word, j: Word) -> Word:
    far = np.float32(0)
    for c in range(3):
        far = max(far, abs(means[y, x, k, c] - means[y, x, j, c]))
    return far <= SAME_COLOR


@njit(cache=True, nogil=True, inline="always")
def color_distance(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Word:
    """Return the largest difference of two colours in any channel.

    Parameters
    ----------
    a, b : ndarray
        (3,) uint8 or float32, BGR.

    Returns
    -------
    float32
        Code values, 0 to 255.
    """
    far = np.float32(0)
    for c in range(3):
        far = max(far, abs(np.float32(a[c]) - np.float32(b[c])))
    return far


@njit(cache=True, nogil=True)
def add_heavy_colors(later: HeavyColors, heavy: HeavyColors) -> None:
    """Add the counts of other frames of the same size.

    Parameters
    ----------
    later : HeavyColors
        Read.
    heavy : HeavyColors
        Written: its counts and those of `later`.
    """
    n_both = 2 * N_SLOTS
    cells = np.empty(n_both, np.uint16)
    weights = np.empty(n_both, np.uint32)
    means = np.empty((n_both, 3), np.float32)
    for y in range(heavy.totals.shape[0]):
        for x in range(heavy.totals.shape[1]):
            heavy.totals[y, x] += later.totals[y, x]
            n = 0
            for k in range(N_SLOTS):
                if heavy.weights[y, x, k]:
                    cells[n], weights[n] = heavy.cells[y, x, k], heavy.weights[y, x, k]
                    means[n] = heavy.means[y, x, k]
                    n += 1
            for k in range(N_SLOTS):
                if later.weights[y, x, k]:
                    n = _add_cell(
                        cells, weights, means, n, later.cells[y, x, k], later.weights[y, x, k], later.means[y, x, k]
                    )
            order = np.argsort(weights[:n])[::-1]
            off = weights[order[N_SLOTS]] if n > N_SLOTS else np.uint32(0)
            for k in range(N_SLOTS):
                heavy.weights[y, x, k] = weights[order[k]] - off if k < n else np.uint32(0)
                if k < n:
                    heavy.cells[y, x, k] = cells[order[k]]
                    heavy.means[y, x, k] = means[order[k]]


@njit(cache=True, nogil=True)
def _add_cell(
    cells: npt.NDArray[np.uint16],
    weights: npt.NDArray[np.uint32],
    means: npt.NDArray[np.float32],
    n: Word,
    cell: Word,
    weight: Word,
    mean: npt.NDArray[np.float32],
) -> Word:
    """Add a cell to the first `n` of a list, or behind them; return how many there are now."""
    for k in range(n):
        if cells[k] == cell:
            both = weights[k] + weight
            for c in range(3):
                means[k, c] += np.float32(weight) / np.float32(both) * (mean[c] - means[k, c])
            weights[k] = both
            return n
    cells[n], weights[n] = cell, weight
    means[n] = mean
    return n + 1
