"""The likeliest room colour of every pixel, kept up to date a few rows at a time.

Judging every colour of every pixel takes most of a second: too long between two frames of a live call. So with each
frame some rows are judged anew, and all of them within `ROUND_FRAMES`. What the networks say of the surroundings is
worked out beside, once a round, from the cells of the round before. What they say of a colour, log odds and shift, is
averaged. Beside as well, and once a round, the likely colours of neighbours are fused (`fusion.py`): that is what is
shown. Where frames have to wait, all of this waits for them: it changes what is shown meanwhile, and no count.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.crew import Crew
from pipelines.reconstruction.leak import cells, claims, fusion
from pipelines.reconstruction.leak.evidence import N_SLOTS
from pipelines.reconstruction.leak.fusion_pass import FIGURES
from pipelines.reconstruction.leak.layers import Layer
from pipelines.reconstruction.leak.network import MULTIPLE, Network, read_networks
from pipelines.reconstruction.leak.watcher import LeakWatcher

ROUND_FRAMES = 180
"""Every pixel is judged anew within six seconds: twice as often costs a live call frames now and then."""

NICENESS = 19
"""Of the thread that looks at the surroundings and fuses, which takes two seconds and may take six: frames come first,
as far as they can. Linux counts it by threads; elsewhere all are alike."""

REST, REST_WHILE_FRAMES_WAIT = 1.0, 4.0
"""Of the same thread after each of the parts that it fuses, in times of what that took."""

MOST_PUT_OFF = 3
"""While frames wait, rows are judged with every fourth only."""

MUCH_PUT_OFF = 0.5
"""From this share of the last frames on it is said."""

_ROWS_AT_ONCE = 4
_NEVER = -30.0
_KEPT_FIGURES = [claims.FEATURES.index(name) for name in FIGURES]
_BLUE, _RED = claims.FEATURES.index("blue"), claims.FEATURES.index("red")


class _Encoded(NamedTuple):
    """The colours of some rows: owners, what each network made of them, their first guesses, and the colours."""

    owners: npt.NDArray[np.int32]
    embedded: list[Layer]
    guesses: list[Layer]
    colors: Layer


class _Shown(NamedTuple):
    """Maps of the colours that are shown, and the logarithm of the odds that each is the room's."""

    color: Layer
    log_odds: Layer


class _Beside(NamedTuple):
    """What the other thread has worked out."""

    contexts: list[Layer]
    shown: _Shown | None


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
    episodes : ndarray
        (height, width) float32, in how many separate episodes the likeliest colour was seen.
    likeliest : ndarray
        (height, width) int32, its owner: the pixel times slots plus its slot.
    """

    def __init__(self, watcher: LeakWatcher, networks: Sequence[Network] = ()) -> None:
        height, width = watcher.height, watcher.width
        self.watcher = watcher
        self.episodes = np.zeros((height, width), np.float32)
        self.likeliest = np.zeros((height, width), np.int32)
        self._judged = _Shown(np.zeros((height, width, 3), np.float32), np.full((height, width), _NEVER, np.float32))
        self._figures = np.zeros((height * width, len(FIGURES)), np.float16)
        self._fused: _Shown | None = None
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
        self._alone = Crew(1, REST)
        self._beside: Future[_Beside] | None = None
        self._next_row = 0
        self._n_put_off, self._put_off_share = 0, 0.0
        self._colors_before = np.zeros(watcher.person_colors.shape)
        self._common = claims.person_commonness(self._colors_before)

    @property
    def n_bytes(self) -> int:
        """Bytes of the maps and of the room to work in, that of the other thread included."""
        surroundings: int = sum(
            each.nbytes + each[0].nbytes * network.n_context
            for each, network in zip(self._cells, self._networks, strict=True)
        )
        maps: list[npt.NDArray[Any]] = [*self._judged, self.episodes, self.likeliest, self._figures, *self._cells]
        # What is shown and a copy of it, which is fused; what may be likely, if all is; planes to look around.
        beside = 2 * sum(a.nbytes for a in self._judged) + self._figures.nbytes + 8 * self.episodes.nbytes
        return surroundings + beside + sum(a.nbytes for a in (*maps, self._rows, self._owners, *self._arounds))

    @property
    def color(self) -> Layer:
        """(height, width, 3) float32 BGR; means nothing where there is no candidate."""
        return self._shown.color

    @property
    def is_there(self) -> npt.NDArray[np.bool_]:
        """(height, width) bool: pixels that have a candidate."""
        there: npt.NDArray[np.bool_] = self._shown.log_odds > _NEVER
        return there

    def confidence(self) -> npt.NDArray[np.float32]:
        """Return how likely each candidate is the room's.

        Returns
        -------
        ndarray
            (height, width) float32, 0 to 1; 0 where there is none.
        """
        return np.where(self.is_there, 1 / (1 + np.exp(-self._shown.log_odds)), 0).astype(np.float32)

    def likely(self) -> fusion.Likely:
        """Return the likely colours as they were judged, before any of them was fused.

        Returns
        -------
        Likely
            Copies.
        """
        pixels = np.flatnonzero(self._judged.log_odds >= fusion.LEAST_LOG_ODDS)
        return fusion.Likely(
            pixels,
            self._judged.log_odds.reshape(-1)[pixels],
            self._judged.color.reshape(-1, 3)[pixels],
            self._figures[pixels],
            self.watcher.backdrop.reshape(-1, 3)[pixels],
        )

    @property
    def is_put_off(self) -> bool:
        """Whether judging was put off for most of the last frames."""
        return self._put_off_share > MUCH_PUT_OFF

    def refresh_some(self, *, frames_wait: bool = False) -> None:
        """Judge the next few rows anew.

        Parameters
        ----------
        frames_wait : bool
            True mostly puts it off, and has the other thread go slower.
        """
        self._alone.rest = REST_WHILE_FRAMES_WAIT if frames_wait else REST
        self._n_put_off = self._n_put_off + 1 if frames_wait and self._n_put_off < MOST_PUT_OFF else 0
        self._put_off_share += (bool(self._n_put_off) - self._put_off_share) / ROUND_FRAMES
        if self._n_put_off:
            return
        n_rows = cells.SIDE_PX * -(-self.watcher.height // (cells.SIDE_PX * ROUND_FRAMES))
        for rows in self._parts(self._next_row, self._next_row + n_rows):
            self._judge(rows, self._encode(rows))
        self._next_row += n_rows
        if self._next_row >= self.watcher.height:
            self._next_row = 0
            self._work_beside()

    def refresh(self) -> None:
        """Judge every row anew, once the surroundings of all are known, and fuse."""
        parts = self._parts(0, self.watcher.height)
        for rows in parts:
            self._encode(rows)
        self._contexts = self._look_around(self._cells)
        for rows in parts:
            self._judge(rows, self._encode(rows))
        self._beside = None  # what it works out is older
        self._put_off_share = 0.0
        self._fused = self._fuse(*self._to_fuse(), self.watcher.crew)

    @property
    def _shown(self) -> _Shown:
        return self._fused or self._judged

    def _look_around(self, maps: Sequence[Layer]) -> list[Layer]:
        return [network.context(each) for network, each in zip(self._networks, maps, strict=True)]

    def _to_fuse(self) -> tuple[fusion.Likely, _Shown]:
        """Return copies of what was judged, which is judged anew while another thread fuses them."""
        return self.likely(), _Shown(*(each.copy() for each in self._judged))

    def _fuse(self, likely: fusion.Likely, shown: _Shown, crew: Crew) -> _Shown:
        """Put the fused colours in the place of those that were judged."""
        colors, log_odds = fusion.fuse(likely, (self.watcher.height, self.watcher.width), crew)
        shown.color.reshape(-1, 3)[likely.pixels] = colors
        shown.log_odds.reshape(-1)[likely.pixels] = log_odds
        return shown

    def _work_beside(self) -> None:
        """Take what the other thread has worked out, and have the next worked out."""
        if self._beside is not None and not self._beside.done():
            return
        # What was judged by each colour alone, before there were surroundings, is not what the fusion learnt from.
        judged = self._to_fuse() if self._contexts else None
        if self._beside is not None:
            self._contexts, self._fused = self._beside.result()
        maps = [each.copy() for each in self._cells]
        self._beside = self._worker.submit(
            lambda: _Beside(self._look_around(maps), self._fuse(*judged, self._alone) if judged else None)
        )

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
        color, best = self._judged
        best[part] = _NEVER
        evidence = self.watcher.evidence
        claims.keep_likeliest(
            owners, np.mean(said, axis=0), colors, evidence, best, color, self.episodes, self.likeliest
        )
        self._keep_figures(part, owners)

    def _keep_figures(self, part: slice, owners: npt.NDArray[np.int32]) -> None:
        """Keep what is known of the likely colours of rows that have just been described."""
        likely = self.likeliest[part][self._judged.log_odds[part] >= fusion.LEAST_LOG_ODDS]
        rows = np.searchsorted(owners, likely)
        self._figures[likely // N_SLOTS] = self._rows[rows][:, _KEPT_FIGURES]


def _let_frames_go_first() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)  # of this thread alone
