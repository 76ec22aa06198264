"""The protected camera: the mask of a frame decides what that frame shows, and of nothing else."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from config.schema import Profile
from pipelines.base import Frame, Image, PipelineError
from pipelines.protection.contract import Background, Mask
from pipelines.segmentation import Segmenter, open_segmenter


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
    """

    def __init__(self, profile: Profile, background: Background, segmenter: Segmenter | None = None) -> None:
        self._settings = profile.mask
        self._segmenter = segmenter or open_segmenter(profile.mask.person_model)
        self._background = background
        self._tightened = 0
        self.plate: Image = np.zeros((0, 0, 3), np.uint8)
        self.is_plate_known: npt.NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self.mask: Mask = np.zeros((0, 0), np.float32)

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:  # noqa: ARG002 - the contract's name
        """Allocate and compile for frames of this size."""
        self.plate = np.zeros((height, width, 3), np.uint8)
        self.is_plate_known = np.zeros((height, width), np.bool_)
        self.mask = np.zeros((height, width), np.float32)
        self._background.warm_up(height, width)
        self._segmenter.small_probability(self.plate)

    def process(self, frame: Frame) -> Sequence[Frame]:
        """Return the frame as the others may see it."""
        if frame.image.shape[:2] != self.mask.shape:
            got, wanted = frame.image.shape[1::-1], self.mask.shape[::-1]
            raise PipelineError(f"a frame is {got[0]}x{got[1]}, the stream began as {wanted[0]}x{wanted[1]}")
        probability = self._segmenter.probability(frame.image)
        self.mask = (probability >= self._settings.least_probability).astype(np.float32)
        behind = self._background.picture(frame.image, self.mask)
        return [Frame(np.where(self.mask[..., None] > 0, frame.image, behind), frame.pts_s)]

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
        self.is_plate_known[:] = False

    def apply(self, profile: Profile) -> Sequence[str]:
        """Take changed settings while running."""
        left_alone = []
        if profile.mask.person_model != self._settings.person_model:
            left_alone.append("mask.person_model changes at the next start")
        self._settings = profile.mask.model_copy(update={"person_model": self._settings.person_model})
        return left_alone

    def status(self) -> Sequence[str]:
        """Say what is degraded."""
        return ()

    def report(self) -> dict[str, Any]:
        """Return what is to be said in `report.json`."""
        return {"person_model": self._segmenter.backend}
