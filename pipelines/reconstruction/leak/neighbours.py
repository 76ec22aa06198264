"""Weighted means of the likely colours around a pixel, the ground on which `fusion` stands. Arrays only.

A room is smooth, or repeats itself along an edge; what a codec and a soft mask did to one pixel they did otherwise to
the next. So a pixel's colour is better known from all that are alike around it than from itself. How far to look and
how alike to be depends on the place: hence several means (`MEANS`), between which a network chooses.

References
----------
C. Tomasi, R. Manduchi, "Bilateral filtering for gray and color images", ICCV 1998: weights by place and by colour.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

MEANS = (
    "closest, alike",
    "near, alike",
    "far, alike",
    "far, similar",
    "near, any colour",
    "far, alike, opaque",
    "far, the same",
    "far, similar, opaque",
)
CLOSEST_PX, NEAR_PX, FAR_PX = 1.0, 2.5, 5.0
"""Sigmas of how far is looked."""

REACH_PX = 10
"""Nothing farther counts."""

SIMILAR_CODES = 20.0
"""Sigma of what is similar; half of it is alike, a quarter the same."""

OPAQUE_CODES, LEAST_OPAQUE = 20.0, 1e-3
"""A colour so far from the backdrop is 1 - 1/e opaque."""

NO_WEIGHT = 1e-9

Weighted = tuple[np.float32, np.float32, np.float32, np.float32]
"""Sums of weights, and of weights times blue, green and red."""

_AWAY_PX_2 = np.arange(2 * REACH_PX**2 + 1)
FALL_OFF = np.exp(-_AWAY_PX_2 / (2 * np.array([[CLOSEST_PX], [NEAR_PX], [FAR_PX]]) ** 2)).astype(np.float32)
"""(3, square of the distance in pixels) float32: weights by place."""


def opacity(colors: npt.NDArray[np.float32], backdrop: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Say by how much a colour counts that is so far from the backdrop.

    Parameters
    ----------
    colors, backdrop : ndarray
        (n, 3) float32 BGR, 0 to 255.

    Returns
    -------
    ndarray
        (n,) float32, over 0, up to about 1: a half-transparent leak lies between room and backdrop.
    """
    off = colors - backdrop
    away = np.sqrt(np.einsum("nc,nc->n", off, off) / np.float32(3))
    opaque: npt.NDArray[np.float32] = (1 - np.exp(away / np.float32(-OPAQUE_CODES))) ** 2 + np.float32(LEAST_OPAQUE)
    return opaque


@njit(cache=True, nogil=True, fastmath=True)
def mean_neighbours(
    pixels: npt.NDArray[np.int64],
    confidence: npt.NDArray[np.float32],
    colors: npt.NDArray[np.float32],
    opaque: npt.NDArray[np.float32],
    means: npt.NDArray[np.float32],
    log_weights: npt.NDArray[np.float32],
) -> None:
    """Average the colours around some pixels in the ways of `MEANS`; the pixel's own is among them.

    Parameters
    ----------
    pixels : ndarray
        (n,) int64, row times width plus column.
    confidence : ndarray
        (height, width) float32, 0 to 1; a pixel of 0 does not count.
    colors : ndarray
        (height, width, 3) float32 BGR, 0 to 255.
    opaque : ndarray
        (height, width) float32, from `opacity`.
    means : ndarray
        (n, at least len(MEANS), 3) float32 BGR, the first of which are written.
    log_weights : ndarray
        (n, len(MEANS)) float32, natural logarithm of the sum of each mean's weights, written.
    """
    height, width = confidence.shape
    none = (np.float32(0), np.float32(0), np.float32(0), np.float32(0))
    for i in range(pixels.size):
        y, x = divmod(pixels[i], width)
        own_b, own_g, own_r = colors[y, x, 0], colors[y, x, 1], colors[y, x, 2]
        closest_alike = near_alike = far_alike = far_similar = near_any = none
        far_alike_opaque = far_same = far_similar_opaque = none
        for v in range(max(0, y - REACH_PX), min(height, y + REACH_PX + 1)):
            for u in range(max(0, x - REACH_PX), min(width, x + REACH_PX + 1)):
                sure = confidence[v, u]
                if sure <= 0:
                    continue
                # Relative to the pixel's own colour, so that sums of many lose nothing.
                b, g, r = colors[v, u, 0] - own_b, colors[v, u, 1] - own_g, colors[v, u, 2] - own_r
                similar, alike, same = _likenesses(b, g, r)
                away = (v - y) * (v - y) + (u - x) * (u - x)
                closest = FALL_OFF[0, away] * sure
                near, far = FALL_OFF[1, away] * sure * sure, FALL_OFF[2, away] * sure * sure
                clear = far * opaque[v, u]
                closest_alike = _with(closest_alike, closest * alike, b, g, r)
                near_alike = _with(near_alike, near * alike, b, g, r)
                far_alike = _with(far_alike, far * alike, b, g, r)
                far_similar = _with(far_similar, far * similar, b, g, r)
                near_any = _with(near_any, near, b, g, r)
                far_alike_opaque = _with(far_alike_opaque, clear * alike, b, g, r)
                far_same = _with(far_same, far * same, b, g, r)
                far_similar_opaque = _with(far_similar_opaque, clear * similar, b, g, r)
        own = colors[y, x]
        _write(closest_alike, own, means[i, 0], log_weights[i, 0:1])
        _write(near_alike, own, means[i, 1], log_weights[i, 1:2])
        _write(far_alike, own, means[i, 2], log_weights[i, 2:3])
        _write(far_similar, own, means[i, 3], log_weights[i, 3:4])
        _write(near_any, own, means[i, 4], log_weights[i, 4:5])
        _write(far_alike_opaque, own, means[i, 5], log_weights[i, 5:6])
        _write(far_same, own, means[i, 6], log_weights[i, 6:7])
        _write(far_similar_opaque, own, means[i, 7], log_weights[i, 7:8])


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _likenesses(b: np.float32, g: np.float32, r: np.float32) -> tuple[np.float32, np.float32, np.float32]:
    """Return weights of a difference in colour: similar, alike, the same.

    Of luma, and of blue and red less luma. (1 - d^2 / 16 s^2)^8 stands for the bell exp(-d^2 / 2 s^2): without an
    exponential function it takes half the time. Half the sigma is the fourth power.
    """
    luma = np.float32(0.114) * b + np.float32(0.587) * g + np.float32(0.299) * r
    squared = luma * luma + (b - luma) * (b - luma) + (r - luma) * (r - luma)
    root = max(np.float32(1) - squared * np.float32(1 / (16 * SIMILAR_CODES**2)), np.float32(0))
    root *= root
    root *= root
    similar = root * root
    alike = similar * similar
    alike *= alike
    same = alike * alike
    return similar, alike, same * same


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _with(sums: Weighted, weight: np.float32, b: np.float32, g: np.float32, r: np.float32) -> Weighted:
    return (sums[0] + weight, sums[1] + weight * b, sums[2] + weight * g, sums[3] + weight * r)


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _write(
    sums: Weighted,
    own: npt.NDArray[np.float32],
    mean: npt.NDArray[np.float32],
    log_weight: npt.NDArray[np.float32],
) -> None:
    weight = sums[0] + np.float32(NO_WEIGHT)
    for c in range(3):
        mean[c] = sums[1 + c] / weight + own[c]
    log_weight[0] = np.log(weight)
