"""Sub-frames into a sink: each in its period, whole cycles, an exact count, and a clock that runs away."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.base import Frame, Image
from pipelines.kaleido.schedule import CycleClock, Slip
from stream.play.writing import SubframeWriter

N_SLOTS = 3
REFRESH_HZ = 120.0
PLAIN = 200


class NumberingEncoder:
    """Sub-frames that tell picture, slot and whether they are modulated: B = picture, G = slot or PLAIN."""

    tables = None

    def warm_up(self, height: int, width: int) -> None: ...

    def __init__(self) -> None:
        self.n_encoded = 0

    def encode_cycle(self, picture: Image, strength: float, subframes: Sequence[Image]) -> None:
        self.n_encoded += 1
        for slot, subframe in enumerate(subframes):
            subframe[..., 0] = picture[..., 0]
            subframe[..., 1] = slot if strength else PLAIN
            subframe[..., 2] = round(strength * 100)

    def plain(self, picture: Image, subframe: Image) -> None:
        subframe[..., 0], subframe[..., 1], subframe[..., 2] = picture[..., 0], PLAIN, 0


class NumberedFilm:
    """A film whose picture at each cycle is the cycle's number."""

    def __init__(self, n_periods: int | None, known_from: int = 0) -> None:
        self._n_periods, self._known_from = n_periods, known_from
        self.asked: list[int] = []
        self.slips: list[Slip] = []

    @property
    def n_periods(self) -> int | None:
        return self._n_periods if self.asked and self.asked[-1] >= self._known_from else None

    def picture_at(self, cycle: int) -> Image | None:
        self.asked.append(cycle)
        if self._n_periods is not None and cycle * N_SLOTS >= self._n_periods:
            return None
        return np.full((2, 2, 3), cycle % 256, np.uint8)

    def on_slip(self, slip: Slip) -> None:
        self.slips.append(slip)


class KeepingSink:
    name, is_live = "kept", False

    def __init__(self) -> None:
        self.frames: list[tuple[float, int, int]] = []

    def write(self, frame: Frame) -> None:
        self.frames.append((frame.pts_s, int(frame.image[0, 0, 0]), int(frame.image[0, 0, 1])))

    def close(self) -> None: ...


class StallingClock:
    """A clock that stands still but for waits, and runs away by a stall at given periods."""

    def __init__(self, stalls_s: dict[int, float]) -> None:
        self._now_s = 50.0
        self._stalls_s = stalls_s

    def now_s(self) -> float:
        return self._now_s

    def wait_until(self, moment_s: float, stop: threading.Event) -> None:
        self._now_s = max(self._now_s, moment_s) + 1e-6
        period = round((moment_s - 50.0) * REFRESH_HZ)
        self._now_s += self._stalls_s.pop(period, 0.0)


def write(
    film: NumberedFilm,
    clock: StallingClock | None = None,
    fade_s: float = 0.0,
    encoder: NumberingEncoder | None = None,
) -> list[tuple[float, int, int]]:
    sink = KeepingSink()
    schedule = CycleClock(N_SLOTS, REFRESH_HZ, fade_s)
    writer = SubframeWriter(film, encoder or NumberingEncoder(), schedule, sink, clock)
    writer.run()
    assert writer.n_written == len(sink.frames)
    return sink.frames


@settings(deadline=None)
@given(st.integers(1, 40))
def test_a_file_gets_every_period_in_order_and_no_half_cycle_is_modulated(n_periods: int) -> None:
    frames = write(NumberedFilm(n_periods))
    assert [pts_s for pts_s, _, _ in frames] == pytest.approx([k / REFRESH_HZ for k in range(n_periods)])
    for k, (_, picture, slot) in enumerate(frames):
        assert picture == k // N_SLOTS
        is_plain = k < N_SLOTS or k // N_SLOTS >= n_periods // N_SLOTS
        assert slot == (PLAIN if is_plain else k % N_SLOTS)


def test_an_end_that_is_known_only_when_it_comes_is_kept_to() -> None:
    frames = write(NumberedFilm(32, known_from=10))
    assert len(frames) == 32
    assert [slot for _, _, slot in frames[-2:]] == [PLAIN, PLAIN]


def test_a_clock_in_time_has_no_slip() -> None:
    film = NumberedFilm(60)
    frames = write(film, StallingClock({}))
    assert len(frames) == 60
    assert film.slips == []


@pytest.mark.parametrize("stall_ms", [9, 30, 200])
@pytest.mark.parametrize("at", [6, 7, 8])
def test_after_a_stall_each_period_shows_what_the_count_asks_for_and_the_log_says_so(stall_ms: int, at: int) -> None:
    film = NumberedFilm(120)
    frames = write(film, StallingClock({at: stall_ms / 1000}))
    n_missed = int(stall_ms / 1000 * REFRESH_HZ)
    (slip,) = film.slips
    assert (slip.vblank, slip.n_missed) == (at, n_missed)
    assert len(frames) == 120 - n_missed
    resumed = at + n_missed
    for pts_s, picture, slot in frames:
        period = round(pts_s * REFRESH_HZ)
        assert picture == period // N_SLOTS
        is_plain = period < N_SLOTS or resumed <= period < resumed + slip.n_plain
        assert slot == (PLAIN if is_plain else period % N_SLOTS)


def test_a_stall_shorter_than_a_period_is_none() -> None:
    film = NumberedFilm(60)
    assert len(write(film, StallingClock({10: 0.005}))) == 60
    assert film.slips == []


def test_a_machine_that_is_too_slow_for_any_cycle_shows_the_plain_film() -> None:
    class RunningAway(StallingClock):
        def wait_until(self, moment_s: float, stop: threading.Event) -> None:
            super().wait_until(moment_s, stop)
            self._now_s += 0.06  # more than two cycles

    frames = write(NumberedFilm(600), RunningAway({}), 0.5)
    assert {slot for _, _, slot in frames} == {PLAIN}
    shown_s = [pts_s for pts_s, _, _ in frames]
    assert max(np.diff(shown_s)) < 0.5
    assert all(0 <= pts_s * REFRESH_HZ - picture * N_SLOTS < 0.5 * REFRESH_HZ for pts_s, picture, _ in frames)


def test_a_picture_that_stands_for_several_cycles_is_encoded_once_for_each_strength() -> None:
    class Slides(NumberedFilm):
        made = tuple(np.full((2, 2, 3), number, np.uint8) for number in range(5))

        def picture_at(self, cycle: int) -> Image | None:
            return None if super().picture_at(cycle) is None else self.made[cycle // 8]

    encoder = NumberingEncoder()
    frames = write(Slides(5 * 8 * N_SLOTS), encoder=encoder)
    assert encoder.n_encoded == 5
    for k, (_, picture, slot) in enumerate(frames):
        assert picture == k // (8 * N_SLOTS)
        assert slot == (PLAIN if k < N_SLOTS else k % N_SLOTS)


def test_what_the_sink_raises_ends_the_film() -> None:
    class Full(KeepingSink):
        def write(self, frame: Frame) -> None:
            raise OSError("full")

    writer = SubframeWriter(NumberedFilm(None), NumberingEncoder(), CycleClock(3, 120, 0.0), Full())
    with pytest.raises(OSError, match="full"):
        writer.run()
