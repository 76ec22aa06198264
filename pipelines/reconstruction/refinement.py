"""From a rough place of a picture in a frame to one that is right to a fraction of a pixel.

Least squares on grey values, linearised around the present place: the frame is gain * (picture moved a little) +
offset, where "a little" is one stretch and one shift for each axis. The four movements, gain and offset are solved
for together, since on a soft gradient a shift and a change of brightness look nearly the same; the picture is
drawn again, and so on. A pixel counts the less the worse it fits, because many trusted pixels may be wrong:
somebody who sits still is stable too. At first misfits are forgiven widely, then less and less [4]_: an edge that is
not in place yet looks like an outlier, and flat areas would hold the picture where it is.

This is what the ECC method [1]_ does, a search by gradients that change of contrast and brightness cannot mislead.
OpenCV's own `findTransformECC` is not used: it has no movement between a shift and a full affine one (which may turn
the picture), OpenCV 4 masks one of the two pictures only, and a wrong part in the mask misleads it.

References
----------
.. [1] G. D. Evangelidis, E. Z. Psarakis, Parametric image alignment using enhanced correlation coefficient
   maximization, IEEE Transactions on Pattern Analysis and Machine Intelligence 30(10), 2008.
.. [2] S. Baker, I. Matthews, Lucas-Kanade 20 years on: a unifying framework, International Journal of Computer
   Vision 56(3), 2004, equations 10 and 11 (the step), section 6.1 (steps held back).
.. [3] P. W. Holland, R. E. Welsch, Robust regression using iteratively reweighted least-squares, Communications in
   Statistics 6(9), 1977 (Cauchy's weight, 1 / (1 + r**2), which minimises log(1 + r**2)).
.. [4] M. J. Black, A. Rangarajan, On the unification of line processes, outlier rejection, and robust statistics
   with applications in early vision, International Journal of Computer Vision 19(1), 1996 (graduated
   non-convexity).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.reconstruction.placement import Codes, Floats, Mask, Placement, draw, prepare

LEAST_SCATTER = 3.0
"""A difference of so many codes is ordinary (codec, rounding, another way to scale): under it all weigh alike."""

NARROWING = 0.7
"""What the scale of misfits that are forgiven shrinks by from step to step."""

COST_UNCOVERED = 3.5
"""Cost of a trusted pixel that the picture does not cover: as much as one that is off by 17 codes."""

GAINS = (0.7, 1.4)
"""No client changes contrast by more; a picture that would need it lies elsewhere."""

COST_OF_GAIN = 2.0
COST_OF_SHIFT = 0.04
"""Cost of a gain that is off by a factor of e, and for a code of mean brightness that is off: on a soft
gradient another place would fit as well."""

# What is likely before a picture is looked at: some pixels of movement in a step, gain within 0.1 of 1, offset within
# 20 codes. It only decides where the picture does not: along a plain wall, between gain and offset of one colour,
# between another scale and another gain on a soft gradient.
_LIKELY_MOVE_PX = 3.0
_LIKELY_GAIN = 0.1
_LIKELY_OFFSET = 20.0
_LONGEST_MOVE_PX = 2.0

# Pixels count as so many at most: neighbours have their errors in common.
_N_INDEPENDENT = 1000.0

_FEWEST_PX = 30
_STILL_PX = 0.003
_MOMENTUM = 0.8


@dataclass(frozen=True, slots=True)
class Fit:
    """A place with how well it fits.

    Attributes
    ----------
    placement : Placement
        Where the picture lies.
    cost : float
        Mean over the trusted pixels of log(1 + (difference in grey / `LEAST_SCATTER`)**2), and what an unlikely gain
        or brightness costs.
    """

    placement: Placement
    cost: float


def refine(
    picture: Codes, opaque: Codes, evidence: Floats, trusted: Mask, placement: Placement, n_steps: int, widest: float
) -> Fit:
    """Move a picture until it fits.

    Parameters
    ----------
    picture : ndarray
        (any, any) uint8, grey.
    opaque : ndarray
        Of the same size, uint8, 255 where the picture is known.
    evidence : ndarray
        (height, width) float32, grey, 0 to 255: what the call shows.
    trusted : ndarray
        (height, width) bool: where the evidence counts.
    placement : Placement
        Where to begin; within about 2 pixels of the frame.
    n_steps : int
        Most steps.
    widest : float
        Scale of the misfits that are forgiven in the first step, in codes: wide far from the place, narrow near it.

    Returns
    -------
    Fit
        The best of the places on the way.
    """
    height, width = evidence.shape
    source = prepare(picture, opaque, placement)
    best = Fit(placement, float("inf"))
    gain, offset, before = 1.0, None, np.zeros(4)
    for step in range(n_steps + 1):
        drawn, is_covered = draw(source, placement, height, width)
        use = trusted & is_covered
        if int(use.sum()) < _FEWEST_PX:
            break
        there, seen = drawn[use], evidence[use]
        if offset is None:
            offset = float(np.median(seen - there))
        # Gain and offset first at this place, so that places are compared by what they can give.
        columns = np.stack([there, np.ones_like(there)])
        gain, offset = _solve(columns, seen, _weights(_residual(seen, there, gain, offset), LEAST_SCATTER))
        residual = _residual(seen, there, gain, offset)
        unlikely = COST_OF_GAIN * abs(math.log(gain)) + COST_OF_SHIFT * abs(float((seen - residual - there).mean()))
        cost = _cost(residual, int(trusted.sum())) + unlikely
        if cost < best.cost:
            best = Fit(placement, cost)
        if step == n_steps:
            break
        columns = _columns(drawn, use)
        *moves, gain, offset = _solve(columns, seen, _weights(residual, widest))
        move = np.array(moves) / gain
        # Edges come to count as they come into place, so that steps in one direction follow each other: go further.
        if before @ move > 0:
            move = move + _MOMENTUM * before
        before = move
        largest = float(np.abs(move).max())
        placement = _moved(placement, move / max(1.0, largest / _LONGEST_MOVE_PX), height, width)
        if min(placement.scale_y, placement.scale_x) <= 0 or (largest < _STILL_PX and widest <= LEAST_SCATTER):
            break
        widest = max(LEAST_SCATTER, widest * NARROWING)
    return best


def _residual(seen: Floats, there: Floats, gain: float, offset: float) -> Floats:
    difference: Floats = seen - np.float32(gain) * there - np.float32(offset)
    return difference


def _weights(residual: Floats, least_scatter: float) -> Floats:
    """Return how much each pixel counts, [3]_: 1 for a perfect one, 1/2 at the scale of the others' differences."""
    scatter = max(least_scatter, float(np.median(np.abs(residual))))
    weights: Floats = 1.0 / (1.0 + np.square(residual / np.float32(scatter)))
    return weights * np.float32(min(1.0, _N_INDEPENDENT / max(float(weights.sum()), 1e-6)))


def _columns(drawn: Floats, use: Mask) -> Floats:
    """Return what moves, gain and offset add to the picture: (6, n), each move's slope, the picture, ones."""
    height, width = drawn.shape
    there = drawn[use]
    slope_y, slope_x = (
        cv2.Sobel(drawn, cv2.CV_32F, 1 - along_y, along_y, ksize=1, scale=0.5)[use] for along_y in (1, 0)
    )
    # From -1 to 1 over the frame: a stretch of 1 moves the border by a pixel.
    y = np.broadcast_to(np.linspace(-1, 1, height, dtype=np.float32)[:, np.newaxis], use.shape)[use]
    x = np.broadcast_to(np.linspace(-1, 1, width, dtype=np.float32), use.shape)[use]
    return np.stack([slope_y * y, slope_y, slope_x * x, slope_x, there, np.ones_like(there)])


def _solve(columns: Floats, seen: Floats, weights: Floats) -> list[float]:
    """Return moves (if there are columns for them; times the gain), gain and offset of the best fit.

    It is [2]_ equation 10 with gain and offset beside: seen = gain (drawn + slope . move) + offset.
    """
    n_moves = len(columns) - 2
    likely = np.array([_LIKELY_MOVE_PX] * n_moves + [_LIKELY_GAIN, _LIKELY_OFFSET])
    holds = LEAST_SCATTER**2 / likely**2
    weighted = columns * weights
    normal = (weighted @ columns.T).astype(np.float64) + np.diag(holds)
    target = (weighted @ seen).astype(np.float64)
    target[n_moves] += holds[n_moves]
    values = np.linalg.solve(normal, target)
    gain = float(np.clip(values[n_moves], *GAINS))
    if gain != values[n_moves]:
        others = np.arange(len(columns)) != n_moves
        target = target[others] - gain * normal[others, n_moves]
        values[others] = np.linalg.solve(normal[np.ix_(others, others)], target)
        values[n_moves] = gain
    return [float(value) for value in values]


def _moved(placement: Placement, move: npt.NDArray[np.float64], height: int, width: int) -> Placement:
    """Return the place at which the frame's pixel p shows what p + move shows now."""
    stretch_y, shift_y, stretch_x, shift_x = (float(value) for value in move)
    scale_y, offset_y = _axis(placement.scale_y, placement.offset_y, stretch_y, shift_y, height)
    scale_x, offset_x = _axis(placement.scale_x, placement.offset_x, stretch_x, shift_x, width)
    return Placement(placement.mirrored, scale_y, scale_x, offset_y, offset_x)


def _axis(scale: float, offset: float, stretch: float, shift: float, length: int) -> tuple[float, float]:
    # -1 and 1 are the centres of the first and last pixel.
    half = max(length - 1, 1) / 2
    by = 1 + stretch / half
    start = shift - stretch * (length / 2) / half
    return scale / by, (offset - start) / by


def _cost(residual: Floats, n_trusted: int) -> float:
    """Return what the weights at `LEAST_SCATTER` minimise, [3]_, per trusted pixel."""
    misfits = np.log1p(np.square(residual / np.float32(LEAST_SCATTER))).sum(dtype=np.float64)
    return float(misfits + COST_UNCOVERED * (n_trusted - residual.size)) / n_trusted
