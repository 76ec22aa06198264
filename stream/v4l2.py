"""Video devices on Linux: what the kernel says of each without opening it, and v4l2loopback's two old faults.

A v4l2loopback device is a virtual camera: what one program writes to it, others read. Two faults of it are
handled here, because each ends a call without a word:

- Drivers before 0.13 with ``exclusive_caps=1`` forget that a device can be written to once a writer that never
  said STREAMON has closed it, and pyvirtualcam is such a writer: the second start finds no virtual camera until
  the module is loaded again. `OutputHold` says STREAMON in the writer's place.
- While anybody has the device open its format is fixed, and the driver takes frames of another size without an
  error: the viewer sees noise. `loopback_size` tells what is fixed.

References
----------
v4l2loopback, issues 442 and 470; pyvirtualcam, issue 61. Linux kernel, "Video for Linux API", VIDIOC_STREAMON.
"""

import contextlib
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from stream.open_files import openers_of

_SYSFS = Path("/sys/class/video4linux")

_VIDIOC_STREAMON = 0x40045612
"""_IOW('V', 18, int) of linux/videodev2.h."""

_BUF_TYPE_VIDEO_OUTPUT = 2

_LONGEST_LIST_OF_USERS = 3


@dataclass(frozen=True, slots=True)
class VideoNode:
    """A device file of the kernel's video system.

    Attributes
    ----------
    number : int
        N of /dev/videoN.
    name : str
        As the driver names it, such as the webcam's model or a loopback's card label.
    is_loopback : bool
        True for a virtual camera of v4l2loopback.
    """

    number: int
    name: str
    is_loopback: bool

    @property
    def path(self) -> str:
        """The device file."""
        return f"/dev/video{self.number}"


def list_nodes() -> list[VideoNode]:
    """List the video devices; needs no permission.

    Returns
    -------
    list of VideoNode
        By number; empty on systems other than Linux.
    """
    found = [node for entry in _SYSFS.glob("video*") if (node := _node_of(entry)) is not None]
    return sorted(found, key=lambda node: node.number)


def loopback_size(path: str) -> tuple[int, int] | None:
    """Say for which size a loopback is set at the moment.

    Parameters
    ----------
    path : str
        Device file.

    Returns
    -------
    tuple of int or None
        (width, height) in pixels; None where no program has set one, or it is no loopback.
    """
    try:
        said = (_SYSFS / Path(path).name / "format").read_text()
    except OSError:
        return None
    size = re.match(r"[^:]*:(\d+)x(\d+)", said)
    return (int(size[1]), int(size[2])) if size else None


def users_of(path: str) -> list[str]:
    """Name the programs that have a device open.

    Parameters
    ----------
    path : str
        Device file.

    Returns
    -------
    list of str
        Such as ``firefox (1234)``; only programs that this person may look at, and not this one.
    """
    return list(openers_of(path).others)


def no_permission(path: str) -> str:
    """Say whether this person may not use a device.

    Parameters
    ----------
    path : str
        Device file.

    Returns
    -------
    str
        Reason and remedy; empty where it may be used, or is not there.
    """
    if not Path(path).exists() or os.access(path, os.R_OK | os.W_OK):
        return ""
    return f"no permission for {path}; run `sudo usermod -a -G video $USER` and log in again"


def trouble_with(path: str) -> str:
    """Say why a device could not be opened, as far as the system tells.

    Parameters
    ----------
    path : str
        Device file.

    Returns
    -------
    str
        Reason and remedy; empty where nothing is known to be wrong.
    """
    if not Path(path).exists():
        return f"there is no {path} any more; plug the camera in"
    users = users_of(path)
    if users:
        return f"{path} is in use by {', '.join(users[:_LONGEST_LIST_OF_USERS])}; close that program"
    return no_permission(path)


class OutputHold:
    """Keeps a loopback writable after the present writer: see the module's first fault.

    Parameters
    ----------
    path : str
        Device file of a loopback.

    Notes
    -----
    Drivers from 0.13 on have the file ``state`` in sysfs, need no help and could take STREAMON for a second
    writer; there this does nothing. Held while writing, it works also when this process is killed, as the
    kernel closes the file; taken and closed on an idle device, it mends what another program left behind.
    """

    def __init__(self, path: str) -> None:
        self._handle: int | None = None
        if (_SYSFS / Path(path).name / "state").exists():
            return
        import fcntl

        # Without a permission the writer's own error tells more than this one would.
        with contextlib.suppress(OSError):
            self._handle = os.open(path, os.O_RDWR)
            # EINVAL on a device without a format: the driver has noted the writer before it looks for one.
            fcntl.ioctl(self._handle, _VIDIOC_STREAMON, struct.pack("=i", _BUF_TYPE_VIDEO_OUTPUT))

    def close(self) -> None:
        """Let go; the device can be written to again. Calling it again does nothing."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _node_of(entry: Path) -> VideoNode | None:
    number = entry.name.removeprefix("video")
    if not number.isdecimal():
        return None
    try:
        name = (entry / "name").read_text().strip()
    except OSError:
        name = entry.name
    return VideoNode(int(number), name, is_loopback=(entry / "max_openers").exists())
