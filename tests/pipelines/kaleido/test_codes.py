"""Codes sum to zero, and have their energy where their description says."""

from fractions import Fraction
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.schema import PlaySettings
from pipelines.kaleido.codes import CODES, blind_exposures_s, choose_code, held, polygon, slowest_hz
from pipelines.kaleido.eye import chroma_visibility, harmonics

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


def recorded(code, refresh_hz, exposure_s, start):
    """The largest coefficient that an exposure leaves of a code, period by period."""
    first, last = start, start + exposure_s * refresh_hz
    total = np.zeros(2)
    for k in range(int(first), int(last) + 1):
        shown = min(k + 1, last) - max(k, first)
        total += max(0.0, float(shown)) * np.array(code.chroma[k % code.n_slots])
    return np.abs(total).max() / float(exposure_s * refresh_hz)


@pytest.mark.parametrize(
    "code", [*CODES.values(), held(CODES["triple"], 2)], ids=lambda code: f"{code.name}{code.n_slots}"
)
@settings(deadline=None, max_examples=20)
@given(start=st.fractions(0, 10, max_denominator=16))
def test_blind_exposures_record_the_picture_and_others_do_not(code, start):
    blind = blind_exposures_s(code, 120, Fraction(1, 12))
    assert list(blind) == sorted(blind, reverse=True)
    for exposure in blind:
        assert exposure <= Fraction(1, 12)
        assert recorded(code, 120, exposure, start) < ROUNDING
    other = (blind[-1] if blind else Fraction(1, 24)) * Fraction(7, 11)
    assert max(recorded(code, 120, other, start + Fraction(k, 4)) for k in range(4 * code.n_slots)) > 0.05


def test_known_blind_exposures_at_120_hz():
    thirtieth, sixtieth = Fraction(1, 30), Fraction(1, 60)
    known = {"abab": (thirtieth, sixtieth), "abba": (thirtieth,), "triple": (Fraction(1, 40),), "quad": (thirtieth,)}
    assert {name: blind_exposures_s(code, 120) for name, code in CODES.items()} == {**known, "star": ()}


def test_a_display_that_is_a_little_slow_has_the_same_blind_exposures():
    assert len(blind_exposures_s(CODES["abab"], 119.88)) == 2


@pytest.mark.parametrize(
    ("refresh", "name", "n_slots"),
    [
        (100, "star", 5),
        (119.88, "triple", 3),
        (120, "triple", 3),
        (143.86, "quad", 4),
        (144, "quad", 4),
        (165, "quad", 4),
        (240, "triple", 6),
    ],
)
def test_auto_suits_the_display(refresh, name, n_slots):
    code = choose_code("auto", refresh, None).code
    assert (code.name, code.n_slots) == (name, n_slots)


@settings(deadline=None)
@given(st.floats(100.0, 500.0))
def test_auto_is_never_much_more_visible_than_a_triple_at_120_hz(refresh):
    code = choose_code("auto", refresh, None).code
    assert slowest_hz(code, refresh) >= 35.9
    assert chroma_visibility(code, refresh) < 1.7 * chroma_visibility(CODES["triple"], 120.0)


def test_the_profile_knows_every_code_and_no_other():
    assert set(get_args(PlaySettings.model_fields["code"].annotation)) == {"auto", *CODES}


def test_a_code_that_is_asked_for_is_taken():
    choice = choose_code("abab", 120.0, 24.0)
    assert choice.code == CODES["abab"]
    assert choice.reason == "abab was asked for: its colours change at 60 Hz"
    assert choice.warnings == (
        "a camera that exposes for exactly 1/30 s or 1/60 s records the picture as it is",
        "24 fps source: its frames stand for 33.3 or 50 ms, which may look uneven; star shows them evenly",
    )


def test_an_unknown_code_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"no code 'abc'; there are auto, abab, abba, triple, quad, star"):
        choose_code("abc", 120.0, None)


@pytest.mark.parametrize(
    ("name", "source", "warning"),
    [
        ("triple", 60.0, "60 fps source shown at 40: frames change between cycles only"),
        ("triple", 30.0, "30 fps source: its frames stand for 25 or 50 ms, which may look uneven"),
        (
            "triple",
            24.0,
            "24 fps source: its frames stand for 25 or 50 ms, which may look uneven; star shows them evenly",
        ),
        ("star", 24000 / 1001, None),
        ("star", None, None),
        ("abab", 30.0, None),
        ("abba", 30.0, None),
    ],
)
def test_what_a_source_loses_is_said(name, source, warning):
    said = [text for text in choose_code(name, 120.0, source).warnings if "source" in text]
    assert said == ([warning] if warning else [])


def test_slow_colours_are_said_to_flicker():
    assert any("30 Hz" in text for text in choose_code("abba", 120.0, None).warnings)
    assert not any("flicker" in text for text in choose_code("triple", 120.0, None).warnings)


def test_held_colours_leave_luminance_its_own_rate():
    code = held(CODES["triple"], 2)
    assert code.luma == (1.0, -1.0, 1.0, -1.0, 1.0, -1.0)
    assert code.chroma[::2] == CODES["triple"].chroma
    assert held(CODES["triple"], 3).luma == (0.0,) * 9
