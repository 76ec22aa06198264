"""Wakes coroutines of an event loop when another thread has something new for them.

A bell and not a queue: who was asleep looks at the newest state when it wakes, so a slow listener never builds a
backlog.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Bell:
    """Rung from any thread; heard by coroutines of any event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def ring(self) -> None:
        """Wake everybody who listens; returns at once."""
        with self._lock:
            listeners = list(self._listeners.items())
        for heard, loop in listeners:
            with suppress(RuntimeError):  # that loop has ended meanwhile, and its listener with it
                loop.call_soon_threadsafe(heard.set)

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Listen from inside a coroutine.

        Yields
        ------
        asyncio.Event
            Set by every ring; who waits on it clears it.
        """
        heard = asyncio.Event()
        with self._lock:
            self._listeners[heard] = asyncio.get_running_loop()
        try:
            yield heard
        finally:
            with self._lock:
                del self._listeners[heard]
