"""The figures that are observed of a pixel, and how much they look like the room's. Arrays only.

A pixel has few slots for many colours. So which of them gives way is decided by a first, quick look at each frame: a
weighted sum of figures, learnt from pairs of frames of one pixel of which one leaked and the other did not
(`tests/benchmarks/train_likeness.py`). It only has to order the colours of one pixel; what is claimed is judged later,
by all that was summed up of a colour.

References
----------
Learning to order from pairs: C. Burges et al., "Learning to rank using gradient descent", ICML 2005.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.reconstruction.leak.heavy_hitters import Word

OBSERVED = (
    "person probability",
    "depth in the picture's foreground",
    "depth in the person",
    "still since the frame before",
    "person unsure",
    "distance to a mix of backdrop and person",
    "distance to the person nearby",
    "distance to the person around",
    "gradient",
    "at the border",
    "distance to the backdrop",
    "share of the person in the mix",
    "backdrop nearby",
    "brightness beyond backdrop and person",
    "tint beyond backdrop and person",
    "change since the frame before",
    "person probability of late",
    "movement of the person around",
    "person coming",
)
"""In the order of `observe`. Depths are in units of 1/360 of the picture's height, distances of colours, gradient and
change in code values, all others are shares or probabilities."""

DISTANCES = (
    "depth in the picture's foreground",
    "distance to a mix of backdrop and person",
    "distance to the person nearby",
    "distance to the person around",
    "gradient",
    "distance to the backdrop",
    "brightness beyond backdrop and person",
    "tint beyond backdrop and person",
)
"""These go in as x / (x + `HALF_DISTANCE`): what is far already looks no different when it is farther."""

HALF_DISTANCE = 30.0
WEIGHTS = {
    "person probability": 0.159,
    "depth in the picture's foreground": -2.065,
    "depth in the person": 1.509 / 60,
    "still since the frame before": 0.052,
    "person unsure": 1.621,
    "distance to a mix of backdrop and person": 2.460,
    "distance to the person nearby": -3.284,
    "distance to the person around": 5.220,
    "gradient": 0.118,
    "at the border": 0.165,
    "distance to the backdrop": 4.963,
    "share of the person in the mix": -0.422,
    "backdrop nearby": 0.566,
    "brightness beyond backdrop and person": 0.723,
    "tint beyond backdrop and person": 3.201,
}
"""Of each figure, in log odds: that of two frames of a pixel the one leaked and the other did not."""

LEAST, STEP = 2.28, 0.05
"""Likeness is kept in steps of so much log odds over the least, 0 to 255."""

_DISTANT = np.array([WEIGHTS.get(name, 0.0) if name in DISTANCES else 0.0 for name in OBSERVED], np.float32)
_PLAIN = np.array([0.0 if name in DISTANCES else WEIGHTS.get(name, 0.0) for name in OBSERVED], np.float32)


@njit(cache=True, nogil=True, inline="always")
def likeness(observed: npt.NDArray[np.float32]) -> Word:
    """Say how much what was observed of a pixel in one frame looks like a leak.

    Parameters
    ----------
    observed : ndarray
        (at least len(OBSERVED),) float32.

    Returns
    -------
    int
        0 to 255; the more, the likelier.
    """
    total = np.float32(-LEAST)
    for i in range(_PLAIN.size):
        value = observed[i]
        total += _PLAIN[i] * value + _DISTANT[i] * value / (value + np.float32(HALF_DISTANCE))
    return np.uint8(min(max(total / np.float32(STEP), np.float32(0)), np.float32(255)))
