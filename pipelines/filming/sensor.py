"""From the light on a sensor to the picture in the file: mosaic, noise, demosaicing, sRGB.

Noise is that of photons, whose number varies by its square root, and of reading, in electrons; both are drawn from a
normal distribution, which at the dark end, below some ten electrons, is only nearly a photon's. The mosaic is RGGB,
demosaiced bilinearly. The white balance is the display's own, and there is no sharpening and no noise reduction.

References
----------
.. [1] B. E. Bayer, Color imaging array, US patent 3971065, 1976.
.. [2] EMVA Standard 1288, Release 4.0, 2021: shot and read noise of a camera.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.color import codes_from_linear
from pipelines.filming.kernels import FULL_COUNTS, count_full, count_mosaic

_CODE_OF_COUNT = codes_from_linear(np.arange(FULL_COUNTS + 1) / FULL_COUNTS)
_LEAST_PX = 2


@dataclass(frozen=True, slots=True)
class Sensor:
    """What a sensor adds to the light that falls on it.

    Attributes
    ----------
    is_mosaic : bool
        Each pixel sees one colour only (Bayer), as in nearly all cameras; otherwise all three.
    white_electrons : float
        Electrons that a pixel gathers from white; 0 for a sensor without noise. A phone's small pixels hold some 5000,
        and indoors it amplifies a quarter of that.
    read_electrons : float
        Standard deviation of reading a pixel, in electrons.
    """

    is_mosaic: bool = True
    white_electrons: float = 5000.0
    read_electrons: float = 3.0

    @property
    def quiet(self) -> "Sensor":
        """The same without noise."""
        return replace(self, white_electrons=0.0)


IDEAL = Sensor(is_mosaic=False, white_electrons=0.0)
"""All colours at each pixel and no noise: nothing but the light is recorded."""


def through_lens(light: npt.NDArray[np.float32], blur_px: float) -> npt.NDArray[np.float32]:
    """Return the light that a lens throws on the sensor.

    Parameters
    ----------
    light : ndarray
        (height, width, 3) float32.
    blur_px : float
        Standard deviation of what it makes of a point, in pixels; 0 for a perfect one.

    Returns
    -------
    ndarray
        Of that shape. Blurring a row takes its own time for that of its neighbours: some microseconds for a pixel.
    """
    if blur_px <= 0.0:
        return light
    blurred = cv2.GaussianBlur(light, (0, 0), blur_px, borderType=cv2.BORDER_REFLECT_101)
    return blurred.astype(np.float32, copy=False)


def develop(light: npt.NDArray[np.float32], sensor: Sensor, chance: np.random.Generator) -> Image:
    """Make a picture of light.

    Parameters
    ----------
    light : ndarray
        (height, width, 3) float32 linear B, G, R; what is over 1 is cut off.
    sensor : Sensor
        Which.
    chance : numpy.random.Generator
        Of the noise; not asked where there is none.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR, sRGB.
    """
    height, width = light.shape[:2]
    shape = (height, width) if sensor.is_mosaic else light.shape
    shot = read = 0.0
    noise: npt.NDArray[np.float32] = np.broadcast_to(np.float32(0.0), shape)
    if sensor.white_electrons > 0.0:
        shot = 1.0 / sensor.white_electrons
        read = (sensor.read_electrons / sensor.white_electrons) ** 2
        noise = chance.standard_normal(shape, np.float32)
    counts = np.empty(shape, np.uint16)
    if not sensor.is_mosaic:
        count_full(light, noise, shot, read, counts)
        return _CODE_OF_COUNT[counts]
    count_mosaic(light, noise, shot, read, counts)
    return _CODE_OF_COUNT[_demosaic(counts)]


def _demosaic(counts: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    # Mirrored at the edges by two pixels, which keeps the mosaic's parity; OpenCV repeats its outermost ring instead.
    wide = cv2.copyMakeBorder(counts, _LEAST_PX, _LEAST_PX, _LEAST_PX, _LEAST_PX, cv2.BORDER_REFLECT_101)
    colors = cv2.demosaicing(wide, cv2.COLOR_BayerRGGB2BGR)
    return np.ascontiguousarray(colors[_LEAST_PX:-_LEAST_PX, _LEAST_PX:-_LEAST_PX]).astype(np.uint16, copy=False)
