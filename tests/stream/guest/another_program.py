"""Another program in the guest, played by a process that is forked before any device or thread is touched."""

import multiprocessing
import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import cv2
import cv2_enumerate_cameras  # noqa: F401 - nobody may not read the interpreter's library later
import numpy as np

from stream.sources.camera_device import find_cameras

_NOBODY = 65534


@dataclass(frozen=True)
class Visit:
    """What a program saw of a camera, an eighth of the size, and when; moments are of one clock for all programs."""

    opened_s: float
    left_s: float
    seen: list[tuple[float, np.ndarray]]


def serve(pipe: Connection) -> None:
    """Play another program: hold a camera, read pictures of it, watch it for a time, or look for cameras as nobody."""
    capture: cv2.VideoCapture | None = None
    while True:
        order, argument = pipe.recv()
        if order == "read":
            if capture is None:
                capture = cv2.VideoCapture(argument, cv2.CAP_V4L2)
            started_s = time.perf_counter()
            n_frames, image = 0, None
            while time.perf_counter() - started_s < 1.5 and capture.isOpened():
                is_read, image = capture.read()
                n_frames += is_read
            pipe.send((image, n_frames / (time.perf_counter() - started_s)))
        elif order == "watch":
            pipe.send(watch(**argument))
        elif order == "release":
            if capture is not None:
                capture.release()
                capture = None
            pipe.send(None)
        elif order == "look as nobody":
            os.setresuid(_NOBODY, _NOBODY, 0)
            pipe.send([str(camera) for camera in find_cameras()])
            os.setresuid(0, 0, 0)
        else:
            return


def watch(path: str, duration_s: float) -> Visit:
    """Read a camera for a time."""
    opened_s = time.perf_counter()
    capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
    seen = []
    while time.perf_counter() - opened_s < duration_s and capture.isOpened():
        is_read, image = capture.read()
        if is_read:
            seen.append((time.perf_counter(), image[::8, ::8].copy()))
    capture.release()
    return Visit(opened_s, time.perf_counter(), seen)


class Program:
    """The other end of `serve`."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()

    def ask(self, order: str, argument: Any = None) -> Any:
        self.begin(order, argument)
        return self.answer()

    def begin(self, order: str, argument: Any = None) -> None:
        self._pipe.send((order, argument))

    def answer(self) -> Any:
        return self._pipe.recv()
