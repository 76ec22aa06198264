"""Virtual backgrounds with noise as files: what the seed's `randpxs` and `itonv` make, and more.

Meeting clients take H.264 with 4:2:0 colours in MP4 or MOV; Zoom wants 480x360 to 1920x1080 pixels. A picture without
a size asked for is brought within that from above, and said to be.

Limits: a client plays the file over and over, so that its noise repeats, and it compresses the noise once more.
`backroom protect` draws noise that never repeats.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from config.schema import NoiseSettings, VideoSettings
from pipelines.base import Frame, Image
from pipelines.protection.backgrounds import cover
from pipelines.protection.noise import NoiseBackground, NoiseMaker, noise_picture
from stream.sinks.base import SinkError
from stream.sinks.images import save_png
from stream.sinks.video import VideoSink
from stream.sources.images import read_picture
from stream.tools.frames import FramesReport, Progress

ALL_NOISE = "noise"
"""In the place of a picture's name: nothing but noise."""

Size = tuple[int, int]
"""Height and width in pixels."""

LARGEST: Size = (1080, 1920)
SMALLEST: Size = (360, 480)
"""What Zoom takes as a video background."""

_LEAST_PX, _MOST_PX = 16, 7680


@dataclass(frozen=True, slots=True)
class VideoPlan:
    """A noisy video to be made.

    Attributes
    ----------
    image : str
        File of the picture, or `ALL_NOISE`.
    out : Path
        File to write: ``.mp4``, ``.mov`` or ``.mkv``.
    duration_s : float
        Length in seconds; it has at least one frame.
    rate_hz : float
        Frames a second.
    size : tuple of int or None
        Height and width in pixels, even; None is the picture's own as far as clients take it.
    seed : int or None
        For files that must be the same every time.
    """

    image: str
    out: Path
    duration_s: float = 10.0
    rate_hz: float = 30.0
    size: Size | None = None
    seed: int | None = None


def parse_size(text: str) -> Size:
    """Read a size.

    Parameters
    ----------
    text : str
        Such as ``1280x720``: width and height in pixels.

    Returns
    -------
    tuple of int
        Height and width.

    Raises
    ------
    SinkError
        If it is no size, or one that no picture has.
    """
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    if found is None:
        raise SinkError(f"size {text!r}: wanted width and height in pixels; write for example 1280x720")
    width, height = int(found[1]), int(found[2])
    if not all(_LEAST_PX <= px <= _MOST_PX for px in (height, width)):
        raise SinkError(f"size {text}: wanted {_LEAST_PX} to {_MOST_PX} pixels each way; write for example 1280x720")
    return height, width


def save_noise_picture(path: Path, size: Size, seed: int | None = None) -> None:
    """Save a picture of nothing but noise.

    Parameters
    ----------
    path : Path
        File to write, ending in ``.png``.
    size : tuple of int
        Height and width in pixels.
    seed : int, optional
        The same picture every time.

    Raises
    ------
    SinkError
        If the file cannot be written, or its name promises a format that would wash the noise out.
    """
    if path.suffix.lower() != ".png":
        raise SinkError(f"{path}: noise is saved as PNG, other formats wash it out or bloat it; end it in .png")
    save_png(path, noise_picture(*size, seed))


def make_noise_video(
    plan: VideoPlan, settings: NoiseSettings, video: VideoSettings, progress: Progress | None = None
) -> FramesReport:
    """Make a noisy video.

    Parameters
    ----------
    plan : VideoPlan
        Of what, where to, how long.
    settings : NoiseSettings
        What noise, how much, what motion.
    video : VideoSettings
        Quality and speed of H.264.
    progress : callable, optional
        Called with (done, total) after each frame.

    Returns
    -------
    FramesReport
        What was written, and what clients may not like about it.

    Raises
    ------
    CaptureError
        If the picture cannot be read.
    SinkError
        If the size is odd, or the file cannot be written; an old file of that name is as it was.
    """
    _check_even(plan)
    sink = VideoSink(plan.out, plan.rate_hz, video)
    notes: list[str] = []
    next_picture = _opened(plan, settings, notes)
    n_frames = max(1, round(plan.duration_s * plan.rate_hz))
    try:
        for i in range(n_frames):
            sink.write(Frame(next_picture(), i / plan.rate_hz))
            if progress is not None:
                progress(i + 1, n_frames)
    except BaseException:
        sink.discard()
        raise
    sink.close()
    return FramesReport(n_frames, plan.rate_hz, tuple(notes))


def _check_even(plan: VideoPlan) -> None:
    if plan.size is not None and any(px % 2 for px in plan.size):
        height, width = plan.size
        raise SinkError(
            f"{plan.out}: size {width}x{height} is odd, clients take even ones; write {width - width % 2}x"
            f"{height - height % 2}"
        )


def _opened(plan: VideoPlan, settings: NoiseSettings, notes: list[str]) -> Callable[[], Image]:
    """Return what gives the next frame's picture, valid until the next call."""
    if plan.image == ALL_NOISE:
        height, width = plan.size or LARGEST
        background = NoiseBackground(settings, plan.seed)
        background.warm_up(height, width)
        unseen, nowhere = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.float32)
        return lambda: background.picture(unseen, nowhere)
    picture = read_picture(Path(plan.image))
    height, width = plan.size or _size_for_clients(picture, plan.image, notes)
    _note_what_clients_refuse((height, width), notes)
    if settings.kind == "frames" and not settings.keep_light:
        notes.append("the whole picture flashes, which can harm people who are sensitive to light: --keep-light")
    ground = cover(picture, height, width)
    maker = NoiseMaker(settings, plan.seed)
    maker.warm_up(height, width)
    return lambda: maker.shown(ground)


def _size_for_clients(picture: Image, name: str, notes: list[str]) -> Size:
    height, width = picture.shape[:2]
    scale = min(1.0, LARGEST[0] / height, LARGEST[1] / width)
    even = max(2, 2 * round(height * scale / 2)), max(2, 2 * round(width * scale / 2))
    if scale < 1:
        notes.append(f"{name} is {width}x{height}; the video is {even[1]}x{even[0]}, the most that Zoom takes")
    return even


def _note_what_clients_refuse(size: Size, notes: list[str]) -> None:
    is_small = any(px < least for px, least in zip(size, SMALLEST, strict=True))
    is_large = any(px > most for px, most in zip(size, LARGEST, strict=True))
    if is_small or is_large:
        smallest, largest = (f"{width}x{height}" for height, width in (SMALLEST, LARGEST))
        notes.append(f"the video is {size[1]}x{size[0]}; Zoom takes {smallest} to {largest} only: see --size")
