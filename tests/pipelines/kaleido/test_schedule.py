"""The order of sub-frames on the display's own count: slips, fades, and which frame of the source a cycle shows."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.kaleido.codes import CODES
from pipelines.kaleido.eye import chroma_response, chroma_visibility, flicker_threshold, luminance_delta
from pipelines.kaleido.schedule import CycleClock, Slip, count_subframes

RATES = [
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(50),
    Fraction(60),
]
REFRESHES = [Fraction(100), Fraction(120), Fraction(120000, 1001), Fraction(144), Fraction(165), Fraction(240)]

slots = st.integers(2, 16)
# Periods shown rightly before a slip, and periods missed in it.
slips = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=8)


def test_the_first_cycle_is_plain_and_the_strength_rises_to_one():
    clock = CycleClock(3, 120, 0.25)
    strengths = [clock.at(vblank).strength for vblank in range(0, 60, 3)]
    assert strengths[0] == 0.0
    assert strengths[10:] == [1.0] * 10
    assert strengths == sorted(strengths)


def test_without_a_fade_the_second_cycle_has_full_strength():
    clock = CycleClock(4, 120, 0.0)
    assert [clock.at(v).strength for v in (0, 3, 4)] == [0.0, 0.0, 1.0]


def test_a_missed_flip_advances_the_order_and_breaks_one_cycle():
    clock = CycleClock(3, 120, 0.0)
    assert clock.slip(31, 1) == Slip(31, 1, 1)
    shown = [clock.at(v) for v in range(32, 37)]
    assert [(p.cycle, p.slot) for p in shown] == [(10, 2), (11, 0), (11, 1), (11, 2), (12, 0)]
    assert [p.strength for p in shown] == [0.0, 1.0, 1.0, 1.0, 1.0]


def test_a_slip_that_ends_on_a_boundary_makes_the_whole_cycle_plain():
    clock = CycleClock(3, 120, 0.0)
    assert clock.slip(31, 2) == Slip(31, 2, 3)
    assert [clock.at(v).strength for v in (33, 35, 36)] == [0.0, 0.0, 1.0]


@settings(deadline=None)
@given(slots, slips, st.integers(0, 1000))
def test_the_order_follows_the_count_of_vblanks_after_any_slips(n, times, first):
    clock = CycleClock(n, 120, 0.1, first_vblank=first)
    vblank = first
    for shown, missed in times:
        vblank += shown
        slip = clock.slip(vblank, missed)
        vblank += missed
        assert 1 <= slip.n_plain <= n
        for later in range(vblank, vblank + 3 * n):
            period = clock.at(later)
            assert (period.cycle, period.slot) == divmod(later - first, n)
        # Exactly what the record says is plain, and the next cycle is not.
        assert all(clock.at(v).strength == 0.0 for v in range(vblank, vblank + slip.n_plain))
        assert clock.at(vblank + slip.n_plain).slot == 0
        assert clock.at(vblank + slip.n_plain).strength > 0.0


@settings(deadline=None)
@given(slots, slips, st.floats(0.0, 1.0), st.sampled_from(REFRESHES))
def test_the_strength_is_constant_in_a_cycle_and_rises_between_slips(n, times, fade_s, refresh):
    clock = CycleClock(n, refresh, fade_s)
    vblank = 0
    for shown, missed in [*times, (0, 1)]:
        vblank += shown
        vblank += clock.slip(vblank, missed).n_missed
        cycles = {}
        for later in range(vblank, vblank + (clock.n_fade_cycles + 3) * n):
            period = clock.at(later)
            assert cycles.setdefault(period.cycle, period.strength) == period.strength
        strengths = list(cycles.values())
        assert strengths == sorted(strengths)
        assert strengths[0] == 0.0
        assert strengths[-1] == 1.0
        assert clock.n_fade_cycles * n / refresh >= Fraction(fade_s)


@settings(deadline=None)
@given(slots, st.integers(0, 500))
def test_a_last_cycle_that_does_not_fit_is_plain(n, n_periods):
    clock = CycleClock(n, 120, 0.0, n_periods=n_periods)
    whole = n_periods // n
    for vblank in range(n_periods):
        period = clock.at(vblank)
        assert period.strength == (1.0 if 0 < period.cycle < whole else 0.0)


@settings(deadline=None)
@given(slots, st.sampled_from(RATES), st.sampled_from(REFRESHES), st.integers(0, 10**7))
def test_a_cycle_shows_one_frame_and_never_an_early_or_a_stale_one(n, rate, refresh, cycle):
    clock = CycleClock(n, refresh, 0.25)
    frame, after = clock.source_frame(cycle, rate), clock.source_frame(cycle + 1, rate)
    assert frame / rate <= clock.media_s(cycle) < (frame + 1) / rate
    assert frame <= after
    # As many frames on as a cycle is long, whole ones.
    step = n * rate / refresh
    assert math.floor(step) <= after - frame <= math.ceil(step)


def test_a_day_of_film_does_not_drift():
    rate, refresh = Fraction(24000, 1001), Fraction(120000, 1001)
    clock = CycleClock(5, refresh, 0.25)
    last = 24 * 86400
    assert clock.source_frame(last, rate) == last
    assert CycleClock(5, float(refresh), 0.25).source_frame(last, float(rate)) in (last - 1, last)


@pytest.mark.parametrize(
    ("n", "rate", "frames"),
    [
        (5, 24, [0, 1, 2, 3, 4, 5]),
        (3, 30, [0, 0, 1, 2, 3, 3]),
        (3, 60, [0, 1, 3, 4, 6, 7]),
        (4, 30, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_frames_of_common_rates_at_120_hz(n, rate, frames):
    clock = CycleClock(n, 120, 0.25)
    assert [clock.source_frame(cycle, rate) for cycle in range(6)] == frames


@settings(deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(RATES), st.sampled_from(REFRESHES))
def test_a_file_is_as_long_as_its_source(n_frames, rate, refresh):
    n = count_subframes(n_frames, rate, refresh)
    assert abs(n / refresh - n_frames / rate) <= Fraction(1, 2) / refresh


def session(coefficients, clock, missed):
    """Four seconds at 120 Hz as shown: a fade, after a second a slip, and at last an end too slow to be seen."""
    n = len(coefficients)
    shown = [clock.at(v).strength * coefficients[v % n] for v in range(120)]
    if missed:
        clock.slip(120, missed)
        shown += [shown[-1]] * missed
    shown += [clock.at(v).strength * coefficients[v % n] for v in range(len(shown), 480)]
    return np.array(shown) * np.cos(np.pi / 2 * np.clip(np.arange(480) / 240 - 1.0, 0.0, 1.0)) ** 2


def between_3_and_28_hz(signal):
    spectrum = 2.0 * np.abs(np.fft.rfft(signal)) / len(signal)
    frequencies = np.fft.rfftfreq(len(signal), 1 / 120)
    inside = (frequencies >= 3.0) & (frequencies <= 28.0)
    return frequencies[inside], spectrum[inside]


@pytest.mark.parametrize("name", ["abab", "abba"])
def test_a_fade_of_luminance_pollution_is_not_seen(name):
    code = CODES[name]
    frequencies, amplitudes = between_3_and_28_hz(session(code.luma, CycleClock(code.n_slots, 120, 0.25), 0))
    delta = luminance_delta(code, 120.0, 200.0)
    thresholds = [flicker_threshold(f, 200.0) for f in frequencies]
    assert math.hypot(*(delta * amplitudes / thresholds)) < 1.0


def colours_seen(fade_s, missed):
    """Between 3 and 28 Hz, relative to what is always there at 40 Hz."""
    code = CODES["triple"]
    energy = 0.0
    for axis in (0, 1):
        signal = session([step[axis] for step in code.chroma], CycleClock(3, 120, fade_s), missed)
        frequencies, amplitudes = between_3_and_28_hz(signal)
        energy += np.sum((amplitudes * chroma_response(frequencies)[0]) ** 2) / 2.0
    return math.sqrt(energy) / chroma_visibility(code, 120.0)


def test_colours_of_a_fade_are_not_seen_and_those_of_a_sudden_start_would_be():
    assert colours_seen(0.25, 0) < 0.15
    assert colours_seen(0.0, 0) > 4.0 * colours_seen(0.25, 0)


def test_a_longer_slip_is_seen_more_and_none_is_made_worse_by_what_follows():
    """What one to eight periods of the same colour show cannot be taken back; the way back in must add nothing."""
    seen = [colours_seen(0.25, missed) for missed in (1, 2, 7)]
    assert seen == sorted(seen)
    assert seen[0] < 2.0
    assert seen[2] < 1.05 * colours_seen(1.0, 7)


@pytest.mark.parametrize(
    ("arguments", "message"), [((1, 120, 0.1), "1 slots"), ((3, 0, 0.1), "0 Hz"), ((3, 120, -1.0), "-1.0 s")]
)
def test_nonsense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CycleClock(*arguments)


def test_slips_come_in_order_and_periods_begin_at_the_first():
    clock = CycleClock(3, 120, 0.1, first_vblank=10)
    with pytest.raises(ValueError, match="before the first"):
        clock.at(9)
    clock.slip(20, 4)
    with pytest.raises(ValueError, match="from 24 on; got 1 from 23 on"):
        clock.slip(23, 1)
    with pytest.raises(ValueError, match="got 0"):
        clock.slip(30, 0)
