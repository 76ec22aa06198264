"""A video as a background, looped, decoded by another process (`stream.backgrounds.child`).

The stream's time paces it: a picture is shown from the moment it is due. Live, nothing waits for it; for a recording
every picture is waited for, so that the same recording gives the same frames. If the process crashes, or gives nothing
for `patience_s`, frames get no background, and thus become placeholders, until another one has been started.
"""

import contextlib
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from pipelines.base import Image
from pipelines.protection.backgrounds import BackgroundError
from pipelines.protection.contract import Mask
from stream.backgrounds.child import ERROR, FRAME, HEADER

READ_AHEAD = 3
"""Pictures that are decoded before they are due: the decoder may have slow moments."""

START_S = 15.0
"""Longest wait for the first picture: a process starts, on a busy machine."""

PATIENCE_S = 5.0
"""A process that gives nothing for so long while it is asked is taken for hung."""

RETRY_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Waits before another process is started; the last one is repeated."""

LATE_S = 0.5
"""Live, a background that fell behind further than this goes on from where it is, and is not hurried."""

ROUNDING_S = 1e-6
"""Time stamps are sums of fractions; a picture that is due may seem a hair early."""

PIPE_BYTES = 1 << 20
"""Room in the pipe where the system lets us ask: a sixteenth of the switches between the two processes."""


@dataclass(slots=True)
class StreamTime:
    """The time of the stream that a background goes with; the session keeps it.

    Attributes
    ----------
    now_s : float
        Of the frame under way.
    is_live : bool
        Whether late pictures are not waited for.
    """

    now_s: float = 0.0
    is_live: bool = True


def child_command(path: Path, height: int, width: int) -> list[str]:
    """Return how the decoding process is started.

    Parameters
    ----------
    path : Path
        The video.
    height, width : int
        Wanted size.

    Returns
    -------
    list of str
        For `subprocess`.
    """
    # -P: a folder that happens to hold a config.py must not take the place of ours.
    code = "from stream.backgrounds.child import main; main()"
    return [sys.executable, "-P", "-c", code, str(path.absolute()), str(height), str(width)]


class VideoBackground:
    """A looped video, see `pipelines.protection.contract.Background`.

    Parameters
    ----------
    path : Path
        The video.
    time : StreamTime
        What paces it.
    command : callable, optional
        How the process is started; for tests.
    patience_s, start_s : float, optional
        Longest waits for a picture, and for the first one, in seconds.
    retry_s : sequence of float, optional
        Waits between tries, in seconds.
    """

    def __init__(
        self,
        path: Path,
        time: StreamTime,
        *,
        command: Callable[[Path, int, int], list[str]] = child_command,
        patience_s: float = PATIENCE_S,
        start_s: float = START_S,
        retry_s: Sequence[float] = RETRY_S,
    ) -> None:
        self.name = path.name
        self._path = path
        self._time = time
        self._command = command
        self._patience_s = patience_s
        self._start_s = start_s
        self._retry_s = retry_s
        self._player: _Player | None = None
        self._size = (0, 0)
        self._origin_s: float | None = None
        self._shown: Image | None = None
        self._retry_at_s = 0.0
        self._problem = ""
        self._waits = self._new_waits()

    @property
    def note(self) -> str:
        """One line on what is wrong with the video as far as it was played; empty while nothing is."""
        return self._player.note if self._player is not None else ""

    def warm_up(self, height: int, width: int) -> None:
        """Start the process and wait for its first picture.

        Parameters
        ----------
        height, width : int
            Pixels.

        Raises
        ------
        BackgroundError
            If none comes.
        """
        if self._player is not None and self._size == (height, width):
            return
        self.close()
        self._size = (height, width)
        self._player = self._start()
        if not self._player.wait_for_a_picture(self._start_s):
            problem = self._player.problem or f"no picture in {self._start_s:g} s"
            self.close()
            raise BackgroundError(f"background {problem}")

    def picture(self, camera: Image, mask: Mask) -> Image:  # noqa: ARG002 - the contract's names
        """Return the picture that is due.

        Parameters
        ----------
        camera, mask : ndarray
            Not looked at.

        Returns
        -------
        ndarray
            (height, width, 3) uint8 BGR, valid until the next call.

        Raises
        ------
        BackgroundError
            While there is none.
        """
        player = self._running()
        self._advance(player)
        if player.problem or player.silent_s() > (self._start_s if self._shown is None else self._patience_s):
            raise self._lose(player.problem or f"{self._path}: its decoder gives nothing")
        if self._shown is None:
            raise BackgroundError(f"background {self._path}: its decoder is starting")
        return self._shown

    def close(self) -> None:
        """End the process; calling it again does nothing."""
        player, self._player = self._player, None
        self._shown, self._origin_s = None, None
        if player is not None:
            player.close()

    def _running(self) -> "_Player":
        if self._player is None:
            if time.monotonic() < self._retry_at_s:
                raise BackgroundError(f"background {self._problem}; trying again")
            self._player = self._start()
        return self._player

    def _advance(self, player: "_Player") -> None:
        while True:
            if not self._time.is_live:
                player.wait_for_a_picture(self._start_s)
            due_s = player.next_due_s()
            if due_s is None or not self._is_due(due_s):
                return
            if self._shown is not None:
                player.give_back(self._shown)
            self._shown = player.take()
            self._waits = self._new_waits()

    def _is_due(self, due_s: float) -> bool:
        now_s = self._time.now_s
        is_late = self._origin_s is not None and now_s - self._origin_s - due_s > LATE_S
        if self._origin_s is None or (self._time.is_live and is_late):
            self._origin_s = now_s - due_s
        return self._origin_s + due_s <= now_s + ROUNDING_S

    def _lose(self, problem: str) -> BackgroundError:
        self.close()
        self._problem = problem
        self._retry_at_s = time.monotonic() + next(self._waits)
        return BackgroundError(f"background {problem}")

    def _start(self) -> "_Player":
        return _Player(self._command(self._path, *self._size), *self._size, name=str(self._path))

    def _new_waits(self) -> Iterator[float]:
        yield from self._retry_s
        while True:
            yield self._retry_s[-1]


class _Player:
    """One decoding process and the thread that reads it into a few pictures of its own, used in turn."""

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
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self.problem, longest_s)
            return bool(self._ready)

    def next_due_s(self) -> float | None:
        with self._changed:
            return self._ready[0][0] if self._ready else None

    def take(self) -> Image:
        with self._changed:
            return self._ready.popleft()[1]

    def give_back(self, image: Image) -> None:
        with self._changed:
            self._free.append(image)
            self._changed.notify_all()

    def silent_s(self) -> float:
        since_s = self._reading_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    def close(self) -> None:
        with self._changed:
            self.problem = self.problem or "closed"
            self._changed.notify_all()
        self._process.kill()
        self._process.wait()
        self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - asked for in Popen
        _widen(pipe)
        problem = f"{self._name}: its decoder crashed; make a fresh copy of the video, or take another"
        try:
            while True:
                self._reading_since_s = time.monotonic()
                kind, due_s, n_bytes = HEADER.unpack(_exactly(pipe, bytearray(HEADER.size)))
                if kind == FRAME:
                    self._read_picture(pipe, due_s)
                    continue
                text = bytes(_exactly(pipe, bytearray(n_bytes))).decode(errors="replace")
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
        _exactly(pipe, image.data.cast("B"))
        with self._changed:
            self._ready.append((due_s, image))
            self._changed.notify_all()


def _exactly(pipe: IO[bytes], into: bytearray | memoryview) -> bytearray | memoryview:
    left = memoryview(into)
    while left:
        n_read = pipe.readinto(left)  # type: ignore[attr-defined] # unbuffered: a raw file
        if not n_read:
            raise EOFError
        left = left[n_read:]
    return into


def _widen(pipe: IO[bytes]) -> None:
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
