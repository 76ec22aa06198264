"""What the findings say in figures: how sure, how often, and in which part of the picture.

For `report.json`, and for the report in words. Everything is about the pixels that are claimed; shares are of those
pixels, 0 to 1, unless the name says otherwise.
"""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.base import Findings, Image

BAND_EDGES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Confidence is told in four bands between these."""

EPISODE_CLASSES = ((1, 1), (2, 2), (3, 4), (5, 8), (9, None))
"""Numbers of separate episodes that are told as one: first and last, None being any higher number."""

NINTHS = (
    ("top left", "top middle", "top right"),
    ("middle left", "middle", "middle right"),
    ("bottom left", "bottom middle", "bottom right"),
)
"""The parts of the picture, as who looks at it sees them."""

_SURE = 255


def figures_of(findings: Findings) -> dict[str, Any]:
    """Work out the figures.

    Parameters
    ----------
    findings : Findings
        At full size.

    Returns
    -------
    dict
        JSON values: ``found_where``; ``confidence`` where the method says how sure it is; ``episodes`` where it says
        how often the room showed.
    """
    is_claimed = findings.room[..., 3] > 0
    figures: dict[str, Any] = {"found_where": shares_of_ninths(is_claimed)}
    if findings.confidence is not None:
        figures["confidence"] = _confidence_figures(findings.confidence[is_claimed])
    if findings.leaks is not None:
        figures["episodes"] = _episode_figures(findings.leaks[is_claimed])
    return figures


def band_of(confidence: Image) -> npt.NDArray[np.intp]:
    """Tell the band of each pixel.

    Parameters
    ----------
    confidence : ndarray
        uint8 of any shape, 255 being sure.

    Returns
    -------
    ndarray
        intp, 0 to 3, of the same shape.
    """
    inner_edges = np.array(BAND_EDGES[1:-1]) * _SURE
    return np.asarray(np.digitize(confidence, inner_edges), np.intp)


def class_of(n_episodes: npt.NDArray[np.uint16]) -> npt.NDArray[np.intp]:
    """Tell the class of each pixel.

    Parameters
    ----------
    n_episodes : ndarray
        uint16 of any shape, from 1 (0 counts as 1).

    Returns
    -------
    ndarray
        intp, indices into `EPISODE_CLASSES`, of the same shape.
    """
    firsts = [first for first, _ in EPISODE_CLASSES[1:]]
    return np.asarray(np.digitize(n_episodes, firsts), np.intp)


def shares_of_ninths(is_claimed: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Work out which share of all claimed pixels lies in each ninth of the picture.

    Parameters
    ----------
    is_claimed : ndarray
        (height, width) bool.

    Returns
    -------
    dict
        Name of each ninth to a share, 0 to 1.
    """
    n = max(1, int(np.count_nonzero(is_claimed)))
    rows, columns = ([round(i * size / 3) for i in range(4)] for size in is_claimed.shape)
    return {
        NINTHS[i][j]: _rounded(np.count_nonzero(is_claimed[top:bottom, left:right]) / n)
        for i, (top, bottom) in enumerate(itertools.pairwise(rows))
        for j, (left, right) in enumerate(itertools.pairwise(columns))
    }


def _confidence_figures(claimed: Image) -> dict[str, Any]:
    shares = np.bincount(band_of(claimed), minlength=len(BAND_EDGES) - 1) / max(1, claimed.size)
    return {
        "mean": _rounded(claimed.mean() / _SURE) if claimed.size else None,
        "bands": [
            {"from": low, "to": high, "share": _rounded(share)}
            for (low, high), share in zip(itertools.pairwise(BAND_EDGES), shares, strict=True)
        ],
    }


def _episode_figures(claimed: npt.NDArray[np.uint16]) -> dict[str, Any]:
    shares = np.bincount(class_of(claimed), minlength=len(EPISODE_CLASSES)) / max(1, claimed.size)
    return {
        "median": float(np.median(claimed)) if claimed.size else None,
        "most": int(claimed.max()) if claimed.size else None,
        "classes": [
            {"from": first, "to": last, "share": _rounded(share)}
            for (first, last), share in zip(EPISODE_CLASSES, shares, strict=True)
        ],
    }


def _rounded(value: Any) -> float:
    return round(float(value), 4)
