"""A backdrop that is known as a picture, brought to where and how the call shows it.

Who audits their own call has the picture that they gave to the client. The client mirrors, scales and cuts it, the
codec shifts its colours. What the call itself shows of its backdrop, beside the person, says how: places are
guessed (`starts`), refined from coarse to fine (`refinement`), the colours are mapped (`tint`), and the result is
judged (`agreement`). Behind the person, where the call never shows its backdrop, the picture is then known too.

A poor alignment is never for use: `is_good` is False, `message` says why, and the caller goes on as without a
picture. What cannot be found: a picture that is turned, bent or replaced in parts, an animated one, a blurred
copy beyond a few pixels, a cut of less than about a third of its width and height, or anything where more than 45 % of
the trusted pixels are wrong (a quarter was measured to do no harm).
It takes a fraction of a second at 720p, and is meant to be called a few times a session, not for each frame.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.base import Image
from pipelines.reconstruction.agreement import Agreement, judge, measure
from pipelines.reconstruction.placement import OPAQUE, Codes, Floats, Mask, Placement, draw, prepare, resized
from pipelines.reconstruction.refinement import refine
from pipelines.reconstruction.starts import apart, by_correlation, by_features, usual
from pipelines.reconstruction.tint import Tint, fit_tint, tinted

LEVELS = ((96, 16, 48.0, 5), (240, 12, 16.0, 2), (640, 10, 8.0, 1))
"""Longest side of the frame in pixels, steps of refinement, codes of misfit that are forgiven in the first step, and
how many of the best places go on."""

SOFTNESSES_PX = (0.0, 0.5, 0.8, 1.2, 1.8, 3.0)
"""Standard deviations of Gaussian blurs that are tried: clients and codecs scale softer than we do."""

N_CORRELATED = 16
_NEAR_SHARE = 0.02
_SPARE_SCALE = 4.0
_LEAST_SHARE_TRUSTED = 0.75
_N_SAMPLES = 40_000
_CUT_CODES = 30.0


@dataclass(frozen=True, slots=True)
class Alignment:
    """A backdrop in the call's coordinates, and how far it is to be trusted.

    Attributes
    ----------
    picture : ndarray
        (height, width, 3) uint8 BGR: the backdrop as the call would show it without a person.
    is_valid : ndarray
        (height, width) bool: the pixels that the backdrop's opaque part covers; elsewhere `picture` means nothing.
    placement : Placement
        Where it lies: mirrored, scale, offset.
    tint : ndarray
        (3, 4) float64: how its colours were mapped.
    softness_px : float
        Standard deviation of the blur that was applied, in pixels of the call.
    agreement : Agreement
        Figures of quality: residuals, shares, contrast.
    is_good : bool
        Whether it may be used.
    message : str
        One line: what was found or, if it is poor, why, and the remedy.
    """

    picture: Image
    is_valid: Mask
    placement: Placement
    tint: Tint
    softness_px: float
    agreement: Agreement
    is_good: bool
    message: str

    def report(self) -> dict[str, object]:
        """Return what `report.json` may hold of it.

        Returns
        -------
        dict
            JSON values only.
        """
        place, it = self.placement, self.agreement
        return {
            "good": self.is_good,
            "message": self.message,
            "mirrored": place.mirrored,
            "scale": {"y": round(place.scale_y, 5), "x": round(place.scale_x, 5)},
            "offset_px": {"y": round(place.offset_y, 2), "x": round(place.offset_x, 2)},
            "residual_mean_codes": _finite(it.residual_mean),
            "residual_p90_codes": _finite(it.residual_p90),
            "fitting_share": round(it.fitting, 4),
            "fitting_mean_codes": _finite(it.fitting_mean),
            "covered_share": round(float(self.is_valid.mean()), 4),
        }


def align_backdrop(image: Image, evidence: Image, trusted: Mask) -> Alignment:
    """Find how a call shows a backdrop picture.

    Parameters
    ----------
    image : ndarray
        (any, any, 3) uint8 BGR or (any, any, 4) BGRA: the backdrop; what is not fully opaque counts as unknown.
    evidence : ndarray
        (height, width, 3) uint8 BGR: what the call shows of its backdrop, for example each pixel's most frequent
        colour.
    trusted : ndarray
        (height, width) bool: where that is probably right, such as pixels that were stable; a quarter of them may
        be wrong.

    Returns
    -------
    Alignment
        Poor, not an error, where none was found.
    """
    frame = (evidence.shape[0], evidence.shape[1])
    colors = np.ascontiguousarray(image[..., :3])
    opaque = np.full(image.shape[:2], OPAQUE, np.uint8) if image.shape[2] == 3 else np.ascontiguousarray(image[..., 3])
    placement = _find(_grey(colors), opaque, _grey(evidence), trusted)
    drawn, is_covered = draw(prepare(colors, opaque, placement), placement, *frame)
    softness_px, tint, drawn = _match_colors(drawn, evidence, trusted & is_covered)
    picture = tinted(drawn, tint)
    agreement = measure(drawn, picture, is_covered, evidence, trusted)
    against = judge(agreement, int(trusted.sum()))
    message = _poor(against) if against else _good(placement, agreement)
    return Alignment(picture, is_covered, placement, tint, softness_px, agreement, not against, message)


def _find(picture: Codes, opaque: Codes, evidence: Codes, trusted: Mask) -> Placement:
    """Return the place that fits best."""
    height, width = evidence.shape
    size = (picture.shape[0], picture.shape[1])
    places = usual(size, (height, width))
    if trusted.any():
        near, known = _at_most(_SPARE_SCALE * max(height / size[0], width / size[1]), picture, opaque)
        by = (near.shape[0] / size[0], near.shape[1] / size[1])
        found = by_features(near, known, evidence, trusted)
        found += by_correlation(near, known, evidence, trusted, N_CORRELATED)
        places += [place.of_picture_scaled(1 / by[0], 1 / by[1]) for place in found]
    for longest_px, n_steps, widest, n_kept in LEVELS:
        places = _refined(picture, opaque, evidence, trusted, places, longest_px, n_steps, widest)
        places = apart(places, (height, width), _NEAR_SHARE * max(height, width), n_kept)
    return places[0]


def _refined(
    picture: Codes,
    opaque: Codes,
    evidence: Codes,
    trusted: Mask,
    places: list[Placement],
    longest_px: int,
    n_steps: int,
    widest: float,
) -> list[Placement]:
    """Refine every place in a frame that is scaled down; the best first."""
    height, width = evidence.shape
    by = min(1.0, longest_px / max(height, width))
    rows, columns = max(2, round(by * height)), max(2, round(by * width))
    share = resized(trusted.astype(np.float32), rows, columns)
    sums = resized(np.where(trusted, evidence, 0).astype(np.float32), rows, columns)
    small = (sums / np.maximum(share, np.float32(1e-6))).astype(np.float32, copy=False)
    cover = max(rows / picture.shape[0], columns / picture.shape[1])
    near, known = _at_most(_SPARE_SCALE * cover, picture, opaque)
    of_frame = (rows / height, columns / width)
    of_picture = (near.shape[0] / picture.shape[0], near.shape[1] / picture.shape[1])
    fits = [
        refine(
            near,
            known,
            small,
            share > _LEAST_SHARE_TRUSTED,
            place.in_frame_scaled(*of_frame).of_picture_scaled(*of_picture),
            n_steps,
            widest,
        )
        for place in places
    ]
    fits.sort(key=lambda fit: fit.cost)
    return [
        fit.placement.of_picture_scaled(1 / of_picture[0], 1 / of_picture[1]).in_frame_scaled(
            1 / of_frame[0], 1 / of_frame[1]
        )
        for fit in fits
    ]


def _at_most(scale: float, picture: Codes, opaque: Codes) -> tuple[Codes, Codes]:
    """Scale a large picture down to `scale`, so that each place is drawn from a small one."""
    if scale >= 1:
        return picture, opaque
    rows, columns = (max(2, round(scale * n)) for n in picture.shape)
    small, known = (resized(a, rows, columns).astype(np.uint8) for a in (picture, opaque))
    return small, known


def _match_colors(drawn: Floats, evidence: Image, use: Mask) -> tuple[float, Tint, Floats]:
    """Return the blur and the mapping of colours that fit best, and the backdrop so blurred."""
    index = np.flatnonzero(use)
    if not index.size:
        return 0.0, np.eye(3, 4), drawn
    index = index[:: max(1, index.size // _N_SAMPLES)]
    seen = evidence.reshape(-1, 3)[index].astype(np.float32)
    tint = fit_tint(drawn.reshape(-1, 3)[index], seen)
    best = (np.inf, 0.0, drawn)
    for softness_px in SOFTNESSES_PX:
        soft = _blurred(drawn, softness_px)
        there = soft.reshape(-1, 3)[index] @ tint[:, :3].T + tint[:, 3]
        misfit = float(np.minimum(np.abs(there - seen), _CUT_CODES).mean())
        if misfit < best[0]:
            best = (misfit, softness_px, soft)
    _, softness_px, drawn = best
    return softness_px, fit_tint(drawn.reshape(-1, 3)[index], seen), drawn


def _blurred(drawn: Floats, softness_px: float) -> Floats:
    if softness_px == 0:
        return drawn
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), softness_px), np.float32)


def _good(placement: Placement, agreement: Agreement) -> str:
    mirrored = "mirrored, " if placement.mirrored else ""
    return (
        f"backdrop aligned: {mirrored}scale {placement.scale_x:.3f}x{placement.scale_y:.3f}, "
        f"{agreement.fitting_mean:.1f} codes off on {agreement.fitting:.0%} of the trusted pixels"
    )


def _poor(against: str) -> str:
    return (
        f"the backdrop picture is not used: {against}; check that it is the call's own and that nothing but the call "
        "is in the frame, or leave the picture out"
    )


def _grey(colors: Image) -> Codes:
    return np.asarray(cv2.cvtColor(colors, cv2.COLOR_BGR2GRAY), np.uint8)


def _finite(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None
