"""The screen as a source: a monitor, a region of the desktop, or a window that is followed when it moves.

`mss` grabs BGRA (on X11 through shared memory, 0.3 ms for 1280x720), OpenCV drops the fourth channel into a
fresh array. The source paces itself by absolute deadlines: no drift, and no burst after a stall.

Limits: what is on the screen is captured, also what stands in front of the wanted window; then `status` says so.
On Wayland only XWayland windows can be seen. Windows by title need X11.
"""

import sys
import time
from collections.abc import Callable

from config.schema import ScreenSettings
from pipelines.base import Frame
from stream.sources.base import CaptureError, SourceInfo
from stream.sources.placeholder import draw_placeholder
from stream.sources.screen_grab import Monitor, ScreenGrabber
from stream.sources.screen_target import ScreenTarget, parse_screen
from stream.sources.x11 import Region, is_wayland

__all__ = ["DeadlineGrid", "ScreenSource", "ScreenTarget", "parse_screen"]

_LONGEST_READ_S = 0.5
"""Longest that `read` waits: at less than two frames a second it gives placeholders between, so that a stop is
not held up."""

_LOOK_IN_FRONT_EVERY_S = 1.0
"""How often a window is checked for others in front of it: it costs a question per window to the X server."""


class DeadlineGrid:
    """Absolute deadlines on a grid of `1 / rate_hz`; deadlines that were slept through are skipped and counted.

    Parameters
    ----------
    rate_hz : float
        Deadlines a second.
    clock : callable
        Seconds, never going back.
    sleep : callable
        Waits for the seconds it is given.
    """

    def __init__(
        self,
        rate_hz: float,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._period_s = 1.0 / rate_hz
        self._clock = clock
        self._sleep = sleep
        self._next_s: float | None = None
        self.n_missed = 0

    def wait(self, longest_s: float) -> bool:
        """Wait for the next deadline, but not for ever.

        Parameters
        ----------
        longest_s : float
            Seconds to wait at most.

        Returns
        -------
        bool
            True at the deadline; False where it is still to come.
        """
        now_s = self._clock()
        due_s = now_s if self._next_s is None else self._next_s
        late = int((now_s - due_s) / self._period_s) if now_s > due_s else 0
        self.n_missed += late
        due_s += late * self._period_s
        if due_s - now_s > longest_s:
            self._next_s = due_s
            self._sleep(longest_s)
            return False
        self._next_s = due_s + self._period_s
        if due_s > now_s:
            self._sleep(due_s - now_s)
        return True


class ScreenSource:
    """A live source of what is on the screen, see `stream.sources.base.Source`.

    Parameters
    ----------
    target : ScreenTarget
        What to capture.
    settings : ScreenSettings
        Rate and whether the mouse pointer is in the picture.

    Raises
    ------
    CaptureError
        If there is no screen to grab, or the target is not on it.
    """

    def __init__(self, target: ScreenTarget, settings: ScreenSettings) -> None:
        self._target = target
        self._settings = settings
        self._grabber: ScreenGrabber | None = None
        self._is_closed = False
        self._look_s = 0.0
        self._in_front = ""
        self._deadlines = DeadlineGrid(settings.rate_hz)
        # A capture object belongs to one thread: this one learns the size and checks, `read` opens its own.
        with ScreenGrabber(target, settings.cursor) as grabber:
            self._region_px = grabber.region_px()
            self._window = grabber.window
            self._monitors: list[Monitor] = grabber.monitors
            height, width = grabber.grab(self._region_px).shape[:2]
            self._why_slow = grabber.why_slow()
        self._info = SourceInfo(self._name(width, height), height, width, settings.rate_hz, is_live=True)

    @property
    def info(self) -> SourceInfo:
        """What the source is; does not change while it is open."""
        return self._info

    @property
    def n_missed(self) -> int:
        """Frames that were due and not captured, because the grab or its caller took too long."""
        return self._deadlines.n_missed

    @property
    def status(self) -> str:
        """One line on what is wrong at the moment, or an empty string."""
        said = []
        if self._in_front:
            said.append(f"{self._in_front!r} stands in front of the window and is captured with it")
        if sys.platform == "linux" and is_wayland():
            said.append("Wayland session: only XWayland windows are in the picture")
        if self._settings.cursor and sys.platform != "linux":
            said.append("the mouse pointer cannot be captured on this system")
        if self._why_slow:
            said.append(f"slow screen capture ({self._why_slow})")
        return "; ".join(said)

    def read(self) -> Frame | None:
        """Wait for the next deadline and grab.

        Returns
        -------
        Frame or None
            The picture, or, at rates under two a second, a placeholder while the next is not due; None once closed.

        Raises
        ------
        CaptureError
            If the region is no longer on the screen, the window is closed, hidden, resized or off the screen, or
            the display server refuses or is gone.
        """
        if self._is_closed:
            return None
        info = self._info
        if self._grabber is None:  # before the first deadline: opening would make the source late for the next ones
            self._grabber = ScreenGrabber(self._target, self._settings.cursor, self._window)
        if not self._deadlines.wait(_LONGEST_READ_S):
            image = draw_placeholder(info.height, info.width, "waiting for the next picture")
            return Frame(image, time.perf_counter(), is_placeholder=True)
        self._region_px = self._grabber.region_px()
        pts_s = time.perf_counter()
        image = self._grabber.grab(self._region_px)
        if image.shape[:2] != (info.height, info.width):
            raise CaptureError(
                f"{info.name}: the picture is {image.shape[1]}x{image.shape[0]} now, {info.width}x{info.height} "
                "before; start again at the new size"
            )
        if pts_s - self._look_s >= _LOOK_IN_FRONT_EVERY_S:
            self._look_s = pts_s
            self._in_front = self._grabber.in_front(self._region_px)
        return Frame(image, pts_s)

    def close(self) -> None:
        """Let go of the screen; calling it again does nothing."""
        self._is_closed = True
        if self._grabber is not None:
            self._grabber.close()
            self._grabber = None

    def with_region(self, region_px: Region) -> ScreenTarget:
        """Return the target that captures a part of the present picture; of a window, it follows the window.

        Parameters
        ----------
        region_px : tuple of int
            (x, y, width, height) in pixels of the present frames; what reaches out of the frame is cut off.

        Returns
        -------
        ScreenTarget
            For a new source; this one goes on unchanged.

        Raises
        ------
        CaptureError
            If nothing of the frame is left.
        """
        x, y, width, height = region_px
        frame_width, frame_height = self._info.width, self._info.height
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, frame_width), min(y + height, frame_height)
        if right <= left or bottom <= top:
            raise CaptureError(
                f"region {x},{y},{width}x{height}: outside the picture of {frame_width}x{frame_height} or empty; "
                "drag over a part of the picture"
            )
        # A high-density screen has more pixels in the frame than units on the desktop.
        screen_x, screen_y, screen_width, screen_height = self._region_px
        scale_x, scale_y = screen_width / frame_width, screen_height / frame_height
        size = (max(1, round((right - left) * scale_x)), max(1, round((bottom - top) * scale_y)))
        corner = (round(left * scale_x), round(top * scale_y))
        if self._window is None:
            return ScreenTarget(region_px=(screen_x + corner[0], screen_y + corner[1], *size))
        if self._target.region_px is not None:
            corner = (corner[0] + self._target.region_px[0], corner[1] + self._target.region_px[1])
        return ScreenTarget(None, (*corner, *size), self._window.title, self._window.window_id)

    def whole_screen(self) -> ScreenTarget:
        """Return the target that captures all of the monitor that holds the present region, or most of it.

        Returns
        -------
        ScreenTarget
            For a new source; this one goes on unchanged.
        """
        shared = [_shared_area(self._region_px, monitor.region_px) for monitor in self._monitors]
        return ScreenTarget(monitor=shared.index(max(shared)) + 1)

    def _name(self, width: int, height: int) -> str:
        part = self._target.region_px
        if self._window is not None:
            prefix = "part of " if part is not None else ""
            return f"{prefix}window {self._window.title!r} ({width}x{height})"
        if part is not None:
            return f"screen region {part[0]},{part[1]} ({width}x{height})"
        return f"screen {self.whole_screen().monitor} ({width}x{height})"


def _shared_area(a: Region, b: Region) -> int:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(width, 0) * max(height, 0)
