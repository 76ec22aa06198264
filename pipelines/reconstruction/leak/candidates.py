"""The likeliest room colour of every pixel, kept up to date a few rows at a time.

Judging every colour of every pixel takes most of a second: too long between two frames of a live call. So with each
frame some rows are judged anew, and all of them within `ROUND_FRAMES`. What the network says of the surroundings is
worked out beside, once a round, from the cells of the round before.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.reconstruction.leak import cells, claims
from pipelines.reconstruction.leak.evidence import N_SLOTS
from pipelines.reconstruction.leak.network import MULTIPLE, Layer, Network, read_network
from pipelines.reconstruction.leak.watcher import LeakWatcher

ROUND_FRAMES = 180
"""Every pixel is judged anew within six seconds: twice as often costs a live call frames now and then."""

_ROWS_AT_ONCE = 4
_NEVER = -30.0
_BLUE, _RED = claims.FEATURES.index("blue"), claims.FEATURES.index("red")


class _Encoded(NamedTuple):
    """The colours of some rows: owners, what they were encoded to, the first guess, and the colours themselves."""

    owners: npt.NDArray[np.int32]
    embedded: Layer
    log_odds: Layer
    colors: Layer


@cache
def shipped_network() -> Network:
    """Return the network that ships with Backroom, read once.

    Returns
    -------
    Network
        Shared; read only.

    Raises
    ------
    PipelineError
        If its file is missing or damaged.
    """
    return read_network(claims.FEATURES)


class Candidates:
    """Maps of the likeliest colours, at the working size. Called from one thread.

    Parameters
    ----------
    watcher : LeakWatcher
        Whose evidence is judged; not changed.
    network : Network, optional
        What judges it; the one that ships with Backroom unless given.

    Attributes
    ----------
    watcher : LeakWatcher
        As given.
    color : ndarray
        (height, width, 3) float32 BGR; means nothing where there is no candidate.
    episodes : ndarray
        (height, width) float32, in how many separate episodes it was seen.
    """

    def __init__(self, watcher: LeakWatcher, network: Network | None = None) -> None:
        height, width = watcher.height, watcher.width
        self.watcher = watcher
        self.color = np.zeros((height, width, 3), np.float32)
        self.episodes = np.zeros((height, width), np.float32)
        self._log_odds = np.full((height, width), _NEVER, np.float32)
        self._network = network or shipped_network()
        n = _ROWS_AT_ONCE * width * N_SLOTS
        self._rows = np.empty((n, claims.N_FEATURES), np.float32)
        self._owners = np.empty(n, np.int32)
        self._around = np.empty((n, self._network.n_context), np.float32)
        size = (-(-side // (cells.SIDE_PX * MULTIPLE)) * MULTIPLE for side in (height, width))
        self._cells: Layer = np.zeros((cells.n_channels(self._network.n_embedded), *size), np.float32)
        self._context: Layer | None = None
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="surroundings")
        self._next_context: Future[Layer] | None = None
        self._next_row = 0
        self._colors_before = np.zeros(watcher.person_colors.shape)
        self._common = claims.person_commonness(self._colors_before)

    @property
    def n_bytes(self) -> int:
        """Bytes of the maps and of the room to work in, that of the other thread included."""
        surroundings: int = self._cells.nbytes + self._cells[0].nbytes * self._network.n_context
        maps = (self.color, self.episodes, self._log_odds, self._cells)
        return surroundings + sum(a.nbytes for a in (*maps, self._rows, self._owners, self._around))

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
        n_rows = cells.SIDE_PX * -(-self.watcher.height // (cells.SIDE_PX * ROUND_FRAMES))
        for rows in self._parts(self._next_row, self._next_row + n_rows):
            self._judge(rows, self._encode(rows))
        self._next_row += n_rows
        if self._next_row >= self.watcher.height:
            self._next_row = 0
            self._look_around_beside()

    def refresh(self) -> None:
        """Judge every row anew, once the surroundings of all are known."""
        parts = self._parts(0, self.watcher.height)
        for rows in parts:
            self._encode(rows)
        self._context = self._network.context(self._cells)
        for rows in parts:
            self._judge(rows, self._encode(rows))

    def _look_around_beside(self) -> None:
        """Take the surroundings that are ready, and have the next ones worked out by another thread."""
        if self._next_context is not None:
            if not self._next_context.done():
                return
            self._context = self._next_context.result()
        self._next_context = self._worker.submit(self._network.context, self._cells.copy())

    def _parts(self, first_row: int, end_row: int) -> list[slice]:
        """Cut rows into as many at once as there is room to work in."""
        end_row = min(end_row, self.watcher.height)
        return [slice(y, min(y + _ROWS_AT_ONCE, end_row)) for y in range(first_row, end_row, _ROWS_AT_ONCE)]

    def _commonness(self) -> npt.NDArray[np.float32]:
        """Work it out only where the person's colours were counted since the last time."""
        colors = self.watcher.person_colors
        if not np.array_equal(colors, self._colors_before):
            self._colors_before = colors.copy()
            self._common = claims.person_commonness(colors)
        return self._common

    def _encode(self, part: slice) -> _Encoded:
        """Describe the colours of some rows, look at each alone, and fill the rows' cells."""
        watcher = self.watcher
        n = claims.describe(
            watcher.evidence, watcher.backdrop, self._commonness(), part.start, part.stop, self._rows, self._owners
        )
        rows, owners = self._rows[:n], self._owners[:n]
        embedded, log_odds = self._network.encode(rows)
        tints = rows[:, _BLUE : _RED + 1]
        some_cells = self._cells[:, part.start // cells.SIDE_PX : -(-part.stop // cells.SIDE_PX)]
        cells.gather_cells(owners, embedded, log_odds, tints, watcher.backdrop, watcher.known, part.start, some_cells)
        return _Encoded(owners, embedded, log_odds, (tints + 1) * claims.HALF_RANGE)

    def _judge(self, part: slice, encoded: _Encoded) -> None:
        """Judge rows by the surroundings as they were; before there are any, by each colour alone."""
        owners, embedded, log_odds, colors = encoded
        if self._context is not None:
            around = self._around[: len(owners)]
            cells.look_around(owners, self._context, self.watcher.width, around)
            log_odds, shifts = self._network.judge(embedded, around)
            colors += shifts
        self._log_odds[part] = _NEVER
        evidence = self.watcher.evidence
        claims.keep_likeliest(owners, log_odds, colors, evidence, self._log_odds, self.color, self.episodes)
