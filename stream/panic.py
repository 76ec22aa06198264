"""Hiding at once: the keys of the terminal and the signals that pause a protected camera.

Space or ``p`` hides and shows again, ``q`` ends. SIGUSR1 hides and SIGUSR2 shows again, so that a desktop's own
shortcut can do it (``pkill -USR1 backroom``); Windows has neither.
"""

import contextlib
import signal
from collections.abc import Iterator
from typing import Protocol

from stream.keys import keys_pressed

PAUSE_KEYS = (" ", "p")
END_KEY = "q"


class Pausable(Protocol):
    """A session that can be paused and ended from any thread or signal handler."""

    @property
    def is_paused(self) -> bool:
        """Whether a placeholder is shown."""

    def pause(self, paused: bool) -> None:
        """Show a placeholder from now on, or go on.

        Parameters
        ----------
        paused : bool
            False goes on.
        """

    def stop(self) -> None:
        """End soon."""


@contextlib.contextmanager
def panic_keys(session: Pausable) -> Iterator[None]:
    """Pause and end a session by keys and signals while the block runs; called from the main thread.

    Parameters
    ----------
    session : Pausable
        What is paused.

    Yields
    ------
    None
        While they are in force.
    """

    def press(key: str) -> None:
        if key in PAUSE_KEYS:
            session.pause(not session.is_paused)
        elif key == END_KEY:
            session.stop()

    wanted = {"SIGUSR1": True, "SIGUSR2": False}
    numbers = {getattr(signal, name): paused for name, paused in wanted.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, lambda n, _: session.pause(numbers[n])) for number in numbers}
    try:
        with keys_pressed(press):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
