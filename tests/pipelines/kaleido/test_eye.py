"""The eye's thresholds: known figures, how they move, and what a code may do under them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.kaleido import eye
from pipelines.kaleido.codes import CODES, along_one_axis
from pipelines.kaleido.contract import Code


def naive_flicker_threshold(f, cd_m2, width, height, n=161):
    """Sum the published equations point by point."""
    energy = 0.0
    for i in range(n):
        for j in range(n):
            e = math.hypot(((i + 0.5) / n - 0.5) * width, ((j + 0.5) / n - 0.5) * height)
            t = (f + 2) / (1 + 0.0341811 * e) - 2
            t /= 0.6678 + 0.222269 * math.log10(cd_m2)
            center = (1 + 2j * math.pi * t * 0.00292069) ** -15
            surround = 0.721095 * (1 + 2j * math.pi * t * 2.12547 * 0.00292069) ** -16
            s = 154.133 * abs(center - surround) * 10 ** (-0.0330933 * e)
            s *= 1.76801 * (1 + 1.62402 / cd_m2) ** -0.533781
            energy += s**3.80022 * width * height / n**2
    return (6.52801 / energy) ** (1 / 3.80022)


@pytest.mark.parametrize(("f", "cd_m2", "field"), [(60.0, 200.0, (39.0, 22.0)), (8.0, 10.0, (5.0, 60.0))])
def test_the_sum_over_the_field_is_that_of_its_slow_twin(f, cd_m2, field):
    # Two grids of midpoints.
    assert eye.flicker_threshold(f, cd_m2, field_deg=field) == pytest.approx(
        naive_flicker_threshold(f, cd_m2, *field), rel=0.002
    )


@pytest.mark.parametrize(("refresh", "low", "high"), [(120, 0.025, 0.035), (144, 0.06, 0.09), (240, 0.2, 0.2)])
def test_a_full_screen_in_phase_at_200_cd_m2_has_the_known_limits(refresh, low, high):
    assert low <= eye.luminance_delta(CODES["abab"], refresh, 200.0) <= high


@settings(deadline=None)
@given(st.floats(15.0, 120.0), st.floats(10.0, 1000.0))
def test_quicker_flicker_less_light_and_smaller_fields_are_seen_less(f, cd_m2):
    threshold = eye.flicker_threshold(f, cd_m2)
    assert eye.flicker_threshold(f * 1.1, cd_m2) > threshold
    assert eye.flicker_threshold(f, cd_m2, field_deg=(10.0, 10.0)) > threshold
    if f > 30.0:
        assert eye.flicker_threshold(f, cd_m2 / 2.0) > threshold


def test_the_periphery_sees_quick_flicker_better_than_slow_flicker():
    ratios = [
        eye.flicker_threshold(f, 200.0, field_deg=(4.0, 4.0), eccentricity_deg=20.0)
        / eye.flicker_threshold(f, 200.0, field_deg=(4.0, 4.0))
        for f in (10.0, 60.0)
    ]
    assert ratios[1] < ratios[0]


@pytest.mark.parametrize("field", sorted(eye.EXPONENTIAL))
def test_full_modulation_fuses_at_the_critical_frequency_which_grows_with_the_logarithm_of_light(field):
    frequency = eye.critical_frequency(200.0, field_deg=field)
    assert eye.exponential_threshold(frequency, 200.0, field_deg=field) == pytest.approx(1.0)
    assert 60.0 < frequency < 80.0
    assert eye.critical_frequency(20.0, field_deg=field) < frequency


def test_colour_fuses_long_before_light_does():
    red_green, yellow_violet = eye.chroma_response([0.0, 10.0, 25.0, 40.0, 60.0])
    assert red_green[0] == yellow_violet[0] == 1.0
    assert np.all(np.diff(red_green) < 0.0)
    assert np.all(yellow_violet[1:] < red_green[1:])
    luminance = eye.flicker_threshold(10.0, 200.0) / eye.flicker_threshold(40.0, 200.0)
    assert red_green[3] / red_green[1] < luminance / 2.0


def test_a_square_wave_has_its_known_harmonics():
    frequencies, amplitudes = eye.harmonics([1.0, -1.0], 120.0)
    assert frequencies.tolist() == [60.0, 120.0, 180.0, 240.0, 300.0]
    assert amplitudes == pytest.approx([4 / math.pi, 0.0, 4 / math.pi / 3, 0.0, 4 / math.pi / 5], abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=12))
def test_harmonics_have_the_energy_of_the_steps(steps):
    """Parseval, with 400 harmonics for those of a step that never end."""
    values = np.array(steps) - np.mean(steps)
    _, amplitudes = eye.harmonics(values, 300.0 * len(steps) / 400.0)
    assert np.sum(amplitudes**2) / 2.0 == pytest.approx(np.mean(values**2), rel=0.1, abs=1e-9)


def test_slow_luminance_gets_less_than_quick_luminance_and_none_gets_nothing():
    slow = along_one_axis("slow", (1.0, -1.0, -1.0, 1.0), (1.0, -1.0, -1.0, 1.0))
    assert eye.luminance_delta(slow, 120.0, 200.0) < eye.luminance_delta(CODES["abba"], 120.0, 200.0) / 3.0
    assert eye.luminance_delta(CODES["triple"], 120.0, 200.0) == 0.0


def test_every_harmonic_counts():
    pure, mixed = (Code("x", ((0.0, 0.0),) * 4, luma) for luma in ((1.0, -1.0, 1.0, -1.0), (1.0, -0.8, 0.8, -1.0)))
    assert eye.luminance_delta(mixed, 120.0, 200.0) < eye.luminance_delta(pure, 120.0, 200.0)


def test_codes_are_ranked_as_people_see_them():
    seen = {name: eye.chroma_visibility(CODES[name], 120.0) for name in ("abab", "triple", "abba")}
    assert seen["abab"] < seen["triple"] < seen["abba"]
