"""How good a copy of a picture is: five figures for a frame that a camera recorded, against the same frame undisturbed.

.. list-table::
   * - PSNR
     - 10 log10(255**2 / mean squared difference) over all three channels, in dB; equal pictures count as 99.
   * - SSIM
     - Structure [2]_: the mean over B, G and R. `ssim_luma` is that of luma alone, as published; chroma, which is what
       is modulated most, hardly changes it.
   * - colour
     - CIEDE2000: its mean, and the share of pixels over 6, which nobody takes for the same colour.
   * - histogram
     - Pearson's correlation of the two histograms, 64 bins, mean over the channels: 1 for equal ones.

The paper [1]_ tells PSNR (below 18 dB) and SSIM (.41 to .51) of its recordings. Its other measures could not be had in
full text, so that the mean colour difference, the share of wrong colours and the histogram are this project's choice.
CIEDE2000 is taken on some 20 000 pixels evenly spread over the picture.

References
----------
.. [1] L. Zhang, C. Bo, J. Hou, X.-Y. Li, Y. Wang, K. Liu, Y. Liu, Kaleido: You Can Watch It But Cannot Record It,
   MobiCom 2015.
.. [2] Z. Wang et al., Image quality assessment: from error visibility to structural similarity, IEEE Transactions
   on Image Processing 13(4), 2004; see `pipelines.reconstruction.similarity`.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace

import cv2
import numpy as np

from pipelines.base import Image
from pipelines.color import Floats, delta_e_2000, lab_from_bgr
from pipelines.reconstruction.similarity import Plane32, ssim

EQUAL_DB = 99.0
"""The PSNR of equal pictures, which is infinite: a mean over frames needs a number."""
WRONG_DELTA_E = 6.0
BINS = 64
_COLOR_SAMPLES = 20_000


@dataclass(frozen=True, slots=True)
class CopyScore:
    """How good a copy is.

    Attributes
    ----------
    psnr_db : float
        Over all channels, up to 99.
    ssim, ssim_luma : float
        Up to 1: mean over the channels, and of luma alone.
    delta_e : float
        Mean CIEDE2000.
    wrong_share : float
        Share of pixels over CIEDE2000 6, 0 to 1.
    histogram : float
        Correlation of the histograms, up to 1.
    """

    psnr_db: float
    ssim: float
    ssim_luma: float
    delta_e: float
    wrong_share: float
    histogram: float


def score_copy(found: Image, truth: Image) -> CopyScore:
    """Score a recorded frame.

    Parameters
    ----------
    found, truth : ndarray
        (height, width, 3) uint8 BGR of one size, at least 11 by 11.

    Returns
    -------
    CopyScore
        The figures.

    Raises
    ------
    ValueError
        If the pictures are smaller.
    """
    *channels, luma = (_ssim(*pair) for pair in zip(_planes(found), _planes(truth), strict=True))
    difference = color_difference(found, truth)
    return CopyScore(
        psnr_db=psnr_db(found, truth),
        ssim=math.fsum(channels) / 3,
        ssim_luma=luma,
        delta_e=float(difference.mean()),
        wrong_share=float((difference > WRONG_DELTA_E).mean()),
        histogram=_histogram_correlation(found, truth),
    )


def mean_score(scores: Sequence[CopyScore]) -> CopyScore:
    """Return the score of a recording from those of its frames.

    Parameters
    ----------
    scores : sequence of CopyScore
        At least one.

    Returns
    -------
    CopyScore
        Means; PSNR is that of the mean squared difference over all frames.
    """
    means = np.array([astuple(one) for one in scores]).mean(axis=0)
    mean = CopyScore(**{field.name: float(figure) for field, figure in zip(fields(CopyScore), means, strict=True)})
    # Decibels are a logarithm: their own mean would let one exact frame hide many bad ones.
    errors = [10.0 ** (-one.psnr_db / 10.0) for one in scores]
    return replace(mean, psnr_db=-10.0 * math.log10(math.fsum(errors) / len(errors)))


def psnr_db(found: Image, truth: Image) -> float:
    """Return the peak signal-to-noise ratio over all channels.

    Parameters
    ----------
    found, truth : ndarray
        uint8 of one shape.

    Returns
    -------
    float
        Decibels, at most 99.
    """
    mse = float(np.mean((found.astype(np.float32) - truth) ** 2, dtype=np.float64))
    return min(EQUAL_DB, 10.0 * math.log10(255.0**2 / mse)) if mse > 0.0 else EQUAL_DB


def color_difference(found: Image, truth: Image) -> Floats:
    """Return CIEDE2000 at pixels evenly spread over the picture.

    Parameters
    ----------
    found, truth : ndarray
        (height, width, 3) uint8 BGR of one size.

    Returns
    -------
    ndarray
        (n, m) of some 20 000 pixels, or all of a small picture.
    """
    height, width = truth.shape[:2]
    step = math.ceil(math.sqrt(height * width / _COLOR_SAMPLES))
    some = (slice(step // 2, None, step), slice(step // 2, None, step))
    return delta_e_2000(lab_from_bgr(found[some]), lab_from_bgr(truth[some]))


def _planes(image: Image) -> list[Plane32]:
    """Return B, G, R and luma."""
    blue, green, red = (image[..., c].astype(np.float32) for c in range(3))
    return [blue, green, red, np.float32(0.114) * blue + np.float32(0.587) * green + np.float32(0.299) * red]


def _ssim(found: Plane32, truth: Plane32) -> float:
    value = ssim(found, truth)
    if value is None:
        height, width = truth.shape
        raise ValueError(f"SSIM of a picture of {width}x{height}: wanted at least 11x11")
    return value


def _histogram_correlation(found: Image, truth: Image) -> float:
    correlations = []
    for channel in range(3):
        pair = [cv2.calcHist([image], [channel], None, [BINS], [0, 256]) for image in (found, truth)]
        correlations.append(cv2.compareHist(pair[0], pair[1], cv2.HISTCMP_CORREL))
    return math.fsum(correlations) / 3
