"""MS-SSIM on part of a picture: how alike two pictures look in structure, judged on claimed pixels alone.

The index of Wang, Simoncelli and Bovik: at five scales, local means, contrasts and correlations under a Gaussian
window of 11 by 11 pixels are compared; windows lie wholly within the picture; the next scale is the mean of 2 by
2 pixels. On claimed pixels means here: a window's statistics are taken over its claimed pixels only, with the
window's weights scaled to sum to 1 again (normalised convolution); a scale's value is the mean over the windows
whose centre is claimed, each weighted by how much of it is claimed; and a pixel of the next scale is the mean of
its claimed ones. What is not claimed has no influence, and with everything claimed this is the index as published.

References
----------
.. [1] Z. Wang, E. P. Simoncelli, A. C. Bovik, Multiscale structural similarity for image quality assessment, 37th
   Asilomar Conference on Signals, Systems and Computers, 2003, equations 1 to 3 and 7, section 3.2 (exponents).
.. [2] Z. Wang et al., Image quality assessment: from error visibility to structural similarity, IEEE Transactions
   on Image Processing 13(4), 2004, equation 13 (constants), section III-C (the window).
.. [3] H. Knutsson, C.-F. Westin, Normalized and differential convolution, CVPR 1993.
"""

from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float64]
Plane32 = npt.NDArray[np.float32]
_AnyPlane = TypeVar("_AnyPlane", Plane, Plane32)
Mask = npt.NDArray[np.bool_]

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW_PX = 11
SIGMA_PX = 1.5
C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2
LEAST_PX = (WINDOW_PX - 1) * 2 ** (len(EXPONENTS) - 1) + 1
"""Smallest height and width: one window at the coarsest scale, 161."""
_INNER = (slice(WINDOW_PX // 2, -(WINDOW_PX // 2)), slice(WINDOW_PX // 2, -(WINDOW_PX // 2)))


def ms_ssim(found: Plane, truth: Plane, claimed: Mask) -> float | None:
    """Compare two grey pictures in structure, [1]_ equation 7.

    Parameters
    ----------
    found, truth : ndarray
        (height, width) float64, 0 to 255.
    claimed : ndarray
        (height, width) bool: what is judged.

    Returns
    -------
    float or None
        1 for equal pictures, 0 for unlike ones (a negative correlation counts as 0); None where a scale has no
        window with a claimed centre, as in pictures smaller than 161 by 161.
    """
    product = 1.0
    last = len(EXPONENTS) - 1
    for level, exponent in enumerate(EXPONENTS):
        value = _compare(found, truth, claimed, with_luminance=level == last)
        if value is None:
            return None
        product *= max(value, 0.0) ** exponent
        if level < last:
            found, truth, claimed = _halve(found, claimed), _halve(truth, claimed), _halve_mask(claimed)
    return product


def ssim(found: Plane32, truth: Plane32) -> float | None:
    """Compare two grey pictures in structure at their own size, [2]_ equation 13.

    Parameters
    ----------
    found, truth : ndarray
        (height, width) float32, 0 to 255.

    Returns
    -------
    float or None
        1 for equal pictures; None for pictures smaller than 11 by 11.
    """
    if min(truth.shape) < WINDOW_PX:
        return None
    # The variance is a difference of large numbers: around the mean, single precision is good for five digits of it.
    offset = np.float32(truth.mean(dtype=np.float64))
    x, y = found - offset, truth - offset
    mean_x, mean_y = _blur(x), _blur(y)
    var_sum = _blur(x * x + y * y) - mean_x * mean_x - mean_y * mean_y
    covariance = _blur(x * y) - mean_x * mean_y
    mean_x, mean_y = mean_x + offset, mean_y + offset
    luminance = (2.0 * mean_x * mean_y + C1) / (mean_x * mean_x + mean_y * mean_y + C1)
    return float((luminance * (2.0 * covariance + C2) / (var_sum + C2)).mean(dtype=np.float64))


def _compare(found: Plane, truth: Plane, claimed: Mask, *, with_luminance: bool) -> float | None:
    """Return the mean contrast and structure of one scale, [1]_ equations 2 and 3, and luminance, equation 1."""
    if min(found.shape) < WINDOW_PX:
        return None
    weight = claimed.astype(np.float64)
    density = _blur(weight)
    centre = weight[_INNER] * density
    if centre.sum() == 0.0:
        return None
    share = np.where(density > 0.0, density, 1.0)
    # The variance is a difference of large numbers: taken around the claimed mean, it stays exact.
    offset = float(truth[claimed].mean())
    x, y = (np.where(claimed, plane - offset, 0.0) for plane in (found, truth))
    mean_x, mean_y = _blur(x) / share, _blur(y) / share
    var_x = _blur(x * x) / share - mean_x**2
    var_y = _blur(y * y) / share - mean_y**2
    covariance = _blur(x * y) / share - mean_x * mean_y
    value = (2.0 * covariance + C2) / (var_x + var_y + C2)
    if with_luminance:
        mean_x, mean_y = mean_x + offset, mean_y + offset
        value = value * (2.0 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    return float((value * centre).sum() / centre.sum())


def _blur(plane: _AnyPlane) -> _AnyPlane:
    """Weigh with the Gaussian window where it lies wholly within the picture."""
    kernel = cv2.getGaussianKernel(WINDOW_PX, SIGMA_PX, cv2.CV_64F)
    return cv2.sepFilter2D(plane, -1, kernel, kernel)[_INNER].astype(plane.dtype, copy=False)


def _halve(plane: Plane, claimed: Mask) -> Plane:
    weight = claimed.astype(np.float64)
    n_claimed = _sum_of_fours(weight)
    return _sum_of_fours(plane * weight) / np.maximum(n_claimed, 1.0)


def _halve_mask(claimed: Mask) -> Mask:
    return _sum_of_fours(claimed.astype(np.float64)) > 0.0


def _sum_of_fours(plane: Plane) -> Plane:
    # An odd last row or column is joined by its own copy, as the published program does.
    even = np.pad(plane, ((0, plane.shape[0] % 2), (0, plane.shape[1] % 2)), mode="edge")
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
