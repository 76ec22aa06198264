"""The one open connection of a page: server-sent events with the figures and with which pictures are new.

Pictures themselves are fetched one by one, when the page has shown the last: a browser opens six connections to a
host at most, so a stream for each picture would stop the second window from loading; and a page that fetches at
its own pace needs no queue anywhere.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from stream.view.bell import Bell
from stream.view.figures import Figures
from stream.view.pictures import Pictures

FIGURES_EVERY_S: Final = 0.2
"""Shortest time between two sets of figures: nobody reads faster."""

HEARTBEAT_S: Final = 2.0
"""Longest silence; the page says that the connection is lost after three of them."""

_RETRY_MS: Final = 1000


async def stream_events(
    bell: Bell, figures: Figures, pictures: Pictures, is_closing: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Yield events until the view closes: ``figures``, ``pictures``, ``heartbeat`` and a last ``bye``.

    Parameters
    ----------
    bell : Bell
        Rung at every change, and when the view closes.
    figures : Figures
        Sent whole when changed, at most every `FIGURES_EVERY_S`, the last ones in any case.
    pictures : Pictures
        Their versions are sent when changed, at once.
    is_closing : callable
        True once the view closes.

    Yields
    ------
    bytes
        One event of the ``text/event-stream`` format.
    """
    sent_figures, sent_versions = 0, None
    figures_at_s = -FIGURES_EVERY_S
    yield f"retry: {_RETRY_MS}\n\n".encode("ascii")
    with bell.listening() as heard:
        while True:
            heard.clear()
            is_last = is_closing()
            versions = pictures.versions()
            if versions != sent_versions:
                sent_versions = versions
                yield _event("pictures", json.dumps(versions))
            version, text = figures.newest()
            since_s = time.monotonic() - figures_at_s
            if version != sent_figures and (since_s >= FIGURES_EVERY_S or is_last):
                sent_figures, figures_at_s = version, time.monotonic()
                yield _event("figures", text)
            if is_last:
                yield _event("bye", "{}")
                return
            is_behind = version != sent_figures
            if not await _heard_within(heard, FIGURES_EVERY_S - since_s if is_behind else HEARTBEAT_S):
                yield _event("heartbeat", "{}")


def _event(name: str, line: str) -> bytes:
    return f"event: {name}\ndata: {line}\n\n".encode()


async def _heard_within(heard: asyncio.Event, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            await heard.wait()
    except TimeoutError:
        return False
    return True
