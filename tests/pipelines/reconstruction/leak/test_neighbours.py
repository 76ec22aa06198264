"""Means of neighbours against a slow twin, and what must hold of them."""

import math

import numpy as np
import pytest
from compiled import sized
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.reconstruction.leak.neighbours import (
    LEAST_OPAQUE,
    MEANS,
    NO_WEIGHT,
    OPAQUE_CODES,
    REACH_PX,
    WIDE_LUMA_SHARE,
    WIDE_STEP_PX,
    WIDE_STEPS,
    mean_neighbours,
    opacity,
    planes_of,
)

LARGEST = sized(14, 5)
SIGMA_PX = {"closest": 1.0, "near": 2.5, "far": 5.0, "wide": 40.0}
POWER = {"similar": 1, "alike": 4, "the same": 16, "any colour": 0}


def averaged(pixels, confidence, colors, opaque):
    """Average all pixels of a picture at once."""
    means = np.empty((len(pixels), len(MEANS), 3), np.float32)
    log_weights = np.empty((len(pixels), len(MEANS)), np.float32)
    everywhere, size = np.arange(confidence.size), confidence.shape
    planes = planes_of(everywhere, size, confidence.reshape(-1), colors.reshape(-1, 3), opaque.reshape(-1))
    mean_neighbours(np.asarray(pixels, np.int64), planes, means, log_weights)
    return means, log_weights


def slow_mean(pixel, name, confidence, colors, opaque):
    """Average the neighbours of one pixel by the formulas, in double precision."""
    distance, how, *clear = name.split(", ")
    (height, width), total, mean = confidence.shape, NO_WEIGHT, np.zeros(3)
    y, x = divmod(pixel, width)
    own = colors[y, x].astype(float)
    step, reach, luma_share = (
        (WIDE_STEP_PX, WIDE_STEP_PX * WIDE_STEPS, WIDE_LUMA_SHARE) if distance == "wide" else (1, REACH_PX, 1)
    )
    for v in range(height):
        for u in range(width):
            if max(abs(v - y), abs(u - x)) > reach or (v - y) % step or (u - x) % step:
                continue
            off = colors[v, u].astype(float) - own
            luma = off @ (0.114, 0.587, 0.299)
            away_2 = luma_share * luma**2 + (off[0] - luma) ** 2 + (off[2] - luma) ** 2
            similar = max(0.0, 1 - away_2 / (16 * 20**2)) ** 8
            weight = math.exp(-((v - y) ** 2 + (u - x) ** 2) / (2 * SIGMA_PX[distance] ** 2)) * similar ** POWER[how]
            weight *= float(confidence[v, u]) ** (1 if distance == "closest" else 2)
            weight *= float(opaque[v, u]) if clear else 1
            total, mean = total + weight, mean + weight * off
    return own + mean / total, math.log(total)


@pytest.fixture
def picture(rng):
    """Confidence with holes, two regions of noisy colours, and how opaque they are."""
    size = (13, 24)
    confidence = rng.random(size, np.float32) * (rng.random(size) < 0.7)
    colors = np.where(np.arange(24)[:, None] < 12, (40, 90, 200), (60, 95, 180)) + rng.normal(0, 6, (*size, 3))
    return confidence.astype(np.float32), colors.astype(np.float32), rng.random(size, np.float32)


def test_means_are_those_of_a_slow_twin(picture):
    pixels = [0, 23, 24 * 12, 24 * 13 - 1, 24 * 6 + 11, 24 * 6 + 12]
    means, log_weights = averaged(pixels, *picture)
    for i, pixel in enumerate(pixels):
        for j, name in enumerate(MEANS):
            mean, log_weight = slow_mean(pixel, name, *picture)
            np.testing.assert_allclose(means[i, j], mean, atol=2e-3)
            np.testing.assert_allclose(log_weights[i, j], log_weight, atol=1e-3)


@pytest.mark.parametrize(("is_wide", "reach_px"), [(False, REACH_PX), (True, WIDE_STEP_PX * WIDE_STEPS)])
def test_nothing_beyond_the_reach_counts(rng, is_wide, reach_px):
    size = (1, reach_px + 60)
    confidence, colors = rng.random(size, np.float32), rng.uniform(80, 120, (*size, 3)).astype(np.float32)
    clear = np.ones_like(confidence)
    these = [name.startswith("wide") == is_wide for name in MEANS]
    before = averaged([0], confidence, colors, clear)
    confidence[:, reach_px + 1 :], colors[:, reach_px + 1 :] = 1, 110
    for mine, theirs in zip(averaged([0], confidence, colors, clear), before, strict=True):
        np.testing.assert_array_equal(mine[:, these], theirs[:, these])
    confidence[:, reach_px] = 0
    assert (averaged([0], confidence, colors, clear)[1] != before[1])[:, these].any()


def test_a_wall_is_known_by_its_tint_wherever_it_is_in_sight(rng):
    colors = np.full((160, 320, 3), 150, np.float32)
    colors[:, 160:, 2] += 24  # another wall
    colors[..., 2] += rng.choice([-4, 4], (8, 16)).repeat(20, 0).repeat(20, 1)  # a codec's squares
    sure = np.ones((160, 320), np.float32)
    means, _ = averaged([70 * 320 + 150, 70 * 320 + 170], sure, colors, sure)
    far, wide = MEANS.index("far, the same"), MEANS.index("wide, the same")
    off = np.abs(means[:, :, 2] - [[150], [174]])
    assert (off[:, wide] < 2).all()
    assert (off[:, far] > 3).all()


def test_a_pixel_alone_is_its_own_mean():
    confidence, colors = np.zeros((5, 7), np.float32), np.full((5, 7, 3), 77, np.float32)
    confidence[2, 3], colors[2, 3] = 1, (10, 200, 30)
    means, log_weights = averaged([2 * 7 + 3], confidence, colors, np.ones((5, 7), np.float32))
    np.testing.assert_allclose(means[0], np.tile((10, 200, 30), (len(MEANS), 1)), atol=1e-4)
    np.testing.assert_allclose(log_weights[0], 0, atol=1e-5)


def test_an_edge_is_kept_by_what_is_alike_and_not_by_any_colour():
    colors = np.zeros((9, 20, 3), np.float32)
    colors[:, 10:] = 120
    sure = np.ones((9, 20), np.float32)
    means, _ = averaged([4 * 20 + 9, 4 * 20 + 10], sure, colors, sure)
    alike, of_any = MEANS.index("near, alike"), MEANS.index("near, any colour")
    np.testing.assert_allclose(means[:, alike], [[0] * 3, [120] * 3], atol=1e-3)
    assert (means[0, of_any] > 30).all()
    assert (means[1, of_any] < 90).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, LARGEST), st.integers(1, LARGEST), st.integers(0, 2**32 - 1))
def test_means_lie_between_the_colours_around(height, width, seed):
    rng = np.random.default_rng(seed)
    colors = rng.uniform(0, 255, (height, width, 3)).astype(np.float32)
    confidence, opaque = rng.random((2, height, width), np.float32)
    means, log_weights = averaged(np.arange(height * width), confidence, colors, opaque)
    assert (means >= colors.min((0, 1)) - 0.1).all()
    assert (means <= colors.max((0, 1)) + 0.1).all()
    assert np.isfinite(log_weights).all()


def test_what_is_the_backdrops_colour_is_hardly_opaque_and_what_is_far_from_it_is():
    backdrop = np.full((3, 3), 100, np.float32)
    colors = np.array([[100] * 3, [100 + OPAQUE_CODES] * 3, [255] * 3], np.float32)
    expected = [LEAST_OPAQUE, (1 - math.exp(-1)) ** 2 + LEAST_OPAQUE, 1]
    np.testing.assert_allclose(opacity(colors, backdrop), expected, atol=2e-3)
