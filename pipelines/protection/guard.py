"""From looks and plate to what may be shown: the guard that knows the room.

The plate says what the room looks like, never where the person is. In this order: every pixel by itself
(`kernels.judge_pixels`); room that goes on from where it surely begins through pixels that look like the plate, and
whatever it does not reach is the person's; a rim where the room behind is not known, for masks are wrong at their rims;
what the leak meter takes off; blobs too small to be a person.

Limits: room that the person encloses, in the crook of an arm, is shown where the looks do not surely take it for room
and it has no pattern by which it is known again (`kernels._is_the_room`).
"""

from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from config.schema import MaskSettings
from pipelines.base import Image
from pipelines.crew import bands, shared_crew
from pipelines.protection.kernels import NEAR_PX, PROBABILITIES, judge_pixels
from pipelines.protection.looks import Looks
from pipelines.protection.plate import Plate

LEAST_BLOB_SHARE, LEAST_BLOB_OF_LARGEST = 0.0017, 0.1
"""A blob that is smaller than this share of the picture, or of the largest blob, is no person."""

NEARBY = np.ones((2 * NEAR_PX + 1, 2 * NEAR_PX + 1), np.uint8)

REFERENCE_LINES = 360
"""Steps of tightening are pixels at this height."""

MaskCodes = npt.NDArray[np.uint8]
"""(height, width) uint8, 1 where the camera may be shown."""


class Guard:
    """Judges frames of one size.

    Parameters
    ----------
    plate : Plate
        The room; read.
    """

    def __init__(self, plate: Plate) -> None:
        height, width = plate.seen.shape
        self._plate = plate
        self._planes = np.zeros((3, height, width), np.uint8)
        self._crew = shared_crew()
        self._bands = bands(height, self._crew.n_threads)
        self._px = height / REFERENCE_LINES

    def mask(self, frame: Image, looks: Looks, settings: MaskSettings, tightened: int) -> MaskCodes:
        """Say what of a frame may be shown.

        Parameters
        ----------
        frame : ndarray
            (height, width, 3) uint8 BGR.
        looks : ndarray
            (2, height, width) uint8, see `looks.Looks`.
        settings : MaskSettings
            In force.
        tightened : int
            How many steps more are taken off around the person.

        Returns
        -------
        ndarray
            (height, width) uint8, 1 where the camera may be shown; new.
        """
        plate = self._plate
        least = np.array([*PROBABILITIES, settings.least_probability], np.float32) * np.float32(255)
        limits = plate.limits
        near = cv2.dilate((plate.memory > 0).view(np.uint8), NEARBY).astype(np.uint8, copy=False)
        known = (plate.colors, plate.seen, plate.hidden, plate.memory)

        def judge(rows: tuple[int, int]) -> None:
            judge_pixels(frame, looks, *known, plate.light, limits, least, near, rows, self._planes)

        self._crew.run([partial(judge, rows) for rows in self._bands])
        unknown, may_go_on, begins = self._planes
        shown = 1 - _grown(begins, may_go_on)
        inner = _eroded(shown, settings.rim_px * self._px)
        shown &= inner | (1 - unknown)
        if tightened:
            shown = _eroded(shown, tightened * self._px)
        return _without_blobs(shown)


def _eroded(mask: MaskCodes, by_px: float) -> MaskCodes:
    """Take so many pixels off, not at the picture's border: a person goes on beyond it."""
    px = round(by_px)
    if px <= 0:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * px + 1, 2 * px + 1))
    return cv2.erode(mask, disc, borderType=cv2.BORDER_CONSTANT, borderValue=1).astype(np.uint8, copy=False)


def _grown(begins: MaskCodes, may_go_on: MaskCodes) -> MaskCodes:
    """Return what can be reached from where the room begins through where it may go on."""
    n, labels = cv2.connectedComponents(may_go_on, connectivity=4)
    reached = np.zeros(n, np.uint8)
    reached[labels[(begins & may_go_on) > 0]] = 1
    reached[0] = 0
    grown: MaskCodes = reached[labels]
    return grown


def _without_blobs(mask: MaskCodes) -> MaskCodes:
    n, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    least = max(LEAST_BLOB_SHARE * mask.size, LEAST_BLOB_OF_LARGEST * areas.max())
    if n < 2 or areas[1:].min() >= least:
        return mask
    kept: MaskCodes = (areas >= least).astype(np.uint8)[labels]
    return kept
