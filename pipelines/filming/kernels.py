"""The loops over pixels of a camera: light gathered row by row, the sensor's mosaic and noise, codes at the end.

Arrays only; every function trusts its arguments. One pass over the rows that are lit, without an allocation.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

FULL_COUNTS = 65535
"""What a pixel of the sensor counts at white: finer than any phone's converter, so that it adds no error of its own."""


@njit(cache=True, nogil=True)
def gather_light(
    subframe: npt.NDArray[np.uint8],
    linear: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    light: npt.NDArray[np.float32],
) -> None:
    """Add one sub-frame's light to what the rows of a sensor have gathered: light[y] += weights[y] * linear[codes].

    Parameters
    ----------
    subframe : ndarray
        (height, width, 3) uint8 codes.
    linear : ndarray
        (256,) float32 light of each code.
    weights : ndarray
        (height,) float32: the share of each row's exposure during which it saw this sub-frame.
    light : ndarray
        (height, width, 3) float32; added to.
    """
    height, width, n_channels = subframe.shape
    for y in range(height):
        weight = weights[y]
        if weight == 0.0:
            continue
        for x in range(width):
            for c in range(n_channels):
                light[y, x, c] += weight * linear[subframe[y, x, c]]


@njit(cache=True, nogil=True)
def overlap_shares(
    exposure_starts: npt.NDArray[np.float64],
    exposure_s: float,
    lit_from: npt.NDArray[np.float64],
    lit_s: float,
    shares: npt.NDArray[np.float32],
) -> bool:
    """Tell which share of each row's exposure falls into the time that a sub-frame is lit in that row.

    Parameters
    ----------
    exposure_starts : ndarray
        (height,) float64 seconds.
    exposure_s : float
        Seconds.
    lit_from : ndarray
        (height,) float64 seconds: when each row of the display starts to show the sub-frame.
    lit_s : float
        Seconds: for how long.
    shares : ndarray
        (height,) float32, 0 to 1; filled.

    Returns
    -------
    bool
        Whether any row saw it.
    """
    is_seen = False
    for y in range(exposure_starts.size):
        start = max(exposure_starts[y], lit_from[y])
        end = min(exposure_starts[y] + exposure_s, lit_from[y] + lit_s)
        shares[y] = max(end - start, 0.0) / exposure_s
        is_seen = is_seen or shares[y] > 0.0
    return is_seen


@njit(cache=True, nogil=True)
def count_mosaic(
    light: npt.NDArray[np.float32],
    noise: npt.NDArray[np.float32],
    shot: float,
    read: float,
    counts: npt.NDArray[np.uint16],
) -> None:
    """Let each pixel of an RGGB sensor count its one colour: light + sqrt(light * shot + read) * noise.

    The variance of photons that come by chance is their number: of a share s of E electrons it is s * E, which is
    s / E in shares of white; reading adds r**2 electrons, (r / E)**2.

    Parameters
    ----------
    light : ndarray
        (height, width, 3) float32 B, G, R, white being 1.
    noise : ndarray
        (height, width) float32 of mean 0 and variance 1.
    shot, read : float
        1 / E and (r / E)**2; both 0 for a sensor without noise.
    counts : ndarray
        (height, width) uint16; filled.
    """
    height, width, _ = light.shape
    for y in range(height):
        for x in range(width):
            channel = 2 - (y & 1) - (x & 1)  # R at even rows and columns, B at odd ones, else G
            value = light[y, x, channel]
            value += np.sqrt(value * shot + read) * noise[y, x]
            counts[y, x] = np.uint16(min(max(value, 0.0), 1.0) * FULL_COUNTS + 0.5)


@njit(cache=True, nogil=True)
def count_full(
    light: npt.NDArray[np.float32],
    noise: npt.NDArray[np.float32],
    shot: float,
    read: float,
    counts: npt.NDArray[np.uint16],
) -> None:
    """Do as `count_mosaic` with three sensors, one for each colour.

    Parameters
    ----------
    light : ndarray
        (height, width, 3) float32, white being 1.
    noise : ndarray
        (height, width, 3) float32 of mean 0 and variance 1.
    shot, read : float
        As there.
    counts : ndarray
        (height, width, 3) uint16; filled.
    """
    height, width, n_channels = light.shape
    for y in range(height):
        for x in range(width):
            for c in range(n_channels):
                value = light[y, x, c]
                value += np.sqrt(value * shot + read) * noise[y, x, c]
                counts[y, x, c] = np.uint16(min(max(value, 0.0), 1.0) * FULL_COUNTS + 0.5)
