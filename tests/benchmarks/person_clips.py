"""Where the person of a simulated call comes from: a clip, and for each of its frames an exact or good matte.

Three kinds of clips, by what is known of them:

* A clip before a plain screen. The screen's colour is found in the first frame, along its top and sides. Before blue or
  green the matte comes from how far that channel stands out (the spill), which is exact where the screen is lit
  evenly; before another colour from the distance to it in CIELAB, and the edge is unmixed.
* A clip with mattes: a second video in grey, or a NumPy file (`matte` of an .npz, 0 to 255 or 0 to 1).
* A clip of a fixed camera with its plate, the picture of the room without anybody. The matte is where a frame differs
  from the plate (`matte_by_plate` says how); this is a good matte, not an exact one: it is wrong where the person has
  the room's colour, and at strong shadows.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from scenery import Layer, Picture, Size

# Codes by which the screen's channel stands out where the screen begins to show, and where there is nothing else.
SPILL_FIRST, SPILL_RANGE = 12, 40
# A screen whose channel stands out by less cannot be told from the person by spill.
LEAST_SPILL = 60
# CIELAB distance to another screen up to which all is screen, and from which all is person.
LAB_SCREEN, LAB_PERSON = 8.0, 20.0
SOFT_EDGE_SIGMA = 0.6
# Codes between frame and plate up to which all is room, and from which all is person.
PLATE_ROOM, PLATE_PERSON = 18.0, 45.0
# A shadow leaves this share of the light, in all channels alike to within the tolerance.
SHADOW_LEAST, SHADOW_TOLERANCE = 0.86, 0.08
# Share of the frame under which a difference to the plate is not a person.
SMALLEST_PERSON = 0.002

Keyer = Callable[[Picture], tuple[Layer, Layer]]
"""From a frame, (height, width, 3) uint8 BGR, to its matte and the person's own colours."""


def read_person(
    clip: Path, start: int = 0, matte: Path | None = None, plate: Picture | None = None
) -> Iterator[tuple[Layer, Layer]]:
    """Yield matte and colours of each frame of a clip.

    Parameters
    ----------
    clip : Path
        A video.
    start : int
        First frame, counted from 0.
    matte : Path, optional
        Mattes of the whole clip, from its frame 0 on.
    plate : ndarray, optional
        Picture of the room alone, of the clip's size. Without both the clip is keyed.

    Yields
    ------
    matte : ndarray
        (height, width) float32, 0 to 1.
    colors : ndarray
        (height, width, 3) float32 BGR, 0 to 255, without the screen's light.
    """
    frames = read_clip(clip, start)
    if matte is not None:
        for frame, alpha in zip(frames, read_mattes(matte, start), strict=False):
            yield alpha, frame.astype(np.float32)
        return
    if plate is not None:
        for frame in frames:
            yield matte_by_plate(frame, plate), frame.astype(np.float32)
        return
    key: Keyer | None = None
    for frame in frames:
        key = key or find_keyer(frame)
        yield key(frame)


def read_clip(clip: Path, start: int = 0) -> Iterator[Picture]:
    """Yield the frames of a video from one of them on; ends with a plain line where there is none."""
    capture = cv2.VideoCapture(str(clip))
    if start:
        capture.set(cv2.CAP_PROP_POS_FRAMES, start)
    is_there, frame = capture.read()
    if not is_there:
        raise SystemExit(f"{clip} has no frame {start} that can be read; name a video, and a --start inside of it")
    while is_there:
        yield frame.astype(np.uint8, copy=False)
        is_there, frame = capture.read()
    capture.release()


def read_mattes(path: Path, start: int = 0) -> Iterator[Layer]:
    """Yield the mattes of a grey video or a NumPy file from one of them on, 0 to 1."""
    if path.suffix in {".npz", ".npy"}:
        held = np.load(path)
        planes = held if isinstance(held, np.ndarray) else held["matte" if "matte" in held else held.files[0]]
        largest = 255.0 if planes.dtype == np.uint8 else 1.0
        yield from (plane.astype(np.float32) / np.float32(largest) for plane in planes[start:])
        return
    yield from (frame[..., 1].astype(np.float32) / np.float32(255) for frame in read_clip(path, start))


def find_keyer(frame: Picture) -> Keyer:
    """Find the screen's colour in a frame and return what keys it."""
    screen = screen_color(frame)
    channel = int(np.argmax(screen))
    stands_out = screen[channel] - np.max(np.delete(screen, channel))
    # Not before red: skin stands out in red.
    if channel != 2 and stands_out >= LEAST_SPILL:
        return lambda image: key_by_spill(image, channel)
    return lambda image: key_by_color(image, screen)


def screen_color(frame: Picture) -> Layer:
    """Return the median colour of the top and, above the shoulders, of the sides: (3,) float32 BGR."""
    height, width = frame.shape[:2]
    across, down = max(1, width // 12), max(1, height // 12)
    parts = (frame[:down], frame[: height // 2, :across], frame[: height // 2, -across:])
    return np.median(np.concatenate([part.reshape(-1, 3) for part in parts]), axis=0).astype(np.float32)


def key_by_spill(image: Picture, channel: int) -> tuple[Layer, Layer]:
    """Key a screen of one primary colour, blue (0) or green (1), and take its light off the person."""
    colors = image.astype(np.float32)
    others = np.maximum(colors[..., channel - 1], colors[..., channel - 2])
    spill = colors[..., channel] - others
    matte = 1 - np.clip((spill - SPILL_FIRST) / SPILL_RANGE, 0, 1)
    colors[..., channel] = np.minimum(colors[..., channel], others)
    return _soft(matte), colors


def key_by_color(image: Picture, screen: Layer) -> tuple[Layer, Layer]:
    """Key a screen of any colour by the distance to it, and unmix the edge: C = a F + (1 - a) screen."""
    colors = image.astype(np.float32)
    lab = cv2.cvtColor(colors / 255, cv2.COLOR_BGR2Lab)
    screen_lab = cv2.cvtColor((screen / 255).reshape(1, 1, 3), cv2.COLOR_BGR2Lab)
    distance = np.linalg.norm(lab - screen_lab, axis=-1)
    matte = _soft(np.clip((distance - LAB_SCREEN) / (LAB_PERSON - LAB_SCREEN), 0, 1))
    a = np.maximum(matte, 0.1)[..., np.newaxis]
    unmixed = np.clip((colors - (1 - a) * screen) / a, 0, 255)
    return matte, np.where(a < 1, unmixed, colors).astype(np.float32)


def matte_by_plate(image: Picture, plate: Picture) -> Layer:
    """Return where a frame differs from the room alone.

    The largest difference of the three channels, slightly blurred, from `PLATE_ROOM` codes (room) to `PLATE_PERSON`
    (person); what only is darker, in all channels alike, is a shadow and counts as room; holes inside of the person
    are filled (clothes of the room's colour), and what is too small is dropped.
    """
    seen, empty = (cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.float32) for picture in (image, plate))
    difference = np.abs(seen - empty).max(axis=-1)
    light = (seen + 4) / (empty + 4)
    alike = light.max(axis=-1) - light.min(axis=-1) < SHADOW_TOLERANCE
    is_shadow = alike & (light.min(axis=-1) > SHADOW_LEAST) & (light.max(axis=-1) < 1)
    matte = np.clip((difference - PLATE_ROOM) / (PLATE_PERSON - PLATE_ROOM), 0, 1)
    matte[is_shadow] = 0
    whole = _without_holes_and_crumbs((matte > 0.5).astype(np.uint8))
    near = cv2.dilate(whole, np.ones((5, 5), np.uint8))
    inside = cv2.erode(whole, np.ones((5, 5), np.uint8))
    matte = np.where(inside > 0, 1.0, matte * near)
    return _soft(matte)


def place(matte: Layer, colors: Layer, size: Size, x_px: float = 0.0) -> tuple[Layer, Layer]:
    """Scale a person to the frame's height and put them in its middle, `x_px` to the right of it."""
    width, height = size
    scale = height / colors.shape[0]
    matte, colors = (cv2.resize(layer, None, fx=scale, fy=scale) for layer in (matte, colors))
    shift = np.array([[1, 0, (width - matte.shape[1]) / 2 + x_px], [0, 1, 0]], np.float32)
    matte, colors = (cv2.warpAffine(layer, shift, size) for layer in (matte, colors))
    return matte.astype(np.float32, copy=False), colors.astype(np.float32, copy=False)


def _soft(matte: Layer) -> Layer:
    return np.asarray(cv2.GaussianBlur(matte.astype(np.float32), (0, 0), SOFT_EDGE_SIGMA), np.float32)


def _without_holes_and_crumbs(mask: Picture) -> Picture:
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    large = [outline for outline in outlines if cv2.contourArea(outline) >= SMALLEST_PERSON * mask.size]
    return cv2.drawContours(np.zeros_like(mask), large, -1, 1, -1).astype(np.uint8, copy=False)
