"""The picture of a virtual background, from a file, for a call whose backdrop is known.

Any picture that `stream.sources.images` reads is taken, by the same rules: grey is repeated, 16 bits are rounded to
8 (a value v becomes v / 257), a rotation that a camera noted is carried out. Alpha is kept, since a part that is
see-through has no colour of its own: what a client shows there is not known.
"""

from pathlib import Path

import cv2
import numpy as np

from pipelines.base import Image
from stream.sources.base import CaptureError
from stream.sources.images import read_picture

LEAST_PX = 16
"""Smallest height and width."""


def read_backdrop(path: Path) -> Image:
    """Read a backdrop.

    Parameters
    ----------
    path : Path
        A still picture.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR or, where the picture has see-through parts, (height, width, 4) uint8 BGRA.

    Raises
    ------
    CaptureError
        If the file cannot be read or decoded, is animated, too small, or see-through all over.
    """
    picture = read_picture(path, keep_alpha=True)
    _check_still(path)
    height, width = picture.shape[:2]
    if min(height, width) < LEAST_PX:
        raise CaptureError(
            f"{path} is {width}x{height}, wanted at least {LEAST_PX}x{LEAST_PX}; name the picture itself"
        )
    # Without alpha the colours are read once more: a rotation is only carried out then.
    if picture.shape[2] == 3 or (picture[..., 3] == 255).all():
        return read_picture(path)
    if not (picture[..., 3] == 255).any():
        raise CaptureError(f"{path} is see-through all over, wanted a backdrop; save it without transparency")
    return picture


def _check_still(path: Path) -> None:
    try:
        is_read, animation = cv2.imdecodeanimation(np.fromfile(path, np.uint8), 0, 2)
    except cv2.error:
        return  # a kind of file that is never animated
    if is_read and len(animation.frames) > 1:
        raise CaptureError(
            f"{path} holds several pictures (an animation?), wanted one; save the one that the call shows as PNG"
        )
