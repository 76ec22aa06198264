r"""Gathers, frame by frame, the backdrop and the evidence of leaks: the arrays, and the order of the kernels.

All of it happens at a working size of at most `work_height_px` lines, so that a 1080p call keeps 30 frames a second.

    frame -> smaller -> person probability -> backdrop (weighted by "not the person")
                    \-> foreground -> distances, gradient, colours of the person's core -> observations -> evidence

Each of these steps is shared by the threads of `crew`: as bands of rows where a kernel looks at pixels one by one, and
as whole pictures that do not depend on each other.
"""

import itertools
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.crew import Crew, shared_crew
from pipelines.reconstruction.leak import evidence as ev
from pipelines.reconstruction.leak import heavy_hitters as hh
from pipelines.reconstruction.leak import observe as ob
from pipelines.segmentation import Segmenter

UNIT_LINES = 360
"""Distances are in units of the picture's height over this."""

KNOWN_WEIGHT = 2 * ob.STILL_WEIGHT
"""The backdrop of a pixel is known once it has been seen surely in two frames, or less surely in more."""

CHOOSE_EVERY_FRAMES = 8
"""The backdrop is chosen anew for all rows in so many frames, some rows in each."""

PERSON_DEPTH = 25.0
"""Without a model, what lies so deep in the foreground, in units, is surely the person."""

FRAMES_BEFORE_DEPTH = 25
"""... once the backdrop had so many frames to settle."""

NEARBY, AROUND = 6.0, 14.0
"""How far the person's colours are averaged, as standard deviations in units."""

MOVES_AROUND, COMES_NEARBY = 12.0, 4.0
"""How far the person's movement is averaged, likewise."""

OF_LATE, COMING_OF_LATE = 0.25, 0.2
"""What one frame counts in the mean probability of a person over the last frames, and in whether they come or go."""

BAND_ROWS = 8 * ob.SHRINK
"""Rows that one thread works on before it takes others."""

COUNT_PARTS = 8
"""The pixels observed are counted in so many parts."""

STANDS_OUT_SHARE, STANDS_OUT_CODES, STANDS_OUT_STEP_PX = 0.5, 12, 8
"""A frame stands out, one of noise in the virtual background, where so many of the pixels without a person are so far
from their known backdrop; every few rows and columns are looked at. Otherwise it is under a twentieth of them."""

SURELY_NO_PERSON = 0.05
"""Probability up to which there is no person."""

_LEAST_SIDE_PX = 16


Mask = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Seen:
    """What one frame was found to show, at the working size; overwritten by the next frame.

    Attributes
    ----------
    image : ndarray
        (height, width, 3) uint8 BGR.
    probability : ndarray
        (height, width) float32, of a person, 0 to 1.
    foreground : ndarray
        (height, width) uint8, 1 where it is not the backdrop.
    depth : ndarray
        (height, width) float32, distance to the backdrop in pixels.
    positions, observed : ndarray
        What was listed by `observe.observe`.
    """

    image: Image
    probability: npt.NDArray[np.float32]
    foreground: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float32]
    positions: npt.NDArray[np.int32]
    observed: npt.NDArray[np.float32]


class Moment(NamedTuple):
    """What a frame leaves behind, with which the next one is compared, at the working size.

    Attributes
    ----------
    image : ndarray
        (height, width, 3) uint8 BGR.
    probability, of_late : ndarray
        (height, width) float32, of a person, in that frame and in the mean of the last ones.
    coming : ndarray
        (ceil(height / SHRINK), ceil(width / SHRINK)) float32, as in `observe.Surroundings`.
    """

    image: Image
    probability: npt.NDArray[np.float32]
    of_late: npt.NDArray[np.float32]
    coming: npt.NDArray[np.float32]


class LeakWatcher:
    """Counts frames of one size. Called from one thread; threads inside are its own.

    Parameters
    ----------
    height, width : int
        Size of the frames in pixels.
    work_height_px : int
        Frames with more lines are worked on at this height.
    segmenter : Segmenter or None
        Finds the person; None goes without.
    crew : Crew, optional
        Threads that share a frame; those of the process unless given. The counts do not depend on it.

    Attributes
    ----------
    heavy : HeavyColors
        The backdrop's counts.
    evidence : Evidence
        The leaks' counts.
    backdrop : ndarray
        (work_height, work_width, 3) float32 BGR, the backdrop as far as it is known.
    backdrop_weight : ndarray
        (work_height, work_width) uint32, the weight behind it.
    person_colors : ndarray
        (16, 16, 16) float64, how often the person's core showed each colour (B, G, R over 16).
    n_frames : int
        Frames counted.
    n_left_out : int
        Of these, frames since the start of the session that stood out, and are no evidence.
    unit_px : float
        Pixels in a unit of distance.
    """

    def __init__(
        self, height: int, width: int, work_height_px: int, segmenter: Segmenter | None, crew: Crew | None = None
    ) -> None:
        self.crew = crew or shared_crew()
        scale = min(1.0, work_height_px / height)
        self.height = max(_LEAST_SIDE_PX, round(height * scale))
        self.width = max(_LEAST_SIDE_PX, round(width * scale))
        self.segmenter = segmenter
        self.unit_px = self.height / UNIT_LINES
        self._bands = [slice(first, min(first + BAND_ROWS, self.height)) for first in range(0, self.height, BAND_ROWS)]
        self.clear()

    def clear(self) -> None:
        """Forget every frame."""
        size = (self.height, self.width)
        self.n_frames = self.n_left_out = 0
        self.heavy = hh.empty_heavy_colors(*size)
        self.evidence = ev.empty_evidence(*size)
        self.backdrop = np.zeros((*size, 3), np.float32)
        self.backdrop_weight = np.zeros(size, np.uint32)
        self.person_colors = np.zeros((16, 16, 16))
        self._before: Image | None = None
        self._fixed: tuple[Image, npt.NDArray[np.bool_]] | None = None
        self._foreground = np.zeros(size, np.uint8)
        self._cleaned = self._foreground
        self._gradient = np.zeros(size, np.uint8)
        self._depth = np.zeros(size, np.float32)
        self._weights = np.zeros(size, np.uint8)
        self._core = np.zeros((-(-self.height // ob.SHRINK), -(-self.width // ob.SHRINK), 4), np.float32)
        none = self._core[..., 3]
        self._surroundings = ob.Surroundings(self._core, self._core, none, none, none)
        self._probability_before: npt.NDArray[np.float32] | None = None
        self._probability_of_late = np.zeros(size, np.float32)
        self._positions = np.zeros(self.height * self.width, np.int32)
        self._observed = np.zeros((self.height * self.width, ob.N_OBSERVED), np.float32)

    @property
    def n_bytes(self) -> int:
        """Bytes of the state: the counts of backdrop and evidence, and what was made of them."""
        arrays = (*self.heavy, *self.evidence, self.backdrop, self.backdrop_weight, self.person_colors)
        return sum(array.nbytes for array in arrays)

    @property
    def n_work_bytes(self) -> int:
        """Bytes of the room to work in, which a frame fills anew."""
        planes = (self._foreground, self._cleaned, self._gradient, self._depth, self._weights, *self._surroundings)
        lists = (self._core, self._probability_of_late, self._positions, self._observed)
        return sum(array.nbytes for array in (*planes, *lists))

    @property
    def known(self) -> npt.NDArray[np.uint8]:
        """(work_height, work_width) uint8: 1 where the backdrop is known."""
        return (self.backdrop_weight >= KNOWN_WEIGHT).view(np.uint8)

    def count(self, frame: Image) -> Seen:
        """Count a frame.

        Parameters
        ----------
        frame : ndarray
            (height, width, 3) uint8 BGR; not kept.

        Returns
        -------
        Seen
            What was found in it.
        """
        image, probability = self._look(frame)
        self._count_backdrop(image, probability)
        seen = self._observe(image, probability)
        if self._stands_out(image, probability):
            self.n_left_out += 1
        else:
            self._count_observations(seen)
        self._before = image
        self.n_frames += 1
        return seen

    def claim_memory(self) -> None:
        """Touch all memory of the counts, all 0 yet: the system clears it when it is first touched, which takes long.

        Without this a live call loses its first frames to it.
        """
        evidence = self.evidence
        counts = (evidence.colors, evidence.sums, evidence.likeness, evidence.pixels)
        for array in (*self.heavy, *counts, self._observed):
            array.fill(0)

    def fix_backdrop(self, picture: Image, is_fixed: npt.NDArray[np.bool_]) -> None:
        """Take a known backdrop where the call itself does not show one.

        Parameters
        ----------
        picture : ndarray
            (work_height, work_width, 3) uint8 BGR; kept.
        is_fixed : ndarray
            (work_height, work_width) bool, where the picture covers the frame.
        """
        self._fixed = (picture, is_fixed & (self.known == 0))
        self._choose_backdrop(0, self.height)

    def add(self, later: "LeakWatcher") -> None:
        """Add the counts of frames that came after those counted here.

        Parameters
        ----------
        later : LeakWatcher
            Of the same working size; unchanged.
        """
        hh.add_heavy_colors(later.heavy, self.heavy)
        ev.add_evidence(later.evidence, self.n_frames, self.evidence)
        self.person_colors += later.person_colors
        self.n_frames += later.n_frames
        self.n_left_out += later.n_left_out
        self._before = self._probability_before = None
        self._choose_backdrop(0, self.height)

    @property
    def moment(self) -> Moment | None:
        """What the last frame left behind, as views that the next one overwrites; None if there is no frame before."""
        if self._before is None or self._probability_before is None:
            return None
        return Moment(self._before, self._probability_before, self._probability_of_late, self._surroundings.coming)

    def continue_from(self, n_frames: int, moment: Moment | None) -> None:
        """Go on after counts, and the backdrop that was chosen by them, were put in place from outside.

        Parameters
        ----------
        n_frames : int
            Frames behind those counts.
        moment : Moment or None
            What the last of them left behind; kept. None begins anew.
        """
        self.n_frames = n_frames
        if moment is not None:
            self._before, self._probability_before, self._probability_of_late, coming = moment
            self._surroundings = self._surroundings._replace(coming=coming)

    def _look(self, frame: Image) -> tuple[Image, npt.NDArray[np.float32]]:
        """Return the frame at the working size and where the person is in it; the gradient is kept."""
        images: list[Image] = []
        found: list[npt.NDArray[np.float32]] = []

        def find_person() -> None:
            found.append(self._probability(frame))

        def make_smaller() -> None:
            images.append(self._smaller(frame))
            self._gradient = _gradient(images[0])

        self.crew.run([find_person, make_smaller])
        return images[0], found[0]

    def _stands_out(self, image: Image, probability: npt.NDArray[np.float32]) -> bool:
        some = (slice(None, None, STANDS_OUT_STEP_PX),) * 2
        is_backdrop = (self.backdrop_weight[some] >= KNOWN_WEIGHT) & (probability[some] <= SURELY_NO_PERSON)
        off = np.abs(image[some] - self.backdrop[some]).max(axis=2)[is_backdrop]
        return off.size > 0 and float(np.mean(off > STANDS_OUT_CODES)) > STANDS_OUT_SHARE

    def _smaller(self, frame: Image) -> Image:
        if frame.shape[:2] == (self.height, self.width):
            return frame
        return cv2.resize(frame, (self.width, self.height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]

    def _probability(self, frame: Image) -> npt.NDArray[np.float32]:
        if self.segmenter is None:
            return self._probability_by_depth()
        small = self.segmenter.small_probability(frame)
        return cv2.resize(small, (self.width, self.height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]

    def _probability_by_depth(self) -> npt.NDArray[np.float32]:
        """Take for the person what lay deep in the foreground of the frame before; a crude stand-in for the model."""
        if self.n_frames < FRAMES_BEFORE_DEPTH:
            return np.zeros((self.height, self.width), np.float32)
        share: npt.NDArray[np.float32] = (self._depth / (PERSON_DEPTH * self.unit_px)).clip(0, 1)
        return share

    def _count_backdrop(self, image: Image, probability: npt.NDArray[np.float32]) -> None:
        """Count a frame's colours, choose the backdrop anew in some rows, and mark what is not the backdrop."""
        before = image if self._before is None else self._before
        step = -(-self.height // CHOOSE_EVERY_FRAMES)
        part = self.n_frames % CHOOSE_EVERY_FRAMES
        first = 0 if self.n_frames < CHOOSE_EVERY_FRAMES else part * step
        end = self.height if self.n_frames < CHOOSE_EVERY_FRAMES else min(first + step, self.height)

        def count(rows: slice) -> None:
            ob.weigh_backdrop(image[rows], before[rows], probability[rows], self._weights[rows])
            hh.count_colors(image[rows], self._weights[rows], hh.HeavyColors._make(part[rows] for part in self.heavy))
            self._choose_backdrop(max(first, rows.start), min(end, rows.stop))
            weight = self.backdrop_weight[rows]
            ob.mark_foreground(image[rows], self.backdrop[rows], weight, KNOWN_WEIGHT, self._foreground[rows])

        # First those in which the backdrop is chosen: they take the longest.
        is_chosen = [rows.start < end and rows.stop > first for rows in self._bands]
        order = sorted(range(len(self._bands)), key=lambda i: not is_chosen[i])
        self.crew.run([partial(count, self._bands[i]) for i in order])

    def _choose_backdrop(self, first_row: int, end_row: int) -> None:
        if first_row >= end_row:
            return
        hh.choose_backdrop(self.heavy, first_row, end_row, self.backdrop, self.backdrop_weight)
        if self._fixed is not None:
            picture, is_fixed = (part[first_row:end_row] for part in self._fixed)
            self.backdrop[first_row:end_row][is_fixed] = picture[is_fixed]
            self.backdrop_weight[first_row:end_row][is_fixed] = KNOWN_WEIGHT

    def _observe(self, image: Image, probability: npt.NDArray[np.float32]) -> Seen:
        person = (probability > 0.5).view(np.uint8)
        before = self._probability_before
        if before is None:
            before = probability
            self._probability_of_late[:] = probability
            still = np.zeros(self._core.shape[:2], np.float32)  # of its own: until now it may be a view of the core
            self._surroundings = self._surroundings._replace(coming=still)
        look_around = partial(self._look_around, image, probability, before)
        self._depth, outside, inside = self.crew.run(
            [look_around, partial(_distance, 1 - person), partial(_distance, person)]
        )
        self._count_person_colors(image, probability, self._depth)
        n = self._list_observed(image, probability, inside, outside)
        self._probability_before = probability
        cv2.accumulateWeighted(probability, self._probability_of_late, OF_LATE)
        return Seen(image, probability, self._cleaned, self._depth, self._positions[:n], self._observed[:n])

    def _look_around(
        self, image: Image, probability: npt.NDArray[np.float32], before: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Return how deep each pixel lies in the foreground; keep what of core, backdrop and movement is nearby."""
        self._cleaned = cv2.medianBlur(self._foreground, 3)  # type: ignore[assignment]
        depth = _distance(self._cleaned)
        ob.sum_core(image, probability, depth, self.unit_px, self._core)
        spread = self.unit_px / ob.SHRINK
        change = probability - before
        coming = _blurred(_shrunk(change, self._core), COMES_NEARBY * spread)
        self._surroundings = ob.Surroundings(
            _blurred(self._core, NEARBY * spread),
            _blurred(self._core, AROUND * spread),
            _blurred(_shrunk(1 - self._cleaned.astype(np.float32), self._core), NEARBY * spread),
            _blurred(_shrunk(np.abs(change), self._core), MOVES_AROUND * spread),
            self._surroundings.coming + np.float32(COMING_OF_LATE) * (coming - self._surroundings.coming),
        )
        return depth

    def _list_observed(
        self,
        image: Image,
        probability: npt.NDArray[np.float32],
        inside: npt.NDArray[np.float32],
        outside: npt.NDArray[np.float32],
    ) -> int:
        """List the pixels that count as evidence, from the top, and count how often each pixel was foreground."""
        before = image if self._before is None else self._before
        known, depth = self.known, self._depth

        def observe(rows: slice) -> int:
            small = slice(rows.start // ob.SHRINK, -(-rows.stop // ob.SHRINK))
            listed = slice(rows.start * self.width, rows.stop * self.width)
            n: int = ob.observe(
                image[rows],
                before[rows],
                (probability[rows], self._probability_of_late[rows]),
                (self.backdrop[rows], known[rows]),
                (depth[rows], inside[rows], outside[rows]),
                self._gradient[rows],
                ob.Surroundings._make(part[small] for part in self._surroundings),
                self.unit_px,
                self._positions[listed],
                self._observed[listed],
            )
            self._positions[listed][:n] += listed.start
            evidence = ev.Evidence._make(part[rows] for part in self.evidence)
            ob.count_pixels(self._cleaned[rows], known[rows], probability[rows], depth[rows], self.unit_px, evidence)
            return n

        total = 0
        for rows, n in zip(self._bands, self.crew.run([partial(observe, rows) for rows in self._bands]), strict=True):
            first = rows.start * self.width
            self._positions[total : total + n] = self._positions[first : first + n]
            self._observed[total : total + n] = self._observed[first : first + n]
            total += n
        return total

    def _count_observations(self, seen: Seen) -> None:
        """Each pixel is listed once, so that any part of the list may be counted beside any other."""

        def count(part: slice) -> None:
            positions, observed = seen.positions[part], seen.observed[part]
            ob.count_observations(seen.image, seen.depth, positions, observed, self.n_frames, self.evidence)

        bounds = np.linspace(0, seen.positions.size, COUNT_PARTS + 1).astype(int).tolist()
        parts = [slice(*pair) for pair in itertools.pairwise(bounds)]
        self.crew.run([partial(count, part) for part in parts])

    def _count_person_colors(
        self, image: Image, probability: npt.NDArray[np.float32], depth: npt.NDArray[np.float32]
    ) -> None:
        """Every tenth frame is enough: colours of the person change slowly."""
        if self.n_frames % 10:
            return
        ob.count_core_colors(image, probability, depth, self.unit_px, self.person_colors)


def _distance(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the distance to the nearest 0; where there is none at all, as far as a picture of that size reaches."""
    farthest = float(sum(mask.shape))
    _, distance = cv2.threshold(cv2.distanceTransform(mask, cv2.DIST_L2, 3), farthest, farthest, cv2.THRESH_TRUNC)
    return distance  # type: ignore[return-value]


def _gradient(image: Image) -> Mask:
    """Return the largest difference of the brightest channel within 3 x 3 pixels."""
    blue, green, red = cv2.split(image)
    brightest = cv2.max(cv2.max(blue, green), red)
    return cv2.morphologyEx(brightest, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))  # type: ignore[return-value]


def _blurred(values: npt.NDArray[np.float32], sigma_px: float) -> npt.NDArray[np.float32]:
    return cv2.GaussianBlur(values, (0, 0), sigma_px)  # type: ignore[return-value]


def _shrunk(values: npt.NDArray[np.float32], like: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return cv2.resize(values, like.shape[1::-1], interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
