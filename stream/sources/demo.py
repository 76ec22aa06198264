"""A small synthetic call that needs no camera, screen or file, and whose room is known.

A person sways before a room; a call client replaces the room by a beach, with a mask that lags two frames
behind, so that the room shows for a moment where the person has just been. No codec, no noise, hard edges and a
person of few colours: this is the ideal case, made to see the program work, not to judge a method by.
"""

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Frame, Image
from stream.sources.base import SourceInfo

HEIGHT, WIDTH = 360, 640
N_FRAMES = 300
RATE_HZ = 30.0
MASK_LAG_FRAMES = 2

_SEED = 2020


class DemoSource:
    """The synthetic call as a source, with its truth beside it.

    Attributes
    ----------
    room : ndarray
        (360, 640, 3) uint8 BGR, what is really behind the person.
    backdrop : ndarray
        (360, 640, 3) uint8 BGR, the virtual background.
    weights : ndarray
        (360, 640) float32, the largest share of room light that each pixel has shown so far, 0 to 1.
    """

    def __init__(self) -> None:
        self.room = draw_room()
        self.backdrop = draw_backdrop()
        self.weights = np.zeros((HEIGHT, WIDTH), np.float32)
        self._n_read = 0

    @property
    def info(self) -> SourceInfo:
        """What the source is."""
        return SourceInfo("demo", HEIGHT, WIDTH, RATE_HZ, is_live=False, n_frames=N_FRAMES)

    @property
    def status(self) -> str:
        """Nothing is ever wrong with the demo."""
        return ""

    @property
    def n_missed(self) -> int:
        """None is ever missed."""
        return 0

    def read(self) -> Frame | None:
        """Draw the next frame.

        Returns
        -------
        Frame or None
            None after `N_FRAMES` frames.
        """
        t = self._n_read
        if t >= N_FRAMES:
            return None
        self._n_read += 1
        person, matte = draw_person(t)
        _, mask = draw_person(max(0, t - MASK_LAG_FRAMES))
        seen = matte[..., None] * person + (1 - matte[..., None]) * self.room
        call = mask[..., None] * seen + (1 - mask[..., None]) * self.backdrop
        np.maximum(self.weights, mask * (1 - matte), out=self.weights)
        return Frame(np.rint(call).astype(np.uint8), t / RATE_HZ)

    def close(self) -> None:
        """Nothing is open."""


def draw_room() -> Image:
    """Draw a study: wall, window, shelf with books, picture, plant.

    Returns
    -------
    ndarray
        (360, 640, 3) uint8 BGR.
    """
    rng = np.random.default_rng(_SEED)
    shade = np.linspace(1.0, 0.8, HEIGHT)[:, None, None]
    room: Image = np.rint(shade * np.array([150, 175, 190])).astype(np.uint8).repeat(WIDTH, axis=1)
    cv2.rectangle(room, (0, 300), (WIDTH, HEIGHT), (60, 90, 130), -1)
    cv2.rectangle(room, (30, 40), (170, 190), (235, 225, 215), -1)
    cv2.rectangle(room, (40, 50), (160, 180), (230, 200, 140), -1)
    cv2.line(room, (100, 50), (100, 180), (235, 225, 215), 5)
    cv2.line(room, (40, 115), (160, 115), (235, 225, 215), 5)
    for shelf_y in (110, 180, 250):
        x = 400
        while x < 600:
            width, height = int(rng.integers(9, 22)), int(rng.integers(36, 58))
            color = tuple(int(c) for c in rng.integers(30, 210, 3))
            cv2.rectangle(room, (x, shelf_y - height), (x + width - 2, shelf_y), color, -1)
            x += width
        cv2.rectangle(room, (390, shelf_y), (620, shelf_y + 7), (40, 60, 95), -1)
    cv2.rectangle(room, (220, 50), (350, 130), (30, 40, 60), -1)
    cv2.rectangle(room, (228, 58), (342, 122), (90, 170, 110), -1)
    cv2.circle(room, (310, 80), 14, (60, 200, 240), -1)
    cv2.ellipse(room, (225, 270), (34, 52), 0, 0, 360, (50, 120, 40), -1)
    cv2.rectangle(room, (200, 285), (250, 330), (60, 80, 170), -1)
    return room


def draw_backdrop() -> Image:
    """Draw a beach: sky, sea, sand, sun.

    Returns
    -------
    ndarray
        (360, 640, 3) uint8 BGR.
    """
    rows = np.arange(HEIGHT, dtype=np.float64)
    sky = np.array([235, 190, 120]) + np.array([10, 50, 110]) * (rows / 200).clip(0, 1)[:, None]
    sea = np.array([150, 110, 20]) + np.array([40, 50, 30]) * ((rows - 200) / 70).clip(0, 1)[:, None]
    sand = np.array([140, 200, 230]) - 25.0 * ((rows - 270) / 90).clip(0, 1)[:, None]
    column = np.where(rows[:, None] < 200, sky, np.where(rows[:, None] < 270, sea, sand))
    backdrop: Image = np.rint(column).clip(0, 255).astype(np.uint8)[:, None].repeat(WIDTH, axis=1)
    cv2.circle(backdrop, (500, 90), 36, (190, 240, 255), -1, cv2.LINE_AA)
    return backdrop


def draw_person(t: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Draw the person of frame `t`.

    Parameters
    ----------
    t : int
        Number of the frame, from 0.

    Returns
    -------
    person : ndarray
        (360, 640, 3) float32 BGR, 0 to 255, black outside the person.
    matte : ndarray
        (360, 640) float32, 1 where the person is, 0 elsewhere.
    """
    x = WIDTH // 2 + int(185 * np.sin(2 * np.pi * t / 150)) + int(20 * np.sin(2 * np.pi * t / 37))
    y = 135 + int(10 * np.sin(2 * np.pi * t / 45))
    person = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    cv2.ellipse(person, (x, HEIGHT), (125, 160), 0, 180, 360, (120, 60, 45), -1)
    cv2.rectangle(person, (x - 22, y + 30), (x + 22, y + 80), (125, 160, 215), -1)
    cv2.ellipse(person, (x, y - 16), (50, 62), 0, 0, 360, (25, 35, 50), -1)
    cv2.ellipse(person, (x, y), (48, 64), 0, 0, 360, (140, 175, 230), -1)
    matte = np.asarray(person.any(axis=2), np.float32)
    return np.asarray(person, np.float32), matte
