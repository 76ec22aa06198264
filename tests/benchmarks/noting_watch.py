"""`backroom`, with a notebook: writes down which frames the method `leak` was given, and when it was done with each.

``python noting_watch.py NOTES.npy watch SOURCE ...``; the notes are (3, n) float64: the frame's time stamp on the
source's clock, and begin and end on that of `time.perf_counter`.
"""

import atexit
import sys
import time
from collections.abc import Sequence

import stream  # noqa: F401 - before numpy, which it denies the threads that the command would not have either
from pipelines.base import Frame
from pipelines.reconstruction.leak.pipeline import LeakReconstruction
from stream.cli import main

_plain = LeakReconstruction.process
_notes: list[tuple[float, float, float]] = []


def _noting(self: LeakReconstruction, frame: Frame) -> Sequence[Frame]:
    begin_s = time.perf_counter()
    outputs = _plain(self, frame)
    _notes.append((frame.pts_s, begin_s, time.perf_counter()))
    return outputs


def _save(path: str) -> None:
    import numpy as np

    np.save(path, np.array(_notes).reshape(-1, 3).T)


if __name__ == "__main__":
    atexit.register(_save, sys.argv.pop(1))
    LeakReconstruction.process = _noting  # type: ignore[method-assign]
    main()
