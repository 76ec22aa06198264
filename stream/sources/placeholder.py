"""The picture that stands in for one that could not be had: grey, with a line of text, nothing of the source."""

import cv2
import numpy as np

from pipelines.base import Image

_GREY = 32
"""Background in code values: dark enough not to glare, not black, which looks like a switched-off screen."""

_TEXT_COLOR = (200, 200, 200)

_TEXT_WIDTH_SHARE = 0.8
"""Share of the picture's width that the line fills at most."""

_LARGEST_SCALE = 2.0


def draw_placeholder(height: int, width: int, text: str) -> Image:
    """Draw a placeholder.

    Parameters
    ----------
    height, width : int
        Size in pixels.
    text : str
        One line, ASCII; scaled to fit.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR.
    """
    image = np.full((height, width, 3), _GREY, np.uint8)
    (text_width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)
    scale = min(_LARGEST_SCALE, _TEXT_WIDTH_SHARE * width / max(text_width, 1))
    thickness = max(1, round(scale))
    (text_width, text_height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    corner = ((width - text_width) // 2, (height + text_height) // 2)
    cv2.putText(image, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, _TEXT_COLOR, thickness, cv2.LINE_AA)
    return image
