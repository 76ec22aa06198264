"""Making whatever a camera gives into a frame: BGR, eight bits, of one size."""

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image

_TO_BGR = {1: cv2.COLOR_GRAY2BGR, 2: cv2.COLOR_YUV2BGR_YUY2, 4: cv2.COLOR_BGRA2BGR}
"""By number of channels; two are packed YUV 4:2:2, which OpenCV hands on where it cannot convert."""


def to_bgr(image: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> Image:
    """Make a picture of any pixel format BGR.

    Parameters
    ----------
    image : ndarray
        (height, width) or (height, width, channels) uint8 or uint16; one channel is grey, two YUYV, three BGR,
        four BGRA. Of uint16 (depth and infrared cameras) the upper byte counts.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR, C-contiguous; `image` itself where it is so already.

    Raises
    ------
    ValueError
        If it is no such array.
    """
    eight_bit = (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image
    n_channels = 1 if image.ndim == 2 else image.shape[-1]
    if eight_bit.dtype != np.uint8 or image.ndim not in (2, 3) or n_channels > 4 or not image.size:
        raise ValueError(f"a picture of shape {image.shape} and type {image.dtype}; wanted uint8 of 1 to 4 channels")
    if n_channels == 3:
        return np.ascontiguousarray(eight_bit, np.uint8)
    return np.asarray(cv2.cvtColor(eight_bit, _TO_BGR[n_channels]), np.uint8)


def letterbox(image: Image, height: int, width: int) -> Image:
    """Scale a picture into another size without changing its shape; black fills the rest.

    Parameters
    ----------
    image : ndarray
        (any height, any width, 3) uint8 BGR.
    height, width : int
        Wanted size in pixels.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR; `image` itself where it has that size.
    """
    if image.shape[:2] == (height, width):
        return image
    scale = min(height / image.shape[0], width / image.shape[1])
    inner_height = min(height, max(1, round(image.shape[0] * scale)))
    inner_width = min(width, max(1, round(image.shape[1] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    boxed = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    boxed[top : top + inner_height, left : left + inner_width] = cv2.resize(
        image, (inner_width, inner_height), interpolation=way
    )
    return boxed


def cover(image: Image, height: int, width: int) -> Image:
    """Scale a picture until it covers another size without changing its shape; what stands out is cut off evenly.

    Parameters
    ----------
    image : ndarray
        (any height, any width, 3) uint8 BGR.
    height, width : int
        Wanted size in pixels.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR, C-contiguous; `image` itself where it has that size.
    """
    if image.shape[:2] == (height, width):
        return image
    scale = max(height / image.shape[0], width / image.shape[1])
    outer_height = max(height, round(image.shape[0] * scale))
    outer_width = max(width, round(image.shape[1] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(image, (outer_width, outer_height), interpolation=way)
    top, left = (outer_height - height) // 2, (outer_width - width) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width], np.uint8)
