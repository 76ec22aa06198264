"""Blank frames: on time where they are live, without waiting where they are a recording."""

import pytest

from stream.sources.blank import BlankSource


class ToldClock:
    """A clock that a test sets; waiting moves it."""

    def __init__(self) -> None:
        self.s = 100.0
        self.waits: list[float] = []

    def now_s(self) -> float:
        return self.s

    def wait_until(self, moment_s: float, stop) -> None:
        self.waits.append(moment_s)
        self.s = max(self.s, moment_s)


def times(source: BlankSource, n: int) -> list[float]:
    return [source.read().pts_s for _ in range(n)]


def test_live_frames_come_at_their_rate() -> None:
    clock = ToldClock()
    source = BlankSource("blank", 4, 6, 25.0, clock=clock)
    assert times(source, 4) == [0.0, 0.04, 0.08, 0.12]
    assert clock.waits == pytest.approx([100.0, 100.04, 100.08, 100.12])
    assert source.info.is_live
    assert source.n_missed == 0


def test_frames_whose_time_has_passed_are_missed_and_not_hurried_after() -> None:
    clock = ToldClock()
    source = BlankSource("blank", 4, 6, 25.0, clock=clock)
    times(source, 2)
    clock.s += 1.01
    assert times(source, 2) == [1.04, 1.08]
    assert source.n_missed == 24


def test_a_live_source_answers_within_a_second_however_few_frames_are_wanted() -> None:
    assert BlankSource("blank", 4, 6, 0.1).info.rate_hz == 1.0
    assert BlankSource("blank", 4, 6, 0.1, n_frames=3).info.rate_hz == 0.1


def test_a_recording_waits_for_nobody_and_ends() -> None:
    clock = ToldClock()
    source = BlankSource("blank", 4, 6, 25.0, n_frames=3, clock=clock)
    assert times(source, 3) == [0.0, 0.04, 0.08]
    assert source.read() is None
    assert source.read() is None
    assert clock.waits == []
    assert not source.info.is_live
