"""A virtual camera that other programs read: v4l2loopback on Linux, OBS's or Unity Capture's elsewhere.

The frames go through `pyvirtualcam`, which makes I420 of them: half the colour resolution, and a mean error of
some 0.75 code values that no setting avoids.

Limits: an odd width or height is padded by one line, as I420 has none (an odd size makes readers fail). While any
program has the device open, the size is fixed.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from pipelines.base import Frame, Image
from stream.sinks.base import SinkError
from stream.sources.camera_device import find_cameras
from stream.v4l2 import OutputHold, VideoNode, list_nodes, loopback_size, no_permission, users_of

_SYSTEM: str = sys.platform

_REMEDIES = {
    "linux": (
        "run `sudo modprobe v4l2loopback exclusive_caps=1 card_label=Backroom` "
        "(Debian and Ubuntu: `sudo apt install v4l2loopback-dkms` first)"
    ),
    "darwin": "install OBS Studio 30 or newer, press Start Virtual Camera in it once, stop it and quit OBS",
    "win32": "install OBS Studio, press Start Virtual Camera in it once, stop it and quit OBS",
}


_NAMES_ELSEWHERE = ("obs virtual camera", "unity video capture")
"""What the virtual cameras of other systems are called in their lists of cameras."""


@dataclass(frozen=True, slots=True)
class VirtualCamera:
    """A virtual camera that may be written to.

    Attributes
    ----------
    device : str
        As in ``virtual-camera:DEVICE``.
    name : str
        As other programs list it.
    trouble : str
        Why it cannot be written, with the remedy; empty where nothing is known to be wrong.
    """

    device: str
    name: str
    trouble: str = ""


def find_virtual_cameras() -> tuple[VirtualCamera, ...]:
    """List the virtual cameras without opening them.

    Returns
    -------
    tuple of VirtualCamera
        In the system's order.
    """
    if _SYSTEM == "linux":
        return tuple(VirtualCamera(node.path, node.name, no_permission(node.path)) for node in _loopbacks())
    named = [camera.name for camera in find_cameras() if camera.name.casefold().startswith(_NAMES_ELSEWHERE)]
    return tuple(VirtualCamera(name, name) for name in named)


class _Backend(Protocol):
    @property
    def device(self) -> str: ...

    def send(self, frame: Image) -> None: ...

    def close(self) -> None: ...


def virtual_camera_remedy(system: str = _SYSTEM) -> str:
    """Say how a virtual camera is had.

    Parameters
    ----------
    system : str
        As in `sys.platform`.

    Returns
    -------
    str
        What to run or install.
    """
    return _REMEDIES.get(system, "use Linux with v4l2loopback, or Windows or macOS with OBS Studio")


def open_backend(width: int, height: int, rate_hz: float, device: str | None) -> _Backend:
    """Open a virtual camera by `pyvirtualcam`.

    Parameters
    ----------
    width, height : int
        Size of the frames to come, in pixels.
    rate_hz : float
        Nominal rate.
    device : str or None
        Which; None takes the first that is free.

    Returns
    -------
    pyvirtualcam.Camera
        Open.

    Raises
    ------
    RuntimeError
        With every back end's reason in a line.
    """
    import pyvirtualcam

    camera: _Backend = pyvirtualcam.Camera(width, height, rate_hz, fmt=pyvirtualcam.PixelFormat.BGR, device=device)
    return camera


class VirtualCameraSink:
    """Shows frames to other programs as a webcam, see `stream.sinks.base.Sink`.

    Parameters
    ----------
    device : str or None
        Linux: device file, its number, or the loopback's card label; elsewhere the camera's name. None takes the
        first that is free.
    rate_hz : float
        Nominal frames a second; the sink shows frames when they come.
    open_camera : callable
        Opens the back end, as `open_backend` does.
    """

    def __init__(
        self,
        device: str | None,
        rate_hz: float,
        *,
        open_camera: Callable[[int, int, float, str | None], _Backend] = open_backend,
    ) -> None:
        self._wanted = device
        self._rate_hz = rate_hz
        self._open_camera = open_camera
        self._camera: _Backend | None = None
        self._hold: OutputHold | None = None
        self._size: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """As a person would name it, such as ``virtual camera /dev/video10``."""
        device = self.device or self._wanted
        return f"virtual camera {device}" if device else "virtual camera"

    @property
    def device(self) -> str | None:
        """As other programs open it: the device file on Linux; None before the first frame. Any thread may ask."""
        camera = self._camera
        return None if camera is None else str(camera.device)

    @property
    def is_live(self) -> bool:
        """True: whoever watches wants the newest frame."""
        return True

    def write(self, frame: Frame) -> None:
        """Show one frame; the first one opens the camera at its size.

        Parameters
        ----------
        frame : Frame
            The next one.

        Raises
        ------
        SinkError
            If there is no virtual camera, it is taken or set to another size, or the frame's size changed.
        """
        size = frame.image.shape[:2]
        if self._camera is None:
            self._open(size[0], size[1])
        elif size != self._size:
            raise SinkError(
                f"{self.name}: got a frame of {size[1]}x{size[0]}, wanted {self._size_text()} as before; "
                "a virtual camera keeps its size, so start again"
            )
        assert self._camera is not None  # noqa: S101 - for the type checker; `_open` sets it or raises
        try:
            self._camera.send(_even(frame.image))
        except (RuntimeError, OSError, ValueError) as error:
            raise SinkError(f"{self.name}: cannot be written ({error}); {virtual_camera_remedy()}") from None

    def close(self) -> None:
        """Let go of the camera; calling it again does nothing."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None
        # After the camera: it is the last writer that the driver remembers.
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    def _open(self, height: int, width: int) -> None:
        device = _device_file(self._wanted)
        even_width, even_height = width + width % 2, height + height % 2
        _mend_idle_loopbacks(device)
        try:
            camera = self._open_camera(even_width, even_height, self._rate_hz, device)
        except (RuntimeError, OSError, ValueError) as error:
            reasons = "; ".join(line.rstrip(".") for line in str(error).splitlines()) or "no back end for this system"
            raise SinkError(f"{self.name}: {reasons}; {_remedy(device)}") from None
        opened = str(camera.device)
        fixed = loopback_size(opened)
        if fixed is not None and fixed != (even_width, even_height):
            camera.close()
            users = ", ".join(users_of(opened)) or "another program"
            raise SinkError(
                f"virtual camera {opened}: set to {fixed[0]}x{fixed[1]} by {users}, got {width}x{height}; "
                "close that program, or send frames of that size"
            )
        self._camera, self._size = camera, (height, width)
        if _SYSTEM == "linux":
            self._hold = OutputHold(opened)

    def _size_text(self) -> str:
        height, width = self._size or (0, 0)
        return f"{width}x{height}"


def _even(image: Image) -> Image:
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)


def _loopbacks() -> list[VideoNode]:
    return [node for node in list_nodes() if node.is_loopback]


def _device_file(wanted: str | None) -> str | None:
    if wanted is None or _SYSTEM != "linux":
        return wanted
    if wanted.isdecimal():
        return f"/dev/video{wanted}"
    if wanted.startswith("/"):
        return str(Path(wanted).resolve())
    there = _loopbacks()
    found = [node.path for node in there if wanted.casefold() in node.name.casefold()]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{node.path} {node.name!r}" for node in there) or "none"
    problem = f"{len(found)} match" if found else "not there"
    raise SinkError(f"virtual camera {wanted!r}: {problem}; there are: {listed}; {virtual_camera_remedy()}")


def _mend_idle_loopbacks(device: str | None) -> None:
    # A device that an earlier writer left unwritable is mended before the back end looks; one with a size is in
    # use and not touched.
    for node in _loopbacks():
        if device in (None, node.path) and loopback_size(node.path) is None:
            OutputHold(node.path).close()


def _remedy(device: str | None) -> str:
    there = _loopbacks()
    if not there:
        return virtual_camera_remedy()
    listed = ", ".join(f"{node.path} {node.name!r}" for node in there)
    users = sorted({user for node in there if device in (None, node.path) for user in users_of(node.path)})
    if users:
        return f"close {', '.join(users)} or take another of: {listed}"
    return f"there are: {listed}"
