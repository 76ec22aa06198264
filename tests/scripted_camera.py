"""A webcam that does as a test tells it, the port that it is plugged into, and those who watch."""

import itertools
import queue
import threading
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from config.schema import CameraSettings
from stream.sources.base import CaptureError
from stream.sources.camera_device import FoundCamera

WEBCAM = FoundCamera(0, "Integrated Camera", "/dev/video0")


class ScriptedCamera:
    """Gives what the test puts: an array, None (the read fails), or SILENCE (the read blocks)."""

    SILENCE = "silence"

    def __init__(self, rate_hz: float = 30.0, note: str = "") -> None:
        self.rate_hz = rate_hz
        self.note = note
        self.script: queue.Queue[Any] = queue.Queue()
        self.released = threading.Event()
        self.unblocked = threading.Event()

    def plays(self, *steps: Any) -> "ScriptedCamera":
        for step in steps:
            self.script.put(step)
        return self

    def read(self) -> npt.NDArray[np.uint8] | None:
        step = self.script.get(timeout=20.0)
        if isinstance(step, str):
            self.unblocked.wait(20.0)
            return None
        return step

    def release(self) -> None:
        self.released.set()


class Port:
    """What `CameraSource` opens: the next scripted camera, or an error; keeps the times."""

    def __init__(self, *outcomes: ScriptedCamera | CaptureError) -> None:
        self.outcomes = list(outcomes)
        self.opened_s: list[float] = []
        self.opened: list[FoundCamera] = []

    def __call__(self, camera: FoundCamera, settings: CameraSettings) -> ScriptedCamera:
        self.opened_s.append(time.perf_counter())
        self.opened.append(camera)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, CaptureError):
            raise outcome
        return outcome


class EndlessCamera(ScriptedCamera):
    """Gives pictures every 10 ms, for ever: copies of those that it is made with, in turn."""

    def __init__(self, *pictures: npt.NDArray[np.uint8]) -> None:
        super().__init__()
        self._pictures = itertools.cycle(pictures)

    def read(self) -> npt.NDArray[np.uint8]:
        time.sleep(0.01)
        return next(self._pictures).copy()


class ToldConsumers:
    """Consumers of which the test says whether they are there."""

    def __init__(self, how: str = "the test tells") -> None:
        self.how = how
        self.can_tell = True
        self.is_any = False
        self.error: Exception | None = None
        self.n_asked = 0
        self.is_closed = threading.Event()
        self.threads: set[int] = set()

    def is_watched(self) -> bool:
        self.n_asked += 1
        self.threads.add(threading.get_ident())
        if self.error is not None:
            raise self.error
        return self.is_any

    def close(self) -> None:
        self.is_closed.set()
