"""A person drawn by code: head and shoulders that the person model takes for a person."""

import cv2
import numpy as np

from pipelines.base import Image

WALL = (160, 170, 150)


def drawn_person(height: int, width: int, wall: tuple[int, int, int] | Image = WALL, x_px: int = 0) -> Image:
    """Return head and shoulders before a wall (a colour or a picture), `x_px` to the right of the middle."""
    image = np.empty((height, width, 3), np.uint8)
    image[:] = wall
    shirt, skin, hair = (50, 45, 70), (140, 170, 220), (20, 30, 40)
    center = width // 2 + x_px
    cv2.ellipse(image, (center, height), (height // 2, height // 3), 0, 180, 360, shirt, -1)
    cv2.ellipse(image, (center, height // 3), (height // 7, height // 5), 0, 180, 360, hair, -1)
    cv2.ellipse(image, (center, height * 2 // 5), (height // 8, height // 5), 0, 0, 360, skin, -1)
    for side in (-1, 1):
        cv2.circle(image, (center + side * height // 20, height * 3 // 8), height // 60, hair, -1)
    cv2.ellipse(image, (center, height // 2), (height // 25, height // 70), 0, 0, 180, (60, 60, 150), -1)
    return image


def drawn_matte(height: int, width: int, x_px: int = 0) -> Image:
    """Return where `drawn_person` is: (height, width) uint8, 0 or 255."""
    dark, light = (drawn_person(height, width, (wall,) * 3, x_px) for wall in (0, 255))
    return np.where((dark == light).all(axis=-1), np.uint8(255), np.uint8(0))
