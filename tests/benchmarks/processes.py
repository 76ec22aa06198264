"""Work shared by processes; with one job it is done in this one.

The processes begin anew instead of as copies of this one: a copy has the locks of threads that it does not have
(PyAV's, numba's), and waits for them for ever.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol


class Workers(Protocol):
    """Whoever does the work."""

    def map(self, work: Callable[..., Any], /, *arguments: Iterable[Any]) -> Iterator[Any]:
        """Do it for each of the arguments; give the results in their order."""


class _ThisProcess:
    def map(self, work: Callable[..., Any], /, *arguments: Iterable[Any]) -> Iterator[Any]:
        return map(work, *arguments)


@contextmanager
def workers(jobs: int) -> Iterator[Workers]:
    """Give so many processes."""
    if jobs == 1:
        yield _ThisProcess()
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield pool
