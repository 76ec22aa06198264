"""The paper's own way to split a picture, to compare with. Not used to show anything.

The paper works in CIE xyY and takes the chromaticity of two lights that are shown in turn for the mean of their
chromaticities weighted by their luminances, [1]_ section 4.2. So it looks, for a colour (x, y, Y), for two colours of
luminance Y (1 + delta) and Y (1 - delta) whose so weighted chromaticities have the mean (x, y), as far apart as the
display's gamut lets them be.

That is not how light adds up. X, Y and Z add; x is X / (X + Y + Z), so that the mean of chromaticities is weighted by
X + Y + Z = Y / y, and two lights of the same luminance and different y do not count alike, [2]_. Farthest apart, they
differ in y as much as can be, and the mean light is another colour than the picture's.

References
----------
.. [1] L. Zhang, C. Bo, J. Hou, X.-Y. Li, Y. Wang, K. Liu, Y. Liu, Kaleido: You Can Watch It But Cannot Record It,
   MobiCom 2015.
.. [2] G. Wyszecki, W. S. Stiles, Color Science, 2nd edition, 1982, section 3.3.3 (centre of gravity in the chromaticity
   diagram).
"""

import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.color import codes_from_linear, linear_from_codes

_XYZ_FROM_BGR = np.array(
    [[0.180423, 0.357580, 0.412453], [0.072169, 0.715160, 0.212671], [0.950227, 0.119193, 0.019334]]
)
"""As in `pipelines.color`, columns in the order B, G, R."""
_BGR_FROM_XYZ = np.linalg.inv(_XYZ_FROM_BGR)

N_DIRECTIONS = 72
"""Half a turn is searched in so many steps: both ends of a pair count."""

N_HALVINGS = 20
"""The border of the gamut is found to a millionth of the diagram."""

FARTHEST = 0.7
"""No two chromaticities of a display lie farther from their mean."""


def split_by_chromaticity(picture: Image, delta: float) -> tuple[Image, Image]:
    """Split a picture into a pair by the paper's construction.

    Parameters
    ----------
    picture : ndarray
        (..., 3) uint8 BGR.
    delta : float
        Relative amplitude of the luminance pollution.

    Returns
    -------
    first, second : ndarray
        uint8 codes of the same shape.
    """
    xyz = linear_from_codes(picture).astype(np.float64).reshape(-1, 3) @ _XYZ_FROM_BGR.T
    xy = xyz[:, :2] / np.maximum(xyz.sum(axis=1, keepdims=True), 1e-12)
    # (x1, y1) Y1 + (x2, y2) Y2 = (x, y) (Y1 + Y2), with Y1 = Y (1 + delta) and Y2 = Y (1 - delta).
    shares = np.array([1 / (1 + delta), -1 / (1 - delta)])
    lights = xyz[:, 1:2] * np.array([1 + delta, 1 - delta])
    farthest = np.zeros_like(xy)
    for angle in np.pi * np.arange(N_DIRECTIONS) / N_DIRECTIONS:
        direction = np.array([np.cos(angle), np.sin(angle)])
        reach = _reach(xy, lights, shares, direction)
        step = reach[:, np.newaxis] * direction
        farthest = np.where((reach > np.hypot(*farthest.T))[:, np.newaxis], step, farthest)
    first, second = (
        codes_from_linear(_linear_bgr(xy + share * farthest, lights[:, i])) for i, share in enumerate(shares)
    )
    return first.reshape(picture.shape), second.reshape(picture.shape)


def _reach(
    xy: npt.NDArray[np.float64],
    lights: npt.NDArray[np.float64],
    shares: npt.NDArray[np.float64],
    direction: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return how far (n,) both of a pair can go, one way and the other, within the gamut."""
    low, high = np.zeros(len(xy)), np.full(len(xy), FARTHEST)
    for _ in range(N_HALVINGS):
        middle = (low + high) / 2
        step = middle[:, np.newaxis] * direction
        fits = np.ones(len(xy), bool)
        for i, share in enumerate(shares):
            place = xy + share * step
            linear = _linear_bgr(place, lights[:, i])
            fits &= ((linear >= 0) & (linear <= 1)).all(axis=1) & (place[:, 1] > 0)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return low


def _linear_bgr(xy: npt.NDArray[np.float64], light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return linear B, G, R (n, 3) of chromaticities (n, 2) and luminances (n,)."""
    y = np.where(np.abs(xy[:, 1]) > 1e-9, xy[:, 1], 1e-9)
    xyz = np.column_stack([xy[:, 0], y, 1 - xy[:, 0] - y]) * (light / y)[:, np.newaxis]
    linear: npt.NDArray[np.float64] = xyz @ _BGR_FROM_XYZ.T
    return linear
