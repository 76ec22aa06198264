"""Where the film stands: no drift over hours, pauses, jumps, and a sound device whose clock is off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.play.transport import JUMP_S, Transport

CYCLE_S = 3 / 120


def test_hours_of_cycles_do_not_drift() -> None:
    transport = Transport(CYCLE_S)
    assert [transport.moment_s(cycle) for cycle in (0, 1, 40)] == pytest.approx([0.0, 0.025, 1.0])
    assert transport.moment_s(40 * 3600 * 10) == pytest.approx(36_000.0, abs=1e-6)


def test_a_pause_holds_the_moment_and_goes_on_from_it() -> None:
    transport = Transport(CYCLE_S)
    assert transport.moment_s(40) == pytest.approx(1.0)
    transport.pause(True)
    assert transport.moment_s(400) == pytest.approx(1.0)
    transport.pause(False)
    assert transport.moment_s(401) == pytest.approx(1.0 + CYCLE_S)


def test_what_begins_paused_begins_at_nought() -> None:
    transport = Transport(CYCLE_S, is_paused=True)
    assert transport.moment_s(100) == 0.0
    transport.pause(False)
    assert transport.moment_s(101) == pytest.approx(CYCLE_S)


@given(st.floats(0, 1e5), st.booleans())
def test_a_jump_lands_where_it_was_sent(position_s: float, is_paused: bool) -> None:
    transport = Transport(CYCLE_S, is_paused=is_paused)
    transport.moment_s(1000)
    transport.seek(position_s)
    assert transport.moment_s(1000) == pytest.approx(position_s)
    assert transport.moment_s(1001) == pytest.approx(position_s + (0 if is_paused else CYCLE_S))


@pytest.mark.parametrize("rate", [0.999, 1.001])
def test_pictures_follow_a_sound_whose_clock_is_off_and_never_go_back(rate: float) -> None:
    transport = Transport(CYCLE_S)
    last_s, worst_s = 0.0, 0.0
    for cycle in range(40 * 600):
        shown_s = transport.moment_s(cycle)
        assert shown_s >= last_s
        last_s = shown_s
        heard_s = cycle * CYCLE_S * rate
        worst_s = max(worst_s, abs(heard_s - shown_s))
        transport.follow(heard_s - shown_s)
    assert worst_s < 0.005  # far below what a person notices, 40 ms


def test_a_large_difference_goes_at_once() -> None:
    transport = Transport(CYCLE_S)
    transport.moment_s(40)
    transport.follow(3 * JUMP_S)
    assert transport.moment_s(41) == pytest.approx(1.0 + CYCLE_S + 3 * JUMP_S)
