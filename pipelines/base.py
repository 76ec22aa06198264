"""The contract between the engine and what it runs: frames in, frames out.

The loop, the sources and the sinks know this module of `pipelines` and no other, so that a pipeline runs in
a test without a device and the engine runs without any one pipeline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""A picture: (height, width, 3) or, with alpha, (height, width, 4) uint8, BGR order, 0 to 255, C-contiguous."""


class PipelineError(Exception):
    """A pipeline cannot go on: the message names what, got, wanted and the remedy."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a stream and when it was shown.

    Whoever receives a frame may keep it and must not write to it: the source or pipeline that made it does
    not touch the array again, and several sinks share it.

    Attributes
    ----------
    image : ndarray
        (height, width, 3) uint8, BGR, C-contiguous.
    pts_s : float
        Presentation time in seconds on the source's clock; never decreases within a stream.
    is_placeholder : bool
        True for a picture that stands in for one that could not be had (a lost camera). It shows nothing
        of the source: no pipeline may count it.
    """

    image: Image
    pts_s: float
    is_placeholder: bool = False


def check_size(frame: Frame, height: int, width: int, remedy: str = "") -> None:
    """Refuse a frame of another size than the stream began with.

    Parameters
    ----------
    frame : Frame
        The frame.
    height, width : int
        Size that it must have, in pixels.
    remedy : str, optional
        What the person can do about it.

    Raises
    ------
    PipelineError
        If it has another.
    """
    got_height, got_width = frame.image.shape[:2]
    if (got_height, got_width) != (height, width):
        sizes = f"a frame is {got_width}x{got_height}, the stream began as {width}x{height}"
        raise PipelineError(f"{sizes}; {remedy}" if remedy else sizes)


class Pipeline(Protocol):
    """What the loop runs between a source and its sinks. All calls come from one thread, the loop's."""

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        """Allocate and compile for frames of this size; called once, before the source starts to deliver.

        Parameters
        ----------
        height, width : int
            Size of the frames to come, in pixels.
        is_live : bool
            True where each frame is to be worked off before the next comes; False where only the sum of the
            time counts, so that several frames may be worked on together.

        Raises
        ------
        PipelineError
            If frames of this size cannot be worked on.
        """

    def process(self, frame: Frame) -> Sequence[Frame]:
        """Take the next frame.

        Parameters
        ----------
        frame : Frame
            Of the size given to `warm_up`; the array stays the sender's, see `Frame`.

        Returns
        -------
        sequence of Frame
            What the sinks get now: none, one or more.

        Raises
        ------
        PipelineError
            If the frame has another size or the pipeline cannot go on.
        """

    def flush(self) -> Sequence[Frame]:
        """End the stream; called once, after the last frame, also when the source failed.

        Returns
        -------
        sequence of Frame
            What the sinks get last.
        """


@dataclass(frozen=True, slots=True)
class Findings:
    """What a reconstruction knows of the room at one moment.

    Attributes
    ----------
    room : ndarray
        (height, width, 4) uint8 BGRA. The colour is the method's at every pixel; alpha is 255 where the
        method claims to have seen the room and 0 elsewhere.
    backdrop : ndarray
        (height, width, 3) uint8 BGR: the virtual background as far as it is known.
    coverage : float
        Share of claimed pixels, 0 to 1.
    confidence : ndarray or None
        (height, width) uint8: how likely each pixel's colour is the room's, 255 being surely; None where the
        method does not say.
    leaks : ndarray or None
        (height, width) uint16: in how many separate episodes the claimed colour of each pixel was seen, 0 where
        nothing is claimed; None where the method does not say.
    """

    room: Image
    backdrop: Image
    coverage: float
    confidence: npt.NDArray[np.uint8] | None = None
    leaks: npt.NDArray[np.uint16] | None = None


@runtime_checkable
class Reconstruction(Pipeline, Protocol):
    """A pipeline that finds the room behind a virtual background. Called from the loop's thread only."""

    @property
    def n_frames(self) -> int:
        """Frames counted so far, those of a resumed state included."""

    def findings(self, step_px: int = 1, *, is_preview: bool = False) -> Findings:
        """Work out the room from what was counted.

        Parameters
        ----------
        step_px : int
            Look at every `step_px`-th row and column only; 1 is every pixel.
        is_preview : bool
            True while frames are waiting: a method that needs long may show what it knew some seconds ago.

        Returns
        -------
        Findings
            Of size ceil(height / step_px), ceil(width / step_px); the arrays are the caller's.
        """

    def reset(self) -> None:
        """Forget every frame; the size stays."""

    def apply(self, settings: Any) -> Sequence[str]:
        """Take changed settings while running.

        Parameters
        ----------
        settings : WatchSettings
            The changed section of the profile, already validated.

        Returns
        -------
        sequence of str
            One line for each change that needs a restart and was therefore left alone.
        """

    def status(self) -> Sequence[str]:
        """Say in one line each what is degraded at the moment (counts no longer exact, ...)."""

    def report(self) -> dict[str, Any]:
        """Return what the method has to say for `report.json`: exact or not, memory, sizes; JSON values only."""

    def save(self, path: Path, extra: dict[str, Any], *, durable: bool = True) -> None:
        """Write the state atomically: the old file stays whole until the new one is.

        Parameters
        ----------
        path : Path
            File to write or replace.
        extra : dict
            JSON values to keep beside the counts (which recording was counted how far).
        durable : bool
            Wait until the disk has it, so that it outlives a power cut; without that it outlives a kill.

        Raises
        ------
        PipelineError
            If it cannot be written; the old file is intact.
        """

    def resume(self, path: Path) -> dict[str, Any]:
        """Load a state written by `save` in place of the present counts; called after `warm_up`.

        Parameters
        ----------
        path : Path
            File to read.

        Returns
        -------
        dict
            The `extra` that was saved.

        Raises
        ------
        PipelineError
            If it is not a state, of another version, method or size; the present counts are intact.
        """
