"""The sensor: grey stays grey, and noise has the variance that physics says."""

import numpy as np
import pytest
from compiled import sized
from recordings import soft_picture

from pipelines.color import linear_from_codes
from pipelines.filming.sensor import IDEAL, Sensor, develop, through_lens

SHAPE = sized((301, 203), (41, 33))


@pytest.mark.parametrize("shape", [(16, 16), (17, 23), (2, 3)])
def test_a_grey_picture_stays_grey_through_the_mosaic(rng, shape):
    grey = np.full((*shape, 3), 137, np.uint8)
    assert np.array_equal(develop(linear_from_codes(grey), Sensor().quiet, rng), grey)


def test_the_mosaic_leaves_flat_colours_alone_and_knows_red_from_blue(rng):
    flat = np.broadcast_to(np.array([200, 90, 30], np.uint8), (15, 18, 3))
    assert np.array_equal(develop(linear_from_codes(flat), Sensor().quiet, rng), flat)


def test_the_mosaic_costs_sharpness_only(rng):
    picture = soft_picture(rng, 64, 64)
    found = develop(linear_from_codes(picture), Sensor().quiet, rng)
    assert 0 < np.abs(found.astype(int) - picture).mean() < 4


def test_an_ideal_sensor_gives_back_every_code(rng):
    codes = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(develop(linear_from_codes(codes), IDEAL, rng), codes)


def test_light_over_white_is_cut_off(rng):
    light = np.full((4, 4, 3), 1.7, np.float32)
    assert (develop(light, IDEAL, rng) == 255).all()


@pytest.mark.parametrize("level", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("is_mosaic", [False, True])
def test_noise_has_the_variance_of_photons_and_of_reading(rng, level, is_mosaic):
    sensor = Sensor(is_mosaic, white_electrons=1000.0, read_electrons=5.0)
    light = np.full((*SHAPE, 3), level, np.float32)
    found = linear_from_codes(develop(light, sensor, rng)).astype(np.float64)
    # Demosaicing keeps the pixels that were measured: in RGGB red at even rows and columns.
    red = found[::2, ::2, 2]
    expected = level / 1000.0 + (5.0 / 1000.0) ** 2
    if level == 0.0:
        assert 0 < red.mean() < np.sqrt(expected)  # half of it is below black and cut off
        return
    assert red.mean() == pytest.approx(level, abs=5 * np.sqrt(expected / red.size) + 1e-3)
    # A standard deviation of n samples is known to 1 / sqrt(2 n); codes add less than a twelfth of a step squared.
    assert red.std() == pytest.approx(np.sqrt(expected), rel=5 / np.sqrt(2 * red.size) + 0.02)


def test_a_lens_spreads_light_and_loses_none(rng):
    light = np.zeros((31, 31, 3), np.float32)
    light[15, 15] = 1.0
    blurred = through_lens(light, 2.0)
    assert blurred.dtype == np.float32
    assert blurred.sum() == pytest.approx(3.0, rel=1e-3)
    assert blurred[15, 15, 0] == pytest.approx(1 / (2 * np.pi * 4), rel=0.05)
    assert through_lens(light, 0.0) is light
