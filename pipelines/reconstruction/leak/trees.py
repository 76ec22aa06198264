"""Boosted decision trees, read from a small file and evaluated: how likely a colour is the room's. Arrays only.

The trees were grown on simulated calls by `tests/benchmarks/train_leak.py`; the file `trees.npz` beside this module
holds them with the names of their features. This module only follows them: at each inner node a feature is compared
with a threshold, and the leaves reached in all trees are added up to the logarithm of the odds.

Going down a tree, every step waits for the one before. So trees of up to `MOST_LEAVES` leaves are not gone down: every
question of a tree is asked, of many cases at once, and one that is answered with "right" crosses out the leaves on its
left. Of those that are left the leftmost is the one reached [2]_. That is five times as many comparisons, in a fifth
of the time; the sums are the same to the bit, for the leaves are added in the same order.

References
----------
.. [1] J. H. Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29, 2001.
.. [2] C. Lucchese et al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of regression
   trees", SIGIR 2015; and "Exploiting CPU SIMD extensions to speed-up document scoring with tree ensembles", SIGIR
   2016.
"""

import io
import zipfile
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.base import PipelineError
from pipelines.reconstruction.leak.heavy_hitters import Word

TREES_NAME = "trees.npz"

MOST_LEAVES = 32
"""A leaf is a bit of a 32-bit word; larger trees are gone down."""

CASES_AT_ONCE = 64
"""Cases that are asked together: their figures and words stay in the first-level cache."""

_ALL_LEAVES = np.uint32(0xFFFFFFFF)
_DE_BRUIJN = 0x077CB531
"""Each five bits of it in a row are another number: a power of two times it tells which one in its highest bits."""


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
    _questions: "_Questions | None" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_questions", _questions_of(self))

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
        if self._questions is not None:
            ask_all(rows, *self._questions, self.baseline, out)
            return out
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
        total = np.float64(baseline)
        for root in roots:
            node = root
            while features[node] >= 0:
                node = lefts[node] if rows[i, features[node]] <= thresholds[node] else rights[node]
            total += values[node]
        out[i] = total


class _Questions(NamedTuple):
    """The trees as questions that are all asked, see `ask_all`."""

    starts: npt.NDArray[np.int32]
    features: npt.NDArray[np.int16]
    thresholds: npt.NDArray[np.float32]
    leaves_left: npt.NDArray[np.uint32]
    values: npt.NDArray[np.float32]


def _questions_of(trees: Trees) -> _Questions | None:
    """List the questions of all trees and number their leaves from left to right; None if a tree has too many."""
    questions: list[tuple[int, float, int]] = []
    starts, values = [0], np.zeros((len(trees.roots), MOST_LEAVES), np.float32)
    for tree, root in enumerate(trees.roots.tolist()):
        n_leaves = 0
        first_of: dict[int, int] = {}  # inner node, left subtree done: its first leaf
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node in first_of:
                crossed_out = (1 << n_leaves) - (1 << first_of[node])
                question = (trees.features[node], trees.thresholds[node], int(_ALL_LEAVES) & ~crossed_out)
                questions.append(question)
            elif trees.features[node] >= 0:
                first_of[node] = n_leaves
                waiting += [int(trees.rights[node]), node, int(trees.lefts[node])]
            elif n_leaves == MOST_LEAVES:
                return None
            else:
                values[tree, n_leaves] = trees.values[node]
                n_leaves += 1
        starts.append(len(questions))
    features, thresholds, leaves_left = zip(*questions, strict=True) if questions else ((), (), ())
    return _Questions(
        np.array(starts, np.int32),
        np.array(features, np.int16),
        np.array(thresholds, np.float32),
        np.array(leaves_left, np.uint32),
        values,
    )


def _places_of_bits() -> npt.NDArray[np.int8]:
    places = np.zeros(32, np.int8)
    for bit in range(32):
        places[(_DE_BRUIJN << bit & 0xFFFFFFFF) >> 27] = bit
    return places


_PLACES = _places_of_bits()


@njit(cache=True, nogil=True)
def ask_all(
    rows: npt.NDArray[np.float32],
    starts: npt.NDArray[np.int32],
    features: npt.NDArray[np.int16],
    thresholds: npt.NDArray[np.float32],
    leaves_left: npt.NDArray[np.uint32],
    values: npt.NDArray[np.float32],
    baseline: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Ask every question of every tree for every row; what comes out is what `follow_trees` gives.

    Parameters
    ----------
    rows : ndarray
        (n, n_features) float32.
    starts : ndarray
        (n_trees + 1,) int32, first question of each tree.
    features : ndarray
        (n_questions,) int16, feature that a question is about.
    thresholds : ndarray
        (n_questions,) float32: left where the feature is no larger.
    leaves_left : ndarray
        (n_questions,) uint32: leaves of the tree that can still be reached where the answer is "right", as bits.
    values : ndarray
        (n_trees, MOST_LEAVES) float32, what each leaf adds to the log odds.
    baseline : float
        Log odds before the first tree.
    out : ndarray
        (n,) float32, written: log odds.
    """
    columns = np.zeros((rows.shape[1], CASES_AT_ONCE), np.float32)
    reachable = np.empty(CASES_AT_ONCE, np.uint32)
    totals = np.empty(CASES_AT_ONCE, np.float64)
    for first in range(0, rows.shape[0], CASES_AT_ONCE):
        n = min(CASES_AT_ONCE, rows.shape[0] - first)
        for i in range(n):
            for feature in range(rows.shape[1]):
                columns[feature, i] = rows[first + i, feature]
        totals[:] = baseline
        for tree in range(starts.size - 1):
            reachable[:] = _ALL_LEAVES
            for question in range(starts[tree], starts[tree + 1]):
                column, threshold, left = columns[features[question]], thresholds[question], leaves_left[question]
                for i in range(n):
                    reachable[i] &= _ALL_LEAVES if column[i] <= threshold else left
            for i in range(n):
                totals[i] += values[tree, _lowest_bit(reachable[i])]
        for i in range(n):
            out[first + i] = totals[i]


@njit(cache=True, nogil=True, inline="always")
def _lowest_bit(word: Word) -> Word:
    """Return the place of the lowest bit that is set, counted from 0."""
    alone = np.uint64(word & (~word + np.uint32(1)))
    return _PLACES[((alone * np.uint64(_DE_BRUIJN)) & np.uint64(0xFFFFFFFF)) >> np.uint64(27)]
