"""The likeliest room colour of every pixel, kept up to date a few rows at a time.

Judging every colour of every pixel takes a second or two: too long between two frames of a live call. So with
each frame some rows are judged anew, and all of them within `ROUND_FRAMES`.
"""

from functools import cache, partial

import numpy as np
import numpy.typing as npt

from pipelines.reconstruction.leak import claims
from pipelines.reconstruction.leak.evidence import N_SLOTS
from pipelines.reconstruction.leak.trees import CASES_AT_ONCE, Trees, read_trees
from pipelines.reconstruction.leak.watcher import LeakWatcher

ROUND_FRAMES = 180
"""Every pixel is judged anew within six seconds: more rows a frame would cost a live call its 30 frames a second."""

_ROWS_AT_ONCE = 16
_CASES_OF_A_PART = 8 * CASES_AT_ONCE
_NEVER = -30.0


@cache
def shipped_trees() -> Trees:
    """Return the trees that ship with Backroom, read once.

    Returns
    -------
    Trees
        Shared; read only.

    Raises
    ------
    PipelineError
        If their file is missing or damaged.
    """
    return read_trees(claims.FEATURES)


class Candidates:
    """Maps of the likeliest colours, at the working size.

    Parameters
    ----------
    watcher : LeakWatcher
        Whose evidence is judged; not changed.

    Attributes
    ----------
    watcher : LeakWatcher
        As given.
    color : ndarray
        (height, width, 3) float32 BGR; means nothing where there is no candidate.
    episodes : ndarray
        (height, width) float32, in how many separate episodes it was seen.
    """

    def __init__(self, watcher: LeakWatcher) -> None:
        height, width = watcher.height, watcher.width
        self.watcher = watcher
        self.color = np.zeros((height, width, 3), np.float32)
        self.episodes = np.zeros((height, width), np.float32)
        self._log_odds = np.full((height, width), _NEVER, np.float32)
        self._trees = shipped_trees()
        n = _ROWS_AT_ONCE * width * N_SLOTS
        self._rows = np.empty((n, claims.N_FEATURES), np.float32)
        self._owners = np.empty(n, np.int32)
        self._next_row = 0
        self._colors_before = np.zeros(watcher.person_colors.shape)
        self._common = claims.person_commonness(self._colors_before)

    @property
    def n_bytes(self) -> int:
        """Bytes of the maps and of the room to work in."""
        return sum(a.nbytes for a in (self.color, self.episodes, self._log_odds, self._rows, self._owners))

    @property
    def is_there(self) -> npt.NDArray[np.bool_]:
        """(height, width) bool: pixels that have a candidate."""
        there: npt.NDArray[np.bool_] = self._log_odds > _NEVER
        return there

    def confidence(self) -> npt.NDArray[np.float32]:
        """Return how likely each candidate is the room's.

        Returns
        -------
        ndarray
            (height, width) float32, 0 to 1; 0 where there is none.
        """
        return np.where(self.is_there, 1 / (1 + np.exp(-self._log_odds)), 0).astype(np.float32)

    def refresh_some(self) -> None:
        """Judge the next few rows anew."""
        n_rows = -(-self.watcher.height // ROUND_FRAMES)
        self._judge(self._next_row, n_rows)
        self._next_row = (self._next_row + n_rows) % self.watcher.height

    def refresh(self) -> None:
        """Judge every row anew."""
        self._judge(0, self.watcher.height)

    def _judge(self, first_row: int, n_rows: int) -> None:
        commonness = self._commonness()
        end = min(first_row + n_rows, self.watcher.height)
        for first in range(first_row, end, _ROWS_AT_ONCE):
            self._judge_at_once(first, min(first + _ROWS_AT_ONCE, end), commonness)

    def _commonness(self) -> npt.NDArray[np.float32]:
        """Work it out only where the person's colours were counted since the last time."""
        colors = self.watcher.person_colors
        if not np.array_equal(colors, self._colors_before):
            self._colors_before = colors.copy()
            self._common = claims.person_commonness(colors)
        return self._common

    def _log_odds_of(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        parts = np.array_split(rows, max(1, -(-len(rows) // _CASES_OF_A_PART)))
        return np.concatenate(self.watcher.crew.run([partial(self._trees.log_odds, part) for part in parts]))

    def _judge_at_once(self, first_row: int, end: int, commonness: npt.NDArray[np.float32]) -> None:
        watcher = self.watcher
        n = claims.describe(watcher.evidence, watcher.backdrop, commonness, first_row, end, self._rows, self._owners)
        log_odds = self._log_odds_of(self._rows[:n])
        self._log_odds[first_row:end] = _NEVER
        claims.keep_likeliest(self._owners[:n], log_odds, watcher.evidence, self._log_odds, self.color, self.episodes)
