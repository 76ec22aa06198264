"""The likeliest room colour of every pixel, kept up to date a few rows at a time.

Judging every colour of every pixel takes most of a second: too long between two frames of a live call. So with each
frame some rows are judged anew, and all of them within `ROUND_FRAMES`. What the networks say of the surroundings is
worked out beside, once a round, from the cells of the round before. What they say of a colour, log odds and shift, is
averaged.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.reconstruction.leak import cells, claims
from pipelines.reconstruction.leak.evidence import N_SLOTS
from pipelines.reconstruction.leak.network import MULTIPLE, Layer, Network, read_networks
from pipelines.reconstruction.leak.watcher import LeakWatcher

ROUND_FRAMES = 180
"""Every pixel is judged anew within six seconds: twice as often costs a live call frames now and then."""

NICENESS = 10
"""Of the thread that looks at the surroundings, which takes a tenth of a second and more and may take six: frames come
first. Linux counts it by threads; elsewhere all are alike."""

_ROWS_AT_ONCE = 4
_NEVER = -30.0
_BLUE, _RED = claims.FEATURES.index("blue"), claims.FEATURES.index("red")


class _Encoded(NamedTuple):
    """The colours of some rows: owners, what each network made of them, their first guesses, and the colours."""

    owners: npt.NDArray[np.int32]
    embedded: list[Layer]
    guesses: list[Layer]
    colors: Layer


@cache
def shipped_networks() -> tuple[Network, ...]:
    """Return the networks that ship with Backroom, read once.

    Returns
    -------
    tuple of Network
        Shared; read only.

    Raises
    ------
    PipelineError
        If a file is missing or damaged.
    """
    return read_networks(claims.FEATURES)


class Candidates:
    """Maps of the likeliest colours, at the working size. Called from one thread.

    Parameters
    ----------
    watcher : LeakWatcher
        Whose evidence is judged; not changed.
    networks : sequence of Network, optional
        What judges it; those that ship with Backroom unless given.

    Attributes
    ----------
    watcher : LeakWatcher
        As given.
    color : ndarray
        (height, width, 3) float32 BGR; means nothing where there is no candidate.
    episodes : ndarray
        (height, width) float32, in how many separate episodes it was seen.
    """

    def __init__(self, watcher: LeakWatcher, networks: Sequence[Network] = ()) -> None:
        height, width = watcher.height, watcher.width
        self.watcher = watcher
        self.color = np.zeros((height, width, 3), np.float32)
        self.episodes = np.zeros((height, width), np.float32)
        self._log_odds = np.full((height, width), _NEVER, np.float32)
        self._networks = tuple(networks) or shipped_networks()
        n = _ROWS_AT_ONCE * width * N_SLOTS
        self._rows = np.empty((n, claims.N_FEATURES), np.float32)
        self._owners = np.empty(n, np.int32)
        self._arounds = [np.empty((n, network.n_context), np.float32) for network in self._networks]
        size = tuple(-(-side // (cells.SIDE_PX * MULTIPLE)) * MULTIPLE for side in (height, width))
        self._cells: list[Layer] = [
            np.zeros((cells.n_channels(network.n_embedded), *size), np.float32) for network in self._networks
        ]
        self._contexts: list[Layer] = []
        self._worker = ThreadPoolExecutor(1, "surroundings", initializer=_let_frames_go_first)
        self._next_contexts: Future[list[Layer]] | None = None
        self._next_row = 0
        self._colors_before = np.zeros(watcher.person_colors.shape)
        self._common = claims.person_commonness(self._colors_before)

    @property
    def n_bytes(self) -> int:
        """Bytes of the maps and of the room to work in, that of the other thread included."""
        surroundings: int = sum(
            each.nbytes + each[0].nbytes * network.n_context
            for each, network in zip(self._cells, self._networks, strict=True)
        )
        maps = (self.color, self.episodes, self._log_odds, *self._cells)
        return surroundings + sum(a.nbytes for a in (*maps, self._rows, self._owners, *self._arounds))

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
        self._contexts = self._look_around(self._cells)
        for rows in parts:
            self._judge(rows, self._encode(rows))

    def _look_around(self, maps: Sequence[Layer]) -> list[Layer]:
        return [network.context(each) for network, each in zip(self._networks, maps, strict=True)]

    def _look_around_beside(self) -> None:
        """Take the surroundings that are ready, and have the next ones worked out by another thread."""
        if self._next_contexts is not None:
            if not self._next_contexts.done():
                return
            self._contexts = self._next_contexts.result()
        self._next_contexts = self._worker.submit(self._look_around, [each.copy() for each in self._cells])

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
        tints = rows[:, _BLUE : _RED + 1]
        encoded = _Encoded(owners, [], [], (tints + 1) * claims.HALF_RANGE)
        band = slice(part.start // cells.SIDE_PX, -(-part.stop // cells.SIDE_PX))
        for network, each in zip(self._networks, self._cells, strict=True):
            embedded, guess = network.encode(rows)
            cells.gather_cells(
                owners, embedded, guess, tints, watcher.backdrop, watcher.known, part.start, each[:, band]
            )
            encoded.embedded.append(embedded)
            encoded.guesses.append(guess)
        return encoded

    def _judge(self, part: slice, encoded: _Encoded) -> None:
        """Judge rows by the surroundings as they were; before there are any, by each colour alone."""
        owners, embedded, guesses, colors = encoded
        said = guesses
        if self._contexts:
            said = []
            for i, network in enumerate(self._networks):
                around = self._arounds[i][: len(owners)]
                cells.look_around(owners, self._contexts[i], self.watcher.width, around)
                log_odds, shifts = network.judge(embedded[i], around)
                said.append(log_odds)
                colors += shifts / len(self._networks)
        log_odds = np.mean(said, axis=0)
        self._log_odds[part] = _NEVER
        evidence = self.watcher.evidence
        claims.keep_likeliest(owners, log_odds, colors, evidence, self._log_odds, self.color, self.episodes)


def _let_frames_go_first() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)  # of this thread alone
