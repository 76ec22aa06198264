"""Maps made to be looked at: where the room leaked, how often, and how sure that is, over the dimmed backdrop.

Colours are steps of viridis (van der Walt and Smith, 2015), which rise evenly in lightness: they keep their order for
colour-blind people and in print without colour. The darkest steps are left out, because the backdrop beneath is dark
grey.
"""

from typing import Final

import cv2
import numpy as np

from pipelines.base import Findings, Image
from stream.results.figures import BAND_EDGES, EPISODE_CLASSES, band_of, class_of

EPISODE_COLORS: Final = ("#355f8d", "#228d8d", "#35b779", "#9bd93c", "#fde725")
"""One for each of `EPISODE_CLASSES`; the live page's key has the same."""

BAND_COLORS: Final = ("#355f8d", "#22a884", "#9bd93c", "#fde725")
"""One for each band of confidence; the live page's key has the same."""

DIMMED_TO: Final = 0.28
NARROWEST_PX: Final = 480
_GREY: Final = np.array([0.114, 0.587, 0.299], np.float32)
_TEXT_BGR: Final = (235, 235, 235)
_BAR_BGR: Final = 24


def draw_leaks(findings: Findings) -> Image | None:
    """Draw in how many separate episodes each claimed pixel showed its room.

    Parameters
    ----------
    findings : Findings
        Of any size.

    Returns
    -------
    ndarray or None
        (height, width, 3) uint8 BGR; None where the method does not say how often.
    """
    if findings.leaks is None:
        return None
    colors = np.array([_bgr(color) for color in EPISODE_COLORS], np.uint8)[class_of(findings.leaks)]
    return _over_backdrop(findings, colors)


def draw_confidence(findings: Findings) -> Image | None:
    """Draw how sure the method is of each claimed pixel.

    Parameters
    ----------
    findings : Findings
        Of any size.

    Returns
    -------
    ndarray or None
        (height, width, 3) uint8 BGR; None where the method does not say how sure it is.
    """
    if findings.confidence is None:
        return None
    colors = np.array([_bgr(color) for color in BAND_COLORS], np.uint8)[band_of(findings.confidence)]
    return _over_backdrop(findings, colors)


def with_legend(leaks: Image) -> Image:
    """Put the key to the colours under a map of leaks; a small map is enlarged so that the key can be read.

    Parameters
    ----------
    leaks : ndarray
        (height, width, 3) uint8 BGR, from `draw_leaks`.

    Returns
    -------
    ndarray
        (height', width', 3) uint8 BGR, at least `NARROWEST_PX` wide.
    """
    height, width = leaks.shape[:2]
    times = max(1, min(NARROWEST_PX // width, 2 * NARROWEST_PX // height))
    large = np.kron(leaks, np.ones((times, times, 1), np.uint8))
    missing = max(0, NARROWEST_PX - large.shape[1])
    large = np.pad(large, ((0, 0), (0, missing), (0, 0)), constant_values=_BAR_BGR)
    return np.ascontiguousarray(np.vstack([large, _legend(large.shape[1])]))


def episode_label(first: int, last: int | None) -> str:
    """Say a class of episodes in a few letters.

    Parameters
    ----------
    first, last : int, int or None
        As in `EPISODE_CLASSES`.

    Returns
    -------
    str
        Such as ``1``, ``3-4`` or ``9 or more``; ASCII.
    """
    if last is None:
        return f"{first} or more"
    return str(first) if first == last else f"{first}-{last}"


def band_label(band: int) -> str:
    """Say a band of confidence in a few letters.

    Parameters
    ----------
    band : int
        0 to 3.

    Returns
    -------
    str
        Such as ``25-50 %``; ASCII.
    """
    return f"{BAND_EDGES[band]:.0%}"[:-1] + f"-{BAND_EDGES[band + 1]:.0%}"[:-1] + " %"


def _over_backdrop(findings: Findings, colors: Image) -> Image:
    dimmed = np.repeat((findings.backdrop @ _GREY * DIMMED_TO).astype(np.uint8)[..., None], 3, axis=2)
    return np.ascontiguousarray(np.where(findings.room[..., 3:] > 0, colors, dimmed))


def _legend(width: int) -> Image:
    scale = width / 640
    unit = round(22 * scale)
    bar = np.full((2 * unit, width, 3), _BAR_BGR, np.uint8)
    x = _write(bar, "times the room showed:", unit // 2, scale)
    for (first, last), color in zip(EPISODE_CLASSES, EPISODE_COLORS, strict=True):
        x += unit // 2
        cv2.rectangle(bar, (x, unit // 2), (x + unit, unit + unit // 2), _bgr(color), -1)
        x = _write(bar, episode_label(first, last), x + unit + unit // 4, scale)
    return bar


def _write(bar: Image, text: str, x: int, scale: float) -> int:
    """Write a text in the middle of the bar's height; return where it ends."""
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.5 * scale, max(1, round(scale)))
    place = (x, (bar.shape[0] + height) // 2)
    cv2.putText(bar, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5 * scale, _TEXT_BGR, max(1, round(scale)), cv2.LINE_AA)
    return x + width


def _bgr(color: str) -> tuple[int, int, int]:
    return int(color[5:7], 16), int(color[3:5], 16), int(color[1:3], 16)
