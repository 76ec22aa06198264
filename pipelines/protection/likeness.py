"""Which pixels of two pictures look alike: CIEDE2000, decided cheaply wherever that can be done. Arrays only.

A pixel goes through four steps, and most need only the first two:

1. Equal codes look alike.
2. The difference of lightness decides most of the others. CIEDE2000 is the root of (dL / S_L)^2 and of a quadratic
   form in chroma and hue that is never negative (R_T lies between -2 and 2), so two colours that are at least
   limit * S_L apart in lightness are not closer than the limit ([1]_, equations 18 and 22). Lightness comes from a
   table here, and what the table may be wrong by, `LIGHTNESS_SLACK`, is allowed for: no pixel is decided wrongly.
3. Then chroma: R_T is no larger than 2 sin(60 degrees), so the form is at least a quarter of (dC' / S_C)^2, and colours
   that are at least 2 * limit * S_C apart in chroma are not closer than the limit either. That needs no angle.
4. What is left is computed as [1]_ writes it, in double precision. `pipelines.color` has the same formulas for whole
   arrays, with their sources; the tests hold one against the other.

References
----------
.. [1] G. Sharma, W. Wu, E. N. Dalal, The CIEDE2000 Color-Difference Formula: Implementation Notes,
   Supplementary Test Data, and Mathematical Observations, Color Research and Application 30(1), 2005.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

_CODES = np.arange(256) / 255.0
_LIGHT = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4)
"""Linear light of each code, sRGB."""

_N_STEPS = 4096
_GREYS = np.arange(_N_STEPS + 1) / _N_STEPS
_LIGHTNESS = 116.0 * np.where(_GREYS > 0.008856, np.cbrt(_GREYS), 7.787 * _GREYS + 16.0 / 116.0) - 16.0
"""L* of each step of luminance."""

LIGHTNESS_SLACK = 903.3 / _N_STEPS + 1e-4
"""By how much a difference of L* from the table may be wrong, and a little more: L* grows by at most 903.3 as luminance
goes from 0 to 1, and both luminances are rounded to the nearest step."""

_25_TO_THE_7 = 25.0**7

Lab = tuple[float, float, float]


@njit(cache=True, nogil=True)
def mark_alike(
    one: npt.NDArray[np.uint8],
    other: npt.NDArray[np.uint8],
    where: npt.NDArray[np.bool_],
    limit: float,
    step: int,
    is_mirrored: bool,
    marked: npt.NDArray[np.bool_],
) -> int:
    """Mark the pixels at which two pictures look alike, and count them.

    Parameters
    ----------
    one, other : ndarray
        (height, width, 3) uint8 BGR.
    where : ndarray
        (rows, columns) bool: the pixels to look at; it lies on every `step`-th row and column of the pictures.
    limit : float
        Pixels closer than this look alike, CIEDE2000; with 0 only equal codes do.
    step : int
        Pixels of the pictures between two of `where`.
    is_mirrored : bool
        Whether the other picture is to be mirrored left to right first.
    marked : ndarray
        (rows, columns) bool, written: set where they look alike, left as it is elsewhere.

    Returns
    -------
    int
        How many of `where` look alike in these two pictures.
    """
    n_alike = 0
    for row in range(where.shape[0]):
        y = row * step
        for column in range(where.shape[1]):
            if not where[row, column]:
                continue
            x = column * step
            z = one.shape[1] - 1 - x if is_mirrored else x
            b1, g1, r1 = one[y, x, 0], one[y, x, 1], one[y, x, 2]
            b2, g2, r2 = other[y, z, 0], other[y, z, 1], other[y, z, 2]
            if b1 != b2 or g1 != g2 or r1 != r2:
                if limit == 0.0:
                    continue
                l1, l2 = _table_lightness(b1, g1, r1), _table_lightness(b2, g2, r2)
                if abs(l1 - l2) >= limit * _lightness_weight((l1 + l2) / 2) + 2 * LIGHTNESS_SLACK:
                    continue
                if not _is_closer(_lab(b1, g1, r1), _lab(b2, g2, r2), limit):
                    continue
            marked[row, column] = True
            n_alike += 1
    return n_alike


@njit(cache=True, nogil=True)
def mark_near(
    one: npt.NDArray[np.uint8],
    other: npt.NDArray[np.uint8],
    where: npt.NDArray[np.bool_],
    codes: int,
    step: int,
    near: npt.NDArray[np.uint8],
) -> None:
    """Say at which pixels no channel of two pictures differs by more than some codes.

    Parameters
    ----------
    one, other : ndarray
        (height, width, 3) uint8.
    where : ndarray
        (height, width) bool: the pixels to look at, of the pictures' size.
    codes : int
        Largest difference.
    step : int
        Every so many rows and columns are looked at.
    near : ndarray
        (rows, columns) uint8, written: 1 where they are near, else 0.
    """
    for row in range(near.shape[0]):
        y = row * step
        for column in range(near.shape[1]):
            x = column * step
            is_near = where[y, x]
            for channel in range(3):
                off = np.int64(one[y, x, channel]) - np.int64(other[y, x, channel])
                is_near = is_near and -codes <= off <= codes
            near[row, column] = is_near


@njit(cache=True, nogil=True)
def _is_closer(lab_1: Lab, lab_2: Lab, limit: float) -> bool:
    """Say whether CIEDE2000 of two colours is under a limit, [1]_ equations 2 to 22."""
    l1, a1, b1 = lab_1
    l2, a2, b2 = lab_2
    g = 1.5 - 0.5 * _chroma_weight((math.hypot(a1, b1) + math.hypot(a2, b2)) / 2)  # 1 + G, (4)
    a1, a2 = g * a1, g * a2
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    c = (c1 + c2) / 2
    chroma = (c2 - c1) / (1.0 + 0.045 * c)  # (19)
    if abs(chroma) >= 2 * limit:
        return False
    light = (l2 - l1) / _lightness_weight((l1 + l2) / 2)
    h1, h2 = math.degrees(math.atan2(b1, a1)) % 360.0, math.degrees(math.atan2(b2, a2)) % 360.0
    dh = (h2 - h1 + 180.0) % 360.0 - 180.0  # (10), up to the sign of opposite hues
    h = (h1 + dh / 2) % 360.0  # (14)
    if c1 * c2 == 0.0:
        dh, h = 0.0, h1 + h2
    t = 1.0 - 0.17 * _cos(h - 30.0) + 0.24 * _cos(2.0 * h) + 0.32 * _cos(3.0 * h + 6.0) - 0.20 * _cos(4.0 * h - 63.0)
    hue = 2.0 * math.sqrt(c1 * c2) * math.sin(math.radians(dh / 2)) / (1.0 + 0.015 * c * t)  # (11), (15), (20)
    d_theta = 30.0 * math.exp(-(((h - 275.0) / 25.0) ** 2))  # (16)
    r_t = -math.sin(math.radians(2.0 * d_theta)) * 2.0 * _chroma_weight(c)  # (17), (21)
    return light * light + chroma * chroma + hue * hue + r_t * chroma * hue < limit * limit  # (22)


@njit(cache=True, nogil=True)
def _lab(b: int, g: int, r: int) -> Lab:
    blue, green, red = _LIGHT[b], _LIGHT[g], _LIGHT[r]
    x = _lightness_curve((0.180423 * blue + 0.357580 * green + 0.412453 * red) / 0.95047)
    y = _lightness_curve(0.072169 * blue + 0.715160 * green + 0.212671 * red)
    z = _lightness_curve((0.950227 * blue + 0.119193 * green + 0.019334 * red) / 1.08883)
    return 116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)


@njit(cache=True, nogil=True)
def _table_lightness(b: int, g: int, r: int) -> float:
    luminance = 0.072169 * _LIGHT[b] + 0.715160 * _LIGHT[g] + 0.212671 * _LIGHT[r]
    return float(_LIGHTNESS[int(luminance * _N_STEPS + 0.5)])


@njit(cache=True, nogil=True)
def _lightness_curve(t: float) -> float:
    return float(np.cbrt(t)) if t > 0.008856 else 7.787 * t + 16.0 / 116.0


@njit(cache=True, nogil=True)
def _lightness_weight(lightness: float) -> float:
    """Return S_L, [1]_ equation 18."""
    off = (lightness - 50.0) ** 2
    return 1.0 + 0.015 * off / math.sqrt(20.0 + off)


@njit(cache=True, nogil=True)
def _chroma_weight(c: float) -> float:
    c7 = c**7
    return math.sqrt(c7 / (c7 + _25_TO_THE_7))


@njit(cache=True, nogil=True)
def _cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))
