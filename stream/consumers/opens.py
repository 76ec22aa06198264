"""Who has a virtual camera's device file open, told by inotify and checked against the handles in /proc.

For drivers that do not tell themselves. Every open and close of the file is an event; this program's own are taken
off. A count of events alone goes wrong in two ways: the kernel makes one of two equal events that follow each other,
and an overflow loses them. So after each burst of events the handles in /proc are looked through, which are right
for every program that this person may look at; the count remains for the others.

Limits: a program that holds the file open without reading counts, and so does one that opens it for longer than
`SETTLE_S` only to list the cameras.

References
----------
Linux manual pages, inotify(7), on successive identical events, and proc_pid_fd(5).
"""

import contextlib
import ctypes
import os
import struct
import time
from collections.abc import Callable

from stream.open_files import Openers, openers_of

SETTLE_S = 0.2
"""The file must be left alone for so long before it is looked who has it: programs that list the cameras open and
close each."""

LONGEST_SETTLE_S = 1.0
"""A file that is never left alone is looked at so often."""

_OPEN, _CLOSE, _OVERFLOW, _GONE = 0x20, 0x08 | 0x10, 0x4000, 0x8000
"""IN_OPEN; IN_CLOSE_WRITE and IN_CLOSE_NOWRITE; IN_Q_OVERFLOW; IN_IGNORED, after the file is deleted."""

_EVENT = struct.Struct("iIII")
_BUFFER_BYTES = 4096


class OpensWatched:
    """Counts who has a device file open, see `stream.consumers.base.Consumers`.

    Parameters
    ----------
    path : str
        Device file, no symbolic link.
    because : str
        Why no better way was taken, for `how`; may be empty.
    look : callable
        Says who has it open, as `openers_of`.
    now_s : callable
        Seconds on a clock that does not go back.

    Raises
    ------
    OSError
        If the file may not be read, or the system has no inotify or no more of it for this person.
    """

    def __init__(
        self,
        path: str,
        because: str = "",
        look: Callable[[str], Openers] = openers_of,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.how = f"opens and closes of {path} are counted" + (f", as {because}" if because else "")
        self.can_tell = True
        self._path = path
        self._look = look
        self._now_s = now_s
        self._handle: int | None = _inotify(path)
        openers = look(path)
        self._n_open = openers.n_own + len(openers.others)
        self._were_seen = self._is_watched = bool(openers.others)
        self._first_event_s: float | None = None
        self._last_event_s = 0.0

    def is_watched(self) -> bool:
        """Say whether another program has the file open, and has had it for longer than a look takes."""
        now_s = self._now_s()
        if self._take_events():
            self._last_event_s = now_s
            if self._first_event_s is None:
                self._first_event_s = now_s
        if self._first_event_s is not None and (
            now_s - self._last_event_s >= SETTLE_S or now_s - self._first_event_s >= LONGEST_SETTLE_S
        ):
            self._first_event_s = None
            self._settle()
        return self._is_watched

    def close(self) -> None:
        """Let go of inotify; calling it again does nothing."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _take_events(self) -> bool:
        """Count the events that are there; say whether there were any."""
        is_any = False
        with contextlib.suppress(BlockingIOError):
            while self._handle is not None:
                events = os.read(self._handle, _BUFFER_BYTES)
                is_any = True
                # Events of a file, unlike those of a folder, bear no name: all are of one length.
                for _, mask, _, _ in _EVENT.iter_unpack(events):
                    self._count(mask)
        return is_any

    def _count(self, mask: int) -> None:
        if mask & _OPEN:
            self._n_open += 1
        elif mask & _CLOSE:
            self._n_open -= 1
        elif mask & _GONE:
            self.how = f"the camera stays on: {self._path} was made anew, and who opens it is not seen any more"
            self.can_tell = False
            self._is_watched = True
            self.close()

    def _settle(self) -> None:
        if self._handle is None:
            return
        openers = self._look(self._path)
        n_others = self._n_open - openers.n_own
        if openers.others:
            n_others = max(n_others, len(openers.others))
        elif openers.is_complete or self._were_seen:
            # Nobody is hidden; or whoever was counted was seen, and is seen no more.
            n_others = 0
        self._were_seen = bool(openers.others)
        self._is_watched = n_others > 0
        self._n_open = openers.n_own + max(n_others, 0)


def _inotify(path: str) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "inotify_init1"):
        raise OSError("this system has no inotify")
    handle = int(library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    if handle < 0:
        raise _last_error("inotify")
    if library.inotify_add_watch(handle, os.fsencode(path), _OPEN | _CLOSE) < 0:
        error = _last_error(path)
        os.close(handle)
        raise error
    return handle


def _last_error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), what)
