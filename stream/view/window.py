"""A plain window with the call and the growing room side by side, for a machine without a browser.

OpenCV's window is Qt's on Linux. Qt ends the whole process by abort() when it cannot reach a display, so the
display is tried first. Qt also belongs to the first thread that touched it, for as long as the process lives: the
window has a thread of its own, and a process has one window view. On macOS windows belong to the main thread,
which is the session's, so there the page is the view.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

import cv2
import numpy as np

from config.schema import PageSettings
from pipelines.base import Image
from stream.view.base import ViewCommand, ViewError
from stream.view.pictures import shrink_bgr, shrink_bgra

_log = logging.getLogger(__name__)

TITLE: Final = "Backroom"
KEYS_LINE: Final = "q stop   space pause   r reset   s save"

_PICTURES: Final = ("call", "room")
_KEY_WAIT_MS: Final = 25
_OPEN_WAIT_S: Final = 10.0
_LINE_PX: Final = 22
_CHECK_PX: Final = 10
_CHECK_GREYS: Final = (52, 72)
_BGRA_CHANNELS: Final = 4
_Asked = Literal["pause", "resume", "reset", "save", "stop"]
_KEYS: Final[Mapping[int, _Asked]] = {ord("q"): "stop", ord("r"): "reset", ord("s"): "save"}


class WindowView:
    """Shows a session in an OpenCV window; may be called from any thread, once in a process.

    Parameters
    ----------
    settings : PageSettings
        Rate of the pictures and width of each of the two.

    Raises
    ------
    ViewError
        If there is no display, this process had a window view before, or OpenCV has no windows.
    """

    _opened_in_this_process: ClassVar[bool] = False

    def __init__(self, settings: PageSettings) -> None:
        check_display()
        if WindowView._opened_in_this_process:
            raise ViewError("window: this process had one before and Qt allows no second; start the program again")
        WindowView._opened_in_this_process = True
        self._settings = settings
        self._lock = threading.Lock()
        self._images: dict[str, Image] = {}
        self._shown_at_s = dict.fromkeys(_PICTURES, -np.inf)
        self._numbers: dict[str, Any] = {}
        self._is_paused = False
        self._has_changed = True
        self._commands: list[ViewCommand] = []
        self._stopping = threading.Event()
        self._opened = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="window", daemon=True)
        self._thread.start()
        self._opened.wait(_OPEN_WAIT_S)
        if self._error is not None:
            raise ViewError(f"window: OpenCV cannot open one ({self._error}); use the page instead")

    def wants_picture(self, name: str) -> bool:
        """Say whether a picture of that name is due: it has a place in the window and the last one is old enough.

        Parameters
        ----------
        name : str
            ``call`` and ``room`` have a place.

        Returns
        -------
        bool
            True if `show_picture` should be called now.
        """
        if name not in _PICTURES or self._stopping.is_set():
            return False
        with self._lock:
            return time.monotonic() - self._shown_at_s[name] >= 1.0 / self._settings.picture_rate_hz

    def show_picture(self, name: str, image: Image) -> None:
        """Show a picture; returns at once, scaling happens in the window's thread.

        Parameters
        ----------
        name : str
            As in `wants_picture`; any other is left out.
        image : ndarray
            (height, width, 3) BGR or (height, width, 4) BGRA uint8; never written again by the caller.
        """
        if name not in _PICTURES:
            return
        with self._lock:
            self._images[name] = image
            self._shown_at_s[name] = time.monotonic()
            self._has_changed = True

    def show_numbers(self, numbers: dict[str, Any]) -> None:
        """Show the session's figures as lines under the pictures.

        Parameters
        ----------
        numbers : dict
            As `View.show_numbers` documents them.
        """
        with self._lock:
            self._numbers = dict(numbers)
            self._is_paused = numbers.get("state") == "paused"
            self._has_changed = True

    def take_commands(self) -> Sequence[ViewCommand]:
        """Return what keys asked for since the last call, oldest first; closing the window asks to stop."""
        with self._lock:
            commands, self._commands = self._commands, []
        return commands

    def close(self) -> None:
        """Close the window and end its thread; calling it again does nothing."""
        self._stopping.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            first = compose({}, {}, self._settings.picture_width_px)
            cv2.resizeWindow(TITLE, first.shape[1], first.shape[0])
            self._show_until_closed()
        except cv2.error as error:
            self._error = error
            if self._opened.is_set():  # nobody waits in the constructor any more
                _log.error("window: closed by an error of OpenCV (%s); the session goes on without it", error)
        finally:
            self._opened.set()

    def _show_until_closed(self) -> None:
        while not self._stopping.is_set():
            self._redraw()
            self._press(cv2.waitKey(_KEY_WAIT_MS))
            self._opened.set()
            if cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
                self._ask("stop")
                self._stopping.set()
                return
        cv2.destroyWindow(TITLE)
        cv2.waitKey(1)  # Qt closes it while it handles events

    def _redraw(self) -> None:
        with self._lock:
            if not self._has_changed:
                return
            self._has_changed = False
            images, numbers = dict(self._images), self._numbers
        cv2.imshow(TITLE, compose(images, numbers, self._settings.picture_width_px))

    def _press(self, key: int) -> None:
        if key == ord(" "):
            self._ask("resume" if self._is_paused else "pause")
            self._is_paused = not self._is_paused
        elif key in _KEYS:
            self._ask(_KEYS[key])

    def _ask(self, kind: _Asked) -> None:
        with self._lock:
            self._commands.append(ViewCommand(kind))


def check_display() -> None:
    """Try whether a window can be opened, without Qt, which would abort the process.

    Raises
    ------
    ViewError
        If there is no display to connect to.
    """
    if sys.platform == "darwin":
        raise ViewError("window: macOS gives windows to the main thread only, which captures; use the page instead")
    if sys.platform != "linux":
        return
    import xcffib
    import xcffib.xproto  # a connection does not work without

    display = os.environ.get("DISPLAY", "")
    if not display:
        raise ViewError("window: DISPLAY is not set, so there is no screen to open one on; use the page instead")
    try:
        xcffib.connect(display=display).disconnect()  # type: ignore[no-untyped-call]
    except xcffib.ConnectionException:
        raise ViewError(
            f"window: no display answers at DISPLAY={display}; set it right or use the page instead"
        ) from None
    # OpenCV brings Qt's X11 plug-in only; a desktop that asks for another, such as wayland, would abort it.
    os.environ["QT_QPA_PLATFORM"] = "xcb"


def compose(images: dict[str, Image], numbers: dict[str, Any], width_px: int) -> Image:
    """Lay out the window: the call, the room on a checkerboard, and lines of text below.

    Parameters
    ----------
    images : dict of str to ndarray
        ``call`` and ``room`` as far as they are there, of any size.
    numbers : dict
        As `View.show_numbers` documents them; may be empty.
    width_px : int
        Width of each of the two pictures.

    Returns
    -------
    ndarray
        (height, 2 * width_px, 3) uint8 BGR.
    """
    height_px = _picture_height_px(images, width_px)
    panes = [_pane(images.get(name), width_px, height_px) for name in _PICTURES]
    if "call" not in images:
        _write(panes[0], "waiting for the first frame", height_px // 2)
    lines = _lines(numbers)
    bar = np.full((_LINE_PX * len(lines) + _LINE_PX // 2, 2 * width_px, 3), 24, np.uint8)
    for n, line in enumerate(lines, start=1):
        _write(bar, line, n * _LINE_PX)
    return np.vstack([np.hstack(panes), bar])


def _picture_height_px(images: dict[str, Image], width_px: int) -> int:
    image = images.get("call", images.get("room"))
    height: int
    width: int
    height, width = image.shape[:2] if image is not None else (9, 16)
    return max(1, round(height * width_px / width))


def _pane(image: Image | None, width_px: int, height_px: int) -> Image:
    pane = _checkerboard(height_px, width_px)
    if image is None:
        return pane
    if image.shape[2] != _BGRA_CHANNELS:
        return np.asarray(cv2.resize(shrink_bgr(image, width_px), (width_px, height_px)), np.uint8)
    small = cv2.resize(shrink_bgra(image, width_px), (width_px, height_px), interpolation=cv2.INTER_NEAREST)
    opaque = small[:, :, 3:].astype(np.float32) / 255
    return np.rint(opaque * small[:, :, :3] + (1 - opaque) * pane).astype(np.uint8)


def _checkerboard(height_px: int, width_px: int) -> Image:
    y, x = np.ogrid[:height_px, :width_px]
    squares = np.where((y // _CHECK_PX + x // _CHECK_PX) % 2, *_CHECK_GREYS).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(squares[:, :, None], 3, axis=2))


def _lines(numbers: dict[str, Any]) -> list[str]:
    """Return four lines: state, what is degraded, the last event, the keys."""
    coverage = numbers.get("coverage")
    parts = [
        str(numbers.get("state", "starting")),
        f"coverage {100 * coverage:.1f} %" if coverage is not None else "",
        f"{numbers.get('rate_hz') or 0:.1f} frames/s",
        f"dropped {numbers.get('dropped', 0)}",
    ]
    state = "   ".join(part for part in parts if part)
    return [state, "; ".join(numbers.get("notices", [])), str(numbers.get("message", "")), KEYS_LINE]


def _write(image: Image, text: str, baseline_px: int) -> None:
    plain = text.encode("ascii", "replace").decode("ascii")  # OpenCV 4 draws no other letters
    cv2.putText(image, plain, (10, baseline_px), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (225, 225, 225), 1, cv2.LINE_AA)
