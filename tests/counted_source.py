"""A source whose frames are numbered, for the tests of what is shown when."""

import threading

import numpy as np

from pipelines.base import Frame, Image
from stream.sources.base import CaptureError, SourceInfo


class CountedStream:
    """Frames whose every pixel is their number, at times of the test's choice."""

    def __init__(
        self,
        times_s: list[float],
        *,
        is_live: bool = False,
        breaks: bool = False,
        gate: threading.Event | None = None,
        first: int = 0,
    ) -> None:
        self.info = SourceInfo(
            "counted",
            4,
            4,
            None if len(times_s) < 2 else 1 / (times_s[1] - times_s[0]),
            is_live,
            None if is_live else len(times_s),
        )
        self.status, self.n_missed = "", 0
        self.is_closed = False
        self._times_s, self._next, self._breaks, self._gate = times_s, first, breaks, gate

    def read(self) -> Frame | None:
        if self._gate is not None:
            self._gate.wait(10.0)
        if self._next == len(self._times_s):
            if self._breaks:
                raise CaptureError("counted: cut off; make a fresh copy")
            return None
        frame = Frame(np.full((4, 4, 3), self._next, np.uint8), self._times_s[self._next])
        self._next += 1
        return frame

    def close(self) -> None:
        self.is_closed = True


class Counted(CountedStream):
    """A recording of such frames: it can be entered anywhere."""

    def at(self, position_s: float) -> "Counted":
        other = Counted(self._times_s, breaks=self._breaks)
        other._next = max(i for i, time_s in enumerate(self._times_s) if time_s <= position_s)
        return other


def number(picture: Image | None) -> int | None:
    return None if picture is None else int(picture[0, 0, 0])


def steady(n: int, rate_hz: float) -> list[float]:
    return [i / rate_hz for i in range(n)]
