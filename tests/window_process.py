"""A window by a process of its own, so that what draws on the screen is not what reads it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def window_process(script: Path, words: tuple[object, ...], shown: str, patience_s: float) -> Iterator[None]:
    """Run a script that shows a window until SIGTERM; it prints the line `shown` once the window is there."""
    line = [sys.executable, str(script), *map(str, words)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == f"{shown}\n"
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=patience_s)
    assert process.returncode == 0
