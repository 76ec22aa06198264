"""A camera that is on only while somebody watches what is made of it.

A thread of its own asks, ten times a second, whether anybody watches, so that neither a camera that blocks nor a
paused loop delays the answer. The camera is let go some seconds after the last reader has left: a client that changes
its settings closes its camera and opens it again, and a webcam takes a second to start.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from config.schema import ProtectSettings
from pipelines.base import Frame
from stream.consumers.base import Consumers
from stream.sources.base import CaptureError, RestingSource, SourceInfo

ASK_EVERY_S = 0.1
"""Time between two questions: what a reader waits for the camera to be opened, at most, on top of its own start."""

NOBODY_WATCHES = "camera off: nobody watches"

_CLOSE_S = 2.0
"""Longest wait for the asking thread, which may be looking through all programs."""


class OnDemandSource:
    """Lets a camera rest while nobody watches, see `stream.sources.base.Source`.

    Parameters
    ----------
    camera : RestingSource
        Open, and let go at once; read, closed and put to rest by this source from now on.
    consumers : Consumers
        Who watches; closed by this source.
    settings : ProtectSettings
        `camera_on` and `camera_off_after_s`.
    now_s : callable
        Seconds on a clock that does not go back.
    """

    def __init__(
        self,
        camera: RestingSource,
        consumers: Consumers,
        settings: ProtectSettings,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._camera = camera
        self._consumers = consumers
        self._settings = settings
        self._n_times_on = 0
        self._now_s = now_s
        self._is_resting = True
        self._watched_s = now_s()
        self._failure: BaseException | None = None
        self._stopping = threading.Event()
        camera.rest(NOBODY_WATCHES)
        self._thread = threading.Thread(target=self._run, name="consumers", daemon=True)
        self._thread.start()

    @property
    def info(self) -> SourceInfo:
        """What the camera is; does not change while it is open."""
        return self._camera.info

    @property
    def status(self) -> str:
        """What the camera says, that it is off, and why it is on where nobody can tell; may be read from any thread."""
        said = (self._camera.status, "" if self._consumers.can_tell else self._consumers.how)
        return "; ".join(filter(None, said))

    @property
    def n_missed(self) -> int:
        """Pictures that the camera was too late for."""
        return self._camera.n_missed

    @property
    def absence(self) -> str:
        """What a placeholder says; may be read from any thread."""
        return self._camera.absence

    def apply(self, settings: ProtectSettings) -> None:
        """Take changed settings while running; may be called from any thread.

        Parameters
        ----------
        settings : ProtectSettings
            The new ones.
        """
        self._settings = settings

    def report(self) -> dict[str, Any]:
        """Return what is to be said in `report.json`; JSON values only."""
        return {
            "camera": {
                "on": self._settings.camera_on,
                "times_on": self._n_times_on,
                "watching_known_by": self._consumers.how,
            }
        }

    def read(self) -> Frame | None:
        """Wait for the next picture, a second at most.

        Returns
        -------
        Frame or None
            The camera's, or a placeholder while nobody watches; None once closed.

        Raises
        ------
        CaptureError
            If the camera broke, or asking who watches failed.
        """
        if self._failure is not None:
            raise CaptureError(f"{self.info.name}: asking who watches failed: {self._failure}") from self._failure
        return self._camera.read()

    def close(self) -> None:
        """Let go of the camera and the device that is asked; calling it again does nothing."""
        self._stopping.set()
        self._thread.join(_CLOSE_S)
        self._camera.close()

    def _run(self) -> None:
        try:
            while not self._stopping.wait(ASK_EVERY_S):
                self._ask()
        except BaseException as error:  # noqa: BLE001 - `read` raises it in the caller's thread
            self._failure = error
            self._camera.rest("camera off")
        finally:
            self._consumers.close()

    def _ask(self) -> None:
        now_s, settings = self._now_s(), self._settings
        # Asked also where the answer does not matter, so that it is known when it does.
        if self._consumers.is_watched() or settings.camera_on == "always":
            self._watched_s = now_s
            if self._is_resting:
                self._is_resting = False
                self._n_times_on += 1
                self._camera.rest("")
        elif not self._is_resting and now_s - self._watched_s >= settings.camera_off_after_s:
            self._is_resting = True
            self._camera.rest(NOBODY_WATCHES)
