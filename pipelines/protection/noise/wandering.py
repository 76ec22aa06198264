"""A background that moves irregularly: a window into the picture that shifts and zooms, and never leaves it.

Colours that a pixel owes to the backdrop then change as the person's do. The window follows a target, as a weight on a
spring that just does not swing; after a random time the target and the spring are other ones. A motion that repeated
itself would let colours pile up again (roomg, README on countermeasures).

Limits: a window is smaller than the picture, so that what is shown is enlarged and a little soft. It lies on whole
pixels, which lets OpenCV's `resize` do the work, in a fifth of the time that a shift by parts of pixels takes.
"""

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.protection.noise.chance import Chance

_SLOWEST, _QUICKEST = 2.0, 6.0
"""How far a spring takes the window in the mean time between two targets, in radians of its own frequency."""


class Wandering:
    """A window into a picture, another one each frame.

    Parameters
    ----------
    reach : float
        0 to .25: the window is smaller than the picture by `reach` to twice that.
    frames : int
        Mean number of frames between two targets, at least 10: a stiffer spring would tremble.
    chance : Chance
        What targets are drawn with.
    """

    def __init__(self, reach: float, frames: int, chance: Chance) -> None:
        self._reach = reach
        self._frames = frames
        self._chance = chance
        self._place = self._somewhere()
        self._speed = np.zeros(3)
        self._target = self._place
        self._frequency = 0.0
        self._n_left = 0

    def window(self) -> tuple[float, float, float]:
        """Move on by one frame.

        Returns
        -------
        tuple of float
            Size of the window, its left and its top edge, each as a share of the picture's; size and edge together
            are at most 1.
        """
        if not self._n_left:
            self._aim()
        self._n_left -= 1
        # Critically damped: x'' = w**2 (target - x) - 2 w x'; speed first, which keeps Euler's steps stable.
        pull = self._frequency**2 * (self._target - self._place)
        self._speed += pull - 2 * self._frequency * self._speed
        self._place = np.clip(self._place + self._speed, 0, 1)
        size = 1 - self._reach * (1 + float(self._place[2]))
        return size, (1 - size) * float(self._place[0]), (1 - size) * float(self._place[1])

    def show(self, picture: Image, out: Image) -> None:
        """Write the next window's picture.

        Parameters
        ----------
        picture : ndarray
            (height, width, 3) uint8 BGR.
        out : ndarray
            Of the same shape, written.
        """
        height, width = picture.shape[:2]
        size, left, top = self.window()
        window_height, window_width = (max(1, round(size * px)) for px in (height, width))
        y, x = min(round(top * height), height - window_height), min(round(left * width), width - window_width)
        cv2.resize(picture[y : y + window_height, x : x + window_width], (width, height), out)

    def _aim(self) -> None:
        self._target = self._somewhere()
        self._n_left = 1 + self._chance.turns_until(self._frames)
        self._frequency = (_SLOWEST + (_QUICKEST - _SLOWEST) * self._chance.unit()) / self._frames

    def _somewhere(self) -> npt.NDArray[np.float64]:
        return np.array([self._chance.unit() for _ in range(3)])
