"""How much of the room a protected video shows, against a call whose mattes are known: the bar of `backroom protect`.

The figures are those of the scorer beside the project, pixel for pixel (the tests hold one against the other), in a
small part of its time. The output must have been made of the call's raw.mkv, frame for frame, over a flat background
of a colour that no room has, so that no pixel looks like the room by chance.

A room pixel (true matte under .1) is *exposed* in a frame where the output is within CIEDE2000 4 of the camera's frame.

.. list-table::
   * - exposed once
     - Share of the pixels that were ever room that were exposed in at least one frame.
   * - chance
     - The same against the camera's frame of 7 frames later, mirrored, which holds no true exposure.
   * - worst frame
     - Largest share of a frame's room pixels that were exposed in it.
   * - person lost
     - Share of the surely person's pixels (matte over .9) at which the output is CIEDE2000 10 or more off the
       camera's frame, mean over the frames.
   * - flicker
     - How unsteady the mask is where the person is not: dtSSD of [1]_ against the true matte, 100 times the root
       of the mean over the pixels of ((a_t - a_t-1) - (true_t - true_t-1))^2, mean over the frames. The mask a is what
       the output shows: the share of camera against background that explains a pixel best, 0 to 1.

References
----------
.. [1] M. Erofeev, Y. Gitman, D. Vatolin, A. Fedorov, J. Wang, Perceptually Motivated Benchmark for Video Matting, BMVC
   2015, section 4: dtSSD, "the mean squared difference of direct temporal gradients".
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.base import Image
from pipelines.protection.likeness import mark_alike
from stream.sources.video import VideoSource

EXPOSED_DELTA_E = 4.0
LOST_DELTA_E = 10.0
ROOM_BELOW, PERSON_ABOVE = 26, 229
"""Codes of the true matte, 0 to 255: a tenth and nine tenths."""

CHANCE_AFTER_FRAMES = 7

Matte = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Exposure:
    """Figures of one output; shares are 0 to 1.

    Attributes
    ----------
    n_frames : int
        Frames compared.
    exposed_once, chance, worst_frame, person_lost : float
        As the module says.
    flicker : float
        dtSSD, 0 to 100.
    """

    n_frames: int
    exposed_once: float
    chance: float
    worst_frame: float
    person_lost: float
    flicker: float


class ExposureCount:
    """Compares an output with what the camera saw, frame by frame.

    Parameters
    ----------
    background : tuple of int
        BGR of the flat background.
    """

    def __init__(self, background: tuple[int, int, int] = (255, 0, 255)) -> None:
        self._background = np.array(background, np.float32)
        self._n_frames = 0
        self._worst = 0.0
        self._lost: list[float] = []
        self._flicker: list[float] = []
        self._mask_error: npt.NDArray[np.float32] | None = None

    def add(self, camera: Image, output: Image, other: Image, matte: Matte) -> None:
        """Take a frame: what the camera saw, what came out, a frame that can only match by chance, the true matte."""
        if not self._n_frames:
            self._ever, self._once, self._luck = (np.zeros(matte.shape, bool) for _ in range(3))
        self._n_frames += 1
        room, sure = matte < ROOM_BELOW, matte > PERSON_ABOVE
        self._ever |= room
        n_exposed = mark_alike(output, camera, room, EXPOSED_DELTA_E, 1, False, self._once)
        self._worst = max(self._worst, n_exposed / max(1, np.count_nonzero(room)))
        mark_alike(output, other, room, EXPOSED_DELTA_E, 1, True, self._luck)
        n_sure = np.count_nonzero(sure)
        if n_sure:
            n_kept = mark_alike(output, camera, sure, LOST_DELTA_E + 1e-12, 1, False, np.zeros_like(sure))
            self._lost.append(1 - n_kept / n_sure)
        self._add_flicker(camera, output, matte)

    def figures(self) -> Exposure:
        """Return the figures of all frames so far, of which there must be one."""
        n_ever = max(1, np.count_nonzero(self._ever))
        once, luck = (float(np.count_nonzero(marked) / n_ever) for marked in (self._once, self._luck))
        lost, flicker = (float(np.mean(each)) if each else 0.0 for each in (self._lost, self._flicker))
        return Exposure(self._n_frames, once, luck, self._worst, lost, flicker)

    def _add_flicker(self, camera: Image, output: Image, matte: Matte) -> None:
        error = shown_mask(camera, output, self._background) - matte.astype(np.float32) / np.float32(255)
        if self._mask_error is not None:
            self._flicker.append(100 * float(np.sqrt(np.mean((error - self._mask_error) ** 2))))
        self._mask_error = error


@njit(cache=True)
def shown_mask(camera: Image, output: Image, background: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the share of the camera in each pixel of an output, (height, width) float32, 0 to 1, by least squares."""
    shares = np.empty(camera.shape[:2], np.float32)
    for y in range(camera.shape[0]):
        for x in range(camera.shape[1]):
            along, length = np.float32(0), np.float32(0)
            for channel in range(3):
                away = camera[y, x, channel] - background[channel]
                along += (output[y, x, channel] - background[channel]) * away
                length += away * away
            shares[y, x] = min(max(along / max(length, np.float32(1)), np.float32(0)), np.float32(1))
    return shares


def frames_of(path: Path) -> Iterator[Image]:
    """Yield the pictures of a video."""
    source = VideoSource(path)
    while (frame := source.read()) is not None:
        yield frame.image
    source.close()


def measure_exposure(cameras: Iterable[Image], mattes: Iterable[Matte], outputs: Iterable[Image]) -> Exposure:
    """Compare a protection's output with what it was made of, as far as the shortest of the three goes.

    Parameters
    ----------
    cameras : iterable of ndarray
        (height, width, 3) uint8 BGR: what the camera saw.
    mattes : iterable of ndarray
        (height, width) uint8: the true mattes.
    outputs : iterable of ndarray
        (height, width, 3) uint8 BGR: what the protection made of each frame.

    Returns
    -------
    Exposure
        The figures.
    """
    count = ExposureCount()
    # The outputs first: who makes them is asked to the end, and can finish.
    for output, (camera, other), matte in zip(outputs, _with_others(cameras), mattes, strict=False):
        count.add(camera, output, other, matte)
    return count.figures()


def _with_others(cameras: Iterable[Image]) -> Iterator[tuple[Image, Image]]:
    """Yield each frame with that of `CHANCE_AFTER_FRAMES` later; the last ones with the first."""
    first: list[Image] = []
    waiting: deque[Image] = deque()
    for camera in cameras:
        if len(first) < CHANCE_AFTER_FRAMES:
            first.append(camera)
        waiting.append(camera)
        if len(waiting) > CHANCE_AFTER_FRAMES:
            yield waiting.popleft(), camera
    yield from zip(waiting, first, strict=True)
