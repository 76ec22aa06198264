"""Windows on X11: which there are, where they are now, and what stands in front of them.

A window manager lists its windows in `_NET_CLIENT_LIST`; where none runs (a bare Xvfb), the mapped windows
below the root are the list. Places are in pixels of the root window, which is what a screen grab takes, and
leave out the shadow that a program draws around itself (`_GTK_FRAME_EXTENTS`): through it shows the desktop.

Limits: X11 only, XWayland's own windows included; a Wayland compositor tells nobody where its windows are. A
window is captured where it is on the screen, so what stands in front of it is in the picture.

References
----------
freedesktop.org, Extended Window Manager Hints 1.5, sections "Root Window Properties" and "Application Window
Properties".
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stream.sources.base import CaptureError

Region = tuple[int, int, int, int]
"""(x, y, width, height) in pixels of the desktop; x and y are negative left of or above the main monitor."""

_LONGEST_PROPERTY = 1 << 16
"""Longest property read, in 4-byte units: a list of 65,536 windows, a title of 256 KiB."""

_ANY_TYPE = 0
"""`AnyPropertyType` of the X protocol."""

_DEEPEST_FRAME = 2
"""Levels below the root at which a window manager's frame keeps the program's own window."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window that can be captured.

    Attributes
    ----------
    window_id : int
        The X server's name for it.
    title : str
        As its title bar says.
    region_px : tuple of int
        Where its content is: (x, y, width, height) on the desktop.
    """

    window_id: int
    title: str
    region_px: Region


def why_no_display() -> str:
    """Say why no X server can be used.

    Returns
    -------
    str
        One line with the remedy; empty where an X server answers.
    """
    try:
        _connect().disconnect()
    except CaptureError as error:
        return str(error)
    return ""


def is_wayland() -> bool:
    """Say whether the person sits in a Wayland session, where X11 shows a part of the screen at most.

    Returns
    -------
    bool
        By what the session itself says, `XDG_SESSION_TYPE`.
    """
    return os.environ.get("XDG_SESSION_TYPE", "").lower() == "wayland"


class WindowTree:
    """One connection to the X server, to find and follow windows. To be used from one thread at a time.

    Raises
    ------
    CaptureError
        If there is no X server or it refuses.
    """

    def __init__(self) -> None:
        self._connection = _connect()
        screens = self._connection.get_setup().roots
        self._root: int = screens[self._connection.pref_screen].root
        self._atoms: dict[str, int] = {}

    def windows(self) -> list[Window]:
        """List the windows that can be seen and have a title.

        Returns
        -------
        list of Window
            In the window manager's order, or from the lowest to the topmost where there is none.

        Raises
        ------
        CaptureError
            If the X server is gone.
        """
        listed = self._cardinals(self._root, "_NET_CLIENT_LIST")
        ids = listed or [found for child in self._children(self._root) for found in self._titled(child, 1)]
        found = (self.place(window_id) for window_id in ids)
        return [window for window in found if window is not None and window.title]

    def find(self, title: str) -> Window:
        """Find the one window whose title holds a text.

        Parameters
        ----------
        title : str
            Part of the title, in upper or lower case.

        Returns
        -------
        Window
            The window; one whose whole title it is goes before others.

        Raises
        ------
        CaptureError
            If there is none or more than one, listing them.
        """
        there = self.windows()
        wanted = title.casefold()
        found = [window for window in there if window.title.casefold() == wanted]
        found = found or [window for window in there if wanted in window.title.casefold()]
        if len(found) == 1:
            return found[0]
        listed = ", ".join(repr(window.title) for window in found or there) or "none at all"
        if found:
            raise CaptureError(f"window:{title}: {len(found)} windows match ({listed}); give more of one title")
        raise CaptureError(f"window:{title}: no window on the screen has that in its title; there are: {listed}")

    def place(self, window_id: int) -> Window | None:
        """Say where a window is at this moment.

        Parameters
        ----------
        window_id : int
            From an earlier `Window`.

        Returns
        -------
        Window or None
            None where it is closed, minimised or on another workspace.

        Raises
        ------
        CaptureError
            If the X server is gone.
        """
        attributes = self._ask("GetWindowAttributes", window_id)
        size = self._ask("GetGeometry", window_id)
        origin = self._ask("TranslateCoordinates", window_id, self._root, 0, 0)
        if attributes is None or size is None or origin is None or not _is_visible(attributes):
            return None
        left, right, top, bottom = self._cardinals(window_id, "_GTK_FRAME_EXTENTS") or (0, 0, 0, 0)
        region = (
            origin.dst_x + left,
            origin.dst_y + top,
            size.width - left - right,
            size.height - top - bottom,
        )
        return Window(window_id, self._title(window_id), region)

    def in_front_of(self, window_id: int, region_px: Region) -> str:
        """Name a window that covers part of a region of another.

        Parameters
        ----------
        window_id : int
            The window behind.
        region_px : tuple of int
            The part of it that matters, on the desktop.

        Returns
        -------
        str
            The title of one that stands in front, ``a window without a title`` where it has none, or an empty
            string where all of the region can be seen.

        Raises
        ------
        CaptureError
            If the X server is gone.
        """
        top_level = self._top_level(window_id)
        stacked = self._children(self._root)
        above = stacked[stacked.index(top_level) + 1 :] if top_level in stacked else []
        for other_id in reversed(above):
            other = self.place(other_id)
            if other is not None and _overlap(other.region_px, region_px):
                titles = (self._title(found) for found in self._titled(other_id, 1))
                return next(titles, "a window without a title")
        return ""

    def close(self) -> None:
        """End the connection; calling it again does nothing."""
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None

    def _titled(self, window_id: int, depth: int) -> Iterator[int]:
        if self._title(window_id):
            yield window_id
        elif depth < _DEEPEST_FRAME:
            for child in self._children(window_id):
                yield from self._titled(child, depth + 1)

    def _top_level(self, window_id: int) -> int:
        tree = self._ask("QueryTree", window_id)
        while tree is not None and tree.parent not in (self._root, 0):
            window_id = tree.parent
            tree = self._ask("QueryTree", window_id)
        return window_id

    def _children(self, window_id: int) -> list[int]:
        tree = self._ask("QueryTree", window_id)
        return [] if tree is None else list(tree.children)

    def _title(self, window_id: int) -> str:
        for name, encoding in (("_NET_WM_NAME", "utf-8"), ("WM_NAME", "latin-1")):
            text = self._property(window_id, name).decode(encoding, "replace").strip("\0")
            if text:
                return text
        return ""

    def _cardinals(self, window_id: int, name: str) -> list[int]:
        raw = self._property(window_id, name)
        return list(struct.unpack(f"={len(raw) // 4}I", raw)) if len(raw) % 4 == 0 else []

    def _property(self, window_id: int, name: str) -> bytes:
        if name not in self._atoms:
            self._atoms[name] = self._ask("InternAtom", False, len(name), name).atom
        found = self._ask("GetProperty", False, window_id, self._atoms[name], _ANY_TYPE, 0, _LONGEST_PROPERTY)
        return b"" if found is None else bytes(found.value.buf())

    def _ask(self, request: str, *arguments: Any) -> Any:
        # None where the window is gone: between two requests it may close at any moment.
        import xcffib

        if self._connection is None:
            return None
        try:
            return getattr(self._connection.core, request)(*arguments).reply()
        except xcffib.Error:
            return None
        except xcffib.ConnectionException as error:
            raise CaptureError(f"the X server went away ({error}); start again in a session that lives") from None


def _connect() -> Any:
    try:
        import xcffib
        import xcffib.xproto  # registers the core protocol's requests
    except (ImportError, OSError) as error:
        raise CaptureError(f"X11 cannot be used ({error}); install libxcb (Debian: sudo apt install libxcb1)") from None
    display = os.environ.get("DISPLAY", "")
    if not display and is_wayland():
        raise CaptureError(
            "this is a Wayland session without XWayland (DISPLAY is not set); only X11 and XWayland windows can be "
            "captured, the capture portal is not supported; log in to an X11 session"
        )
    if not display:
        raise CaptureError(
            "no X server (DISPLAY is not set); start from a desktop session, or set DISPLAY, such as DISPLAY=:0"
        )
    try:
        connection = xcffib.connect(display=display)  # type: ignore[no-untyped-call]
        connection.get_setup()
    except xcffib.XcffibException as error:
        raise CaptureError(
            f"the X server {display!r} does not answer or refuses ({str(error).rstrip('.')}); "
            "check DISPLAY and XAUTHORITY, or start from the desktop session itself"
        ) from None
    return connection


def _is_visible(attributes: Any) -> bool:
    from xcffib.xproto import MapState, WindowClass

    is_drawn = attributes._class != WindowClass.InputOnly  # noqa: SLF001 - xcffib's name for the field `class`
    return bool(is_drawn and attributes.map_state == MapState.Viewable)


def _overlap(a: Region, b: Region) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
