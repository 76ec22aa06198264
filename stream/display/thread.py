"""The one thread in which pictures' windows live, whoever shows them.

A sink is written by a thread of its own and a view by another, and GLFW wants one: so what opens, draws or closes a
window is handed to this thread. Between two jobs it handles what the system has to say, some forty times a second, so
that a window is painted again, and is closed by the person, while no new picture comes.

Limits: not on macOS, whose windows belong to the program's first thread.
"""

import atexit
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from typing import Any, Protocol, TypeVar

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

_TURN_S = 0.025
_ENDS_IN_S = 2.0


class Tended(Protocol):
    """A window that the thread looks after."""

    def tend(self) -> None:
        """Handle events, paint again, close where the person asked to; called some forty times a second."""


def in_display_thread(work: Callable[[], _Result]) -> _Result:
    """Run something in the thread of the windows, and wait for it.

    Parameters
    ----------
    work : callable
        Opens, draws or closes; it must not wait for anything else.

    Returns
    -------
    Any
        What `work` returns.

    Raises
    ------
    Exception
        What `work` raises.
    """
    return _thread().do(work)


def look_after(window: Tended) -> None:
    """Have a window tended until `leave`; from the thread of the windows.

    Parameters
    ----------
    window : Tended
        Open.
    """
    _thread().tended.append(window)


def leave(window: Tended) -> None:
    """No longer tend a window; from the thread of the windows. Again does nothing.

    Parameters
    ----------
    window : Tended
        One that is looked after.
    """
    if window in _thread().tended:
        _thread().tended.remove(window)


class _DisplayThread:
    def __init__(self) -> None:
        self.tended: list[Tended] = []
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="windows", daemon=True)
        self._thread.start()
        atexit.register(self._end)

    def do(self, work: Callable[[], _Result]) -> _Result:
        if threading.current_thread() is self._thread:
            return work()
        done: Future[_Result] = Future()
        self._jobs.put((work, done))
        return done.result()

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=_TURN_S if self.tended else None)
            except queue.Empty:
                self._tend()
                continue
            if job is None:
                return
            work, done = job
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
                done.set_exception(error)
            else:
                done.set_result(result)

    def _tend(self) -> None:
        for window in tuple(self.tended):
            try:
                window.tend()
            except Exception:  # noqa: BLE001 - a window that cannot be painted must not end the others
                self.tended.remove(window)
                _log.exception("a window is no longer painted")

    def _end(self) -> None:
        # A thread that draws while the interpreter goes would end the process badly.
        self._jobs.put(None)
        self._thread.join(_ENDS_IN_S)


@cache
def _thread() -> _DisplayThread:
    return _DisplayThread()
