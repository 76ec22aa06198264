"""How the clients of calls make a mask: from the probability of a person to the share of the camera that is sent."""

import cv2
import numpy as np
from scenery import Layer

STYLES = ("threshold", "ema", "late", "dilate", "eroded")
ERODED_PX = 3
# Above this a matte is 255 of 255: the pixel is all person, and nothing can leak there.
ALL_PERSON = 1 - 0.5 / 255


class Client:
    """How a call's client makes of the person's probability the mask that it applies; remembers frames.

    `threshold` goes by this frame alone; `ema` blends over time as Jitsi did; `late` applies the mask of the frame
    before; `dilate` widens and blurs as LFBW (Linux fake background webcam) does. `eroded` knows the true matte and
    stays inside of it by `ERODED_PX`: what a client would send that leaks nothing.

    Parameters
    ----------
    style : str
        One of `STYLES`.
    """

    def __init__(self, style: str) -> None:
        self.style = style
        self._before: Layer | None = None

    def mask(self, probability: Layer, matte: Layer) -> Layer:
        """Return the share of the camera's picture in the frame sent, (height, width) float32, 0 to 1."""
        if self.style == "eroded":
            size = 2 * ERODED_PX + 1
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
            return np.asarray(cv2.erode((matte >= ALL_PERSON).astype(np.float32), disc), np.float32)
        if self.style == "dilate":
            wide = cv2.dilate((probability > 0.75).astype(np.float32), np.ones((5, 5)))
            return np.asarray(cv2.GaussianBlur(wide, (0, 0), 2), np.float32)
        if self.style == "ema":
            blend = probability if self._before is None else 0.75 * self._before + 0.25 * probability
            self._before = blend
            return np.clip((blend - 0.48) / 0.17, 0, 1)
        if self.style == "late":
            used = np.zeros_like(probability) if self._before is None else self._before
            self._before = probability
            return np.clip((used - 0.45) / 0.2, 0, 1)
        return np.clip((probability - 0.45) / 0.2, 0, 1)
