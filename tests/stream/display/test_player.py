"""The player against a display of the tests' own: time is counted in periods, stalls come where they are put."""

import contextlib
import itertools
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.base import Image
from pipelines.kaleido.schedule import CycleClock, Slip
from stream.display import player as player_module
from stream.display.player import Player
from stream.display.vblank import PhaseLock

HZ = 120.0
FADE_S = 0.05
FIRST = 2
"""The player starts at the second period after the one in which it looks, which is 0 unless something stalls."""

Shown = tuple[str, int, int, float]
"""What a period shows: kind, number of the picture, slot, strength."""


@pytest.fixture(scope="module", autouse=True)
def _no_real_time() -> Iterator[None]:
    """Here nothing happens in real time, and looking for garbage in all that a run of tests holds is most of it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(player_module, "_swift_thread", contextlib.nullcontext)
        yield


@dataclass
class Display:
    """A display whose flips wait for the next period, and which remembers what each period showed."""

    stalls: dict[tuple[str, int], float]
    n_periods: int
    n_slots: int
    pictures_per_cycle: float = 1.0
    part_takes: float = 0.005
    n_parts: int = 8
    now: float = 0.0

    def __post_init__(self) -> None:
        self.seen: list[Shown | None] = []
        self.drawn: Shown | None = None
        self.loaded: dict[int, tuple[int, set[int]]] = {}
        self.made: dict[int, tuple[float, set[int]]] = {}
        self.calls = {"flip": 0, "picture": 0, "finish": 0}
        self.slips: list[Slip] = []
        self.unready: list[int] = []
        self.pictures: dict[int, Image] = {}
        self.first = 0

    def stall(self, where: str) -> None:
        self.now += self.stalls.get((where, self.calls[where]), 0.0)
        self.calls[where] += 1

    # Vblanks
    how = "by the test"

    def count(self) -> int:
        return math.floor(self.now)

    def flip(self, target: int) -> int:
        self.stall("flip")
        shown = math.floor(self.now) + 1
        before = self.seen[-1] if self.seen else None
        self.seen += [before] * (shown - len(self.seen))
        self.seen.append(self.drawn)
        self.now = shown + 0.02
        return shown

    # Drawer
    def load(self, where: int, picture: Image, part: int, n_parts: int) -> None:
        if part == 0:
            self.loaded[where] = (int(picture[0, 0, 0]), set())
            self.made[where] = (0.0, set())
        assert self.loaded[where][0] == int(picture[0, 0, 0])
        self.loaded[where][1].add(part)
        assert n_parts == self.n_parts
        self.now += self.part_takes

    def render(self, where: int, strength: float, part: int, n_parts: int) -> None:
        assert 0 < strength <= 1
        assert n_parts == self.n_parts
        assert len(self.loaded[where][1]) == n_parts
        if self.made[where][0] != strength:
            self.made[where] = (strength, set())
        self.made[where][1].add(part)
        self.now += self.part_takes

    def show(self, where: int, slot: int) -> None:
        strength, parts = self.made[where]
        assert parts == set(range(self.n_parts)), "a cycle is shown of which a part is missing"
        self.drawn = ("sub-frame", self.loaded[where][0], slot, strength)

    def show_plain(self, where: int) -> None:
        number, parts = self.loaded[where]
        assert parts == set(range(self.n_parts))
        self.drawn = ("plain", number, -1, 0.0)

    def finish(self) -> None:
        self.stall("finish")

    def picture_at(self, cycle: int) -> Image | None:
        self.stall("picture")
        number = int(cycle * self.pictures_per_cycle) % 256
        return self.pictures.setdefault(number, np.full((2, 2, 3), number, np.uint8))

    def is_wanted(self) -> bool:
        return self.now < self.n_periods

    def play(self, picture_at: Callable[[int], Image | None] | None = None) -> Player:
        player = Player(
            self,
            self,
            self.n_slots,
            HZ,
            FADE_S,
            picture_at or self.picture_at,
            on_slip=self.slips.append,
            on_plain=self.unready.append,
            is_wanted=self.is_wanted,
            now_s=lambda: self.now / HZ,
        )
        player.run()
        self.first = player.first_vblank
        return player

    def check(self, is_quick: bool = True) -> None:
        """Every period outside the slips shows what belongs there; those inside are in the log.

        Where cycles may be late, an older one is shown in its place, no stronger than it may be, or a plain one.
        """
        clock = CycleClock(self.n_slots, HZ, FADE_S, first_vblank=self.first)
        slips = {slip.vblank: slip for slip in self.slips}
        vblank = self.first
        cycles: dict[int, tuple[int, float]] = {}
        while vblank < len(self.seen):
            if vblank in slips:
                clock.slip(vblank, slips[vblank].n_missed)
                vblank += slips[vblank].n_missed
                continue
            period, shown = clock.at(vblank), self.seen[vblank]
            assert shown is not None
            kind, picture, slot, strength = shown
            expected = int(period.cycle * self.pictures_per_cycle) % 256
            if period.strength <= 0:
                assert kind == "plain", vblank
                strength = cycles.get(period.cycle, (0, 0.0))[1]
            elif is_quick:
                assert (kind, slot, strength) == ("sub-frame", period.slot, period.strength), vblank
                assert picture == expected, vblank
            elif kind == "sub-frame":
                assert slot == period.slot, vblank
                assert 0 < strength <= period.strength, vblank
            assert picture <= expected
            assert cycles.setdefault(period.cycle, (picture, strength)) == (picture, strength), "half a cycle changed"
            vblank += 1


def test_after_a_slip_a_slide_is_not_loaded_again_by_a_slow_machine() -> None:
    at = 300  # cycle 100: the second slide stands since cycle 60
    display = Display({("flip", at): 5.0}, 450, 3, 1 / 60, part_takes=0.3)
    loaded_at: list[float] = []
    load = display.load

    def load_and_note(*arguments: Any) -> None:
        loaded_at.append(display.now)
        load(*arguments)

    display.load = load_and_note  # type: ignore[method-assign]
    display.play()
    display.check(is_quick=False)
    assert [slip.n_missed for slip in display.slips] == [6]
    assert any(180 < moment < at for moment in loaded_at)
    assert not [moment for moment in loaded_at if at <= moment < 355]  # the third slide comes at 360
    plain = [n for n, shown in enumerate(display.seen) if n >= at and shown is not None and shown[0] == "plain"]
    assert len(plain) <= 9


@pytest.mark.parametrize("n_slots", [2, 3, 4])
@pytest.mark.parametrize("pictures_per_cycle", [0.0, 0.4, 1.0])
def test_without_stalls_each_period_shows_what_it_asks_for_and_nothing_slips(
    n_slots: int, pictures_per_cycle: float
) -> None:
    display = Display({}, 300, n_slots, pictures_per_cycle)
    player = display.play()
    display.check()
    assert display.slips == []
    assert len(display.seen) - FIRST >= 297
    assert player.stats.n_missed == 0
    assert player.stats.n_flips == len(display.seen) - 1  # the very first one shows early what is plain anyway


@pytest.mark.parametrize("where", ["flip", "picture", "finish"])
@pytest.mark.parametrize("stall_ms", [5.0, 9.0, 30.0, 200.0])
@pytest.mark.parametrize("n_slots", [2, 3, 4])
def test_after_a_stall_parity_is_the_displays_and_the_log_has_it(
    where: str, stall_ms: float, n_slots: int, caplog: pytest.LogCaptureFixture
) -> None:
    for at in range(60, 60 + n_slots):
        caplog.clear()
        display = Display({(where, at): stall_ms * HZ / 1000.0}, 400, n_slots)
        with caplog.at_level(logging.WARNING):
            player = display.play()
        display.check()
        assert len(display.slips) == (stall_ms > 1000.0 / HZ)
        assert len(caplog.records) == len(display.slips)
        assert player.stats.n_slips == len(display.slips)
        for slip, record in zip(display.slips, caplog.records, strict=True):
            assert slip.n_plain >= 1
            assert f"missed {slip.n_missed} periods of the display from {slip.vblank} on" in record.getMessage()


@given(
    st.integers(2, 5),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.dictionaries(
        st.tuples(st.sampled_from(["flip", "picture", "finish"]), st.integers(0, 90)), st.floats(0.0, 30.0), max_size=12
    ),
    st.sampled_from([0.0, 0.05, 0.2, 0.45]),
)
@settings(deadline=None, max_examples=60)
def test_whatever_stalls_no_period_outside_the_log_is_wrong(
    n_slots: int, pictures_per_cycle: float, stalls: dict[tuple[str, int], float], part_takes: float
) -> None:
    display = Display(stalls, 200, n_slots, pictures_per_cycle, part_takes)
    display.play()
    display.check(is_quick=False)


def test_two_plain_periods_in_a_row_after_the_start_are_never_without_a_line_in_the_log() -> None:
    display = Display({("flip", 50): 1.4, ("picture", 40): 3.0}, 250, 3)
    display.play()
    plain = [v for v, shown in enumerate(display.seen) if v >= FIRST + 3 and shown is not None and shown[0] == "plain"]
    covered = {v for slip in display.slips for v in range(slip.vblank, slip.vblank + slip.n_missed + slip.n_plain)}
    assert plain
    assert set(plain) <= covered


def test_the_modulation_rises_again_after_a_slip_and_every_cycle_has_one_strength() -> None:
    display = Display({("flip", 90): 2.5}, 260, 3)
    display.play()
    after = [shown[3] for shown in display.seen[display.slips[0].vblank + 4 :] if shown is not None]
    assert min(after) < 0.5
    assert after[-1] == 1.0
    assert all(later >= earlier for earlier, later in itertools.pairwise(after[3:]))


def test_the_end_of_the_pictures_ends_it_with_a_whole_cycle() -> None:
    display = Display({}, 1000, 3)
    display.play(lambda cycle: display.picture_at(cycle) if cycle < 10 else None)
    assert len(display.seen) - FIRST == 30
    display.check()


def test_no_picture_at_all_shows_nothing() -> None:
    display = Display({}, 100, 3)
    assert display.play(lambda _cycle: None).stats.n_flips == 0


def test_a_picture_that_stays_costs_no_work_once_the_modulation_has_risen() -> None:
    display = Display({}, 300, 3, pictures_per_cycle=0.0)
    made: list[float] = []
    render = display.render

    def noting(where: int, strength: float, part: int, n_parts: int) -> None:
        made.append(strength)
        render(where, strength, part, n_parts)

    display.render = noting  # type: ignore[method-assign]
    display.play()
    assert made.count(1.0) == display.n_parts


def test_a_slow_machine_loses_pictures_of_the_film_and_no_period() -> None:
    display = Display({}, 400, 3, part_takes=0.3)
    player = display.play()
    display.check(is_quick=False)
    assert display.slips == []
    assert player.stats.n_late > 20
    shown = [seen for seen in display.seen if seen is not None]
    assert len({picture for _, picture, _, _ in shown}) > 10
    assert shown[-1][0] == "sub-frame"
    assert shown[-1][3] == 1.0


def test_a_cycle_that_is_plain_because_it_was_not_ready_is_told(caplog: pytest.LogCaptureFixture) -> None:
    # After the slip the cycle at hand is too strong to be shown, and the next one takes several cycles to make.
    display = Display({("flip", 200): 1.4}, 300, 3, pictures_per_cycle=0.0, part_takes=0.4)
    player = display.play()
    display.check(is_quick=False)
    (slip,) = display.slips
    plain = [v for v, seen in enumerate(display.seen) if v >= slip.vblank and seen is not None and seen[0] == "plain"]
    assert display.unready
    assert len(plain) <= slip.n_missed + slip.n_plain + sum(display.unready)
    told = [record for record in caplog.records if "its sub-frames were not ready" in record.getMessage()]
    assert len(told) == len(display.unready)
    assert player.stats.n_plain >= sum(display.unready[1:])


class ReturningDisplay(Display):
    """A display that tells no count: when its flips return is all that is known, and they return late by chance."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.lock = PhaseLock(HZ, 0.0)
        self.rng = np.random.default_rng(7)

    def count(self) -> int:
        return self.lock.count(self.now / HZ)

    def flip(self, target: int) -> int:
        super().flip(target)
        self.now += self.rng.exponential(0.02) + self.stalls.get(("return", self.calls["flip"]), 0.0)
        return self.lock.observe(self.now / HZ)


@given(
    st.integers(2, 4),
    st.dictionaries(
        st.tuples(st.sampled_from(["flip", "picture", "finish", "return"]), st.integers(0, 90)),
        st.floats(0.0, 12.0),
        max_size=8,
    ),
)
@settings(deadline=None, max_examples=60)
def test_parity_is_right_where_the_count_is_only_known_by_when_flips_return(
    n_slots: int, stalls: dict[tuple[str, int], float]
) -> None:
    display = ReturningDisplay(stalls, 200, n_slots)
    display.play()
    display.check(is_quick=False)
