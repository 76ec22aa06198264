"""Where the person is: two looks at a close-up, for one look at the whole picture takes parts of the room for them.

The person model sees 256 x 256 pixels. Of a whole picture the person is a small part of that, pressed together from
16:9; of a cut of their own shape around them they are nearly all. And the mistakes of a network change when a picture
is mirrored, the person does not: what both the cut and its mirror image take for the person is. Measured on two
simulated webcams at .9, room shown at least once and person lost: whole picture 11.9 and 4.9 % (4.3, 3.1 %), close-up
3.5 and .9 % (4.6, 3.7 %), close-up and its mirror image 1.6 and .5 % (5.3, 3.9 %).

The close-up follows the person from frame to frame, and the whole picture is looked at now and then for others. What
lies outside of the close-up is not shown.
"""

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.segmentation import Segmenter

Looks = npt.NDArray[np.uint8]
"""(2, height, width) uint8: the probability of a person by each look, 255 being 1."""

WHOLE_EVERY_FRAMES = 10
"""The whole picture is looked at this often: somebody who comes in is seen within a third of a second."""

ROOM_SHARE, TIGHT_SHARE = 0.15, 0.03
"""The close-up is cut with this much around the person, and cut anew once there is less than the other."""

LEAST_SHARE = 0.55
"""Smallest side of a close-up, as a share of the picture's height: people far away are blurred when enlarged more."""

PERSON = 128
"""From here on, of 255, a pixel counts as the person's for the close-up."""

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""


class CloseUps:
    """Looks at the person of a stream of pictures of one size.

    Parameters
    ----------
    segmenter : Segmenter
        The person model.
    height, width : int
        Size of the pictures in pixels.

    Attributes
    ----------
    looks : ndarray
        (2, height, width) uint8, see `Looks`; of the latest picture.
    box : tuple of int or None
        The close-up; None while nobody is seen.
    """

    def __init__(self, segmenter: Segmenter, height: int, width: int) -> None:
        self._segmenter = segmenter
        self.looks: Looks = np.zeros((2, height, width), np.uint8)
        self.box: Box | None = None
        self._n = 0

    def look(self, image: Image) -> Looks:
        """Look at the next picture.

        Parameters
        ----------
        image : ndarray
            (height, width, 3) uint8 BGR.

        Returns
        -------
        ndarray
            (2, height, width) uint8, see `Looks`; the object's own, written again by the next call.
        """
        self.looks[:] = 0
        if self.box is None or self._n % WHOLE_EVERY_FRAMES == 0:
            whole = cv2.resize(self._segmenter.small_probability(image), image.shape[1::-1])
            self.box = self._box_around(whole >= PERSON / 255)
        self._n += 1
        if self.box is None:
            return self.looks
        x, y, width, height = self.box
        part = np.s_[y : y + height, x : x + width]
        cut = np.ascontiguousarray(image[part])
        mirrored = np.ascontiguousarray(cut[:, ::-1])
        self.looks[0][part] = _codes(self._segmenter.small_probability(cut), width, height)
        self.looks[1][part] = _codes(self._segmenter.small_probability(mirrored), width, height)[:, ::-1]
        self.box = self._box_around(self.looks.max(axis=0) >= PERSON)
        return self.looks

    def _box_around(self, is_person: npt.NDArray[np.bool_]) -> Box | None:
        """Return the close-up for where the person is; the one there is, where that still fits."""
        x, y, width, height = cv2.boundingRect(is_person.astype(np.uint8))
        if not width:
            return None
        lines, columns = is_person.shape
        if self.box is not None and _fits((x, y, width, height), self.box, (columns, lines)):
            return self.box
        side = max(LEAST_SHARE * lines, (1 + ROOM_SHARE) * height)
        cut_height = int(min(lines, side))
        cut_width = int(min(columns, max(cut_height, (1 + ROOM_SHARE) * width)))
        left = min(max(x + width // 2 - cut_width // 2, 0), columns - cut_width)
        top = min(max(y + height // 2 - cut_height // 2, 0), lines - cut_height)
        return left, top, cut_width, cut_height


def _codes(probability: npt.NDArray[np.float32], width: int, height: int) -> npt.NDArray[np.uint8]:
    large = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR)
    return (large * 255 + np.float32(0.5)).astype(np.uint8)


def _fits(person: Box, box: Box, size: tuple[int, int]) -> bool:
    """Say whether a close-up still holds the person, with some room around, and is not much too large."""
    for axis in (0, 1):
        before, after = person[axis] - box[axis], box[axis] + box[axis + 2] - person[axis] - person[axis + 2]
        least = TIGHT_SHARE * person[axis + 2]
        if before < least and box[axis] > 0:
            return False
        if after < least and box[axis] + box[axis + 2] < size[axis]:
            return False
    return person[3] * (1 + 3 * ROOM_SHARE) >= box[3] or box[3] <= int(LEAST_SHARE * size[1])
