"""The room as the camera sees it, learnt where the person surely is not: what the guard judges by.

Only pixels beside which nothing might be the person are learnt, for a plate with some of the person in it would let the
room pass for something else. Apart from that the colours of what was hidden lately are remembered, where the looks were
less sure: they only ever keep hidden what was hidden before. How bright the frame is against the plate, and how noisy
the camera, is measured on the way, so that a camera that adjusts itself does not make a stranger of its own room.
"""

from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.crew import bands, shared_crew
from pipelines.protection.kernels import DIFFERENCES, FAR, QUIET, learn_plate, remember_hidden

AWAY_PX = 1
"""Room is learnt so far from anything that might be the person, in pixels."""

MAYBE_PERSON = 64
"""From here on, of 255, a pixel might be the person's."""

HIDDEN = 200
"""What every look takes for the person's by less than this, of 255, is hidden, and its colour is remembered."""

MOVED_SHARE, MOVED_FRAMES = 0.5, 3
"""The camera was moved if more than this share of the known room has changed, for so many frames."""

LIGHT_RATE, NOISE_RATE = 0.3, 0.05
"""How fast brightness and noise are followed, a share a frame."""

MOST_NOISE = 3.0
"""The limits grow with the camera's noise to at most so many times those of a quiet one."""


class Plate:
    """What is known of the room, at the working size.

    Parameters
    ----------
    height, width : int
        Pixels.

    Attributes
    ----------
    colors : ndarray
        (height, width, 3) float32 BGR; means nothing where it is not known.
    seen : ndarray
        (height, width) int32, from how many frames; 0 or less where it is not known.
    light : ndarray
        (3,) float32 BGR: by how many codes the latest frame is brighter.
    n_moves : int
        How often the room was forgotten because the camera had been moved.
    """

    def __init__(self, height: int, width: int) -> None:
        self.colors = np.zeros((height, width, 3), np.float32)
        self.seen = np.zeros((height, width), np.int32)
        self.hidden = np.zeros((height, width, 3), np.float32)
        self.memory = np.zeros((height, width), np.int32)
        self.light = np.zeros(3, np.float32)
        self.n_moves = 0
        self._noise = QUIET
        self._crew = shared_crew()
        self._bands = bands(height, self._crew.n_threads)
        self._sums = np.zeros((len(self._bands), 6))
        self._n_changed = 0
        self._kernel = np.ones((2 * AWAY_PX + 1, 2 * AWAY_PX + 1), np.uint8)

    @property
    def limits(self) -> npt.NDArray[np.float32]:
        """`DIFFERENCES`, for this camera's noise."""
        return np.array(DIFFERENCES, np.float32) * np.float32(self._scale)

    @property
    def noise(self) -> float:
        """Standard deviation of the camera's noise in codes, as far as it is known."""
        return self._noise

    def learn(self, frame: Image, most: npt.NDArray[np.uint8]) -> None:
        """Learn from a frame what is surely room in it.

        Parameters
        ----------
        frame : ndarray
            (height, width, 3) uint8 BGR.
        most : ndarray
            (height, width) uint8, see `looks.CloseUps`.
        """
        nearby = cv2.dilate(most, self._kernel)
        is_room = (nearby < MAYBE_PERSON).view(np.uint8)
        far = FAR * DIFFERENCES[0] * self._scale

        def learn(rows: tuple[int, int], sums: npt.NDArray[np.float64]) -> None:
            learn_plate(frame, is_room, self.light, far, rows, self.colors, self.seen, sums)
            remember_hidden(frame, most, HIDDEN, self.light, far, rows, self.hidden, self.memory)

        parts = zip(self._bands, self._sums, strict=True)
        self._crew.run([partial(learn, rows, sums) for rows, sums in parts])
        n_known, n_changed, squares, *differences = self._sums.sum(axis=0)
        self._n_changed = self._n_changed + 1 if n_changed > MOVED_SHARE * max(n_known, 1) else 0
        if self._n_changed >= MOVED_FRAMES:
            self.forget()
            self.n_moves += 1
            return
        n = n_known - n_changed
        if n > 0:
            self.light += LIGHT_RATE * ((np.array(differences) / n).astype(np.float32) - self.light)
            self._noise += NOISE_RATE * (float(np.sqrt(squares / n / 3)) - self._noise)

    def forget(self) -> None:
        """Know nothing of the room any more."""
        self.seen[:] = 0
        self.memory[:] = 0
        self.light[:] = 0
        self._n_changed = 0

    @property
    def _scale(self) -> float:
        return float(min(max(self._noise / QUIET, 1), MOST_NOISE))
