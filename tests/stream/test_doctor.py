"""The doctor: each check against a machine that has the thing and one that has not."""

import re
import socket
import sys
from pathlib import Path

import pytest
from xserver import ColorWindow, x_server

from stream import doctor
from stream.doctor import Check, check
from stream.sinks.virtual_camera import VirtualCamera


def named(checks: list[Check], name: str) -> Check:
    found = [one for one in checks if one.name == name]
    assert len(found) == 1, [one.name for one in checks]
    return found[0]


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session without a display."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)


@pytest.mark.screen
def test_a_desktop_is_found_fit_and_its_grab_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    with x_server(320, 240) as display:
        monkeypatch.setenv("DISPLAY", display)
        window = ColorWindow("a window", (10, 10, 100, 100), 0xFFFFFF)
        found = check()
        window.close()
    assert named(found, "display") == Check("display", True, f"X11 at {display}")
    assert named(found, "windows").detail.startswith("OpenGL by ")
    assert "320x240" in named(found, "monitor 1").detail
    assert named(found, "windows by title").detail == "1 can be captured by title"
    grab = named(found, "screen capture")
    assert re.match(r"320x240 in \d+\.\d ms", grab.detail)


@pytest.mark.screen
def test_a_black_screen_is_not_called_a_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a locked screen, macOS without permission and Wayland's root window look like.
    with x_server(320, 240) as display:
        monkeypatch.setenv("DISPLAY", display)
        found = named(check(), "screen capture")
    assert found.ok is None
    assert "all black" in found.detail


def test_without_a_display_each_part_that_needs_one_says_what_to_do(nowhere: None) -> None:
    found = check()
    for name in ("display", "screen capture", "windows by title"):
        assert named(found, name).ok is False
        assert "DISPLAY is not set" in named(found, name).detail
        assert "start from a desktop session" in named(found, name).remedy


def test_wayland_is_told_with_its_limit(monkeypatch: pytest.MonkeyPatch, nowhere: None) -> None:
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    found = named(check(), "display")
    assert found.ok is False
    assert found.remedy == "log in to an X11 session"


def test_every_package_that_is_needed_is_looked_at(nowhere: None) -> None:
    names = {one.name for one in check()}
    assert {"python", "av", "mss", "numba", "numpy", "opencv-python", "pyvirtualcam", "encoder ffv1"} <= names
    assert "ruff" not in names


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("numpy>=1.0", True),
        ("numpy>=999", False),
        ("no-such-package-here>=1", False),
        ("no-such-package-here>=1; sys_platform == 'atari'", None),
        ("no-such-package-here>=1; extra == 'faster'", None),
    ],
)
def test_a_package_is_judged_by_its_version_and_system(requirement: str, expected: bool | None) -> None:
    found = doctor._package(requirement)
    assert found.ok is expected
    assert (found.remedy != "") is (expected is False)


def test_a_port_that_is_taken_is_told(nowhere: None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = named(check(page_port=port), "live page")
    assert found.ok is False
    assert f"127.0.0.1:{port} cannot be had" in found.detail
    assert named(check(page_port=port), "live page").ok


def test_a_cache_folder_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, nowhere: None, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "to be made"))
    assert named(check(), "compiled code").ok
    in_the_way = tmp_path / "a file"
    in_the_way.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(in_the_way))
    found = named(check(), "compiled code")
    assert found.ok is False
    assert "NUMBA_CACHE_DIR" in found.remedy


def test_an_opencv_that_does_not_load_is_a_line_among_others(monkeypatch: pytest.MonkeyPatch, nowhere: None) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    found = check()
    assert named(found, "opencv").ok is False
    assert named(found, "live page").ok
    assert named(found, "encoder libx264").ok


@pytest.mark.skipif(sys.platform != "linux", reason="needs inotify")
def test_whether_a_camera_can_be_on_only_while_watched_is_told_with_the_way(
    monkeypatch: pytest.MonkeyPatch, nowhere: None, tmp_path: Path
) -> None:
    there, gone = tmp_path / "video10", tmp_path / "video11"
    there.touch()
    cameras = (VirtualCamera(str(there), "Backroom"), VirtualCamera(str(gone), "Second"))
    monkeypatch.setattr("stream.sinks.virtual_camera.find_virtual_cameras", lambda: cameras)
    told = [one for one in check() if one.name == "camera on demand"]
    assert [one.ok for one in told] == [True, None]
    assert told[0].detail.startswith(f"opens and closes of {there} are counted")
    assert told[1].detail.startswith("the camera stays on: ")


def test_a_check_that_breaks_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch, nowhere: None) -> None:
    def broken() -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(doctor, "_display", broken)
    found = check()
    assert named(found, "display").detail == "the check itself failed: out of order"
    assert named(found, "live page").ok
