"""Capturing the screen: targets as people write them, pacing, and exact pixels off a real X server."""

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from xserver import ColorWindow, add_monitor, x_server

from config.schema import ScreenSettings
from stream.sources.base import CaptureError
from stream.sources.screen import DeadlineGrid, ScreenSource, ScreenTarget, parse_screen
from stream.sources.screen_grab import ScreenGrabber

FAST = ScreenSettings(rate_hz=240.0)

# Colours as X takes them, 0xRRGGBB, and as a frame holds them.
RED_GREEN_BLUE = 0x12A4F7
BLUE_GREEN_RED = (0xF7, 0xA4, 0x12)


@pytest.fixture(scope="module")
def desktop() -> Iterator[str]:
    """A desktop of 1280x720 pixels, an odd display number away from the person's own."""
    with x_server(1280, 720) as display:
        yield display


@pytest.fixture
def screen(desktop: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The desktop as this process's own."""
    monkeypatch.setenv("DISPLAY", desktop)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    return desktop


@pytest.fixture
def window(screen: str) -> Iterator[ColorWindow]:
    """A window titled "Zoom Meeting" at 100,50 of 321x241 pixels."""
    shown = ColorWindow("Zoom Meeting", (100, 50, 321, 241), RED_GREEN_BLUE)
    yield shown
    shown.close()


class FakeTime:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept_s: list[float] = []

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept_s.append(seconds)
        self.now_s += seconds


# --- targets ---


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("screen", ScreenTarget()),
        ("screen:2", ScreenTarget(monitor=2)),
        ("screen:10,20,640x480", ScreenTarget(region_px=(10, 20, 640, 480))),
        ("screen:-1920, -200, 640x480", ScreenTarget(region_px=(-1920, -200, 640, 480))),
        ("window:Zoom: the meeting", ScreenTarget(window_title="Zoom: the meeting")),
    ],
)
def test_a_target_is_read_as_a_person_writes_it(text: str, target: ScreenTarget) -> None:
    assert parse_screen(text) == target


@pytest.mark.parametrize(
    "text", ["screen:0", "screen:10,20,0x480", "screen:a", "screen:1,2,3", "window:", "screens", ""]
)
def test_a_target_that_is_none_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(CaptureError, match=r"write "):
        parse_screen(text)


# --- pacing ---


def test_frames_are_due_on_an_absolute_grid_however_long_the_grab_takes() -> None:
    fake = FakeTime()
    grid = DeadlineGrid(10.0, fake.clock, fake.sleep)
    due_s = []
    for grab_s in itertools.islice(itertools.cycle([0.0, 0.03, 0.09]), 50):
        assert grid.wait(1.0)
        due_s.append(fake.now_s)
        fake.now_s += grab_s
    assert due_s == pytest.approx([0.1 * i for i in range(50)])
    assert grid.n_missed == 0


def test_after_a_stall_the_missed_frames_are_counted_and_not_made_up_for() -> None:
    fake = FakeTime()
    grid = DeadlineGrid(10.0, fake.clock, fake.sleep)
    grid.wait(1.0)
    fake.now_s = 0.57
    due_s = []
    for _ in range(3):
        assert grid.wait(1.0)
        due_s.append(fake.now_s)
    assert due_s == pytest.approx([0.57, 0.6, 0.7])
    assert grid.n_missed == 4


def test_a_long_wait_is_cut_so_that_a_stop_is_not_held_up() -> None:
    fake = FakeTime()
    grid = DeadlineGrid(0.5, fake.clock, fake.sleep)
    assert [grid.wait(0.75) for _ in range(6)] == [True, False, False, True, False, False]
    assert max(fake.slept_s) == 0.75
    assert grid.n_missed == 0


# --- a real X server ---


@pytest.mark.screen
@pytest.mark.parametrize("region", [(100, 50, 321, 241), (420, 290, 1, 1), (0, 0, 1280, 720), (99, 49, 323, 243)])
def test_a_region_has_the_exact_pixels_of_the_screen(window: ColorWindow, region: tuple[int, int, int, int]) -> None:
    x, y, width, height = region
    desktop = np.zeros((720, 1280, 3), np.uint8)
    desktop[50 : 50 + 241, 100 : 100 + 321] = BLUE_GREEN_RED
    source = ScreenSource(ScreenTarget(region_px=region), FAST)
    frame = source.read()
    source.close()
    assert frame is not None
    assert (source.info.height, source.info.width) == (height, width)
    assert frame.image.flags.c_contiguous
    np.testing.assert_array_equal(frame.image, desktop[y : y + height, x : x + width])


@pytest.mark.screen
@pytest.mark.parametrize("text", ["screen", "screen:1"])
def test_a_monitor_is_captured_whole(window: ColorWindow, text: str) -> None:
    source = ScreenSource(parse_screen(text), FAST)
    frame = source.read()
    source.close()
    assert frame is not None
    assert frame.image.shape == (720, 1280, 3)
    assert tuple(frame.image[170, 260]) == BLUE_GREEN_RED
    assert tuple(frame.image[600, 1000]) == (0, 0, 0)
    assert source.info.name == "screen 1 (1280x720)"


@pytest.mark.screen
def test_a_window_is_found_by_a_part_of_its_title_and_followed_when_it_moves(window: ColorWindow) -> None:
    source = ScreenSource(parse_screen("window:zoom meet"), FAST)
    assert (source.info.height, source.info.width) == (241, 321)
    for x, y in ((100, 50), (600, 400), (959, 479), (0, 0)):
        window.move(x, y)
        frame = source.read()
        assert frame is not None
        assert (frame.image == BLUE_GREEN_RED).all()
    source.close()


@pytest.mark.screen
def test_the_shadow_that_a_window_draws_around_itself_is_left_out(window: ColorWindow) -> None:
    window.set_cardinals("_GTK_FRAME_EXTENTS", [10, 11, 5, 20])
    source = ScreenSource(parse_screen("window:Zoom"), FAST)
    source.close()
    assert (source.info.width, source.info.height) == (321 - 10 - 11, 241 - 5 - 20)


@pytest.mark.screen
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.close(), "closed, minimised"),
        (lambda w: w.resize(320, 240), "resized from 321x241 to 320x240"),
        (lambda w: w.move(-20, 50), "off the desktop"),
        (lambda w: w.move(1000, 50), "off the desktop"),
    ],
    ids=["closed", "resized", "off the left edge", "off the right edge"],
)
def test_a_window_that_cannot_be_followed_any_more_is_an_error(screen: str, change, message: str) -> None:
    window = ColorWindow("Zoom Meeting", (100, 50, 321, 241), RED_GREEN_BLUE)
    source = ScreenSource(parse_screen("window:Zoom"), FAST)
    assert source.read() is not None
    change(window)
    with pytest.raises(CaptureError, match=message):
        source.read()
    source.close()
    if message != "closed, minimised":
        window.close()


@pytest.mark.screen
def test_a_title_that_several_windows_share_is_refused_with_their_names(window: ColorWindow) -> None:
    other = ColorWindow("Zoom Settings", (500, 50, 100, 100), 0xFF0000)
    try:
        with pytest.raises(CaptureError, match=r"2 windows match \('Zoom Meeting', 'Zoom Settings'\)"):
            ScreenSource(parse_screen("window:zoom"), FAST)
        with pytest.raises(CaptureError, match=r"no window .* there are: 'Zoom Meeting', 'Zoom Settings'"):
            ScreenSource(parse_screen("window:teams"), FAST)
    finally:
        other.close()


@pytest.mark.screen
def test_a_window_in_front_is_told(window: ColorWindow) -> None:
    source = ScreenSource(parse_screen("window:Zoom"), FAST)
    source.read()
    assert source.status == ""
    source.close()
    other = ColorWindow("Chat", (400, 280, 100, 100), 0xFF0000)
    source = ScreenSource(parse_screen("window:Zoom"), FAST)
    source.read()
    source.close()
    other.close()
    assert "'Chat' stands in front" in source.status


@pytest.mark.screen
@pytest.mark.parametrize("text", ["screen:1200,0,640x480", "screen:-5,0,100x100", "screen:4000,4000,10x10"])
def test_a_region_off_the_screen_is_refused_with_the_size_of_the_desktop(screen: str, text: str) -> None:
    with pytest.raises(CaptureError, match=r"desktop is 0,0,1280x720; inside is for example screen:\d+,\d+,\d+x\d+"):
        ScreenSource(parse_screen(text), FAST)


@pytest.mark.screen
def test_a_monitor_that_is_not_there_is_refused_with_those_that_are(screen: str) -> None:
    with pytest.raises(CaptureError, match=r"there are screen:1 \(1280x720\)"):
        ScreenSource(parse_screen("screen:2"), FAST)


@pytest.mark.screen
def test_each_monitor_is_captured_by_its_number_and_the_main_one_without(monkeypatch: pytest.MonkeyPatch) -> None:
    with x_server(640, 240) as display:
        monkeypatch.setenv("DISPLAY", display)
        add_monitor("right", (320, 0, 320, 240), is_main=True)
        add_monitor("left", (0, 0, 320, 200), is_main=False)
        window = ColorWindow("right half", (320, 0, 320, 240), RED_GREEN_BLUE)
        sources = {text: ScreenSource(parse_screen(text), FAST) for text in ("screen", "screen:1", "screen:2")}
        frames = {text: source.read() for text, source in sources.items()}
        inside_left = ScreenSource(parse_screen("screen:200,50,40x40"), FAST)
        inside_left.close()
        window.close()
        for source in sources.values():
            source.close()
    for text, shape, color in (("screen", (240, 320), BLUE_GREEN_RED), ("screen:2", (200, 320), (0, 0, 0))):
        frame = frames[text]
        assert frame is not None
        assert frame.image.shape[:2] == shape
        assert (frame.image == color).all()
    assert sources["screen"].info == sources["screen:1"].info
    assert sources["screen"].whole_screen() == ScreenTarget(monitor=1)
    assert inside_left.whole_screen() == ScreenTarget(monitor=2)


@pytest.mark.screen
def test_a_region_of_the_picture_becomes_a_target_on_the_desktop(screen: str) -> None:
    source = ScreenSource(parse_screen("screen:100,50,320x240"), FAST)
    source.close()
    assert source.with_region((10, 20, 30, 40)) == ScreenTarget(region_px=(110, 70, 30, 40))
    assert source.with_region((-10, -10, 20, 2000)) == ScreenTarget(region_px=(100, 50, 10, 240))
    assert source.whole_screen() == ScreenTarget(monitor=1)
    with pytest.raises(CaptureError, match="outside the picture of 320x240"):
        source.with_region((320, 0, 10, 10))


@pytest.mark.screen
def test_a_region_of_a_window_follows_the_window(window: ColorWindow) -> None:
    whole = ScreenSource(parse_screen("window:Zoom"), FAST)
    part = ScreenSource(whole.with_region((301, 221, 100, 100)), FAST)
    again = ScreenSource(part.with_region((5, 5, 10, 10)), FAST)
    window.move(700, 300)
    for source, size in ((part, (20, 20)), (again, (10, 10))):
        frame = source.read()
        assert frame is not None
        assert frame.image.shape[:2] == size
        assert (frame.image == BLUE_GREEN_RED).all()
        source.close()
    whole.close()


@pytest.mark.screen
def test_frames_come_at_the_wanted_rate_from_another_thread(screen: str) -> None:
    # The loop makes the source in one thread and reads it in another.
    source = ScreenSource(parse_screen("screen:0,0,64x48"), ScreenSettings(rate_hz=50.0))
    pts_s: list[float] = []

    def capture() -> None:
        for _ in range(26):
            frame = source.read()
            assert frame is not None
            pts_s.append(frame.pts_s)

    thread = threading.Thread(target=capture)
    thread.start()
    thread.join(10.0)
    source.close()
    source.close()
    assert source.read() is None
    steps_s = np.diff(pts_s)
    assert len(steps_s) == 25
    # A busy machine may skip deadlines, but never runs ahead of the grid.
    assert pts_s[-1] - pts_s[0] >= 25 * 0.02 - 0.005
    assert np.median(steps_s) == pytest.approx(0.02, abs=0.005)


@pytest.mark.screen
def test_a_screen_that_is_slow_to_open_is_not_late_for_its_frames(screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class SlowToOpen(ScreenGrabber):
        def __init__(self, *arguments: Any) -> None:
            time.sleep(0.35)
            super().__init__(*arguments)

    monkeypatch.setattr("stream.sources.screen.ScreenGrabber", SlowToOpen)
    source = ScreenSource(parse_screen("screen:0,0,64x48"), ScreenSettings(rate_hz=10.0))
    for _ in range(2):
        assert source.read() is not None
    source.close()
    assert source.n_missed == 0


@pytest.mark.screen
def test_at_low_rates_placeholders_come_between_and_read_never_blocks_long(screen: str) -> None:
    source = ScreenSource(parse_screen("screen:0,0,64x48"), ScreenSettings(rate_hz=0.1))
    first = source.read()
    started_s = time.perf_counter()
    second = source.read()
    waited_s = time.perf_counter() - started_s
    source.close()
    assert first is not None
    assert not first.is_placeholder
    assert second is not None
    assert second.is_placeholder
    assert second.image.shape == first.image.shape
    assert second.pts_s >= first.pts_s
    assert waited_s < 1.0


@pytest.mark.screen
def test_a_display_server_that_goes_away_ends_the_capture_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with x_server(320, 240) as display:
        monkeypatch.setenv("DISPLAY", display)
        source = ScreenSource(parse_screen("screen"), FAST)
        assert source.read() is not None
    with pytest.raises(CaptureError, match="cannot be grabbed"):
        source.read()
    source.close()
    with pytest.raises(CaptureError, match=r"does not answer or refuses .* check DISPLAY"):
        ScreenSource(parse_screen("screen"), FAST)


def test_without_a_display_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("XDG_SESSION_TYPE", "tty")
    with pytest.raises(CaptureError, match="DISPLAY is not set"):
        ScreenSource(ScreenTarget(), FAST)
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    with pytest.raises(CaptureError, match="log in to an X11 session"):
        ScreenSource(ScreenTarget(), FAST)
