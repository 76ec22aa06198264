"""What of the screen is wanted, as a person writes it; looking for it on a real screen comes later."""

import re
from dataclasses import dataclass

from stream.sources.base import CaptureError
from stream.sources.x11 import Region

_FORMS = "screen, screen:2 (a monitor), screen:X,Y,WIDTHxHEIGHT (a region) or window:TITLE"


@dataclass(frozen=True, slots=True)
class ScreenTarget:
    """What of the screen is captured. Nothing set: the main monitor.

    Attributes
    ----------
    monitor : int or None
        A monitor, counted from 1 in the system's order.
    region_px : tuple of int or None
        (x, y, width, height) on the desktop; with a window, from the window's top left corner.
    window_title : str or None
        Part of a window's title, in upper or lower case.
    window_id : int or None
        The very window where it is known already; `window_title` then only names it.
    """

    monitor: int | None = None
    region_px: Region | None = None
    window_title: str | None = None
    window_id: int | None = None

    @property
    def slug(self) -> str:
        """The target as a part of a file name, such as ``screen-2`` or ``window-10,20,640x480``."""
        kind = "screen" if self.window_title is None else "window"
        if self.region_px is not None:
            return "{}-{},{},{}x{}".format(kind, *self.region_px)
        return kind if self.monitor is None else f"{kind}-{self.monitor}"


def parse_screen(text: str) -> ScreenTarget:
    """Read a target as a person writes it.

    Parameters
    ----------
    text : str
        ``screen``, ``screen:2``, ``screen:100,50,640x480``, ``window:Zoom``.

    Returns
    -------
    ScreenTarget
        Not yet looked for on any screen.

    Raises
    ------
    CaptureError
        If it is none of these forms, a monitor 0 or a region without an area.
    """
    kind, _, rest = text.strip().partition(":")
    if kind == "window" and rest.strip():
        return ScreenTarget(window_title=rest.strip())
    if kind != "screen":
        raise CaptureError(f"not a screen: {text!r}; write {_FORMS}")
    if not rest:
        return ScreenTarget()
    if re.fullmatch(r"\d{1,4}", rest):
        if int(rest) == 0:
            raise CaptureError(f"{text}: monitors are counted from 1; write screen:1")
        return ScreenTarget(monitor=int(rest))
    region = re.fullmatch(r"(-?\d{1,6}),(-?\d{1,6}),(\d{1,6})[xX](\d{1,6})", rest.replace(" ", ""))
    if region is None:
        raise CaptureError(f"not a screen: {text!r}; write {_FORMS}")
    x, y, width, height = (int(number) for number in region.groups())
    if not width or not height:
        raise CaptureError(f"{text}: a region of {width}x{height} has no pixels; write a width and height above 0")
    return ScreenTarget(region_px=(x, y, width, height))
