"""A patterned person who moves before a patterned room, and the same as another client shows it."""

from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.base import Image

HEIGHT, WIDTH = 180, 320
RATE_HZ = 25.0


def pattern(rng: np.random.Generator, low: int, high: int, height: int = HEIGHT, width: int = WIDTH) -> Image:
    """Blobs of any colour between two codes."""
    coarse = rng.integers(low, high, (height // 12 + 1, width // 12 + 1, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


@dataclass(frozen=True)
class Client:
    """How another client shows the camera: later, mirrored, enlarged, cut and tinted, over its own backdrop.

    Attributes
    ----------
    lag_frames : int
        How many frames later.
    mirrored : bool
        Left and right exchanged.
    scale : float
        How much larger.
    cut_px : int
        Lines of the camera's picture that are missing at the top, and at the bottom.
    gain : float
        How much brighter.
    """

    lag_frames: int = 0
    mirrored: bool = False
    scale: float = 1.0
    cut_px: int = 0
    gain: float = 1.0

    def show(self, picture: Image) -> Image:
        part = picture[self.cut_px : HEIGHT - self.cut_px]
        part = part[:, ::-1] if self.mirrored else part
        large = cv2.resize(part, None, fx=self.scale, fy=self.scale, interpolation=cv2.INTER_LINEAR)
        return np.clip(large * self.gain, 0, 255).astype(np.uint8)


class Scene:
    """Frames of the camera, and of the client that shows a strip of `leak_px` columns of the room at the left."""

    def __init__(self, rng: np.random.Generator, client: Client, n_frames: int = 170, leak_px: int = 0) -> None:
        self.room, self.backdrop = pattern(rng, 20, 120), pattern(rng, 90, 250)
        self._person = pattern(rng, 0, 255)
        self._rng, self._client, self._leak_px = rng, client, leak_px
        self._x = np.cumsum(rng.normal(0, 3, n_frames)) * 0.5
        self._x = np.clip(self._x - self._x.mean(), -60, 60)
        self.n_frames = n_frames

    def is_person(self, t: int) -> np.ndarray:
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        center = (WIDTH // 2 + int(self._x[t]), HEIGHT * 3 // 4)
        cv2.ellipse(mask, center, (70, 100), 0, 0, 360, 1, -1)
        return mask > 0

    def camera(self, t: int) -> Image:
        moved = np.roll(self._person, int(self._x[t]), axis=1)
        seen = np.where(self.is_person(t)[..., np.newaxis], moved, self.room).astype(np.int16)
        return np.clip(seen + self._rng.normal(0, 1.5, seen.shape), 0, 255).astype(np.uint8)

    def output(self, t: int, camera: Image) -> Image:
        shown = self.is_person(t)
        shown[:, : self._leak_px] = True
        return self._client.show(np.where(shown[..., np.newaxis], camera, self.backdrop))

    def is_person_in_output(self, t: int) -> np.ndarray:
        return self._client.show(np.repeat(self.is_person(t)[..., np.newaxis], 3, axis=2) * np.uint8(255))[..., 0] > 127
