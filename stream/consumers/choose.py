"""The best way that this machine has to tell whether anybody watches a virtual camera."""

import sys
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from stream.consumers.base import AlwaysWatched, Consumers
from stream.consumers.client_usage import ClientUsage
from stream.consumers.opens import OpensWatched

_SYSTEM: str = sys.platform


def find_consumers(device: str) -> Consumers:
    """Choose the best way that there is.

    Parameters
    ----------
    device : str
        As `VirtualCameraSink.device`: a device file on Linux.

    Returns
    -------
    Consumers
        Open; `how` says which way and, where it is not the best, why.
    """
    if _SYSTEM != "linux":
        return AlwaysWatched("this system does not tell who reads a virtual camera")
    try:
        return ClientUsage(device)
    except OSError as error:
        reason = f"the driver does not tell who reads it ({error.strerror}); v4l2loopback 0.13 and newer does"
    try:
        return OpensWatched(device, reason)
    except OSError as error:
        return AlwaysWatched(f"opens of {device} cannot be counted ({error.strerror or error}), and {reason}")


@runtime_checkable
class HasDevice(Protocol):
    """What `SinkConsumers` needs of a virtual camera's sink."""

    @property
    def device(self) -> str | None:
        """As other programs open it; None before the first frame."""


class SinkConsumers:
    """Tells whether anybody watches one of several virtual cameras, each of which opens with its first frame.

    Parameters
    ----------
    sinks : sequence of HasDevice
        The virtual cameras.
    find : callable
        As `find_consumers`.
    """

    def __init__(self, sinks: Sequence[HasDevice], find: Callable[[str], Consumers] = find_consumers) -> None:
        self._waiting = list(sinks)
        self._find = find
        self._found: list[Consumers] = []

    @property
    def how(self) -> str:
        """How it is known, for each virtual camera that is open."""
        return "; ".join(dict.fromkeys(consumers.how for consumers in self._found))

    @property
    def can_tell(self) -> bool:
        """False where one of them is taken for watched because nobody knows."""
        return all(consumers.can_tell for consumers in self._found)

    def is_watched(self) -> bool:
        """Say whether anybody watches one of them; nobody can, while none is open."""
        for sink in tuple(self._waiting):
            if sink.device is not None:
                self._waiting.remove(sink)
                self._found.append(self._find(sink.device))
        # Each is asked, so that none falls behind with its events.
        return sum(consumers.is_watched() for consumers in self._found) > 0

    def close(self) -> None:
        """Let go of the devices; calling it again does nothing."""
        for consumers in self._found:
            consumers.close()
