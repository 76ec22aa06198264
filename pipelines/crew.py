"""A few threads that share the parts of one frame's work.

The parts are taken one after the other by whoever is free, the caller's thread included: kernels and OpenCV let go of
the interpreter, so that two parts truly run at once, and a thread that another program keeps from its processor holds
up one small part and not half of the frame. Parts must not write the same place; then the result does not depend on
which thread took which part, or on how many threads there are.
"""

import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")

MOST_THREADS = 4
"""More gain nothing: what cannot be shared, and handing parts over, are then most of a frame's time."""


class Crew:
    """Threads for the parts of a piece of work. Any thread may call, several at once, and a part may call again.

    Parameters
    ----------
    n_threads : int
        The caller's thread counts as one of them.
    rest : float, optional
        See the attribute.

    Attributes
    ----------
    n_threads : int
        As given.
    rest : float
        How long a thread rests after each part, in times of the processor's time that the part took. So long work does
        not keep frames waiting: they are caught up with in the rests. Any thread may change it.
    """

    def __init__(self, n_threads: int, rest: float = 0.0) -> None:
        self.n_threads, self.rest = n_threads, rest
        self._pool = ThreadPoolExecutor(max(1, n_threads - 1), "crew")

    def run(self, parts: Sequence[Callable[[], T]]) -> list[T]:
        """Do all parts and wait for them.

        Parameters
        ----------
        parts : sequence of callable
            Taken up in this order: the longest should come first.

        Returns
        -------
        list
            What each part returned, in the same order.

        Raises
        ------
        Exception
            What a part raised; no part is running any more by then, and some may not have been begun.
        """
        results: dict[int, T] = {}
        waiting = deque(enumerate(parts))

        def work() -> None:
            while True:
                try:
                    number, part = waiting.popleft()
                except IndexError:
                    return
                begin_s = time.thread_time()
                results[number] = part()
                if self.rest:
                    time.sleep(self.rest * (time.thread_time() - begin_s))

        helpers = [self._pool.submit(work) for _ in range(min(self.n_threads, len(parts)) - 1)]
        try:
            work()
        finally:
            waiting.clear()
            # A helper that has not begun finds nothing to do any more: it need not be waited for.
            begun = [helper for helper in helpers if not helper.cancel()]
            errors = [error for helper in begun if (error := helper.exception()) is not None]
        if errors:
            raise errors[0]
        return [results[number] for number in range(len(parts))]


def bands(height: int, n: int) -> list[tuple[int, int]]:
    """Cut rows into bands for the members of a crew.

    Parameters
    ----------
    height : int
        Rows.
    n : int
        Most bands; those of a low picture are fewer.

    Returns
    -------
    list of tuple of int
        First and end row of each, in order; of nearly the same height.
    """
    edges = [height * i // n for i in range(n + 1)]
    return [(first, end) for first, end in itertools.pairwise(edges) if end > first]


@cache
def shared_crew() -> Crew:
    """Return the crew of this process, as large as there are processors for it, up to `MOST_THREADS`."""
    n_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Crew(min(MOST_THREADS, n_processors))
