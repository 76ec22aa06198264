"""A video as a background, looped, decoded by another process (`stream.backgrounds.child`).

The stream's time paces it: a picture is shown from the moment it is due. Live, nothing waits for it; for a recording
every picture is waited for, so that the same recording gives the same frames. If the process crashes, or gives nothing
for `patience_s`, frames get no background, and thus become placeholders, until another one has been started.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.base import Image
from pipelines.child import child_command
from pipelines.protection.backgrounds import BackgroundError
from pipelines.protection.contract import Mask
from stream.backgrounds.player import Player

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


def decoder_command(path: Path, height: int, width: int) -> list[str]:
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
    return child_command("stream.backgrounds.child", str(path.absolute()), str(height), str(width))


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
        command: Callable[[Path, int, int], list[str]] = decoder_command,
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
        self._player: Player | None = None
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

    def _running(self) -> "Player":
        if self._player is None:
            if time.monotonic() < self._retry_at_s:
                raise BackgroundError(f"background {self._problem}; trying again")
            self._player = self._start()
        return self._player

    def _advance(self, player: "Player") -> None:
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

    def _start(self) -> "Player":
        return Player(self._command(self._path, *self._size), *self._size, name=str(self._path))

    def _new_waits(self) -> Iterator[float]:
        yield from self._retry_s
        while True:
            yield self._retry_s[-1]
