"""A plain window that shows the frames on a monitor.

Closing the window does not end the session: what is captured or saved goes on, further frames are not shown,
and `is_closed` tells. The window is as large as the frames, or as the monitor allows; a person may resize it.

Limits: no macOS, and it needs OpenGL, see `stream.display`.
"""

from pipelines.base import Frame
from stream.display.library import DisplayError
from stream.display.picture_window import PictureWindow
from stream.sinks.base import SinkError

TITLE = "Backroom"


class DisplaySink:
    """Shows frames in a window, see `stream.sinks.base.Sink`.

    Parameters
    ----------
    monitor : int or None
        Monitor to show it on, counted from 1; None leaves the place to the desktop.
    title : str
        Of the window.
    """

    def __init__(self, monitor: int | None, title: str = TITLE) -> None:
        self._monitor = monitor
        self._title = title
        self._size: tuple[int, int] | None = None
        self._window: PictureWindow | None = None

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
        return self._window is not None and self._window.is_closed

    def write(self, frame: Frame) -> None:
        """Show one frame; the first one opens the window at its size.

        Parameters
        ----------
        frame : Frame
            The next one.

        Raises
        ------
        SinkError
            If there is no display, no OpenGL or no such monitor, or the frame's size changed.
        """
        height, width = size = frame.image.shape[:2]
        if self._window is None or self._size is None:
            self._window, self._size = self._open(height, width), (height, width)
        elif size != self._size:
            raise SinkError(
                f"{self.name}: got a frame of {width}x{height}, wanted {self._size[1]}x{self._size[0]} as before; "
                "start again"
            )
        self._window.show(frame.image)

    def close(self) -> None:
        """Close the window; calling it again does nothing."""
        if self._window is not None:
            self._window.close()

    def _open(self, height: int, width: int) -> PictureWindow:
        try:
            return PictureWindow(self._title, height, width, self._monitor)
        except DisplayError as error:
            raise SinkError(f"{self.name}: {error}") from None
