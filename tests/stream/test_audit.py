"""A session of `backroom protect --audit-only`: both streams side by side, live and recorded, and what it says."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from audited import AUDIT
from command import assert_one_line, write_video
from fakes import FakeView
from html_reader import Reader

from pipelines.base import Frame
from stream import run_audit
from stream.audit import AuditSession
from stream.sources.base import CaptureError, SourceInfo
from stream.view.base import ViewCommand

HEIGHT, WIDTH = 12, 16


class Stream:
    """Gives frames of one grey each; live ones as long as it is not closed."""

    def __init__(self, name: str, n_frames: int, *, is_live: bool, error: Exception | None = None) -> None:
        self.info = SourceInfo(name, HEIGHT, WIDTH, 25.0, is_live)
        self.status = ""
        self.n_missed = 0
        self._left, self._error = n_frames, error
        self._n = 0
        self.n_closed = 0

    def read(self) -> Frame | None:
        if self.info.is_live:
            time.sleep(0.01)
        if self._n == self._left:
            if self._error is not None:
                raise self._error
            return None
        self._n += 1
        pts_s = time.perf_counter() if self.info.is_live else self._n / 25
        return Frame(np.full((HEIGHT, WIDTH, 3), self._n % 256, np.uint8), pts_s)

    def close(self) -> None:
        self.n_closed += 1


class Learner:
    """Learns a room, and counts its frames."""

    def __init__(self) -> None:
        self.n_seen = 0
        self.mask = np.zeros((HEIGHT, WIDTH), np.float32)
        self.plate = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        self.is_plate_known = np.zeros((HEIGHT, WIDTH), bool)

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        self.size = (height, width)

    def process(self, frame: Frame) -> tuple[()]:
        self.n_seen += 1
        return ()

    def status(self) -> list[str]:
        return ["the learner says so"]


class Auditor:
    """Notes what it sees, in order."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float]] = []
        self.n_finished = self.n_closed = 0
        self.room: np.ndarray | None = None

    def see_camera(self, camera: object, mask: object, plate: object, is_known: object, pts_s: float) -> None:
        self.seen.append(("camera", pts_s))

    def see_output(self, output: object, pts_s: float) -> None:
        self.seen.append(("output", pts_s))

    def shown_share(self) -> float:
        return 0.25

    def figures(self) -> list[tuple[str, str, bool]]:
        return [("Room shown once", "25.00%", True)]

    def notices(self) -> list[str]:
        return ["the auditor says so"]

    def shown_room(self) -> np.ndarray | None:
        return self.room

    def report(self) -> dict[str, Any]:
        return AUDIT

    def finish(self) -> None:
        self.n_finished += 1

    def close(self) -> None:
        self.n_closed += 1


@pytest.fixture
def auditor() -> Auditor:
    return Auditor()


def session_of(auditor: Auditor, out: Path, output: Stream, camera: Stream, learner: Learner, **more: object):
    cameras = [camera, Stream(camera.info.name, camera._left, is_live=False)]
    return AuditSession(output, lambda: cameras.pop(0), learner, auditor, out, **more)


def test_recordings_are_read_side_by_side_after_the_room_was_learnt(auditor: Auditor, tmp_path: Path) -> None:
    learner = Learner()
    camera = Stream("raw.mkv", 60, is_live=False)
    view = FakeView(wants=("output",))
    session_of(auditor, tmp_path, Stream("call.mp4", 50, is_live=False), camera, learner, views=[view]).run()
    assert learner.n_seen == 120
    assert camera.n_closed == 1
    for which, n_frames in (("camera", 60), ("output", 50)):
        times = [pts_s for kind, pts_s in auditor.seen if kind == which]
        assert times == [t / 25 for t in range(1, n_frames + 1)]
    latest_camera_s = 0.0
    for kind, pts_s in auditor.seen:
        latest_camera_s = pts_s if kind == "camera" else latest_camera_s
        assert kind == "camera" or latest_camera_s >= min(pts_s + 1, 60 / 25)
    assert (auditor.n_finished, auditor.n_closed) == (1, 1)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["audit"] == AUDIT
    assert report["camera"]["name"] == "raw.mkv"
    assert report["notices"] == ["the learner says so", "the auditor says so"]
    assert (view.numbers[-1]["session"], view.numbers[-1]["state"]) == ("audit", "ended")
    assert view.numbers[-1]["figures"] == [("Room shown once", "25.00%", True)]


def test_the_page_shows_where_the_room_was_shown_and_the_report_says_where(auditor: Auditor, tmp_path: Path) -> None:
    auditor.room = np.zeros((9, 9, 4), np.uint8)
    auditor.room[:3, 6:] = 255
    camera, output = (Stream(name, 5, is_live=False) for name in ("raw.mkv", "call.mp4"))
    session_of(auditor, tmp_path, output, camera, Learner()).run()
    assert json.loads((tmp_path / "report.json").read_text())["audit"]["shown_where"]["top right"] == 1
    page = Reader((tmp_path / "report.html").read_text())
    assert "top right (100 %)" in page.text
    assert len(page.pictures()) == 1


def test_live_streams_are_measured_until_somebody_stops_it(auditor: Auditor, tmp_path: Path) -> None:
    view = FakeView(
        [(lambda numbers: numbers["frames"] > 5, ViewCommand("reset")), (lambda _: True, ViewCommand("stop"))],
        wants=("output",),
    )
    output, camera = (Stream(name, 100_000, is_live=True) for name in ("screen", "camera"))
    session = session_of(auditor, tmp_path, output, camera, Learner(), views=[view], duration_s=60.0)
    session.run()
    kinds = {kind for kind, _ in auditor.seen}
    assert kinds == {"camera", "output"}
    assert (output.n_closed >= 1, camera.n_closed) == (True, 1)
    assert view.numbers[-1]["coverage_over_time"][-1][1] == 0.25
    assert any(numbers["message"] == "an audit knows no reset" for numbers in view.numbers)


def test_a_webcam_that_breaks_ends_it_and_the_report_says_why(auditor: Auditor, tmp_path: Path) -> None:
    camera = Stream("camera", 3, is_live=True, error=CaptureError("the webcam is gone"))
    session = session_of(auditor, tmp_path, Stream("screen", 100_000, is_live=True), camera, Learner())
    with pytest.raises(CaptureError, match="the webcam is gone"):
        session.run()
    assert "the webcam is gone" in json.loads((tmp_path / "report.json").read_text())["ended_by"]
    assert auditor.n_closed == 1


@pytest.fixture
def recordings(tmp_path: Path, rng: np.random.Generator) -> tuple[Path, Path]:
    paths = []
    for name in ("raw.mkv", "call.mkv"):
        write_video(tmp_path / name, [rng.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(10)])
        paths.append(tmp_path / name)
    return paths[0], paths[1]


def test_the_command_measures_two_recordings_and_says_what_it_lacks(run, recordings, tmp_path: Path) -> None:
    raw, call = recordings
    code, text, errors = run("protect", raw, "--audit-only", call, "--view", "none", "--out", tmp_path / "D")
    assert (code, errors) == (0, "")
    assert "0 of 10 frames of the other client measured" in text
    assert "the person is hardly to be seen" in text
    assert json.loads((tmp_path / "D/report.json").read_text())["audit"]["exposed_once"] == 0


@pytest.mark.parametrize(
    ("source", "output", "says"), [("RAW", "nowhere.mp4", "nowhere.mp4"), ("nowhere.mkv", "CALL", "nowhere.mkv")]
)
def test_what_cannot_be_audited_is_one_line(source, output, says, run, recordings, tmp_path: Path) -> None:
    named = dict(zip(("RAW", "CALL"), recordings, strict=True))
    flags = ["--view", "none", "--out", tmp_path / "D"]
    code, _, errors = run("protect", named.get(source, source), "--audit-only", named.get(output, output), *flags)
    assert_one_line(code, errors, [says])


def test_a_live_source_and_a_recording_do_not_go_together(run, recordings, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run_audit, "open_source", lambda text, _: Stream(text, 3, is_live=text == "camera"))
    flags = ["--view", "none", "--out", tmp_path / "D"]
    code, _, errors = run("protect", "camera", "--audit-only", "call.mp4", *flags)
    assert_one_line(code, errors, ["camera is live and call.mp4 is a recording"])
