"""Listing devices: what a real X server and the guest have, and the reasons where a kind cannot be listed."""

from collections.abc import Iterator

import pytest
from guest import check_of_guest
from xserver import ColorWindow, x_server

from stream import devices
from stream.devices import list_devices
from stream.sources.base import CaptureError


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A desktop of 640x480 pixels as this process's own."""
    with x_server(640, 480) as display:
        monkeypatch.setenv("DISPLAY", display)
        yield display


@pytest.mark.screen
def test_monitors_and_windows_of_the_screen_are_listed(screen: str) -> None:
    shown = ColorWindow("Zoom Meeting", (10, 20, 300, 200), 0xFF)
    hidden = ColorWindow("", (0, 0, 10, 10), 0xFF)
    found = list_devices()
    shown.close()
    hidden.close()
    assert [monitor.region_px for monitor in found.monitors] == [(0, 0, 640, 480)]
    assert found.monitors[0].number == 1
    assert found.monitors[0].is_main
    assert [(window.title, window.region_px) for window in found.windows] == [("Zoom Meeting", (10, 20, 300, 200))]
    assert not {"monitors", "windows"} & set(found.reasons)


def test_a_kind_that_cannot_be_listed_leaves_its_reason_and_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)

    def broken() -> tuple[()]:
        raise OSError("no such bus")

    monkeypatch.setattr(devices, "find_cameras", broken)
    found = list_devices()
    assert found.monitors == found.windows == found.cameras == ()
    assert "DISPLAY is not set" in found.reasons["monitors"]
    assert "DISPLAY is not set" in found.reasons["windows"]
    assert found.reasons["cameras"] == "cameras cannot be listed (no such bus); run `backroom doctor`"
    assert "virtual_cameras" not in found.reasons


def test_elsewhere_than_on_x11_windows_are_told_to_be_captured_by_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_SYSTEM", "darwin")

    def refuse() -> list[devices.Monitor]:
        raise CaptureError("no screen here")

    monkeypatch.setattr(devices, "list_monitors", refuse)
    found = list_devices()
    assert "such as screen:100,50,1280x720" in found.reasons["windows"]
    assert found.reasons["monitors"] == "no screen here"


@pytest.mark.guest
def test_real_cameras_and_virtual_cameras_are_told_apart() -> None:
    found = check_of_guest("cameras_listed")
    unwritten = "a virtual camera that no program writes to; start that program first"
    assert found["cameras"] == [
        ["/dev/video0", "vivid-000-vid-cap", ""],
        ["/dev/video10", "Backroom", unwritten],
        ["/dev/video11", "Second", unwritten],
    ]
    assert found["virtual"] == [["/dev/video10", "Backroom", ""], ["/dev/video11", "Second", ""]]
