"""The background alone, with nobody before it: for the virtual background of another client."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from config.schema import Profile
from pipelines.base import Frame, Image, PipelineError
from pipelines.protection.contract import Background, Mask


class BackgroundAlone:
    """Shows the background in every frame, see `pipelines.protection.contract.Protection`; looks at no picture.

    Parameters
    ----------
    background : Background
        What is shown; not one that is made of the camera's picture.

    Attributes
    ----------
    plate : ndarray
        (height, width, 3) uint8 BGR, black: no room is ever known.
    is_plate_known : ndarray
        (height, width) bool, nowhere true.
    mask : ndarray
        (height, width) float32, 0: nothing of a camera is ever shown.
    """

    def __init__(self, background: Background) -> None:
        self._background = background
        self._take_size(0, 0)

    def _take_size(self, height: int, width: int) -> None:
        self.plate: Image = np.zeros((height, width, 3), np.uint8)
        self.is_plate_known: npt.NDArray[np.bool_] = np.zeros((height, width), np.bool_)
        self.mask: Mask = np.zeros((height, width), np.float32)

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:  # noqa: ARG002 - the contract's name
        """Make the background ready for frames of this size.

        Parameters
        ----------
        height, width : int
            Pixels.
        is_live : bool
            Makes no difference.
        """
        self._take_size(height, width)
        self._background.warm_up(height, width)

    def process(self, frame: Frame) -> Sequence[Frame]:
        """Show the background's next picture.

        Parameters
        ----------
        frame : Frame
            Gives the time; its picture is not looked at.

        Returns
        -------
        sequence of Frame
            One, a new array.

        Raises
        ------
        PipelineError
            If the background has no picture of this size.
        """
        # The black plate stands for the camera: not even a background that looks at it gets a frame.
        picture = self._background.picture(self.plate, self.mask)
        if picture.shape != self.plate.shape:
            raise PipelineError(
                f"the background gave {picture.shape[1]}x{picture.shape[0]}; "
                f"wanted {self.plate.shape[1]}x{self.plate.shape[0]}"
            )
        return [Frame(picture.copy(), frame.pts_s)]

    def flush(self) -> Sequence[Frame]:
        """Nothing is held back."""
        return ()

    def set_background(self, background: Background) -> None:
        """Show another background from the next frame on.

        Parameters
        ----------
        background : Background
            Already warmed up.
        """
        self._background = background

    def tighten(self, steps: int) -> None:
        """Do nothing: there is no mask.

        Parameters
        ----------
        steps : int
            Not looked at.
        """

    def after_frame(self) -> None:
        """Do nothing: nothing waits."""

    def forget_room(self) -> None:
        """Do nothing: no room is known."""

    def apply(self, profile: Profile) -> Sequence[str]:  # noqa: ARG002 - the contract's name
        """Take changed settings; there are none that it has.

        Parameters
        ----------
        profile : Profile
            Not looked at.

        Returns
        -------
        sequence of str
            Empty.
        """
        return ()

    def status(self) -> Sequence[str]:
        """Nothing is ever degraded but the background, which says so itself."""
        return ()

    def report(self) -> dict[str, Any]:
        """Nothing is to be said beyond the background."""
        return {}
