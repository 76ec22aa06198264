"""Python processes of Backroom's own: how they are started, talk through pipes, and end with their parent.

What must not harm a camera (decoders of strange files, an attack that takes all of a processor) works in a process of
its own. The parent writes to its standard input and reads from its standard output. It is no fork: those do not get on
with threads. It ends when its standard input does, and so with its parent, however that ends; nothing is left behind.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import IO, BinaryIO


def child_command(module: str, *words: str) -> list[str]:
    """Return the command that calls a module's `main` in a new process.

    Parameters
    ----------
    module : str
        Its full name.
    *words : str
        What `main` finds in `sys.argv`.

    Returns
    -------
    list of str
        For `subprocess`.
    """
    # -P: a folder that happens to hold a config.py must not take the place of ours.
    return [sys.executable, "-P", "-c", f"from {module} import main; main()", *words]


def open_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Begin a child: Ctrl-C is for the parent, and libraries that print must not print into what the parent reads.

    Returns
    -------
    tuple of file
        What the parent writes, and what it reads; both unbuffered.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, replies = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return requests, replies


def read_exactly(pipe: IO[bytes], into: bytearray | memoryview) -> bytearray | memoryview:
    """Fill a buffer.

    Parameters
    ----------
    pipe : file
        Unbuffered.
    into : bytearray or memoryview
        Of bytes.

    Returns
    -------
    bytearray or memoryview
        `into`.

    Raises
    ------
    EOFError
        If the other end is closed before.
    """
    left = memoryview(into)
    while left:
        n_read = pipe.readinto(left)  # type: ignore[attr-defined] # unbuffered: a raw file
        if not n_read:
            raise EOFError
        left = left[n_read:]
    return into


def write_all(pipe: IO[bytes], *parts: bytes | memoryview) -> None:
    """Write one part after the other.

    Parameters
    ----------
    pipe : file
        Unbuffered.
    *parts : bytes or memoryview
        Of bytes.

    Raises
    ------
    BrokenPipeError
        If nobody reads any more.
    """
    for part in parts:
        left = memoryview(part)
        while left:
            left = left[pipe.write(left) :]


def end_child(process: "subprocess.Popen[bytes]", reader: threading.Thread) -> None:
    """End a child, whatever it does, and the thread that reads from it.

    Parameters
    ----------
    process : Popen
        The child; its pipes are closed once nobody reads from them.
    reader : Thread
        Ends when the child's output does.
    """
    process.kill()
    process.wait()
    reader.join()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
