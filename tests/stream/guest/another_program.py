"""Another program in the guest, played by a process that is forked before any device or thread is touched."""

import multiprocessing
import os
import time
from multiprocessing.connection import Connection
from typing import Any

import cv2
import cv2_enumerate_cameras  # noqa: F401 - nobody may not read the interpreter's library later
import numpy as np

from stream.sources.camera_device import find_cameras
from stream.v4l2 import loopback_size

_NOBODY = 65534

MAGENTA = (255, 0, 255)
"""The background of what is protected here: no room and no webcam of the guest has it."""


def serve(pipe: Connection) -> None:
    """Play another program: hold a camera, read pictures of it, watch it for a time, tell the colours that it shows, or
    look for cameras as nobody.
    """
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
            watch(argument, pipe)
        elif order == "colors":
            pipe.send(colors_of(*argument))
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


def watch(path: str, pipe: Connection) -> None:
    """Read a camera until the next order; tell the moment and the kind of each picture."""
    pipe.send(time.perf_counter())
    capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
    while not pipe.poll(0) and capture.isOpened():
        is_read, image = capture.read()
        if is_read:
            pipe.send((time.perf_counter(), kind_of(image[::8, ::8])))
    pipe.recv()
    capture.release()
    pipe.send(None)


def colors_of(path: str, seconds: float) -> list[tuple[float, list[list[int]]]]:
    """Read a camera for a time, once it is written to; give each picture's moment and colours, as B, G, R.

    They are those of the first and the last line: v4l2loopback may write on a picture that a slow reader is reading.
    """
    while loopback_size(path) is None:
        time.sleep(0.02)
    capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
    seen: list[tuple[float, list[list[int]]]] = []
    begin_s = time.perf_counter()
    while time.perf_counter() - begin_s < seconds and capture.isOpened():
        is_read, image = capture.read()
        if is_read:
            colors = image[[0, -1]].mean(axis=1).round().astype(int).tolist()
            seen.append((time.perf_counter() - begin_s, colors))
    capture.release()
    return seen


def kind_of(image: np.ndarray) -> str:
    """Tell a placeholder (grey), a protected picture (mostly magenta), and what the webcam shows."""
    if np.ptp(image.astype(int), axis=2).max() < 30:
        return "placeholder"
    # I420 and its way back lose a few code values.
    is_background = (np.abs(image.astype(int) - MAGENTA) < 30).all(axis=2)
    return "protected" if is_background.mean() > 0.5 else "webcam"


class Program:
    """The other end of `serve`."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()

    def ask(self, order: str, argument: Any = None) -> Any:
        self.begin(order, argument)
        return self.result()

    def begin(self, order: str, argument: Any = None) -> None:
        """Give an order, and go on beside it until `result` is asked for."""
        self._pipe.send((order, argument))

    def result(self) -> Any:
        return self._pipe.recv()

    def visit(self, path: str) -> "Visit":
        """Begin to read a camera."""
        return Visit(self._pipe, path)


class Visit:
    """Another program's reading of a camera; moments are of one clock for all programs."""

    def __init__(self, pipe: Connection, path: str) -> None:
        self._pipe = pipe
        pipe.send(("watch", path))
        self.opened_s: float = pipe.recv()
        self.kinds: list[str] = []

    def wait_for(self, kind: str, longest_s: float, after_s: float = 0.0) -> float | None:
        """Wait for a picture of a kind that was read after a moment; give its own, or None where there is none."""
        end_s = time.perf_counter() + longest_s
        while self._pipe.poll(max(0.0, end_s - time.perf_counter())):
            moment_s, found = self._pipe.recv()
            self.kinds.append(found)
            if found == kind and moment_s > after_s:
                return float(moment_s)
        return None

    def leave(self) -> float:
        """End it; give the moment at which the camera was let go."""
        self._pipe.send(("leave", None))
        while (message := self._pipe.recv()) is not None:
            self.kinds.append(message[1])
        return time.perf_counter()


def since(begin_s: float, moment_s: float | None) -> float | None:
    return None if moment_s is None else moment_s - begin_s
