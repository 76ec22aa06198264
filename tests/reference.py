"""Slow, obvious twins of the kernels: what a result must be, written so that anybody can see that it is right."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

Color = tuple[int, int, int]


def colors_of_pixel(frames: Sequence[np.ndarray], y: int, x: int) -> "Counter[Color]":
    """Count a pixel's colours; the counter's own order is that of first appearance."""
    return Counter(tuple(int(c) for c in frame[y, x]) for frame in frames)


def rarest_of_pixel(colors: "Counter[Color]", omg: int) -> tuple[Color, Color, bool]:
    """Walk as roomg does: (most frequent colour, the room's colour, whether it passed the threshold)."""
    ranked = colors.most_common()  # ties stay in order of first appearance
    backdrop = ranked[0][0]
    for color, _ in reversed(ranked):
        if abs(sum(backdrop) - sum(color)) > omg:
            return backdrop, color, True
    return backdrop, ranked[-1][0], False


def rarest(frames: Sequence[np.ndarray], omg: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (room BGRA, backdrop BGR) by roomg's rule."""
    height, width = frames[0].shape[:2]
    room = np.zeros((height, width, 4), np.uint8)
    backdrop = np.zeros((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            top, color, found = rarest_of_pixel(colors_of_pixel(frames, y, x), omg)
            backdrop[y, x] = top
            room[y, x] = (*color, 255 if found else 0)
    return room, backdrop


def cells_of_pixel(frames: Sequence[np.ndarray], y: int, x: int, bits: int) -> dict[Color, int]:
    """Count a pixel's colours in cells of 2**bits codes a channel; a cell bears the name of its first colour."""
    names: dict[Color, Color] = {}
    counts: dict[Color, int] = {}
    for frame in frames:
        color = tuple(int(c) for c in frame[y, x])
        cell = tuple(c >> bits for c in color)
        name = names.setdefault(cell, color)
        counts[name] = counts.get(name, 0) + 1
    return counts
