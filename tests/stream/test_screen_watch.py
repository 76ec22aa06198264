"""`backroom watch` on a real screen at 60 frames a second: the rate holds, and every frame lost is counted.

A window on an X server counts up some 70 times a second and logs which number it showed when (`number_window`), so
that what the session saw can be held against what was on the screen.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from number_window import Shown, number_window, read_number
from xserver import x_server

from config.loader import load_profile
from config.reload import ProfileWatcher
from config.schema import ScreenSettings
from pipelines.base import Frame
from pipelines.reconstruction.rarest import RarestReconstruction
from stream.sources.screen import ScreenSource, parse_screen
from stream.watch import MOST_WAITING, WatchPlan, WatchSession

pytestmark = pytest.mark.screen

WIDTH, HEIGHT = 1280, 720
REGION = f"screen:100,40,{WIDTH}x{HEIGHT}"
RATE_HZ = 60.0
WINDOW_HZ = 70.0

DURATION_S = 10.0
# The deadlines lie on a grid of 1/60 s and nothing makes up for one that was missed, so that 600 frames in 10 s are
# the most there can be. One in 200 may be missed: a scheduler that gives others a turn takes a few milliseconds,
# and now and then more than one period.
SUSTAINED_HZ = RATE_HZ * (1 - 1 / 200)
# Where others take both cores, no reader of the screen holds the rate: then the command must come this near to a loop
# that only reads, timed right before and after.
SHARE_OF_FLOOR = 0.95
FLOOR_S = 1.5

# A grab is a millisecond long and its frame bears the time at which it began; the rest is for being interrupted
# between the deadline and the look at the clock.
LATE_S = 0.25 / RATE_HZ


@pytest.fixture(scope="module")
def screen() -> Iterator[str]:
    """A desktop on which the window lies off the corner, as this process's own."""
    with x_server(1500, 800) as display, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", display)
        patch.delenv("XDG_SESSION_TYPE", raising=False)
        yield display


@pytest.fixture
def window(screen: str, tmp_path: Path) -> Callable[[], Any]:
    """The counting window, to be opened and closed by the test: its log is known once it is closed."""
    return lambda: number_window(tmp_path / "shown.npy", (100, 40), (WIDTH, HEIGHT), WINDOW_HZ)


def rate_of_reading() -> float:
    """Frames a second that a loop gets that does nothing but read the screen."""
    source = ScreenSource(parse_screen(REGION), ScreenSettings(rate_hz=RATE_HZ))
    assert source.read() is not None
    begin_s = time.perf_counter()
    n_frames = 0
    while time.perf_counter() < begin_s + FLOOR_S:
        assert source.read() is not None
        n_frames += 1
    elapsed_s = time.perf_counter() - begin_s
    source.close()
    return n_frames / elapsed_s


def watch_once(out: Path) -> dict[str, Any]:
    words = ["watch", REGION, "--rate", str(RATE_HZ), "--method", "rarest", "--view", "none", "--out", str(out)]
    command = [sys.executable, "-c", "from stream.cli import main; main()", *words, "--duration", str(DURATION_S)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ))
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads((out / "report.json").read_text("utf-8"))
    return report


def test_the_command_sustains_60_frames_a_second_at_720p(window: Callable[[], Any], tmp_path: Path) -> None:
    with window():
        floor_hz = [rate_of_reading()]
        report = watch_once(tmp_path / "out")
        floor_hz.append(rate_of_reading())
    frames = report["frames"]
    # The time is that from the first frame counted to the last; one that was under way at the end came after.
    captured_hz = (frames["captured"] - frames["discarded"] - 1) / report["elapsed_s"]
    assert (report["source"]["width"], report["source"]["height"]) == (WIDTH, HEIGHT)
    assert report["elapsed_s"] == pytest.approx(DURATION_S, abs=0.5)
    wanted_hz = min(SUSTAINED_HZ, SHARE_OF_FLOOR * min(floor_hz))
    assert captured_hz >= wanted_hz, (frames, floor_hz)
    assert report["rate_hz"] >= wanted_hz, "what is captured is also counted"
    # Frames in a burst would be as wrong as frames that do not come; the first one may be counted 0.1 s late.
    assert captured_hz <= RATE_HZ * (1 + 0.1 / DURATION_S)


# --- what was lost is what is said to be lost


@dataclass
class Seen:
    """What one stage of a session saw: number and time of each frame."""

    numbers: list[int] = field(default_factory=list)
    pts_s: list[float] = field(default_factory=list)
    arrived_s: list[float] = field(default_factory=list)

    def note(self, frame: Frame) -> None:
        self.arrived_s.append(time.perf_counter())
        self.numbers.append(read_number(frame.image))
        self.pts_s.append(frame.pts_s)


class ReadingSource(ScreenSource):
    """Notes the number in every frame captured; held up for a while after every few, if told to."""

    def __init__(self, held_up_s: float = 0.0, every: int = 20) -> None:
        super().__init__(parse_screen(REGION), ScreenSettings(rate_hz=RATE_HZ))
        self.seen = Seen()
        self._held_up_s = held_up_s
        self._every = every

    def read(self) -> Frame | None:
        if self._held_up_s and len(self.seen.numbers) % self._every == self._every - 1:
            time.sleep(self._held_up_s)
        frame = super().read()
        if frame is not None:
            self.seen.note(frame)
        return frame


class ReadingReconstruction(RarestReconstruction):
    """Notes the number in every frame counted, and takes its time over each, if told to."""

    def __init__(self, settings: Any, slow_s: float = 0.0) -> None:
        super().__init__(settings)
        self.seen = Seen()
        self._slow_s = slow_s

    def process(self, frame: Frame) -> Any:
        self.seen.note(frame)
        time.sleep(self._slow_s)
        return super().process(frame)


@dataclass
class Session:
    """One session that was watched at both ends, and the window that it watched."""

    captured: Seen
    counted: Seen
    frames: dict[str, int]
    shown: Shown


@pytest.fixture(params=["steady", "slow to count", "held up at the screen"])
def session(request: pytest.FixtureRequest, window: Callable[[], Any], tmp_path: Path) -> Session:
    """Three seconds of watching, in this process."""
    profile = load_profile()
    out = tmp_path / "out"
    out.mkdir()
    with window() as shown:
        source = ReadingSource(held_up_s=0.08 if request.param == "held up at the screen" else 0.0)
        counting = ReadingReconstruction(profile.watch, slow_s=0.05 if request.param == "slow to count" else 0.0)
        plan = WatchPlan(out=out, duration_s=3.0)
        WatchSession(source, counting, plan, profile, ProfileWatcher("default", {})).run()
    frames = json.loads((out / "report.json").read_text("utf-8"))["frames"]
    if request.param == "slow to count":
        assert frames["dropped"] > frames["processed"]
    if request.param == "held up at the screen":
        assert frames["missed"] > 20
    return Session(source.seen, counting.seen, frames, shown)


def test_what_a_session_lost_is_what_its_report_says(session: Session) -> None:
    captured, counted, frames = session.captured, session.counted, session.frames
    assert frames["captured"] == len(captured.numbers)
    assert frames["counted"] == frames["processed"] == len(counted.numbers)
    assert frames["captured"] == frames["processed"] + frames["dropped"] + frames["discarded"]
    assert frames["discarded"] <= MOST_WAITING + 1, "the end finds no more than may wait, and one just read"
    assert set(counted.pts_s) <= set(captured.pts_s)
    # What came before the last frame counted and was not counted was dropped; what came after it may be.
    n_before = captured.pts_s.index(counted.pts_s[-1]) + 1
    assert 0 <= frames["dropped"] - (n_before - len(counted.numbers)) <= len(captured.numbers) - n_before
    assert_missed_is_what_the_clock_says(session)
    assert_every_frame_holds_what_was_on_the_screen(session)
    assert_gaps_are_explained(session)


def assert_missed_is_what_the_clock_says(session: Session) -> None:
    pts_s = np.array(session.captured.pts_s)
    n_periods = (pts_s[-1] - pts_s[0]) * RATE_HZ
    # Each frame is taken less than a period after its deadline: a later one would be the next deadline's.
    assert session.frames["captured"] + session.frames["missed"] - 1 == pytest.approx(
        n_periods, abs=1 + LATE_S * RATE_HZ
    )


def assert_every_frame_holds_what_was_on_the_screen(session: Session) -> None:
    captured, shown = session.captured, session.shown
    at = np.searchsorted(shown.numbers, captured.numbers)
    assert (shown.numbers[at] == captured.numbers).all(), "a number that was never shown"
    assert (np.diff(captured.numbers) >= 0).all(), "numbers go back"
    # Both processes read the same clock, so that no tolerance is needed: the number came up before the frame was
    # there, and the next one only after the grab began.
    assert (shown.begin_s[at] <= captured.arrived_s).all()
    assert (shown.end_s[at + 1] >= captured.pts_s).all()


def assert_gaps_are_explained(session: Session) -> None:
    captured, shown, frames = session.captured, session.shown, session.frames
    assert (np.diff(session.counted.numbers) >= 0).all(), "numbers go back"
    n_lost = frames["dropped"] + frames["discarded"] + frames["missed"]
    n_periods = frames["processed"] + n_lost - 1
    n_passed = captured.numbers[-1] - captured.numbers[0]
    # The window's number follows its clock, so that numbers it skipped count as shown. Each end lies anywhere in a
    # period of the session and of the window, and the window is late by what its own log says.
    late_s = np.ptp(shown.end_s - shown.numbers / WINDOW_HZ)
    tolerance = 2 + (1 + LATE_S * RATE_HZ) * WINDOW_HZ / RATE_HZ + late_s * WINDOW_HZ
    assert n_passed == pytest.approx(n_periods * WINDOW_HZ / RATE_HZ, abs=tolerance)
