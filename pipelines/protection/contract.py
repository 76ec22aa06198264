"""What a protection promises, and what it is given to put in the room's place."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from config.schema import Profile
from pipelines.base import Image, Pipeline

Mask = npt.NDArray[np.float32]
"""(height, width) float32, 0 (the background is shown) to 1 (the camera is shown), C-contiguous."""


class Background(Protocol):
    """Pictures that stand in for the room. Called from one thread, once a frame, in order."""

    @property
    def name(self) -> str:
        """As a person would name it, such as ``#3c4a5a`` or ``beach.jpg``."""

    def warm_up(self, height: int, width: int) -> None:
        """Make ready for frames of this size; called again where the size changes.

        Parameters
        ----------
        height, width : int
            Pixels.

        Raises
        ------
        PipelineError
            If it cannot be had; the frames to come must not show the camera.
        """

    def picture(self, camera: Image, mask: Mask) -> Image:
        """Return what the next frame shows in the room's place.

        Parameters
        ----------
        camera : ndarray
            (height, width, 3) uint8 BGR: what the camera sees, room and all. Only a background that is made of the
            room (blur) may look at it.
        mask : ndarray
            (height, width) float32, where the frame will show the camera.

        Returns
        -------
        ndarray
            (height, width, 3) uint8 BGR, the background's own and valid until the next call; not to be written to.

        Raises
        ------
        PipelineError
            If there is none (a video that cannot be read any more): the frame becomes a placeholder.
        """

    def close(self) -> None:
        """Let go of files and processes; calling it again does nothing."""


@runtime_checkable
class Protection(Pipeline, Protocol):
    """A pipeline that shows the person and hides the room: one frame out for each frame in, of the same size.

    Its frames are new arrays. It never gives a frame of the camera away as it came: whatever fails raises, and the
    session then shows a placeholder (`stream.shelter`).
    """

    def after_frame(self) -> None:
        """Do what need not delay the latest frame: it is on its way to the viewers.

        Called after each frame, before anything else is asked of the protection. Where it is not called, the next
        `process` does the same first, and gives the same.

        Raises
        ------
        PipelineError
            As in `process`; no frame is held back for it.
        """

    @property
    def plate(self) -> Image:
        """(height, width, 3) uint8 BGR: the room as far as it is known; means nothing elsewhere."""

    @property
    def is_plate_known(self) -> npt.NDArray[np.bool_]:
        """(height, width) bool: where the room is known."""

    @property
    def mask(self) -> Mask:
        """Share of the camera in the latest frame."""

    def set_background(self, background: Background) -> None:
        """Put another background in the room's place from the next frame on.

        Parameters
        ----------
        background : Background
            Already warmed up, or warmed up here if the size is known; the caller closes the one before.
        """

    def tighten(self, steps: int) -> None:
        """Take more away around the person.

        Parameters
        ----------
        steps : int
            0 is what the profile says, each step one pixel at 360 lines more; the leak meter sets it.
        """

    def forget_room(self) -> None:
        """Forget the plate: the camera was moved."""

    def apply(self, profile: Profile) -> Sequence[str]:
        """Take changed settings while running.

        Parameters
        ----------
        profile : Profile
            Already validated.

        Returns
        -------
        sequence of str
            One line for each change that needs a restart and was therefore left alone.
        """

    def status(self) -> Sequence[str]:
        """Say in one line each what is degraded at the moment."""

    def report(self) -> dict[str, Any]:
        """Return what is to be said in `report.json`; JSON values only."""
