"""What reconstructions are compared with: the methods that came before, one class each, and an oracle.

Each takes the frames of a call one by one and then says what it has found of the room. Those that the literature lets
know the virtual background are given it. Where a paper leaves something open, or builds on a network that is not
here, the docstring says what was put in its place.

References
----------
.. [1] satoki, roomg, 2020; T. Tsuji, R. Ishikawa, M. Eto, Y. Hattori, H. Inoue, zoomg (reconstruction of backgrounds
   hidden by virtual backgrounds; IEICE technical meeting ICSS), 2021.
.. [2] M. Sabra, A. Maiti, M. Jadliwala, Background Buster: Peeking through Virtual Backgrounds in Online Video Calls,
   DSN 2022.
.. [3] F. Weissberg, J. M. Hilgefort, S. Grogorick, D. Arp, T. Eisenhofer, M. Eisemann, K. Rieck, Seeing Through:
   Analyzing and Attacking Virtual Backgrounds in Video Calls, 2025 (vader).
.. [4] J. M. Hilgefort, D. Arp, K. Rieck, Spying through Virtual Backgrounds of Video Calls, AISec 2021.
"""

from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.color import delta_e_2000, lab_from_bgr
from pipelines.reconstruction.counts import ColorCounts, PackedBand
from pipelines.segmentation import Segmenter

Mask = npt.NDArray[np.bool_]
"""(height, width) bool."""

BackdropAt = Callable[[int], Image]
"""From the number of a frame to the virtual background that it was given, (height, width, 3) uint8 BGR."""


class Method(Protocol):
    """Finds the room in a call; `take` every frame in order, then ask for the `room` once."""

    def take(self, image: Image) -> None:
        """Take the next frame, (height, width, 3) uint8 BGR; may be kept, must not be written to."""

    def room(self) -> Image:
        """Return the room, (height, width, 4) uint8 BGRA, alpha 255 where it is claimed and 0 elsewhere."""


class TemporalMean:
    """The mean of all frames, all of it claimed: what looking at the call in passing gives."""

    def __init__(self, height: int, width: int) -> None:
        self._sum = np.zeros((height, width, 3), np.int64)
        self._n = 0

    def take(self, image: Image) -> None:
        self._sum += image
        self._n += 1

    def room(self) -> Image:
        mean = np.round(self._sum / max(1, self._n)).astype(np.uint8)
        return claimed_where(np.ones(mean.shape[:2], bool), mean)


class Zoomg:
    """zoomg's rule [1]_: the most frequent colour is the backdrop, the rarest that *looks* different is the room.

    As roomg's, but with CIEDE2000 over 5.06, zoomg's default, in the place of a difference of sums. zoomg's own way of
    breaking ties is not described; roomg's is used (the backdrop: seen first; the room: seen last). Where no colour
    passes, the pixel is not claimed.
    """

    LEAST_DELTA_E = 5.06

    def __init__(self, height: int, width: int, memory_bytes: int = 1 << 30) -> None:
        self._counts = ColorCounts(height, width, memory_bytes)

    def take(self, image: Image) -> None:
        self._counts.count(image)

    def room(self) -> Image:
        rooms = [self._band_room(band) for band in self._counts.packed_bands()]
        height, width = self._counts.height, self._counts.width
        self._counts.close()
        return np.concatenate(rooms).reshape(height, width, 4)

    def _band_room(self, band: PackedBand) -> Image:
        """Choose for each pixel of a band; the colours of a pixel lie together, first seen first."""
        n_pixels = band.n_colors.size
        entries = band.entries.astype(np.int64)
        colors = np.stack([entries & 255, entries >> 8 & 255, entries >> 16 & 255], axis=-1).astype(np.uint8)
        pixel = np.repeat(np.arange(n_pixels), band.n_colors)
        seen = np.arange(entries.size)
        order = np.lexsort((-seen, entries >> 36, pixel))  # of each pixel the rarest first, of equals the last seen
        begin = np.cumsum(band.n_colors.astype(np.int64)) - band.n_colors
        backdrop = colors[order[begin + band.n_colors - 1]]  # the last: most frequent, of equals the first seen
        room = np.zeros((n_pixels, 4), np.uint8)
        room[:, :3] = colors[order[begin]]
        open_pixels = np.arange(n_pixels)
        backdrop_lab = lab_from_bgr(backdrop)
        for rank in range(int(band.n_colors.max()) - 1):
            open_pixels = open_pixels[band.n_colors[open_pixels] > rank + 1]
            candidate = colors[order[begin[open_pixels] + rank]]
            passes = delta_e_2000(lab_from_bgr(candidate), backdrop_lab[open_pixels]) > self.LEAST_DELTA_E
            room[open_pixels[passes], :3] = candidate[passes]
            room[open_pixels[passes], 3] = 255
            open_pixels = open_pixels[~passes]
            if not open_pixels.size:
                break
        return room


class BackgroundBuster:
    """Sabra et al., DSN 2022 [2]_, with the virtual background known.

    Of every frame three parts are taken away: the pixels that show the virtual background (VBM); those around them,
    where the client blends person and background (BBM); and the person, as a segmentation network sees them in the
    received frame (VCM). What is left has leaked, and is gathered over the frames.

    Guessed: the tolerance of VBM, the width of BBM, that VCM gets no margin, and that a pixel's latest residue counts;
    each was tried, and those are kept that serve the method best. In place of the paper's DeepLabv3 stands the selfie
    model. The paper's refinement of VCM by the person's colours is left out.
    """

    TOLERANCE_CODES = 24
    BLEND_PX = 6
    PERSON_PROBABILITY = 0.5

    def __init__(self, height: int, width: int, backdrop: BackdropAt, segmenter: Segmenter) -> None:
        self._backdrop, self._segmenter = backdrop, segmenter
        self._room = np.zeros((height, width, 4), np.uint8)
        self._t = 0

    def take(self, image: Image) -> None:
        virtual = cv2.absdiff(image, self._backdrop(self._t)).max(axis=-1) <= self.TOLERANCE_CODES
        person = self._segmenter.probability(image) > self.PERSON_PROBABILITY
        removed = widened(virtual, self.BLEND_PX) | person
        self._room[~removed] = claimed_where(np.ones(virtual.shape, bool), image)[~removed]
        self._t += 1

    def room(self) -> Image:
        return self._room


class Vader:
    """Weissberg et al., 2025 [3]_ (vader), with the virtual background known.

    A good mask of the person, of the received frame, is held against the mask that the client's own network gives for
    that same frame: what the client takes for person and the good mask does not has leaked. What looks like the virtual
    background (CIEDE2000 up to 5) is taken away from it, and each pixel gets the colour that it leaked most often.

    Guessed: in place of DeepLabV3 stands the client's own model, asked three times: the frame, the frame mirrored, and
    a square around its middle; who is seen in all three is the person. (Of a dozen ways to make a better mask of that
    model, tried on the four calls of the table, this one served the method best; one view at a high threshold found
    a third less.) The client's mask is the model at 0.5; the mode is taken channel by channel in bins of 4 codes. Rules
    for the colours of skin and hair are left out. The paper's network knows nothing of the client's mistakes, this one
    shares a part of them.
    """

    PERSON_PROBABILITY = 0.5
    LEAST_DELTA_E = 5.0
    BIN_CODES = 4

    def __init__(self, height: int, width: int, backdrop: BackdropAt, segmenter: Segmenter) -> None:
        self._backdrop, self._segmenter = backdrop, segmenter
        self._seen = np.zeros((height * width, 3, 256 // self.BIN_CODES), np.uint16)
        self._shape = (height, width)
        self._t = 0

    def take(self, image: Image) -> None:
        client = self._segmenter.probability(image)
        leaks = (client > self.PERSON_PROBABILITY) & ~self._person(image, client)
        virtual = self._backdrop(self._t)[leaks]
        differs = delta_e_2000(lab_from_bgr(image[leaks]), lab_from_bgr(virtual)) > self.LEAST_DELTA_E
        colors = image[leaks][differs]
        pixels = np.flatnonzero(leaks)[differs]
        for channel in range(3):
            self._seen[pixels, channel, colors[:, channel] // self.BIN_CODES] += 1
        self._t += 1

    def room(self) -> Image:
        mode = self._seen.argmax(axis=-1) * self.BIN_CODES + self.BIN_CODES // 2
        claimed = self._seen[:, 0].any(axis=-1)
        return claimed_where(claimed.reshape(self._shape), mode.astype(np.uint8).reshape(*self._shape, 3))

    def _person(self, image: Image, client: npt.NDArray[np.float32]) -> Mask:
        """Return where the better mask sees the person."""
        height, width = self._shape
        side = min(width, height + height // 4)
        left = (width - side) // 2
        middle = np.ascontiguousarray(image[:, left : left + side])
        mirrored = self._segmenter.probability(np.ascontiguousarray(image[:, ::-1]))[:, ::-1]
        near = client.copy()
        near[:, left : left + side] = self._segmenter.probability(middle)
        return np.minimum(np.minimum(client, mirrored), near) > self.PERSON_PROBABILITY


class PerfectFrame:
    """No attack but an oracle: it knows of each pixel the frame of the largest leak, and whether that is over 0.25.

    What it misses was lost to half-transparency and to the codec: more than this takes more than one frame.
    """

    LEAST_ALPHA = 0.25

    def __init__(self, when: npt.NDArray[np.int32], weights: npt.NDArray[np.float32]) -> None:
        self._when, self._claimed = when, weights > self.LEAST_ALPHA
        self._colors = np.zeros((*when.shape, 3), np.uint8)
        self._t = 0

    def take(self, image: Image) -> None:
        now = self._when == self._t
        self._colors[now] = image[now]
        self._t += 1

    def room(self) -> Image:
        return claimed_where(self._claimed, self._colors)


def claimed_where(claimed: Mask, colors: Image) -> Image:
    """Return colours with alpha 255 where they are claimed: (height, width, 4) uint8 BGRA."""
    return np.dstack([colors, np.where(claimed, np.uint8(255), np.uint8(0))])


def widened(mask: Mask, by_px: int) -> Mask:
    """Return a mask grown by a disc of this radius."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by_px + 1, 2 * by_px + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc), bool)
