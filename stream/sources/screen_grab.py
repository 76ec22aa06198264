"""Grabbing the pixels of a target off the screen, in one thread: `mss`, and for windows the X server's word.

Limits: macOS gives the bare desktop, not an error, to a program without the screen recording permission.
"""

import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Self

import cv2
import numpy as np

from pipelines.base import Image
from stream.sources.base import CaptureError
from stream.sources.screen_target import ScreenTarget
from stream.sources.x11 import Region, Window, WindowTree, why_no_display

if TYPE_CHECKING:
    import mss


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitor of the desktop.

    Attributes
    ----------
    number : int
        Counted from 1, as in ``screen:1``.
    region_px : tuple of int
        (x, y, width, height) on the desktop.
    is_main : bool
        True for the one that ``screen`` means.
    name : str
        As the system names it; may be empty.
    """

    number: int
    region_px: Region
    is_main: bool
    name: str


def list_monitors() -> list[Monitor]:
    """List the monitors of the desktop.

    Returns
    -------
    list of Monitor
        In the system's order, at least one.

    Raises
    ------
    CaptureError
        If there is no display server or it refuses.
    """
    with _open_mss(with_cursor=False) as grabber:
        return _monitors_of(grabber)


class ScreenGrabber:
    """Grabs for one target. Made, used and closed by one thread.

    Parameters
    ----------
    target : ScreenTarget
        What to capture.
    with_cursor : bool
        Whether the mouse pointer is in the picture (X11 only).
    window : Window, optional
        The target's window where an earlier grabber found it.

    Raises
    ------
    CaptureError
        If there is no screen to grab, or no such window.
    """

    def __init__(self, target: ScreenTarget, with_cursor: bool, window: Window | None = None) -> None:
        self._target = target
        self._tree: WindowTree | None = None
        self._grabber = _open_mss(with_cursor)
        try:
            self._desktop = _region_of(self._grabber.monitors[0])
            self.monitors = _monitors_of(self._grabber)
            self.window = self._find_window(window)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def region_px(self) -> Region:
        """Say where the target is now.

        Returns
        -------
        tuple of int
            (x, y, width, height), all of it on the desktop.

        Raises
        ------
        CaptureError
            If it is not on the desktop as a whole, or the window is closed, hidden or resized.
        """
        target = self._target
        if self.window is not None:
            region = self._region_of_window(self.window)
        elif target.region_px is not None:
            region = target.region_px
        else:
            return self._monitor(target.monitor).region_px
        self._check_on_desktop(region)
        return region

    def grab(self, region_px: Region) -> Image:
        """Copy a region of the desktop.

        Parameters
        ----------
        region_px : tuple of int
            As `region_px` gave it.

        Returns
        -------
        ndarray
            (height, width, 3) uint8 BGR, fresh; on high-density screens larger than the region.

        Raises
        ------
        CaptureError
            If the display server refuses or is gone.
        """
        import mss

        x, y, width, height = region_px
        try:
            shot = self._grabber.grab({"left": x, "top": y, "width": width, "height": height})
        # mss asserts that there is a reply; a server that went away sends none.
        except (mss.ScreenShotError, AssertionError) as error:
            reason = why_no_display() if sys.platform == "linux" else ""
            reason = reason or " ".join(str(error).split()) or "no answer"
            raise CaptureError(
                f"screen region {_text(region_px)}: cannot be grabbed ({reason}); "
                "if the screen's resolution changed, start again"
            ) from None
        bgra = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
        return np.asarray(cv2.cvtColor(bgra, cv2.COLOR_BGRA2BGR), np.uint8)

    def why_slow(self) -> str:
        """Say why the grab takes a slow path.

        Returns
        -------
        str
            The back end's own words; empty where it is fast.
        """
        return "; ".join(note for note in self._grabber.performance_status if "working correctly" not in note)

    def in_front(self, region_px: Region) -> str:
        """Name what stands in front of the captured window.

        Parameters
        ----------
        region_px : tuple of int
            What is captured.

        Returns
        -------
        str
            A title; empty where nothing does or no window is captured.
        """
        if self._tree is None or self.window is None:
            return ""
        return self._tree.in_front_of(self.window.window_id, region_px)

    def close(self) -> None:
        """Let go of the screen; calling it again does nothing."""
        import mss

        # mss complains when it closes a connection that the server has closed already.
        with contextlib.suppress(mss.ScreenShotError):
            self._grabber.close()
        if self._tree is not None:
            self._tree.close()

    def _find_window(self, known: Window | None) -> Window | None:
        title = self._target.window_title
        if title is None:
            return None
        if sys.platform != "linux":
            raise CaptureError(
                f"window:{title}: windows are found by title on X11 only; give the place instead, "
                "such as screen:100,50,1280x720"
            )
        self._tree = WindowTree()
        if known is not None:
            return known
        if self._target.window_id is None:
            return self._tree.find(title)
        return self._tree.place(self._target.window_id) or _gone(title)

    def _region_of_window(self, window: Window) -> Region:
        place = self._tree.place(window.window_id) if self._tree is not None else None
        if place is None:
            _gone(window.title)
        x, y, width, height = place.region_px
        if (width, height) != window.region_px[2:]:
            before = f"{window.region_px[2]}x{window.region_px[3]}"
            raise CaptureError(
                f"window {window.title!r}: resized from {before} to {width}x{height}; start again to capture it so"
            )
        part = self._target.region_px
        if part is None:
            return place.region_px
        if part[0] < 0 or part[1] < 0 or part[0] + part[2] > width or part[1] + part[3] > height:
            raise CaptureError(
                f"window {window.title!r}: the region {_text(part)} reaches out of its {width}x{height}; "
                "pick the region again"
            )
        return (x + part[0], y + part[1], part[2], part[3])

    def _monitor(self, number: int | None) -> Monitor:
        if number is None:
            return next(monitor for monitor in self.monitors if monitor.is_main)
        if number > len(self.monitors):
            listed = ", ".join(f"screen:{m.number} ({m.region_px[2]}x{m.region_px[3]})" for m in self.monitors)
            raise CaptureError(f"screen:{number}: there is no such monitor; there are {listed}")
        return self.monitors[number - 1]

    def _check_on_desktop(self, region: Region) -> None:
        left, top, right, bottom = _edges(region)
        desktop_left, desktop_top, desktop_right, desktop_bottom = _edges(self._desktop)
        if left >= desktop_left and top >= desktop_top and right <= desktop_right and bottom <= desktop_bottom:
            return
        if self.window is not None:
            raise CaptureError(
                f"window {self.window.title!r} at {_text(region)}: reaches off the desktop, which is "
                f"{_text(self._desktop)}; move all of it onto the screen and start again"
            )
        inside = (max(left, desktop_left), max(top, desktop_top))
        size = (min(right, desktop_right) - inside[0], min(bottom, desktop_bottom) - inside[1])
        remedy = f"screen:{_text((*inside, *size))}" if min(size) > 0 else f"screen:{_text(self._desktop)}"
        raise CaptureError(
            f"screen:{_text(region)}: not on the screen as a whole, the desktop is {_text(self._desktop)}; "
            f"inside is for example {remedy}"
        )


def _open_mss(with_cursor: bool) -> "mss.MSS":
    if sys.platform == "linux" and (reason := why_no_display()):
        raise CaptureError(f"screen: {reason}")
    import mss

    try:
        # Elsewhere than on Linux mss warns about the argument.
        return mss.MSS(with_cursor=with_cursor) if sys.platform == "linux" else mss.MSS()
    except (mss.ScreenShotError, OSError) as error:
        raise CaptureError(f"screen: cannot be captured ({error}); run `backroom doctor` for what is missing") from None


def _monitors_of(grabber: "mss.MSS") -> list[Monitor]:
    # The first entry is the whole desktop; a server without RandR knows nothing else.
    found = grabber.monitors[1:] or grabber.monitors[:1]
    main = next((i for i, monitor in enumerate(found) if monitor.get("is_primary")), 0)
    return [
        Monitor(i + 1, _region_of(monitor), i == main, str(monitor.get("name") or monitor.get("output") or ""))
        for i, monitor in enumerate(found)
    ]


def _region_of(monitor: dict[str, Any]) -> Region:
    return (monitor["left"], monitor["top"], monitor["width"], monitor["height"])


def _edges(region: Region) -> tuple[int, int, int, int]:
    x, y, width, height = region
    return x, y, x + width, y + height


def _text(region: Region) -> str:
    return "{},{},{}x{}".format(*region)


def _gone(title: str) -> NoReturn:
    raise CaptureError(f"window {title!r}: closed, minimised or on another workspace; show it again and start again")
