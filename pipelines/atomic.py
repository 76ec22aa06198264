"""Files that are either the old one or the new one, whole, whatever happens in between.

A new file is written under a temporary name beside its target (a rename works within one file system only),
flushed to the disk and renamed over the target, which the operating system does at one stroke. When anything
fails, a full disk first of all, the target is as it was and the temporary file is gone.

Limits: a process killed in the middle leaves its temporary file, named ``.NAME.XXXXXXXX.part``; a target that
is not a plain file (a folder, ``/dev/null``) is refused, because a rename would replace the thing itself.
Errors are `OSError`, for the caller to put into the words of its own contract.
"""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a temporary file that takes the place of `path` when the block ends without an error.

    Parameters
    ----------
    path : Path
        File to write or replace; a symbolic link is followed, the permissions of an old file are kept.
    durable : bool
        Wait until the disk has the bytes, so that a power cut cannot lose both files. False saves some
        milliseconds a file and still survives a crash of the program.

    Yields
    ------
    BinaryIO
        The temporary file, open for writing.

    Raises
    ------
    OSError
        If the file cannot be written; `path` is as it was.
    """
    target = Path(os.path.realpath(path))
    mode = _mode_of(target)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            if mode is not None:
                part.chmod(mode)
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(target.parent)


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a whole file or leave the old one.

    Parameters
    ----------
    path : Path
        File to write or replace.
    data : bytes
        What it is to hold.
    durable : bool
        As for `replacing`.

    Raises
    ------
    OSError
        If it cannot be written; `path` is as it was.
    """
    with replacing(path, durable=durable) as file:
        file.write(data)


def new_part_file(path: Path) -> Path:
    """Create an empty file beside `path` for a recording that grows until it is renamed.

    A recording is worth keeping when its program dies, so that its temporary file has a name that a person
    sees and a player opens: ``call.part.mkv`` for ``call.mkv``, then ``call.part-2.mkv``. What an earlier
    crash left is never written over.

    Parameters
    ----------
    path : Path
        The final name.

    Returns
    -------
    Path
        The file created.

    Raises
    ------
    OSError
        If it cannot be created, or `path` is something else than a file.
    """
    target = Path(os.path.realpath(path))
    _mode_of(target)
    n = 1
    while True:
        part = target.with_name(f"{target.stem}.part{f'-{n}' if n > 1 else ''}{target.suffix}")
        with contextlib.suppress(FileExistsError), part.open("xb"):
            return part
        n += 1


def put_in_place(part: Path, path: Path) -> None:
    """Give a finished file its final name, after the disk has its bytes.

    Parameters
    ----------
    part : Path
        The finished temporary file, closed.
    path : Path
        The final name; an old file there is replaced.

    Raises
    ------
    OSError
        If that fails; both files are as they were.
    """
    target = Path(os.path.realpath(path))
    mode = _mode_of(target)
    if mode is not None:
        part.chmod(mode)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut.

    Parameters
    ----------
    folder : Path
        The folder in which a file was renamed.
    """
    # Windows has no such call and some network file systems refuse it: the rename itself has happened by now.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _mode_of(target: Path) -> int | None:
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(target))
    if not target.is_file():
        raise OSError(errno.EINVAL, "is a device or pipe and not a file", str(target))
    return status.st_mode & 0o7777
