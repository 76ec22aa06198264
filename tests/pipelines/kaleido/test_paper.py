"""The paper's own construction keeps its own rule, and not that of light."""

import numpy as np
import pytest
from compiled import sized
from split_table import figures, grid_of_colors, split_in_linear_light

from pipelines.color import linear_from_codes, luminance
from pipelines.kaleido import pipeline
from pipelines.kaleido.paper import split_by_chromaticity

XYZ_FROM_RGB = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9502]])


def chromaticity(codes):
    xyz = linear_from_codes(codes)[..., ::-1] @ XYZ_FROM_RGB.T
    return xyz[..., :2] / xyz.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("delta", [0.0, 0.05])
def test_chromaticities_weighted_by_luminance_have_the_pictures_as_their_mean(delta, rng):
    picture = rng.integers(60, 220, (6, 50, 3), np.uint8)
    first, second = split_by_chromaticity(picture, delta)
    lights = [luminance(linear_from_codes(part))[..., np.newaxis] for part in (first, second)]
    mean = (chromaticity(first) * lights[0] + chromaticity(second) * lights[1]) / sum(lights)
    np.testing.assert_allclose(mean, chromaticity(picture), atol=0.004)  # 8 bits
    np.testing.assert_allclose(lights[0] / lights[1], (1 + delta) / (1 - delta), rtol=0.03)


def test_light_that_is_split_linearly_comes_back_and_by_the_paper_it_does_not(monkeypatch):
    monkeypatch.setattr(pipeline, "N_BINS", sized(64, 4))
    picture = grid_of_colors()[:, :: sized(1, 4)]
    picture = np.ascontiguousarray(picture[picture.max(axis=-1) < 200][:, np.newaxis])
    papers = figures(picture, *split_by_chromaticity(picture, 0.0))
    ours = figures(picture, *split_in_linear_light(picture))
    assert papers[0] > 3  # the median is dE76
    assert ours[1] < 1
    assert ours[3] < 0.5
