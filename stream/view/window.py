"""A plain window for a machine without a browser: two pictures side by side, figures and keys below.

Pictures are laid out in a thread of this view and shown by `stream.display`. Closing the window asks the session to
stop, because the keys went with it. Limits: no macOS, and it needs OpenGL, see `stream.display`.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import cv2
import numpy as np

from config.schema import PageSettings
from pipelines.base import Image
from stream.checkerboard import over_checkerboard
from stream.display.library import DisplayError
from stream.display.picture_window import PictureWindow
from stream.view.base import ViewCommand, ViewError
from stream.view.pictures import shrink_bgr, shrink_bgra

_log = logging.getLogger(__name__)

TITLE: Final = "Backroom: live view"


@dataclass(frozen=True, slots=True)
class Layout:
    """What a window shows of a session.

    Attributes
    ----------
    main : str
        Name of the picture on the left.
    beside : mapping of str to str
        What may stand beside it, and what it is called; `v` goes round those that the session has.
    keys : str
        The line about keys.
    """

    main: str
    beside: Mapping[str, str]
    keys: str


WATCH: Final = Layout(
    "call",
    {"room": "room", "backdrop": "backdrop", "confidence": "how sure", "leaks": "how often"},
    "q stop   space pause   r reset   s save   v other picture",
)
PROTECT: Final = Layout("output", {"mask": "mask"}, "q stop   space or p: hide me, and back   r the camera was moved")
LAYOUTS: Final = {
    "watch": WATCH,
    "protect": PROTECT,
    "background": Layout("output", {"mask": "mask"}, "q stop   space or p: a placeholder, and back"),
    "audit": Layout("output", {"mask": "mask"}, "q stop   space or p: pause"),
    "film": Layout(
        "output",
        {"seen": "what people see", "control": "recorded without protection"},
        "q stop   space or p: pause   v other picture",
    ),
}
"""By kind of session."""

_TURN_S: Final = 0.025
_LINE_PX: Final = 22
_BGRA_CHANNELS: Final = 4
_Asked = Literal["pause", "resume", "reset", "save", "stop"]
_PAUSE_KEYS: Final = ("space", "p")
_KEYS: Final[Mapping[str, _Asked]] = {"q": "stop", "r": "reset", "s": "save"}


class WindowView:
    """Shows a session in a window; may be called from any thread. One window at a time.

    Parameters
    ----------
    settings : PageSettings
        Rate of the pictures and width of each of the two.
    layout : Layout, optional
        What it shows.

    Raises
    ------
    ViewError
        If no window can be opened here.
    """

    def __init__(self, settings: PageSettings, layout: Layout = WATCH) -> None:
        self._settings = settings
        self._layout = layout
        self._pictures = (layout.main, *layout.beside)
        self._lock = threading.Lock()
        self._images: dict[str, Image] = {}
        self._shown_at_s = dict.fromkeys(self._pictures, -np.inf)
        self._offered: set[str] = set()
        self._beside = next(iter(layout.beside))
        self._numbers: dict[str, Any] = {}
        self._is_paused = False
        self._has_changed = False
        self._commands: list[ViewCommand] = []
        self._stopping = threading.Event()
        first = compose({}, {}, settings.picture_width_px, layout=layout)
        try:
            self._window = PictureWindow(TITLE, *first.shape[:2], takes_focus=True, on_key=self._press)
        except DisplayError as error:
            raise ViewError(f"window: {error}, or use the live page") from None
        self._window.show(first)
        self._thread = threading.Thread(target=self._run, name="window-view", daemon=True)
        self._thread.start()

    def wants_picture(self, name: str) -> bool:
        """Say whether a picture of that name is due: it has a place in the window and the last one is old enough.

        Parameters
        ----------
        name : str
            The layout's main picture has a place, and one of those beside it.

        Returns
        -------
        bool
            True if `show_picture` should be called now.
        """
        if name not in self._pictures or self._stopping.is_set():
            return False
        with self._lock:
            self._offered.add(name)
            if name not in (self._layout.main, self._beside):
                return False
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
        if name not in self._pictures:
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
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping.wait(_TURN_S):
                layout = self._newest_layout()
                if layout is not None:
                    self._window.show(layout)
                if self._window.is_closed:
                    self._ask("stop")
                    return
            self._window.close()
        except DisplayError as error:
            _log.error("window: %s; the session goes on without it", error)

    def _newest_layout(self) -> Image | None:
        """Return what to show, or None where nothing changed since the last time."""
        with self._lock:
            if not self._has_changed:
                return None
            self._has_changed = False
            images, numbers, beside = dict(self._images), self._numbers, self._beside
        return compose(images, numbers, self._settings.picture_width_px, beside, self._layout)

    def _press(self, key: str) -> None:
        if key in _PAUSE_KEYS:
            with self._lock:
                self._is_paused = not self._is_paused
                asked: _Asked = "pause" if self._is_paused else "resume"
            self._ask(asked)
        elif key == "v":
            self._show_the_next_beside()
        elif key in _KEYS:
            self._ask(_KEYS[key])

    def _show_the_next_beside(self) -> None:
        with self._lock:
            offered = [name for name in self._layout.beside if name in self._offered] or [self._beside]
            at = offered.index(self._beside) if self._beside in offered else -1
            self._beside = offered[(at + 1) % len(offered)]
            self._has_changed = True

    def _ask(self, kind: _Asked) -> None:
        with self._lock:
            self._commands.append(ViewCommand(kind))


def compose(
    images: dict[str, Image], numbers: dict[str, Any], width_px: int, beside: str = "", layout: Layout = WATCH
) -> Image:
    """Lay out the window: two pictures, on a checkerboard where they are see-through, and lines of text below.

    Parameters
    ----------
    images : dict of str to ndarray
        Pictures by name as far as they are there, of any size.
    numbers : dict
        As `View.show_numbers` documents them; may be empty.
    width_px : int
        Width of each of the two pictures.
    beside : str, optional
        Name of the one on the right; the layout's first unless given.
    layout : Layout, optional
        What the window shows.

    Returns
    -------
    ndarray
        (height, 2 * width_px, 3) uint8 BGR.
    """
    beside = beside or next(iter(layout.beside))
    height_px = _picture_height_px(images, width_px, (layout.main, beside))
    panes = [_pane(images.get(name), width_px, height_px) for name in (layout.main, beside)]
    if layout.main not in images:
        _write(panes[0], "waiting for the first frame", height_px // 2)
    lines = _lines(numbers, layout.beside[beside], layout.keys)
    bar = np.full((_LINE_PX * len(lines) + _LINE_PX // 2, 2 * width_px, 3), 24, np.uint8)
    for n, line in enumerate(lines, start=1):
        _write(bar, line, n * _LINE_PX)
    return np.vstack([np.hstack(panes), bar])


def _picture_height_px(images: dict[str, Image], width_px: int, names: tuple[str, ...]) -> int:
    image = next((images[name] for name in names if name in images), None)
    height: int
    width: int
    height, width = image.shape[:2] if image is not None else (9, 16)
    return max(1, round(height * width_px / width))


def _pane(image: Image | None, width_px: int, height_px: int) -> Image:
    if image is None:
        return over_checkerboard(np.zeros((height_px, width_px, 4), np.uint8))
    if image.shape[2] != _BGRA_CHANNELS:
        return np.asarray(cv2.resize(shrink_bgr(image, width_px), (width_px, height_px)), np.uint8)
    small = shrink_bgra(image, width_px)
    return over_checkerboard(
        np.asarray(cv2.resize(small, (width_px, height_px), interpolation=cv2.INTER_NEAREST), np.uint8)
    )


def _lines(numbers: dict[str, Any], beside: str, keys: str) -> list[str]:
    """Return four lines: state, what is degraded, the last event, the keys."""
    coverage = numbers.get("coverage")
    parts = [
        str(numbers.get("state", "starting")),
        f"coverage {100 * coverage:.1f} %" if coverage is not None else "",
        f"{numbers.get('rate_hz') or 0:.1f} frames/s",
        f"dropped {numbers.get('dropped', 0)}",
        f"right: {beside}",
    ]
    state = "   ".join(part for part in parts if part)
    return [state, "; ".join(numbers.get("notices", [])), str(numbers.get("message", "")), keys]


def _write(image: Image, text: str, baseline_px: int) -> None:
    plain = text.encode("ascii", "replace").decode("ascii")  # OpenCV 4 draws no other letters
    cv2.putText(image, plain, (10, baseline_px), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (225, 225, 225), 1, cv2.LINE_AA)
