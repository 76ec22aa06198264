"""Lets what comes one after the other be made beside what is done with it: NumPy, OpenCV and codecs let go."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

N_AHEAD = 4
_END = object()


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Yield the same items in the same order, made in a thread of its own up to `N_AHEAD` before they are taken."""
    made = iter(items)
    with ThreadPoolExecutor(1, "ahead") as thread:
        waiting = deque(thread.submit(next, made, _END) for _ in range(N_AHEAD))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(thread.submit(next, made, _END))
            yield item  # type: ignore[misc] # it is not the end
