"""A recording to pictures and back: nothing is lost on the way, the times included.

`split` saves every frame as an exact PNG and notes the times in ``frames.json`` beside them::

    {"rate_hz": 29.97, "pts_s": {"frame_000001.png": 0.0, "frame_000002.png": 0.0333666}}

`join` puts pictures together in natural order (``frame_2`` before ``frame_10``) at the noted times, so that a
recording that was split and joined into a ``.mkv`` has the pixels and times of the original. Pictures may be
taken out in between; the others keep their times. A rate that is asked for overrules the note.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.schema import VideoSettings
from pipelines.atomic import write_atomically
from pipelines.base import Frame
from stream.sinks.base import SinkError
from stream.sinks.images import ImagesSink
from stream.sinks.video import VideoSink
from stream.sources.base import CaptureError
from stream.sources.images import ImagesSource, list_pictures
from stream.sources.video import VideoSource

Progress = Callable[[int, int | None], None]
"""Called after each frame with how many are done and, where known, of how many."""

NOTE_NAME = "frames.json"
DEFAULT_RATE_HZ = 25.0


@dataclass(frozen=True, slots=True)
class FramesReport:
    """What `split` or `join` did.

    Attributes
    ----------
    n_frames : int
        Frames written.
    rate_hz : float or None
        Nominal frames a second.
    notes : tuple of str
        One line for each thing that was assumed or left out.
    """

    n_frames: int
    rate_hz: float | None
    notes: tuple[str, ...] = ()


def split(video: Path, folder: Path, progress: Progress | None = None) -> FramesReport:
    """Save every frame of a recording as PNG, with its time noted beside.

    Parameters
    ----------
    video : Path
        The recording.
    folder : Path
        Where the pictures go; made if it is not there.
    progress : callable, optional
        Called with (done, total) after each frame; total is None where the recording does not say.

    Returns
    -------
    FramesReport
        What was written.

    Raises
    ------
    CaptureError
        If the recording cannot be read or is damaged; the frames before are saved, with their times.
    SinkError
        If the folder already holds frames or cannot be written.
    """
    sink = ImagesSink(folder)
    source = VideoSource(video)
    times_s: list[float] = []
    try:
        while (frame := source.read()) is not None:
            sink.write(frame)
            times_s.append(frame.pts_s)
            if progress is not None:
                progress(len(times_s), source.info.n_frames)
    except SinkError:
        raise  # a disk that has no room for a frame has none for the note
    except BaseException:
        _note_times(folder, source.info.rate_hz, times_s)
        raise
    finally:
        source.close()
    _note_times(folder, source.info.rate_hz, times_s)
    return FramesReport(len(times_s), source.info.rate_hz, (source.status,) if source.status else ())


def join(
    folder: Path,
    video: Path,
    rate_hz: float | None = None,
    settings: VideoSettings | None = None,
    progress: Progress | None = None,
) -> FramesReport:
    """Put the pictures of a folder together to a recording.

    Parameters
    ----------
    folder : Path
        Pictures of one size; ``frames.json`` among them tells their times.
    video : Path
        File to write: ``.mkv`` is lossless, ``.mp4`` and ``.mov`` are small.
    rate_hz : float, optional
        Frames a second; without it the noted times hold and, where there are none, 25 frames a second.
    settings : VideoSettings, optional
        Quality and speed of H.264.
    progress : callable, optional
        Called with (done, total) after each frame.

    Returns
    -------
    FramesReport
        What was written, and what had to be assumed.

    Raises
    ------
    CaptureError
        If a picture or the note cannot be read; nothing is written then.
    SinkError
        If the recording cannot be written; an old file of that name is as it was.
    """
    names = [path.name for path in list_pictures(folder)]
    times_s, rate_hz, notes = _plan(folder, names, rate_hz)
    source = ImagesSource(folder, rate_hz)
    sink = VideoSink(video, rate_hz, settings or VideoSettings())
    n_done = 0
    try:
        while (frame := source.read()) is not None:
            sink.write(Frame(frame.image, times_s[n_done]))
            n_done += 1
            if progress is not None:
                progress(n_done, len(names))
    except BaseException:
        sink.discard()
        raise
    sink.close()
    return FramesReport(n_done, rate_hz, notes)


def _note_times(folder: Path, rate_hz: float | None, times_s: list[float]) -> None:
    if not times_s:
        return
    named = {f"frame_{n:06d}.png": time_s for n, time_s in enumerate(times_s, 1)}
    text = json.dumps({"rate_hz": rate_hz, "pts_s": named}, indent=0)
    path = folder / NOTE_NAME
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise SinkError(f"{path} cannot be written ({error.strerror}); free some space") from None


def _plan(folder: Path, names: list[str], rate_hz: float | None) -> tuple[list[float], float, tuple[str, ...]]:
    """Return the time of each picture, the nominal rate, and what had to be assumed."""
    if rate_hz is not None:
        return _steady(len(names), rate_hz), rate_hz, ()
    noted = _read_note(folder / NOTE_NAME)
    if noted is None:
        note = f"{folder} has no {NOTE_NAME} and no rate was given: {DEFAULT_RATE_HZ:g} frames a second assumed"
        return _steady(len(names), DEFAULT_RATE_HZ), DEFAULT_RATE_HZ, (note,)
    rate_hz, by_name = noted
    times_s = [by_name[name] for name in names if name in by_name]
    if len(times_s) == len(names) and times_s == sorted(times_s):
        return times_s, rate_hz, ()
    n_unknown = len(names) - len(times_s)
    what = f"does not know {n_unknown} of the pictures" if n_unknown else "has times in another order"
    note = f"{folder / NOTE_NAME} {what}: its {rate_hz:g} frames a second are used instead of its times"
    return _steady(len(names), rate_hz), rate_hz, (note,)


def _steady(n: int, rate_hz: float) -> list[float]:
    return [i / rate_hz for i in range(n)]


def _read_note(path: Path) -> tuple[float, dict[str, float]] | None:
    """Return the rate and the time by name; None where there is no note."""
    try:
        note = json.loads(path.read_text("utf-8"))
        rate_hz = float(DEFAULT_RATE_HZ if note["rate_hz"] is None else note["rate_hz"])
        by_name = {str(name): float(time_s) for name, time_s in note["pts_s"].items()}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CaptureError(f"{path} cannot be read ({error.strerror}); check its permissions") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise CaptureError(f"{path} is not a note of frame times; delete it, or give a rate") from None
    if not (rate_hz > 0 and all(math.isfinite(time_s) for time_s in (rate_hz, *by_name.values()))):
        raise CaptureError(f"{path} holds impossible times; delete it, or give a rate")
    return rate_hz, by_name
