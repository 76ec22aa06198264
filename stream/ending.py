"""How a command that runs until it is told to stop hears of it: Ctrl-C, SIGTERM, and a terminal that closes."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Protocol


class Stoppable(Protocol):
    """A session that can be ended."""

    def stop(self) -> None:
        """End soon and save; may be called from any thread or signal handler."""


class Ending:
    """Hands the wish to end to the session of the moment; one that comes between two sessions counts as well."""

    def __init__(self) -> None:
        self.is_asked = False
        self._session: Stoppable | None = None

    def follow(self, session: Stoppable) -> None:
        """End this session from now on.

        Parameters
        ----------
        session : Stoppable
            The session of the moment.
        """
        self._session = session
        if self.is_asked:
            session.stop()

    def ask(self) -> None:
        """End the run soon and save."""
        self.is_asked = True
        if self._session is not None:
            self._session.stop()


@contextlib.contextmanager
def ended_by_signals() -> Iterator[Ending]:
    """End cleanly and save on Ctrl-C, SIGTERM and a closed terminal; a second Ctrl-C ends at once.

    Yields
    ------
    Ending
        To be told which session is to be ended.
    """
    ending = Ending()

    def obey(number: int, _frame: object) -> None:
        ending.ask()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    wanted = [signal.SIGINT, signal.SIGTERM]
    # Windows has no SIGHUP; under nohup it is ignored, and is to stay so.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        wanted.append(signal.SIGHUP)
    before = {number: signal.signal(number, obey) for number in wanted}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
