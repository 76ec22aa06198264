"""What a simulated call shows beside the person: rooms and virtual backgrounds, still or moving.

A scenery is named by a short text: a picture's file, a video's file (looped), ``drawn:7`` (drawn by code, another one
for each number), ``noise`` (a backdrop that is never the same twice) or ``blur`` (the camera's own picture, blurred,
as clients do it).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

Layer = npt.NDArray[np.float32]
"""(height, width) or (height, width, 3) float32; colours are B, G, R, 0 to 255, a matte is 0 to 1."""

Picture = npt.NDArray[np.uint8]
"""(height, width, 3) uint8 BGR."""

Size = tuple[int, int]
"""Width and height in pixels, as OpenCV wants them."""

# Drawn at this size and scaled, so that a picture looks the same in a small call and in a large one.
DRAWN_SIZE = (1280, 720)
# Sigma of the blur over the height of the frame; Jitsi's and Meet's stronger setting look like this at 720p.
BLUR_OF_HEIGHT = 1 / 40


class Scenery(Protocol):
    """Pictures behind the person."""

    is_still: bool

    def at(self, t: int, seen: Layer | None = None) -> Layer:
        """Return the picture of frame `t`, asked in order; `seen` is what the camera saw. Not to be written to."""


class Still:
    """One picture."""

    is_still = True

    def __init__(self, picture: Picture, size: Size) -> None:
        self._picture = fit(picture, size).astype(np.float32)

    def at(self, t: int, seen: Layer | None = None) -> Layer:
        return self._picture


class Loop:
    """A video, from its start again when it ends."""

    is_still = False

    def __init__(self, path: Path, size: Size) -> None:
        self._pictures = _endless(path)
        self._size = size

    def at(self, t: int, seen: Layer | None = None) -> Layer:
        return fit(next(self._pictures), self._size).astype(np.float32)


class Noise:
    """A picture of soft colours whose pixels flicker: each frame other ones, other colours, another share."""

    is_still = False

    def __init__(self, size: Size, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._ground = draw_backdrop(seed, size).astype(np.float32)

    def at(self, t: int, seen: Layer | None = None) -> Layer:
        shape = self._ground.shape
        picture = self._ground.copy()
        flickers = self._rng.random(shape[:2]) < self._rng.uniform(0.05, 0.5)
        picture[flickers] = self._rng.integers(0, 256, (int(flickers.sum()), 3))
        return picture


class Blurred:
    """The camera's picture, person included, blurred."""

    is_still = False

    def at(self, t: int, seen: Layer | None = None) -> Layer:
        assert seen is not None
        return np.asarray(cv2.GaussianBlur(seen, (0, 0), seen.shape[0] * BLUR_OF_HEIGHT), np.float32)


def open_room(name: str, size: Size) -> Scenery:
    """Open a room: a file, or ``drawn:N``."""
    if name.startswith("drawn:"):
        return Still(draw_room(_number(name), size), size)
    return _open_file(Path(name), size)


def open_backdrop(name: str, size: Size, seed: int = 0) -> Scenery:
    """Open a virtual background: a file, ``drawn:N``, ``noise`` or ``blur``."""
    if name.startswith("drawn:"):
        return Still(draw_backdrop(_number(name), size), size)
    if name == "noise":
        return Noise(size, seed)
    return Blurred() if name == "blur" else _open_file(Path(name), size)


def fit(picture: Picture, size: Size) -> Picture:
    """Scale a picture until it covers `size`, and cut off evenly what stands out."""
    width, height = size
    scale = max(width / picture.shape[1], height / picture.shape[0])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how)
    y, x = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return np.ascontiguousarray(scaled[y : y + height, x : x + width]).astype(np.uint8, copy=False)


def draw_room(number: int, size: Size) -> Picture:
    """Draw a room: a papered wall in uneven light, shelves with books, pictures, a window, a floor; (h, w, 3) uint8."""
    rng = np.random.default_rng([2020, number])
    width, height = DRAWN_SIZE
    floor_y = int(height * rng.uniform(0.72, 0.9))
    room = np.empty((height, width, 3), np.float32)
    room[:] = rng.uniform(110, 205) + rng.uniform(-28, 28, 3)  # walls are not far from grey
    room[:, np.arange(width) // int(rng.integers(18, 60)) % 2 == 0] *= rng.uniform(0.86, 0.97)
    room[floor_y:] = rng.uniform(40, 140) * np.array([0.55, 0.8, 1.0])
    room[floor_y:, :: int(rng.integers(50, 120))] *= 0.6
    _draw_window(room, rng)
    for _ in range(int(rng.integers(2, 5))):
        _draw_picture(room, rng, floor_y)
    _draw_shelf(room, rng, floor_y)
    light_x = rng.uniform(0, width)
    distance = np.hypot(np.arange(width) - light_x, (np.arange(height) * 1.5)[:, np.newaxis]) / width
    room *= (1.15 - 0.45 * distance)[..., np.newaxis].astype(np.float32)
    room += _grain(rng, (height, width), 7.0)[..., np.newaxis]
    return fit(np.clip(room, 0, 255).astype(np.uint8), size)


def draw_backdrop(number: int, size: Size) -> Picture:
    """Draw a landscape as virtual backgrounds show them: a sky, clouds, hills one behind the other; (h, w, 3) uint8."""
    rng = np.random.default_rng([2021, number])
    width, height = DRAWN_SIZE
    top, bottom = rng.uniform([120, 60, 20], [250, 170, 150]), rng.uniform([120, 120, 150], [250, 230, 255])
    share = np.linspace(0, 1, height)[:, np.newaxis, np.newaxis]
    picture = np.broadcast_to((1 - share) * top + share * bottom, (height, width, 3)).astype(np.float32)
    clouds = np.clip(_grain(rng, (height, width), 40.0), 0, 60)
    picture += clouds[..., np.newaxis]
    x = np.arange(width)
    for depth in range(4):
        waves = sum(rng.uniform(10, 40) * np.sin(x / rng.uniform(40, 240) + rng.uniform(0, 6)) for _ in range(3))
        ridge = height * (0.45 + 0.13 * depth) + waves
        color = rng.uniform(30, 170, 3) * (1 - 0.12 * depth)
        below = np.arange(height)[:, np.newaxis] > ridge
        picture[below] = (color + _grain(rng, (height, width), 8.0)[..., np.newaxis])[below]
    return fit(np.clip(picture, 0, 255).astype(np.uint8), size)


def _draw_window(room: Layer, rng: np.random.Generator) -> None:
    x, y, width, height = (int(v) for v in rng.uniform([40, 40, 160, 180], [1000, 140, 300, 330]))
    view = draw_backdrop(int(rng.integers(1 << 30)), (width, height))
    room[y : y + height, x : x + width] = (0.5 * view.astype(np.float32) + 128)[:, : room.shape[1] - x]
    for left, top, right, bottom in ((0, 0, width, height), (0, 0, width // 2, height), (0, 0, width, height // 2)):
        cv2.rectangle(room, (x + left, y + top), (x + right, y + bottom), (235.0, 240.0, 240.0), 9)


def _draw_picture(room: Layer, rng: np.random.Generator, floor_y: int) -> None:
    x, y = int(rng.uniform(20, 1100)), int(rng.uniform(30, floor_y - 220))
    width, height = (int(v) for v in rng.uniform(70, 190, 2))
    cells = cv2.resize(
        rng.uniform(20, 235, (4, 5, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA
    )
    room[y : y + height, x : x + width] = cells[:, : room.shape[1] - x]
    frame = tuple(float(c) for c in rng.uniform(10, 120, 3))
    cv2.rectangle(room, (x, y), (x + width, y + height), frame, 6)


def _draw_shelf(room: Layer, rng: np.random.Generator, floor_y: int) -> None:
    left, right = int(rng.uniform(30, 500)), int(rng.uniform(700, 1250))
    wood = tuple(float(c) for c in rng.uniform(40, 110) * np.array([0.5, 0.8, 1.2]))
    for board_y in range(floor_y - 20, floor_y - 20 - 130 * int(rng.integers(2, 4)), -130):
        x = left
        while x < right - 12:
            thick, tall = int(rng.integers(10, 34)), int(rng.integers(60, 112))
            color = tuple(float(c) for c in rng.uniform(15, 235) + rng.uniform(-50, 50, 3))
            if rng.random() < 0.85:  # a gap here and there
                cv2.rectangle(room, (x, board_y - tall), (x + thick - 2, board_y), color, -1)
                cv2.line(room, (x, board_y - tall + 14), (x + thick - 2, board_y - tall + 14), (220.0, 220.0, 220.0), 3)
            x += thick
        cv2.rectangle(room, (left, board_y), (right, board_y + 12), wood, -1)


def _grain(rng: np.random.Generator, shape: tuple[int, int], strength: float) -> Layer:
    """Return noise with coarse and fine parts, as surfaces have it."""
    height, width = shape
    parts = []
    for scale in (4, 16, 64):
        coarse = rng.normal(0, 1, (height // scale + 2, width // scale + 2)).astype(np.float32)
        parts.append(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
    return np.asarray(strength * sum(parts) / len(parts), np.float32)


def _open_file(path: Path, size: Size) -> Scenery:
    picture = cv2.imread(str(path)) if path.is_file() else None
    if picture is not None:
        return Still(picture.astype(np.uint8, copy=False), size)
    return Loop(path, size)


def _endless(path: Path) -> Iterator[Picture]:
    while True:
        capture = cv2.VideoCapture(str(path))
        n_read = 0
        while True:
            is_there, picture = capture.read()
            if not is_there:
                break
            n_read += 1
            yield picture.astype(np.uint8, copy=False)
        capture.release()
        if not n_read:
            raise SystemExit(f"{path} is neither a picture nor a video; name one, or drawn:1")


def _number(name: str) -> int:
    text = name.removeprefix("drawn:")
    if not text.isdecimal():
        raise SystemExit(f"{name} is not a drawn picture; write drawn: and a number, such as drawn:3")
    return int(text)
