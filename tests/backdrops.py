"""Backdrops made by code, and what a call shows of them: placed, tinted, compressed, half hidden by a person.

Placing is done here by looking up every sixteenth of a pixel and averaging, which shares nothing with the code that
is tested.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from recordings import soft_picture, write_video

from pipelines.base import Image
from pipelines.reconstruction.placement import Placement

Mask = npt.NDArray[np.bool_]

DETAILED = ("shapes", "clouds", "blobs")
TEXTURES = (*DETAILED, "soft", "gradient", "plain")
_N_SUBPIXELS = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame of a call.

    Attributes
    ----------
    call : ndarray
        (height, width, 3) uint8 BGR: backdrop and person.
    clean : ndarray
        The same without the person.
    trusted : ndarray
        (height, width) bool: what is taken for backdrop, perhaps wrongly.
    person : ndarray
        (height, width) bool: where the person is.
    """

    call: Image
    clean: Image
    trusted: Mask
    person: Mask


def make_backdrop(kind: str, rng: np.random.Generator, height: int, width: int) -> Image:
    """Return a picture of one of `TEXTURES`."""
    if kind == "plain":
        return np.full((height, width, 3), rng.integers(20, 236, 3), np.uint8)
    if kind == "gradient":
        angle = rng.uniform(0, 2 * np.pi)
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        slope = (np.cos(angle) * x + np.sin(angle) * y)[..., np.newaxis] * rng.uniform(30, 80, 3)
        return np.clip(128 + slope, 0, 255).round().astype(np.uint8)
    if kind == "soft":
        coarse = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    if kind == "blobs":
        size = max(8, height // 25)
        return cv2.resize(soft_picture(rng, 8 * height // size, 8 * width // size), (width, height))
    return _clouds(rng, height, width) if kind == "clouds" else _shapes(rng, height, width)


def random_placement(rng: np.random.Generator, picture: tuple[int, int], frame: tuple[int, int]) -> Placement:
    """Return a crop: zoomed up to 1.8 times beyond covering the frame, stretched up to 3 %, mirrored or not."""
    cover = max(frame[0] / picture[0], frame[1] / picture[1]) * 1.03
    zoom, aspect = rng.uniform(1, 1.8), rng.uniform(0.97, 1.03)
    scale_y, scale_x = cover * zoom * aspect**0.5, cover * zoom / aspect**0.5
    offset_y = rng.uniform(frame[0] - scale_y * picture[0], 0)
    offset_x = rng.uniform(frame[1] - scale_x * picture[1], 0)
    return Placement(bool(rng.integers(2)), scale_y, scale_x, float(offset_y), float(offset_x))


def place(picture: Image, placement: Placement, height: int, width: int) -> npt.NDArray[np.float32]:
    """Draw a picture into a frame as a mean over points within each pixel."""
    turned = np.ascontiguousarray(picture[:, ::-1]) if placement.mirrored else picture
    rows, columns = height * _N_SUBPIXELS, width * _N_SUBPIXELS
    y, x = (np.arange(n) / _N_SUBPIXELS + 0.5 / _N_SUBPIXELS for n in (rows, columns))
    at_y = np.broadcast_to(((y - placement.offset_y) / placement.scale_y - 0.5)[:, np.newaxis], (rows, columns))
    at_x = np.broadcast_to((x - placement.offset_x) / placement.scale_x - 0.5, (rows, columns))
    fine = cv2.remap(
        turned.astype(np.float32),
        at_x.astype(np.float32),
        at_y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)


def show(rng: np.random.Generator, placed: npt.NDArray[np.float32], folder: Path, *, share_wrong: float) -> Shown:
    """Tint a placed backdrop, put a person before its middle, compress it.

    The person hides up to half of the frame; of the trusted pixels about `share_wrong` are the person's.
    """
    height, width = placed.shape[:2]
    tinted = np.clip(placed * rng.uniform(0.94, 1.06, 3) + rng.uniform(-6, 6, 3), 0, 255)
    person = _person(rng, height, width)
    hidden = np.where(person[..., np.newaxis], _clouds(rng, height, width) * 0.7, tinted)
    call, clean = (through_h264(p.astype(np.uint8), folder / "still.mp4") for p in (hidden, tinted))
    near = cv2.dilate(person.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    trusted = ~near
    if share_wrong:
        n_wrong = share_wrong / (1 - share_wrong) * trusted.sum()
        rows = np.flatnonzero(np.cumsum(person.sum(axis=1)[::-1])[::-1] <= n_wrong)
        trusted[rows] |= person[rows]
    return Shown(call, clean, trusted, person)


def through_h264(picture: Image, path: Path, crf: int = 23) -> Image:
    """Return a picture as the second frame of a compressed recording shows it."""
    write_video(path, [picture] * 2, options={"crf": str(crf), "preset": "veryfast"})
    capture = cv2.VideoCapture(str(path))
    capture.read()
    is_there, shown = capture.read()
    capture.release()
    assert is_there
    return shown.astype(np.uint8, copy=False)


def slope_miss_px(picture: Image, true: Placement, found: Placement, height: int, width: int) -> float:
    """Return how far the picture's slopes are from where they belong: root mean square, in pixels of the frame.

    Where a picture is flat, or along an edge, a movement changes nothing and is not counted.
    """
    if true.mirrored != found.mirrored:
        return float("inf")
    grey = cv2.cvtColor(place(picture, true, height, width).astype(np.uint8), cv2.COLOR_BGR2GRAY).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), 1)
    y, x = np.arange(height) + 0.5, np.arange(width) + 0.5
    move_y = (y - true.offset_y) / true.scale_y * found.scale_y + found.offset_y - y
    move_x = (x - true.offset_x) / true.scale_x * found.scale_x + found.offset_x - x
    slope_y, slope_x = np.gradient(grey)
    moved = np.square(slope_y * move_y[:, np.newaxis]) + np.square(slope_x * move_x)
    return float(np.sqrt(moved.sum() / (np.square(slope_y) + np.square(slope_x)).sum()))


def _clouds(rng: np.random.Generator, height: int, width: int) -> Image:
    frequency = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.fftfreq(width))
    frequency[0, 0] = 1
    planes = [np.fft.ifft2(np.fft.fft2(rng.normal(size=(height, width))) / frequency**1.3).real for _ in range(3)]
    planes = [plane / plane.std() for plane in planes]
    mixed = np.stack([planes[0] + 0.4 * plane for plane in planes], axis=-1)
    return np.clip(128 + 45 * mixed, 0, 255).astype(np.uint8)


def _shapes(rng: np.random.Generator, height: int, width: int) -> Image:
    picture = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(60):
        color = tuple(int(v) for v in rng.integers(0, 256, 3))
        y, x = int(rng.integers(height)), int(rng.integers(width))
        if rng.integers(2):
            corner = (x + int(rng.integers(5, width // 4)), y + int(rng.integers(5, height // 4)))
            cv2.rectangle(picture, (x, y), corner, color, -1)
        else:
            cv2.circle(picture, (x, y), int(rng.integers(5, height // 6)), color, -1, cv2.LINE_AA)
    return picture


def _person(rng: np.random.Generator, height: int, width: int) -> Mask:
    mask = np.zeros((height, width), np.uint8)
    x = int(width * rng.uniform(0.4, 0.6))
    cv2.ellipse(mask, (x, int(height * 0.4)), (int(width * 0.16), int(height * 0.3)), 0, 0, 360, 1, -1)
    cv2.ellipse(mask, (x, height), (int(width * 0.36), int(height * 0.42)), 0, 0, 360, 1, -1)
    return np.greater(mask, 0)
