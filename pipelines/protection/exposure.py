"""How much of the room an output has shown so far, as far as the room is known: the leak meter's first figure.

A pixel *is room* in a frame where the plate is known and the camera shows just that, at the pixel and at part of what
is around it: single pixels of a person have the room's colour by chance, patches of them seldom. It is *exposed* where
the output then shows what the camera shows, within CIEDE2000 4: nobody sees that difference. Once is enough.

Not every such pixel is a leak. The background may have the room's colour there. So the same is counted against the
camera's picture mirrored, which the output does not show: that is *chance*, and what is beyond it counts. Where the
protection says what its mask shows, the rest is left out of it, unless it is the camera's own picture code by code: a
mask that is not obeyed is the worst of leaks, and no chance.

What was shown of a pixel before its room was known is judged as soon as it is: of its colours the last one.

Large frames are looked at on a grid of about `GRID_LINES` lines, without any mixing of neighbours: shares of pixels
stay what they are.

Limits: where the plate is wrong, or the light has changed since, room goes unseen. What differs from the plate by more
than the camera's noise at the person's border, because person and room are mixed there, is not counted.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.protection.contract import Mask
from pipelines.protection.likeness import mark_alike, mark_near

EXPOSED_DELTA_E = 4.0

GRID_LINES = 360

ROOM_CODES = (5.0, 12.0)
"""Least and most that camera and plate may differ, in any channel, at a pixel that is room. In between it goes by the
camera's noise: `ROOM_NOISES` times the median difference, which is 3.6 standard deviations. With 12 codes for a webcam
whose noise has 2, half of what was counted were pixels of the person; with 8 a tenth."""
ROOM_NOISES = 2.3
NOISE_STEP_PX = 8
NOISE_FOLLOW = 0.1
"""The median is taken on every so many rows and columns; share of a frame in its running mean."""

AROUND_PX = 5
ROOM_AROUND = 0.5
"""Share of the square of `AROUND_PX` around a pixel that must be room too. At a straight border three fifths are."""

LEAST_SHOWN = 0.02
"""A mask below this shows nothing that could be told from noise."""

DISOBEYED = 0.05
"""Share of the room that the mask hides and that is the camera's code by code all the same (beyond what the mirrored
picture shares by chance), from which on the mask is not obeyed."""

LEAST_ROOM = 0.1
"""Shares are of at least so much of the picture: while little of the room is known, two pixels are not a disaster."""


@dataclass(frozen=True, slots=True)
class Exposures:
    """What an output has shown of the room; shares are 0 to 1.

    Attributes
    ----------
    n_frames : int
        Frames compared.
    room : float
        Share of the picture that was room, and known, at least once.
    once, chance : float
        Share of that room that was exposed at least once, and what of it the mirrored picture would have.
    now, worst : float
        Share of the room of one frame that was exposed in it: the latest, and the worst.
    """

    n_frames: int = 0
    room: float = 0.0
    once: float = 0.0
    chance: float = 0.0
    now: float = 0.0
    worst: float = 0.0

    @property
    def beyond_chance(self) -> float:
        """Share exposed at least once without what chance explains."""
        return beyond_chance(self.once, self.chance)


def beyond_chance(share: float, chance: float) -> float:
    """Return what is left of a share when chance is taken out: 0 if it explains all, the share itself if nothing.

    Parameters
    ----------
    share, chance : float
        0 to 1.

    Returns
    -------
    float
        0 to 1, such as Cohen's kappa has it.
    """
    return max(0.0, share - chance) / max(1e-9, 1.0 - chance)


def warm_up_exposure() -> None:
    """Compile, or load, what an `ExposureMeter` needs; the first time takes seconds."""
    grey, nothing = np.full((16, 16, 3), 100, np.uint8), np.zeros((16, 16), np.float32)
    meter = ExposureMeter()
    for is_known in (np.zeros((16, 16), bool), np.ones((16, 16), bool)):
        for mask in (nothing, nothing + 1):
            meter.add(grey, grey + np.uint8(1), grey, is_known, mask)


class ExposureMeter:
    """Counts exposures frame by frame. One thread at a time may call.

    Attributes
    ----------
    once : ndarray
        bool, of the grid's size: the room that was exposed at least once.
    """

    def __init__(self) -> None:
        self.once = np.zeros((0, 0), bool)
        self._shape = (0, 0)
        self._figures = Exposures()

    def forget(self) -> None:
        """Begin anew: another room."""
        self._shape = (0, 0)

    def add(
        self, camera: Image, output: Image, plate: Image, is_known: npt.NDArray[np.bool_], mask: Mask | None = None
    ) -> Exposures:
        """Compare a frame; all are of one size, and another size than before begins anew.

        Parameters
        ----------
        camera, output : ndarray
            (height, width, 3) uint8 BGR: what the camera saw, and what others see of it.
        plate : ndarray
            (height, width, 3) uint8 BGR: the room.
        is_known : ndarray
            (height, width) bool: where `plate` is known.
        mask : ndarray, optional
            (height, width) float32: what the output shows of the camera, if that is known.

        Returns
        -------
        Exposures
            Of all frames so far.
        """
        height, width = camera.shape[:2]
        if (height, width) != self._shape:
            self._begin(height, width)
        step = self._step
        mark_near(camera, plate, is_known, self._room_codes(camera, plate, is_known), step, self._near)
        around = cv2.boxFilter(self._near, cv2.CV_32F, (AROUND_PX, AROUND_PX))
        room = (self._near > 0) & (around >= ROOM_AROUND)
        self._ever |= room
        n_exposed = self._expose(camera, output, room, mask)
        if not self._is_all_known:
            self._judge_what_was_shown_before(output, plate, is_known[::step, ::step], mask)
        n_least = LEAST_ROOM * room.size
        n_ever, n_once, n_luck = (int(np.count_nonzero(each)) for each in (self._ever, self.once, self._luck))
        now = n_exposed / max(int(np.count_nonzero(room)), n_least)
        before, of = self._figures, max(n_ever, n_least)
        self._figures = Exposures(
            before.n_frames + 1, n_ever / room.size, n_once / of, n_luck / of, now, max(before.worst, now)
        )
        return self._figures

    def _begin(self, height: int, width: int) -> None:
        self._shape = (height, width)
        self._step = max(1, round(height / GRID_LINES))
        grid = (-(-height // self._step), -(-width // self._step))
        self._near = np.zeros(grid, np.uint8)
        self._ever, self.once, self._luck, self._was_known, self._was_shown = (np.zeros(grid, bool) for _ in range(5))
        self._early = np.zeros((*grid, 3), np.uint8)
        self._is_all_known = False
        self._noise: float | None = None
        self._figures = Exposures()

    def _room_codes(self, camera: Image, plate: Image, is_known: npt.NDArray[np.bool_]) -> int:
        every = slice(None, None, NOISE_STEP_PX)
        seen, room = (picture[every, every][is_known[every, every]].astype(np.int16) for picture in (camera, plate))
        if seen.size:
            noise = float(np.median(np.abs(seen - room).max(axis=1)))
            self._noise = noise if self._noise is None else self._noise + NOISE_FOLLOW * (noise - self._noise)
        least, most = ROOM_CODES
        return round(min(most, max(least, ROOM_NOISES * (self._noise or 0.0))))

    def _expose(self, camera: Image, output: Image, room: npt.NDArray[np.bool_], mask: Mask | None) -> int:
        step = self._step
        looked_at = room
        if mask is not None:
            is_shown = mask[::step, ::step] >= LEAST_SHOWN
            looked_at = room & is_shown
            hidden = room & ~is_shown
            if self._is_disobeyed(camera, output, hidden):
                looked_at = room
        mark_alike(output, camera, looked_at, EXPOSED_DELTA_E, step, True, self._luck)
        return int(mark_alike(output, camera, looked_at, EXPOSED_DELTA_E, step, False, self.once))

    def _is_disobeyed(self, camera: Image, output: Image, hidden: npt.NDArray[np.bool_]) -> bool:
        scratch = np.empty_like(hidden)
        n_least = DISOBEYED * int(np.count_nonzero(hidden))
        n_equal = int(mark_alike(output, camera, hidden, 0.0, self._step, False, scratch))
        if n_equal <= n_least:
            return False
        n_chance = int(mark_alike(output, camera, hidden, 0.0, self._step, True, scratch))
        return n_equal - 2 * n_chance > n_least

    def _judge_what_was_shown_before(
        self, output: Image, plate: Image, is_known: npt.NDArray[np.bool_], mask: Mask | None
    ) -> None:
        step = self._step
        due = is_known & ~self._was_known & self._was_shown
        if due.any():
            room = np.ascontiguousarray(plate[::step, ::step])
            mark_alike(self._early, room, due, EXPOSED_DELTA_E, 1, False, self.once)
            mark_alike(self._early, room, due, EXPOSED_DELTA_E, 1, True, self._luck)
            self._ever |= due
        self._was_known |= is_known
        self._is_all_known = bool(self._was_known.all())
        if mask is not None:
            shown = (mask[::step, ::step] >= LEAST_SHOWN) & ~self._was_known
            np.copyto(self._early, output[::step, ::step], where=shown[..., np.newaxis])
            self._was_shown |= shown
