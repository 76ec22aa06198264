"""Which cameras there are, which one is meant, and OpenCV's way into it.

Looking for cameras opens none of them for pictures, so that no light goes on. A camera is opened by OpenCV with
the system's own back end; the wanted pixel format is tried first and then whatever the camera gives.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from config.schema import CameraSettings
from pipelines.base import Image
from stream.sources.base import CaptureError
from stream.v4l2 import VideoNode, list_nodes, no_permission, trouble_with

_SYSTEM: str = sys.platform

_BACK_ENDS = {
    "linux": (("V4L2", cv2.CAP_V4L2),),
    "win32": (("DirectShow", cv2.CAP_DSHOW), ("Media Foundation", cv2.CAP_MSMF)),
    "darwin": (("AVFoundation", cv2.CAP_AVFOUNDATION),),
}
"""By system, in the order tried. DirectShow first: Media Foundation takes up to a minute to open some
cameras."""

_ANY_BACK_END = (("any back end", cv2.CAP_ANY),)

_HIGHEST_RATE_HZ = 1000.0
"""Rates above this, or 0, are a driver's way of saying that it does not know."""

_NOBODY_WRITES = "a virtual camera that no program writes to; start that program first"
_NO_PICTURES = "gives no pictures (metadata or output only)"


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A camera, or what looks like one.

    Attributes
    ----------
    index : int
        As in ``camera:0``.
    name : str
        As the system names it.
    path : str
        Device file; empty where the system has none.
    is_virtual : bool
        True for a v4l2loopback device.
    trouble : str
        Why it gives no picture, with the remedy; empty where nothing is known to be wrong.
    """

    index: int
    name: str
    path: str
    is_virtual: bool = False
    trouble: str = ""

    def __str__(self) -> str:
        place = self.path or f"camera:{self.index}"
        return f"{place} {self.name!r}" + (f" ({self.trouble})" if self.trouble else "")


def find_cameras() -> tuple[FoundCamera, ...]:
    """List the cameras without opening them for pictures.

    Returns
    -------
    tuple of FoundCamera
        By index; those that give no pictures bear the reason.
    """
    from cv2_enumerate_cameras import enumerate_cameras, supported_backends

    _, back_end = _back_ends()[0]
    listed = enumerate_cameras(back_end) if back_end in supported_backends else []
    if _SYSTEM == "linux":
        giving = {camera.path for camera in listed}
        return tuple(_found_on_linux(node, node.path in giving) for node in list_nodes())
    cameras = [FoundCamera(camera.index, camera.name or "", camera.path or "") for camera in listed]
    return tuple(sorted(cameras, key=lambda camera: camera.index))


def choose_camera(target: int | str | None, found: Sequence[FoundCamera]) -> FoundCamera:
    """Say which camera is meant.

    Parameters
    ----------
    target : int, str or None
        Index, device file, or part of a name in upper or lower case; None takes the first that gives pictures,
        real ones before virtual ones.
    found : sequence of FoundCamera
        From `find_cameras`.

    Returns
    -------
    FoundCamera
        One of `found`.

    Raises
    ------
    CaptureError
        If there is none, several names match, or the one that is meant gives no pictures.
    """
    if target is None:
        chosen = _first_usable(found)
    elif isinstance(target, int) or target.isdecimal():
        matches = [camera for camera in found if camera.index == int(target)]
        chosen = _only(matches, target, found)
    elif target.startswith("/"):
        file = str(Path(target).resolve())
        chosen = _only([camera for camera in found if camera.path in (target, file)], target, found)
    else:
        chosen = _only(_named(target, found), target, found)
    if chosen.trouble:
        raise CaptureError(f"camera {chosen}")
    return chosen


class CameraDevice:
    """An open camera. Made, read and released by one thread.

    Parameters
    ----------
    camera : FoundCamera
        Which.
    settings : CameraSettings
        What is wanted of it.

    Attributes
    ----------
    note : str
        How what it gives differs from what is wanted; may be empty.
    rate_hz : float
        As the camera says, or as wanted where it says nothing.

    Raises
    ------
    CaptureError
        If no back end opens it; every reason is in the message. May take ten seconds.
    """

    def __init__(self, camera: FoundCamera, settings: CameraSettings) -> None:
        self.note = ""
        self.rate_hz = settings.rate_hz
        # OpenCV prints its own lines on what this class says in the status.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        self._capture, first = _open(camera, settings)
        self._first: Image | None = first
        got_rate_hz = self._capture.get(cv2.CAP_PROP_FPS)
        if 0 < got_rate_hz <= _HIGHEST_RATE_HZ:
            self.rate_hz = float(got_rate_hz)
        self.note = _difference(first, _fourcc(self._capture), settings)

    def read(self) -> Image | None:
        """Wait for the next picture.

        Returns
        -------
        ndarray or None
            As OpenCV gives it: uint8 or uint16, one to four channels; None where the camera gave none. A camera
            that fell silent may take ten seconds to say so.
        """
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return _read(self._capture)

    def release(self) -> None:
        """Let go of the camera; its light goes off."""
        self._capture.release()


def _open(camera: FoundCamera, settings: CameraSettings) -> tuple[cv2.VideoCapture, Image]:
    reasons = []
    source = camera.path if _SYSTEM == "linux" else camera.index
    for name, back_end in _back_ends():
        for fourcc in (settings.fourcc, ""):
            capture = cv2.VideoCapture(source, back_end)
            if not capture.isOpened():
                capture.release()
                reasons.append(f"{name} cannot open it")
                break
            _ask_for(capture, settings, fourcc)
            image = _read(capture)
            if image is not None:
                return capture, image
            capture.release()
            reasons.append(f"{name} opens it but gets no picture" + (f" as {fourcc}" if fourcc else " in any format"))
    trouble = trouble_with(camera.path) if _SYSTEM == "linux" else ""
    remedy = (
        trouble or "close other programs that use it, and allow this one to use the camera in the system's settings"
    )
    raise CaptureError(f"camera {camera}: {'; '.join(reasons)}; {remedy}")


def _ask_for(capture: cv2.VideoCapture, settings: CameraSettings, fourcc: str) -> None:
    # The pixel format first: the sizes and rates that a camera has depend on it.
    if fourcc:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*fourcc))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
    capture.set(cv2.CAP_PROP_FPS, settings.rate_hz)


def _read(capture: cv2.VideoCapture) -> Image | None:
    try:
        is_read, image = capture.read()
    except cv2.error:
        # A loopback at an odd size makes OpenCV's own conversion fail.
        return None
    return image if is_read else None  # type: ignore[return-value]


def _fourcc(capture: cv2.VideoCapture) -> str:
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    return code.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ")


def _difference(image: Image, fourcc: str, settings: CameraSettings) -> str:
    height, width = image.shape[:2]
    said = []
    if (width, height) != (settings.width, settings.height):
        said.append(f"{width}x{height} instead of {settings.width}x{settings.height}")
    if fourcc != settings.fourcc:
        said.append(f"{fourcc or 'another format'} instead of {settings.fourcc}")
    return f"the camera gives {' and '.join(said)}" if said else ""


def _back_ends() -> tuple[tuple[str, int], ...]:
    return _BACK_ENDS.get(_SYSTEM, _ANY_BACK_END)


def _found_on_linux(node: VideoNode, gives_pictures: bool) -> FoundCamera:
    trouble = no_permission(node.path)
    # Without permission nobody could ask the device what it gives.
    if not trouble and not gives_pictures:
        trouble = _NOBODY_WRITES if node.is_loopback else _NO_PICTURES
    return FoundCamera(node.number, node.name, node.path, node.is_loopback, trouble)


def _first_usable(found: Sequence[FoundCamera]) -> FoundCamera:
    usable = [camera for camera in found if not camera.trouble]
    if not usable:
        raise CaptureError(f"no camera that can be used; found: {_listed(found)}")
    return min(usable, key=lambda camera: (camera.is_virtual, camera.index))


def _named(target: str, found: Sequence[FoundCamera]) -> list[FoundCamera]:
    wanted = target.casefold()
    matches = [camera for camera in found if wanted in camera.name.casefold()]
    matches = [camera for camera in matches if camera.name.casefold() == wanted] or matches
    # One webcam has several device files of one name, of which one gives pictures.
    working = [camera for camera in matches if not camera.trouble]
    return working or matches[:1]


def _only(matches: list[FoundCamera], target: int | str, found: Sequence[FoundCamera]) -> FoundCamera:
    if not matches:
        raise CaptureError(f"camera {target!r}: not there; found: {_listed(found)}")
    if len({camera.name for camera in matches}) > 1:
        raise CaptureError(f"camera {target!r}: several match ({_listed(matches)}); give more of one name, or its path")
    return matches[0]


def _listed(found: Sequence[FoundCamera]) -> str:
    return ", ".join(map(str, found)) or "none at all; plug a camera in, or run `backroom devices`"
