"""Scores of a reconstruction from files: pictures in, figures out."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.reconstruction.score import Score, score
from stream.sources.base import CaptureError
from stream.sources.images import read_picture

_Array = TypeVar("_Array", Image, npt.NDArray[np.floating])


def score_files(room: Path, truth: Path, backdrop: Path | None = None, weights: Path | None = None) -> Score:
    """Score a reconstruction against a picture of the room.

    Parameters
    ----------
    room : Path
        The reconstruction; its alpha says what is claimed, and without alpha all of it is.
    truth : Path
        The room as it is, of the same size.
    backdrop : Path, optional
        The virtual background, of the same size; recall, precision and vader's metric need it.
    weights : Path, optional
        The largest leak alpha of each pixel, as a NumPy file of that size (``w.npy``); needed likewise.

    Returns
    -------
    Score
        The figures; None where a file for them is missing.

    Raises
    ------
    CaptureError
        If a file cannot be read, or its size is not the reconstruction's.
    """
    found = read_picture(room, keep_alpha=True)
    notes: tuple[str, ...] = ()
    if found.shape[2] == 3:
        found = np.dstack([found, np.full(found.shape[:2], 255, np.uint8)])
        notes = (f"{room} has no alpha: every pixel counts as claimed",)
    true_room = _of_size(found, room, read_picture(truth), truth)
    behind = None if backdrop is None else _of_size(found, room, read_picture(backdrop), backdrop)
    alphas = None if weights is None else _of_size(found, room, _read_weights(weights), weights)
    figures = score(found, true_room, behind, alphas)
    return replace(figures, notes=notes + figures.notes)


def _of_size(found: Image, room: Path, array: _Array, path: Path) -> _Array:
    (height, width), (other_height, other_width) = found.shape[:2], array.shape[:2]
    if (height, width) != (other_height, other_width):
        raise CaptureError(
            f"{path} is {other_width}x{other_height}, {room} is {width}x{height}; name files of one recording, or "
            "scale them to one size"
        )
    return array


def _read_weights(path: Path) -> npt.NDArray[np.floating]:
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise CaptureError(f"{path}: no such file; check the name, and the folder you are in") from None
    except OSError as error:
        reason = error.strerror or "damaged"
        raise CaptureError(f"{path} cannot be read ({reason}); name a NumPy file such as w.npy") from None
    except (ValueError, EOFError):
        raise CaptureError(f"{path} is not a NumPy file; name one such as w.npy") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or not np.issubdtype(array.dtype, np.floating):
        raise CaptureError(f"{path} is not one plane of floats (height, width); name a NumPy file such as w.npy")
    if not ((array >= 0) & (array <= 1)).all():
        raise CaptureError(f"{path} holds values outside of 0 to 1; leak alphas are wanted, such as in w.npy")
    return array
