"""Weighted means of the likely colours around a pixel, the ground on which `fusion` stands. Arrays only.

A room is smooth, or repeats itself along an edge; what a codec and a soft mask did to one pixel they did otherwise to
the next. So a pixel's colour is better known from all that are alike around it than from itself. How far to look and
how alike to be depends on the place: hence several means (`MEANS`), between which a network chooses.

A codec carries tint in squares of 16 pixels and hardly at all where they are new, so that tint is off by whole squares.
A wall is wider. Hence the wide means, of every tenth row and column, in which only tint must be close.

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
    "wide, the same",
    "wide, alike",
    "wide, the same, opaque",
)
CLOSEST_PX, NEAR_PX, FAR_PX, WIDE_PX = 1.0, 2.5, 5.0, 40.0
"""Sigmas of how far is looked."""

REACH_PX, SPAN_PX = 10, 24
"""Nothing farther than the reach counts. Rows are looked at in spans, from that far left on, which processors take
eight pixels at once: what is beyond the reach counts nothing."""

WIDE_STEP_PX, WIDE_STEPS = 10, 8
"""The wide means look at rows and columns so far apart, and so many of them on each side."""

SIMILAR_CODES = 20.0
"""Sigma of what is similar; half of it is alike, a quarter the same."""

WIDE_LUMA_SHARE = 0.25
"""Squares of differences in luma count for so much in the wide means: of twice the sigma."""

OPAQUE_CODES, LEAST_OPAQUE = 20.0, 1e-3
"""A colour so far from the backdrop is 1 - 1/e opaque."""

NO_WEIGHT = 1e-9

CONFIDENCE, OPAQUE, BLUE, GREEN, RED = range(5)
"""Planes of a picture, see `planes_of`."""

_FIRST_WIDE = MEANS.index("wide, the same")

Weighted = tuple[np.float32, np.float32, np.float32, np.float32]
"""Sums of weights, and of weights times blue, green and red."""


def _fall_off(reach_px: int, span_px: int) -> npt.NDArray[np.float32]:
    """Return weights by place: of closest, near and far, (3, rows, columns) float32."""
    down, right = np.arange(-reach_px, reach_px + 1)[:, np.newaxis], np.arange(span_px) - reach_px
    sigmas_px = np.array([CLOSEST_PX, NEAR_PX, FAR_PX])[:, np.newaxis, np.newaxis]
    return np.where(right <= reach_px, np.exp(-(down**2 + right**2) / (2 * sigmas_px**2)), 0).astype(np.float32)


FALL_OFF = _fall_off(REACH_PX, SPAN_PX)
WIDE_FALL_OFF = np.exp(-np.arange(2 * WIDE_STEPS**2 + 1) * WIDE_STEP_PX**2 / (2 * WIDE_PX**2)).astype(np.float32)
"""Weights of the wide means by the square of the distance in steps."""


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


def planes_of(
    pixels: npt.NDArray[np.int64],
    size: tuple[int, int],
    confidence: npt.NDArray[np.float32],
    colors: npt.NDArray[np.float32],
    opaque: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    """Lay some pixels out as `mean_neighbours` takes them.

    Parameters
    ----------
    pixels : ndarray
        (n,) int64, row times width plus column; the others do not count.
    size : tuple of int
        Height and width.
    confidence, opaque : ndarray
        (n,) float32, 0 to 1, the latter from `opacity`.
    colors : ndarray
        (n, 3) float32 BGR, 0 to 255.

    Returns
    -------
    ndarray
        (5, height + 2 REACH_PX, width + SPAN_PX) float32: a plane for each figure; the picture's first pixel is at
        (REACH_PX, REACH_PX), and around it is nothing.
    """
    height, width = size
    planes = np.zeros((5, height + 2 * REACH_PX, width + SPAN_PX), np.float32)
    at = (pixels // width + REACH_PX, pixels % width + REACH_PX)
    for plane, values in zip(planes, (confidence, opaque, *colors.T), strict=True):
        plane[at] = values
    return planes


@njit(cache=True, nogil=True, fastmath=True)
def mean_neighbours(
    pixels: npt.NDArray[np.int64],
    planes: npt.NDArray[np.float32],
    means: npt.NDArray[np.float32],
    log_weights: npt.NDArray[np.float32],
) -> None:
    """Average the colours around some pixels in the ways of `MEANS`; the pixel's own is among them.

    Parameters
    ----------
    pixels : ndarray
        (n,) int64, row times width plus column.
    planes : ndarray
        From `planes_of`.
    means : ndarray
        (n, at least len(MEANS), 3) float32 BGR, the first of which are written.
    log_weights : ndarray
        (n, len(MEANS)) float32, natural logarithm of the sum of each mean's weights, written.
    """
    width = planes.shape[2] - SPAN_PX
    for i in range(pixels.size):
        y, x = divmod(pixels[i], width)
        _mean_near(y, x, planes, means[i], log_weights[i])
        _mean_wide(y, x, planes, means[i, _FIRST_WIDE:], log_weights[i, _FIRST_WIDE:])


@njit(cache=True, nogil=True, fastmath=True)
def _mean_near(
    y: int,
    x: int,
    planes: npt.NDArray[np.float32],
    means: npt.NDArray[np.float32],
    log_weights: npt.NDArray[np.float32],
) -> None:
    none = (np.float32(0), np.float32(0), np.float32(0), np.float32(0))
    own = planes[BLUE:, y + REACH_PX, x + REACH_PX]
    own_b, own_g, own_r = own
    closest_alike = near_alike = far_alike = far_similar = near_any = none
    far_alike_opaque = far_same = far_similar_opaque = none
    for row in range(FALL_OFF.shape[1]):
        # Views of one row each: only so does the compiler take several pixels at once, which takes a third of the time.
        sure_of, opaque_of = planes[CONFIDENCE, y + row, x : x + SPAN_PX], planes[OPAQUE, y + row, x : x + SPAN_PX]
        blue_of, green_of = planes[BLUE, y + row, x : x + SPAN_PX], planes[GREEN, y + row, x : x + SPAN_PX]
        red_of = planes[RED, y + row, x : x + SPAN_PX]
        by_closest, by_near, by_far = FALL_OFF[0, row], FALL_OFF[1, row], FALL_OFF[2, row]
        for k in range(SPAN_PX):
            # Relative to the pixel's own colour, so that sums of many lose nothing.
            b, g, r = blue_of[k] - own_b, green_of[k] - own_g, red_of[k] - own_r
            similar, alike, same = _likenesses(b, g, r, np.float32(1))
            sure = sure_of[k]
            closest, near, far = by_closest[k] * sure, by_near[k] * sure * sure, by_far[k] * sure * sure
            clear = far * opaque_of[k]
            closest_alike = _with(closest_alike, closest * alike, b, g, r)
            near_alike = _with(near_alike, near * alike, b, g, r)
            far_alike = _with(far_alike, far * alike, b, g, r)
            far_similar = _with(far_similar, far * similar, b, g, r)
            near_any = _with(near_any, near, b, g, r)
            far_alike_opaque = _with(far_alike_opaque, clear * alike, b, g, r)
            far_same = _with(far_same, far * same, b, g, r)
            far_similar_opaque = _with(far_similar_opaque, clear * similar, b, g, r)
    _write(closest_alike, own, means[0], log_weights[0:1])
    _write(near_alike, own, means[1], log_weights[1:2])
    _write(far_alike, own, means[2], log_weights[2:3])
    _write(far_similar, own, means[3], log_weights[3:4])
    _write(near_any, own, means[4], log_weights[4:5])
    _write(far_alike_opaque, own, means[5], log_weights[5:6])
    _write(far_same, own, means[6], log_weights[6:7])
    _write(far_similar_opaque, own, means[7], log_weights[7:8])


@njit(cache=True, nogil=True, fastmath=True)
def _mean_wide(
    y: int,
    x: int,
    planes: npt.NDArray[np.float32],
    means: npt.NDArray[np.float32],
    log_weights: npt.NDArray[np.float32],
) -> None:
    height, width = planes.shape[1] - 2 * REACH_PX, planes.shape[2] - SPAN_PX
    none = (np.float32(0), np.float32(0), np.float32(0), np.float32(0))
    own = planes[BLUE:, y + REACH_PX, x + REACH_PX]
    own_b, own_g, own_r = own
    same_ones = alike_ones = same_opaque_ones = none
    first_down, first_right = -min(WIDE_STEPS, y // WIDE_STEP_PX), -min(WIDE_STEPS, x // WIDE_STEP_PX)
    for down in range(first_down, min(WIDE_STEPS, (height - 1 - y) // WIDE_STEP_PX) + 1):
        for right in range(first_right, min(WIDE_STEPS, (width - 1 - x) // WIDE_STEP_PX) + 1):
            v, u = y + down * WIDE_STEP_PX + REACH_PX, x + right * WIDE_STEP_PX + REACH_PX
            sure = planes[CONFIDENCE, v, u]
            if sure <= 0:
                continue
            b, g, r = planes[BLUE, v, u] - own_b, planes[GREEN, v, u] - own_g, planes[RED, v, u] - own_r
            _, alike, same = _likenesses(b, g, r, np.float32(WIDE_LUMA_SHARE))
            weight = WIDE_FALL_OFF[down * down + right * right] * sure * sure
            same_ones = _with(same_ones, weight * same, b, g, r)
            alike_ones = _with(alike_ones, weight * alike, b, g, r)
            same_opaque_ones = _with(same_opaque_ones, weight * same * planes[OPAQUE, v, u], b, g, r)
    _write(same_ones, own, means[0], log_weights[0:1])
    _write(alike_ones, own, means[1], log_weights[1:2])
    _write(same_opaque_ones, own, means[2], log_weights[2:3])


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _likenesses(
    b: np.float32, g: np.float32, r: np.float32, luma_share: np.float32
) -> tuple[np.float32, np.float32, np.float32]:
    """Return weights of a difference in colour: similar, alike, the same.

    Of luma, and of blue and red less luma. (1 - d^2 / 16 s^2)^8 stands for the bell exp(-d^2 / 2 s^2): without an
    exponential function it takes half the time. Half the sigma is the fourth power.
    """
    luma = np.float32(0.114) * b + np.float32(0.587) * g + np.float32(0.299) * r
    squared = luma_share * luma * luma + (b - luma) * (b - luma) + (r - luma) * (r - luma)
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
