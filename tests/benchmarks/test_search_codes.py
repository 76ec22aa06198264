"""The search for codes: its words, its spectrum and its colours, each against a slower way."""

import sys
from fractions import Fraction

import numpy as np
import pytest
import search_codes
from search_codes import (
    Colours,
    changing_orders,
    film,
    in_blocks,
    judge,
    rests,
    shares_of_slots,
    sub_frames,
    triangle,
    words,
)

from pipelines.color import luminance, to_linear
from pipelines.kaleido.codes import CODES

# Sixty images of the display's rate for those of a step that never end.
SERIES_TOLERANCE = 2e-3
# A vertex is inside of its own walls but for rounding.
ROUNDING = 1e-6


@pytest.fixture
def colours(rng):
    return Colours(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8), 2)


def test_words_of_one_kind_come_once():
    assert list(words(3, 3)) == [(0, 1, 2)]
    assert sorted(words(4, 3)) == [(0, 0, 1, 2), (0, 1, 0, 2)]
    assert list(words(4, 2)) == [(0, 0, 0, 1), (0, 0, 1, 1)]


@pytest.mark.parametrize("word", list(words(5, 3)))
def test_the_third_colour_makes_the_sum_zero(word):
    assert np.abs(triangle(word).sum(axis=0)).max() < ROUNDING


def test_orders_that_change_sum_to_zero_in_every_cycle():
    for name, chroma in changing_orders():
        lengths = [4, 4, 4] if "turned" in name else [len(part) for part in name.split()]
        ends = np.cumsum(lengths)
        assert ends[-1] == len(chroma)
        assert np.abs(np.cumsum(chroma, axis=0)[ends - 1]).max() < ROUNDING


def test_shares_of_slots_are_those_of_an_exposure():
    assert shares_of_slots(np.array([0.5]), 3.0, 3)[0] == pytest.approx([1 / 3] * 3)
    assert shares_of_slots(np.array([1.25]), 1.0, 3)[0] == pytest.approx([0.0, 0.75, 0.25])
    assert shares_of_slots(np.linspace(0, 5, 7), 7.3, 4).sum(axis=1) == pytest.approx(np.ones(7))


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
@pytest.mark.parametrize("exposure", [30, 60, 250])
def test_what_exposures_leave_is_the_mean_over_all_starts(code, exposure):
    chroma = np.array(code.chroma)
    starts = np.arange(0.0, code.n_slots, 1 / 64)
    seen = shares_of_slots(starts, 120.0 / exposure, code.n_slots) @ chroma
    camera, _ = rests(chroma, 120.0, [exposure])
    assert camera[0] == pytest.approx(seen.T @ seen / len(starts), abs=SERIES_TOLERANCE)


def test_axes_keep_luminance_and_stay_in_the_gamut(colours):
    for code in CODES.values():
        chroma = np.array(code.chroma)
        p, q = colours.fit(chroma)
        shown = colours.light + chroma[:, :1, np.newaxis] * p + chroma[:, 1:, np.newaxis] * q
        assert shown.min() > -ROUNDING
        assert shown.max() < 1.0 + ROUNDING
        assert np.abs(luminance(p)).max() < ROUNDING
        assert np.abs(luminance(q)).max() < ROUNDING


def test_a_pair_goes_to_the_farthest_of_many_places(colours, rng):
    p, _ = colours.fit(np.array(CODES["abab"].chroma))
    reached = np.linalg.norm(p * colours.slope, axis=1)
    for _ in range(200):
        way = rng.normal(size=2) @ search_codes._PLANE
        room = np.minimum(colours.light, 1.0 - colours.light) / np.abs(way)
        tried = np.linalg.norm(way * room.min(axis=1, keepdims=True) * colours.slope, axis=1)
        assert np.all(tried <= reached + ROUNDING)


def test_three_colours_reach_farther_than_a_circle_of_five(colours):
    triple, star = (judge(colours, np.array(CODES[name].chroma), 120.0, [1000])[0][0] for name in ("triple", "star"))
    assert triple < star - 1.0


def test_a_cycle_of_8_bits_averages_to_its_picture_and_a_blind_exposure_records_it(rng):
    picture = rng.integers(60, 200, (12, 16, 3), dtype=np.uint8)
    frames = sub_frames(picture, Colours(picture, 5), CODES["triple"])
    error = to_linear(frames / 255.0).mean(axis=0) - to_linear(picture / 255.0)
    assert np.abs(error).max() < 0.5 * 0.01 / 3  # half a step of the brightest codes, shared by three
    over_all, kindest = film(frames, picture, 120.0, Fraction(1, 40))
    assert over_all > 50.0
    assert film(frames, picture, 120.0, 1 / 1000)[0] < kindest - 20.0


def test_blocks_show_the_same_cycle_from_other_places(rng):
    frames = rng.integers(0, 256, (3, 7, 10, 3), dtype=np.uint8)
    shown = in_blocks(frames, 2)
    assert np.array_equal(np.sort(shown, axis=0), np.sort(frames, axis=0))
    assert np.array_equal(shown[:, :2, :2], frames[:, :2, :2])
    assert np.array_equal(shown[:, 2:4, :2], np.roll(frames, -1, axis=0)[:, 2:4, :2])


def test_the_quick_tables_are_printed(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["search_codes.py", "--quick", "--picture", str(search_codes.STILL)])
    monkeypatch.setattr(search_codes, "RATES", (120.0,))
    search_codes.main()
    printed = capsys.readouterr().out
    best = printed[printed.index("the best eight") :].split("\n")[4]
    assert best.startswith("| ABC | 40.0 | ")
    assert "| 120 | triple (3) | 1 or 2 | 1 or 2 | 1 or 2 | shown at 40 | shown at 40 |" in printed
