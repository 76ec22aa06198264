"""A decoding process (`stream.backgrounds.child`), and the thread that reads it into a few pictures, used in turn."""

import contextlib
import subprocess
import sys
import threading
import time
from collections import deque
from typing import IO

import numpy as np

from pipelines.base import Image
from pipelines.child import end_child, read_exactly
from stream.backgrounds.child import ERROR, FRAME, HEADER

READ_AHEAD = 3
"""Pictures that are decoded before they are due: the decoder may have slow moments."""

PIPE_BYTES = 1 << 20
"""Room in the pipe where the system lets us ask: a sixteenth of the switches between the two processes."""


class Player:
    """One decoding process. All but its own thread is called from the loop's.

    Parameters
    ----------
    command : list of str
        Starts the process.
    height, width : int
        Size of its pictures, in pixels.
    name : str
        Of the video, for messages.

    Attributes
    ----------
    problem : str
        Why there will be no more pictures; empty while there may be.
    note : str
        One line on what is wrong with the video, as far as it was played.
    """

    def __init__(self, command: list[str], height: int, width: int, name: str) -> None:
        self.problem = ""
        self.note = ""
        self._name = name
        self._changed = threading.Condition()
        self._free: deque[Image] = deque(np.empty((height, width, 3), np.uint8) for _ in range(READ_AHEAD + 1))
        self._ready: deque[tuple[float, Image]] = deque()
        self._reading_since_s: float | None = time.monotonic()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self._thread = threading.Thread(target=self._read, name="background video", daemon=True)
        self._thread.start()

    def wait_for_a_picture(self, longest_s: float) -> bool:
        """Wait until a picture is ready, or none will be.

        Parameters
        ----------
        longest_s : float
            Longest wait in seconds.

        Returns
        -------
        bool
            Whether there is one.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self.problem, longest_s)
            return bool(self._ready)

    def next_due_s(self) -> float | None:
        """Return when the next picture is due, in seconds since the video began; None if it is not there yet."""
        with self._changed:
            return self._ready[0][0] if self._ready else None

    def take(self) -> Image:
        """Return the next picture, which has to be there; to be given back."""
        with self._changed:
            return self._ready.popleft()[1]

    def give_back(self, image: Image) -> None:
        """Let a picture's memory be used for another one.

        Parameters
        ----------
        image : ndarray
            From `take`.
        """
        with self._changed:
            self._free.append(image)
            self._changed.notify_all()

    def silent_s(self) -> float:
        """Return for how many seconds the process has been waited for."""
        since_s = self._reading_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    def close(self) -> None:
        """End the process and the thread."""
        with self._changed:
            self.problem = self.problem or "closed"
            self._changed.notify_all()
        end_child(self._process, self._thread)

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - asked for in Popen
        _widen(pipe)
        problem = f"{self._name}: its decoder crashed; make a fresh copy of the video, or take another"
        try:
            while True:
                self._reading_since_s = time.monotonic()
                kind, due_s, n_bytes = HEADER.unpack(read_exactly(pipe, bytearray(HEADER.size)))
                if kind == FRAME:
                    self._read_picture(pipe, due_s)
                    continue
                text = bytes(read_exactly(pipe, bytearray(n_bytes))).decode(errors="replace")
                if kind == ERROR:
                    problem = text
                    break
                self.note = text
        except (EOFError, OSError, ValueError):
            pass
        with self._changed:
            self.problem = self.problem or problem
            self._changed.notify_all()

    def _read_picture(self, pipe: IO[bytes], due_s: float) -> None:
        with self._changed:
            self._reading_since_s = None  # the picture is there: it is not the process that is waited for
            self._changed.wait_for(lambda: self._free or self.problem)
            if self.problem:
                raise EOFError
            image = self._free.popleft()
        self._reading_since_s = time.monotonic()
        read_exactly(pipe, image.data.cast("B"))
        with self._changed:
            self._ready.append((due_s, image))
            self._changed.notify_all()


def _widen(pipe: IO[bytes]) -> None:
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
