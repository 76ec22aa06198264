"""Figures and sentences: what they say of findings made by hand."""

import json

import numpy as np
import pytest

from pipelines.base import Findings
from stream.results import sentences
from stream.results.figures import BAND_EDGES, EPISODE_CLASSES, band_of, class_of, figures_of


def test_figures_are_json_and_shares_of_what_was_found(leak_findings):
    figures = figures_of(leak_findings)
    json.dumps(figures, allow_nan=False)
    assert figures["found_where"]["top left"] == 1.0
    assert sum(figures["found_where"].values()) == 1.0
    assert [band["share"] for band in figures["confidence"]["bands"]] == [0.0, 0.5, 0.0, 0.5]
    assert figures["confidence"]["mean"] == pytest.approx(160 / 255, abs=1e-4)
    assert [one["share"] for one in figures["episodes"]["classes"]] == [0.5, 0.0, 0.0, 0.0, 0.5]
    assert (figures["episodes"]["median"], figures["episodes"]["most"]) == (6.5, 12)


def test_nothing_found_gives_figures_without_numbers_that_mean_nothing(no_findings):
    figures = figures_of(no_findings)
    json.dumps(figures, allow_nan=False)
    assert figures["confidence"]["mean"] is figures["episodes"]["most"] is None
    assert sentences.say_where(figures["found_where"]) == sentences.say_episodes(figures["episodes"]) == ""


def test_a_method_that_does_not_say_gets_no_figures(rarest_findings):
    assert set(figures_of(rarest_findings)) == {"found_where"}


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (3, 3), (100, 7)])
def test_every_claimed_pixel_is_in_one_ninth(shape):
    room = np.full((*shape, 4), 255, np.uint8)
    figures = figures_of(Findings(room, room[..., :3], 1.0))
    assert sum(figures["found_where"].values()) == pytest.approx(1.0, abs=1e-3)


def test_bands_and_classes_hold_every_value():
    assert [band_of(np.uint8(value)) for value in (0, 63, 64, 127, 128, 191, 192, 255)] == [0, 0, 1, 1, 2, 2, 3, 3]
    n = np.array([1, 2, 3, 4, 5, 8, 9, 65535], np.uint16)
    assert list(class_of(n)) == [0, 1, 2, 2, 3, 3, 4, 4]
    assert len(BAND_EDGES) == 5
    assert EPISODE_CLASSES[-1][1] is None


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        (0.0, "Nothing of the room was found."),
        (0.0004, "under 0.1 %"),
        (0.01, "a postage stamp"),
        (0.158, "15.8 % of the picture is claimed to be the room behind the virtual background, about a sixth of it."),
        (0.26, "about a quarter of it"),
        (0.72, "about three quarters of it."),
        (1.0, "100 % of the picture"),
    ],
)
def test_coverage_is_said_in_words(coverage, words):
    assert words in sentences.say_coverage(coverage).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(("seconds", "words"), [(0.6, "0.6 s"), (30, "30 s"), (125, "2 min 5 s"), (3660, "1 h 1 min")])
def test_a_time_is_said_in_words(seconds, words):
    assert sentences.say_duration(seconds) == words


def test_what_is_everywhere_is_not_said_to_lie_somewhere():
    shares = dict.fromkeys(("top left", "top right", "bottom left", "bottom right", "middle right"), 0.165)
    words = sentences.say_where({**shares, "middle": 0.175}).replace("\N{NO-BREAK SPACE}", " ")
    assert words == "It is spread over the picture; the largest part lies in the middle (18 %)."


def test_places_are_named_until_most_is_told():
    shares = {"top left": 0.5, "middle": 0.2, "top right": 0.2, "bottom left": 0.1}
    assert sentences.most_of(shares) == ["top left", "middle"]
    assert sentences.most_of({"top left": 0.0}) == []
