"""Who has a file open, by the handles that the kernel lists in /proc; Linux only, nobody is found elsewhere.

Limits: other people's programs are closed to this one unless it runs as root, and `Openers.is_complete` says so.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Openers:
    """Who has a file open at one moment.

    Attributes
    ----------
    n_own : int
        Handles of this program.
    others : tuple of str
        Other programs, such as ``firefox (1234)``.
    is_complete : bool
        True where every program could be looked at.
    """

    n_own: int
    others: tuple[str, ...]
    is_complete: bool


def openers_of(path: str) -> Openers:
    """Look who has a file open.

    Parameters
    ----------
    path : str
        The file, no symbolic link.

    Returns
    -------
    Openers
        As far as this person may look.
    """
    own = str(os.getpid())
    n_own, others, is_complete = 0, [], _PROCESSES.is_dir()
    for process in _PROCESSES.glob("[0-9]*"):
        # Programs end while they are looked at.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            try:
                n_handles = sum(_points_to(handle, path) for handle in (process / "fd").iterdir())
            except PermissionError:
                is_complete = False
                continue
            if process.name == own:
                n_own = n_handles
            elif n_handles:
                others.append(f"{(process / 'comm').read_text().strip()} ({process.name})")
    return Openers(n_own, tuple(others), is_complete)


def _points_to(handle: Path, path: str) -> bool:
    try:
        return str(handle.readlink()) == path
    except OSError:
        return False
