"""Shows for each period of the display the sub-frame that the period asks for.

Parity is the display's: what is drawn depends on the number of the period that will show it, never on how many flips
there were. Before drawing and once more before the flip the display's count is asked; where it has gone on, the missed
periods are told to the cycle clock, which has the rest of the cycle shown plain and the modulation rise again. A flip
that is late in itself shows a sub-frame where it does not belong, which cannot be undone: the next period is plain.

Sub-frames of the next cycle are made while the present one is shown, a part in each period, so that what a period needs
is one copy. A cycle that shows the picture of the one before at the same strength needs nothing.

Limits: a cycle that is skipped in a stall is not made up for; its rest shows the old picture, plain.
"""

import contextlib
import gc
import logging
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from pipelines.base import Image
from pipelines.kaleido.contract import Period
from pipelines.kaleido.schedule import CycleClock, Slip
from stream.display.vblank import Vblanks

_log = logging.getLogger(__name__)

_SWITCH_S: Final = 0.0005
"""Another thread of Python may keep the interpreter this long; 5 ms, the default, is most of a period."""

PictureAt = Callable[[int], Image | None]
"""Takes the number of a cycle, each once and ascending, some left out; gives its picture or None after the last one.

Asked one cycle ahead, from the player's thread, which waits: it must return within a millisecond or so. An array that
was given is not written to again; the same array given again means the same picture and costs nothing.
"""


class Drawer(Protocol):
    """Keeps two cycles, 0 and 1, and shows their sub-frames. All calls come from the player's thread."""

    def load(self, where: int, picture: Image) -> None:
        """Take a picture.

        Parameters
        ----------
        where : int
            For which of the two cycles.
        picture : ndarray
            (height, width, 3) uint8 BGR; no longer needed afterwards.
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
    elapsed_s : float
        Since the first flip.
    worst_interval_s : float
        Longest time between two flips.
    """

    n_flips: int = 0
    n_missed: int = 0
    n_slips: int = 0
    n_plain: int = 0
    elapsed_s: float = 0.0
    worst_interval_s: float = 0.0

    @property
    def rate_hz(self) -> float:
        """Flips a second."""
        return (self.n_flips - 1) / self.elapsed_s if self.elapsed_s > 0 else 0.0


@dataclass(slots=True)
class _Cycle:
    """What the drawer keeps of one of its two cycles."""

    number: int = -1
    picture: Image | None = None
    strength: float = 0.0
    n_parts_made: int = 0


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
    is_wanted : callable, optional
        Called once a period, such as to handle the window's events; False ends.
    n_periods : int, optional
        Periods in all, where known: see `CycleClock`.

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
        is_wanted: Callable[[], bool] = lambda: True,
        n_periods: int | None = None,
    ) -> None:
        self._drawer, self._vblanks = drawer, vblanks
        self._n_slots, self._refresh_hz, self._fade_s = n_slots, refresh_hz, fade_s
        self._picture_at, self._on_slip, self._is_wanted = picture_at, on_slip, is_wanted
        self._n_periods = n_periods
        self._cycles = (_Cycle(), _Cycle())
        self._on = 0
        self._asked_for = 0
        self._last_cycle: int | None = None
        self._is_stopped = False
        self.first_vblank = 0
        self._shown_vblank = -1
        self._flipped_s = 0.0
        self._first_s = 0.0
        self._clock: CycleClock | None = None
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
        picture = self._picture_at(0)
        if picture is None:
            return self.stats
        self._load(0, picture)
        self._cycles[0].number = 0
        expected = self.first_vblank = self._vblanks.count() + 2
        clock = self._clock = CycleClock(
            self._n_slots, self._refresh_hz, self._fade_s, first_vblank=expected, n_periods=self._n_periods
        )
        is_second_try = False
        with _swift_thread():
            while self._is_wanted() and not self._is_stopped:
                target = max(expected, self._vblanks.count() + 1)
                if target > expected:
                    self._slip(clock, expected, target - expected)
                    expected = target
                period = clock.at(target)
                if self._last_cycle is not None and period.cycle > self._last_cycle:
                    break
                self._draw(period)
                self._prepare(clock, target, period)
                self._drawer.finish()
                is_second_try = not is_second_try and self._vblanks.count() >= target
                if is_second_try:
                    continue  # it took too long: what was drawn belongs to a period that is over
                shown = self._vblanks.flip(target)
                self._count(shown, period)
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

    def _draw(self, period: Period) -> None:
        ahead = self._cycles[1 - self._on]
        if period.slot == 0 and ahead.number == period.cycle:
            self._on = 1 - self._on
        cycle = self._cycles[self._on]
        if period.strength <= 0:
            self._drawer.show_plain(self._on)
            return
        while cycle.strength != period.strength or cycle.n_parts_made < self._n_slots:
            self._make_part(self._on, period.strength)
        self._drawer.show(self._on, period.slot)

    def _prepare(self, clock: CycleClock, target: int, period: Period) -> None:
        """Do a part of what the next cycle needs."""
        following = period.cycle + 1
        own, ahead = self._cycles[self._on], self._cycles[1 - self._on]
        if self._asked_for < following:
            self._asked_for = following
            picture = self._picture_at(following)
            if picture is None:
                self._last_cycle = period.cycle
                return
            if picture is not own.picture:
                self._load(1 - self._on, picture)
                ahead.number = following
                return
            ahead.number = -1  # the present one goes on
        if self._last_cycle is not None:
            return
        strength = clock.at(target - period.slot + self._n_slots).strength
        if ahead.number != following:
            is_ready = own.strength == strength and own.n_parts_made == self._n_slots
            if strength <= 0 or is_ready or own.picture is None:
                return
            # Its sub-frames are being shown: those of another strength are made beside them.
            self._load(1 - self._on, own.picture)
            ahead.number = following
        if strength > 0 and (ahead.strength != strength or ahead.n_parts_made < self._n_slots):
            self._make_part(1 - self._on, strength)

    def _load(self, where: int, picture: Image) -> None:
        cycle = self._cycles[where]
        if cycle.picture is not picture:
            self._drawer.load(where, picture)
            cycle.picture = picture
            cycle.strength, cycle.n_parts_made = 0.0, 0

    def _make_part(self, where: int, strength: float) -> None:
        cycle = self._cycles[where]
        if cycle.strength != strength:
            cycle.strength, cycle.n_parts_made = strength, 0
        self._drawer.render(where, strength, cycle.n_parts_made, self._n_slots)
        cycle.n_parts_made += 1

    def _count(self, shown: int, period: Period) -> None:
        now_s = time.perf_counter()
        stats = self.stats
        if stats.n_flips == 0:
            self._first_s = now_s
        else:
            stats.worst_interval_s = max(stats.worst_interval_s, now_s - self._flipped_s)
        self._flipped_s = now_s
        self._shown_vblank = shown
        stats.n_flips += 1
        stats.n_plain += period.strength <= 0
        stats.elapsed_s = now_s - self._first_s


@contextlib.contextmanager
def _swift_thread() -> Iterator[None]:
    """Let neither old garbage nor other threads of Python hold this one up."""
    before_s = sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
        gc.unfreeze()
