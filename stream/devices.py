"""What there is to capture and to show on: monitors, windows, cameras, virtual cameras.

Looking opens no camera for pictures, so no light goes on. Each kind is looked for by itself: where one cannot be
listed, the others are, and the reason is kept.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from stream.sinks.virtual_camera import VirtualCamera, find_virtual_cameras
from stream.sources.base import CaptureError
from stream.sources.camera_device import FoundCamera, find_cameras
from stream.sources.screen_grab import Monitor, list_monitors
from stream.sources.x11 import Window, WindowTree

Kind = Literal["monitors", "windows", "cameras", "virtual_cameras"]

_Found = TypeVar("_Found")

_SYSTEM: str = sys.platform


@dataclass(frozen=True, slots=True)
class Devices:
    """What was found.

    Attributes
    ----------
    monitors : tuple of Monitor
        For ``screen:N`` and ``display:N``.
    windows : tuple of Window
        For ``window:TITLE``.
    cameras : tuple of FoundCamera
        For ``camera:N`` and ``camera:NAME``; those that give no pictures bear the reason.
    virtual_cameras : tuple of VirtualCamera
        For ``virtual-camera:DEVICE``.
    reasons : dict of str to str
        Name of a field above to why it could not be listed, with the remedy.
    """

    monitors: tuple[Monitor, ...] = ()
    windows: tuple[Window, ...] = ()
    cameras: tuple[FoundCamera, ...] = ()
    virtual_cameras: tuple[VirtualCamera, ...] = ()
    reasons: dict[Kind, str] = field(default_factory=dict)


def list_devices() -> Devices:
    """Look for devices of every kind.

    Returns
    -------
    Devices
        All that was found, and the reason for each kind that could not be listed.
    """
    reasons: dict[Kind, str] = {}
    return Devices(
        monitors=_listed("monitors", list_monitors, reasons),
        windows=_listed("windows", _windows, reasons),
        cameras=_listed("cameras", find_cameras, reasons),
        virtual_cameras=_listed("virtual_cameras", find_virtual_cameras, reasons),
        reasons=reasons,
    )


def _listed(kind: Kind, look: Callable[[], Sequence[_Found]], reasons: dict[Kind, str]) -> tuple[_Found, ...]:
    try:
        return tuple(look())
    except CaptureError as error:
        reasons[kind] = str(error)
    except (OSError, RuntimeError, ImportError) as error:
        reasons[kind] = f"{kind.replace('_', ' ')} cannot be listed ({error}); run `backroom doctor`"
    return ()


def _windows() -> list[Window]:
    if _SYSTEM != "linux":
        raise CaptureError("windows are found by title on X11 only; capture by place, such as screen:100,50,1280x720")
    tree = WindowTree()
    try:
        return tree.windows()
    finally:
        tree.close()
