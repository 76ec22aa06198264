"""The grid of cameras: which is the kindest, and that the control is what it should be."""

import numpy as np
import pytest
from compiled import sized
from recordings import soft_picture

from pipelines.color import codes_from_linear, linear_from_codes
from pipelines.filming.camera import Camera, Panel
from pipelines.filming.sensor import IDEAL, Sensor
from pipelines.filming.trial import Grid, cameras_of_grid, fuse, kindest

PANEL = Panel(120.0)
SIZE = sized((48, 40), (16, 12))
# What rounding a sub-frame to codes leaves of a picture that should be recorded exactly.
NEARLY_EXACT_DB = 40


def cycle_of(picture, coefficients):
    light = linear_from_codes(picture)
    away = np.minimum(light, 1 - light) * np.array([1, -1, 1], np.float32)
    return [codes_from_linear(light + k * away) for k in coefficients]


def judge(cameras, subframes, n_cycles=30):
    grid = Grid(cameras, PANEL, len(subframes))
    grid.start(*subframes[0].shape[:2])
    for _ in range(n_cycles):
        grid.add_cycle(subframes)
    grid.stop()
    return grid.results()


def test_the_grid_holds_every_camera_that_can_be():
    cameras = cameras_of_grid()
    assert len(cameras) == 20  # of 24: nobody exposes 1/30 s at 60 fps
    assert all(max(one.exposure_s, one.readout_s) <= one.interval_s * 1.001 for one in cameras)


def test_abab_is_recorded_plainly_at_a_sixtieth_and_not_at_a_thousandth(rng):
    cameras = [Camera(30.0, exposure_s, sensor=IDEAL) for exposure_s in (1 / 60, 1 / 1000)]
    plain, torn = judge(cameras, cycle_of(soft_picture(rng, *SIZE), [1, -1]))
    assert plain.score.psnr_db > NEARLY_EXACT_DB
    assert torn.score.psnr_db < 20
    assert kindest([torn, plain]) is plain
    assert plain.control.psnr_db == torn.control.psnr_db == 99


def test_a_plain_sub_frame_in_the_cycle_gives_one_frame_away(rng):
    (result,) = judge([Camera(30.0, 1 / 1000, sensor=IDEAL)], cycle_of(soft_picture(rng, *SIZE), [1, -1, 0]))
    assert result.best_db > NEARLY_EXACT_DB
    assert result.score.psnr_db < 20


def test_the_control_of_a_noisy_camera_is_noisy(rng):
    (result,) = judge([Camera(30.0, 1 / 60, sensor=Sensor())], [soft_picture(rng, *SIZE)] * 2)
    assert 25 < result.control.psnr_db < 50
    assert result.score.psnr_db == pytest.approx(result.control.psnr_db, abs=1)


def test_figures_are_numbers_and_names(rng):
    (result,) = judge([Camera(24.0, 1 / 100, sensor=IDEAL)], cycle_of(soft_picture(rng, *SIZE), [1, -1]))
    figures = result.figures()
    assert figures["camera"] == "24 fps, 1/100 s"
    assert set(figures["attacks"]) == {
        "best frame",
        "mean of 2",
        "mean of 4",
        "mean of 8",
        "median",
        "blur",
        "black and white",
        "row notch",
    }
    assert figures["attacks"][result.best_attack]["psnr_db"] == max(a["psnr_db"] for a in figures["attacks"].values())


def test_a_second_stretch_adds_frames_and_a_short_one_does_no_harm(rng):
    subframes = cycle_of(soft_picture(rng, *SIZE), [1, -1])
    grid = Grid([Camera(30.0, 1 / 100, sensor=IDEAL)], PANEL, 2)
    for n_cycles in (30, 30, 1):
        grid.start(*SIZE)
        for _ in range(n_cycles):
            grid.add_cycle(subframes)
        grid.stop()
    (result,) = grid.results()
    assert 2 * 14 <= result.n_frames <= 2 * 14 + 4
    assert len(result.attacks) == 8


def test_fusing_is_the_mean_of_light(rng):
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert (fuse([black, white]) == 188).all()  # half the light, in sRGB


def test_a_blurring_lens_is_kinder_where_neighbours_stand_at_different_places(rng):
    a, b = cycle_of(soft_picture(rng, *SIZE), [1, -1])
    is_even = (np.indices(SIZE).sum(axis=0) % 2 == 0)[..., np.newaxis]
    subframes = [np.where(is_even, a, b), np.where(is_even, b, a)]
    cameras = [Camera(30.0, 1 / 1000, sensor=IDEAL, blur_px=blur_px) for blur_px in (0.0, 2.0)]
    sharp, blurring = judge(cameras, subframes)
    assert blurring.score.psnr_db > sharp.score.psnr_db + 10
