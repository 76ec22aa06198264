"""The driver's own word on who reads a virtual camera: the client-usage event of v4l2loopback 0.13 and newer.

The driver sends it when a reader starts or stops its stream, so that a program that merely lists the cameras does
not count. An event may get lost, and then the camera would stay off for a whole call; but whoever subscribes anew is
told the present state at once. So every question here is a new subscription, and nothing needs to be remembered.

References
----------
v4l2loopback, pull request 516 and ``v4l2loopback.c``, V4L2_EVENT_PRI_CLIENT_USAGE. Linux kernel, "Video for Linux
API", VIDIOC_SUBSCRIBE_EVENT and VIDIOC_DQEVENT.
"""

import contextlib
import ctypes
import os
from collections.abc import Callable
from typing import Any

_CLIENT_USAGE = 0x08000000 + 0x08E00000 + 1
"""V4L2_EVENT_PRIVATE_START, the driver's offset, and its first event."""

_SEND_INITIAL = 1


class _Subscription(ctypes.Structure):
    """struct v4l2_event_subscription of linux/videodev2.h."""

    _fields_ = (
        ("type", ctypes.c_uint32),
        ("id", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("_", ctypes.c_uint32 * 5),
    )


class _Payload(ctypes.Union):
    """The event's 64 bytes; the driver writes a count into the first four."""

    _fields_ = (("count", ctypes.c_uint32), ("_", ctypes.c_int64 * 8))


class _Event(ctypes.Structure):
    """struct v4l2_event of linux/videodev2.h."""

    _fields_ = (
        ("type", ctypes.c_uint32),
        ("payload", _Payload),
        ("pending", ctypes.c_uint32),
        ("sequence", ctypes.c_uint32),
        ("time", ctypes.c_long * 2),
        ("id", ctypes.c_uint32),
        ("_", ctypes.c_uint32 * 8),
    )


_WRITES, _READS = 1, 2
_SUBSCRIBE = _WRITES << 30 | ctypes.sizeof(_Subscription) << 16 | ord("V") << 8 | 90
_UNSUBSCRIBE = _SUBSCRIBE + 1
_DEQUEUE = _READS << 30 | ctypes.sizeof(_Event) << 16 | ord("V") << 8 | 89


def _ioctl(handle: int, request: int, argument: Any) -> None:
    import fcntl

    fcntl.ioctl(handle, request, argument)


class ClientUsage:
    """Asks the driver, see `stream.consumers.base.Consumers`.

    Parameters
    ----------
    path : str
        Device file of a loopback.
    ioctl : callable
        As `fcntl.ioctl`.

    Raises
    ------
    OSError
        If the device cannot be opened, or its driver has no such event.
    """

    def __init__(self, path: str, ioctl: Callable[[int, int, Any], None] = _ioctl) -> None:
        self.how = "the driver tells who reads the virtual camera"
        self.can_tell = True
        self._ioctl = ioctl
        self._handle: int | None = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        try:
            self._count()
        except OSError:
            self.close()
            raise

    def is_watched(self) -> bool:
        """Say whether a program reads the virtual camera's stream."""
        try:
            return self._count() > 0
        except OSError as error:
            self.can_tell = False
            self.how = (
                f"the camera stays on: the driver no longer tells who reads the virtual camera ({error.strerror})"
            )
            return True

    def close(self) -> None:
        """Let go of the device; calling it again does nothing."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _count(self) -> int:
        assert self._handle is not None  # noqa: S101 - for the type checker; the caller keeps the contract
        subscription = _Subscription(type=_CLIENT_USAGE, flags=_SEND_INITIAL)
        with contextlib.suppress(OSError):
            self._ioctl(self._handle, _UNSUBSCRIBE, subscription)
        self._ioctl(self._handle, _SUBSCRIBE, subscription)
        event = _Event()
        self._ioctl(self._handle, _DEQUEUE, event)
        return int(event.payload.count)
