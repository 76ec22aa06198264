"""The window on a real X server, in a process of its own, and without one; and its layout."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xserver import x_server

from config.schema import PageSettings
from stream.view.base import ViewError
from stream.view.none import NoView
from stream.view.window import LAYOUTS, PROTECT, WindowView, compose

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]


def run_in_a_window(display: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [sys.executable, HERE / "in_a_window.py"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def seen() -> Any:
    """What came of a session in a window; see `in_a_window`."""
    with x_server(800, 600) as display:
        ended = run_in_a_window(display)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.mark.screen
def test_keys_become_commands_and_space_goes_there_and_back(seen: dict[str, Any]) -> None:
    assert seen["keys"] == [["save"], ["reset"], ["pause"], ["resume"], ["stop"]]


@pytest.mark.screen
def test_call_and_room_are_on_the_screen(seen: dict[str, Any]) -> None:
    assert seen["wanted"] == ["call", "room"]
    assert seen["call"] == [10, 20, 200]
    assert seen["room"] == [200, 20, 10]


@pytest.mark.screen
def test_a_key_goes_round_the_pictures_that_the_session_has(seen: dict[str, Any]) -> None:
    assert not seen["leaks wanted"]
    assert seen["backdrop wanted after v"]
    assert seen["leaks wanted after v"]
    assert seen["leaks"] == [50, 60, 70]
    assert seen["room wanted again"]


@pytest.mark.screen
def test_a_closed_view_is_gone_with_its_thread_and_another_one_opens(seen: dict[str, Any]) -> None:
    assert seen["open after close"] == 0
    assert not seen["wanted after close"]
    assert seen["open again"] == 1
    assert seen["threads"] == []


@pytest.mark.screen
def test_closing_the_window_by_hand_asks_to_stop_and_it_stays_closed(seen: dict[str, Any]) -> None:
    assert seen["closed by hand"] == ["stop"]
    assert seen["open after closing by hand"] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="asks for an X display, which only Linux has")
@pytest.mark.parametrize("display", ["", ":9999"])
def test_without_a_display_opening_is_an_error_and_never_an_abort(
    monkeypatch: pytest.MonkeyPatch, display: str
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    with pytest.raises(ViewError, match=r"^window: .*X server.*DISPLAY"):
        WindowView(PageSettings())


def test_macos_is_told_to_use_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ViewError, match="use the live page instead"):
        WindowView(PageSettings())


def test_call_and_room_stand_side_by_side_at_one_height() -> None:
    call = np.full((180, 320, 3), (1, 2, 3), np.uint8)
    room = np.full((45, 80, 4), (90, 80, 70, 255), np.uint8)  # a preview has fewer pixels
    shown = compose({"call": call, "room": room}, {}, 160)
    assert shown.shape[1] == 320
    assert (shown[:90, :160] == (1, 2, 3)).all()
    assert (shown[:90, 160:] == (90, 80, 70)).all()


def test_what_is_not_claimed_is_a_checkerboard_whatever_its_colour() -> None:
    room = np.full((90, 160, 4), (0, 255, 0, 0), np.uint8)
    room[:, :80, 3] = 255
    pane = compose({"room": room}, {}, 160)[:90, 160:]
    assert (pane[:, :80] == (0, 255, 0)).all()
    greys = np.unique(pane[:, 80:].reshape(-1, 3), axis=0)
    assert len(greys) == 2
    assert (greys.min(axis=1) == greys.max(axis=1)).all()


def test_every_figure_that_changes_changes_the_lines_below() -> None:
    call = {"call": np.zeros((90, 160, 3), np.uint8)}
    numbers = {"state": "running", "coverage": 0.1, "rate_hz": 30.0, "dropped": 0, "notices": [], "message": ""}
    shown = compose(call, numbers, 480)
    changes: list[dict[str, Any]] = [
        {"state": "paused"},
        {"coverage": 0.2},
        {"rate_hz": 2.0},
        {"dropped": 9},
        {"notices": ["é"]},
        {"message": "x"},
    ]
    for change in changes:
        assert not np.array_equal(compose(call, {**numbers, **change}, 480), shown), change


def test_no_view_wants_nothing_and_asks_for_nothing(numbers: dict[str, Any]) -> None:
    view = NoView()
    assert not view.wants_picture("call")
    view.show_picture("call", np.zeros((2, 2, 3), np.uint8))
    view.show_numbers(numbers)
    assert list(view.take_commands()) == []
    view.close()


def test_a_protected_cameras_window_shows_output_and_mask_and_how_to_hide() -> None:
    output, mask = np.full((90, 160, 3), 77, np.uint8), np.full((90, 160, 3), 255, np.uint8)
    shown = compose({"output": output, "mask": mask, "call": output}, {}, 160, layout=PROTECT)
    assert (shown[:90, :160] == 77).all()
    assert (shown[:90, 160:] == 255).all()
    assert "hide" in PROTECT.keys


def test_a_window_speaks_of_hiding_somebody_only_where_somebody_is_shown() -> None:
    assert [kind for kind, layout in LAYOUTS.items() if "hide me" in layout.keys] == ["protect"]
