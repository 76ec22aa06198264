"""Boosted decision trees, read from a small file and evaluated: how likely a colour is the room's. Arrays only.

The trees were grown on simulated calls by `tests/benchmarks/train_leak.py`; the file `trees.npz` beside this module
holds them with the names of their features. This module only follows them: at each inner node a feature is compared
with a threshold, and the leaves reached in all trees are added up to the logarithm of the odds.

References
----------
J. H. Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29, 2001.
"""

import io
import zipfile
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.base import PipelineError

TREES_NAME = "trees.npz"


@dataclass(frozen=True, slots=True)
class Trees:
    """An ensemble of trees, their nodes one after the other.

    Attributes
    ----------
    names : tuple of str
        The features, in order.
    roots : ndarray
        (n_trees,) int32, first node of each tree.
    features : ndarray
        (n_nodes,) int16, feature that an inner node compares; -1 in a leaf.
    thresholds : ndarray
        (n_nodes,) float32: left where the feature is no larger.
    lefts, rights : ndarray
        (n_nodes,) int32, nodes that follow.
    values : ndarray
        (n_nodes,) float32, what a leaf adds to the log odds.
    baseline : float
        Log odds before the first tree.
    """

    names: tuple[str, ...]
    roots: npt.NDArray[np.int32]
    features: npt.NDArray[np.int16]
    thresholds: npt.NDArray[np.float32]
    lefts: npt.NDArray[np.int32]
    rights: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]
    baseline: float

    def log_odds(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Evaluate the trees.

        Parameters
        ----------
        rows : ndarray
            (n, len(names)) float32, a row of features for each case.

        Returns
        -------
        ndarray
            (n,) float32, the logarithm of the odds that the case is the room.
        """
        out = np.empty(len(rows), np.float32)
        follow_trees(
            rows, self.roots, self.features, self.thresholds, self.lefts, self.rights, self.values, self.baseline, out
        )
        return out

    def save(self, path: str) -> None:
        """Write the trees to a file that `read_trees` takes.

        Parameters
        ----------
        path : str
            An .npz file, replaced if it is there.
        """
        np.savez_compressed(
            path,
            names=np.array(self.names),
            roots=self.roots,
            features=self.features,
            thresholds=self.thresholds,
            lefts=self.lefts,
            rights=self.rights,
            values=self.values,
            baseline=np.float64(self.baseline),
        )


def read_trees(names: tuple[str, ...], path: Traversable | None = None) -> Trees:
    """Read the trees that ship with Backroom.

    Parameters
    ----------
    names : tuple of str
        The features that the caller has; must be those that the trees were grown on.
    path : Path or Traversable, optional
        Another file of that kind.

    Returns
    -------
    Trees
        Ready.

    Raises
    ------
    PipelineError
        If the file cannot be read, is damaged, or was grown on other features.
    """
    path = files("pipelines.reconstruction.leak") / TREES_NAME if path is None else path
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as content:
            parts = {key: content[key] for key in content.files}
        grown_on = tuple(str(name) for name in parts.pop("names"))
        trees = Trees(grown_on, baseline=float(parts.pop("baseline")), **parts)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise PipelineError(
            f"the trees {path} cannot be read ({error}); reinstall: pip install --force-reinstall backroom"
        ) from None
    if grown_on != names:
        raise PipelineError(
            f"the trees {path} were grown on {len(grown_on)} other features than the {len(names)} of this version; "
            "grow them anew, or reinstall: pip install --force-reinstall backroom"
        )
    return trees


@njit(cache=True, nogil=True)
def follow_trees(
    rows: npt.NDArray[np.float32],
    roots: npt.NDArray[np.int32],
    features: npt.NDArray[np.int16],
    thresholds: npt.NDArray[np.float32],
    lefts: npt.NDArray[np.int32],
    rights: npt.NDArray[np.int32],
    values: npt.NDArray[np.float32],
    baseline: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Follow every tree for every row; see `Trees`.

    Parameters
    ----------
    rows : ndarray
        (n, n_features) float32.
    roots, features, thresholds, lefts, rights, values, baseline : ndarray, float
        As in `Trees`.
    out : ndarray
        (n,) float32, written: log odds.
    """
    for i in range(rows.shape[0]):
        total = baseline
        for root in roots:
            node = root
            while features[node] >= 0:
                node = lefts[node] if rows[i, features[node]] <= thresholds[node] else rights[node]
            total += values[node]
        out[i] = total
