"""The counts of `leak` on disk, in the container of `pipelines.reconstruction.state`.

Only slots that hold something are written. The counts, little-endian: six uint64, how many slots of the backdrop and
of the evidence there are, the working height and width, the figures of a slot, and whether there is a frame before;
then the arrays in the order of `_parts`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.base import PipelineError
from pipelines.reconstruction.leak import evidence as ev
from pipelines.reconstruction.leak.observe import SHRINK
from pipelines.reconstruction.leak.watcher import LeakWatcher, Moment
from pipelines.reconstruction.state import StateHeader, read_state, write_state

_N_HEAD = 6


def save_watcher(
    path: Path, size: tuple[int, int], watcher: LeakWatcher, method: str, extra: dict[str, Any], *, durable: bool = True
) -> None:
    """Write the counts to a file, which replaces an older one only when it is complete.

    Parameters
    ----------
    path : Path
        File to write or replace.
    size : tuple of int
        Height and width of the frames in pixels.
    watcher : LeakWatcher
        Not changed.
    method : str
        Name of the method that counted.
    extra : dict
        JSON values to keep with them.
    durable : bool
        Wait until the disk has it.

    Raises
    ------
    PipelineError
        If it cannot be written; an older file is intact.
    """
    write_state(path, StateHeader(*size, watcher.n_frames, method, extra), _parts(watcher), durable=durable)


def load_watcher(path: Path, size: tuple[int, int], watcher: LeakWatcher, method: str) -> dict[str, Any]:
    """Read counts into an empty watcher.

    Parameters
    ----------
    path : Path
        File written by `save_watcher`.
    size : tuple of int
        Height and width that the frames to come have, in pixels.
    watcher : LeakWatcher
        Empty, of the working size that the state has; written.
    method : str
        Method that is to go on counting.

    Returns
    -------
    dict
        The `extra` that was saved.

    Raises
    ------
    PipelineError
        If it is not a state file, damaged, or of another version, method, size or working size.
    """
    header, content = read_state(path, *size, method)
    reader = _Reader(content)
    n_heavy, n_evidence, height, width, n_columns, has_moment = reader.take("<u8", _N_HEAD).tolist()
    if (height, width, n_columns) != (watcher.height, watcher.width, ev.N_COLUMNS):
        raise PipelineError(
            f"state {path}: was worked on at {width}x{height} with {n_columns} figures, this session works at "
            f"{watcher.width}x{watcher.height} with {ev.N_COLUMNS}; give the same watch.work_height_px or name another "
            "file with --state"
        )
    heavy, evidence = watcher.heavy, watcher.evidence
    held = reader.take("<u4", n_heavy)
    heavy.cells.reshape(-1)[held] = reader.take("<u2", n_heavy)
    heavy.weights.reshape(-1)[held] = reader.take("<u4", n_heavy)
    heavy.means.reshape(-1, 3)[held] = reader.take("<f4", n_heavy * 3).reshape(-1, 3)
    heavy.totals[:] = reader.take("<u4", height * width).reshape(height, width)
    seen = reader.take("<u4", n_evidence)
    evidence.colors.reshape(-1, 3)[seen] = reader.take("<f4", n_evidence * 3).reshape(-1, 3)
    evidence.sums.reshape(-1, ev.N_COLUMNS)[seen] = reader.take("<f4", n_evidence * n_columns).reshape(-1, n_columns)
    evidence.last_frame.reshape(-1)[seen] = reader.take("<i4", n_evidence)
    evidence.likeness.reshape(-1)[seen] = reader.take("u1", n_evidence)
    evidence.pixels[:] = reader.take("<u4", evidence.pixels.size).reshape(evidence.pixels.shape)
    watcher.person_colors[:] = reader.take("<f8", watcher.person_colors.size).reshape(watcher.person_colors.shape)
    watcher.backdrop[:] = reader.take("<f4", height * width * 3).reshape(height, width, 3)
    watcher.backdrop_weight[:] = reader.take("<u4", height * width).reshape(height, width)
    evidence.visit_slot[:] = reader.take("u1", height * width).reshape(height, width)
    watcher.continue_from(header.n_frames, _read_moment(reader, height, width) if has_moment else None)
    return header.extra


def _read_moment(reader: "_Reader", height: int, width: int) -> Moment:
    small = (-(-height // SHRINK), -(-width // SHRINK))
    return Moment(
        reader.take("u1", height * width * 3).reshape(height, width, 3),
        reader.take("<f4", height * width).reshape(height, width),
        reader.take("<f4", height * width).reshape(height, width),
        reader.take("<f4", small[0] * small[1]).reshape(small),
    )


def _parts(watcher: LeakWatcher) -> Iterator[memoryview]:
    heavy, evidence = watcher.heavy, watcher.evidence
    held = np.flatnonzero(heavy.weights).astype("<u4")
    seen = np.flatnonzero(evidence.sums[..., ev.FRAMES]).astype("<u4")
    n_columns = evidence.sums.shape[-1]
    moment = watcher.moment
    head = [held.size, seen.size, watcher.height, watcher.width, n_columns, moment is not None]
    yield np.array(head, "<u8").data
    arrays: tuple[npt.NDArray[Any], ...] = (
        held,
        heavy.cells.reshape(-1)[held],
        heavy.weights.reshape(-1)[held],
        heavy.means.reshape(-1, 3)[held],
        heavy.totals,
        seen,
        evidence.colors.reshape(-1, 3)[seen],
        evidence.sums.reshape(-1, n_columns)[seen],
        evidence.last_frame.reshape(-1)[seen],
        evidence.likeness.reshape(-1)[seen],
        evidence.pixels,
        watcher.person_colors,
        watcher.backdrop,  # chosen some rows at a time, so that the counts of now do not give it
        watcher.backdrop_weight,
        evidence.visit_slot,
        *(moment or ()),
    )
    for array in arrays:
        yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


class _Reader:
    """Takes one array after the other from bytes."""

    def __init__(self, content: npt.NDArray[np.uint8]) -> None:
        self._content = content
        self._offset = 0

    def take(self, dtype: str, count: int) -> npt.NDArray[Any]:
        size = np.dtype(dtype).itemsize * count
        # a copy: arrays need not lie on a boundary of their type in the file
        part = self._content[self._offset : self._offset + size].copy().view(dtype)
        self._offset += size
        return part
