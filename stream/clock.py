"""Time for pacing: when a frame is due. Injected wherever something waits, so that tests need not."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """A clock that can be waited on."""

    def now_s(self) -> float:
        """Return seconds since some fixed moment; never goes back."""

    def wait_until(self, moment_s: float, stop: threading.Event) -> None:
        """Return at `moment_s`, or as soon as `stop` is set.

        Parameters
        ----------
        moment_s : float
            On the scale of `now_s`; a moment that is past returns at once.
        stop : threading.Event
            Ends the wait.
        """


class MonotonicClock:
    """The machine's own clock."""

    def now_s(self) -> float:
        """Return seconds since some fixed moment; never goes back."""
        return time.perf_counter()

    def wait_until(self, moment_s: float, stop: threading.Event) -> None:
        """Return at `moment_s`, or as soon as `stop` is set.

        Parameters
        ----------
        moment_s : float
            On the scale of `now_s`.
        stop : threading.Event
            Ends the wait.
        """
        delay_s = moment_s - self.now_s()
        if delay_s > 0:
            stop.wait(delay_s)


class Pacer:
    """Releases frames at the times that they bear, against a clock.

    Parameters
    ----------
    clock : Clock
        What is waited on.

    Notes
    -----
    The first frame sets the origin. After a stall longer than `LATE_S` the origin moves, so that the frames
    that were missed are not hurried after.
    """

    LATE_S = 0.5

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._origin_s: float | None = None

    def wait_for(self, pts_s: float, stop: threading.Event) -> None:
        """Return when a frame is due.

        Parameters
        ----------
        pts_s : float
            The frame's time in seconds.
        stop : threading.Event
            Ends the wait.
        """
        now_s = self._clock.now_s()
        if self._origin_s is None or now_s - (self._origin_s + pts_s) > self.LATE_S:
            self._origin_s = now_s - pts_s
        self._clock.wait_until(self._origin_s + pts_s, stop)
