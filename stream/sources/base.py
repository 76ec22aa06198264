"""The contract of a source of frames, and its error."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pipelines.base import Frame


class CaptureError(Exception):
    """A source cannot be opened or read: the message names what, got, wanted and the remedy."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source says of itself once it is open.

    Attributes
    ----------
    name : str
        As a person would name it, such as ``screen 1 (1920x1080)`` or ``call.mp4``.
    height, width : int
        Size of every frame to come, in pixels.
    rate_hz : float or None
        Nominal frames a second; None where it is not known.
    is_live : bool
        True where time does not wait: frames not taken in time are dropped by the loop, and counted.
    n_frames : int or None
        How many frames are to come, as far as the container says; None where nobody knows.
    """

    name: str
    height: int
    width: int
    rate_hz: float | None
    is_live: bool
    n_frames: int | None = None


class Source(Protocol):
    """A stream of frames of one size. Open when constructed; `read` and `close` come from one thread each.

    The loop calls `read` again and again from its capture thread, and `close` once, after the last `read`
    returned. A live source paces itself: `read` returns when the next frame is there, within one second (a
    camera that is lost gives placeholder frames and goes on trying), so that a stop is never held up.
    """

    @property
    def info(self) -> SourceInfo:
        """What the source is; does not change while it is open."""

    @property
    def status(self) -> str:
        """One line on what is wrong at the moment (camera lost, slow capture path), or an empty string.

        May be read from any thread.
        """

    @property
    def n_missed(self) -> int:
        """Frames that a live source itself was too late for, on top of what the loop drops; 0 for recordings."""

    def read(self) -> Frame | None:
        """Wait for the next frame.

        Returns
        -------
        Frame or None
            The next frame, of the size in `info`, its array never written again by the source; None at the
            end of the stream, and from then on.

        Raises
        ------
        CaptureError
            If the source broke or its frames changed size; all frames before were good.
        """

    def close(self) -> None:
        """Let go of the device or file; calling it again does nothing."""


@runtime_checkable
class RegionSource(Source, Protocol):
    """A source that shows a part of something larger, which a person may pick anew: a screen."""

    def with_region(self, region_px: tuple[int, int, int, int]) -> Any:
        """Return what to open for a part of the present picture.

        Parameters
        ----------
        region_px : tuple of int
            (x, y, width, height) in pixels of the present frames.

        Returns
        -------
        ScreenTarget
            For a new source; this one goes on unchanged.
        """

    def whole_screen(self) -> Any:
        """Return what to open for all of the screen; this source goes on unchanged."""


@runtime_checkable
class AbsentSource(Source, Protocol):
    """A source that says why it gives placeholders at the moment, in words that may be sent to others."""

    @property
    def absence(self) -> str:
        """What placeholders say: ASCII, no name of a device, a file or a program. May be read from any thread."""


@runtime_checkable
class RestingSource(AbsentSource, Protocol):
    """A live source that can let its device go for a while and take it again: a camera, whose light goes off."""

    def rest(self, reason: str) -> None:
        """Let the device go, or take it again; returns at once, may be called from any thread and again.

        While it rests, `read` gives placeholders; from the moment of this call on no picture that was taken before.

        Parameters
        ----------
        reason : str
            Why it rests, for `absence` and `status`; empty takes the device again.
        """
