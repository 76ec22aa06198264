"""A disk that runs full and a file that may not be read, for tests of what is said and left behind then."""

import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

NOBODY = 65534


@contextlib.contextmanager
def files_no_longer_than(n_bytes: int) -> Iterator[None]:
    """Let every write beyond `n_bytes` of a file fail, as on a full disk (EFBIG in place of ENOSPC)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def without_permission(path: Path) -> Iterator[None]:
    """Take the permissions off a path, and the right to overrule them off a test that runs as root."""
    mode = path.stat().st_mode
    path.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        path.chmod(mode)
