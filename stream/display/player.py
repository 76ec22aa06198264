"""Shows for each period of the display the sub-frame that the period asks for.

Parity is the display's: what is drawn depends on the number of the period that will show it, never on how many flips
there were. Before drawing and once more before the flip the display's count is asked; where it has gone on, the missed
periods are told to the cycle clock, which has the rest of the cycle shown plain and the modulation rise again. A flip
that is late in itself shows a sub-frame where it does not belong, which cannot be undone: the next period is plain.

Sub-frames of the next cycle are made while the present one is shown, in parts, as many in each period as there is time
for, so that what a period itself needs is one copy. A cycle whose picture and strength are those of the one before
needs nothing. Where the next cycle is not ready the present one is shown once more: a slow machine loses pictures of
the film, never the order of sub-frames. It is shown plain, with a line in the log, if it is stronger than it may be
after a slip.

Limits: cycles that are skipped in a stall are not made up for; where making them is slow the modulation rises in fewer
steps.
"""

import contextlib
import gc
import logging
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from pipelines.base import Image
from pipelines.kaleido.contract import Period
from pipelines.kaleido.schedule import CycleClock, Slip
from stream.display.vblank import Vblanks
from stream.switching import swift_switching

_log = logging.getLogger(__name__)

_N_TIMED: Final = 9
"""Parts whose median time is what the next one is thought to take: one that stalls changes nothing."""

_BUSY_SHARE: Final = 0.7
"""Of a period, from one flip on, that may be spent on drawing and making."""

_LONGEST_REST_S: Final = 0.25
"""Where there never is time, a part is made this often all the same."""

_STANDS_CYCLES: Final = 4
"""A picture that was the same for more cycles is a slide's, and stays; one of a film is soon gone."""

PictureAt = Callable[[int], Image | None]
"""Takes the number of a cycle, each once and ascending, some left out; gives its picture or None after the last one.

Asked one cycle ahead, from the player's thread, which waits: it must return within a millisecond or so. An array that
was given is not written to again; the same array given again means the same picture and costs nothing.
"""


class Drawer(Protocol):
    """Keeps two cycles, 0 and 1, and shows their sub-frames. All calls come from the player's thread."""

    n_parts: int
    """In which a cycle is loaded, and made: each takes a small share of a period."""

    def load(self, where: int, picture: Image, part: int, n_parts: int) -> None:
        """Take a part of a picture; another picture may be begun before the last part.

        Parameters
        ----------
        where : int
            For which of the two cycles.
        picture : ndarray
            (height, width, 3) uint8 BGR; no longer needed after the last part.
        part, n_parts : int
            Which part, from 0, of how many.
        """

    def render(self, where: int, strength: float, part: int, n_parts: int) -> None:
        """Make a part of a cycle's sub-frames.

        Parameters
        ----------
        where : int
            Which of the two cycles; its picture is loaded.
        strength : float
            Above 0, to 1.
        part, n_parts : int
            Which part, from 0, of how many.
        """

    def show(self, where: int, slot: int) -> None:
        """Draw a sub-frame in the window.

        Parameters
        ----------
        where : int
            Which of the two cycles; all of its parts are made.
        slot : int
            Which sub-frame, in the order of time.
        """

    def show_plain(self, where: int) -> None:
        """Draw the picture as it is to be seen, without modulation.

        Parameters
        ----------
        where : int
            Which of the two cycles; its picture is loaded.
        """

    def finish(self) -> None:
        """Wait until all of that is done, so that a flip has nothing to wait for but its period."""


@dataclass(slots=True)
class PlayStats:
    """What came of playing, so far.

    Attributes
    ----------
    n_flips : int
        Pictures shown.
    n_missed : int
        Periods that showed what belonged to another one.
    n_slips : int
        Times that this happened in a row.
    n_plain : int
        Periods without modulation, those at the start included.
    n_late : int
        Cycles that were not ready, so that the one before was shown once more.
    elapsed_s : float
        Since the first flip.
    worst_interval_s : float
        Longest time between two flips.
    """

    n_flips: int = 0
    n_missed: int = 0
    n_slips: int = 0
    n_plain: int = 0
    n_late: int = 0
    elapsed_s: float = 0.0
    worst_interval_s: float = 0.0

    @property
    def rate_hz(self) -> float:
        """Flips a second."""
        return (self.n_flips - 1) / self.elapsed_s if self.elapsed_s > 0 else 0.0


@dataclass(slots=True)
class _Cycle:
    """What the drawer keeps of one of its two cycles."""

    picture: Image | None = None
    n_loaded: int = 0
    strength: float = 0.0
    n_made: int = 0
    n_parts: int = 1

    @property
    def is_loaded(self) -> bool:
        """Whether its plain picture can be shown."""
        return self.n_loaded == self.n_parts

    @property
    def is_made(self) -> bool:
        """Whether its sub-frames can be shown."""
        return self.n_made == self.n_parts

    def is_ready_for(self, strength: float) -> bool:
        """Whether it can be shown where this strength is allowed."""
        return self.is_loaded and (strength <= 0 or (self.is_made and 0 < self.strength <= strength))


class Player:
    """Plays cycles until the pictures end, `is_wanted` says no, or `stop` is called.

    Parameters
    ----------
    drawer : Drawer
        Draws.
    vblanks : Vblanks
        Counts periods and flips.
    n_slots : int
        Sub-frames in a cycle.
    refresh_hz : float
        Periods a second.
    fade_s : float
        How long the modulation rises at the start and after a slip.
    picture_at : callable
        See `PictureAt`.
    on_slip : callable, optional
        Called with each missed flip, which is in the log already.
    on_plain : callable, optional
        Called with the number of periods where a whole cycle is shown plain, nothing having been missed, because its
        sub-frames were not ready: cameras see what people see. That is in the log already too.
    is_wanted : callable, optional
        Called once a period, such as to handle the window's events; False ends.
    n_periods : int, optional
        Periods in all, where known: see `CycleClock`.
    now_s : callable, optional
        The time, for tests.

    Attributes
    ----------
    first_vblank : int
        The display's count at the first period of cycle 0; known while it plays.
    stats : PlayStats
        The figures so far.
    """

    def __init__(
        self,
        drawer: Drawer,
        vblanks: Vblanks,
        n_slots: int,
        refresh_hz: float,
        fade_s: float,
        picture_at: PictureAt,
        *,
        on_slip: Callable[[Slip], None] = lambda _slip: None,
        on_plain: Callable[[int], None] = lambda _n_periods: None,
        is_wanted: Callable[[], bool] = lambda: True,
        n_periods: int | None = None,
        now_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._drawer, self._vblanks = drawer, vblanks
        self._n_slots, self._refresh_hz, self._fade_s = n_slots, refresh_hz, fade_s
        self._picture_at, self._is_wanted = picture_at, is_wanted
        self._on_slip, self._on_plain = on_slip, on_plain
        self._n_periods = n_periods
        self._now_s = now_s
        self._cycles = (_Cycle(n_parts=drawer.n_parts), _Cycle(n_parts=drawer.n_parts))
        self._on = 0
        self._newest: Image | None = None
        self._n_stood = 0
        self._cycle = 0
        self._asked_for = 0
        self._is_preparing = False
        self._parts_s: deque[float] = deque([0.0], maxlen=_N_TIMED)
        self._part_s = 0.0
        self._last_cycle: int | None = None
        self._is_stopped = False
        self.first_vblank = 0
        self._shown_vblank = -1
        self._begun_s = self._flipped_s = self._worked_s = 0.0
        self._first_s = 0.0
        self.stats = PlayStats()

    @property
    def position_s(self) -> float:
        """How far playing has come, in seconds of the display's own time; may be read from any thread."""
        return max(0, self._shown_vblank - self.first_vblank) / self._refresh_hz

    def stop(self) -> None:
        """End soon; may be called from any thread or signal handler."""
        self._is_stopped = True

    def run(self) -> PlayStats:
        """Play, from the window's thread.

        Returns
        -------
        PlayStats
            The final figures.
        """
        picture = self._newest = self._picture_at(0)
        if picture is None:
            return self.stats
        self._cycles[0].picture = picture
        for _ in range(self._drawer.n_parts):
            self._load_part(0)
        self._drawer.finish()
        expected = self.first_vblank = self._vblanks.count() + 2
        clock = CycleClock(
            self._n_slots, self._refresh_hz, self._fade_s, first_vblank=expected, n_periods=self._n_periods
        )
        self._flipped_s = self._worked_s = self._now_s()
        is_second_try = False
        with _swift_thread():
            while self._is_wanted() and not self._is_stopped:
                self._begun_s = self._now_s()
                target = max(expected, self._vblanks.count() + 1)
                if target > expected:
                    self._slip(clock, expected, target - expected)
                    expected = target
                period = clock.at(target)
                if self._last_cycle is not None and period.cycle > self._last_cycle:
                    break
                is_plain = self._draw(period)
                self._drawer.finish()
                if not is_second_try or self._is_quick():
                    self._prepare(clock, target, period)
                is_second_try = not is_second_try and self._vblanks.count() >= target
                if is_second_try:
                    continue  # it took too long: what was drawn belongs to a period that is over
                shown = self._vblanks.flip(target)
                self._count(shown, is_plain)
                if shown > target:
                    self._slip(clock, target, shown - target + 1)
                expected = max(expected, shown + 1)
        return self.stats

    def _slip(self, clock: CycleClock, vblank: int, n_missed: int) -> None:
        slip = clock.slip(vblank, n_missed)
        self.stats.n_missed += n_missed
        self.stats.n_slips += 1
        _log.warning(
            "missed %d periods of the display from %d on; plain for %d, then faded in again",
            slip.n_missed,
            slip.vblank,
            slip.n_plain,
        )
        self._on_slip(slip)

    def _draw(self, period: Period) -> bool:
        """Draw what a period shows; return whether that is plain."""
        if period.slot == 0 and period.cycle != self._cycle:
            self._turn(period)
        self._cycle = period.cycle
        own = self._cycles[self._on]
        if period.strength > 0 and own.is_ready_for(period.strength):
            self._drawer.show(self._on, period.slot)
            return False
        self._drawer.show_plain(self._on)
        return True

    def _turn(self, period: Period) -> None:
        """Go on to the cycle that was prepared, if it is ready."""
        own, ahead = self._cycles[self._on], self._cycles[1 - self._on]
        if not self._is_preparing:
            pass
        elif ahead.is_ready_for(period.strength):
            self._on = 1 - self._on
            self._is_preparing = False
            return
        else:
            self.stats.n_late += 1
        if period.strength > 0 and not own.is_ready_for(period.strength):
            _log.warning("cycle %d is plain: its sub-frames were not ready", period.cycle)
            self._on_plain(self._n_slots)

    def _prepare(self, clock: CycleClock, target: int, period: Period) -> None:
        """Do what the next cycle needs, as far as there is time."""
        if self._last_cycle is None and self._asked_for < period.cycle + 1:
            self._ask(period.cycle + 1)
        if self._last_cycle is not None:
            return
        strength = clock.at(target - period.slot + self._n_slots).strength
        own, ahead = self._cycles[self._on], self._cycles[1 - self._on]
        if not self._is_preparing:
            if self._newest is own.picture and (strength <= 0 or own.strength == strength):
                if self._n_stood > _STANDS_CYCLES:
                    self._load_spare(ahead)
                return
            self._is_preparing = True
            self._begin(ahead)
            if ahead.strength != strength:
                ahead.n_made = 0
        elif self._is_quick():
            self._begin(ahead)  # a slip may have left out the cycle that it was for
        if strength > 0 and (ahead.strength > strength or ahead.n_made == 0) and ahead.strength != strength:
            ahead.strength, ahead.n_made = strength, 0
        while not (ahead.is_loaded and (strength <= 0 or ahead.is_made)) and self._has_time():
            self._do_part(1 - self._on)

    def _ask(self, cycle: int) -> None:
        self._asked_for = cycle
        picture = self._picture_at(cycle)
        if picture is None:
            self._last_cycle = cycle - 1
        else:
            self._n_stood = self._n_stood + 1 if picture is self._newest else 0
            self._newest = picture

    def _load_spare(self, spare: _Cycle) -> None:
        """Have a picture that stands twice: after a slip the modulation rises anew, in cycles of the same picture."""
        self._begin(spare)
        while not spare.is_loaded and self._has_time():
            self._do_part(1 - self._on)

    def _begin(self, cycle: _Cycle) -> None:
        if cycle.picture is not self._newest:
            cycle.picture, cycle.n_loaded, cycle.n_made = self._newest, 0, 0

    def _is_quick(self) -> bool:
        """Whether a whole cycle can be made within one period."""
        return 2 * self._drawer.n_parts * self._part_s < _BUSY_SHARE / self._refresh_hz

    def _has_time(self) -> bool:
        # After a stall the last flip is long ago: who is quick has time in what is left of the period.
        begun_s = self._begun_s if self._is_quick() else self._flipped_s
        now_s = self._now_s()
        ends_in_time = now_s - begun_s + self._part_s < _BUSY_SHARE / self._refresh_hz
        return ends_in_time or now_s - self._worked_s > _LONGEST_REST_S

    def _do_part(self, where: int) -> None:
        begin_s = self._now_s()
        cycle = self._cycles[where]
        if not cycle.is_loaded:
            self._load_part(where)
        else:
            self._drawer.render(where, cycle.strength, cycle.n_made, cycle.n_parts)
            cycle.n_made += 1
        self._drawer.finish()
        self._worked_s = self._now_s()
        self._parts_s.append(self._worked_s - begin_s)
        self._part_s = statistics.median(self._parts_s)

    def _load_part(self, where: int) -> None:
        cycle = self._cycles[where]
        assert cycle.picture is not None  # noqa: S101 - set by whoever began
        self._drawer.load(where, cycle.picture, cycle.n_loaded, cycle.n_parts)
        cycle.n_loaded += 1

    def _count(self, shown: int, is_plain: bool) -> None:
        now_s = self._now_s()
        stats = self.stats
        if not stats.n_flips:
            self._first_s = now_s
        else:
            stats.worst_interval_s = max(stats.worst_interval_s, now_s - self._flipped_s)
        self._flipped_s = now_s
        self._shown_vblank = shown
        stats.n_flips += 1
        stats.n_plain += is_plain
        stats.elapsed_s = now_s - self._first_s


@contextlib.contextmanager
def _swift_thread() -> Iterator[None]:
    """Let neither old garbage nor other threads of Python hold this one up."""
    gc.collect()
    gc.freeze()
    try:
        with swift_switching():
            yield
    finally:
        gc.unfreeze()
