"""Scores of copies: known values, other programs' values, and how frames are put together."""

import math

import numpy as np
import pytest
from recordings import soft_picture

from pipelines.filming.scores import EQUAL_DB, color_difference, mean_score, psnr_db, score_copy


def test_an_exact_copy_has_the_best_of_all_scores(rng):
    picture = soft_picture(rng, 40, 50)
    score = score_copy(picture, picture)
    assert (score.psnr_db, score.ssim, score.ssim_luma) == (EQUAL_DB, pytest.approx(1), pytest.approx(1))
    assert (score.delta_e, score.wrong_share, score.histogram) == (0, 0, pytest.approx(1))


def test_psnr_of_a_known_error():
    truth = np.full((20, 20, 3), 100, np.uint8)
    assert psnr_db(truth + 5, truth) == pytest.approx(10 * math.log10(255**2 / 25))


def test_colour_difference_of_a_known_pair():
    # Black to white is 100 in CIEDE2000.
    black, white = np.zeros((20, 20, 3), np.uint8), np.full((20, 20, 3), 255, np.uint8)
    assert score_copy(black, white).delta_e == pytest.approx(100, abs=0.01)
    assert score_copy(black, white).wrong_share == 1
    assert score_copy(black, white).histogram < 0.1


def test_colour_difference_of_a_large_picture_is_that_of_a_sample(rng):
    truth, found = soft_picture(rng, 400, 600), soft_picture(rng, 400, 600)
    sample = color_difference(found, truth)
    assert 10_000 < sample.size <= 21_000
    parts = [color_difference(found[y : y + 100, :150], truth[y : y + 100, :150]) for y in range(0, 400, 100)]
    assert sample[:, : sample.shape[1] // 4].mean() == pytest.approx(np.mean(parts), rel=0.03)


def test_ssim_is_that_of_scikit_image(rng):
    metrics = pytest.importorskip("skimage.metrics", reason="needs scikit-image (uv run --group judges pytest)")
    truth, found = soft_picture(rng, 60, 80), soft_picture(rng, 60, 80)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    theirs = [metrics.structural_similarity(found[..., c], truth[..., c], **options) for c in range(3)]
    assert score_copy(found, truth).ssim == pytest.approx(np.mean(theirs), abs=1e-6)


def test_one_exact_frame_does_not_hide_bad_ones(rng):
    truth = soft_picture(rng, 20, 20)
    bad, exact = score_copy(255 - truth, truth), score_copy(truth, truth)
    mean = mean_score([bad, exact])
    assert mean.psnr_db == pytest.approx(bad.psnr_db + 10 * math.log10(2), abs=0.01)
    assert mean.delta_e == pytest.approx(bad.delta_e / 2)


def test_pictures_without_room_for_a_window_are_refused():
    with pytest.raises(ValueError, match="11x11"):
        score_copy(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8))
