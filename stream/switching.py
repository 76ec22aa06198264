"""How soon threads of Python give way to each other where a picture must be in time."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Final

SWITCH_S: Final = 0.0005
"""Another thread may keep the interpreter this long; 5 ms, the default, are most of a display's period and a sixth of a
camera's frame, and a frame asks for the interpreter many times."""


@contextlib.contextmanager
def swift_switching() -> Iterator[None]:
    """Let threads change places sooner while the block runs.

    Yields
    ------
    None
        While they do.
    """
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
