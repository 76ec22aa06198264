"""A window that plays a recorded call, by a process of its own that costs little: what a watched call looks like.

The pictures are decoded, enlarged and handed to the X server before the window is shown; then one short request a
frame makes the server copy one of them into the window. The log says when each frame came up, so that a measurement
can say whether the call itself was played at its rate.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from window_process import window_process

_STARTS_IN_S = 120.0


@dataclass
class Played:
    """When each frame was played, known once the window is closed.

    Attributes
    ----------
    due_s, shown_s : ndarray
        (n,) seconds of `time.perf_counter`: when it was due, and when it was on the screen.
    """

    due_s: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    shown_s: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def rate_hz(self) -> float:
        """Frames shown a second."""
        return float((self.shown_s.size - 1) / (self.shown_s[-1] - self.shown_s[0]))


@contextmanager
def call_window(
    video: Path, log: Path, size_px: tuple[int, int], n_frames: int, rate_hz: float = 30.0
) -> Iterator[Played]:
    """Play the first frames of a video over and over, in the top left corner of the server of DISPLAY.

    The X server holds `n_frames` pictures of `size_px` (width, height), four bytes a pixel.
    """
    played = Played()
    with window_process(Path(__file__), (video, log, *size_px, n_frames, rate_hz), "playing", _STARTS_IN_S):
        yield played
    played.due_s, played.shown_s = np.load(log)


class _Window:
    """A window of the X server, and the pictures that it can show."""

    def __init__(self, size_px: tuple[int, int]) -> None:
        import xcffib
        from xcffib import xproto

        self._size_px = size_px
        connection: Any = xcffib.connect(display=os.environ["DISPLAY"])  # type: ignore[no-untyped-call]
        self._xproto: Any = xproto  # has no types
        self._connection = connection
        self._core: Any = connection.core
        self._pixmaps: list[int] = []
        screen = connection.get_setup().roots[connection.pref_screen]
        assert screen.root_depth == 24
        self._window, self._gc = connection.generate_id(), connection.generate_id()
        look = (xproto.WindowClass.InputOutput, screen.root_visual, xproto.CW.BackPixel, [0])
        self._core.CreateWindow(24, self._window, screen.root, 0, 0, *size_px, 0, *look)
        self._core.CreateGC(self._gc, self._window, xproto.GC.GraphicsExposures, [0])

    def add(self, image: npt.NDArray[Any]) -> None:
        """Hand a BGR picture to the server."""
        width, height = self._size_px
        large = cv2.cvtColor(cv2.resize(image, self._size_px, interpolation=cv2.INTER_LINEAR), cv2.COLOR_BGR2BGRA)
        pixmap = self._connection.generate_id()
        self._core.CreatePixmap(24, pixmap, self._window, width, height)
        rows = 64  # a request has at most so many bytes
        for y in range(0, height, rows):
            part = large[y : y + rows].tobytes()
            place = (width, min(rows, height - y), 0, y, 0, 24)
            self._core.PutImage(self._xproto.ImageFormat.ZPixmap, pixmap, self._gc, *place, len(part), part)
        self._finish()
        self._pixmaps.append(pixmap)

    def open(self) -> None:
        """Show the window."""
        self._core.MapWindow(self._window)
        self._finish()

    def show(self, number: int) -> None:
        """Show one picture; return when it is on the screen."""
        pixmap = self._pixmaps[number % len(self._pixmaps)]
        self._core.CopyArea(pixmap, self._window, self._gc, 0, 0, 0, 0, *self._size_px)
        self._finish()

    def _finish(self) -> None:
        self._core.GetInputFocus().reply()


def _main(video: str, log: str, width: str, height: str, n_frames: str, rate_hz: str) -> None:
    is_over: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: is_over.append(True))
    window = _Window((int(width), int(height)))
    recording = cv2.VideoCapture(video)
    for _ in range(int(n_frames)):
        is_there, image = recording.read()
        if not is_there:
            break
        window.add(image)
    window.open()
    due_s, shown_s = [], []
    start_s = time.perf_counter()
    while not is_over:
        due_s.append(start_s + len(due_s) / float(rate_hz))
        time.sleep(max(0.0, due_s[-1] - time.perf_counter()))
        window.show(len(shown_s))
        shown_s.append(time.perf_counter())
        if len(shown_s) == 1:
            print("playing", flush=True)
    np.save(log, np.array([due_s[: len(shown_s)], shown_s]))


if __name__ == "__main__":
    _main(*sys.argv[1:])
