"""How much of the room a reconstruction found, how much of what it claims is true, and how good it looks.

Two families of figures. The first is about leaks and needs to know what leaked: the backdrop and, for each
pixel, the largest leak alpha w that it ever had (`weights`). The best frame then showed the *reference*, (1 - w)
backdrop + w room, rounded to codes; differences are CIEDE2000.

.. list-table::
   * - recall
     - Leak-weighted share of the leakable pixels that are claimed and within 4 of the reference or of the room
       (an unmixed half-transparent leak is a find too).
   * - precision
     - Share of the claimed pixels within 10 of the room or, where w >= 0.25, within 4 of the reference.
   * - coverage
     - Share of all pixels that are claimed.
   * - vader
     - The metric of [1]_: leak-weighted share of the leakable pixels within 4 of the reference, claimed or not.

The second compares the claimed pixels with the room as scene background modelling does [2]_, on luma, 0.299 R +
0.587 G + 0.114 B, not rounded:

.. list-table::
   * - AGE
     - Mean absolute difference over the claimed pixels, each rounded to a whole code as in [3]_.
   * - pEPs
     - Share of the claimed pixels that differ by more than 20 codes (error pixels).
   * - pCEPs
     - Share of the claimed pixels that are error pixels and whose four neighbours are too. A neighbour that is
       not claimed is no error pixel; one outside of the picture does not matter, as in [3]_.
   * - MS-SSIM
     - Structure, see `pipelines.reconstruction.similarity`.
   * - PSNR
     - 10 log10(255**2 / mean squared difference) over the claimed pixels, in dB; infinite where all are equal.

References
----------
.. [1] F. Weissberg et al., Seeing Through: Analyzing and Attacking Virtual Backgrounds in Video Calls, 2025
   (vader): recall over leaked pixels at a CIEDE2000 threshold.
.. [2] P.-M. Jodoin, L. Maddalena, A. Petrosino, Y. Wang, Extensive Benchmark and Survey of Modeling Methods for
   Scene Background Initialization, IEEE Transactions on Image Processing 26(11), 2017, section V (SBMnet).
.. [3] L. Maddalena, A. Petrosino, Towards Benchmarking Scene Background Initialization, ICIAP 2015 workshops,
   section 3, and the program that goes with it.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.color import delta_e_2000, lab_from_bgr
from pipelines.reconstruction.similarity import LEAST_PX, ms_ssim

SEEN_DELTA_E = 4.0
ROOM_DELTA_E = 10.0
LEAKED_ALPHA = 0.25
ERROR_CODES = 20

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one reconstruction; None where a figure cannot be had, with the reason in `notes`.

    Attributes
    ----------
    recall, precision, coverage, vader : float or None
        0 to 1.
    age : float or None
        Luma codes, 0 to 255.
    peps, pceps : float or None
        0 to 1.
    ms_ssim : float or None
        0 to 1.
    psnr_db : float or None
        Decibels; may be infinite.
    notes : tuple of str
        One line for each reason why figures are missing.
    """

    recall: float | None
    precision: float | None
    coverage: float
    vader: float | None
    age: float | None
    peps: float | None
    pceps: float | None
    ms_ssim: float | None
    psnr_db: float | None
    notes: tuple[str, ...] = ()


def score(
    room: Image,
    truth: Image,
    backdrop: Image | None = None,
    weights: npt.NDArray[np.floating] | None = None,
) -> Score:
    """Compare a reconstruction with the room as it is.

    Parameters
    ----------
    room : ndarray
        (height, width, 4) uint8 BGRA: what was reconstructed; claimed where alpha is not 0.
    truth : ndarray
        (height, width, 3) uint8 BGR: the room.
    backdrop : ndarray, optional
        (height, width, 3) uint8 BGR: the virtual background.
    weights : ndarray, optional
        (height, width) float, 0 to 1: the largest leak alpha of each pixel.

    Returns
    -------
    Score
        The figures.
    """
    claimed: Mask = room[..., 3] > 0
    notes: list[str] = []
    recall, precision, vader = _leak_figures(room[..., :3], truth, claimed, backdrop, weights, notes)
    found_luma, true_luma = _luma_1000(room), _luma_1000(truth)
    age, peps, pceps, psnr_db = _error_figures(found_luma, true_luma, claimed, notes)
    structure = ms_ssim(found_luma / 1000.0, true_luma / 1000.0, claimed)
    if structure is None and age is not None:
        notes.append(
            f"MS-SSIM needs {LEAST_PX}x{LEAST_PX} pixels, and claimed ones away from the border at every scale"
        )
    return Score(recall, precision, float(claimed.mean()), vader, age, peps, pceps, structure, psnr_db, tuple(notes))


def reference_of(truth: Image, backdrop: Image, weights: npt.NDArray[np.floating]) -> Image:
    """Return what the best frame showed of every pixel.

    Parameters
    ----------
    truth, backdrop : ndarray
        (height, width, 3) uint8 BGR.
    weights : ndarray
        (height, width) float, 0 to 1.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR: (1 - w) backdrop + w room, to the nearest code.
    """
    w = weights.astype(np.float32)[..., np.newaxis]
    mixed = (1 - w) * backdrop.astype(np.float32) + w * truth.astype(np.float32)
    codes: Image = np.clip(mixed, 0, 255).round().astype(np.uint8)
    return codes


def _leak_figures(
    found: Image,
    truth: Image,
    claimed: Mask,
    backdrop: Image | None,
    weights: npt.NDArray[np.floating] | None,
    notes: list[str],
) -> tuple[float | None, float | None, float | None]:
    """Return recall, precision and vader's metric."""
    if backdrop is None or weights is None:
        missing = [name for name, it in (("backdrop", backdrop), ("weights (w.npy)", weights)) if it is None]
        notes.append(f"recall, precision and vader's metric need the {' and the '.join(missing)}")
        return None, None, None
    lab = lab_from_bgr(found)
    of_reference = delta_e_2000(lab, lab_from_bgr(reference_of(truth, backdrop, weights)))
    of_room = delta_e_2000(lab, lab_from_bgr(truth))
    is_seen = of_reference < SEEN_DELTA_E
    is_right = (of_room < ROOM_DELTA_E) | (is_seen & (weights >= LEAKED_ALPHA))
    precision = float(is_right[claimed].mean()) if claimed.any() else 0.0
    total = weights.sum()
    if total == 0:
        notes.append("recall and vader's metric are not defined where nothing leaked (all weights are 0)")
        return None, precision, None
    is_found = (is_seen | (of_room < SEEN_DELTA_E)) & claimed
    return float((weights * is_found).sum() / total), precision, float((weights * is_seen).sum() / total)


def _error_figures(
    found: npt.NDArray[np.int64], truth: npt.NDArray[np.int64], claimed: Mask, notes: list[str]
) -> tuple[float | None, float | None, float | None, float | None]:
    """Return AGE, pEPs, pCEPs and PSNR."""
    if not claimed.any():
        notes.append("AGE, pEPs, pCEPs, MS-SSIM and PSNR judge claimed pixels, and none is claimed")
        return None, None, None, None
    difference = np.abs(found - truth)
    codes = (difference + 500) // 1000
    is_error = (codes > ERROR_CODES) & claimed
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    is_clustered = cv2.erode(is_error.astype(np.uint8), cross)
    n_claimed = int(claimed.sum())
    mse = float((difference[claimed] ** 2).mean()) / 1e6
    psnr_db = 10.0 * math.log10(255.0**2 / mse) if mse > 0.0 else math.inf
    return (
        float(codes[claimed].mean()),
        float(is_error.sum() / n_claimed),
        float(is_clustered.sum() / n_claimed),
        psnr_db,
    )


def _luma_1000(image: Image) -> npt.NDArray[np.int64]:
    """Return luma in thousandths: whole numbers, so that rounding a half is the same everywhere."""
    blue, green, red = (image[..., channel].astype(np.int64) for channel in range(3))
    return 299 * red + 587 * green + 114 * blue
