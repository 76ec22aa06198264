"""The aims: each takes the worst camera it is about, and what was not measured is neither met nor missed."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.filming.bars import bars_for
from pipelines.filming.camera import Camera
from pipelines.filming.scores import CopyScore
from pipelines.filming.trial import CameraResult, cameras_of_grid

NOTHING = np.zeros((1, 1, 3), np.uint8)
GOOD = CopyScore(psnr_db=10.0, ssim=0.2, ssim_luma=0.2, delta_e=20.0, wrong_share=0.9, histogram=0.1)


def result(rate_hz, exposure_s, **figures):
    score = replace(GOOD, **figures)
    return CameraResult(Camera(rate_hz, exposure_s), 1, score, GOOD, 10.0, {"blur": GOOD}, NOTHING, NOTHING, NOTHING)


def all_good():
    return [result(camera.rate_hz, camera.exposure_s) for camera in cameras_of_grid()]


def by_name(results, jod=None):
    return {bar.what: bar for bar in bars_for(results, jod)}


def test_a_display_that_protects_meets_all_aims():
    assert all(bar.is_met for bar in bars_for(all_good(), 9.9))


@pytest.mark.parametrize(
    ("camera", "missed"),
    [
        (result(24.0, 1 / 30, psnr_db=28.1), {"PSNR of the kindest camera, dB"}),
        (result(60.0, 1 / 60, psnr_db=21.1), {"PSNR at 1/60 s, dB"}),
        (result(30.0, 1 / 100, psnr_db=16.1), {"PSNR at 1/100 s and shorter, dB"}),
        (result(30.0, 1 / 120, ssim=0.47), {"SSIM at 30 fps, 1/120 s and shorter"}),
        (result(60.0, 1 / 250, ssim=0.44), {"SSIM at 60 fps, 1/120 s and shorter"}),
        (result(120.0, 1 / 1000, ssim=0.42), {"SSIM at 120 fps, 1/120 s and shorter"}),
        (result(24.0, 1 / 1000, wrong_share=0.69), {"Wrong colours at 1/120 s and shorter, share"}),
        (result(24.0, 1 / 30, ssim=0.9, wrong_share=0.1), set()),
    ],
)
def test_one_kind_camera_misses_the_aim_that_is_about_it(camera, missed):
    bars = by_name([*all_good(), camera], 9.9)
    assert {name for name, bar in bars.items() if not bar.is_met} == missed


def test_what_was_not_measured_is_neither_met_nor_missed():
    assert by_name(all_good())["What people see, JOD"].is_met is None
    assert by_name([result(24.0, 1 / 30)])["PSNR at 1/60 s, dB"].measured is None


def test_visible_flicker_misses():
    assert by_name(all_good(), 9.7)["What people see, JOD"].is_met is False
