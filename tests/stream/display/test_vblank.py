"""Counts of the display's periods: locked to times of return, paced by a clock, and asked of a driver."""

import ctypes

import numpy as np
import pytest

from stream.display.vblank import OmlVblanks, PacedVblanks, PhaseLock

PERIOD_S = 1 / 120


def test_returns_that_are_late_by_chance_lose_no_count(rng: np.random.Generator) -> None:
    lock = PhaseLock(120.0, 0.0)
    for n in range(1, 20_000):
        assert lock.observe(n * PERIOD_S + rng.exponential(0.0004)) == n


@pytest.mark.parametrize("real_hz", [119.7, 119.88, 119.98, 120.3])
def test_a_rate_that_is_a_little_off_is_followed(real_hz: float, rng: np.random.Generator) -> None:
    lock = PhaseLock(120.0, 0.0)
    for n in range(1, 20_000):
        assert lock.observe(n / real_hz + rng.exponential(0.0002)) == n
    assert lock.period_s == pytest.approx(1 / real_hz, rel=5e-4)


@pytest.mark.parametrize("n_missed", [1, 2, 3, 24])
def test_missed_periods_are_counted_and_the_next_one_is_right_again(n_missed: int, rng: np.random.Generator) -> None:
    lock = PhaseLock(120.0, 0.0)
    count = 0
    for _ in range(500):
        count += 1
        assert lock.observe(count * PERIOD_S + rng.exponential(0.0003)) == count
        if count % 50 == 0:
            count += 1 + n_missed
            assert lock.observe(count * PERIOD_S + rng.exponential(0.0003)) == count


def test_a_return_late_by_most_of_a_period_is_taken_back_by_the_next_one() -> None:
    lock = PhaseLock(120.0, 0.0)
    for n in range(1, 100):
        lock.observe(n * PERIOD_S)
    assert lock.observe(100.8 * PERIOD_S) == 101
    assert lock.observe(101.0 * PERIOD_S) == 101
    for n in range(102, 200):
        assert lock.observe(n * PERIOD_S) == n


def test_between_flips_the_count_goes_on_with_time() -> None:
    lock = PhaseLock(120.0, 0.0)
    assert lock.observe(PERIOD_S) == 1
    assert lock.count(1.5 * PERIOD_S) == 1
    assert lock.count(4.5 * PERIOD_S) == 4
    assert lock.count(0.5 * PERIOD_S) == 1


class _Clock:
    def __init__(self) -> None:
        self.now_s = 10.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, duration_s: float) -> None:
        self.now_s += duration_s + 0.0001


def test_a_paced_flip_happens_when_its_period_begins_and_tells_when_it_is_late() -> None:
    clock = _Clock()
    flipped: list[float] = []
    paced = PacedVblanks(lambda: flipped.append(clock.now_s), 120.0, clock, clock.sleep)
    assert paced.flip(1) == 1
    assert 0.0 <= flipped[0] - 10.0 - PERIOD_S < 0.0002
    assert paced.count() == 1
    clock.now_s += 3.3 * PERIOD_S
    assert paced.flip(2) == 4
    assert paced.flip(5) == 5


class _Driver:
    """A driver that counts, with a display that shows a swap in the next period."""

    def __init__(self, works: bool = True) -> None:
        self.period = 1000
        self.works = works

    def flip(self) -> None:
        self.period += 1

    def wait(self, n_swaps: int, *references: object) -> int:
        assert n_swaps == 0
        return self.ask(*references)

    def ask(self, *references: object) -> int:
        ctypes.cast(references[1], ctypes.POINTER(ctypes.c_int64))[0] = self.period  # type: ignore[arg-type]
        return int(self.works)


def test_a_driver_that_counts_is_asked() -> None:
    driver = _Driver()
    vblanks = OmlVblanks(driver.flip, driver.wait, driver.ask)
    assert vblanks.flip(0) == 1001
    driver.period += 3
    assert vblanks.count() == 1004
    assert vblanks.flip(1005) == 1005
    assert not vblanks.is_broken


def test_a_driver_that_refuses_is_known_to() -> None:
    driver = _Driver(works=False)
    vblanks = OmlVblanks(driver.flip, driver.wait, driver.ask)
    vblanks.flip(0)
    assert vblanks.is_broken
