"""One session of `backroom protect --audit-only`: another client's picture, the webcam that it shows, and the figures.

The client's picture is the stream of the loop; the webcam is read beside it: live in a thread of its own, of a
recording as far ahead as is needed. A recording of the webcam is read once before, so that all of its room is known
from the first frame on. Nothing is sent anywhere.
"""

import contextlib
import datetime as dt
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipelines.base import Frame, Image
from pipelines.protection.contract import Mask
from pipelines.protection.contract import Protection as RoomLearner
from stream.bookkeeping import COMPILING, RUNNING, WAITING, Deadlines, Messages
from stream.coverage import CoverageCurve
from stream.loop import Loop
from stream.numbers import stream_numbers, stream_report
from stream.report import write_audit_report
from stream.results.figures import shares_of_ninths
from stream.sources.base import Source
from stream.startup import start_is_over
from stream.stats import LoopStats
from stream.view.base import View, ViewCommand

NUMBERS_EVERY_S = 0.25

AHEAD_S = 1.2
"""How far a recording of the webcam is read ahead of the client's: the most that the client may be early."""

MOST_WAITING = 8
"""Frames of a live webcam that may wait; older ones are dropped."""

LEARNING = "learning the room from the webcam's recording"


class Auditor(Protocol):
    """Measures another client's picture; see `pipelines.protection.audit.Audit`."""

    def see_camera(
        self, camera: Image, mask: Mask, plate: Image, is_known: npt.NDArray[np.bool_], pts_s: float
    ) -> None:
        """Take the next frame of the webcam, the person in it and the room as it is known."""

    def see_output(self, output: Image, pts_s: float) -> None:
        """Take the next frame of the client's picture."""

    def shown_share(self) -> float:
        """Return how much of the known room has shown at least once, 0 to 1."""

    def figures(self) -> Sequence[tuple[str, str, bool]]:
        """Return name, text and whether it is a bad sign, for views."""

    def notices(self) -> Sequence[str]:
        """Say in one line each what keeps it from measuring."""

    def shown_room(self) -> Image | None:
        """Return the room, BGRA, opaque where it was shown at least once; None while nothing was measured."""

    def report(self) -> dict[str, Any]:
        """Return the figures for `report.json`; JSON values only."""

    def finish(self) -> None:
        """Measure what waits; after the last frames."""

    def close(self) -> None:
        """Let go of threads; calling it again does nothing."""


@dataclass(slots=True)
class AuditOutcome:
    """How a session ended.

    Attributes
    ----------
    stats : LoopStats
        Of the client's stream.
    report : dict
        What stands in report.json.
    """

    stats: LoopStats
    report: dict[str, Any]


class AuditSession:
    """Measures a client's stream until it ends or somebody stops it.

    Parameters
    ----------
    output : Source
        The client's picture, open; the session closes it.
    open_camera : callable
        Opens the webcam, or its recording, which is asked for twice.
    learner : Protection
        Learns the room and finds the person; its pictures go nowhere.
    auditor : Auditor
        Measures; the session closes it.
    out : Path
        Existing folder for the report.
    views : sequence of View
        Who looks; the caller's to close.
    duration_s : float, optional
        End after so many seconds.
    """

    def __init__(
        self,
        output: Source,
        open_camera: Callable[[], Source],
        learner: RoomLearner,
        auditor: Auditor,
        out: Path,
        views: Sequence[View] = (),
        duration_s: float | None = None,
    ) -> None:
        self._output = output
        self._open_camera = open_camera
        self._learner = learner
        self._auditor = auditor
        self._out = out
        self._views = list(views)
        self._duration_s = duration_s
        self._messages = Messages()
        self._due = Deadlines()
        self._curve = CoverageCurve()
        self._started = dt.datetime.now(dt.UTC)
        self._loop = Loop(output, self, (), self._tick)
        self._camera: Source | None = None
        self._feed: _Feed | None = None

    def stop(self) -> None:
        """End the session soon; may be called from any thread or signal handler."""
        self._loop.stop()

    def run(self) -> AuditOutcome:
        """Run to the end and say how it went.

        Returns
        -------
        AuditOutcome
            After the report was written.

        Raises
        ------
        CaptureError, PipelineError, SinkError
            What ended the stream; the report has been written all the same.
        """
        with contextlib.ExitStack() as stack:
            stack.callback(self._auditor.close)
            stack.callback(self._output.close)
            self._messages.say(COMPILING)
            self._show_numbers("starting")
            self._camera = self._opened_camera()
            self._feed = _LiveFeed(self._camera) if self._camera.info.is_live else _RecordedFeed(self._camera)
            stack.callback(self._feed.close)
            self._messages.say(WAITING)
            start_is_over()
            self._due.start()
            try:
                self._loop.run()
            except Exception as error:
                self._finish(f"{type(error).__name__}: {error}")
                raise
            return self._finish(None)

    # The session is the pipeline of its loop: frames are measured, and none come out.

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        """Nothing to do: `run` makes everything ready before the loop begins."""

    def process(self, frame: Frame) -> Sequence[Frame]:
        """Measure a frame of the client's.

        Parameters
        ----------
        frame : Frame
            The next one.

        Returns
        -------
        sequence of Frame
            Always empty.
        """
        self._see_camera(frame.pts_s + AHEAD_S)
        if not frame.is_placeholder:
            self._auditor.see_output(frame.image, frame.pts_s)
            for view in self._views:
                if view.wants_picture("output"):
                    view.show_picture("output", frame.image)
        return ()

    def flush(self) -> Sequence[Frame]:
        """Take the rest of the webcam's frames; nothing is held back."""
        if self._feed is not None:
            self._see_camera(float("inf"))
        return ()

    def _opened_camera(self) -> Source:
        camera = self._open_camera()
        self._learner.warm_up(camera.info.height, camera.info.width, is_live=camera.info.is_live)
        if camera.info.is_live:
            return camera
        self._messages.say(LEARNING)
        self._show_numbers("starting")
        with contextlib.closing(camera):
            while not self._loop.is_stopping and (frame := camera.read()) is not None:
                self._learner.process(frame)
        return self._open_camera()

    def _see_camera(self, until_s: float) -> None:
        assert self._feed is not None  # noqa: S101 - `run` opens it before the loop begins
        for frame in self._feed.frames(until_s):
            if not frame.is_placeholder:
                learner = self._learner
                learner.process(frame)
                self._auditor.see_camera(frame.image, learner.mask, learner.plate, learner.is_plate_known, frame.pts_s)

    def _tick(self) -> None:
        for view in self._views:
            for command in view.take_commands():
                self._obey(command)
        if self._loop.n_captured and self._messages.last == WAITING:
            self._messages.say(RUNNING)
        if self._due.is_due("numbers", NUMBERS_EVERY_S):
            self._curve.add(self._due.elapsed_s(), self._auditor.shown_share())
            self._show_numbers("paused" if self._loop.is_paused else "running")
        if self._duration_s is not None and self._due.elapsed_s() >= self._duration_s:
            self._loop.stop()

    def _obey(self, command: ViewCommand) -> None:
        match command.kind:
            case "pause" | "resume":
                self._loop.pause(command.kind == "pause")
            case "stop":
                self.stop()
            case _:
                self._messages.say(f"an audit knows no {command.kind}")

    def _show_numbers(self, state: str) -> None:
        numbers = {
            **stream_numbers(self._output.info, self._loop.stats()),
            "session": "audit",
            "can_pick_region": False,
            "state": state,
            "elapsed_s": round(self._due.elapsed_s(), 2),
            "frames": self._loop.stats().processed,
            "figures": list(self._auditor.figures()),
            "coverage": None,
            "coverage_over_time": self._curve.points(),
            "exact": None,
            "notices": self._notices(),
            "message": self._messages.last,
            "settings": {},
        }
        for view in self._views:
            view.show_numbers(numbers)

    def _notices(self) -> list[str]:
        if self._camera is None:  # nothing is made ready yet
            return [self._output.status] if self._output.status else []
        statuses = filter(None, (self._output.status, self._camera.status))
        return [*statuses, *self._learner.status(), *self._auditor.notices()]

    def _finish(self, ended_by: str | None) -> AuditOutcome:
        self._auditor.finish()
        stats = self._loop.stats()
        report = stream_report(self._output.info, self._started, stats, ended_by, is_final=True)
        shown = self._auditor.shown_room()
        where = {} if shown is None else {"shown_where": shares_of_ninths(shown[..., 3] > 0)}
        report |= {
            "camera": asdict(self._camera.info) if self._camera else None,
            "audit": self._auditor.report() | where,
            "notices": self._notices(),
        }
        write_audit_report(self._out, report, shown)
        self._messages.say(f"saved to {self._out}")
        self._show_numbers("ended")
        return AuditOutcome(stats, report)


class _Feed(Protocol):
    """Gives the webcam's frames beside the loop; called from the loop's thread."""

    def frames(self, until_s: float) -> Iterator[Frame]:
        """Yield the frames that have come since the last call, those of a recording up to a time."""

    def close(self) -> None:
        """Let go of the webcam."""


class _RecordedFeed:
    """Reads a recording, as far as the client's is."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._next = source.read()

    def frames(self, until_s: float) -> Iterator[Frame]:
        while self._next is not None and self._next.pts_s <= until_s:
            yield self._next
            self._next = self._source.read()

    def close(self) -> None:
        self._source.close()


class _LiveFeed:
    """Reads a webcam in a thread of its own; what breaks it is raised where its frames are asked for."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._waiting: deque[Frame] = deque(maxlen=MOST_WAITING)
        self._error: Exception | None = None
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webcam", daemon=True)
        self._thread.start()

    def frames(self, until_s: float) -> Iterator[Frame]:  # noqa: ARG002 - what has come is all there is
        if self._error is not None:
            raise self._error
        with contextlib.suppress(IndexError):
            while True:
                yield self._waiting.popleft()

    def close(self) -> None:
        self._is_closed.set()
        self._thread.join()
        self._source.close()

    def _run(self) -> None:
        try:
            while not self._is_closed.is_set() and (frame := self._source.read()) is not None:
                self._waiting.append(frame)
        except Exception as error:  # noqa: BLE001 - raised again in the loop's thread
            self._error = error
