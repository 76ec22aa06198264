"""Files that are whole or not there: written beside their name, renamed when they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` only when the block ends without an error.

    The bytes are on the disk (fsync) before the name changes hands, so that a crash or a power cut leaves either
    the old file or the new one. On an error the old file is untouched and the temporary one is removed; after a
    kill a temporary named ``.NAME.PID.part`` may stay, which nothing ever reads.

    Parameters
    ----------
    path : Path
        File to write or replace.

    Yields
    ------
    BinaryIO
        The temporary file, open for writing.

    Raises
    ------
    OSError
        If the folder cannot be written or the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_atomic(path: Path, content: bytes) -> None:
    """Write a whole small file.

    Parameters
    ----------
    path : Path
        File to write or replace.
    content : bytes
        All of it.

    Raises
    ------
    OSError
        As for `atomic_file`.
    """
    with atomic_file(path) as file:
        file.write(content)
