"""One pixel over time: what a virtual background lets through shows as short dashes of another colour.

The strip has one column a frame, as roomg's check picture has; the table counts the colours. Coordinates count
from 0, from the top left corner, as everywhere in this program; roomg's count from 1.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from stream.sources.base import CaptureError, SourceInfo
from stream.sources.video import VideoSource
from stream.tools.frames import Progress

STRIP_HEIGHT_PX = 20


@dataclass(frozen=True, slots=True)
class PixelColor:
    """One colour of the pixel.

    Attributes
    ----------
    blue, green, red : int
        Code values, 0 to 255.
    n_frames : int
        In how many frames.
    share : float
        Of all frames, 0 to 1.
    first_frame, last_frame : int
        Where it was seen first and last, counted from 0.
    """

    blue: int
    green: int
    red: int
    n_frames: int
    share: float
    first_frame: int
    last_frame: int

    @property
    def hex(self) -> str:
        """The colour as in HTML, ``#rrggbb``."""
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


@dataclass(frozen=True, slots=True)
class PixelHistory:
    """A pixel's colours over a recording.

    Attributes
    ----------
    strip : ndarray
        (20, number of frames, 3) uint8 BGR: column t is the pixel's colour in frame t.
    colors : tuple of PixelColor
        The most frequent first; of equals, the one seen first.
    """

    strip: Image
    colors: tuple[PixelColor, ...]


def pixel_over_time(
    video: Path, x: int, y: int, *, counted_from: int = 0, progress: Progress | None = None
) -> PixelHistory:
    """Follow one pixel through a recording.

    Parameters
    ----------
    video : Path
        The recording.
    x, y : int
        Column and row.
    counted_from : int
        The number of the first column and row: 0, or 1 for coordinates as roomg has them.
    progress : callable, optional
        Called with (done, total) after each frame; total is None where the recording does not say.

    Returns
    -------
    PixelHistory
        The strip and the table.

    Raises
    ------
    CaptureError
        If the recording cannot be read to its end, or the pixel lies outside of it.
    """
    source = VideoSource(video)
    try:
        _check_inside(video, source.info, x, y, counted_from)
        pixels: list[npt.NDArray[np.uint8]] = []
        while (frame := source.read()) is not None:
            # A copy, since the pixel alone would keep its whole frame in memory.
            pixels.append(frame.image[y - counted_from, x - counted_from].copy())
            if progress is not None:
                progress(len(pixels), source.info.n_frames)
    finally:
        source.close()
    track = np.stack(pixels)
    return PixelHistory(np.repeat(track[np.newaxis], STRIP_HEIGHT_PX, axis=0), _count(track))


def _check_inside(video: Path, info: SourceInfo, x: int, y: int, counted_from: int) -> None:
    first, last_x, last_y = counted_from, info.width - 1 + counted_from, info.height - 1 + counted_from
    if not (first <= x <= last_x and first <= y <= last_y):
        raise CaptureError(
            f"{video}: x {x}, y {y} is outside of its {info.width}x{info.height} pixels; "
            f"x runs from {first} to {last_x}, y from {first} to {last_y}"
        )


def _count(track: npt.NDArray[np.uint8]) -> tuple[PixelColor, ...]:
    colors, first, of_frame, counts = np.unique(
        track, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    last = np.zeros_like(first)
    last[of_frame] = np.arange(len(track))  # a later frame writes over an earlier one
    order = np.lexsort((first, -counts))
    table = []
    for i in order:
        blue, green, red = (int(code) for code in colors[i])
        n_frames, share = int(counts[i]), float(counts[i] / len(track))
        table.append(PixelColor(blue, green, red, n_frames, share, int(first[i]), int(last[i])))
    return tuple(table)
