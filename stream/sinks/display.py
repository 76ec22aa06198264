"""A plain window that shows the frames on a monitor.

Closing the window does not end the session: what is captured or saved goes on, further frames are not shown,
and `is_closed` tells. The window is as large as the frames, or as the monitor allows; a person may resize it.

Limits: no macOS, see `stream.gui`. The window repaints with each frame and not between two.
"""

from functools import partial

import cv2

from pipelines.base import Frame, Image
from stream.gui import in_gui_thread, why_no_windows
from stream.sinks.base import SinkError
from stream.sources.base import CaptureError
from stream.sources.screen_grab import Monitor, list_monitors

TITLE = "Backroom"

_ROOM_SHARE = 0.9
"""Share of the monitor that a new window takes at most: title bar and panels need the rest."""


class DisplaySink:
    """Shows frames in a window, see `stream.sinks.base.Sink`.

    Parameters
    ----------
    monitor : int or None
        Monitor to show it on, counted from 1; None leaves the place to the desktop.
    title : str
        Of the window; two open sinks need two titles.
    """

    def __init__(self, monitor: int | None, title: str = TITLE) -> None:
        self._monitor = monitor
        self._title = title
        self._size: tuple[int, int] | None = None
        self._is_closed = False

    @property
    def name(self) -> str:
        """As a person would name it, such as ``display 2``."""
        return "display" if self._monitor is None else f"display {self._monitor}"

    @property
    def is_live(self) -> bool:
        """True: whoever watches wants the newest frame."""
        return True

    @property
    def is_closed(self) -> bool:
        """True once the person has closed the window: frames are no longer shown."""
        return self._is_closed

    def write(self, frame: Frame) -> None:
        """Show one frame; the first one opens the window at its size.

        Parameters
        ----------
        frame : Frame
            The next one.

        Raises
        ------
        SinkError
            If there is no display or no such monitor, or the frame's size changed.
        """
        size = frame.image.shape[:2]
        if self._size is None:
            self._open(size[0], size[1])
        elif size != self._size:
            raise SinkError(
                f"{self.name}: got a frame of {size[1]}x{size[0]}, wanted {self._size[1]}x{self._size[0]} as before; "
                "start again"
            )
        if not self._is_closed:
            self._is_closed = not in_gui_thread(partial(_show, self._title, frame.image))

    def close(self) -> None:
        """Close the window; calling it again does nothing."""
        if self._size is not None and not self._is_closed:
            in_gui_thread(partial(_destroy, self._title))
        self._size = None

    def _open(self, height: int, width: int) -> None:
        problem = why_no_windows()
        if problem:
            raise SinkError(f"{self.name}: {problem}")
        monitor = self._place()
        try:
            in_gui_thread(partial(_open_window, self._title, height, width, monitor, self._monitor is not None))
        except cv2.error as error:
            raise SinkError(f"{self.name}: no window can be opened ({error.err}); use the live page instead") from None
        self._size = (height, width)

    def _place(self) -> Monitor:
        try:
            monitors = list_monitors()
        except CaptureError as error:
            raise SinkError(f"{self.name}: {error}") from None
        if self._monitor is None:
            return next(monitor for monitor in monitors if monitor.is_main)
        if not 1 <= self._monitor <= len(monitors):
            listed = ", ".join(f"display:{m.number} ({m.region_px[2]}x{m.region_px[3]})" for m in monitors)
            raise SinkError(f"{self.name}: there is no such monitor; there are {listed}")
        return monitors[self._monitor - 1]


def _open_window(title: str, height: int, width: int, monitor: Monitor, is_moved: bool) -> None:
    x, y, monitor_width, monitor_height = monitor.region_px
    scale = min(1.0, _ROOM_SHARE * monitor_width / width, _ROOM_SHARE * monitor_height / height)
    shown_width, shown_height = max(1, round(width * scale)), max(1, round(height * scale))
    cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
    cv2.resizeWindow(title, shown_width, shown_height)
    if is_moved:
        cv2.moveWindow(title, x + (monitor_width - shown_width) // 2, y + (monitor_height - shown_height) // 2)


def _show(title: str, image: Image) -> bool:
    # A closed window must not be shown on: OpenCV would open a new one.
    if not _is_open(title):
        return False
    cv2.imshow(title, image)
    cv2.pollKey()
    return _is_open(title)


def _is_open(title: str) -> bool:
    try:
        return cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) >= 1
    except cv2.error:
        # With its last window closed, Qt's part of OpenCV is gone too.
        return False


def _destroy(title: str) -> None:
    if _is_open(title):
        cv2.destroyWindow(title)
        cv2.pollKey()
