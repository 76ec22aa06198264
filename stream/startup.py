"""A start without garbage collection.

Importing numba and the rest makes a few hundred thousand objects that all stay: looking for garbage among them again
and again is a twentieth of the time of a short recording. So nothing is collected until a session begins to count, and
what is there by then is left out of every later collection.
"""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def swift_start() -> Iterator[None]:
    """Put garbage collection off until `start_is_over`, or the end of the block.

    Yields
    ------
    None
        While it is off.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def start_is_over() -> None:
    """Collect garbage again, of what is made from now on; does nothing outside a swift start."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
