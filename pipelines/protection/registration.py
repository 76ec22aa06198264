"""Which picture of a webcam another client's picture shows, and where in it: delay, mirror, scale, crop and colours.

All that both are sure to have in common is the person. So:

1. **Delay**: how much the person moves, from frame to frame, is the same curve in both, one later than the other. The
   lag at which the two curves correlate best is the first guess; it needs to know nothing of where the person is.
2. **Place**: the person as the camera saw them, cut out, is found in the client's picture as a backdrop's picture is
   found in a call (`pipelines.reconstruction.alignment`), with the mapping of colours.
3. **Delay again**: with the place known, frames are compared as pictures, and the lag with the smallest difference on
   the person is taken, to a frame. Later frames are each matched so, which follows a delay that wanders.

Limits: a picture that is turned or bent, and a person who does not move at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.reconstruction.alignment import Alignment, align_backdrop

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

LEAST_LAG_S, MOST_LAG_S = -1.0, 4.0
"""Lags that are tried. Calls add a tenth of a second to one; two recordings may begin apart."""

LEAST_OVERLAP_S = 2.0
"""Less of both curves side by side correlates by chance."""

CURVE_HZ = 30.0
STEADY_S = 1.0
"""What changes more slowly than this in the curves of motion is left out."""

GLANCE_LINES = 90
"""Pictures are matched at this height: what a person does in a frame shows, what a codec does hardly."""

INSIDE_PX = 7
"""The person is cut out this much inside of their edge, where the two pictures may show different things, at 360
lines."""

N_TRIES = 3
NEAR_S = 0.5
"""How far from the first guess the lag is looked for in pictures."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame of either stream, made small.

    Attributes
    ----------
    image : ndarray
        (height, width, 3) uint8 BGR.
    is_person : ndarray
        (height, width) bool.
    glance : ndarray
        (`GLANCE_LINES`, any) uint8: the picture in grey.
    pts_s : float
        Its time on a clock that both streams share.
    """

    image: Image
    is_person: Mask
    glance: Image
    pts_s: float


@dataclass(frozen=True, slots=True)
class Registration:
    """How the client's picture shows the camera's.

    Attributes
    ----------
    lag_s : float
        The client's picture is so much later.
    camera_to_output : ndarray
        (2, 3) float64: from (x, y, 1) of a pixel in the camera's picture to that in the client's.
    tint : ndarray
        (3, 4) float64: from camera's (B, G, R, 1) to the client's colours.
    message : str
        One line for the person.
    """

    lag_s: float
    camera_to_output: Floats
    tint: Floats
    message: str

    def undone(self, output: Image, height: int, width: int) -> tuple[Image, Mask]:
        """Return a picture of the client's as the camera would have seen it.

        Parameters
        ----------
        output : ndarray
            (any, any, 3) uint8 BGR, of the size that was registered.
        height, width : int
            Size of the camera's picture.

        Returns
        -------
        picture : ndarray
            (height, width, 3) uint8 BGR.
        is_covered : ndarray
            (height, width) bool: what of the camera's picture the client shows at all; black elsewhere.
        """
        way = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        back = np.linalg.inv(self.tint[:, :3])
        picture = cv2.warpAffine(output, self.camera_to_output, (width, height), flags=way)
        colors = cv2.transform(picture, np.hstack([back, -back @ self.tint[:, 3:]]))
        inside = np.full(output.shape[:2], 255, np.uint8)
        is_covered = cv2.warpAffine(inside, self.camera_to_output, (width, height), flags=way) == 255
        return np.where(is_covered[..., np.newaxis], np.asarray(colors, np.uint8), np.uint8(0)), is_covered


def moment(image: Image, is_person: Mask, pts_s: float) -> Moment:
    """Make a moment of a frame.

    Parameters
    ----------
    image : ndarray
        (height, width, 3) uint8 BGR, kept as it is.
    is_person : ndarray
        (height, width) bool.
    pts_s : float
        Its time.

    Returns
    -------
    Moment
        With its glance.
    """
    return Moment(image, is_person, glance(image), pts_s)


def glance(image: Image) -> Image:
    """Return a picture small and grey.

    Parameters
    ----------
    image : ndarray
        (height, width, 3) uint8 BGR.

    Returns
    -------
    ndarray
        (`GLANCE_LINES`, any) uint8.
    """
    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, _glance_size(height, width), interpolation=cv2.INTER_AREA), np.uint8)


def register(cameras: Sequence[Moment], outputs: Sequence[Moment]) -> Registration | str:
    """Find how a client's picture shows a camera's.

    Parameters
    ----------
    cameras, outputs : sequence of Moment
        Several seconds of each, in order.

    Returns
    -------
    Registration or str
        Or the reason why there is none, in one line.
    """
    lag_s = motion_lag(cameras, outputs)
    reason = "the person is hardly to be seen in one of the two"
    for output in _best_seen(outputs):
        camera = _nearest(cameras, output.pts_s - lag_s)
        alignment = _placed(camera, output)
        if alignment is None:
            continue
        reason = alignment.message.replace("backdrop picture", "camera's picture")
        if not alignment.is_good:
            continue
        lag_s = _picture_lag(_registration(alignment, camera, lag_s), cameras, outputs)
        again = _placed(_nearest(cameras, output.pts_s - lag_s), output)
        return _registration(again if again is not None and again.is_good else alignment, camera, lag_s)
    return reason


def motion_lag(cameras: Sequence[Moment], outputs: Sequence[Moment]) -> float:
    """Return by how much the second stream's motion follows the first's.

    Parameters
    ----------
    cameras, outputs : sequence of Moment
        Several seconds of each, in order.

    Returns
    -------
    float
        Seconds, to the nearest 1 / `CURVE_HZ`; 0 where neither moves, or both are too short to tell.
    """
    begin_s = max(cameras[0].pts_s, outputs[0].pts_s + LEAST_LAG_S)
    end_s = min(cameras[-1].pts_s, outputs[-1].pts_s)
    times = np.arange(begin_s, end_s, 1 / CURVE_HZ)
    if times.size < LEAST_OVERLAP_S * CURVE_HZ:
        return 0.0
    moves_of_camera, moves_of_output = _moves(cameras), _moves(outputs)
    of_camera = _curve(moves_of_camera, times)
    best, best_lag_s = 0.0, 0.0
    for lag_s in np.arange(LEAST_LAG_S, MOST_LAG_S, 1 / CURVE_HZ):
        is_there = (times + lag_s >= outputs[0].pts_s) & (times + lag_s <= outputs[-1].pts_s)
        if is_there.sum() < LEAST_OVERLAP_S * CURVE_HZ:
            continue
        fit = _correlation(of_camera[is_there], _curve(moves_of_output, times[is_there] + lag_s))
        if fit > best:
            best, best_lag_s = fit, float(lag_s)
    return best_lag_s


def best_match(shown: Image, cameras: Sequence[Moment]) -> tuple[Moment, float]:
    """Return the camera's frame whose person a client's picture shows.

    Parameters
    ----------
    shown : ndarray
        (`GLANCE_LINES`, any) uint8: a glance at the client's picture as the camera would have seen it.
    cameras : sequence of Moment
        One at least.

    Returns
    -------
    camera : Moment
        With the smallest difference where its person is.
    difference : float
        That difference, mean of the codes.
    """
    off = [_person_difference(shown, camera) for camera in cameras]
    return cameras[int(np.argmin(off))], min(off)


def _registration(alignment: Alignment, camera: Moment, lag_s: float) -> Registration:
    place, width = alignment.placement, camera.image.shape[1]
    # Placements count from the outer edge of the first pixel, and mirror first; arrays count from its centre.
    along = -place.scale_x if place.mirrored else place.scale_x
    start = place.offset_x + (place.scale_x * width if place.mirrored else 0.0)
    matrix = np.array(
        [[along, 0.0, start + along / 2 - 0.5], [0.0, place.scale_y, place.offset_y + place.scale_y / 2 - 0.5]]
    )
    mirrored = "mirrored, " if place.mirrored else ""
    message = f"{mirrored}scaled by {place.scale_x:.2f}, {1e3 * lag_s:.0f} ms later than the camera"
    return Registration(lag_s, matrix, np.asarray(alignment.tint, np.float64), message)


def _placed(camera: Moment, output: Moment) -> Alignment | None:
    """Find the camera's person in the client's picture; None where there is too little of one."""
    cut_out, trusted = _inside(camera.is_person), _inside(output.is_person)
    if not (cut_out.any() and trusted.any()):
        return None
    alpha = np.where(cut_out, np.uint8(255), np.uint8(0))
    return align_backdrop(np.dstack([camera.image, alpha]), output.image, trusted)


def _inside(is_person: Mask) -> Mask:
    size = max(3, 2 * round(INSIDE_PX * is_person.shape[0] / 360) + 1)
    return np.asarray(cv2.erode(is_person.astype(np.uint8), np.ones((size, size), np.uint8)), bool)


def _best_seen(outputs: Sequence[Moment]) -> list[Moment]:
    """Return the frames with most of a person, one of each part of the time."""
    parts = np.array_split(np.arange(len(outputs)), N_TRIES)
    best = [max((outputs[i] for i in part), key=lambda each: each.is_person.sum()) for part in parts if part.size]
    return sorted(best, key=lambda each: -int(each.is_person.sum()))


def _nearest(moments: Sequence[Moment], pts_s: float) -> Moment:
    return min(moments, key=lambda each: abs(each.pts_s - pts_s))


def _picture_lag(first: Registration, cameras: Sequence[Moment], outputs: Sequence[Moment]) -> float:
    """Return the lag at which frames differ least on the person, each output taken at its best frame's."""
    height, width = cameras[0].image.shape[:2]
    lags_s = []
    for output in outputs[:: max(1, len(outputs) // 24)]:
        near = [each for each in cameras if abs(each.pts_s - (output.pts_s - first.lag_s)) <= NEAR_S]
        if near:
            shown, _ = first.undone(output.image, height, width)
            lags_s.append(output.pts_s - best_match(glance(shown), near)[0].pts_s)
    return float(np.median(lags_s)) if lags_s else first.lag_s


def _moves(moments: Sequence[Moment]) -> tuple[Floats, Floats]:
    """Return times, and how much the person moved just before each, on no particular scale."""
    moved = [_person_motion(before, now) for before, now in pairwise(moments)]
    return np.array([each.pts_s for each in moments[1:]]), np.log1p(moved)


def _curve(moves: tuple[Floats, Floats], times: Floats) -> Floats:
    """Return the moves at some times, evenly apart, without slow changes."""
    curve = np.interp(times, *moves)
    return np.asarray(curve - _running_mean(curve, round(STEADY_S * CURVE_HZ)), np.float64)


def _running_mean(values: Floats, n: int) -> Floats:
    weights = np.convolve(np.ones_like(values), np.ones(n), "same")
    return np.asarray(np.convolve(values, np.ones(n), "same") / weights, np.float64)


def _person_motion(before: Moment, now: Moment) -> float:
    height, width = now.glance.shape
    where = cv2.resize(now.is_person.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    mean = cv2.mean(cv2.absdiff(before.glance, now.glance), where)[0]
    return float(mean / max(1e-3, now.pts_s - before.pts_s))


def _person_difference(shown: Image, camera: Moment) -> float:
    height, width = camera.glance.shape
    where = cv2.resize(camera.is_person.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return float(cv2.mean(cv2.absdiff(shown, camera.glance), where)[0])


def _correlation(one: Floats, other: Floats) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / scale if scale else 0.0


def _glance_size(height: int, width: int) -> tuple[int, int]:
    return max(1, round(width * GLANCE_LINES / height)), GLANCE_LINES
