"""Codes sum to zero, and have their energy where their description says."""

import numpy as np
import pytest

from pipelines.kaleido.codes import CODES, polygon
from pipelines.kaleido.eye import harmonics

# Sums of cosines in double precision.
ROUNDING = 1e-12


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_a_cycle_averages_to_its_picture(code):
    assert code.n_slots == len(code.luma)
    assert np.abs(np.sum(code.chroma, axis=0)).max() < ROUNDING
    assert abs(sum(code.luma)) < ROUNDING
    assert np.abs(code.chroma).max() <= 1.0 + ROUNDING
    assert np.abs(code.luma).max() <= 1.0


@pytest.mark.parametrize(("n", "turns"), [(3, 1), (5, 2), (8, 3), (7, 3)])
def test_a_polygon_has_one_frequency_and_its_images_about_the_refresh_rate(n, turns):
    code = polygon("x", n, turns)
    frequencies, amplitudes = harmonics([step[0] for step in code.chroma], 120.0)
    numbers = np.round(frequencies * n / 120.0).astype(int) % n
    assert np.all(amplitudes[(numbers != turns) & (numbers != n - turns)] < ROUNDING)
    assert amplitudes[turns - 1] == pytest.approx(np.sinc(turns / n))
