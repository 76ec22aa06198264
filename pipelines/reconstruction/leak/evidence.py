"""What each pixel showed that is not the backdrop: a few colours, and how and where each was seen. Arrays only.

The room is the rare colour, so its candidates are counted apart from the backdrop, and only near the person's border
(see `observe`): `N_SLOTS` colours a pixel, each with its mean, its spread, the episodes in which it was seen, and
the sums of what was observed while it was. When a new colour comes and all slots are taken, the one that never looked
much like the room gives way (`likeness`).

An episode of a colour ends when it was not seen for `EPISODE_GAP_FRAMES`. A visit is the time from when a pixel
leaves the backdrop until it returns; the first colour of a visit *enters*, the last one *leaves*. A mask that lags
behind lets the room through when the person leaves, and not when they enter.

Two states are merged pixel by pixel: colours that lie within `SAME_COLOR` are added up, and where there are more than
slots, those least like the room go. Unlike the backdrop's counts (`heavy_hitters`) this keeps no bound: a colour that
was lost in one part starts anew.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.reconstruction.leak.heavy_hitters import Word, color_distance
from pipelines.reconstruction.leak.likeness import OBSERVED, likeness

N_SLOTS = 6
SAME_COLOR = 10.0
"""A colour no farther than this from a slot's mean in any channel, in code values, is that slot's."""

SLOWEST_RATE = 0.02
EPISODE_GAP_FRAMES = 5

AT_EDGE_PX = 2.0
EDGE_WEIGHT = 0.05
"""Nearer than that to the backdrop a colour is mixed with it, by the mask and by the codec: it counts for so much in
the mean. Elsewhere it counts in full."""

# Columns of a slot. CLEAR is the weight behind the mean colour. From FIRST_OBSERVED on: sums of what was observed, in
# the order of `likeness.OBSERVED`.
FRAMES, EPISODES, ENTERS, LEAVES, SQUARES, CLEAR, FIRST_OBSERVED = range(7)
N_COLUMNS = FIRST_OBSERVED + len(OBSERVED)

# Columns of a pixel.
SEEN, FOREGROUND, DEEP, UNSURE = range(4)
N_PIXEL_COLUMNS = 4

NO_SLOT = 255


class Evidence(NamedTuple):
    """The colours of all pixels, as kernels take them.

    Attributes
    ----------
    colors : ndarray
        (height, width, N_SLOTS, 3) float32 BGR, mean of each colour.
    sums : ndarray
        (height, width, N_SLOTS, N_COLUMNS) float32; column FRAMES is 0 where a slot is empty.
    last_frame : ndarray
        (height, width, N_SLOTS) int32, when the colour was seen last.
    likeness : ndarray
        (height, width, N_SLOTS) uint8, the most that a frame of the colour looked like the room.
    pixels : ndarray
        (height, width, N_PIXEL_COLUMNS) uint32: frames in which the backdrop was known, of these in the foreground,
        deep in it, and there without the model being sure of a person.
    visit_slot : ndarray
        (height, width) uint8, slot of the present visit's last colour; NO_SLOT while the backdrop shows.
    """

    colors: npt.NDArray[np.float32]
    sums: npt.NDArray[np.float32]
    last_frame: npt.NDArray[np.int32]
    likeness: npt.NDArray[np.uint8]
    pixels: npt.NDArray[np.uint32]
    visit_slot: npt.NDArray[np.uint8]


def empty_evidence(height: int, width: int) -> Evidence:
    """Return evidence of nothing.

    Parameters
    ----------
    height, width : int
        Size in pixels.

    Returns
    -------
    Evidence
        All slots empty.
    """
    size = (height, width, N_SLOTS)
    return Evidence(
        np.zeros((*size, 3), np.float32),
        np.zeros((*size, N_COLUMNS), np.float32),
        np.full(size, -1 - EPISODE_GAP_FRAMES, np.int32),
        np.zeros(size, np.uint8),
        np.zeros((height, width, N_PIXEL_COLUMNS), np.uint32),
        np.full((height, width), NO_SLOT, np.uint8),
    )


@njit(cache=True, nogil=True, inline="always")
def add_observation(
    evidence: Evidence,
    y: Word,
    x: Word,
    color: npt.NDArray[np.uint8],
    observed: npt.NDArray[np.float32],
    depth_px: Word,
    n_frames: Word,
) -> None:
    """Count a colour that is not the backdrop.

    Parameters
    ----------
    evidence : Evidence
        Written.
    y, x : int
        The pixel.
    color : ndarray
        (3,) uint8 BGR.
    observed : ndarray
        (at least len(OBSERVED),) float32; more columns are summed up too.
    depth_px : float
        Distance to the backdrop in pixels.
    n_frames : int
        Number of the frame.
    """
    colors, sums = evidence.colors[y, x], evidence.sums[y, x]
    k = _nearest_slot(colors, sums, color)
    if k < 0:
        k = _least_like_room(sums, evidence.likeness[y, x])
        sums[k] = 0
        evidence.likeness[y, x, k] = 0
        for c in range(3):
            colors[k, c] = color[c]
        evidence.last_frame[y, x, k] = n_frames - EPISODE_GAP_FRAMES - 1
    slot = sums[k]
    slot[FRAMES] += 1
    if n_frames - evidence.last_frame[y, x, k] > EPISODE_GAP_FRAMES:
        slot[EPISODES] += 1
    evidence.last_frame[y, x, k] = n_frames
    evidence.likeness[y, x, k] = max(evidence.likeness[y, x, k], likeness(observed))
    if evidence.visit_slot[y, x] == NO_SLOT:
        slot[ENTERS] += 1
    evidence.visit_slot[y, x] = k
    for i in range(observed.size):
        slot[FIRST_OBSERVED + i] += observed[i]
    weight = np.float32(1 if depth_px >= AT_EDGE_PX else EDGE_WEIGHT)
    slot[CLEAR] += weight
    rate = weight * max(np.float32(1) / slot[CLEAR], np.float32(SLOWEST_RATE))
    for c in range(3):
        off = np.float32(color[c]) - colors[k, c]
        slot[SQUARES] += off * off
        colors[k, c] += rate * off


@njit(cache=True, nogil=True)
def end_visit(evidence: Evidence, y: Word, x: Word) -> None:
    """Note that a pixel shows the backdrop again.

    Parameters
    ----------
    evidence : Evidence
        Written.
    y, x : int
        The pixel.
    """
    k = evidence.visit_slot[y, x]
    if k != NO_SLOT:
        evidence.sums[y, x, k, LEAVES] += 1
        evidence.visit_slot[y, x] = NO_SLOT


@njit(cache=True, nogil=True, inline="always")
def _nearest_slot(colors: npt.NDArray[np.float32], sums: npt.NDArray[np.float32], color: npt.NDArray[Any]) -> Word:
    best, nearest = -1, np.float32(SAME_COLOR)
    for k in range(N_SLOTS):
        if sums[k, FRAMES] > 0:
            far = color_distance(color, colors[k])
            if far <= nearest:
                best, nearest = k, far
    return best


@njit(cache=True, nogil=True, inline="always")
def _least_like_room(sums: npt.NDArray[np.float32], alike: npt.NDArray[np.uint8]) -> Word:
    """Return the slot that gives way: an empty one, or the one that looked least like the room."""
    least = 0
    for k in range(N_SLOTS):
        if sums[k, FRAMES] == 0:
            return k
        if alike[k] < alike[least]:
            least = k
    return least


@njit(cache=True, nogil=True)
def add_evidence(later: Evidence, n_frames: Word, evidence: Evidence) -> None:
    """Add what was seen in frames that came after.

    Parameters
    ----------
    later : Evidence
        Read.
    n_frames : int
        Frames behind `evidence` so far.
    evidence : Evidence
        Written.
    """
    for y in range(evidence.visit_slot.shape[0]):
        for x in range(evidence.visit_slot.shape[1]):
            evidence.pixels[y, x] += later.pixels[y, x]
            evidence.visit_slot[y, x] = NO_SLOT
            for j in range(N_SLOTS):
                if later.sums[y, x, j, FRAMES] > 0:
                    _add_slot(later, y, x, j, n_frames, evidence)


@njit(cache=True, nogil=True)
def _add_slot(later: Evidence, y: Word, x: Word, j: Word, n_frames: Word, evidence: Evidence) -> None:
    """Add slot `j` of a pixel: to the slot of its colour, or in place of one less like the room."""
    colors, sums, slot = evidence.colors[y, x], evidence.sums[y, x], later.sums[y, x, j]
    alike, looks = evidence.likeness[y, x], later.likeness[y, x, j]
    best = _nearest_slot(colors, sums, later.colors[y, x, j])
    if best < 0:
        best = _least_like_room(sums, alike)
        if sums[best, FRAMES] > 0 and alike[best] >= looks:
            return
        sums[best] = 0
        alike[best] = 0
        colors[best] = later.colors[y, x, j]
    alike[best] = max(alike[best], looks)
    both = sums[best, CLEAR] + slot[CLEAR]
    for c in range(3):
        colors[best, c] += slot[CLEAR] / both * (later.colors[y, x, j, c] - colors[best, c])
    for i in range(N_COLUMNS):
        sums[best, i] += slot[i]
    evidence.last_frame[y, x, best] = n_frames + later.last_frame[y, x, j]
