"""How a call changes the colours of its backdrop: an affine mapping, fitted to what both show.

Wrong matrices (BT.601 for BT.709), limited range taken for full, a client's own brightness: all of them are affine
on codes, red mixed into green included. So the model is seen = matrix . colour + offset. It is fitted by least
squares with weights that fall with the misfit, since a part of the trusted pixels may be a person, and held near
"no change" as far as the picture does not decide: a plain or grey backdrop says little about a matrix, and what
is hidden behind the person may have other colours than what is seen.

References
----------
.. [1] P. W. Holland, R. E. Welsch, Robust regression using iteratively reweighted least-squares, Communications in
   Statistics 6(9), 1977.
.. [2] A. E. Hoerl, R. W. Kennard, Ridge regression: biased estimation for nonorthogonal problems, Technometrics
   12(1), 1970 (here towards no change instead of 0).
"""

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.reconstruction.placement import Codes, Floats

Tint = npt.NDArray[np.float64]
"""(3, 4): matrix and offset, BGR codes to BGR codes."""

LEAST_SCATTER = 3.0
"""A difference of so many codes is ordinary (codec, rounding)."""

_LIKELY_MATRIX = 0.1
_LIKELY_OFFSET = 10.0
_N_INDEPENDENT = 1000.0
"""Pixels count as so many at most: neighbours have their errors in common."""
_N_ROUNDS = 8


def fit_tint(there: Floats, seen: Floats) -> Tint:
    """Fit the mapping, [1]_ and [2]_.

    Parameters
    ----------
    there, seen : ndarray
        (n, 3) float32 BGR, 0 to 255: colours of the picture and what the call shows at the same pixels; n > 0.

    Returns
    -------
    ndarray
        (3, 4) float64.
    """
    columns = np.hstack([there, np.ones((len(there), 1), np.float32)]).astype(np.float64)
    no_change = np.eye(4, 3)
    holds = np.diag(LEAST_SCATTER**2 / np.array([_LIKELY_MATRIX] * 3 + [_LIKELY_OFFSET]) ** 2)
    mapping = no_change.copy()
    mapping[3] = np.median(seen - there, axis=0)
    for _ in range(_N_ROUNDS):
        misfit = np.sqrt(np.square(seen - columns @ mapping).mean(axis=1))
        scatter = max(LEAST_SCATTER, 2.0 * float(np.median(misfit)))
        weights = 1.0 / np.square(1.0 + np.square(misfit / scatter))
        weights *= min(1.0, _N_INDEPENDENT / float(weights.sum()))
        weighted = (columns * weights[:, np.newaxis]).T
        mapping = np.linalg.solve(weighted @ columns + holds, weighted @ seen + holds @ no_change)
    return np.ascontiguousarray(mapping.T)


def tinted(colors: Floats, tint: Tint) -> Codes:
    """Apply a mapping.

    Parameters
    ----------
    colors : ndarray
        (height, width, 3) float32 BGR, 0 to 255.
    tint : ndarray
        (3, 4) from `fit_tint`.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR, to the nearest code.
    """
    return np.clip(cv2.transform(colors, tint).round(), 0, 255).astype(np.uint8)
