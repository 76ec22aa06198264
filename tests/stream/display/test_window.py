"""Windows on a real X server, and what is said where they cannot be had."""

import threading
import time
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from xserver import x_server

from stream.display.library import DisplayError, glfw_in_use
from stream.display.monitors import DisplayMonitor, find_monitor, list_display_monitors
from stream.display.picture_window import PictureWindow
from stream.display.thread import in_display_thread
from stream.display.window import Window
from stream.sources.screen_grab import ScreenGrabber
from stream.sources.screen_target import ScreenTarget

WHOLE = (0, 0, 640, 480)


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with x_server(640, 480) as name:
        monkeypatch.setenv("DISPLAY", name)
        monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
        yield name


def grabbed() -> np.ndarray:
    with ScreenGrabber(ScreenTarget(region_px=WHOLE), with_cursor=False) as grabber:
        return grabber.grab(WHOLE).copy()


@pytest.mark.screen
def test_a_fullscreen_window_takes_the_monitor_and_says_that_software_draws(display: str) -> None:
    (monitor,) = list_display_monitors()
    window = Window("whole", 10, 10, monitor, is_fullscreen=True)
    assert window.size_px == (480, 640)
    assert monitor.region_px == WHOLE
    assert not window.has_lost_its_monitor()
    if window.is_drawn_in_software:
        assert any("in software" in warning for warning in window.warnings)
    window.context.clear(1.0, 0.5, 0.0)
    window.flip()
    window.close()
    window.close()
    assert not window.is_open


@pytest.mark.screen
def test_a_second_thread_is_refused_with_one_line_until_the_first_one_has_closed(display: str) -> None:
    refused: list[str] = []

    def open_one() -> None:
        try:
            Window("second", 20, 20).close()
        except DisplayError as error:
            refused.append(str(error))

    window = Window("first", 20, 20)
    for expected in (1, 1):
        thread = threading.Thread(target=open_one)
        thread.start()
        thread.join(10.0)
        assert len(refused) == expected
        window.close()
    assert "close those first" in refused[0]


@pytest.mark.screen
def test_what_another_window_hid_is_painted_again_without_a_new_picture(display: str) -> None:
    picture = np.full((480, 640, 3), (10, 120, 230), np.uint8)
    below = PictureWindow("below", 480, 640, 1)
    below.show(picture)
    above = PictureWindow("above", 480, 640, 1)
    above.show(np.full_like(picture, 255))
    above.close()
    until_s = time.monotonic() + 5.0
    while (middle := grabbed()[240, 320].tolist()) != [10, 120, 230] and time.monotonic() < until_s:
        time.sleep(0.05)
    assert middle == [10, 120, 230]
    below.close()


@pytest.mark.screen
def test_pixels_are_shown_as_they_are_in_order_and_the_right_way_up(display: str, rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (123, 211, 3), np.uint8)
    window = PictureWindow("noise", *picture.shape[:2], 1)
    window.show(picture)
    left, top = (640 - 211) // 2, (480 - 123) // 2
    until_s = time.monotonic() + 5.0
    is_shown = False
    while not is_shown and time.monotonic() < until_s:
        time.sleep(0.05)
        is_shown = np.array_equal(grabbed()[top : top + 123, left : left + 211], picture)
    window.close()
    assert is_shown


@pytest.mark.screen
def test_several_windows_are_shown_from_several_threads_at_once(display: str) -> None:
    def show(number: int) -> None:
        window = PictureWindow(f"window {number}", 40, 60)
        for value in range(20):
            window.show(np.full((40, 60, 3), value, np.uint8))
        window.close()

    threads = [threading.Thread(target=show, args=(number,), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.screen
def test_a_server_without_opengl_is_told_in_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with x_server(320, 240, "-extension", "GLX") as name:
        monkeypatch.setenv("DISPLAY", name)
        with pytest.raises(DisplayError, match=r"no window with OpenGL 3\.3 .*; install the display's driver") as error:
            PictureWindow("none", 20, 20)
        assert "\n" not in str(error.value)
        with glfw_in_use():  # what failed has let go of it
            pass


def test_an_error_in_the_windows_thread_comes_back_and_the_thread_goes_on() -> None:
    with pytest.raises(ZeroDivisionError):
        in_display_thread(partial(divmod, 1, 0))
    assert in_display_thread(lambda: 5) == 5


def test_a_monitor_that_is_not_there_is_told_with_those_that_are() -> None:
    monitors = [DisplayMonitor(1, "A", (0, 0, 800, 600), 60.0, False), DisplayMonitor(2, "B", WHOLE, 120.0, True)]
    with pytest.raises(DisplayError, match=r"no such monitor; there are display:1 \(800x600\), display:2 \(640x480\)"):
        find_monitor(monitors, 3)
    with pytest.raises(DisplayError, match="no monitor is connected"):
        find_monitor([], None)
    assert find_monitor(monitors, None).name == "B"
    assert find_monitor(monitors, 1).name == "A"
