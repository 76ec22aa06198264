"""A screening on a real X server that tells 120 Hz; drawn in software, paced by a clock, as it has no such vblank."""

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from xserver import MODE_720P_60, fast_x_server, x_server

from pipelines.base import Image
from pipelines.kaleido.codes import CODES
from pipelines.kaleido.contract import Pattern, Tables
from pipelines.kaleido.schedule import Slip
from stream.display.library import DisplayError
from stream.display.monitors import list_display_monitors
from stream.display.screening import Screening
from stream.display.window import Window
from stream.sources.screen_grab import ScreenGrabber
from stream.sources.screen_target import ScreenTarget

HEIGHT, WIDTH = 180, 320

SLOWER = 5.0
"""A machine that runs other tests beside may take this much longer; tests/benchmarks/test_playing.py has the bars."""


def tables(height: int = HEIGHT, width: int = WIDTH, name: str = "triple") -> Tables:
    code = CODES[name]
    levels = np.arange(256, dtype=np.float32) / 255
    pattern = Pattern(
        np.zeros((height, width), np.uint8), np.full((height, width), 255, np.uint8), np.zeros((height, width), np.int8)
    )
    axes = np.zeros((4, 4, 4, 4, 3), np.float32)
    axes[..., 0, :] = (0.1, -0.02, 0.03)
    axes[..., 1, :] = (-0.03, 0.02, -0.05)
    axes[..., 2:, :] = 1 / 0.15  # neither loses or gains more
    return Tables(code, levels**2, axes, 0.0, pattern)


@pytest.fixture
def opened() -> Iterator[Callable[..., Screening]]:
    """Open screenings, and close them whatever happens: a server that goes while a window is open ends the process."""
    with contextlib.ExitStack() as stack:

        def open_one(refresh_hz: float = 0.0) -> Screening:
            screening = Screening(None, refresh_hz=refresh_hz)
            stack.callback(screening.close)
            return screening

        yield open_one


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    with fast_x_server(tmp_path) as name:
        monkeypatch.setenv("DISPLAY", name)
        yield name


@pytest.mark.screen
def test_the_monitor_tells_its_exact_rate_and_fullscreen_takes_all_of_it(
    display: str, opened: Callable[..., Screening]
) -> None:
    (monitor,) = list_display_monitors()
    assert monitor.refresh_hz == pytest.approx(131.75e6 / (1440 * 763))
    screening = opened()
    assert screening.size_px == (720, 1280)
    assert screening.refresh_hz == monitor.refresh_hz
    assert "by a clock" in screening.counted  # flips of software drawing do not wait
    assert any("pictures may tear" in warning for warning in screening.warnings)


@pytest.mark.screen
def test_it_starts_within_two_seconds_and_plays_at_the_displays_rate_to_the_last_picture(
    display: str, opened: Callable[..., Screening]
) -> None:
    begin_s = time.monotonic()
    screening = opened()
    started_s: list[float] = []
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)

    def picture_at(cycle: int) -> Image | None:
        if cycle > 0 and not started_s:  # asked for while the first one is drawn
            started_s.append(time.monotonic() - begin_s)
        return picture if cycle < 80 else None

    slips: list[Slip] = []
    stats = screening.play(tables(), picture_at, epsilon=2, fade_s=0.1, on_slip=slips.append)
    assert started_s[0] < 2.0 * SLOWER
    assert stats.n_slips == len(slips)
    assert stats.n_flips + stats.n_missed >= 238
    assert screening.player is not None
    late_s = 0.5 + stats.n_missed / 120  # some may be missed before the first flip, from which on time is counted
    assert screening.player.position_s == pytest.approx(stats.elapsed_s, abs=late_s)


@pytest.mark.screen
def test_what_stands_on_the_screen_is_the_picture_in_the_middle_and_black_around(
    display: str, opened: Callable[..., Screening]
) -> None:
    screening = opened()
    rng = np.random.default_rng(5)
    picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    table = tables()
    table.pattern.gain[:] = 0  # all sub-frames are the picture
    seen: list[Image] = []

    def picture_at(cycle: int) -> Image | None:
        if cycle >= 20:  # a slip may leave some out
            with ScreenGrabber(ScreenTarget(region_px=(0, 0, 1280, 720)), with_cursor=False) as grabber:
                seen.append(grabber.grab((0, 0, 1280, 720)).copy())
            return None
        return picture

    screening.play(table, picture_at, epsilon=2, fade_s=0.1)
    top, left = (720 - HEIGHT) // 2, (1280 - WIDTH) // 2
    inside = seen[0][top : top + HEIGHT, left : left + WIDTH]
    # The tables' light is the square of the code, which sRGB shows a little differently.
    light = (np.arange(256) / 255.0) ** 2
    expected = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255.0
    assert np.abs(inside - expected[picture]).max() <= 2.0  # the last sub-frame takes the others' rounding
    outside = seen[0].copy()
    outside[top : top + HEIGHT, left : left + WIDTH] = 0
    assert not outside.any()


@pytest.mark.screen
def test_another_thread_can_stop_it_and_stats_can_be_read_meanwhile(
    display: str, opened: Callable[..., Screening]
) -> None:
    screening = opened()
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)

    def stop_it() -> None:
        while screening.player is None or screening.player.stats.elapsed_s <= 0.1:
            time.sleep(0.01)
        screening.stop()

    threading.Thread(target=stop_it, daemon=True).start()
    stats = screening.play(tables(), lambda _cycle: picture, epsilon=0, fade_s=0.0)
    assert 0.1 < stats.elapsed_s < 5.0
    assert screening.player is not None
    assert screening.player.position_s > 0.1
    screening.close()
    screening.close()


@pytest.mark.screen
def test_a_stop_before_the_first_picture_is_not_lost(display: str, opened: Callable[..., Screening]) -> None:
    screening = opened()
    screening.stop()
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    assert screening.play(tables(), lambda _cycle: picture, epsilon=0, fade_s=0.0).n_flips == 0


@pytest.mark.screen
@pytest.mark.parametrize("stall_s", [0.03, 0.2])
def test_a_stall_in_real_time_is_told_and_playing_goes_on(
    display: str, opened: Callable[..., Screening], stall_s: float
) -> None:
    screening = opened()
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    stalled_at: list[int] = []

    def picture_at(cycle: int) -> Image | None:
        if cycle >= 20 and not stalled_at:
            assert screening.player is not None
            stalled_at.append(screening.player.first_vblank + 3 * (cycle - 1))
            time.sleep(stall_s)
        return picture if cycle < 60 else None

    slips: list[Slip] = []
    screening.play(tables(), picture_at, epsilon=0, fade_s=0.0, on_slip=slips.append)
    n_least = int(stall_s * 119) - 1
    told = [slip for slip in slips if stalled_at[0] - 1 <= slip.vblank <= stalled_at[0] + 3]
    assert max(slip.n_missed for slip in told) >= n_least
    assert all(slip.n_plain >= 1 for slip in slips)


@pytest.mark.screen
def test_a_picture_larger_than_the_display_is_one_line(display: str, opened: Callable[..., Screening]) -> None:
    screening = opened()
    with pytest.raises(DisplayError, match="a picture of 1281x720 for a display of 1280x720"):
        screening.play(tables(720, 1281), lambda _cycle: None, epsilon=0, fade_s=0.0)


@pytest.mark.screen
def test_a_monitor_that_goes_off_while_playing_is_one_line(display: str, opened: Callable[..., Screening]) -> None:
    screening = opened()
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)

    is_off: list[bool] = []

    def picture_at(cycle: int) -> Image:
        if cycle >= 10 and not is_off:
            is_off.append(True)
            subprocess.run(["xrandr", "--output", "DUMMY0", "--off"], check=True, capture_output=True)
        return picture

    threading.Timer(10.0, screening.stop).start()
    with pytest.raises(DisplayError, match="DUMMY0 was unplugged or switched off while playing; plug it in"):
        screening.play(tables(), picture_at, epsilon=0, fade_s=0.0)


@pytest.mark.screen
def test_a_display_of_60_hz_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with fast_x_server(tmp_path, MODE_720P_60) as name:
        monkeypatch.setenv("DISPLAY", name)
        with pytest.raises(DisplayError, match=r"DUMMY0 shows 59\.\d+ pictures a second, wanted 100 or more.*mode"):
            Screening(None)


@pytest.mark.screen
def test_a_display_that_tells_no_rate_is_told_to_the_person_who_may_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with x_server(320, 240) as name:
        monkeypatch.setenv("DISPLAY", name)
        with pytest.raises(DisplayError, match=r"does not tell its refresh rate; set play\.refresh_hz"):
            Screening(None)
        Window("nothing was left open", 20, 20).close()
        Screening(None, refresh_hz=120.0).close()
