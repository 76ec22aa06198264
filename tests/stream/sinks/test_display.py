"""The display sink on a real X server, in a process of its own, and without one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xserver import x_server

from pipelines.base import Frame
from stream.sinks.base import SinkError
from stream.sinks.display import DisplaySink

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]


def run(arguments: list[str], display: str | None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "XDG_SESSION_TYPE")}
    environment["PYTHONPATH"] = str(REPOSITORY)
    if display is not None:
        environment["DISPLAY"] = display
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What the windows looked like, by step; see `in_a_window`."""
    with x_server(1280, 720) as display:
        ended = run([str(HERE / "in_a_window.py")], display)
    assert ended.returncode == 0, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


@pytest.mark.screen
def test_the_frames_are_shown_pixel_for_pixel(seen: dict[str, Any]) -> None:
    assert len(seen["first"]["places"]) == 1
    assert seen["first"]["places"][0][2:] == [320, 240]
    assert seen["first"]["share"] == 1.0
    assert seen["after close"]["places"] == []


@pytest.mark.screen
def test_a_second_display_works_after_the_first_ones_thread_has_ended(seen: dict[str, Any]) -> None:
    # GLFW belongs to one thread: without `stream.display.thread` the second is refused, or hangs.
    assert seen["first ended"]
    assert seen["second ended"]
    assert seen["second"]["share"] == 1.0


@pytest.mark.screen
def test_the_window_stands_in_the_middle_of_the_wanted_monitor(seen: dict[str, Any]) -> None:
    assert seen["on monitor 1"]["places"] == [[480, 240, 320, 240]]
    assert "there are display:1 (1280x720)" in seen["no such monitor"]


@pytest.mark.screen
def test_frames_larger_than_the_monitor_are_shown_smaller_in_their_shape(seen: dict[str, Any]) -> None:
    _, _, width, height = seen["larger than the monitor"]["places"][0]
    assert (width, height) == (972, 648)
    assert seen["larger than the monitor"]["middle"] == seen["first"]["middle"]


@pytest.mark.screen
def test_a_window_that_the_person_closes_stays_closed_and_says_so(seen: dict[str, Any]) -> None:
    assert not seen["is closed before"]
    assert seen["is closed after"]
    assert seen["after closing by hand"]["places"] == []


@pytest.mark.screen
def test_a_frame_of_another_size_is_refused(seen: dict[str, Any]) -> None:
    assert "got a frame of 320x242, wanted 320x240" in seen["other size"]


def test_without_a_display_the_process_lives_and_the_remedy_is_told() -> None:
    code = (
        "import numpy as np\n"
        "from pipelines.base import Frame\n"
        "from stream.sinks.base import SinkError\n"
        "from stream.sinks.display import DisplaySink\n"
        "try:\n"
        "    DisplaySink(None).write(Frame(np.zeros((48, 64, 3), np.uint8), 0.0))\n"
        "except SinkError as error:\n"
        "    print(error)\n"
    )
    for display, reason in ((None, "DISPLAY is not set"), (":4321", "does not answer or refuses")):
        ended = run(["-c", code], display)
        assert ended.returncode == 0, ended.stderr
        assert reason in ended.stdout


def test_macos_is_refused_before_its_windows_are_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SinkError, match="use the live page instead"):
        DisplaySink(None).write(Frame(np.zeros((48, 64, 3), np.uint8), 0.0))
