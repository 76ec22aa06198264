"""The contract of a sink of frames, and its error."""

from typing import Protocol

from pipelines.base import Frame


class SinkError(Exception):
    """A sink cannot be opened or written: the message names what, got, wanted and the remedy."""


class Sink(Protocol):
    """Takes frames of one size. Opened by its first `write`; both calls come from the sink's own thread.

    Opening waits for the first frame because only that tells the size, and because a display must be opened,
    used and closed by the same thread.
    """

    @property
    def name(self) -> str:
        """As a person would name it, such as ``virtual camera /dev/video10``."""

    @property
    def is_live(self) -> bool:
        """True where somebody watches while it happens: late frames are dropped in favour of newer ones."""

    def write(self, frame: Frame) -> None:
        """Show or store one frame; returns when the frame's array is no longer needed.

        Parameters
        ----------
        frame : Frame
            The next one, in order of `pts_s`; never written to.

        Raises
        ------
        SinkError
            If the sink cannot be opened or written, or the frame's size differs from the first one's.
        """

    def close(self) -> None:
        """Finish the file or let go of the device; calling it again does nothing.

        Raises
        ------
        SinkError
            If what was written cannot be finished.
        """
