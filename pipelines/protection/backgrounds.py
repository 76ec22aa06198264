"""Backgrounds that need nothing but arrays: a plain colour, a picture, and the room itself, blurred.

Blur is offered because people ask for it. It hides little: text and faces go, but colours, lamps, windows and the
places of furniture stay, and from many frames more can be won back than from one.
"""

import re

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image, PipelineError
from pipelines.protection.contract import Mask

BLUR_WARNING = (
    "a blurred room is still your room: colours, windows and furniture stay; take a colour or a picture to hide it"
)

_BLUR_LINES_PX = 45
"""The room is blurred at so many lines: what is smaller than a sixteenth of 720 is gone before the blur itself."""

_BLUR_SIGMA_PX = 2.5
"""Standard deviation of the blur at `_BLUR_LINES_PX` lines; 40 pixels at 720."""

_PERSON_MARGIN_PX = 3
"""Side of the square by which the person is made larger before they are left out, at `_BLUR_LINES_PX` lines."""


_LEAST_WEIGHT = 1e-4


class BackgroundError(PipelineError):
    """There is no background to show: the frame becomes a placeholder."""


def parse_color(text: str) -> tuple[int, int, int] | None:
    """Read a colour.

    Parameters
    ----------
    text : str
        Such as ``#38434f``.

    Returns
    -------
    tuple of int or None
        Blue, green, red, 0 to 255; None if it is no colour.
    """
    found = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text)
    if not found:
        return None
    red, green, blue = (int(part, 16) for part in found.groups())
    return blue, green, red


def cover(image: Image, height: int, width: int) -> Image:
    """Scale a picture so that it covers a size, and cut off what stands over on both sides alike.

    Parameters
    ----------
    image : ndarray
        (any height, any width, channels) uint8.
    height, width : int
        Wanted size in pixels.

    Returns
    -------
    ndarray
        (height, width, channels) uint8, C-contiguous; `image` itself where it has that size and is contiguous.
    """
    old_height, old_width = image.shape[:2]
    # The part of the wanted shape is cut out first: a panorama is not blown up as a whole.
    scale = max(height / old_height, width / old_width)
    part_height = min(old_height, max(1, round(height / scale)))
    part_width = min(old_width, max(1, round(width / scale)))
    top, left = (old_height - part_height) // 2, (old_width - part_width) // 2
    part = image[top : top + part_height, left : left + part_width]
    if part.shape[:2] != (height, width):
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        part = np.asarray(cv2.resize(part, (width, height), interpolation=way), np.uint8)
    return np.ascontiguousarray(part, np.uint8)


class _Still:
    """A background that is the same in every frame."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._picture: Image = np.zeros((0, 0, 3), np.uint8)

    def picture(self, camera: Image, mask: Mask) -> Image:  # noqa: ARG002 - the contract's names
        """Return the background, see `Background`.

        Parameters
        ----------
        camera, mask : ndarray
            Not looked at.

        Returns
        -------
        ndarray
            (height, width, 3) uint8 BGR.
        """
        return self._picture

    def close(self) -> None:
        """Nothing to let go of."""


class ColorBackground(_Still):
    """One colour.

    Parameters
    ----------
    bgr : tuple of int
        Blue, green, red.
    """

    def __init__(self, bgr: tuple[int, int, int]) -> None:
        super().__init__("#{2:02x}{1:02x}{0:02x}".format(*bgr))
        self._bgr = bgr

    def warm_up(self, height: int, width: int) -> None:
        """Fill a picture of this size.

        Parameters
        ----------
        height, width : int
            Pixels.
        """
        if self._picture.shape[:2] != (height, width):
            self._picture = np.full((height, width, 3), self._bgr, np.uint8)


class PictureBackground(_Still):
    """A picture of any size, which covers the frame.

    Parameters
    ----------
    name : str
        For people.
    image : ndarray
        (any, any, 3) uint8 BGR or (any, any, 4) uint8 BGRA.
    under : tuple of int, optional
        Blue, green, red of what is seen where the picture is see-through.
    """

    def __init__(self, name: str, image: Image, under: tuple[int, int, int] = (79, 67, 56)) -> None:
        super().__init__(name)
        self._original = image if image.shape[2] == 3 else _laid_over(image, under)

    def warm_up(self, height: int, width: int) -> None:
        """Scale the picture to this size.

        Parameters
        ----------
        height, width : int
            Pixels.
        """
        if self._picture.shape[:2] != (height, width):
            self._picture = cover(self._original, height, width)


class BlurBackground:
    """The room itself, blurred; hides little, see `BLUR_WARNING`."""

    name = "blur"

    def __init__(self) -> None:
        self._size = (0, 0)
        self._small_size = (0, 0)
        self._picture: Image = np.zeros((0, 0, 3), np.uint8)

    def warm_up(self, height: int, width: int) -> None:
        """Make ready for frames of this size.

        Parameters
        ----------
        height, width : int
            Pixels.
        """
        lines = min(_BLUR_LINES_PX, height)
        self._size = (width, height)
        self._small_size = (max(1, round(width * lines / height)), lines)
        self._picture = np.zeros((height, width, 3), np.uint8)

    def picture(self, camera: Image, mask: Mask) -> Image:
        """Blur the room, the person left out as far as the mask knows them.

        Parameters
        ----------
        camera : ndarray
            (height, width, 3) uint8 BGR.
        mask : ndarray
            (height, width) float32, where the person is shown.

        Returns
        -------
        ndarray
            (height, width, 3) uint8 BGR, valid until the next call.
        """
        small = cv2.resize(camera, self._small_size, interpolation=cv2.INTER_AREA).astype(np.float32)
        person = cv2.dilate(
            cv2.resize(mask, self._small_size, interpolation=cv2.INTER_AREA),
            np.ones((_PERSON_MARGIN_PX, _PERSON_MARGIN_PX), np.uint8),
        )
        # Each pixel is weighed by how little of it is the person, and the weights are divided out again; the remainder
        # gives colour to the middle of a large person, which no room is near.
        weight = np.clip(1 - person, _LEAST_WEIGHT, 1).astype(np.float32)[..., None]
        blurred = _blur(small * weight) / _blur(weight)[..., None]
        cv2.resize(np.rint(blurred).astype(np.uint8), self._size, dst=self._picture, interpolation=cv2.INTER_LINEAR)
        return self._picture

    def close(self) -> None:
        """Nothing to let go of."""


def _blur(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), _BLUR_SIGMA_PX), np.float32)


def _laid_over(image: Image, under: tuple[int, int, int]) -> Image:
    alpha = image[..., 3:].astype(np.float32) / 255
    over = image[..., :3] * alpha + np.asarray(under, np.float32) * (1 - alpha)
    return np.rint(over).astype(np.uint8)
