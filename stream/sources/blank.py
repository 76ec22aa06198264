"""A source without a device: the same empty picture again and again, at a rate, for what is drawn without a camera.

Live it keeps to the clock: times lie on a grid of the rate, and frames that it was too late for are missed and not
hurried after. With an end it is a recording of so many frames, which nobody waits for.
"""

import math
import threading

import numpy as np

from pipelines.base import Frame
from stream.clock import Clock, MonotonicClock
from stream.sources.base import SourceInfo

LEAST_LIVE_RATE_HZ = 1.0
"""A live source answers within a second; fewer frames a second are for the session to choose."""


class BlankSource:
    """Gives black frames, see `stream.sources.base.Source`; there is nothing in them that must be hidden.

    Parameters
    ----------
    name : str
        As a person would name what is drawn in their place.
    height, width : int
        Pixels.
    rate_hz : float
        Frames a second.
    n_frames : int, optional
        End after so many, as fast as they are taken; without it frames come live, without an end.
    clock : Clock, optional
        For tests.
    """

    def __init__(
        self,
        name: str,
        height: int,
        width: int,
        rate_hz: float,
        n_frames: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        is_live = n_frames is None
        self._rate_hz = max(rate_hz, LEAST_LIVE_RATE_HZ) if is_live else rate_hz
        self._info = SourceInfo(name, height, width, self._rate_hz, is_live, n_frames)
        self._clock = clock or MonotonicClock()
        self._closed = threading.Event()
        self._origin_s: float | None = None
        self._next = 0
        self._n_missed = 0

    @property
    def info(self) -> SourceInfo:
        """What the source is."""
        return self._info

    @property
    def status(self) -> str:
        """Nothing is ever wrong with it."""
        return ""

    @property
    def n_missed(self) -> int:
        """Frames whose time had passed before anybody asked for them."""
        return self._n_missed

    def read(self) -> Frame | None:
        """Wait until the next frame is due, a second at most.

        Returns
        -------
        Frame or None
            Black; None after the last one, and once closed.
        """
        if self._closed.is_set() or self._next == self._info.n_frames:
            return None
        if self._info.is_live:
            self._wait()
        self._next += 1
        # Each its own, as of every source; pages of zeros that nobody touches take neither time nor memory.
        image = np.zeros((self._info.height, self._info.width, 3), np.uint8)
        return Frame(image, (self._next - 1) / self._rate_hz)

    def close(self) -> None:
        """Give no more frames."""
        self._closed.set()

    def _wait(self) -> None:
        now_s = self._clock.now_s()
        if self._origin_s is None:
            self._origin_s = now_s
        newest = math.floor((now_s - self._origin_s) * self._rate_hz)
        if newest > self._next:
            self._n_missed += newest - self._next
            self._next = newest
        self._clock.wait_until(self._origin_s + self._next / self._rate_hz, self._closed)
