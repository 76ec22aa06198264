"""Parts of a protected camera that fail as a test tells them, and a camera whose pixels can be told from all others."""

import numpy as np

from pipelines.base import Frame
from stream.sources.base import SourceInfo

HEIGHT, WIDTH = 48, 64
CAMERA_RED = 251
"""The red of every pixel of the camera; placeholders and the backgrounds of tests have no such red."""

BACKGROUND = "#102030"


def camera_image(rng: np.random.Generator, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    image[..., 2] = CAMERA_RED
    return image


def n_camera_pixels(image: np.ndarray) -> int:
    return int((image[..., 2] == CAMERA_RED).sum())


class Camera:
    """Gives frames of a list, live unless said otherwise."""

    def __init__(self, frames, *, is_live=True, error=None, period_s=0.0):
        self.frames = [frame if isinstance(frame, Frame) else Frame(frame, i / 25) for i, frame in enumerate(frames)]
        self.info = SourceInfo("camera", HEIGHT, WIDTH, 25.0, is_live)
        self.status = ""
        self.n_missed = 0
        self.error = error
        self.n_closed = 0
        self._next = iter(self.frames)

    def read(self):
        frame = next(self._next, None)
        if frame is None and self.error is not None:
            raise self.error
        return frame

    def close(self):
        self.n_closed += 1


class BoxProtection:
    """Shows the camera in a box in the middle and the background around it; does `fault` instead where there is one."""

    def __init__(self, background, fault=None):
        self.background = background
        self.fault = fault
        self.tightened = self.n_forgotten = self.n_after = 0
        self.applied = []

    def warm_up(self, height, width, *, is_live):
        self.background.warm_up(height, width)
        self.plate = np.zeros((height, width, 3), np.uint8)
        self.is_plate_known = np.zeros((height, width), np.bool_)
        self.mask = np.zeros((height, width), np.float32)
        self.mask[height // 4 : -height // 4, width // 4 : -width // 4] = 1

    def process(self, frame):
        behind = self.background.picture(frame.image, self.mask)
        if self.fault is not None:
            return self.fault(frame)
        return [Frame(np.where(self.mask[..., None] > 0, frame.image, behind), frame.pts_s)]

    def flush(self):
        return ()

    def after_frame(self):
        self.n_after += 1

    def set_background(self, background):
        self.background = background

    def tighten(self, steps):
        self.tightened = steps

    def forget_room(self):
        self.n_forgotten += 1

    def apply(self, profile):
        self.applied.append(profile)
        return []

    def status(self):
        return []

    def report(self):
        return {}
