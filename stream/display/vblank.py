"""The display's own count of periods, from one vertical blank to the next: what parity is driven by.

Where the system counts (X11 with GLX_OML_sync_control, which Mesa's hardware drivers have) it is asked, and says in
which period a flip really happened. Elsewhere a flip returns when its period begins, some hundredths of a millisecond
later or, when the machine is busy, more: `PhaseLock` makes a count of such times. Where flips do not wait at all
(drawing in software, or a driver told not to) a clock takes the display's place, and pictures may tear.

Limits: only the last two could be tried where this was written, on X servers without a screen; the first is held by
tests against a driver of their own.

References
----------
.. [1] GLX_OML_sync_control, OpenGL Extension Registry, number 252: the media stream counter (MSC) counts vertical
   retraces, and glXWaitForSbcOML returns its value at the swap that was waited for.
"""

import ctypes
import math
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from stream.display.window import Window

_N_TRIALS: Final = 12
"""Flips by which is found out whether flips wait."""

_WAITS: Final = 0.7
"""Share of a period that a flip takes at least, where flips wait."""

_SLEEPS_LONGER_S: Final = 0.0005
"""Sleeping ends this much too late now and then: the rest of a wait is spent looking at the clock."""


class Vblanks(Protocol):
    """Counts the periods of a display, and flips. All calls come from the thread of the window."""

    how: str
    """How the count is come by, for the log."""

    def count(self) -> int:
        """Return the number of the period that the display is in."""

    def flip(self, target: int) -> int:
        """Show what was drawn, and wait until it is on the display.

        Parameters
        ----------
        target : int
            The period that it was drawn for: that after `count`.

        Returns
        -------
        int
            The first period that shows it; later than `target` where it was missed.
        """


class PhaseLock:
    """Makes a count of periods from the times at which flips returned.

    A return can be late by any amount and early by none, so that early ones move the estimate at once, late ones
    hardly. A return that is half a period late is taken for a missed period; if the next one shows that it was not, the
    count goes back: the display is where it is, whatever was thought of it.

    Parameters
    ----------
    refresh_hz : float
        Nominal periods a second; the real rate is followed within half a hundredth.
    now_s : float
        When the period of count 0 began, about.
    """

    def __init__(self, refresh_hz: float, now_s: float) -> None:
        self._nominal_s = self._period_s = 1.0 / refresh_hz
        self._edge_s = now_s
        self._count = 0

    @property
    def period_s(self) -> float:
        """The real period, as far as it is known."""
        return self._period_s

    def observe(self, now_s: float) -> int:
        """Take note of a flip that has returned.

        Parameters
        ----------
        now_s : float
            When.

        Returns
        -------
        int
            The period that it was shown in first.
        """
        n_periods = max(0, round((now_s - self._edge_s) / self._period_s))
        expected_s = self._edge_s + n_periods * self._period_s
        late_s = max(-0.5 * self._period_s, now_s - expected_s)
        # One weighting for both: where it balances, the edge stands still and so does the rate.
        correction_s = (0.5 if late_s < 0 else 0.05) * late_s
        self._edge_s = expected_s + correction_s
        if n_periods == 1:
            period_s = self._period_s + 0.01 * correction_s
            self._period_s = min(max(period_s, 0.995 * self._nominal_s), 1.005 * self._nominal_s)
        self._count += n_periods
        return self._count

    def count(self, now_s: float) -> int:
        """Return the number of the period at a time, not before the last flip's.

        Parameters
        ----------
        now_s : float
            When.
        """
        return self._count + max(0, math.floor((now_s - self._edge_s) / self._period_s))


class EstimatedVblanks:
    """Counts by the times at which flips return, where those wait for the display.

    Parameters
    ----------
    window : Window
        Opened with `waits_for_vblank`.
    refresh_hz : float
        Nominal periods a second.
    """

    how = "by the times at which flips return"

    def __init__(self, window: Window, refresh_hz: float) -> None:
        self._window = window
        _flip_and_wait(window)
        self._lock = PhaseLock(refresh_hz, time.perf_counter())

    def count(self) -> int:
        """Return the number of the period that the display is in."""
        return self._lock.count(time.perf_counter())

    def flip(self, target: int) -> int:  # noqa: ARG002 - the display waits by itself
        """Show what was drawn, see `Vblanks.flip`.

        Parameters
        ----------
        target : int
            Not needed.

        Returns
        -------
        int
            The first period that shows it.
        """
        _flip_and_wait(self._window)
        return self._lock.observe(time.perf_counter())


class PacedVblanks:
    """Counts by a clock, where flips do not wait: right in the mean, but pictures may tear.

    Parameters
    ----------
    flip : callable
        Shows it at once.
    refresh_hz : float
        Periods a second.
    clock, sleep : callable, optional
        For tests.
    """

    how = "by a clock, because flips do not wait for the display: pictures may tear"

    def __init__(
        self,
        flip: Callable[[], None],
        refresh_hz: float,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._flip = flip
        self._rate_hz = refresh_hz
        self._clock, self._sleep = clock, sleep
        self._begin_s = clock()

    def count(self) -> int:
        """Return the number of the period that the clock is in."""
        return math.floor((self._clock() - self._begin_s) * self._rate_hz)

    def flip(self, target: int) -> int:
        """Show what was drawn when its period begins, see `Vblanks.flip`.

        Parameters
        ----------
        target : int
            The period.

        Returns
        -------
        int
            The first period that shows it.
        """
        due_s = self._begin_s + target / self._rate_hz
        while (left_s := due_s - self._clock()) > 0:
            if left_s > _SLEEPS_LONGER_S:
                self._sleep(left_s - _SLEEPS_LONGER_S)
            else:
                self._sleep(0)
        shown = max(target, self.count())
        self._flip()
        return shown


class OmlVblanks:
    """Counts by GLX_OML_sync_control [1]_, see the module: `open` gives one where the driver has it.

    Parameters
    ----------
    flip : callable
        Hands over what was drawn.
    wait : callable
        glXWaitForSbcOML with display and drawable given: takes the count of swaps to wait for (0: all that were handed
        over) and three references, returns whether it worked.
    ask : callable
        glXGetSyncValuesOML likewise, without the count of swaps.
    """

    how = "by the display's own count"

    def __init__(self, flip: Callable[[], None], wait: Callable[..., int], ask: Callable[..., int]) -> None:
        self._flip, self._wait, self._ask = flip, wait, ask
        self._time, self._period, self._swap = (ctypes.c_int64() for _ in range(3))
        self._references = tuple(ctypes.byref(value) for value in (self._time, self._period, self._swap))
        self.is_broken = False

    @classmethod
    def open(cls, window: Window) -> "OmlVblanks | None":
        """Return one for a window, or None where the driver does not count.

        Parameters
        ----------
        window : Window
            Open.
        """
        found = _oml_functions(window)
        if found is None:
            return None
        clock = cls(window.flip, *found)
        first = clock.flip(0)
        second = clock.flip(0)
        return None if clock.is_broken or second <= first else clock

    def count(self) -> int:
        """Return the number of the period that the display is in."""
        self.is_broken |= not self._ask(*self._references)
        return self._period.value

    def flip(self, target: int) -> int:  # noqa: ARG002 - the display waits by itself
        """Show what was drawn, see `Vblanks.flip`.

        Parameters
        ----------
        target : int
            Not needed.

        Returns
        -------
        int
            The first period that shows it.
        """
        self._flip()
        self.is_broken |= not self._wait(0, *self._references)
        return self._period.value


def choose_vblanks(window: Window, refresh_hz: float) -> Vblanks:
    """Find the best count that there is; takes a dozen periods.

    Parameters
    ----------
    window : Window
        Opened with `waits_for_vblank`, shown.
    refresh_hz : float
        Nominal periods a second.

    Returns
    -------
    Vblanks
        The count. What is doubtful about it is added to the window's warnings.
    """
    counted = OmlVblanks.open(window)
    if counted is not None:
        return counted
    took_s = []
    for _ in range(_N_TRIALS):
        begin_s = time.perf_counter()
        _flip_and_wait(window)
        took_s.append(time.perf_counter() - begin_s)
    if statistics.median(took_s) < _WAITS / refresh_hz:
        paced = PacedVblanks(window.flip, refresh_hz)
        window.warnings.append(f"periods are counted {paced.how}; switch vertical synchronisation on")
        return paced
    return EstimatedVblanks(window, refresh_hz)


def _flip_and_wait(window: Window) -> None:
    window.flip()
    window.context.finish()  # a driver may let a flip return at once, and the next command wait


def _oml_functions(window: Window) -> tuple[Callable[..., int], Callable[..., int]] | None:
    if sys.platform != "linux":
        return None
    handles = window.glx_handles("GLX_OML_sync_control")
    if handles is None:
        return None
    display, drawable, load = handles
    longs = [ctypes.POINTER(ctypes.c_int64)] * 3
    start = [ctypes.c_void_p, ctypes.c_ulong]
    wait_kind: Any = ctypes.CFUNCTYPE(ctypes.c_int, *start, ctypes.c_int64, *longs)
    ask_kind: Any = ctypes.CFUNCTYPE(ctypes.c_int, *start, *longs)
    wait_at, ask_at = load("glXWaitForSbcOML"), load("glXGetSyncValuesOML")
    if not wait_at or not ask_at:
        return None
    wait, ask = wait_kind(wait_at), ask_kind(ask_at)
    return (
        lambda n_swaps, *values: wait(display, drawable, n_swaps, *values),
        lambda *values: ask(display, drawable, *values),
    )
