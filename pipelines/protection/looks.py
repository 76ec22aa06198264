"""Where the person is: two looks at a close-up, for one look at the whole picture takes parts of the room for them.

The person model sees 256 x 256 pixels. Of a whole picture the person is a small part of that, pressed together from
16:9; of a cut of their own shape around them they are nearly all. And the mistakes of a network change when a picture
is mirrored, the person does not: what both the cut and its mirror image take for the person is. Measured on two
simulated webcams at .9, room shown at least once and person lost: whole picture 11.9 and 4.9 % (4.3, 3.1 %), close-up
3.5 and .9 % (4.6, 3.7 %), close-up and its mirror image 1.6 and .5 % (5.3, 3.9 %).

The close-up follows the person from frame to frame, and the whole picture is looked at now and then for others. What
lies outside of the close-up is not shown. Where time is short, that look at the whole picture waits until the frame is
out (`CloseUps.look_around`): it says where to look from the next frame on, and nothing about this one's mask.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image, PipelineError
from pipelines.segmentation import Segmenter

Looks = npt.NDArray[np.uint8]
"""(2, height, width) uint8: the probability of a person by each look, 255 being 1."""

WHOLE_EVERY_FRAMES, WHOLE_IN_TURN_FRAMES = 10, 30
"""The whole picture is looked at this often, and this often where looks take turns for want of time: somebody who comes
in is seen within a third of a second, or within one."""

ROOM_SHARE, TIGHT_SHARE = 0.15, 0.03
"""The close-up is cut with this much around the person, and cut anew once there is less than the other."""

MOST_ROOM = 2.2
"""It is cut anew, too, once it is so many times as high as what is shown: not sooner, for what is shown may be a part
of the person, and the rest would then be out of sight for good."""

LEAST_SHARE = 0.55
"""Smallest side of a close-up, as a share of the picture's height: people far away are blurred when enlarged more."""

FIRST, SURE, LEAST_PERSON_SHARE = 0.5, 0.9, 0.01
"""In the whole picture somebody is where so much of it is so likely a person: for a first close-up, which will tell,
and for one more person."""

NEW_SHARE = 0.3
"""Somebody is not in the close-up if more than this share of them lies outside. What is less is followed from frame to
frame anyway, and may be furniture that the model takes for part of them."""

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
    takes_turns : bool
        Look at one picture straight and at the next mirrored; the other look is then that of the picture before: where
        the room is not known it only takes away of what this one shows. Costs half the time. Where the close-up before
        did not reach there is no other look, and what is new is shown a picture later.

    Attributes
    ----------
    looks : ndarray
        (2, height, width) uint8, see `Looks`; of the latest picture.
    most : ndarray
        (height, width) uint8: the highest probability by any look at the latest picture, 255 being 1, and 255 where
        nobody looked: what is not looked at may be anything.
    box : tuple of int or None
        The close-up; None while nobody is seen.
    is_to_look_around : bool
        Whether the whole picture of the latest frame is still to be looked at; `most` is complete only then.
    """

    def __init__(self, segmenter: Segmenter, height: int, width: int, *, takes_turns: bool = False) -> None:
        self._segmenter = segmenter
        self._takes_turns = takes_turns
        self._looked_at: Box | None = None
        self._looked_twice: Box = (0, 0, 0, 0)
        self.looks: Looks = np.zeros((2, height, width), np.uint8)
        self.most = np.full((height, width), 255, np.uint8)
        self.box: Box | None = None
        self.is_to_look_around = False
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

        Raises
        ------
        PipelineError
            If the person model gives something else than probabilities.
        """
        self.most[:] = 255
        every = WHOLE_IN_TURN_FRAMES if self._takes_turns else WHOLE_EVERY_FRAMES
        is_due = self._n % every == 0 or self.is_to_look_around
        self.is_to_look_around = is_due and self._takes_turns and self.box is not None
        if self.box is None or (is_due and not self.is_to_look_around):
            self._look_at_whole(image)
        self._n += 1
        before, self._looked_at = self._looked_at, self.box
        if self.box is None:
            self.looks[:] = 0
            return self.looks
        part, (_, _, width, height) = _part(self.box), self.box
        is_one_enough = self._takes_turns and before is not None
        if self.box != before:
            kept = self.looks[:, *part].copy()
            self.looks[:] = 0
            if is_one_enough:
                self.looks[:, *part] = kept  # still 0 where the close-up before did not reach
        cut = np.ascontiguousarray(image[part])
        if not (is_one_enough and self._n % 2):
            self.looks[0][part] = _codes(self._segmenter.small_probability(cut), width, height)
        if not (is_one_enough and not self._n % 2):
            mirrored = cv2.flip(cut, 1).astype(np.uint8, copy=False)
            self.looks[1][part] = _codes(self._segmenter.small_probability(mirrored), width, height)[:, ::-1]
        self._looked_twice = _common(self.box, before) if is_one_enough and before is not None else self.box
        self._note_most()
        return self.looks

    def look_around(self, image: Image) -> None:
        """Look at the whole picture of the latest frame, if that is still to be done.

        Parameters
        ----------
        image : ndarray
            (height, width, 3) uint8 BGR, the one that `look` was given.

        Raises
        ------
        PipelineError
            If the person model gives something else than probabilities; it is then still to be done.
        """
        if not self.is_to_look_around:
            return
        self._look_at_whole(image)
        self._note_most()
        self.is_to_look_around = False

    def follow(self, shown: npt.NDArray[np.uint8]) -> None:
        """Let the close-up of the next picture be around what is shown of this one.

        Parameters
        ----------
        shown : ndarray
            (height, width) uint8, 1 where the person is.
        """
        self.box = self._box_around(cv2.boundingRect(shown))

    def _note_most(self) -> None:
        """Within the close-up two looks tell more than one at the whole picture; one alone tells too little."""
        if self._looked_at is not None:
            self.most[_part(self._looked_at)] = 255
            twice = _part(self._looked_twice)
            self.most[twice] = self.looks[:, *twice].max(axis=0)

    def _look_at_whole(self, image: Image) -> None:
        """Take in whoever is not in the close-up."""
        self.most = _codes(self._segmenter.small_probability(image), *image.shape[1::-1])
        least = FIRST if self.box is None else SURE
        whole = (self.most >= 255 * least).astype(np.uint8)
        n, labels, stats, _ = cv2.connectedComponentsWithStats(whole, connectivity=4)
        areas = stats[:, cv2.CC_STAT_AREA]
        inside = np.bincount(labels[_part(self.box)].ravel(), minlength=n) if self.box else np.zeros(n)
        is_new = (areas >= LEAST_PERSON_SHARE * whole.size) & (areas - inside > NEW_SHARE * areas)
        people = 1 + np.flatnonzero(is_new[1:])
        if not people.size:
            return
        boxes = [(x, y, x + width, y + height) for x, y, width, height, _ in stats[people].tolist()]
        if self.box is not None:
            boxes.append((*self.box[:2], self.box[0] + self.box[2], self.box[1] + self.box[3]))
        corners = np.array(boxes)
        left, top = corners[:, :2].min(axis=0).tolist()
        right, bottom = corners[:, 2:].max(axis=0).tolist()
        self.box = self._box_around((left, top, right - left, bottom - top))

    def _box_around(self, person: Sequence[int]) -> Box | None:
        """Return the close-up for where the person is; the one there is, where that still fits."""
        x, y, width, height = person
        if not width:
            return None
        lines, columns = self.looks.shape[1:]
        if self.box is not None and _fits((x, y, width, height), self.box, (columns, lines)):
            return self.box
        side = max(LEAST_SHARE * lines, (1 + ROOM_SHARE) * height)
        cut_height = int(min(lines, side))
        cut_width = int(min(columns, max(cut_height, (1 + ROOM_SHARE) * width)))
        left = min(max(x + width // 2 - cut_width // 2, 0), columns - cut_width)
        top = min(max(y + height // 2 - cut_height // 2, 0), lines - cut_height)
        return left, top, cut_width, cut_height


def _common(one: Box, other: Box) -> Box:
    """Return what two boxes have in common, of no width or height where that is nothing."""
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[0] + one[2], other[0] + other[2]), min(one[1] + one[3], other[1] + other[3])
    return left, top, max(0, right - left), max(0, bottom - top)


def _part(box: Box) -> tuple[slice, slice]:
    x, y, width, height = box
    return slice(y, y + height), slice(x, x + width)


def _codes(probability: npt.NDArray[np.float32], width: int, height: int) -> npt.NDArray[np.uint8]:
    if not np.isfinite(probability.sum()):
        raise PipelineError("the person model gave something else than probabilities; try mask.person_model: opencv")
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
    return MOST_ROOM * person[3] >= box[3] or box[3] <= int(LEAST_SHARE * size[1])
