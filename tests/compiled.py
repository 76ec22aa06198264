"""Whether the kernels run compiled. With NUMBA_DISABLE_JIT=1 they are plain Python, some hundred times slower."""

from typing import TypeVar

import numba

IS_COMPILED = not numba.config.DISABLE_JIT

_Size = TypeVar("_Size")


def sized(compiled: _Size, plain: _Size) -> _Size:
    """Return the size that a test works at: the first, or the second while the kernels are not compiled."""
    return compiled if IS_COMPILED else plain
