"""Files of weights that ship with Backroom: the layers of networks, and the names of what goes in."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable

import numpy as np
import numpy.typing as npt

from pipelines.base import PipelineError

Layer = npt.NDArray[np.float32]
"""Weights, biases, and what goes through a network."""


def read_layers(
    path: Traversable, layers: Sequence[str], names: Sequence[str]
) -> tuple[dict[str, Layer], dict[str, Layer]]:
    """Read weights and biases.

    Parameters
    ----------
    path : Path or Traversable
        A file that `save_layers` wrote.
    layers : sequence of str
        What the layers are called.
    names : sequence of str
        What the caller will put in; must be what the network has learnt from.

    Returns
    -------
    weights, biases : dict of str to ndarray
        By `layers`; float32.

    Raises
    ------
    PipelineError
        If the file cannot be read, is damaged, or was made for something else.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as content:
            learnt_from = [str(name) for name in content["names"]]
            weights = {name: content[f"{name}.weight"].astype(np.float32) for name in layers}
            biases = {name: content[f"{name}.bias"].astype(np.float32) for name in layers}
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise PipelineError(
            f"the network {path} cannot be read ({error}); reinstall: pip install --force-reinstall backroom"
        ) from None
    if learnt_from != list(names):
        raise PipelineError(
            f"the network {path} was made for {len(learnt_from)} other features than the {len(names)} of this version; "
            "train it anew, or reinstall: pip install --force-reinstall backroom"
        )
    return weights, biases


def save_layers(path: str, names: Sequence[str], weights: Mapping[str, Layer], biases: Mapping[str, Layer]) -> None:
    """Write a file that `read_layers` takes.

    Parameters
    ----------
    path : str
        An .npz file, replaced if it is there.
    names : sequence of str
        What the network has learnt from.
    weights, biases : mapping of str to ndarray
        By the names of the layers.
    """
    parts = {f"{name}.weight": weight for name, weight in weights.items()}
    parts |= {f"{name}.bias": bias for name, bias in biases.items()}
    np.savez_compressed(path, names=np.array(names), **parts)  # type: ignore[arg-type]
