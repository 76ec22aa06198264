"""A window that counts fast, drawn by a process of its own: its number can be read back exactly from a screenshot.

The number is a strip of black and white blocks, its bits above and their complements below, put on the screen by one
request: the X server answers one request after the other, so that no grab sees half a number. A patch moves below.
The number follows the clock: a window that is held up skips numbers, and its log says which ones it showed and when.
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

import numpy as np
import numpy.typing as npt
from window_process import window_process

BLOCK_PX = 16
N_BITS = 20
STRIP_PX = (N_BITS * BLOCK_PX, 2 * BLOCK_PX)
BACKGROUND, PATCH = 0x204060, 0xE0C040  # 0xRRGGBB
_PATCH_PX = 64
_STARTS_IN_S = 20.0

Picture = npt.NDArray[np.uint8]


@dataclass
class Shown:
    """What the window showed, known once it is closed.

    Attributes
    ----------
    numbers : ndarray
        (n,) int64, rising.
    begin_s, end_s : ndarray
        (n,) seconds of `time.perf_counter`: each number came up between the two.
    """

    numbers: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    begin_s: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    end_s: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@contextmanager
def number_window(
    log: Path, place_px: tuple[int, int], size_px: tuple[int, int], rate_hz: float = 70.0
) -> Iterator[Shown]:
    """Show the window on the server of DISPLAY; what it showed is filled in when the block ends."""
    shown = Shown()
    with window_process(Path(__file__), (log, *place_px, *size_px, rate_hz), "shown", _STARTS_IN_S):
        yield shown
    rows = np.load(log)
    shown.numbers, shown.begin_s, shown.end_s = rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2]


def read_number(image: Picture) -> int:
    """Return the number in a picture whose top left corner is the window's; an error if it is not there in whole."""
    centers = np.arange(N_BITS) * BLOCK_PX + BLOCK_PX // 2
    bits, complements = (image[row, centers] for row in (BLOCK_PX // 2, BLOCK_PX + BLOCK_PX // 2))
    assert np.isin(bits, (0, 255)).all(), "the strip is not black and white"
    assert (bits == 255 - complements).all(), "the strip is torn"
    return int((bits[:, 0] == 255) @ (1 << np.arange(N_BITS, dtype=np.int64)))


def _strip(number: int) -> bytes:
    """Return the strip's pixels, four bytes each, as a server of depth 24 takes them."""
    bits = (number >> np.arange(N_BITS)) & 1
    blocks = np.stack([bits, 1 - bits]).astype(np.uint8) * 255
    gray = np.kron(blocks, np.ones((BLOCK_PX, BLOCK_PX), np.uint8))
    return np.repeat(gray[..., None], 4, axis=2).tobytes()


class _Window:
    def __init__(self, place_px: tuple[int, int], size_px: tuple[int, int]) -> None:
        import xcffib
        from xcffib import xproto

        self._xproto: Any = xproto  # has no types
        connection: Any = xcffib.connect(display=os.environ["DISPLAY"])  # type: ignore[no-untyped-call]
        self._core: Any = connection.core
        screen = connection.get_setup().roots[connection.pref_screen]
        assert screen.root_depth == 24
        self._width, self._height = size_px
        self._window, self._strip_gc, self._patch_gc = (connection.generate_id() for _ in range(3))
        look = (xproto.WindowClass.InputOutput, screen.root_visual, xproto.CW.BackPixel, [BACKGROUND])
        self._core.CreateWindow(24, self._window, screen.root, *place_px, *size_px, 0, *look)
        self._core.CreateGC(self._strip_gc, self._window, 0, [])
        self._core.CreateGC(self._patch_gc, self._window, xproto.GC.Foreground, [PATCH])
        self._core.MapWindow(self._window)
        self._patch_at = (0, 2 * BLOCK_PX)
        self._finish()

    def show(self, number: int) -> None:
        strip = _strip(number)
        self._core.PutImage(
            self._xproto.ImageFormat.ZPixmap, self._window, self._strip_gc, *STRIP_PX, 0, 0, 0, 24, len(strip), strip
        )
        self._core.ClearArea(False, self._window, *self._patch_at, _PATCH_PX, _PATCH_PX)
        self._patch_at = (7 * number % (self._width - _PATCH_PX), self._height // 2)
        patch = self._xproto.RECTANGLE.synthetic(*self._patch_at, _PATCH_PX, _PATCH_PX)
        self._core.PolyFillRectangle(self._window, self._patch_gc, 1, [patch])
        self._finish()

    def _finish(self) -> None:
        self._core.GetInputFocus().reply()


def _main(log: str, x: str, y: str, width: str, height: str, rate_hz: str) -> None:
    is_over: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: is_over.append(True))
    window = _Window((int(x), int(y)), (int(width), int(height)))
    rows: list[tuple[int, float, float]] = []
    number = -1
    start_s = time.perf_counter()
    while not is_over:
        begin_s = time.perf_counter()
        number = max(number + 1, int((begin_s - start_s) * float(rate_hz)))
        window.show(number)
        rows.append((number, begin_s, time.perf_counter()))
        if len(rows) == 1:
            print("shown", flush=True)
        time.sleep(max(0.0, start_s + (number + 1) / float(rate_hz) - time.perf_counter()))
    np.save(log, np.array(rows))


if __name__ == "__main__":
    _main(*sys.argv[1:])
