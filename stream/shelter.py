"""The wall around a protection: what comes out of it is protected, or a placeholder, and nothing else.

Whatever goes wrong inside (a lost camera, a model that fails, a background that cannot be had, a frame of another size,
an answer that looks like the camera's own picture) turns into a placeholder, frame by frame: the next frame is tried
again, so that it recovers by itself. There is no way around: `process` is the only door to the sinks.

Limits: what is let through where the mask is wrong is the protection's business (`pipelines.protection`) and the leak
meter's. A frame that hangs inside stops the stream: viewers keep seeing the last protected picture.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pipelines.base import Frame, Image, PipelineError
from pipelines.protection.backgrounds import BackgroundError
from pipelines.protection.contract import Protection
from stream.framing import Framing
from stream.sources.placeholder import draw_placeholder

LOST = "camera lost, trying again"
NO_BACKGROUND = "no background, trying again"
FAILED = "protection failed, trying again"
"""What placeholders say. They are sent to others: nothing of the error's own text, which may name files."""

SAMPLE_PX = 8
"""Every so many rows and columns are compared with the camera's."""

MOST_ALIKE = 0.98
"""Share of those that may be the camera's own. A frame that is nearly all camera hides nothing."""


class RefusedFrameError(PipelineError):
    """The protection gave something that must not be shown."""


class Shelter:
    """Runs a protection behind the wall, see `pipelines.base.Pipeline`; called from the loop's thread.

    Parameters
    ----------
    protection : Protection
        Not warmed up yet.
    framing : Framing
        Makes what is protected of what the camera gives.
    pause_text : str
        What the placeholder says while paused.
    absence : callable, optional
        Says why the source gives placeholders, in words that may be sent to others.
    has_camera : bool, optional
        False where the source is blank, so that nothing in its frames is to be hidden: a black background may then be
        as black as they are.

    Attributes
    ----------
    camera : ndarray or None
        What was protected in the latest frame; None where that became a placeholder or there is no camera.
    failures : Counter
        How many frames became placeholders, by reason in few words.
    placeholders : Counter
        How many there were by what they said, those for a lost camera and a pause included.
    """

    def __init__(
        self,
        protection: Protection,
        framing: Framing,
        pause_text: str,
        absence: Callable[[], str] = lambda: LOST,
        *,
        has_camera: bool = True,
    ) -> None:
        self.protection = protection
        self.framing = framing
        self.pause_text = pause_text
        self.camera: Image | None = None
        self._absence = absence
        self._has_camera = has_camera
        self.failures: Counter[str] = Counter()
        self.placeholders: Counter[str] = Counter()
        self._is_paused = False
        self._is_ready = False
        self._problem = ""
        self._drawn: dict[str, Image] = {}

    @property
    def n_placeholders(self) -> int:
        """All placeholders so far."""
        return sum(self.placeholders.values())

    @property
    def is_paused(self) -> bool:
        """Whether every frame becomes a placeholder."""
        return self._is_paused

    def pause(self, paused: bool) -> None:
        """Show placeholders from this moment on, the frame under way included; from any thread or signal handler.

        Parameters
        ----------
        paused : bool
            False goes on.
        """
        self._is_paused = paused  # a plain store: a signal handler must not wait for a lock

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:  # noqa: ARG002 - the framing says the size
        """Make the protection ready.

        Parameters
        ----------
        height, width : int
            Of the camera's pictures.
        is_live : bool
            As in `Pipeline.warm_up`.

        Raises
        ------
        PipelineError
            If it cannot be: nothing was shown yet, and nothing will be.
        """
        self.protection.warm_up(self.framing.height, self.framing.width, is_live=is_live)
        self._is_ready = True

    def process(self, frame: Frame) -> Sequence[Frame]:
        """Protect a frame.

        Parameters
        ----------
        frame : Frame
            From the source.

        Returns
        -------
        sequence of Frame
            One: protected or a placeholder.
        """
        self.camera = None
        if self._paused():
            return [self.placeholder(self.pause_text, frame.pts_s)]
        if frame.is_placeholder:
            return [self.placeholder(self._absence(), frame.pts_s)]
        try:
            camera = self.framing.apply(frame.image)
            output = self._checked(self.protection.process(Frame(camera, frame.pts_s)), camera, frame.image)
        except Exception as error:  # noqa: BLE001 - whatever it is, the frame must not be shown
            return [self._fail(error, frame.pts_s)]
        if self._paused():  # in the meantime
            return [self.placeholder(self.pause_text, frame.pts_s)]
        self.camera, self._problem = camera if self._has_camera else None, ""
        return [Frame(output, frame.pts_s)]

    def after_frame(self) -> None:
        """Let the protection do what need not delay the latest frame; what fails there shows nothing and is counted."""
        try:
            self.protection.after_frame()
        except Exception as error:  # noqa: BLE001 - that frame is out, and the next one is protected by itself
            self._note(error)

    def flush(self) -> Sequence[Frame]:
        """End the protection's stream; what it holds back, if anything, is not shown."""
        try:
            self.protection.flush()
        except Exception as error:  # noqa: BLE001 - the stream has ended anyway
            self._note(error)
        return ()

    def placeholder(self, text: str, pts_s: float) -> Frame:
        """Return a placeholder of the stream's size.

        Parameters
        ----------
        text : str
            What it says.
        pts_s : float
            Its time.

        Returns
        -------
        Frame
            Nothing of the camera is in it.
        """
        if text not in self._drawn:
            self._drawn[text] = draw_placeholder(self.framing.height, self.framing.width, text)
        self.placeholders[text] += 1
        return Frame(self._drawn[text], pts_s, is_placeholder=True)

    def status(self) -> Sequence[str]:
        """Say in one line each what is degraded at the moment."""
        problem = [f"placeholders are shown: {self._problem}"] if self._problem else []
        # Views are shown something before the protection is warmed up: it need not know then how it is.
        return [*problem, *(self.protection.status() if self._is_ready else ())]

    def report(self) -> dict[str, Any]:
        """Return what is to be said in `report.json`; JSON values only."""
        return {
            "placeholders": self.n_placeholders,
            "placeholders_by_reason": dict(self.placeholders),
            "failures": sum(self.failures.values()),
            "failures_by_reason": dict(self.failures),
        }

    def _paused(self) -> bool:
        return self._is_paused

    def _fail(self, error: Exception, pts_s: float) -> Frame:
        self._note(error)
        return self.placeholder(NO_BACKGROUND if isinstance(error, BackgroundError) else FAILED, pts_s)

    def _note(self, error: Exception) -> None:
        is_expected = isinstance(error, PipelineError)
        self._problem = str(error) if is_expected else f"{type(error).__name__} in the protection ({error})"
        self.failures[str(error) if is_expected else type(error).__name__] += 1

    def _checked(self, outputs: Sequence[Frame], camera: Image, source: Image) -> Image:
        if len(outputs) != 1:
            raise RefusedFrameError(f"the protection gave {len(outputs)} frames for one")
        image = outputs[0].image
        wanted = (self.framing.height, self.framing.width, 3)
        if image.shape != wanted or image.dtype != np.uint8 or not image.flags.c_contiguous:
            raise RefusedFrameError(f"the protection gave {image.shape} {image.dtype}, wanted {wanted} uint8")
        # By bounds: two pictures that only interleave are refused as well.
        if np.may_share_memory(image, camera) or np.may_share_memory(image, source):
            raise RefusedFrameError("the protection gave the camera's own picture")
        if not self._has_camera:
            return image
        alike = (image[::SAMPLE_PX, ::SAMPLE_PX] == camera[::SAMPLE_PX, ::SAMPLE_PX]).all(axis=2).mean()
        if alike > MOST_ALIKE:
            raise RefusedFrameError("hardly anything of the camera's picture was replaced")
        return image
