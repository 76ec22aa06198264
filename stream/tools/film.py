"""A simulated phone films a recording of sub-frames: what it would record, and what a pirate can make of that.

Beside the recording the same phone's of a display that shows the picture steadily is written, as a control; both go
through the same codec. What is scored and attacked is read back from the files, so that the codec counts.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from config.schema import VideoSettings
from pipelines.base import Frame, Image
from pipelines.filming.attacks import Copy, attack
from pipelines.filming.camera import Camera, Panel
from pipelines.filming.scores import mean_score, score_copy
from pipelines.filming.trial import N_ATTACKED, Shot, Trial, fuse
from stream import __version__
from stream.sinks.video import VideoSink
from stream.sources.base import CaptureError
from stream.sources.video import VideoSource
from stream.tools.subframes import SubframeFile, stopped_too_early, too_short

ENDINGS = {"lossless": ".mkv", "h264": ".mp4"}


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """What to film, and with what.

    Attributes
    ----------
    video : Path
        The recording of sub-frames.
    out : Path
        An existing folder for the recordings.
    camera : Camera
        The phone.
    n_slots : int or None
        Sub-frames in a cycle; None for what the file says.
    refresh_hz : float or None
        Of the display; None for what the file says.
    scan_out_s : float or None
        How long the display takes to change all rows; None for a whole period.
    skip_s : float
        How much of the start is neither scored nor attacked.
    codec : str
        ``lossless`` or ``h264``.
    duration_s : float or None
        How much to film; None for all.
    """

    video: Path
    out: Path
    camera: Camera
    n_slots: int | None = None
    refresh_hz: float | None = None
    scan_out_s: float | None = None
    skip_s: float = 0.5
    codec: str = "h264"
    duration_s: float | None = None

    @property
    def first_scored(self) -> int:
        """The first frame that is scored, from 0."""
        return round(self.skip_s * self.camera.rate_hz)


class Onlooker(Protocol):
    """Follows the filming; all calls come from its thread."""

    def begin(self, file: SubframeFile) -> None:
        """Take note of what is filmed.

        Parameters
        ----------
        file : SubframeFile
            Open.
        """

    def see(self, shot: Shot) -> bool:
        """Look at a recorded frame.

        Parameters
        ----------
        shot : Shot
            Its pictures are not written to again.

        Returns
        -------
        bool
            False ends the filming; what was filmed until then is scored.
        """

    def score(self) -> None:
        """Take note that all is filmed, and scoring begins."""


@dataclass(frozen=True, slots=True)
class Filmed:
    """What came of it.

    Attributes
    ----------
    report : mapping
        For report.json.
    frames : list of ndarray
        Recorded frames that follow each other, as the file has them, (height, width, 3) uint8 BGR.
    control : ndarray
        The middle one as it would be without protection.
    seen : ndarray
        What people see at that moment.
    copies : mapping of str to Copy
        What attacks made of the frames.
    """

    report: Mapping[str, Any]
    frames: list[Image]
    control: Image
    seen: Image
    copies: Mapping[str, Copy]


def film(plan: FilmPlan, video: VideoSettings, onlooker: Onlooker) -> Filmed:
    """Film a recording of sub-frames.

    Parameters
    ----------
    plan : FilmPlan
        What, and with what.
    video : VideoSettings
        Quality and speed of H.264.
    onlooker : Onlooker
        Follows it, and may end it early.

    Returns
    -------
    Filmed
        Figures and pictures; the recordings are in `out`.

    Raises
    ------
    CaptureError
        If the file cannot be read, is no recording of sub-frames, or is too short, or filming was ended before
        there was anything to score.
    PipelineError
        If there can be no such camera.
    SinkError
        If a recording cannot be written; old ones of their names are as they were.
    """
    paths = [plan.out / f"{name}{ENDINGS[plan.codec]}" for name in ("recording", "control")]
    with closing(SubframeFile(plan.video, plan.n_slots, plan.refresh_hz)) as file:
        panel = Panel(file.refresh_hz, plan.scan_out_s)
        n_frames, truths, is_whole = _record(plan, file, panel, paths, video, onlooker)
    onlooker.score()
    first = plan.first_scored
    frames, controls = (_read(path, first, file.height, file.width) for path in paths)
    copies = attack(frames, truths, plan.camera, panel, file.n_slots)
    middle = len(frames) // 2
    report = {
        "backroom": __version__,
        "video": plan.video.name,
        "code": file.code,
        "slots": file.n_slots,
        "refresh_hz": file.refresh_hz,
        "width": file.width,
        "height": file.height,
        "camera": {"name": plan.camera.name, **asdict(plan.camera)},
        "codec": plan.codec,
        "frames": n_frames,
        "stopped_s": None if is_whole else round(n_frames * plan.camera.interval_s, 4),
        "scored_frames": [first, first + len(frames)],
        "scored_s": [round((first + i) * plan.camera.interval_s, 4) for i in (0, len(frames))],
        "score": asdict(mean_score([score_copy(*pair) for pair in zip(frames, truths, strict=True)])),
        "control": asdict(mean_score([score_copy(*pair) for pair in zip(controls, truths, strict=True)])),
        "attacks": {name: asdict(score_copy(copy.picture, copy.truth)) for name, copy in copies.items()},
        "files": [path.name for path in paths],
    }
    return Filmed(report, frames, controls[middle], truths[middle], copies)


def _record(
    plan: FilmPlan, file: SubframeFile, panel: Panel, paths: list[Path], video: VideoSettings, onlooker: Onlooker
) -> tuple[int, list[Image], bool]:
    """Write both recordings; return how many frames they have, what the scored ones should be, and if that is all."""
    trial = Trial(plan.camera, panel, file.height, file.width)
    sinks = [VideoSink(path, plan.camera.rate_hz, video) for path in paths]
    truths: list[Image] = []
    n_frames = 0
    is_wanted = True
    try:
        onlooker.begin(file)
        for shot in _shots(plan, file, trial):
            for sink, picture in zip(sinks, (shot.protected, shot.control), strict=True):
                sink.write(Frame(picture, n_frames * plan.camera.interval_s))
            if plan.first_scored <= n_frames < plan.first_scored + N_ATTACKED:
                truths.append(shot.truth)
            n_frames += 1
            is_wanted = onlooker.see(shot)
            if not is_wanted:
                break
        _see_that_some_are_scored(plan, file, truths, n_frames, is_wanted)
        for sink in sinks:
            sink.close()
    except BaseException:
        for sink in sinks:
            sink.discard()
        raise
    return n_frames, truths, is_wanted


def _shots(plan: FilmPlan, file: SubframeFile, trial: Trial) -> Iterator[Shot]:
    """Yield the frames that the phone records."""
    for cycle in file.cycles():
        if plan.duration_s is not None and cycle.start_s >= plan.duration_s:
            return
        steady = fuse(cycle.subframes)
        for subframe in cycle.subframes:
            yield from trial.add(subframe, steady)


def _see_that_some_are_scored(
    plan: FilmPlan, file: SubframeFile, truths: list[Image], n_frames: int, is_whole: bool
) -> None:
    if not truths:
        why = too_short if is_whole else stopped_too_early
        raise why(file, n_frames * plan.camera.interval_s, plan.skip_s, 2 * plan.camera.interval_s)


def _read(path: Path, first: int, height: int, width: int) -> list[Image]:
    """Read the frames that are scored back; H.264 may have added a row or a column."""
    frames: list[Image] = []
    with closing(VideoSource(path)) as source:
        number = 0
        while len(frames) < N_ATTACKED and (frame := source.read()) is not None:
            if number >= first:
                frames.append(frame.image[:height, :width])
            number += 1
    if not frames:
        raise CaptureError(f"{path} cannot be read back; write to another folder by --out")
    return frames
