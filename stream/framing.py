"""From the camera's picture to the one that is protected: a part of it, mirrored, at the size that goes out.

What goes out keeps its size from the first frame to the last, whatever is cut out of the camera's picture meanwhile:
a virtual camera cannot change it.
"""

import cv2
import numpy as np

from config.loader import ConfigError
from config.schema import ProtectSettings, parse_crop, parse_size
from pipelines.base import Image, PipelineError
from pipelines.protection.backgrounds import cover


class Framing:
    """Cuts out, mirrors and scales.

    Parameters
    ----------
    settings : ProtectSettings
        `crop`, `mirror` and `size`.
    height, width : int
        Of the camera's pictures, in pixels.

    Raises
    ------
    ConfigError
        If the part is not inside the picture.
    """

    def __init__(self, settings: ProtectSettings, height: int, width: int) -> None:
        self._wanted = (height, width, 3)
        self._crop = _crop_inside(settings, height, width)
        self._is_mirrored = settings.mirror
        size = parse_size(settings.size)
        rows, columns = self._crop
        self.width: int
        self.height: int
        self.width, self.height = size or (columns.stop - columns.start, rows.stop - rows.start)

    def change(self, settings: ProtectSettings) -> bool:
        """Take another part, or the mirror; the size that goes out stays.

        Parameters
        ----------
        settings : ProtectSettings
            The new ones.

        Returns
        -------
        bool
            Whether the same place of the room is now another pixel.

        Raises
        ------
        ConfigError
            If the part is not inside the picture; nothing changed.
        """
        crop, before = _crop_inside(settings, *self._wanted[:2]), (self._crop, self._is_mirrored)
        self._crop, self._is_mirrored = crop, settings.mirror
        return before != (self._crop, self._is_mirrored)

    def apply(self, image: Image) -> Image:
        """Make the picture that is protected.

        Parameters
        ----------
        image : ndarray
            What the camera gave.

        Returns
        -------
        ndarray
            (height, width, 3) uint8 BGR, C-contiguous; a view of `image` where nothing is to be done.

        Raises
        ------
        PipelineError
            If it is not a colour picture of the size given at the start.
        """
        if image.shape != self._wanted or image.dtype != np.uint8:
            height, width = self._wanted[:2]
            got = "x".join(map(str, (*image.shape[1::-1], *image.shape[2:])))
            raise PipelineError(f"a picture of the camera is {got} {image.dtype}, wanted {width}x{height}x3 uint8")
        part = cover(image[self._crop], self.height, self.width)
        return np.asarray(cv2.flip(part, 1), np.uint8) if self._is_mirrored else part


def _crop_inside(settings: ProtectSettings, height: int, width: int) -> tuple[slice, slice]:
    x, y, crop_width, crop_height = parse_crop(settings.crop) or (0, 0, width, height)
    if x + crop_width > width or y + crop_height > height:
        raise ConfigError(f"protect.crop {settings.crop} is not inside the camera's picture of {width}x{height}")
    return slice(y, y + crop_height), slice(x, x + crop_width)
