"""Monitors as GLFW knows them, with the rate that the X server gives them.

GLFW rounds the rate to whole hertz (119.98 becomes 120), which is one period off within a minute: on X11 the exact one
is asked of RandR, whose modes tell the pixel clock and the totals of a line and a frame.
"""

import os
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from stream.display.library import DisplayError, glfw_in_use

Region = tuple[int, int, int, int]
"""(x, y, width, height) in pixels of the desktop."""


@dataclass(frozen=True, slots=True)
class DisplayMonitor:
    """A monitor that a window can be put on.

    Attributes
    ----------
    number : int
        Counted from 1, as in ``display:1``.
    name : str
        As the system names it, such as ``HDMI-1``; may be empty.
    region_px : tuple of int
        (x, y, width, height) on the desktop.
    refresh_hz : float
        Periods a second; 0 where the system does not tell.
    is_main : bool
        Whether the desktop calls it its first.
    can_vary : bool or None
        Whether it can change its rate while it shows (VRR, FreeSync, G-Sync); None where the system does not tell.
    """

    number: int
    name: str
    region_px: Region
    refresh_hz: float
    is_main: bool
    can_vary: bool | None = None


def list_display_monitors() -> list[DisplayMonitor]:
    """List the monitors, from the thread that has GLFW or while nobody has it.

    Returns
    -------
    list of DisplayMonitor
        In the system's order; empty where all are off.

    Raises
    ------
    DisplayError
        If there is no display.
    """
    with glfw_in_use() as glfw:
        return monitors_of(glfw)


def monitors_of(glfw: ModuleType) -> list[DisplayMonitor]:
    """List the monitors.

    Parameters
    ----------
    glfw : module
        Initialised.

    Returns
    -------
    list of DisplayMonitor
        In the system's order.
    """
    outputs = _outputs() if sys.platform == "linux" else {}
    monitors = glfw.get_monitors()
    main = glfw.get_primary_monitor()
    found = []
    for n, handle in enumerate(monitors, start=1):
        mode = glfw.get_video_mode(handle)
        x, y = glfw.get_monitor_pos(handle)
        region = (int(x), int(y), int(mode.size.width), int(mode.size.height)) if mode else (int(x), int(y), 0, 0)
        name = (glfw.get_monitor_name(handle) or b"").decode(errors="replace")
        exact_hz, can_vary = outputs.get(name, (0.0, None))
        rounded_hz = max(0, int(mode.refresh_rate)) if mode else 0
        refresh_hz = exact_hz if exact_hz > 0 else float(rounded_hz)
        found.append(DisplayMonitor(n, name, region, refresh_hz, _is_same(handle, main), can_vary))
    return found


def find_monitor(monitors: list[DisplayMonitor], number: int | None) -> DisplayMonitor:
    """Find the monitor that a person asked for.

    Parameters
    ----------
    monitors : list of DisplayMonitor
        As `monitors_of` gives them.
    number : int or None
        Counted from 1; None is the main one.

    Returns
    -------
    DisplayMonitor
        The one.

    Raises
    ------
    DisplayError
        If there is no such monitor, listing those that there are.
    """
    if not monitors:
        raise DisplayError("no monitor is connected; plug one in or switch it on")
    if number is None:
        return next((monitor for monitor in monitors if monitor.is_main), monitors[0])
    if not 1 <= number <= len(monitors):
        listed = ", ".join(f"display:{m.number} ({m.region_px[2]}x{m.region_px[3]})" for m in monitors)
        raise DisplayError(f"there is no such monitor; there are {listed}")
    return monitors[number - 1]


def _is_same(handle: Any, other: Any) -> bool:
    return bool(other) and _address(handle) == _address(other)


def _address(handle: Any) -> int:
    import ctypes

    return ctypes.cast(handle, ctypes.c_void_p).value or 0


def _outputs() -> dict[str, tuple[float, bool | None]]:
    """Ask RandR for each output's exact rate and whether it can vary; empty where it does not answer."""
    try:
        import xcffib
        import xcffib.randr
        import xcffib.xproto
    except (ImportError, OSError):
        return {}
    try:
        connection: Any = xcffib.connect(display=os.environ.get("DISPLAY", ""))  # type: ignore[no-untyped-call]
    except xcffib.XcffibException:
        return {}
    try:
        return _outputs_of(connection, xcffib)
    except (xcffib.Error, xcffib.XcffibException):
        return {}
    finally:
        connection.disconnect()


def _outputs_of(connection: Any, xcffib: Any) -> dict[str, tuple[float, bool | None]]:
    randr = connection(xcffib.randr.key)
    root = connection.get_setup().roots[connection.pref_screen].root
    resources = randr.GetScreenResourcesCurrent(root).reply()
    rates = {mode.id: _rate_hz(mode) for mode in resources.modes}
    atom = connection.core.InternAtom(True, len("vrr_capable"), "vrr_capable").reply().atom
    found: dict[str, tuple[float, bool | None]] = {}
    for output in resources.outputs:
        about = randr.GetOutputInfo(output, resources.config_timestamp).reply()
        if not about.crtc:
            continue
        mode = randr.GetCrtcInfo(about.crtc, resources.config_timestamp).reply().mode
        can_vary: bool | None = None
        if atom:
            value = randr.GetOutputProperty(output, atom, 0, 0, 1, False, False).reply()
            can_vary = bool(value.data[0]) if value.num_items else None
        found[bytes(about.name).decode(errors="replace")] = (rates.get(mode, 0.0), can_vary)
    return found


def _rate_hz(mode: Any) -> float:
    # RandR 1.2, ModeInfo: dot clock over the totals; a doubled scan halves the rate, an interlaced one doubles it.
    interlace, double_scan = 16, 32
    lines = mode.vtotal * (2.0 if mode.mode_flags & double_scan else 1.0)
    lines /= 2.0 if mode.mode_flags & interlace else 1.0
    return mode.dot_clock / (mode.htotal * lines) if mode.htotal and lines else 0.0
