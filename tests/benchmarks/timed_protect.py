"""`backroom protect` with a webcam and a virtual camera that need no device, and a notebook of when frames came out.

``python timed_protect.py NOTES.npy CLIP protect camera --to virtual-camera ...``. The webcam gives CLIP's pictures as
JPEG, decoded on the way as those of a USB webcam are, 30 a second, and holds four as the kernel does; one that is not
read in time is lost. The virtual camera makes I420 of what it is sent and writes it to a file in memory. All between
the two is the real thing. The notes are (3, n) float64, in seconds: when the frame was due, when it was
written, and the time of all processors that the command had taken by then.
"""

import atexit
import bisect
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from config.schema import CameraSettings, Profile
from pipelines.base import Frame, Image
from stream import run_protect
from stream.cli import main
from stream.sinks.virtual_camera import VirtualCameraSink
from stream.sources.camera import CameraSource
from stream.sources.camera_device import FoundCamera

RATE_HZ = 30.0
HEIGHT, WIDTH = 720, 1280
N_PICTURES = 240
N_KERNEL_BUFFERS = 4


class Webcam:
    """Plays an open camera, see `stream.sources.camera.OpenCamera`."""

    note = ""
    rate_hz = RATE_HZ

    def __init__(self, pictures: list[np.ndarray]) -> None:
        self._pictures = pictures
        self._begin_s = time.perf_counter()
        self._index = -1
        self.due_s: list[float] = []
        self.read_s: list[float] = []

    def read(self) -> Image:
        newest = int((time.perf_counter() - self._begin_s) * RATE_HZ)
        self._index = max(self._index + 1, newest - N_KERNEL_BUFFERS + 1)
        due_s = self._begin_s + self._index / RATE_HZ
        time.sleep(max(0.0, due_s - time.perf_counter()))
        image = cv2.imdecode(self._pictures[self._index % len(self._pictures)], cv2.IMREAD_COLOR)
        assert image is not None
        self.due_s.append(due_s)
        self.read_s.append(time.perf_counter())
        return np.asarray(image, np.uint8)

    def release(self) -> None:
        """Nothing is held."""

    def due_of(self, pts_s: float) -> float:
        """When the frame was due that got this time stamp after it was read."""
        return self.due_s[bisect.bisect_right(self.read_s, pts_s) - 1]


class Written:
    """Plays pyvirtualcam: I420, and a copy into the kernel."""

    device = "/dev/null"

    def __init__(self) -> None:
        self._file = os.memfd_create("virtual camera")

    def send(self, frame: Image) -> None:
        os.pwrite(self._file, cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420), 0)

    def close(self) -> None:
        os.close(self._file)


class TimedSink(VirtualCameraSink):
    """The real sink of a virtual camera; notes each frame's time stamp and when it was written."""

    def __init__(self, rate_hz: float) -> None:
        super().__init__(None, rate_hz, open_camera=lambda *_: Written())
        self.notes: list[tuple[float, float, float]] = []

    def write(self, frame: Frame) -> None:
        super().write(frame)
        if not frame.is_placeholder:
            self.notes.append((frame.pts_s, time.perf_counter(), time.process_time()))


def jpegs_of(clip: str) -> Iterator[np.ndarray]:
    """Read a clip's first pictures at the webcam's size."""
    capture = cv2.VideoCapture(clip)
    for _ in range(N_PICTURES):
        is_read, image = capture.read()
        if not is_read:
            return
        large = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        yield cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]


if __name__ == "__main__":
    notes_path, clip_path = sys.argv.pop(1), sys.argv.pop(1)
    pictures = list(jpegs_of(clip_path))
    webcams: list[Webcam] = []
    sink = TimedSink(RATE_HZ)

    def open_webcam(camera: FoundCamera, settings: CameraSettings) -> Webcam:
        webcams.append(Webcam(pictures))
        return webcams[-1]

    def open_source(text: str, profile: Profile) -> CameraSource:
        found = (FoundCamera(0, "played", "/dev/null"),)
        return CameraSource(0, profile.camera, find=lambda: found, open_camera=open_webcam)

    def save_notes() -> None:
        notes = [(webcams[-1].due_of(pts_s), *times_s) for pts_s, *times_s in sink.notes]
        np.save(Path(notes_path), np.array(notes).reshape(-1, 3).T)

    run_protect.open_source = open_source
    run_protect.open_sink = lambda *_: sink
    atexit.register(save_notes)
    main()
