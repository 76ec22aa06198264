"""Recordings of sub-frames, as `play --to file:OUT.mkv` writes them: one frame for each period of a display.

What a file must be known by is read from its tags, ``BACKROOM_SLOTS`` (sub-frames in a cycle),
``BACKROOM_REFRESH_HZ`` and ``BACKROOM_CODE``; flags overrule them, and the rate that the file is stamped with stands in
for the refresh rate. The first frame is the first sub-frame of a cycle. The modulation fades in at the start, so that
what is measured begins later.
"""

import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.base import Image
from pipelines.color import to_encoded
from pipelines.filming.trial import fused_light
from pipelines.kaleido.schedule import LEAST_HZ
from stream.play.tags import CODE, N_SLOTS, REFRESH_HZ
from stream.sources.base import CaptureError
from stream.sources.images import is_picture, read_picture
from stream.sources.video import VideoSource

LEAST_PX = 16
MOST_SLOTS = 64
_HOW = "make one by: backroom play VIDEO --refresh 120 --to file:OUT.mkv"


@dataclass(frozen=True, slots=True)
class Cycle:
    """Sub-frames that fuse to one picture.

    Attributes
    ----------
    number : int
        From 0.
    start_s : float
        When the first of them is shown.
    subframes : tuple of ndarray
        (height, width, 3) uint8 BGR.
    """

    number: int
    start_s: float
    subframes: tuple[Image, ...]


class SubframeFile:
    """Cycles of a recording of sub-frames, in order.

    Parameters
    ----------
    path : Path
        The recording.
    n_slots : int, optional
        Sub-frames in a cycle; else as its tag says.
    refresh_hz : float, optional
        Of the display; else as its tag says, else its frames a second.

    Attributes
    ----------
    path : Path
        The recording.
    height, width : int
        In pixels.
    n_slots : int
        Sub-frames in a cycle.
    refresh_hz : float
        Sub-frames a second.
    code : str or None
        Name of the order of sub-frames, where the file tells it.
    n_frames : int or None
        Sub-frames in it, where the file tells.

    Raises
    ------
    CaptureError
        If it cannot be read, or is no recording of sub-frames.
    """

    def __init__(self, path: Path, n_slots: int | None = None, refresh_hz: float | None = None) -> None:
        self._source = VideoSource(path)
        try:
            self.path = path
            info, tags = self._source.info, self._source.tags
            self.height, self.width, self.n_frames = info.height, info.width, info.n_frames
            self.code = tags.get(CODE) or None
            tagged_hz = _number(path, tags, REFRESH_HZ)
            self.refresh_hz = refresh_hz or tagged_hz or info.rate_hz or 0.0
            self.n_slots = n_slots or int(_number(path, tags, N_SLOTS) or 0)
            self._check()
        except BaseException:
            self._source.close()
            raise

    @property
    def duration_s(self) -> float | None:
        """How long it is, where the file tells."""
        return None if self.n_frames is None else self.n_frames / self.refresh_hz

    @property
    def cycle_s(self) -> float:
        """How long a cycle is."""
        return self.n_slots / self.refresh_hz

    def cycles(self) -> Iterator[Cycle]:
        """Read the file; to be called once.

        Yields
        ------
        Cycle
            Whole ones: what is left at the end is none.

        Raises
        ------
        CaptureError
            After the last good frame, if the file is damaged.
        """
        number, waiting = 0, []
        while (frame := self._source.read()) is not None:
            waiting.append(frame.image)
            if len(waiting) == self.n_slots:
                yield Cycle(number, number * self.cycle_s, tuple(waiting))
                number, waiting = number + 1, []

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _check(self) -> None:
        if self.refresh_hz < LEAST_HZ:
            raise CaptureError(
                f"{self.path} has {self.refresh_hz:g} frames a second; wanted a recording of sub-frames, {LEAST_HZ:g} "
                f"a second or more: {_HOW}"
            )
        if not self.n_slots:
            raise CaptureError(
                f"{self.path} does not say how many sub-frames a cycle has (tag BACKROOM_SLOTS); say it, such as "
                "--slots 2 for A B A B"
            )
        if not 2 <= self.n_slots <= MOST_SLOTS:
            raise CaptureError(
                f"{self.path}: {self.n_slots} sub-frames in a cycle; wanted 2 to {MOST_SLOTS}: say how many by --slots"
            )
        if min(self.height, self.width) < LEAST_PX:
            raise CaptureError(
                f"{self.path} is {self.width}x{self.height}; wanted at least {LEAST_PX}x{LEAST_PX} pixels to judge: "
                "make a larger one"
            )


def too_short(file: SubframeFile, length_s: float, skip_s: float, least_s: float) -> CaptureError:
    """Return the error for a recording that ends too early.

    Parameters
    ----------
    file : SubframeFile
        Which.
    length_s : float
        How much there is, in seconds.
    skip_s, least_s : float
        What is skipped at the start, and how much must come after that, in seconds.

    Returns
    -------
    CaptureError
        To be raised.
    """
    return CaptureError(
        f"{file.path} is {length_s:.2f} s long; wanted {least_s:.2g} s after the first {skip_s:g} s, in "
        "which the modulation fades in: make a longer one, or say a shorter --skip"
    )


def stopped_too_early(file: SubframeFile, length_s: float, skip_s: float, least_s: float) -> CaptureError:
    """Return the error for work on a recording that somebody ended before there was a result.

    Parameters
    ----------
    file : SubframeFile
        Which.
    length_s : float
        How far it had come, in seconds of the recording.
    skip_s, least_s : float
        As in `too_short`.

    Returns
    -------
    CaptureError
        To be raised.
    """
    return CaptureError(
        f"{file.path}: stopped after {length_s:.2f} s of it; a report wants {least_s:.2g} s after the first "
        f"{skip_s:g} s, and nothing was written"
    )


class SourcePictures:
    """What sub-frames were made of: a picture, or a video at its own rate.

    A player's clock and the file's need not agree to the frame: of the frames around a moment the one that fits best is
    taken.

    Parameters
    ----------
    path : Path
        A picture or a recording.
    height, width : int
        Of the sub-frames.

    Raises
    ------
    CaptureError
        If it cannot be read or has another size.
    """

    def __init__(self, path: Path, height: int, width: int) -> None:
        self._still: Image | None = None
        self._video: VideoSource | None = None
        if is_picture(path):
            self._still = read_picture(path)
            size = self._still.shape[:2]
        else:
            self._video = VideoSource(path)
            size = (self._video.info.height, self._video.info.width)
        if size != (height, width):
            self.close()
            raise CaptureError(
                f"--source {path} is {size[1]}x{size[0]}, the sub-frames are {width}x{height}; name what they "
                "were made of, scaled to their size"
            )
        self._around: deque[tuple[float, Image]] = deque(maxlen=4)

    def at(self, cycle: Cycle) -> Image:
        """Return the source's frame that a cycle shows.

        Parameters
        ----------
        cycle : Cycle
            Which; not earlier than the one asked for before.

        Returns
        -------
        ndarray
            (height, width, 3) uint8 BGR; the last one where the source has ended.
        """
        if self._still is not None:
            return self._still
        # One frame beyond the moment, two before it and the one at it.
        while not self._around or self._around[-1][0] <= cycle.start_s:
            frame = None if self._video is None else self._video.read()
            if frame is None:
                break
            self._around.append((frame.pts_s, frame.image))
        seen = to_encoded(fused_light([subframe[::4, ::4] for subframe in cycle.subframes])) * np.float32(255.0)
        return min((image for _, image in self._around), key=lambda image: float(np.abs(seen - image[::4, ::4]).mean()))

    def close(self) -> None:
        """Close the file."""
        if self._video is not None:
            self._video.close()


def strip_of(height: int, width: int, most_px: int) -> tuple[int, int]:
    """Return the columns that are judged of a large picture: those in the middle. Shutters roll over rows, so all stay.

    Parameters
    ----------
    height, width : int
        Of the picture.
    most_px : int
        Pixels at most.

    Returns
    -------
    first, end : int
        Columns; all of them where the picture is small enough.
    """
    n_columns = min(width, max(LEAST_PX, most_px // height))
    first = (width - n_columns) // 2
    # Even, so that a mosaic stays what it is.
    first -= first % 2
    return first, first + n_columns


def centre_of(image: Image, side_px: int) -> Image:
    """Return a square in the middle.

    Parameters
    ----------
    image : ndarray
        (height, width, 3) uint8.
    side_px : int
        Its side; less where the picture is smaller.

    Returns
    -------
    ndarray
        A view.
    """
    height, width = image.shape[:2]
    y, x = max(0, (height - side_px) // 2), max(0, (width - side_px) // 2)
    return image[y : y + side_px, x : x + side_px]


def parse_exposure(text: str) -> float:
    """Read an exposure.

    Parameters
    ----------
    text : str
        Such as ``1/60``, or seconds such as ``0.01``.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    CaptureError
        If it is neither, or no time that a video camera exposes.
    """
    seconds = 0.0
    with contextlib.suppress(ValueError, ZeroDivisionError):
        above, _, below = text.strip().removesuffix("s").partition("/")
        seconds = float(above) / float(below or 1)
    if not 1e-6 <= seconds <= 1.0:
        raise CaptureError(f"exposure {text!r}: wanted a part of a second; write for example 1/60")
    return seconds


def _number(path: Path, tags: dict[str, str], name: str) -> float | None:
    text = tags.get(name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        raise CaptureError(
            f"{path}: its tag {name} is {text!r}, wanted a number; make the file anew, or overrule it by a flag"
        ) from None
    return number if 0 < number < 1e6 else None
