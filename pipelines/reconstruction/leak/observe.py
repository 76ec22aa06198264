"""What is observed of every pixel that is neither the backdrop nor surely the person's inside. Arrays only.

The observations (`likeness.OBSERVED`) are what tells a leak from the person. None of them needs to know the person or
the room: how far the pixel lies inside the foreground and inside the model's person; whether the model is sure; how
far its colour is from the person's colours nearby and from any mix of those with the backdrop, which is what the
edge of a person looks like; whether it stood still; whether the person moves around, and was there a moment ago, for a
mask that lags lets the room through where the person was. Distances are in units of 1/360 of the picture's height, so
that they mean the same in small and large pictures.

References
----------
The mix of foreground and backdrop that an edge must lie on: Y.-Y. Chuang et al., "A Bayesian approach to digital
matting", CVPR 2001.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.reconstruction.leak.evidence import (
    DEEP,
    FOREGROUND,
    NO_SLOT,
    SEEN,
    UNSURE,
    Evidence,
    add_observation,
    end_visit,
)
from pipelines.reconstruction.leak.heavy_hitters import Word, color_distance
from pipelines.reconstruction.leak.likeness import OBSERVED

N_OBSERVED = len(OBSERVED)

STILL_WEIGHT, MOVING_WEIGHT = 16, 5
"""Weight in the backdrop's counts of a pixel that is surely no person. A codec leaves a still backdrop as it is, code
for code; a person always moves a little."""

NO_WEIGHT_FROM = 0.55
"""From this person probability on a pixel says nothing about the backdrop."""

FAR_FROM_BACKDROP = 20.0
"""A colour farther than this from the backdrop in some channel, in code values, is foreground."""

STILL_FAR = 12.0
"""A pixel that the smoothing of the foreground added counts from this distance on."""

SURE = 0.94
"""Person probability from which on the model is sure."""

ENTERS_BELOW = 0.97
"""A pixel deep in the foreground is observed only below this person probability, ..."""

BORDER_DEPTH = 45.0
"""... one nearer than this to the backdrop always."""

DEEP_DEPTH = 25.0
EDGE_DEPTH = 6.0
MOST_DEPTH = 60.0

CORE_PROBABILITY = 0.985
CORE_DEPTH = 14.0
"""The person's core, whose colours are surely the person's: the model is sure, and the backdrop is not near."""

SHRINK = 4
"""The core's colours are averaged on a picture this much smaller."""


class Surroundings(NamedTuple):
    """What is around each square of `SHRINK` pixels, as kernels take it.

    Attributes
    ----------
    nearby, around : ndarray
        (ceil(height / SHRINK), ceil(width / SHRINK), 4) float32: sums of B, G, R of the person's core, and how many
        pixels.
    backdrop_share : ndarray
        (same, same) float32, share of backdrop nearby.
    movement : ndarray
        (same, same) float32, by how much the probability of a person changes around.
    coming : ndarray
        (same, same) float32, by how much it has risen a frame nearby, of late; falling is negative.
    """

    nearby: npt.NDArray[np.float32]
    around: npt.NDArray[np.float32]
    backdrop_share: npt.NDArray[np.float32]
    movement: npt.NDArray[np.float32]
    coming: npt.NDArray[np.float32]


@njit(cache=True, nogil=True)
def weigh_backdrop(
    image: npt.NDArray[np.uint8],
    before: npt.NDArray[np.uint8],
    probability: npt.NDArray[np.float32],
    weights: npt.NDArray[np.uint8],
) -> None:
    """Say how much each pixel counts as backdrop: more where there is surely no person, and where it stands still.

    Parameters
    ----------
    image, before : ndarray
        (height, width, 3) uint8 BGR, this frame and the one before.
    probability : ndarray
        (height, width) float32, of a person.
    weights : ndarray
        (height, width) uint8, written: 0 to `STILL_WEIGHT`.
    """
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            p = probability[y, x]
            if p >= NO_WEIGHT_FROM:
                weights[y, x] = 0
                continue
            is_still = color_distance(image[y, x], before[y, x]) <= 1
            full = np.float32(STILL_WEIGHT if is_still else MOVING_WEIGHT)
            weights[y, x] = np.uint8(full * (np.float32(1) - p) ** 3 + np.float32(0.5))


@njit(cache=True, nogil=True)
def mark_foreground(
    image: npt.NDArray[np.uint8],
    backdrop: npt.NDArray[np.float32],
    weight: npt.NDArray[np.uint32],
    least_weight: Word,
    foreground: npt.NDArray[np.uint8],
) -> None:
    """Mark what is not the backdrop; where the backdrop is not known, everything.

    Parameters
    ----------
    image : ndarray
        (height, width, 3) uint8 BGR.
    backdrop : ndarray
        (height, width, 3) float32 BGR.
    weight : ndarray
        (height, width) uint32, the weight behind the backdrop.
    least_weight : int
        From this weight on the backdrop is known.
    foreground : ndarray
        (height, width) uint8, written: 1 or 0.
    """
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            is_far = color_distance(image[y, x], backdrop[y, x]) > FAR_FROM_BACKDROP
            foreground[y, x] = is_far or weight[y, x] < least_weight


@njit(cache=True, nogil=True)
def sum_core(
    image: npt.NDArray[np.uint8],
    probability: npt.NDArray[np.float32],
    depth: npt.NDArray[np.float32],
    unit_px: Word,
    core: npt.NDArray[np.float32],
) -> None:
    """Sum the colours of the person's core over squares of `SHRINK` pixels.

    Parameters
    ----------
    image : ndarray
        (height, width, 3) uint8 BGR.
    probability : ndarray
        (height, width) float32, of a person.
    depth : ndarray
        (height, width) float32, distance to the backdrop in pixels.
    unit_px : float
        Pixels in a unit of distance.
    core : ndarray
        (ceil(height / SHRINK), ceil(width / SHRINK), 4) float32, written: sums of B, G, R, and how many pixels.
    """
    core[:] = 0
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            if depth[y, x] > CORE_DEPTH * unit_px and probability[y, x] > CORE_PROBABILITY:
                square = core[y // SHRINK, x // SHRINK]
                for c in range(3):
                    square[c] += image[y, x, c]
                square[3] += 1


@njit(cache=True, nogil=True)
def count_core_colors(
    image: npt.NDArray[np.uint8],
    probability: npt.NDArray[np.float32],
    depth: npt.NDArray[np.float32],
    unit_px: Word,
    counts: npt.NDArray[np.float64],
) -> None:
    """Count which colours the person's core shows.

    Parameters
    ----------
    image : ndarray
        (height, width, 3) uint8 BGR.
    probability, depth : ndarray
        (height, width) float32, as for `sum_core`.
    unit_px : float
        Pixels in a unit of distance.
    counts : ndarray
        (16, 16, 16) float64, B, G and R over 16; added to.
    """
    least_depth, least_probability = np.float32(CORE_DEPTH * unit_px), np.float32(CORE_PROBABILITY)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            if depth[y, x] > least_depth and probability[y, x] > least_probability:
                counts[image[y, x, 0] >> 4, image[y, x, 1] >> 4, image[y, x, 2] >> 4] += 1


@njit(cache=True, nogil=True)
def count_steady(away: npt.NDArray[np.float32], far_px: Word, foreground: npt.NDArray[np.uint8]) -> tuple[Word, Word]:
    """Count the pixels that are far from any person, and those of them that are foreground.

    Parameters
    ----------
    away : ndarray
        (height, width) float32, distance to the person in pixels.
    far_px : float
        Farther than this is far.
    foreground : ndarray
        (height, width) uint8, 1 or 0.

    Returns
    -------
    tuple of int
        Both counts.
    """
    n, n_foreground = 0, 0
    for y in range(away.shape[0]):
        for x in range(away.shape[1]):
            if away[y, x] > far_px:
                n += 1
                n_foreground += 1 if foreground[y, x] else 0
    return n, n_foreground


@njit(cache=True, nogil=True)
def observe(
    image: npt.NDArray[np.uint8],
    before: npt.NDArray[np.uint8],
    probabilities: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
    backdrop: tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]],
    depths: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]],
    gradient: npt.NDArray[np.uint8],
    surroundings: Surroundings,
    unit_px: Word,
    positions: npt.NDArray[np.int32],
    observed: npt.NDArray[np.float32],
) -> Word:
    """List the pixels that count as evidence, and what is observed of each.

    Parameters
    ----------
    image, before : ndarray
        (height, width, 3) uint8 BGR, this frame and the one before.
    probabilities : tuple of ndarray
        Each (height, width) float32: of a person, and its mean over the last frames.
    backdrop : tuple of ndarray
        (height, width, 3) float32 BGR, and (height, width) uint8, 1 where it is known.
    depths : tuple of ndarray
        Each (height, width) float32 in pixels: distance to the backdrop; to the outside of the model's person; to
        its inside.
    gradient : ndarray
        (height, width) uint8.
    surroundings : Surroundings
        What is around each square of `SHRINK` pixels.
    unit_px : float
        Pixels in a unit of distance.
    positions : ndarray
        (height * width,) int32, written: y * width + x of each pixel listed.
    observed : ndarray
        (height * width, N_OBSERVED) float32, written, a row for each.

    Returns
    -------
    int
        How many were listed.
    """
    colors, known = backdrop
    depth, inside, outside = depths
    probability, of_late = probabilities
    nearby, around, backdrop_share, movement, coming = surroundings
    near_color, around_color = np.empty(3, np.float32), np.empty(3, np.float32)
    unit = np.float32(1) / np.float32(unit_px)
    n = 0
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            p, deep = probability[y, x], depth[y, x] * unit
            if deep == 0 or not known[y, x] or (p >= ENTERS_BELOW and deep >= BORDER_DEPTH):
                continue
            color = image[y, x]
            far = color_distance(color, colors[y, x])
            if far <= STILL_FAR:
                continue
            ys, xs = y // SHRINK, x // SHRINK
            _mean_color(nearby[ys, xs], near_color)
            _mean_color(around[ys, xs], around_color)
            share, off_mix = _off_mix(color, colors[y, x], near_color)
            row = observed[n]
            row[0] = p
            row[1] = min(deep, np.float32(MOST_DEPTH))
            row[2] = min(max((inside[y, x] - outside[y, x]) * unit, np.float32(-MOST_DEPTH)), np.float32(MOST_DEPTH))
            change = color_distance(color, before[y, x])
            row[3] = change <= 1
            row[4] = p < SURE
            row[5] = off_mix
            row[6] = color_distance(color, near_color)
            row[7] = color_distance(color, around_color)
            row[8] = gradient[y, x]
            row[9] = deep < EDGE_DEPTH
            row[10] = far
            row[11] = share
            row[12] = backdrop_share[ys, xs]
            row[13], row[14] = _off_box(color, colors[y, x], near_color)
            row[15] = change
            row[16] = of_late[y, x]
            row[17] = movement[ys, xs]
            row[18] = coming[ys, xs]
            positions[n] = y * image.shape[1] + x
            n += 1
    return n


@njit(cache=True, nogil=True, inline="always")
def _mean_color(sums: npt.NDArray[np.float32], color: npt.NDArray[np.float32]) -> None:
    """Where there is no core at all the mean is black, and the pixel far from it."""
    for c in range(3):
        color[c] = sums[c] / (sums[3] + np.float32(1e-4))


@njit(cache=True, nogil=True, inline="always")
def _off_mix(
    color: npt.NDArray[np.uint8], backdrop: npt.NDArray[np.float32], person: npt.NDArray[np.float32]
) -> tuple[Word, Word]:
    """Return the person's share in the nearest mix of backdrop and person, and the distance to that mix.

    The share may lie outside 0 to 1 (no further than -1 to 2); the mix may not.
    """
    along, length = np.float32(0), np.float32(25)  # 5 codes of noise: where both colours are one, the share is 0
    for c in range(3):
        way = person[c] - backdrop[c]
        along += (np.float32(color[c]) - backdrop[c]) * way
        length += way * way
    share = min(max(along / length, np.float32(-1)), np.float32(2))
    mixed = min(max(share, np.float32(0)), np.float32(1))
    off = np.float32(0)
    for c in range(3):
        off = max(off, abs(np.float32(color[c]) - backdrop[c] - mixed * (person[c] - backdrop[c])))
    return share, off


@njit(cache=True, nogil=True, inline="always")
def _off_box(
    color: npt.NDArray[np.uint8], backdrop: npt.NDArray[np.float32], person: npt.NDArray[np.float32]
) -> tuple[Word, Word]:
    """Return how far brightness and tint lie beyond what backdrop and person span, in code values.

    A codec carries tint at half the resolution, so that at an edge the brightness of one side may come with the
    tint of the other; what lies between both in each of the three is explained by that.
    """
    y = _luma(color[0], color[1], color[2])
    y_0, y_1 = _luma(backdrop[0], backdrop[1], backdrop[2]), _luma(person[0], person[1], person[2])
    off_blue = _beyond(np.float32(color[0]) - y, backdrop[0] - y_0, person[0] - y_1)
    off_red = _beyond(np.float32(color[2]) - y, backdrop[2] - y_0, person[2] - y_1)
    return _beyond(y, y_0, y_1), max(off_blue, off_red)


@njit(cache=True, nogil=True, inline="always")
def _luma(b: Word, g: Word, r: Word) -> Word:
    return np.float32(0.114) * np.float32(b) + np.float32(0.587) * np.float32(g) + np.float32(0.299) * np.float32(r)


@njit(cache=True, nogil=True, inline="always")
def _beyond(value: Word, one: Word, other: Word) -> Word:
    return max(np.float32(0), min(one, other) - value, value - max(one, other))


@njit(cache=True, nogil=True)
def count_observations(
    image: npt.NDArray[np.uint8],
    depth: npt.NDArray[np.float32],
    positions: npt.NDArray[np.int32],
    observed: npt.NDArray[np.float32],
    n_frames: Word,
    evidence: Evidence,
) -> None:
    """Add observations to the evidence.

    Parameters
    ----------
    image : ndarray
        (height, width, 3) uint8 BGR.
    depth : ndarray
        (height, width) float32, distance to the backdrop in pixels.
    positions : ndarray
        (n,) int32, from `observe`.
    observed : ndarray
        (n, N_OBSERVED) float32, from `observe`; more columns are summed up too where `Evidence.sums` has them.
    n_frames : int
        Number of the frame.
    evidence : Evidence
        Written.
    """
    for i in range(positions.size):
        y, x = divmod(positions[i], image.shape[1])
        add_observation(evidence, y, x, image[y, x], observed[i], depth[y, x], n_frames)


@njit(cache=True, nogil=True)
def count_pixels(
    foreground: npt.NDArray[np.uint8],
    known: npt.NDArray[np.uint8],
    probability: npt.NDArray[np.float32],
    depth: npt.NDArray[np.float32],
    unit_px: Word,
    evidence: Evidence,
) -> None:
    """Count how often each pixel was foreground, and end the visits of those that show the backdrop again.

    Parameters
    ----------
    foreground, known : ndarray
        (height, width) uint8, 1 or 0.
    probability, depth : ndarray
        (height, width) float32, as for `observe`.
    unit_px : float
        Pixels in a unit of distance.
    evidence : Evidence
        Written.
    """
    pixels = evidence.pixels
    for y in range(foreground.shape[0]):
        for x in range(foreground.shape[1]):
            if not known[y, x]:
                continue
            pixels[y, x, SEEN] += 1
            if foreground[y, x]:
                pixels[y, x, FOREGROUND] += 1
                pixels[y, x, DEEP] += depth[y, x] > DEEP_DEPTH * unit_px
                pixels[y, x, UNSURE] += probability[y, x] < SURE
            elif evidence.visit_slot[y, x] != NO_SLOT:
                end_visit(evidence, y, x)
