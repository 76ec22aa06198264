"""A stand-in for the person model that knows the person by a colour, and whatever mistakes a test gives it."""

import cv2
import numpy as np

from pipelines.segmentation import SMALL_PX

PERSON = (30, 200, 30)
"""BGR of the stand-in's person; rooms of the tests have less green than red and blue."""

TRAP = (20, 120, 25)
"""BGR of a piece of furniture that the stand-in may be made to take for the person."""


class ColorSegmenter:
    """Takes green for the person; `is_fooled` makes it take `TRAP` for the person too."""

    backend = "opencv"

    def __init__(self) -> None:
        self.is_fooled = False
        self.sizes: list[tuple[int, int]] = []

    def small_probability(self, image):
        self.sizes.append(image.shape[:2])
        small = cv2.resize(image, (SMALL_PX, SMALL_PX), interpolation=cv2.INTER_LINEAR).astype(np.int32)
        least = 60 if self.is_fooled else 120
        return (small[..., 1] - small[..., 2] > least).astype(np.float32)

    def probability(self, image):
        return cv2.resize(self.small_probability(image), image.shape[1::-1])


def textured_room(rng, height, width):
    """Return a room of soft blobs with no green in it."""
    coarse = rng.integers(60, 200, (9, 16, 3)).astype(np.uint8)
    room = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    room[..., 1] = np.minimum(room[..., 1], np.minimum(room[..., 0], room[..., 2]) // 2)
    return room


def with_person(room, x_px, width_px=60):
    """Return a picture of the room with a person, a rectangle that stands on the lower edge, and the true matte."""
    image, matte = room.copy(), np.zeros(room.shape[:2], np.bool_)
    top = room.shape[0] // 4
    matte[top:, x_px : x_px + width_px] = True
    image[matte] = PERSON
    return image, matte


def noisy(image, rng, sigma=2.0):
    """Return the picture as a webcam sees it."""
    return np.clip(image + rng.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)
