"""Pacing against an injected clock."""

import threading

import pytest

from stream.clock import MonotonicClock, Pacer


class ManualClock:
    def __init__(self):
        self.moment_s = 100.0
        self.waits = []

    def now_s(self):
        return self.moment_s

    def wait_until(self, moment_s, stop):
        self.waits.append(moment_s - self.moment_s)
        self.moment_s = max(self.moment_s, moment_s)


def test_frames_are_released_at_the_times_that_they_bear():
    clock = ManualClock()
    pacer = Pacer(clock)
    released = []
    for pts_s in (5.0, 5.04, 5.2, 6.0):
        pacer.wait_for(pts_s, threading.Event())
        released.append(clock.moment_s - 100.0)
    assert released == pytest.approx([0.0, 0.04, 0.2, 1.0])


def test_a_short_delay_is_caught_up():
    clock = ManualClock()
    pacer = Pacer(clock)
    pacer.wait_for(0.0, threading.Event())
    clock.moment_s += 0.3
    pacer.wait_for(0.1, threading.Event())
    pacer.wait_for(0.4, threading.Event())
    assert clock.moment_s == pytest.approx(100.4)


def test_after_a_long_stall_missed_frames_are_not_hurried_after():
    clock = ManualClock()
    pacer = Pacer(clock)
    pacer.wait_for(0.0, threading.Event())
    clock.moment_s += 10.0
    pacer.wait_for(0.04, threading.Event())
    pacer.wait_for(0.08, threading.Event())
    assert clock.moment_s == pytest.approx(110.04)


def test_a_stop_ends_the_wait():
    clock = MonotonicClock()
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    begin_s = clock.now_s()
    clock.wait_until(begin_s + 30, stop)
    assert clock.now_s() - begin_s < 5
