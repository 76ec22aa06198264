"""A film being played: keys, pauses, winding, slides, its end, its sound, and what the report says."""

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from counted_source import Counted, CountedStream, number, steady

from pipelines.kaleido.schedule import Slip
from stream.play.feed import Feed
from stream.play.keys import KeyNames
from stream.play.session import PlaySession, Showing
from stream.play.transport import Transport

CYCLE_S = 3 / 120


class NotedSound:
    """Sound that is heard at a place of the test's choice."""

    def __init__(self) -> None:
        self.position_s: float | None = None
        self.n_gaps = 0
        self.calls: list[tuple[str, Any]] = []

    def pause(self, paused: bool) -> None:
        self.calls.append(("pause", paused))

    def seek(self, position_s: float) -> None:
        self.calls.append(("seek", pytest.approx(position_s, abs=0.02)))

    def close(self) -> None:
        self.calls.append(("close", None))


@contextlib.contextmanager
def played(source: Counted, *, is_looped: bool = False, is_paused: bool = False, **more: Any) -> Iterator[PlaySession]:
    feed = Feed(source, is_patient=True, is_looped=is_looped)
    showing = Showing("a file", 120.0, "triple", 3, 0.0, [])
    session = PlaySession(feed, Transport(CYCLE_S, is_paused=is_paused), showing, **more)
    try:
        yield session
    finally:
        session.close()


def film(seconds: float = 100.0, *, breaks: bool = False) -> Counted:
    """Two frames a second."""
    return Counted(steady(int(2 * seconds), 2.0), breaks=breaks)


def test_cycles_show_the_picture_of_their_time_and_the_end_is_counted_in_periods() -> None:
    with played(film(seconds=2.0)) as session:
        shown = [number(session.picture_at(cycle)) for cycle in range(81)]
        assert shown == [cycle // 20 for cycle in range(80)] + [None]
        assert session.n_periods == 240


def test_a_duration_ends_it_earlier() -> None:
    with played(film(), duration_s=1.0) as session:
        assert session.n_periods == 120
        assert session.picture_at(39) is not None
        assert session.picture_at(40) is None


def test_space_pauses_and_goes_on() -> None:
    with played(film()) as session:
        assert number(session.picture_at(40)) == 2
        session.press("space")
        assert session.is_paused
        assert number(session.picture_at(400)) == 2
        session.press("p")
        assert number(session.picture_at(421)) == 3


def test_arrows_wind_and_the_ends_of_the_film_are_kept_to() -> None:
    with played(film()) as session:
        session.picture_at(0)
        for key, place_s in (("right", 5.0), ("right", 10.0), ("left", 5.0), ("up", 65.0), ("up", 99.5), ("home", 0.0)):
            session.press(key)
            assert number(session.picture_at(1)) == round(2 * place_s)
        session.press("down")
        assert number(session.picture_at(1)) == 0


def test_a_live_source_cannot_be_wound_and_says_so() -> None:
    with played(CountedStream(steady(3, 10.0), is_live=True)) as session:
        session.picture_at(0)
        session.press("right")
        assert session.take_messages() == ["a live source cannot be wound"]
        assert session.take_messages() == []


def test_slides_stay_until_a_key() -> None:
    with played(Counted(steady(4, 1.0)), is_paused=True, slide_s=1.0) as session:
        assert number(session.picture_at(10_000)) == 0
        for key, slide in (("right", 1), ("space", 2), ("page down", 3), ("right", 3), ("left", 2), ("page up", 1)):
            session.press(key)
            assert number(session.picture_at(10_001)) == slide
        session.press("home")
        assert number(session.picture_at(10_002)) == 0


@pytest.mark.parametrize("key", ["q", "escape"])
def test_q_ends_it(key: str) -> None:
    with played(film()) as session:
        assert session.picture_at(0) is not None
        session.press(key)
        assert session.is_stopped
        assert session.picture_at(1) is None


def test_an_unknown_key_does_nothing() -> None:
    with played(film()) as session:
        session.picture_at(0)
        session.press("ü")
        assert number(session.picture_at(1)) == 0
        assert not session.is_paused


def test_the_sound_is_paused_wound_and_closed_with_the_pictures() -> None:
    sound = NotedSound()
    with played(film(), sound=sound) as session:
        session.picture_at(0)
        session.press("space")
        session.press("space")
        session.press("right")
    assert sound.calls == [("pause", False), ("pause", True), ("pause", False), ("seek", 5.0), ("close", None)]


def test_pictures_jump_to_a_sound_that_is_far_ahead() -> None:
    sound = NotedSound()
    with played(film(), sound=sound) as session:
        assert number(session.picture_at(0)) == 0
        sound.position_s = 10.0
        session.picture_at(1)
        assert number(session.picture_at(2)) == 20


def test_the_sound_of_a_loop_begins_anew_with_it() -> None:
    sound = NotedSound()
    with played(film(seconds=2.0), sound=sound, is_looped=True) as session:
        for cycle in range(100):
            session.picture_at(cycle)
    assert sound.calls == [("pause", False), ("seek", 0.0), ("close", None)]


def test_slips_are_told_at_once_counted_and_reported() -> None:
    with played(film()) as session:
        session.picture_at(0)
        session.on_slip(Slip(30, 2, 1))
        assert "period 30: 2 flip(s) came too late; 1 period(s) plain" in session.take_messages()[0]
        session.on_slip(Slip(60, 5, 2))
        report = session.report(None)
    assert report["play"]["slips"] == [
        {"vblank": 30, "missed": 2, "plain": 1},
        {"vblank": 60, "missed": 5, "plain": 2},
    ]
    assert (report["play"]["n_slips"], report["play"]["missed_periods"]) == (2, 7)
    assert any("2 slip(s)" in line for line in report["notices"])
    json.dumps(report, allow_nan=False)


class SetClock:
    def __init__(self) -> None:
        self.time_s = 0.0

    def now_s(self) -> float:
        return self.time_s

    def wait_until(self, moment_s: float, stop: threading.Event) -> None: ...


def test_a_film_is_hidden_while_its_display_shows_more_plain_periods_than_protected_ones() -> None:
    clock = SetClock()
    with played(film(), clock=clock) as session:
        session.picture_at(10)
        for k in range(20):  # two thirds of the periods of a second and a half
            clock.time_s = k * 0.05
            session.on_slip(Slip(6 * k, 3, 1))
        assert number(session.picture_at(40)) == 2
        for k in range(20, 40):
            clock.time_s = k * 0.05
            session.on_slip(Slip(6 * k, 3, 1))
        shown = session.picture_at(80)
        assert shown is not None
        assert not shown.any()
        assert any("cannot keep step" in line for line in session.take_messages())
        clock.time_s += 2.1
        assert number(session.picture_at(160)) == 8
        assert session.report(None)["play"]["times_hidden"] == 1


def test_plain_cycles_hide_a_film_as_slips_do() -> None:
    clock = SetClock()
    with played(film(), clock=clock, judge=lambda picture: ["white"] if picture.any() else ["black"]) as session:
        session.picture_at(10)
        for k in range(41):
            clock.time_s = k * 0.025
            session.on_plain(3)
        shown = session.picture_at(40)
        assert shown is not None
        assert not shown.any()
        assert session.report(None)["play"]["plain_periods"] == 123
        assert "black" not in session.notices()  # which is no picture of the film


def test_a_damaged_film_is_shown_to_its_last_good_frame_and_named() -> None:
    with played(film(seconds=1.0, breaks=True)) as session:
        assert [number(session.picture_at(cycle)) for cycle in (0, 39, 40)] == [0, 1, None]
        assert "make a fresh copy" in str(session.error)


def test_what_the_present_picture_does_not_hide_is_said() -> None:
    with played(film(), judge=lambda picture: [f"picture {number(picture)}: half of it is white"]) as session:
        assert session.notices() == []
        session.picture_at(40)
        assert session.notices() == ["picture 2: half of it is white"]


def test_the_figures_are_json_and_name_the_place() -> None:
    with played(film()) as session:
        session.picture_at(80)
        numbers = session.numbers()
    json.dumps(numbers, allow_nan=False)
    assert ["Place", "0:02 of 1:40", False] in numbers["figures"]
    assert (numbers["state"], numbers["captured"]) == ("running", 4)


def test_the_terminals_characters_become_keys() -> None:
    pressed: list[str] = []
    names = KeyNames(pressed.append)
    for character in " q\x1b[C\x1b[D\x1bOA\x1b[5~\x1b[6~\x1b[Z9x":
        names.take(character)
    assert pressed == ["space", "q", "right", "left", "up", "page up", "page down", "x"]
