"""One session of `backroom watch`: a source, a reconstruction, views, sinks, the state file and the results.

Everything here runs in the thread that calls `run`, between two frames, so that nothing about the counts needs
a lock; views and sinks have threads of their own.
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.reload import ProfileWatcher
from config.schema import Profile
from pipelines.base import Findings, Frame, PipelineError, Reconstruction
from stream.bookkeeping import COMPILING, COUNTING, PAUSED, RUNNING, WAITING, CountedRecordings, Deadlines, Messages
from stream.checkerboard import over_checkerboard
from stream.coverage import CoverageCurve
from stream.loop import Loop
from stream.numbers import stream_numbers, stream_report
from stream.report import write_results
from stream.results.figures import figures_of
from stream.showing import LIVE_SETTINGS, draw_picture, pictures_offered
from stream.sinks.base import Sink
from stream.sources.base import Source
from stream.startup import start_is_over
from stream.stats import LoopStats
from stream.tuning import Tuning
from stream.view.base import View, ViewCommand

MOST_WAITING = 8
"""Live frames that may wait to be counted: a late one counts as much as a punctual one, and stalls of the machine last
several frames."""

NUMBERS_EVERY_S = 0.25
PROFILE_EVERY_S = 1.0

SAMPLE_PX = 160 * 90
"""Coverage over time is taken on about so many pixels, evenly spaced: quick, and within a percent."""

ROUNDING_S = 1e-6
"""Time stamps are sums of fractions; a frame that is due may seem a hair early."""


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """What a session is to do.

    Attributes
    ----------
    out : Path
        Existing folder for the results.
    state : Path or None
        File that holds the counts between sessions.
    duration_s : float or None
        End after so many seconds.
    recording : str
        Tells the recording from others across runs (see `stream.sources.open.recording_identity`), so that a
        resumed state does not count a frame twice; empty for live sources.
    can_pick_region : bool
        Whether views may ask for another part of the screen.
    """

    out: Path
    state: Path | None = None
    duration_s: float | None = None
    recording: str = ""
    can_pick_region: bool = False


@dataclass(slots=True)
class WatchOutcome:
    """How a session ended.

    Attributes
    ----------
    stats : LoopStats
        Final figures of the loop.
    findings : Findings
        The room at full size.
    report : dict
        What stands in report.json.
    files : list of str
        Names of the files in the folder for the results, the most telling first.
    next_region : ViewCommand or None
        Set when a view asked for another part of the screen: the caller opens that and runs a new session.
    """

    stats: LoopStats
    findings: Findings
    report: dict[str, Any]
    files: list[str]
    next_region: ViewCommand | None = None


class WatchSession:
    """Runs a reconstruction on a source until the stream ends or somebody stops it.

    Parameters
    ----------
    source : Source
        Open; the session closes it.
    reconstruction : Reconstruction
        Not warmed up yet.
    plan : WatchPlan
        What to do.
    profile : Profile
        Settings in force at the start.
    watcher : ProfileWatcher
        Tells of changes to them.
    views, sinks : sequence of View, sequence of Sink
        Who looks; views are the caller's to close, sinks the session's.
    """

    def __init__(
        self,
        source: Source,
        reconstruction: Reconstruction,
        plan: WatchPlan,
        profile: Profile,
        watcher: ProfileWatcher,
        views: Sequence[View] = (),
        sinks: Sequence[Sink] = (),
    ) -> None:
        self._method = profile.watch.method
        self._source = source
        self._reconstruction = reconstruction
        self._plan = plan
        self._views = list(views)
        self._has_sinks = bool(sinks)
        self._curve = CoverageCurve()
        self._due = Deadlines()
        self._messages = Messages()
        self._tuning = Tuning(profile, watcher, LIVE_SETTINGS[self._method], self._apply, self._messages.say)
        self._recordings = CountedRecordings(plan.recording)
        self._next_region: ViewCommand | None = None
        self._is_asked_to_end = False
        self._next_output_s = -math.inf
        self._n_frames_saved = -1
        self._started = dt.datetime.now(dt.UTC)
        self._loop = Loop(source, self, sinks, self._tick, most_waiting=MOST_WAITING)

    @property
    def profile(self) -> Profile:
        """Settings in force."""
        return self._tuning.profile

    @property
    def elapsed_s(self) -> float:
        """Seconds since counting began; 0.0 before."""
        return self._due.elapsed_s()

    def stop(self) -> None:
        """End the session soon and save; may be called from any thread or signal handler."""
        self._is_asked_to_end = True
        self._next_region = None
        self._loop.stop()

    def run(self) -> WatchOutcome:
        """Run to the end, save the results and say how it went.

        Returns
        -------
        WatchOutcome
            After results and state were saved.

        Raises
        ------
        CaptureError, PipelineError, SinkError
            What ended the stream; what was counted before has been saved all the same.
        """
        info = self._source.info
        try:
            self._messages.say(COMPILING)
            self._show_numbers("starting")
            self._reconstruction.warm_up(info.height, info.width, is_live=info.is_live)
            self._resume()
        except BaseException:
            self._source.close()
            raise
        self._messages.say(WAITING)
        start_is_over()
        self._due.start()
        try:
            self._loop.run()
        except Exception as error:
            if self._reconstruction.n_frames:
                self._finish(f"{type(error).__name__}: {error}")
            raise
        return self._finish(None)

    # The session is the pipeline of its loop: it counts, and gives the growing room to the sinks.

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        """Nothing to do: `run` warms the reconstruction up before the loop begins."""

    def process(self, frame: Frame) -> Sequence[Frame]:
        """Count a frame.

        Parameters
        ----------
        frame : Frame
            The next frame of the source.

        Returns
        -------
        sequence of Frame
            Now and then the growing room, if there are sinks.
        """
        for view in self._views:
            if view.wants_picture("call"):
                view.show_picture("call", frame.image)
        outputs = self._reconstruction.process(frame)
        self._recordings.note_counted()
        if not self._has_sinks or frame.pts_s < self._next_output_s - ROUNDING_S:
            return outputs
        self._next_output_s = frame.pts_s + self.profile.watch.preview_every_s
        return (*outputs, Frame(over_checkerboard(self._reconstruction.findings(is_preview=True).room), frame.pts_s))

    def flush(self) -> Sequence[Frame]:
        """End the reconstruction's stream.

        Returns
        -------
        sequence of Frame
            What the reconstruction held back.
        """
        return self._reconstruction.flush()

    def _tick(self) -> None:
        for view in self._views:
            for command in view.take_commands():
                self._obey(command)
        if self._due.is_due("profile", PROFILE_EVERY_S):
            self._tuning.reload()
        if self._loop.n_captured and self._messages.last == WAITING:
            self._messages.say(COUNTING)
        if self._reconstruction.n_frames:
            if self._due.is_due("preview", self.profile.watch.preview_every_s):
                self._look()
            if self._plan.state and self._due.is_due("save", self.profile.watch.save_every_s):
                self._save_state()
        if self._due.is_due("numbers", NUMBERS_EVERY_S):
            self._show_numbers("paused" if self._loop.is_paused else "running")
        if self._plan.duration_s is not None and self._due.elapsed_s() >= self._plan.duration_s:
            self._loop.stop()

    def _obey(self, command: ViewCommand) -> None:
        match command.kind:
            case "pause" | "resume":
                self._loop.pause(command.kind == "pause")
                self._messages.say(PAUSED if self._loop.is_paused else RUNNING)
            case "reset":
                self._reconstruction.reset()
                self._curve = CoverageCurve()
                self._recordings.forget()
                self._messages.say("counts forgotten; counting anew")
            case "save":
                self._save_results()
            case "settings":
                self._tuning.change(command.settings)
            case "region" | "whole_screen":
                self._pick(command)
            case "stop":
                self.stop()

    def _pick(self, command: ViewCommand) -> None:
        """End for another part of the screen. The view may have offered a picture that is no longer the present one."""
        info = self._source.info
        x, y, width, height = command.region_px
        is_inside = min(x, y) >= 0 and x + width <= info.width and y + height <= info.height and min(width, height) >= 1
        if not self._plan.can_pick_region:
            self._messages.say(f"{info.name} has no regions to pick")
        elif command.kind == "region" and not is_inside:
            region, picture = f"{x},{y},{width}x{height}", f"{info.width}x{info.height}"
            self._messages.say(f"the region {region} is not inside the picture of {picture}; pick it again")
        elif not self._reconstruction.n_frames:
            self._messages.say("no frame was counted yet; pick the region again in a moment")
        else:
            self._next_region = command
            self._loop.stop()

    def _apply(self, profile: Profile) -> Sequence[str]:
        return self._reconstruction.apply(profile.watch)

    def _look(self) -> None:
        """Take the coverage, and show pictures where somebody wants them."""
        info = self._source.info
        sample_px = max(1, round(math.sqrt(info.height * info.width / SAMPLE_PX)))
        sample = self._reconstruction.findings(sample_px, is_preview=True)
        self._curve.add(self._due.elapsed_s(), sample.coverage)
        wanted = [(view, name) for view in self._views for name in pictures_offered(sample) if view.wants_picture(name)]
        if not wanted:
            return
        step_px = max(1, info.width // self.profile.page.picture_width_px)
        findings = self._reconstruction.findings(step_px, is_preview=True)
        pictures = {name: draw_picture(name, findings) for name in {name for _, name in wanted}}
        for view, name in wanted:
            view.show_picture(name, pictures[name])

    def _show_numbers(self, state: str) -> None:
        if not self._views:
            return
        info, stats = self._source.info, self._loop.stats()
        points = self._curve.points()
        has_size = state != "starting"
        report = self._reconstruction.report() if has_size else {}
        numbers = {
            **stream_numbers(info, stats),
            "session": "watch",
            "can_pick_region": self._plan.can_pick_region,
            "state": state,
            "elapsed_s": round(self._due.elapsed_s(), 2),
            "frames": self._reconstruction.n_frames if has_size else 0,
            "coverage": points[-1][1] if points else None,
            "coverage_over_time": [list(point) for point in points],
            "memory_bytes": report.get("memory_used_bytes", 0),
            "exact": report.get("exact"),
            "notices": self._notices() if has_size else [],
            "message": self._messages.last,
            "out": str(self._plan.out),
            "settings": self._tuning.shown(),
        }
        for view in self._views:
            view.show_numbers(numbers)

    def _notices(self) -> list[str]:
        lines = [self._source.status, self._tuning.problem, self._messages.state_problem]
        return [line for line in lines if line] + list(self._reconstruction.status())

    def _resume(self) -> None:
        path = self._plan.state
        if path is None or not path.exists():
            return
        n_to_skip = self._recordings.resume(self._reconstruction.resume(path))
        more = f"; the first {n_to_skip} frames of this recording are in it and are skipped" if n_to_skip else ""
        self._messages.say(f"resumed {self._reconstruction.n_frames} frames from {path}{more}")
        self._show_numbers("starting")
        while self._recordings.n_skipped < n_to_skip and not self._loop.is_stopping:
            if self._source.read() is None:
                break
            self._recordings.n_skipped += 1

    def _save_state(self) -> None:
        """Save new counts; while running a failure is shown and tried again, the old file is intact."""
        if self._plan.state is None or self._reconstruction.n_frames == self._n_frames_saved:
            return
        try:
            # Waiting for the disk would cost a live session frames; the save at the end waits.
            self._reconstruction.save(self._plan.state, self._recordings.to_json(), durable=False)
            self._n_frames_saved = self._reconstruction.n_frames
            self._messages.state_problem = ""
        except PipelineError as error:
            self._messages.state_problem = str(error)

    def _save_results(self, ended_by: str | None = None, *, is_final: bool = False) -> WatchOutcome:
        findings = self._reconstruction.findings()
        stats = self._loop.stats()
        report = self._report(stats, findings, ended_by, is_final=is_final)
        files = write_results(self._plan.out, findings, report)
        self._messages.say(f"saved to {self._plan.out}")
        return WatchOutcome(stats, findings, report, files, self._next_region)

    def _finish(self, ended_by: str | None) -> WatchOutcome:
        if not self._reconstruction.n_frames:
            what = "stopped before the first frame" if self._is_asked_to_end else "no frame came"
            raise PipelineError(f"{self._source.info.name}: {what}, so nothing was written; let it run a little longer")
        self._look()
        outcome = self._save_results(ended_by, is_final=True)
        if self._plan.state:
            self._reconstruction.save(self._plan.state, self._recordings.to_json())
        self._show_numbers("ended" if self._next_region is None else "starting")
        return outcome

    def _report(self, stats: LoopStats, findings: Findings, ended_by: str | None, *, is_final: bool) -> dict[str, Any]:
        report = stream_report(self._source.info, self._started, stats, ended_by, is_final=is_final)
        report["frames"] |= {
            "counted": self._reconstruction.n_frames,
            "skipped_as_counted_before": self._recordings.n_skipped,
        }
        return report | {
            "coverage": round(findings.coverage, 6),
            "coverage_over_time": self._curve.points(),
            **figures_of(findings),
            **self._reconstruction.report(),
            "notices": self._notices(),
            "profile": self.profile.model_dump(mode="json"),
        }
