"""From evidence to claims: for every pixel the colour that is most likely the room's, and how likely that is.

Every colour that a pixel showed besides the backdrop is described by some figures (`FEATURES`), a network
(`network.py`) says how likely it is the room's, and the likeliest is the pixel's candidate. What is claimed is decided
by the pipeline.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.reconstruction.leak import evidence as ev
from pipelines.reconstruction.leak.heavy_hitters import Word, color_distance
from pipelines.reconstruction.leak.likeness import DISTANCES, OBSERVED

FEATURES = (
    "episodes",
    "frames in an episode",
    "share of episodes that enter",
    "share of episodes that leave",
    "spread",
    *OBSERVED,
    "share of foreground",
    "share of deep foreground",
    "share of unsure foreground",
    "distance of the mean to the backdrop",
    "share of the foreground's frames",
    "commonness in the person",
    "frames",
    "blue",
    "green",
    "red",
    "blue against the backdrop",
    "green against the backdrop",
    "red against the backdrop",
)
N_FEATURES = len(FEATURES)
_FIRST_OF_PIXEL = 5 + len(OBSERVED)

COUNTS = (
    "episodes",
    "frames in an episode",
    "spread",
    *DISTANCES,
    "change since the frame before",
    "distance of the mean to the backdrop",
    "frames",
)
"""Counts and distances, which go in as log(1 + x): what matters is how many times larger one is than another."""

_COUNTS = np.array([FEATURES.index(name) for name in COUNTS])
HALF_RANGE = 128.0
"""Colours go in divided by this."""

MOST_EPISODES, MOST_FRAMES, MOST_STAY = 12.0, 40.0, 30.0
"""Counts beyond these say nothing more, and a long call is to be judged like a short one."""

RARE = 1e-6
"""Commonness of colours that the person never shows, before the logarithm."""


@njit(cache=True, nogil=True)
def describe(
    evidence: ev.Evidence,
    backdrop: npt.NDArray[np.float32],
    commonness: npt.NDArray[np.float32],
    first_row: Word,
    end_row: Word,
    rows: npt.NDArray[np.float32],
    owners: npt.NDArray[np.int32],
) -> Word:
    """Describe every colour of some rows of pixels.

    Parameters
    ----------
    evidence : Evidence
        Read.
    backdrop : ndarray
        (height, width, 3) float32 BGR.
    commonness : ndarray
        (16, 16, 16) float32, from `person_commonness`.
    first_row, end_row : int
        The rows of pixels.
    rows : ndarray
        (at least as many as there are slots, N_FEATURES) float32, written.
    owners : ndarray
        (as many,) int32, written: pixel times slots plus slot of each row.

    Returns
    -------
    int
        How many colours there are.
    """
    n = 0
    for y in range(first_row, end_row):
        for x in range(backdrop.shape[1]):
            pixel = evidence.pixels[y, x]
            for k in range(ev.N_SLOTS):
                slot = evidence.sums[y, x, k]
                if slot[ev.FRAMES] == 0:
                    continue
                _describe_color(slot, evidence.colors[y, x, k], pixel, backdrop[y, x], commonness, rows[n])
                owners[n] = (y * backdrop.shape[1] + x) * ev.N_SLOTS + k
                n += 1
    return n


@njit(cache=True, nogil=True, inline="always")
def _describe_color(
    slot: npt.NDArray[np.float32],
    color: npt.NDArray[np.float32],
    pixel: npt.NDArray[np.uint32],
    backdrop: npt.NDArray[np.float32],
    commonness: npt.NDArray[np.float32],
    row: npt.NDArray[np.float32],
) -> None:
    frames = slot[ev.FRAMES]
    episodes = max(slot[ev.EPISODES], np.float32(1))
    row[0] = min(slot[ev.EPISODES], np.float32(MOST_EPISODES))
    row[1] = min(frames / episodes, np.float32(MOST_STAY))
    row[2] = slot[ev.ENTERS] / episodes
    row[3] = slot[ev.LEAVES] / episodes
    row[4] = np.sqrt(slot[ev.SQUARES] / frames)
    for i in range(ev.N_COLUMNS - ev.FIRST_OBSERVED):
        row[5 + i] = slot[ev.FIRST_OBSERVED + i] / frames
    seen = np.float32(max(pixel[ev.SEEN], np.uint32(1)))
    foreground = np.float32(max(pixel[ev.FOREGROUND], np.uint32(1)))
    i = _FIRST_OF_PIXEL
    row[i] = np.float32(pixel[ev.FOREGROUND]) / seen
    row[i + 1] = np.float32(pixel[ev.DEEP]) / seen
    row[i + 2] = np.float32(pixel[ev.UNSURE]) / seen
    row[i + 3] = color_distance(color, backdrop)
    row[i + 4] = frames / foreground
    row[i + 5] = commonness[np.int64(color[0]) >> 4, np.int64(color[1]) >> 4, np.int64(color[2]) >> 4]
    row[i + 6] = min(frames, np.float32(MOST_FRAMES))
    for c in range(3):
        row[i + 7 + c] = color[c] / np.float32(HALF_RANGE) - np.float32(1)
        row[i + 10 + c] = (color[c] - backdrop[c]) / np.float32(HALF_RANGE)
    for j in _COUNTS:
        row[j] = np.log1p(max(row[j], np.float32(0)))


def person_commonness(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return how common each colour is in the person's core.

    Parameters
    ----------
    counts : ndarray
        (16, 16, 16) float64, how often each colour (B, G, R over 16) was seen there.

    Returns
    -------
    ndarray
        (16, 16, 16) float32: decimal logarithm of the share, smoothed over neighbouring colours, no less than -6.
    """
    smooth = counts.copy()
    for axis in range(3):
        smooth = 0.25 * _shifted(smooth, axis, -1) + 0.5 * smooth + 0.25 * _shifted(smooth, axis, 1)
    share = smooth / max(1.0, float(smooth.sum()))
    common: npt.NDArray[np.float32] = np.log10(share + RARE).astype(np.float32)
    return common


def _shifted(counts: npt.NDArray[np.float64], axis: int, by: int) -> npt.NDArray[np.float64]:
    edge = np.take(counts, [0 if by > 0 else counts.shape[axis] - 1], axis)
    kept = np.delete(counts, -1 if by > 0 else 0, axis)
    return np.concatenate([edge, kept] if by > 0 else [kept, edge], axis)


@njit(cache=True, nogil=True)
def keep_likeliest(
    owners: npt.NDArray[np.int32],
    log_odds: npt.NDArray[np.float32],
    colors: npt.NDArray[np.float32],
    evidence: ev.Evidence,
    best: npt.NDArray[np.float32],
    color: npt.NDArray[np.float32],
    episodes: npt.NDArray[np.float32],
    likeliest: npt.NDArray[np.int32],
) -> None:
    """Keep the likeliest colour of each pixel; the maps are to be reset for these pixels before.

    Parameters
    ----------
    owners : ndarray
        (n,) int32, from `describe`.
    log_odds : ndarray
        (n,) float32.
    colors : ndarray
        (n, 3) float32 BGR.
    evidence : Evidence
        Read.
    best : ndarray
        (height, width) float32, log odds of the likeliest so far; written.
    color : ndarray
        (height, width, 3) float32 BGR; written.
    episodes : ndarray
        (height, width) float32, in how many episodes it was seen; written.
    likeliest : ndarray
        (height, width) int32, the owner that it is of; written.
    """
    width = best.shape[1]
    for i in range(owners.size):
        pixel, k = divmod(owners[i], ev.N_SLOTS)
        y, x = divmod(pixel, width)
        if log_odds[i] > best[y, x]:
            best[y, x] = log_odds[i]
            for c in range(3):  # as one slice, numba compiles a message for shapes that differ, three times as long
                color[y, x, c] = colors[i, c]
            episodes[y, x] = evidence.sums[y, x, k, ev.EPISODES]
            likeliest[y, x] = owners[i]
