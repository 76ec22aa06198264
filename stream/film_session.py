"""One session of `backroom film`: while the phone films, its pictures stand beside what people see, in any view.

Nothing here is live: the phone waits while a person pauses, and films as fast as the machine can otherwise. Figures on
the way are of the pictures as they are recorded; those of the report are of what the files give back, so that the codec
counts.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from config.schema import VideoSettings
from pipelines.filming.bars import KINDEST_DB
from pipelines.filming.scores import psnr_db
from pipelines.filming.trial import Shot
from stream.bookkeeping import PAUSED, RUNNING, WAITING, Deadlines
from stream.report import write_page_and_report
from stream.results.film_page import build_film_page
from stream.results.lens import say_camera, say_code, say_db
from stream.tools.film import Filmed, FilmPlan, film
from stream.tools.subframes import SubframeFile
from stream.view.base import View, ViewCommand

SCORING: Final = "scoring the recording"
NUMBERS_EVERY_S: Final = 0.25
_PAUSE_TURN_S: Final = 0.05


class FilmSession:
    """Films, shows it, and obeys its views; see `stream.tools.film.Onlooker`.

    Parameters
    ----------
    plan : FilmPlan
        What, with what, and where to.
    views : sequence of View
        Who looks; the caller's to close.
    """

    def __init__(self, plan: FilmPlan, views: Sequence[View]) -> None:
        self._plan = plan
        self._views = views
        self._due = Deadlines()
        self._is_stopped = threading.Event()
        self._is_paused = False
        self._message = WAITING
        self._n_frames = 0
        self._n_wanted: int | None = None
        self._stream: dict[str, Any] = {}
        self._order = ""
        self._recorded, self._unprotected = _MeanDb(), _MeanDb()

    def run(self, video: VideoSettings) -> Filmed:
        """Film, and write the recordings and the reports.

        Parameters
        ----------
        video : VideoSettings
            Quality and speed of H.264.

        Returns
        -------
        Filmed
            Figures and pictures; all of it is in the plan's folder.

        Raises
        ------
        CaptureError, PipelineError, SinkError
            As `film` does; if a report cannot be written.
        """
        self._due.start()
        try:
            filmed = film(self._plan, video, self)
            write_page_and_report(self._plan.out, build_film_page(filmed), filmed.report)
        except BaseException as error:
            self._end(str(error) or "broken off")
            raise
        self._end(f"saved to {self._plan.out}")
        return filmed

    def stop(self) -> None:
        """End soon and score what was filmed; may be called from any thread or signal handler."""
        self._is_stopped.set()

    def begin(self, file: SubframeFile) -> None:
        """Take note of what is filmed.

        Parameters
        ----------
        file : SubframeFile
            Open.
        """
        self._stream = {"source": file.path.name, "width": file.width, "height": file.height}
        self._order = say_code({"code": file.code, "slots": file.n_slots, "refresh_hz": file.refresh_hz})
        lengths_s = [length_s for length_s in (file.duration_s, self._plan.duration_s) if length_s is not None]
        self._n_wanted = round(min(lengths_s) * self._plan.camera.rate_hz) if file.duration_s is not None else None
        self._show_numbers()

    def see(self, shot: Shot) -> bool:
        """Show a recorded frame; return once nobody pauses.

        Parameters
        ----------
        shot : Shot
            What was recorded, and of what.

        Returns
        -------
        bool
            False if somebody wants it to end.
        """
        self._n_frames += 1
        self._message = RUNNING
        if self._views:
            if self._n_frames > self._plan.first_scored:
                self._recorded.add(psnr_db(shot.protected, shot.truth))
                self._unprotected.add(psnr_db(shot.control, shot.truth))
            self._show(shot)
        return not self._is_stopped.is_set()

    def score(self) -> None:
        """Take note that all is filmed, and scoring begins."""
        self._message = SCORING
        self._show_numbers()

    def _show(self, shot: Shot) -> None:
        self._obey_all()
        for name, picture in (("output", shot.protected), ("seen", shot.truth), ("control", shot.control)):
            for view in self._views:
                if view.wants_picture(name):
                    view.show_picture(name, picture)
        if self._due.is_due("numbers", NUMBERS_EVERY_S):
            self._show_numbers()
        if self._is_paused:
            self._wait()

    def _wait(self) -> None:
        self._message = PAUSED
        self._show_numbers()
        while self._is_paused and not self._is_stopped.wait(_PAUSE_TURN_S):
            self._obey_all()
        self._message = RUNNING
        self._show_numbers()

    def _obey_all(self) -> None:
        for view in self._views:
            for command in view.take_commands():
                self._obey(command)

    def _obey(self, command: ViewCommand) -> None:
        match command.kind:
            case "pause" | "resume":
                self._is_paused = command.kind == "pause"
            case "stop":
                self.stop()
            case _:
                self._message = f"filming knows no {command.kind}"
                self._show_numbers()

    def _end(self, message: str) -> None:
        self._message = message
        self._show_numbers("ended")

    def _show_numbers(self, state: str | None = None) -> None:
        if not self._stream:  # the file could not be opened, and nothing is known of it
            return
        elapsed_s = self._due.elapsed_s()
        numbers = {
            **self._stream,
            "session": "film",
            "is_live": False,
            "can_pick_region": False,
            "state": state or ("paused" if self._is_paused else "running"),
            "elapsed_s": round(elapsed_s, 2),
            "frames": self._n_frames,
            "captured": self._n_frames,
            "n_frames": self._n_wanted,
            "dropped": 0,
            "rate_hz": round(self._n_frames / elapsed_s, 2) if elapsed_s > 0 else 0.0,
            "latency_ms": {},
            "coverage": None,
            "coverage_over_time": [],
            "memory_bytes": 0,
            "exact": None,
            "notices": [],
            "message": self._message,
            "settings": {},
            "figures": self._figures(),
        }
        for view in self._views:
            view.show_numbers(numbers)

    def _figures(self) -> list[list[Any]]:
        recorded_db, unprotected_db = self._recorded.mean(), self._unprotected.mean()
        return [
            ["PSNR so far", _say(recorded_db), recorded_db is not None and recorded_db >= KINDEST_DB],
            ["Unprotected", _say(unprotected_db), False],
            *([name, text, False] for name, text in say_camera(asdict(self._plan.camera)).items()),
            ["Order", self._order, False],
        ]


class _MeanDb:
    """PSNR over many frames: that of the mean squared difference, see `pipelines.filming.scores.mean_score`."""

    def __init__(self) -> None:
        self._n, self._errors = 0, 0.0

    def add(self, db: float) -> None:
        self._n += 1
        self._errors += 10.0 ** (-db / 10.0)

    def mean(self) -> float | None:
        return -10.0 * math.log10(self._errors / self._n) if self._n else None


def _say(db: float | None) -> str:
    return "-" if db is None else say_db(db)
