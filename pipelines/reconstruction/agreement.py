"""Whether a backdrop that was aligned is the call's backdrop: figures, and a verdict with a reason.

Some place can be found for every picture, and with free colours even a good-looking one: a wrong picture's smooth
corner, stretched over a smooth call. What gives it away is what no client does (lose contrast, change colours
much, leave half of the frame uncovered), too few pixels that fit, or a fit that explains little of what the call
shows. The thresholds are set between what right and wrong pictures gave on hundreds of calls made by code (plain
ones, gradients, blobs, shapes, noise, photos; half of the middle hidden, a quarter of the trusted pixels wrong);
a wrong backdrop that is taken for right costs more than a right one that is not taken.

References
----------
.. [1] G. D. Evangelidis, E. Z. Psarakis, Parametric image alignment using enhanced correlation coefficient
   maximization, IEEE Transactions on Pattern Analysis and Machine Intelligence 30(10), 2008: correlation as the
   measure that contrast and brightness do not change, here of slopes.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.reconstruction.placement import Codes, Floats, Mask

FITTING_CODES = 12.0
"""A pixel fits up to here: mean over the channels of the absolute difference. Codecs reach it at edges."""

FEWEST_TRUSTED = 400
LEAST_COVERED = 0.55
LEAST_FITTING = 0.55
CONTRASTS = (0.7, 1.4)
MOST_SHIFT = 25.0
MOST_SHIFT_PLAIN = 20.0
PLAIN_CODES = 3.0
MOST_SPREAD_PLAIN = 6.0
LEAST_EXPLAINED = 0.5
LEAST_STRUCTURE = 0.72
SOFT_CODES = 0.5
"""Slope in codes a pixel under which a picture is soft: there, no structure vouches for the fit."""
SOFT_CONTRASTS = (0.55, 1.8)
"""Wider, since on a gradient scale and contrast are one."""
SOFT_LEAST_EXPLAINED = 0.94
SOFT_MOST_MISFIT = 2.5

_N_SAMPLES = 50_000
_SMOOTHING = 2 / 640
_SLOPE_NOISE = 0.025
_MOST = 0.6


_Number = TypeVar("_Number", np.float32, np.uint8)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well an aligned backdrop agrees with what the call shows.

    Attributes
    ----------
    residual_mean, residual_p90 : float
        Mean and 90th percentile of the absolute difference in codes, mean of the channels, over the trusted pixels
        that the backdrop covers, wrongly trusted ones included; infinite where there are none.
    covered : float
        Share of the trusted pixels that the backdrop covers.
    fitting : float
        Share of the trusted pixels that fit, see `FITTING_CODES`.
    fitting_mean : float
        As `residual_mean`, over the pixels that fit.
    explained : float
        Share of the variance of the fitting pixels that the backdrop explains; at most 1.
    structure : float
        Correlation of the slopes of both pictures where most pixels fit, -1 to 1.
    slope : float
        Root mean square slope of the backdrop over the trusted pixels, smoothed, in codes a pixel.
    spread : float
        Standard deviation of the evidence over the fitting pixels, in codes.
    spread_drawn : float
        Standard deviation of the backdrop all over the frame, behind the person too, colours as in its file.
    contrast : float
        Standard deviation of the backdrop at the trusted pixels, after the mapping of colours over before.
    shift : float
        Mean absolute change of its colours by that mapping, in codes.
    """

    residual_mean: float
    residual_p90: float
    covered: float
    fitting: float
    fitting_mean: float
    explained: float
    structure: float
    slope: float
    spread: float
    spread_drawn: float
    contrast: float
    shift: float


def measure(drawn: Floats, aligned: Codes, is_covered: Mask, evidence: Codes, trusted: Mask) -> Agreement:
    """Compare an aligned backdrop with the evidence.

    Parameters
    ----------
    drawn : ndarray
        (height, width, 3) float32 BGR: the backdrop in place, colours as in its file.
    aligned : ndarray
        (height, width, 3) uint8 BGR: the same with its colours mapped.
    is_covered : ndarray
        (height, width) bool: where it covers the frame.
    evidence : ndarray
        (height, width, 3) uint8 BGR: what the call shows.
    trusted : ndarray
        (height, width) bool: where the evidence counts.

    Returns
    -------
    Agreement
        The figures.
    """
    use = trusted & is_covered
    n_trusted, n_used = int(trusted.sum()), int(use.sum())
    if n_used == 0:
        return Agreement(math.inf, math.inf, 0.0, 0.0, math.inf, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    difference = cv2.absdiff(aligned, evidence).mean(axis=2, dtype=np.float32)
    fits = use & (difference <= FITTING_CODES)
    of_use, of_fits = difference[use], difference[fits]
    before, after = _some(drawn[use]), _some(aligned[use]).astype(np.float32)
    explained, spread = _explained(_some(aligned[fits]), _some(evidence[fits]))
    slopes = _slopes(aligned), _slopes(evidence)
    structure = _structure(*slopes, fits)
    return Agreement(
        residual_mean=float(of_use.mean()),
        residual_p90=float(np.percentile(of_use, 90)),
        covered=n_used / n_trusted,
        fitting=of_fits.size / n_trusted,
        fitting_mean=float(of_fits.mean()) if of_fits.size else math.inf,
        explained=explained,
        structure=structure,
        slope=math.sqrt(float(np.square(slopes[0][:, use]).sum()) / n_used),
        spread=spread,
        spread_drawn=_spread(_some(drawn[is_covered])),
        contrast=_spread(after) / _spread(before) if _spread(before) > PLAIN_CODES else 1.0,
        shift=float(np.abs(after - before).mean()),
    )


def judge(agreement: Agreement, n_trusted: int) -> str:
    """Say what speaks against an alignment.

    Parameters
    ----------
    agreement : Agreement
        Its figures.
    n_trusted : int
        Trusted pixels.

    Returns
    -------
    str
        The reason, as a part of a sentence; empty if it is good.
    """
    it = agreement
    if n_trusted < FEWEST_TRUSTED:
        return f"too little of the backdrop is known yet ({n_trusted} trusted pixels, wanted {FEWEST_TRUSTED})"
    if it.fitting < LEAST_FITTING:
        return f"only {it.fitting:.0%} of the trusted pixels fit at the best place"
    if it.covered < LEAST_COVERED:
        return f"at the best place it covers only {it.covered:.0%} of the trusted pixels"
    is_plain = it.spread < PLAIN_CODES
    if it.shift > (MOST_SHIFT_PLAIN if is_plain else MOST_SHIFT):
        return f"its colours would have to change by {it.shift:.0f} codes on average"
    is_soft = it.slope < SOFT_CODES
    least, most = SOFT_CONTRASTS if is_soft else CONTRASTS
    if not least <= it.contrast <= most:
        return f"its contrast would have to change by a factor of {it.contrast:.2f}"
    if is_plain and it.spread_drawn > MOST_SPREAD_PLAIN:
        return "the call shows a plain colour there, and the picture has more than that"
    if is_plain:
        return ""
    if is_soft and (it.explained < SOFT_LEAST_EXPLAINED or it.fitting_mean > SOFT_MOST_MISFIT):
        return f"what fits is too soft to be sure ({it.explained:.0%} explained, {it.fitting_mean:.1f} codes off)"
    if not is_soft and min(it.explained - LEAST_EXPLAINED, it.structure - LEAST_STRUCTURE) < 0:
        return f"its edges are not the call's (correlation {it.structure:.2f}, {it.explained:.0%} explained)"
    return ""


def _some(colors: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    return colors[:: max(1, len(colors) // _N_SAMPLES)]


def _spread(colors: npt.NDArray[np.float32]) -> float:
    return float(np.sqrt(colors.var(axis=0).mean()))


def _explained(aligned: Codes, evidence: Codes) -> tuple[float, float]:
    """Return the share of variance that is explained, and the standard deviation."""
    if not len(evidence):
        return 0.0, 0.0
    seen = evidence.astype(np.float32)
    spread = _spread(seen)
    error = float(np.square(seen - aligned).mean())
    return 1.0 - error / max(spread**2, 1e-3), spread


def _slopes(picture: Codes) -> Floats:
    """Return (2, height, width) slopes of the smoothed grey picture, in codes a pixel."""
    sigma = max(1.0, _SMOOTHING * max(picture.shape))
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32), (0, 0), sigma)
    return np.stack([cv2.Sobel(grey, cv2.CV_32F, 1 - y, y, ksize=1, scale=0.5) for y in (0, 1)])


def _structure(aligned: Floats, evidence: Floats, fits: Mask) -> float:
    """Return the correlation of slopes where most pixels fit."""
    reach = 2 * math.ceil(2 * max(1.0, _SMOOTHING * max(fits.shape))) + 1
    inner = cv2.blur(fits.astype(np.float32), (reach, reach)) > _MOST
    one, other = aligned[:, inner].ravel(), evidence[:, inner].ravel()
    noise = _SLOPE_NOISE * one.size + 1e-6
    return float(one @ other) / math.sqrt((float(one @ one) + noise) * (float(other @ other) + noise))
