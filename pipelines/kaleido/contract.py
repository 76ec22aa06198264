"""What the parts of Kaleido hand to each other: codes, periods, tables and the encoder.

A picture v (linear light) is shown as a *cycle* of n sub-frames v + d_0 .. v + d_{n-1}, each for one period of the
display, whose displacements d sum to zero: the eye averages the cycle and sees v, a camera whose exposure is not a
whole number of cycles records v and a rest of the displacements. The *code* says how the displacements follow each
other; the *axes* of a colour say how far, and which way, they may go there.

    d_k = g * (code.chroma[k][0] * p + code.chroma[k][1] * q) + code.luma[k] * m * sign * v
    m = min(delta, 1 / max(v) - 1)    # what the brightest of the three channels leaves below white

All of it times the strength of the cycle. g is the pattern's gain, or as much as keeps all d_k within the display's
range. Sub-frames 0 to n - 2 of the code's order are rounded to 8 bits; the last one is what is missing to n v, in
linear light, after that rounding, so that the cycle's light comes back to the picture's.

p and q are the colour's axes: two displacements of linear B, G, R, chosen for the middle of a bin of colours. p leaves
its luminance alone, and so does q, or what q adds to it is what it takes where the pattern's sign is the other.
Neighbouring parts of a picture may stand at different places of the same cycle (`Pattern.phase`).

References
----------
.. [1] L. Zhang, C. Bo, J. Hou, X.-Y. Li, Y. Wang, K. Liu, Y. Liu, Kaleido: You Can Watch It But Cannot Record It,
   MobiCom 2015.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipelines.base import Image

Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Code:
    """The order of a cycle's sub-frames.

    Attributes
    ----------
    name : str
        As in the profile, such as ``abab``.
    chroma : tuple of (float, float)
        For each of the n sub-frames the coefficients of the two axes; each column sums to zero. Codes that move along
        one axis only have 0 in the second column.
    luma : tuple of float
        For each sub-frame the coefficient of the luminance pollution, -1 to 1; sums to zero.
    """

    name: str
    chroma: tuple[tuple[float, float], ...]
    luma: tuple[float, ...]

    @property
    def n_slots(self) -> int:
        """Sub-frames in a cycle."""
        return len(self.chroma)


@dataclass(frozen=True, slots=True)
class Period:
    """What one period of the display (from one vertical blank to the next) shows.

    Attributes
    ----------
    cycle : int
        Number of the cycle, from 0. The source's frame changes between two cycles only.
    slot : int
        Which of the cycle's sub-frames, from 0.
    strength : float
        Of the modulation, 0 (the plain picture) to 1; the same for a whole cycle.
    """

    cycle: int
    slot: int
    strength: float


@dataclass(frozen=True, slots=True)
class Pattern:
    """How the modulation differs from place to place; the same for all cycles of a session.

    Attributes
    ----------
    phase : ndarray
        (height, width) uint8, below the code's `n_slots`: in period s of a cycle a pixel shows the sub-frame
        (s + phase) mod n.
    gain : ndarray
        (height, width) uint8: what the displacement is multiplied with, 255 being 1; lower at the soft edges of blocks.
    luma_sign : ndarray
        (height, width) int8, -1, 0 or 1: sign of the luminance pollution.
    """

    phase: npt.NDArray[np.uint8]
    gain: npt.NDArray[np.uint8]
    luma_sign: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Tables:
    """All that turns a source's picture into sub-frames: the same for numba on the CPU and a shader on the display.

    Attributes
    ----------
    code : Code
        The order.
    shown : ndarray
        (256,) float32: linear light that is to be seen for each code value of the source, 0 to 1. sRGB, and in the
        headroom mode `compressed` with a smaller range.
    axes : ndarray
        (bins, bins, bins, 4 or 6, 3) float32, indexed by the source's B, G, R codes times bins, over 256,
        rounded down; then p and q where the pattern's sign is not negative, p and q where it is (if these are
        others), 1 over the most that a sub-frame loses by any of them at full strength and 1 over the most that
        it gains; then linear B, G, R. The profile's strength is in p and q; a period's is not.
    delta : float
        Relative amplitude of the luminance pollution, the profile's strength included; 0 for codes without it.
    pattern : Pattern
        Where.
    """

    code: Code
    shown: Floats32
    axes: Floats32
    delta: float
    pattern: Pattern


class Encoder(Protocol):
    """Makes cycles of sub-frames on the CPU. All calls come from one thread."""

    @property
    def tables(self) -> Tables:
        """What it works by; known after `warm_up`."""

    def warm_up(self, height: int, width: int) -> None:
        """Allocate and compile for pictures of this size.

        Parameters
        ----------
        height, width : int
            Pixels.
        """

    def encode_cycle(self, picture: Image, strength: float, subframes: Sequence[Image]) -> None:
        """Make the sub-frames of one cycle.

        Parameters
        ----------
        picture : ndarray
            (height, width, 3) uint8 BGR: the source's frame; not kept.
        strength : float
            0 to 1; at 0 all sub-frames are the picture as it is to be seen.
        subframes : sequence of ndarray
            `n_slots` arrays of the picture's shape that are filled, in the order of time.
        """

    def plain(self, picture: Image, subframe: Image) -> None:
        """Make the picture as it is to be seen without modulation: what is shown where a cycle was broken.

        Parameters
        ----------
        picture : ndarray
            (height, width, 3) uint8 BGR.
        subframe : ndarray
            Of the same shape; filled.
        """

    def status(self, picture: Image) -> Sequence[str]:
        """Say in a line each what protects less than it could.

        Parameters
        ----------
        picture : ndarray
            (height, width, 3) uint8 BGR: one of the source's frames.

        Returns
        -------
        sequence of str
            Empty where all of it is as well protected as the display allows.
        """
