"""Colour: from code values to light, and from light to what a person sees different.

Pictures here are 8-bit sRGB in the order B, G, R. Three kinds of numbers are kept apart: *encoded* (what a file
holds, 0 to 255 or 0 to 1), *linear* (proportional to light, 0 to 1: this is what mixes when pixels or frames
mix) and *CIELAB* (roughly even steps for the eye). All functions work on arrays of any shape with the channels
last and keep float32 or float64.

References
----------
.. [1] IEC 61966-2-1:1999, sRGB: equations 5 to 8 (transfer function), primaries and white of ITU-R BT.709.
.. [2] ITU-R BT.709-6, 2015, item 3.2: luma coefficients, here applied to linear light.
.. [3] C. Poynton, Frequently Asked Questions about Color, 1997, question 18: the matrix from linear BT.709 R, G,
   B to XYZ with six digits, used by OpenCV and scikit-image too.
.. [4] CIE 15.2-1986, Colorimetry, section 4.2.2: CIELAB, its two constants as printed there (0.008856, 7.787;
   scikit-image has the same, so that scores agree; the exact ones of 2004 differ by less than 0.0002);
   D65 for the 2 degree observer.
.. [5] G. Sharma, W. Wu, E. N. Dalal, The CIEDE2000 Color-Difference Formula: Implementation Notes,
   Supplementary Test Data, and Mathematical Observations, Color Research and Application 30(1), 2005.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.base import Image

Floats = npt.NDArray[Any]
"""float32 or float64, of the shape that the function says."""

LUMINANCE_BGR = (0.0722, 0.7152, 0.2126)
"""Share of linear B, G, R in luminance, [2]_."""

_XYZ_FROM_RGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
_WHITE_D65 = np.array([0.95047, 1.0, 1.08883])
_25_TO_THE_7 = 25.0**7


def _as_float(values: npt.ArrayLike) -> Floats:
    array = np.asarray(values)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def to_linear(encoded: npt.ArrayLike) -> Floats:
    """Decode sRGB, [1]_ equations 5 and 6.

    Parameters
    ----------
    encoded : array_like
        Encoded values, 0 to 1.

    Returns
    -------
    ndarray
        Linear light of the same shape, 0 to 1; float32 if the input is, else float64.
    """
    v = _as_float(encoded)
    curve = np.power((np.maximum(v, 0.04045) + 0.055) / 1.055, 2.4)
    return np.where(v <= 0.04045, v / 12.92, curve)


def to_encoded(linear: npt.ArrayLike) -> Floats:
    """Encode linear light as sRGB, [1]_ equations 7 and 8.

    Parameters
    ----------
    linear : array_like
        Linear light, 0 to 1.

    Returns
    -------
    ndarray
        Encoded values of the same shape, 0 to 1; float32 if the input is, else float64.
    """
    v = _as_float(linear)
    curve = 1.055 * np.power(np.maximum(v, 0.0031308), 1 / 2.4) - 0.055
    return np.where(v <= 0.0031308, 12.92 * v, curve)


_LINEAR_OF_CODE = to_linear(np.arange(256) / 255.0)


def linear_from_codes(image: Image) -> npt.NDArray[np.float32]:
    """Decode a picture of 8-bit codes.

    Parameters
    ----------
    image : ndarray
        uint8, any shape.

    Returns
    -------
    ndarray
        float32 linear light, 0 to 1, of the same shape.
    """
    return _LINEAR_OF_CODE.astype(np.float32)[image]


def codes_from_linear(linear: npt.ArrayLike) -> Image:
    """Encode linear light as 8-bit codes, to the nearest.

    Parameters
    ----------
    linear : array_like
        Linear light; what is outside of 0 to 1 is cut off.

    Returns
    -------
    ndarray
        uint8 codes of the same shape.
    """
    encoded = to_encoded(np.clip(_as_float(linear), 0.0, 1.0))
    return np.round(encoded * 255.0).astype(np.uint8)


def luminance(linear_bgr: npt.ArrayLike) -> Floats:
    """Return the relative luminance, [2]_.

    Parameters
    ----------
    linear_bgr : array_like
        (..., 3) linear light in the order B, G, R.

    Returns
    -------
    ndarray
        (...) luminance; white is 1.
    """
    light = _as_float(linear_bgr)
    weighted: Floats = light @ np.array(LUMINANCE_BGR, light.dtype)
    return weighted


def lab_from_bgr(image: npt.ArrayLike) -> Floats:
    """Convert encoded sRGB to CIELAB, white D65, [3]_ and [4]_.

    Parameters
    ----------
    image : array_like
        (..., 3) in the order B, G, R: uint8 codes, or floats from 0 to 1.

    Returns
    -------
    ndarray
        (..., 3): L* from 0 to 100, a* (to red), b* (to yellow).
    """
    bgr = np.asarray(image)
    linear = _LINEAR_OF_CODE[bgr] if bgr.dtype == np.uint8 else to_linear(bgr)
    matrix = (_XYZ_FROM_RGB[:, ::-1] / _WHITE_D65[:, np.newaxis]).astype(linear.dtype)
    x, y, z = np.moveaxis(_lightness_curve(linear @ matrix.T), -1, 0)
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def delta_e_2000(lab_1: npt.ArrayLike, lab_2: npt.ArrayLike) -> Floats:
    """Return how different two colours look, CIEDE2000 with all weights 1, [5]_.

    Parameters
    ----------
    lab_1, lab_2 : array_like
        (..., 3) CIELAB; shapes must broadcast.

    Returns
    -------
    ndarray
        (...) difference; 1 is about what is just seen, 100 is black to white.
    """
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(_as_float(lab), -1, 0) for lab in (lab_1, lab_2))
    g = 0.5 * (1.0 - _chroma_weight((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2.0))  # (2) to (4)
    a1, a2 = (1.0 + g) * a1, (1.0 + g) * a2  # (5)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)  # (6)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360.0 for a, b in ((a1, b1), (a2, b2)))  # (7)
    h1, h2 = np.broadcast_arrays(h1, h2)
    is_grey = c1 * c2 == 0.0
    dh = np.where(is_grey, 0.0, (h2 - h1 + 180.0) % 360.0 - 180.0)  # (10)
    dh = np.where((dh == -180.0) & (h2 > h1), 180.0, dh)  # exactly opposite hues keep their sign
    dl, dc = l2 - l1, c2 - c1  # (8), (9)
    dh_term = 2.0 * np.sqrt(c1 * c2) * np.sin(np.radians(dh) / 2.0)  # (11)

    l_mean, c_mean = (l1 + l2) / 2.0, (c1 + c2) / 2.0  # (12), (13)
    h_mean = _mean_hue(h1, h2, is_grey)  # (14)
    t = (
        1.0
        - 0.17 * _cos(h_mean - 30.0)
        + 0.24 * _cos(2.0 * h_mean)
        + 0.32 * _cos(3.0 * h_mean + 6.0)
        - 0.20 * _cos(4.0 * h_mean - 63.0)
    )  # (15)
    d_theta = 30.0 * np.exp(-(((h_mean - 275.0) / 25.0) ** 2))  # (16)
    r_c = 2.0 * _chroma_weight(c_mean)  # (17)
    s_l = 1.0 + 0.015 * (l_mean - 50.0) ** 2 / np.sqrt(20.0 + (l_mean - 50.0) ** 2)  # (18)
    s_c = 1.0 + 0.045 * c_mean  # (19)
    s_h = 1.0 + 0.015 * c_mean * t  # (20)
    r_t = -np.sin(np.radians(2.0 * d_theta)) * r_c  # (21)
    light, chroma, hue = dl / s_l, dc / s_c, dh_term / s_h
    # (22); the rotation term may take the sum below zero by a rounding error.
    difference: Floats = np.sqrt(np.maximum(light**2 + chroma**2 + hue**2 + r_t * chroma * hue, 0.0))
    return difference


def _lightness_curve(t: Floats) -> Floats:
    """Return f of CIELAB, [4]_: the cube root, and a straight line near black."""
    return np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16.0 / 116.0)


def _chroma_weight(c: Floats) -> Floats:
    c7 = c**7
    weight: Floats = np.sqrt(c7 / (c7 + _25_TO_THE_7))
    return weight


def _mean_hue(h1: Floats, h2: Floats, is_grey: npt.NDArray[np.bool_]) -> Floats:
    total = h1 + h2
    around = np.where(total < 360.0, total + 360.0, total - 360.0)
    mean = np.where(np.abs(h1 - h2) <= 180.0, total, around) / 2.0
    return np.where(is_grey, total, mean)


def _cos(degrees: Floats) -> Floats:
    cosine: Floats = np.cos(np.radians(degrees))
    return cosine
