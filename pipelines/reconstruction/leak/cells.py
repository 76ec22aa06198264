"""What the network's encoder made of all colours, gathered on cells of 2 x 2 pixels, and the way back. Arrays only.

A cell holds the mean of what its colours were encoded to, and of the colours themselves, each weighted by the odds of
the encoder's first guess: of all that was seen there the likely room counts most. Beside them: how likely the
likeliest is, how many there are, and the backdrop.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.reconstruction.leak.claims import HALF_RANGE
from pipelines.reconstruction.leak.evidence import N_SLOTS
from pipelines.reconstruction.leak.heavy_hitters import Word

SIDE_PX = 2
"""Pixels along a cell."""

MOST_LOG_ODDS = 15.0
LEAST_WEIGHT = 1e-7
MOST_LOG_WEIGHT, LOG_WEIGHT_UNIT = 12.0, 4.0
FULL = 4.0
"""So many colours in a cell count as 1."""


def n_channels(n_embedded: int) -> int:
    """Return the channels of a map of cells.

    Parameters
    ----------
    n_embedded : int
        Figures that the encoder makes of a colour.

    Returns
    -------
    int
        These, three of colour, the weight, the count, three of the backdrop, and whether it is known.
    """
    return n_embedded + 9


@njit(cache=True, nogil=True)
def gather_cells(
    owners: npt.NDArray[np.int32],
    embedded: npt.NDArray[np.float32],
    log_odds: npt.NDArray[np.float32],
    colors: npt.NDArray[np.float32],
    backdrop: npt.NDArray[np.float32],
    known: npt.NDArray[np.uint8],
    first_row: Word,
    cells: npt.NDArray[np.float32],
) -> None:
    """Fill the rows of cells that some rows of pixels belong to.

    Parameters
    ----------
    owners : ndarray
        (n,) int32, from `claims.describe`, of whole rows of cells.
    embedded, log_odds : ndarray
        (n, n_embedded) and (n,) float32, from the encoder.
    colors : ndarray
        (n, 3) float32 BGR, divided by `HALF_RANGE` and less 1, as the features have them.
    backdrop : ndarray
        (height, width, 3) float32 BGR.
    known : ndarray
        (height, width) uint8, 1 where the backdrop is known.
    first_row : int
        First of the rows of pixels; a multiple of `SIDE_PX`.
    cells : ndarray
        (n_channels, rows of cells to fill, any width from width / `SIDE_PX` on) float32, written.
    """
    n_embedded, width = embedded.shape[1], backdrop.shape[1]
    n_colored = n_embedded + 3
    cells[:] = 0
    for i in range(owners.size):
        y, x = divmod(owners[i] // N_SLOTS, width)
        v, u = (y - first_row) // SIDE_PX, x // SIDE_PX
        weight = np.exp(min(max(log_odds[i], np.float32(-MOST_LOG_ODDS)), np.float32(MOST_LOG_ODDS)))
        for j in range(n_embedded):
            cells[j, v, u] += weight * embedded[i, j]
        for c in range(3):
            cells[n_embedded + c, v, u] += weight * colors[i, c]
        cells[n_colored, v, u] += weight
        cells[n_colored + 1, v, u] += np.float32(1 / FULL)
    for v in range(cells.shape[1]):
        for u in range(-(-width // SIDE_PX)):
            weight = cells[n_colored, v, u] + np.float32(LEAST_WEIGHT)
            for j in range(n_colored):
                cells[j, v, u] /= weight
            log_weight = min(max(np.log(weight), np.float32(-MOST_LOG_WEIGHT)), np.float32(MOST_LOG_WEIGHT))
            cells[n_colored, v, u] = log_weight / np.float32(LOG_WEIGHT_UNIT)
            _add_backdrop(backdrop, known, first_row + v * SIDE_PX, u * SIDE_PX, cells[n_colored + 2 :, v, u])


@njit(cache=True, nogil=True, inline="always")
def _add_backdrop(
    backdrop: npt.NDArray[np.float32],
    known: npt.NDArray[np.uint8],
    first_y: Word,
    first_x: Word,
    out: npt.NDArray[np.float32],
) -> None:
    """Write the mean of a cell's backdrop, and which share of it is known."""
    n = 0
    for y in range(first_y, min(first_y + SIDE_PX, backdrop.shape[0])):
        for x in range(first_x, min(first_x + SIDE_PX, backdrop.shape[1])):
            n += 1
            for c in range(3):
                out[c] += backdrop[y, x, c] / np.float32(HALF_RANGE) - np.float32(1)
            out[3] += known[y, x]
    for c in range(4):
        out[c] /= np.float32(max(n, 1))


@njit(cache=True, nogil=True)
def look_around(
    owners: npt.NDArray[np.int32],
    context: npt.NDArray[np.float32],
    width: Word,
    around: npt.NDArray[np.float32],
) -> None:
    """Take the context at the pixel of each colour, linearly between the middles of the cells.

    Parameters
    ----------
    owners : ndarray
        (n,) int32, from `claims.describe`.
    context : ndarray
        (rows of cells, columns of cells, n_context) float32.
    width : int
        Pixels in a row.
    around : ndarray
        (n, n_context) float32, written.
    """
    for i in range(owners.size):
        y, x = divmod(owners[i] // N_SLOTS, width)
        v_0, v_1, down = _between(y, context.shape[0])
        u_0, u_1, right = _between(x, context.shape[1])
        for j in range(context.shape[2]):
            upper = context[v_0, u_0, j] * (1 - right) + context[v_0, u_1, j] * right
            lower = context[v_1, u_0, j] * (1 - right) + context[v_1, u_1, j] * right
            around[i, j] = upper * (1 - down) + lower * down


@njit(cache=True, nogil=True, inline="always")
def _between(pixel: Word, n_cells: Word) -> tuple[Word, Word, Word]:
    """Return the cells before and after the middle of a pixel, and how far it is on the way from one to the other."""
    at = max(np.float32((pixel + 0.5) / SIDE_PX - 0.5), np.float32(0))
    before = min(np.int64(at), n_cells - 1)
    return before, min(before + 1, n_cells - 1), at - np.float32(before)
