"""Guesses of where a picture lies in a frame, near enough to be refined.

Three kinds, because each fails where another does not. *Usual* ones are what clients do: the picture covers the
frame, fits into it or is stretched to it, from the middle; they are right most of the time, and for a plain
colour it does not matter. *Features* [1]_ find any crop of a picture with detail, from a few matches that agree on
a scale and shift. *Correlation* with masks [2]_ tries every shift at every scale on tiny pictures, for soft
pictures without any detail that a feature could hold on to.

References
----------
.. [1] D. G. Lowe, Distinctive image features from scale-invariant keypoints, International Journal of Computer
   Vision 60(2), 2004; section 7.1 (the ratio of the nearest and second nearest neighbour).
.. [2] D. Padfield, Masked object registration in the Fourier domain, IEEE Transactions on Image Processing 21(5),
   2012: normalised correlation of what both masks show, for all shifts at once.
.. [3] M. A. Fischler, R. C. Bolles, Random sample consensus, Communications of the ACM 24(6), 1981.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.reconstruction.placement import OPAQUE, Codes, Floats, Mask, Placement, resized

MIRRORED = (False, True)

FEATURES_PX = 720
"""Longest side of pictures in which features are looked for."""
N_FEATURES = 1500
LEAST_CONTRAST = 0.01
"""A quarter of the usual: skies and walls have features too, only faint ones."""
_RATIO = 0.8
_TURN_DEGREES = 20.0
_N_PAIRS = 600
_ROUGH_SHARE = 0.015
_FINE_SHARE = 0.005
_ASPECTS = (0.8, 1.25)
FEWEST_AGREEING = 6

CORRELATION_PX = 64
"""Longest side of the frame in which every shift is tried."""
_ZOOMS = np.geomspace(0.6, 3.6, 32)
_LEAST_OVERLAP = 0.5
_MOST_OF_FRAME = 40
_NOISE_CODES = 3.0
_APART_PX = 4
_ORDINARY_LOG_GAIN = 0.1
_COST_OF_LOG_GAIN = 0.5
_ORDINARY_SHIFT = 10.0
_COST_OF_SHIFT = 0.01

_Points = npt.NDArray[np.float64]


def usual(picture: tuple[int, int], frame: tuple[int, int]) -> list[Placement]:
    """List what clients do most.

    Parameters
    ----------
    picture, frame : tuple of int
        Height and width of each.

    Returns
    -------
    list of Placement
        Covering, fitting in and stretched, from the middle, each straight and mirrored.
    """
    by_y, by_x = frame[0] / picture[0], frame[1] / picture[1]
    scales = dict.fromkeys([(max(by_y, by_x),) * 2, (min(by_y, by_x),) * 2, (by_y, by_x)])
    return [
        Placement(m, y, x, (frame[0] - y * picture[0]) / 2, (frame[1] - x * picture[1]) / 2)
        for y, x in scales
        for m in MIRRORED
    ]


def by_features(picture: Codes, opaque: Codes, evidence: Codes, trusted: Mask) -> list[Placement]:
    """Find places by matching features.

    Parameters
    ----------
    picture : ndarray
        (any, any) uint8, grey.
    opaque : ndarray
        Of the same size, uint8, 255 where the picture is known.
    evidence : ndarray
        (height, width) uint8, grey.
    trusted : ndarray
        (height, width) bool.

    Returns
    -------
    list of Placement
        At most one straight and one mirrored.
    """
    sift = cv2.SIFT.create(N_FEATURES, contrastThreshold=LEAST_CONTRAST)
    there, of_there = _features(sift, evidence, trusted)
    if of_there is None:
        return []
    places = []
    for mirrored in MIRRORED:
        turned, known = (a[:, ::-1] if mirrored else a for a in (picture, opaque))
        here, of_here = _features(sift, turned, known == OPAQUE)
        if of_here is None:
            continue
        matched = _matches(here, of_here, there, of_there)
        place = _agreed(*matched, max(evidence.shape), mirrored=mirrored)
        if place is not None:
            places.append(place)
    return places


def _features(sift: cv2.SIFT, picture: Codes, known: Mask) -> tuple[_Points, Floats | None]:
    """Return (n, 3) y, x, angle in degrees of features in positions of `picture`, and their descriptors."""
    by = min(1.0, FEATURES_PX / max(picture.shape))
    height, width = (max(1, round(by * n)) for n in picture.shape)
    small = resized(picture, height, width).astype(np.uint8)
    mask = cv2.resize(known.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    keys, descriptors = sift.detectAndCompute(small, mask)
    if descriptors is None or len(keys) < FEWEST_AGREEING:
        return np.empty((0, 3)), None
    scale_y, scale_x = picture.shape[0] / height, picture.shape[1] / width
    points = np.array([((k.pt[1] + 0.5) * scale_y, (k.pt[0] + 0.5) * scale_x, k.angle) for k in keys])
    return points, descriptors.astype(np.float32, copy=False)


def _matches(here: _Points, of_here: Floats, there: _Points, of_there: Floats) -> tuple[_Points, _Points]:
    """Return positions (n, 2) y, x in picture and frame of features that are alike and not turned."""
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(of_there, of_here, k=2)
    kept = [p[0] for p in pairs if len(p) == 2 and p[0].distance < _RATIO * p[1].distance]
    a, b = here[[m.trainIdx for m in kept]], there[[m.queryIdx for m in kept]]
    turn = np.abs((a[:, 2] - b[:, 2] + 180) % 360 - 180)
    return a[turn < _TURN_DEGREES, :2], b[turn < _TURN_DEGREES, :2]


def _agreed(here: _Points, there: _Points, frame_px: int, *, mirrored: bool) -> Placement | None:
    """Return the place on which most matches agree, by random pairs of matches [3]_."""
    if len(here) < FEWEST_AGREEING:
        return None
    rng = np.random.default_rng(len(here))  # the same pictures give the same place
    one, two = rng.integers(0, len(here), (2, _N_PAIRS))
    length = np.linalg.norm(here[one] - here[two], axis=1)
    scales = np.linalg.norm(there[one] - there[two], axis=1) / np.maximum(length, 1e-9)
    is_usable = (length > 0) & (scales > 0)
    if not is_usable.any():
        return None
    scales, one = scales[is_usable], one[is_usable]
    offsets = there[one] - scales[:, None] * here[one]
    misses = np.abs(scales[:, None, None] * here + offsets[:, None] - there).max(axis=2)
    agreeing = misses[(misses < _ROUGH_SHARE * frame_px).sum(axis=1).argmax()] < _ROUGH_SHARE * frame_px
    for _ in range(3):
        if agreeing.sum() < FEWEST_AGREEING:
            return None
        (scale_y, offset_y), (scale_x, offset_x) = (
            _line(here[agreeing, axis], there[agreeing, axis]) for axis in (0, 1)
        )
        misses = np.abs(here * (scale_y, scale_x) + (offset_y, offset_x) - there).max(axis=1)
        agreeing = misses < _FINE_SHARE * frame_px
    if min(scale_y, scale_x) <= 0 or not _ASPECTS[0] < scale_y / scale_x < _ASPECTS[1]:
        return None
    return Placement(mirrored, float(scale_y), float(scale_x), float(offset_y), float(offset_x))


def _line(here: _Points, there: _Points) -> tuple[float, float]:
    """Return slope and offset of the line through points; slope 0 where they lie in one place."""
    deviation = here - here.mean()
    slope = float(deviation @ there) / max(float(deviation @ deviation), 1e-9)
    return slope, float(there.mean() - slope * here.mean())


def by_correlation(picture: Codes, opaque: Codes, evidence: Codes, trusted: Mask, n_most: int) -> list[Placement]:
    """Find places by trying every shift at every scale on tiny pictures.

    Parameters
    ----------
    picture : ndarray
        (any, any) uint8, grey.
    opaque : ndarray
        Of the same size, uint8, 255 where the picture is known.
    evidence : ndarray
        (height, width) uint8, grey.
    trusted : ndarray
        (height, width) bool.
    n_most : int
        Most places to return.

    Returns
    -------
    list of Placement
        The best first, no two of them near each other.
    """
    by = min(1.0, CORRELATION_PX / max(evidence.shape))
    height, width = (max(2, round(by * n)) for n in evidence.shape)
    share = resized(trusted.astype(np.float32), height, width)
    small = resized(np.where(trusted, evidence, 0).astype(np.float32), height, width) / np.maximum(share, 1e-6)
    frame_mask = (share > 0.5).astype(np.float32)
    if not frame_mask.any():
        return []
    level = np.float32(small[frame_mask > 0].mean())
    frame = ((small - level) * frame_mask).astype(np.float32)
    cover = max(height / picture.shape[0], width / picture.shape[1])
    found: list[tuple[float, Placement]] = []
    for zoom in _ZOOMS:
        rows, columns = (max(2, round(zoom * cover * n)) for n in picture.shape)
        if rows * columns > _MOST_OF_FRAME * height * width:
            break  # a very long picture: its places are left to the features
        mask = (resized(opaque, rows, columns) > OPAQUE / 2).astype(np.float32)
        shrunk = (resized(picture, rows, columns) - level) * mask
        scale_y, scale_x = rows / picture.shape[0], columns / picture.shape[1]
        for mirrored in MIRRORED:
            a, m = (shrunk[:, ::-1], mask[:, ::-1]) if mirrored else (shrunk, mask)
            for value, y, x in _best_shifts(_correlate(frame, frame_mask, a, m), height, width):
                found.append((value, Placement(mirrored, scale_y, scale_x, float(y), float(x))))
    found.sort(key=lambda pair: -pair[0])
    kept = apart([place for _, place in found], (height, width), _APART_PX, n_most)
    return [place.in_frame_scaled(evidence.shape[0] / height, evidence.shape[1] / width) for place in kept]


def apart(places: list[Placement], frame: tuple[int, int], least_px: float, n_most: int) -> list[Placement]:
    """Leave out places that are near one that comes before.

    Parameters
    ----------
    places : list of Placement
        The best first.
    frame : tuple of int
        Its height and width.
    least_px : float
        Nearer than this is near, in pixels of the frame.
    n_most : int
        Most places to return.

    Returns
    -------
    list of Placement
        In the same order.
    """
    kept: list[Placement] = []
    for place in places:
        if len(kept) < n_most and all(place.distance_px(other, frame) > least_px for other in kept):
            kept.append(place)
    return kept


def _correlate(frame: Floats, frame_mask: Floats, picture: Floats, mask: Floats) -> Floats:
    """Return how well each shift fits; entry (y, x) is shift (y, x), negative ones wrapped.

    It is the normalised correlation, [2]_, less the more a shift needs an unlikely change of contrast or brightness,
    or the more it leaves out.
    """
    shape = tuple(cv2.getOptimalDFTSize(n + m) for n, m in zip(frame.shape, picture.shape, strict=True))
    f, ff, fm = (np.fft.rfft2(a, shape) for a in (frame, frame * frame, frame_mask))
    p, pp, pm = (np.conj(np.fft.rfft2(a, shape)) for a in (picture, picture * picture, mask))
    n, of_f, of_p, of_ff, of_pp, of_fp = (
        np.fft.irfft2(a, shape) for a in (fm * pm, f * pm, fm * p, ff * pm, fm * pp, f * p)
    )
    share = n / frame_mask.sum()
    is_enough = share > _LEAST_OVERLAP
    n = np.where(is_enough, n, 1)
    noise = _NOISE_CODES**2
    var_f, var_p = (np.maximum(sq / n - (s / n) ** 2, 0) + noise for s, sq in ((of_f, of_ff), (of_p, of_pp)))
    values = (of_fp / n - of_f * of_p / n**2) / np.sqrt(var_f * var_p)
    unlikely = np.maximum(np.abs(np.log(var_f / var_p)) / 2 - _ORDINARY_LOG_GAIN, 0)
    shift = np.maximum(np.abs(of_f - of_p) / n - _ORDINARY_SHIFT, 0)
    values = values * np.sqrt(np.maximum(share, 0)) - _COST_OF_LOG_GAIN * unlikely - _COST_OF_SHIFT * shift
    return np.where(is_enough, values, -1).astype(np.float32)


def _best_shifts(values: Floats, height: int, width: int) -> Iterator[tuple[float, int, int]]:
    """Yield the value, y and x of the best two shifts that lie apart, in a frame of that height and width."""
    rows, columns = values.shape
    for _ in range(2):
        y, x = divmod(int(values.argmax()), columns)
        best = float(values[y, x])
        if best <= 0:
            return
        yield best, y if y < height else y - rows, x if x < width else x - columns
        values[max(0, y - _APART_PX) : y + _APART_PX + 1, max(0, x - _APART_PX) : x + _APART_PX + 1] = -1
