"""The calibration page: readings from keys, and pixels on a real screen; and the caution."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from xserver import x_server

from pipelines.base import Image
from stream.display.calibration import Calibration, CalibrationDrawer, calibrate, make_test_picture
from stream.display.caution import CAUTION, state_folder, tell_caution_once
from stream.display.screening import Screening
from stream.display.window import Window

HEIGHT, WIDTH = 240, 320


@pytest.fixture
def _display(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with x_server(WIDTH, HEIGHT) as name:
        monkeypatch.setenv("DISPLAY", name)
        yield


def test_the_code_that_gives_half_the_light_is_the_gamma() -> None:
    calibration = Calibration()
    calibration.codes = [round(255 * 0.5 ** (1 / gamma)) for gamma in (1.8, 2.2, 2.6)]
    assert calibration.gammas == pytest.approx((1.8, 2.2, 2.6), abs=0.02)
    assert "sub-frames will not add up" in calibration.report()[-1]
    assert calibration.report()[-1].startswith("blue and red far from sRGB")
    assert "nothing to do" in Calibration().report()[-1]


def test_keys_change_one_channel_go_to_the_next_and_end() -> None:
    calibration = Calibration()
    for key in ("up", "up", "right", "page down", "left", "down", "x"):
        calibration.press(key)
    assert calibration.codes == [188, 189, 180]
    for _ in range(60):
        calibration.press("page up")
    assert calibration.codes[1] == 254  # gamma of 255 would be no number
    assert not calibration.is_over
    calibration.press("escape")
    assert calibration.is_over


@pytest.mark.screen
@pytest.mark.usefixtures("_display")
def test_half_of_the_checks_alternate_pixel_against_pixel_and_the_others_are_steady() -> None:
    window = Window("page", HEIGHT, WIDTH)
    try:
        calibration = Calibration()
        calibration.codes[1] = 170
        drawer = CalibrationDrawer(window.context, (HEIGHT, WIDTH), calibration)
        drawer.load(0, calibration.page(HEIGHT, WIDTH), 0, 1)

        def on_screen(slot: int) -> Image:
            drawer.show(0, slot) if slot >= 0 else drawer.show_plain(0)
            raw = np.frombuffer(window.context.screen.read(components=3, alignment=1), np.uint8)
            return raw.reshape(HEIGHT, WIDTH, 3)[::-1, :, ::-1].astype(int)

        first, second, plain = on_screen(0), on_screen(1), on_screen(-1)
        side = int(0.7 * HEIGHT) // 16 * 16
        left, top = (WIDTH - side) // 2, (HEIGHT - side) // 2 + HEIGHT // 20
        inside = (slice(top, top + side), slice(left, left + side))
        changes = (first != second).any(axis=2)[inside]
        assert changes.mean() == 0.5
        green = first[inside][..., 1]
        assert (green[~changes] == 170).all()
        assert set(np.unique(green[changes])) == {0, 255}
        assert green[changes].mean() == 127.5  # the same light in both periods: nothing flickers
        assert not first[inside][..., [0, 2]].any()
        assert (first[-1, -1] + second[-1, -1] == 255).all()  # the patch for the camera
        assert (plain[inside][..., 1] == 170).all()
        assert first[:40].any()  # what to do is written above
    finally:
        window.close()


@pytest.mark.screen
@pytest.mark.usefixtures("_display")
def test_the_page_is_shown_until_the_person_is_done() -> None:
    calibration = Calibration()
    screening = Screening(None, refresh_hz=120.0, on_key=calibration.press)
    try:
        pages = []
        page = calibration.page

        def pressing(height: int, width: int) -> Image:
            pages.append(calibration.codes[1])
            calibration.press("up" if len(pages) < 5 else "q")
            return page(height, width)

        calibration.page = pressing  # type: ignore[method-assign]
        stats = calibrate(screening, calibration)
    finally:
        screening.close()
    assert stats.n_flips >= 4
    assert pages == [188, 189, 190, 191, 192]


def test_the_test_picture_has_every_level_of_grey_and_the_ends_of_the_gamut() -> None:
    picture = make_test_picture(200, 512)
    assert picture.shape == (200, 512, 3)
    assert len(np.unique(picture[100, :, 0])) == 256
    assert {tuple(color) for color in picture[5].tolist()} >= {(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255)}
    assert make_test_picture(1, 1).shape == (1, 1, 3)


def test_the_caution_is_told_once_to_each_account(tmp_path: Path) -> None:
    said: list[str] = []
    assert tell_caution_once(said.append, tmp_path / "state")
    assert not tell_caution_once(said.append, tmp_path / "state")
    assert said == [CAUTION]
    assert "epilepsy" in CAUTION


def test_where_it_cannot_be_noted_the_caution_is_told_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said: list[str] = []
    assert tell_caution_once(said.append, tmp_path / "file" / "state")
    assert tell_caution_once(said.append, tmp_path / "file" / "state")
    assert len(said) == 2


def test_state_is_kept_where_the_person_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder() == tmp_path / "backroom"
