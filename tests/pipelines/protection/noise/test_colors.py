"""The colours of noise: all of them, or those that leave the light as it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.color import to_linear
from pipelines.protection.noise.colors import LEAST_LIGHT, MOST_LIGHT, any_colors, colors_of_the_same_light

SCREEN_CD_M2 = 200.0
FLASH_CD_M2 = 20.0  # ITU-R BT.1702: smaller changes of luminance are no flash
DARKER_CD_M2 = 160.0  # and none is where the darker picture is brighter than that
ROUNDING = 0.005  # of codes to 8 bits, near white in steps of .009


def test_at_full_strength_every_colour_is_equally_likely_whatever_was_there() -> None:
    np.testing.assert_array_equal(any_colors(1.0), np.tile(np.arange(256), (256, 1)))


@pytest.mark.parametrize("table", [any_colors, colors_of_the_same_light])
def test_without_strength_the_picture_stays(table) -> None:
    np.testing.assert_array_equal(table(0.0), np.tile(np.arange(256)[:, np.newaxis], (1, 256)))


@given(st.floats(0, 1))
def test_noise_of_the_same_light_is_on_average_as_bright_as_the_picture(strength: float) -> None:
    light = to_linear(colors_of_the_same_light(strength) / 255).mean(axis=1)
    before = to_linear(np.arange(256) / 255)
    wanted = np.clip(before, strength * LEAST_LIGHT, 1 - strength * (1 - MOST_LIGHT))
    np.testing.assert_allclose(light, wanted, rtol=0, atol=ROUNDING)
    change = SCREEN_CD_M2 * np.abs(light - before)
    is_flash = (change >= FLASH_CD_M2) & (SCREEN_CD_M2 * np.minimum(light, before) < DARKER_CD_M2)
    assert not is_flash.any()


def test_noise_of_the_same_light_hides_black_and_white_too() -> None:
    table = colors_of_the_same_light(1.0).astype(int)
    spread = 3 * np.abs(table - np.arange(256)[:, np.newaxis]).mean(axis=1)
    # roomg's thresholds, 20 and 60, are for the sum of three channels.
    assert spread.min() > 20
    assert np.median(spread) > 60
    assert spread[0] > 60


def test_noise_of_any_light_would_flash() -> None:
    black, white = to_linear(any_colors(1.0)[[0, 255]] / 255).mean(axis=1) - (0, 1)
    assert SCREEN_CD_M2 * black > FLASH_CD_M2
    assert SCREEN_CD_M2 * white < -FLASH_CD_M2
