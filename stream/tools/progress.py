"""A progress bar for work on whole recordings; nothing where nobody looks."""

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int | None], None] | None]:
    """Show a bar on standard error while the block runs.

    Parameters
    ----------
    title : str
        What is being done.

    Yields
    ------
    callable or None
        To be called with (done, total), total None where nobody knows; None if standard error is no terminal.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
