"""Maps made to be looked at: their colours tell classes apart, also without colour, and nothing else has any."""

import numpy as np
import pytest

from pipelines.base import Findings
from pipelines.color import lab_from_bgr
from stream.results.maps import (
    BAND_COLORS,
    EPISODE_COLORS,
    band_label,
    draw_confidence,
    draw_leaks,
    episode_label,
    with_legend,
)


def bgr(color):
    return np.array([int(color[i : i + 2], 16) for i in (5, 3, 1)], np.uint8)


def test_claimed_pixels_have_the_colour_of_their_class_and_others_are_dim_and_grey(leak_findings):
    for drawn, often, once in (
        (draw_leaks(leak_findings), EPISODE_COLORS[4], EPISODE_COLORS[0]),
        (draw_confidence(leak_findings), BAND_COLORS[3], BAND_COLORS[1]),
    ):
        assert (drawn[:30, :20] == bgr(often)).all()
        assert (drawn[:30, 20:40] == bgr(once)).all()
        rest = drawn[30:]
        assert (rest == rest[..., :1]).all()
        assert rest.max() <= 255 * 0.28


def test_a_method_that_does_not_say_gets_no_maps(rarest_findings):
    assert draw_leaks(rarest_findings) is draw_confidence(rarest_findings) is None


@pytest.mark.parametrize("colors", [EPISODE_COLORS, BAND_COLORS])
def test_colours_rise_in_lightness_so_that_no_eye_confuses_their_order(colors):
    lightness = lab_from_bgr(np.array([bgr(color) for color in colors])[None])[0, :, 0]
    assert (np.diff(lightness) > 8).all()
    dimmed_white = lab_from_bgr(np.full((1, 1, 3), 71, np.uint8))[0, 0, 0]
    assert lightness[0] > dimmed_white + 5


@pytest.mark.parametrize("shape", [(360, 640), (4, 6), (1080, 1920), (700, 20), (20, 700)])
def test_the_key_can_be_read_under_a_map_of_any_size(shape):
    findings = Findings(
        np.full((*shape, 4), 255, np.uint8), np.zeros((*shape, 3), np.uint8), 1.0, leaks=np.ones(shape, np.uint16)
    )
    image = with_legend(draw_leaks(findings))
    assert image.shape[1] >= 480
    assert image.shape[0] <= max(1000, shape[0] * 1.15)
    for color in EPISODE_COLORS:
        assert (image[-60:] == bgr(color)).all(axis=2).any()


def test_classes_and_bands_are_named_in_few_letters():
    assert [episode_label(*one) for one in ((1, 1), (3, 4), (9, None))] == ["1", "3-4", "9 or more"]
    assert [band_label(i) for i in (0, 3)] == ["0-25 %", "75-100 %"]
