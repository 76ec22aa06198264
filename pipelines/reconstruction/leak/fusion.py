"""Fuses the likely colours of a neighbourhood into a better colour, and a better confidence, of each pixel.

What the networks of `network` call likely is right about as often as they say, but off: a few frames of a soft mask and
a codec leave it 4 to 10 CIEDE2000 from the room more often than not. Neighbours are off otherwise, and there are many.
`neighbours` takes means of them in several ways, and a small network (`fusion_pass`) mixes these, luma and tint apart,
and says anew how likely the mixture is the room's. That is done a few times over, by one network after the other, since
the next sees neighbours that are better themselves.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.crew import Crew
from pipelines.reconstruction.leak.fusion_pass import BASES, FIGURES, Around, FusionPass, shipped_passes
from pipelines.reconstruction.leak.layers import Layer
from pipelines.reconstruction.leak.neighbours import MEANS, mean_neighbours, opacity, planes_of

LEAST_LOG_ODDS = -3.9
"""Colours of a confidence below .02 are left as they are. What is so when it is judged is no neighbour either."""

_AT_ONCE = 4096
"""Pixels that are mixed at once: what is known of them stays in the processor's cache."""


class Likely(NamedTuple):
    """The likely colours of a picture, at most one a pixel.

    Attributes
    ----------
    pixels : ndarray
        (n,) int64, row times width plus column.
    log_odds : ndarray
        (n,) float32, that it is the room's.
    colors : ndarray
        (n, 3) float32 BGR, 0 to 255.
    figures : ndarray
        (n, len(FIGURES)) float16.
    backdrop : ndarray
        (n, 3) float32 BGR.
    """

    pixels: npt.NDArray[np.int64]
    log_odds: Layer
    colors: Layer
    figures: npt.NDArray[np.float16]
    backdrop: Layer


class Neighbourhood:
    """What a pass sees. Any thread may look, several at once.

    Parameters
    ----------
    likely : Likely
        As it was judged.
    colors, log_odds : ndarray
        (n, 3) and (n,) float32, as the pass before left them; kept, not changed.
    size : tuple of int
        Height and width of the picture.
    """

    def __init__(self, likely: Likely, colors: Layer, log_odds: Layer, size: tuple[int, int]) -> None:
        self._likely, self._colors, self._log_odds = likely, colors, log_odds
        confidence = (1 / (1 + np.exp(-log_odds))).astype(np.float32, copy=False)
        self._planes = planes_of(likely.pixels, size, confidence, colors, opacity(colors, likely.backdrop))

    def around(self, some: npt.NDArray[np.int64]) -> Around:
        """Look around some pixels.

        Parameters
        ----------
        some : ndarray
            (m,) int64, which of the likely colours.

        Returns
        -------
        Around
            New arrays, of length m.
        """
        likely, n = self._likely, len(some)
        bases, log_weights = np.empty((n, len(BASES), 3), np.float32), np.empty((n, len(MEANS)), np.float32)
        mean_neighbours(likely.pixels[some], self._planes, bases, log_weights)
        for i, own in enumerate((self._colors, likely.colors, likely.backdrop), len(MEANS)):
            bases[:, i] = own[some]
        return Around(bases, log_weights, self._log_odds[some], likely.log_odds[some], likely.figures[some])


def fuse(likely: Likely, size: tuple[int, int], crew: Crew, passes: tuple[FusionPass, ...] = ()) -> tuple[Layer, Layer]:
    """Fuse the colours of neighbours.

    Parameters
    ----------
    likely : Likely
        As the networks judged them.
    size : tuple of int
        Height and width of the picture.
    crew : Crew
        Threads that share the work.
    passes : tuple of FusionPass, optional
        Those that ship with Backroom unless given.

    Returns
    -------
    colors : ndarray
        (n, 3) float32 BGR, 0 to 255.
    log_odds : ndarray
        (n,) float32, that they are the room's.
    """
    colors, log_odds = likely.colors, likely.log_odds
    for each in passes or shipped_passes():
        neighbourhood = Neighbourhood(likely, colors, log_odds, size)
        open_ones = np.flatnonzero(log_odds >= LEAST_LOG_ODDS)
        parts = [open_ones[first : first + _AT_ONCE] for first in range(0, len(open_ones), _AT_ONCE)]
        colors, log_odds = colors.copy(), log_odds.copy()
        mixed = crew.run([partial(_mix, each, neighbourhood, part) for part in parts])
        for part, (mixtures, log_odds_of_them) in zip(parts, mixed, strict=True):
            colors[part], log_odds[part] = mixtures, log_odds_of_them
    return colors, log_odds


def warm_up() -> None:
    """Compile, or load, the kernel: while one is compiled no other thread works, and frames would wait."""
    one, color = np.zeros(1, np.float32), np.zeros((1, 3), np.float32)
    fuse(Likely(np.zeros(1, np.int64), one, color, np.zeros((1, len(FIGURES)), np.float16), color), (1, 1), Crew(1))


def _mix(each: FusionPass, neighbourhood: Neighbourhood, part: npt.NDArray[np.int64]) -> tuple[Layer, Layer]:
    return each.mix(neighbourhood.around(part))
