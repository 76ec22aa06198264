"""Small recordings made by code, for tests that read or write video."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from pipelines.base import Frame, Image
from stream.sources.base import Source


def soft_picture(rng: np.random.Generator, height: int, width: int) -> Image:
    """Return a picture of coloured blobs: chroma that a wrong matrix, range or filter would change."""
    coarse = rng.integers(0, 256, (max(2, height // 8), max(2, width // 8), 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def moving_pictures(rng: np.random.Generator, n: int, height: int, width: int) -> list[Image]:
    """Return `n` different pictures: the same blobs, moving sideways."""
    picture = soft_picture(rng, height, width)
    return [np.ascontiguousarray(np.roll(picture, 3 * i, axis=1)) for i in range(n)]


def write_video(
    path: Path,
    pictures: Sequence[Image],
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    *,
    rate: int | Fraction = 25,
    container_format: str | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    colorspace: int | None = None,
    color_range: int | None = None,
    rotation: int | None = None,
) -> Path:
    """Write pictures through libav's own muxers, as other programs' recordings come."""
    with av.open(str(path), "w", format=container_format, options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        if colorspace is not None:
            stream.codec_context.colorspace = colorspace
        if color_range is not None:
            stream.codec_context.color_range = color_range
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = i, 1 / Fraction(rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def frames_of(pictures: Sequence[Image], rate_hz: float = 25.0, start_s: float = 0.0) -> list[Frame]:
    """Return pictures as frames at a constant rate."""
    return [Frame(picture, start_s + i / rate_hz) for i, picture in enumerate(pictures)]


def read_all(source: Source) -> list[Frame]:
    """Read a source to its end and close it."""
    try:
        return list(frames_until_end(source))
    finally:
        source.close()


def frames_until_end(source: Source) -> Iterator[Frame]:
    """Yield what a source still gives."""
    while (frame := source.read()) is not None:
        yield frame


def read_by_opencv(path: Path, n_most: int = 10_000) -> list[Any]:
    """Return the frames that `cv2.VideoCapture` gives."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while len(frames) < n_most:
        is_there, frame = capture.read()
        if not is_there:
            break
        frames.append(frame)
    capture.release()
    return frames
