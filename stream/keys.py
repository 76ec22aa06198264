"""Single keys pressed in the terminal that a command runs in, without Enter."""

import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator

_TURN_S = 0.05


@contextlib.contextmanager
def keys_pressed(on_key: Callable[[str], None]) -> Iterator[None]:
    """Call back with each key while the block runs, from a thread of its own.

    Does nothing where standard input is no terminal, or belongs to another program in front. Ctrl-C stays what it is.

    Parameters
    ----------
    on_key : callable
        Takes one character.

    Yields
    ------
    None
        While keys are read.
    """
    if not sys.stdin or not sys.stdin.isatty():
        yield
        return
    ended = threading.Event()
    with _unbuffered_terminal() as read_key:
        reader = threading.Thread(target=_read_until, args=(ended, read_key, on_key), name="keys", daemon=True)
        reader.start()
        try:
            yield
        finally:
            ended.set()
            reader.join()


def _read_until(ended: threading.Event, read_key: Callable[[], str], on_key: Callable[[str], None]) -> None:
    with contextlib.suppress(OSError):  # the terminal was closed
        while not ended.is_set():
            key = read_key()
            if key:
                on_key(key)


@contextlib.contextmanager
def _unbuffered_terminal() -> Iterator[Callable[[], str]]:
    """Give a function that waits a moment for a key and returns it, or an empty text."""
    system: str = sys.platform
    if system == "win32":
        yield _read_key_on_windows
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def read_key() -> str:
        # Reading in the background would stop the program.
        is_there = select.select([terminal], [], [], _TURN_S)[0] and os.tcgetpgrp(terminal) == os.getpgrp()
        return os.read(terminal, 1).decode("ascii", "ignore") if is_there else ""

    try:
        if os.tcgetpgrp(terminal) == os.getpgrp():
            tty.setcbreak(terminal, termios.TCSANOW)
        yield read_key
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSANOW, before)


def _read_key_on_windows() -> str:
    import msvcrt
    import time

    if msvcrt.kbhit():  # type: ignore[attr-defined] # Windows only
        return str(msvcrt.getwch())  # type: ignore[attr-defined]
    time.sleep(_TURN_S)
    return ""
