"""The protected camera: the mask of a frame decides what that frame shows, and of nothing else.

In this order, for each frame: look for the person (`looks`), judge every pixel by looks and plate (`guard`), learn the
room (`plate`), put the background behind the person, and take the room's light out of the person's edge (`kernels`).
Frames with more lines than `mask.work_height_px` are judged at that height; the mask is then enlarged, and only its
inner half is shown, so that nothing outside of it comes into sight.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from config.schema import Profile
from pipelines.base import Frame, Image, PipelineError, check_size
from pipelines.protection.compositing import Compositor
from pipelines.protection.contract import Background, Mask
from pipelines.protection.guard import Guard, MaskCodes
from pipelines.protection.looks import CloseUps
from pipelines.protection.plate import Plate
from pipelines.segmentation import Segmenter, open_segmenter

INNER_HALF = np.clip(2 * np.arange(256, dtype=np.float32) / 255 - 1, 0, 1)
"""Of the slope that enlarging a mask makes only the inner half is shown."""

AT_START = ("person_model", "looks", "work_height_px")
"""Settings that only a restart can change."""


class ProtectionPipeline:
    """Shows the person over a background. Called from the loop's thread only.

    Parameters
    ----------
    profile : Profile
        Section `mask`.
    background : Background
        Warmed up here.
    segmenter : Segmenter, optional
        What finds the person, instead of what the profile names.

    Attributes
    ----------
    mask : ndarray
        See `contract.Protection`; all zero before the first frame and after one that failed.
    """

    def __init__(self, profile: Profile, background: Background, segmenter: Segmenter | None = None) -> None:
        self._settings = profile.mask
        self._segmenter = segmenter or open_segmenter(profile.mask.person_model)
        self._background = background
        self._tightened = 0
        self._takes_turns = False
        self._waiting: Image | None = None
        self.mask: Mask = np.zeros((0, 0), np.float32)
        self._begin(0, 0)

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        """Allocate and compile for frames of this size."""
        looks = self._settings.looks
        is_slow = is_live and self._segmenter.backend == "opencv"
        self._takes_turns = looks == "in_turn" or (looks == "auto" and is_slow)
        lines = min(height, self._settings.work_height_px)
        columns = max(1, round(width * lines / height))
        self.mask = np.zeros((height, width), np.float32)
        self._begin(lines, columns)
        self._background.warm_up(height, width)
        self._compile()

    @property
    def plate(self) -> Image:
        """(height, width, 3) uint8 BGR: the room as far as it is known; means nothing elsewhere."""
        # OpenCV rounds and clips on the way: a quarter of the time of doing it step by step.
        light: Any = (*self._plate.light.tolist(), 0.0)
        colors = cv2.add(self._plate.colors, light, dtype=cv2.CV_8U)
        return np.asarray(self._enlarged(colors, cv2.INTER_LINEAR), np.uint8)

    @property
    def is_plate_known(self) -> npt.NDArray[np.bool_]:
        """(height, width) bool: where the room is known."""
        known = (self._plate.seen > 0).astype(np.uint8)
        large: npt.NDArray[np.bool_] = self._enlarged(known, cv2.INTER_NEAREST).astype(np.bool_)
        return large

    def after_frame(self) -> None:
        """Look for others in the latest frame, where that had to wait, and learn the room from it."""
        small, self._waiting = self._waiting, None
        if small is not None:
            self._close_ups.look_around(small)
            self._plate.learn(small, self._close_ups.most)

    def process(self, frame: Frame) -> Sequence[Frame]:
        """Return the frame as the others may see it.

        Parameters
        ----------
        frame : Frame
            Of the size given to `warm_up`.

        Returns
        -------
        sequence of Frame
            One, a new array.

        Raises
        ------
        PipelineError
            If the frame has another size, or there is no background.
        """
        image = frame.image
        check_size(frame, *self.mask.shape)
        self.mask = np.zeros_like(self.mask)
        self.after_frame()
        lines, columns = self._plate.seen.shape
        small = image if image.shape[0] == lines else _resized(image, columns, lines)
        looks = self._close_ups.look(small)
        shown = self._guard.mask(small, looks, self._settings, self._tightened)
        self._close_ups.follow(shown)
        if self._close_ups.is_to_look_around:
            self._waiting = small
        else:
            self._plate.learn(small, self._close_ups.most)
        mask = self._enlarged_mask(shown)
        output = self._composed(image, mask, small, shown)
        self.mask = mask
        return [Frame(output, frame.pts_s)]

    def flush(self) -> Sequence[Frame]:
        """Nothing is held back."""
        return ()

    def set_background(self, background: Background) -> None:
        """Put another background in the room's place from the next frame on."""
        if self.mask.size:
            background.warm_up(*self.mask.shape)
        self._background = background

    def tighten(self, steps: int) -> None:
        """Take more away around the person."""
        self._tightened = steps

    def forget_room(self) -> None:
        """Forget the plate: the camera was moved."""
        self._plate.forget()
        self._waiting = None

    def apply(self, profile: Profile) -> Sequence[str]:
        """Take changed settings while running."""
        kept = {name: getattr(self._settings, name) for name in AT_START}
        left_alone = [
            f"mask.{name} changes at the next start" for name in AT_START if getattr(profile.mask, name) != kept[name]
        ]
        self._settings = profile.mask.model_copy(update=kept)
        return left_alone

    def status(self) -> Sequence[str]:
        """Say what is degraded."""
        lines, columns = self._plate.seen.shape
        notices = []
        if lines < self.mask.shape[0]:
            notices.append(f"the mask is made at {columns}x{lines}")
        if self._takes_turns:
            notices.append(
                "the looks straight and mirrored take turns (mask.looks); both at every frame hide a little more, and "
                "are quick enough with LiteRT: pip install 'backroom[litert]'"
            )
        if self.mask.size and self._close_ups.box is None:
            notices.append("nobody is seen: only the background is shown")
        return notices

    def report(self) -> dict[str, Any]:
        """Return what is to be said in `report.json`."""
        lines, columns = self._plate.seen.shape
        return {
            "person_model": self._segmenter.backend,
            "looks": "in turn" if self._takes_turns else "both",
            "work_size": [columns, lines],
            "room_known": round(float((self._plate.seen > 0).mean()), 4),
            "room_forgotten": self._plate.n_moves,
            "camera_noise_codes": round(self._plate.noise, 2),
            "tightened": self._tightened,
        }

    def _composed(self, image: Image, mask: Mask, small: Image, shown: MaskCodes) -> Image:
        """Lay the person over the background."""
        behind = self._background.picture(image, mask)
        if behind.shape != image.shape:
            raise PipelineError(f"the background gave {behind.shape[1]}x{behind.shape[0]}; wanted the camera's size")
        return self._compositor.composed(image, mask, behind, small, shown, self._plate)

    def _enlarged_mask(self, shown: MaskCodes) -> Mask:
        """Return the mask at the frame's size: of the slope that enlarging makes only the inner half."""
        if shown.shape == self.mask.shape:
            return shown.astype(np.float32)
        mask = cv2.LUT(self._enlarged(255 * shown, cv2.INTER_LINEAR), INNER_HALF)
        return np.asarray(mask, np.float32)

    def _enlarged(self, picture: npt.NDArray[Any], way: int) -> npt.NDArray[Any]:
        height, width = self.mask.shape
        if picture.shape[:2] == (height, width):
            return picture
        return cv2.resize(picture, (width, height), interpolation=way)

    def _begin(self, lines: int, columns: int) -> None:
        """Know nothing, at this working size."""
        self._close_ups = CloseUps(self._segmenter, lines, columns, takes_turns=self._takes_turns)
        self._plate = Plate(lines, columns)
        self._guard = Guard(self._plate)
        self._compositor = Compositor(lines, columns)
        self._waiting = None

    def _compile(self) -> None:
        """Run everything once on a black picture, and forget it: the first frame is not to wait."""
        height, width = self.mask.shape
        black = np.zeros((height, width, 3), np.uint8)
        self._segmenter.small_probability(black)
        lines, columns = self._plate.seen.shape
        small, looks = black[:lines, :columns].copy(), np.full((2, lines, columns), 255, np.uint8)
        self._plate.learn(small, 255 - looks[0])
        shown = self._guard.mask(small, looks, self._settings, 0)
        self._composed(black, self._enlarged_mask(shown), small, shown)
        self._begin(lines, columns)


def _resized(image: Image, width: int, height: int) -> Image:
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
