"""Runs in the guest as root: real cameras and virtual cameras. Writes report.json, one object per check.

Loaded are vivid (a webcam with exact colour bars) and two loopbacks with exclusive capabilities, "Backroom" on
/dev/video10 and "Second" on /dev/video11. Checks may be named as arguments; without, all are run but those that have
a boot of their own.
"""

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from another_program import Program
from on_demand import camera_on_only_while_watched
from play_command import played_to_a_reader
from protect_command import carried, protected_while_watched, shown_by_chromium

from config.schema import CameraSettings
from pipelines.base import Frame
from stream.devices import list_devices
from stream.sinks.base import SinkError
from stream.sinks.virtual_camera import VirtualCameraSink
from stream.sources.base import CaptureError
from stream.sources.camera import CameraSource
from stream.sources.camera_device import find_cameras

WEBCAM = CameraSettings(width=640, height=360, retry_first_s=0.2, retry_longest_s=0.5)
DRIVER = Path("/sys/bus/platform/drivers/vivid")
BARS_Y = 270
"""A row below the text that vivid writes into its picture."""


class Writer:
    """Writes one picture into a sink, 30 times a second, until it is stopped."""

    def __init__(self, sink: VirtualCameraSink, image: np.ndarray) -> None:
        self._sink, self._image = sink, image
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._sink.write(self._frame())
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _frame(self) -> Frame:
        return Frame(self._image, time.perf_counter())

    def _run(self) -> None:
        while not self._stop.wait(1 / 30):
            self._sink.write(self._frame())

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def smooth_picture(height: int, width: int) -> np.ndarray:
    """Ramps in all channels: what I420's halved colour resolution keeps."""
    y, x = np.mgrid[0:height, 0:width]
    ramps = (255 * x / width, 255 * y / height, 255 * (x + y) / (width + height))
    return np.dstack(ramps).astype(np.uint8)


# --- checks ---


def read_for(source: CameraSource, wanted: Callable[[Frame], bool], longest_s: float) -> dict[str, Any]:
    """Read on until a frame is as wanted; say how long that took and how long the longest read was."""
    started_s, longest_read_s, n_frames = time.perf_counter(), 0.0, 0
    while time.perf_counter() - started_s < longest_s:
        before_s = time.perf_counter()
        frame = source.read()
        longest_read_s = max(longest_read_s, time.perf_counter() - before_s)
        n_frames += 1
        if frame is not None and wanted(frame):
            took_s = time.perf_counter() - started_s
            return {"took_s": took_s, "longest_read_s": longest_read_s, "n": n_frames, **picture_of(frame)}
    return {"took_s": None, "longest_read_s": longest_read_s, "n": n_frames}


def picture_of(frame: Frame) -> dict[str, Any]:
    width = frame.image.shape[1]
    bars = [frame.image[BARS_Y, width * (2 * i + 1) // 16].tolist() for i in range(8)]
    return {"shape": frame.image.shape, "bars": bars, "is_placeholder": frame.is_placeholder}


def error_of(work: Callable[[], Any]) -> dict[str, Any]:
    started_s = time.perf_counter()
    try:
        work()
    except (CaptureError, SinkError) as error:
        return {"message": str(error), "took_s": time.perf_counter() - started_s}
    return {"message": "", "took_s": time.perf_counter() - started_s}


def cameras_listed(program: Program) -> dict[str, Any]:
    devices = list_devices()
    return {
        "cameras": [[camera.path, camera.name, camera.trouble] for camera in devices.cameras],
        "virtual": [[camera.device, camera.name, camera.trouble] for camera in devices.virtual_cameras],
        "reasons": devices.reasons,
        "as nobody": program.ask("look as nobody"),
    }


def camera_unplugged_and_replugged(program: Program) -> dict[str, Any]:
    source = CameraSource("VIVID", WEBCAM)
    report: dict[str, Any] = {"name": source.info.name, "rate_hz": source.info.rate_hz, "status": source.status}
    report["bars"] = read_for(source, lambda frame: True, 5.0)
    started_s = time.perf_counter()
    for _ in range(30):
        source.read()
    report["got_hz"] = 30 / (time.perf_counter() - started_s)
    (DRIVER / "unbind").write_text("vivid.0")
    report["lost"] = read_for(source, lambda frame: frame.is_placeholder, 10.0)
    report["still lost"] = [read_for(source, lambda frame: True, 2.0) for _ in range(3)]
    report["status lost"] = source.status
    (DRIVER / "bind").write_text("vivid.0")
    report["back"] = read_for(source, lambda frame: not frame.is_placeholder, 15.0)
    report["status back"] = source.status
    started_s = time.perf_counter()
    source.close()
    report["close_s"] = time.perf_counter() - started_s
    return report


def camera_in_use(program: Program) -> dict[str, Any]:
    path = next(camera.path for camera in find_cameras() if "vivid" in camera.name)
    program.ask("read", path)
    report = error_of(lambda: CameraSource(path, WEBCAM))
    program.ask("release")
    return report


def virtual_camera_read_by_another(program: Program) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for height, width in ((480, 640), (361, 641)):
        image = smooth_picture(height, width)
        sink = VirtualCameraSink("backroom", 30.0)
        writer = Writer(sink, image)
        got, rate_hz = program.ask("read", "/dev/video10")
        writer.stop()
        program.ask("release")
        found: dict[str, Any] = {"name": sink.name, "rate_hz": rate_hz, "shape": None if got is None else got.shape}
        if got is not None:
            error = np.abs(got[:height, :width].astype(int) - image)
            found |= {"mean_error": float(error.mean()), "worst_error": int(error.max())}
        sink.close()
        sink.close()
        report[f"{width}x{height}"] = found
    return report


def virtual_camera_started_again(program: Program) -> dict[str, Any]:
    """A driver of Debian 12's age forgets that it can be written to, see `stream.v4l2`."""
    image = smooth_picture(480, 640)
    names = []
    for _ in range(3):
        sink = VirtualCameraSink(None, 30.0)
        sink.write(Frame(image, 0.0))
        names.append(sink.name)
        sink.close()
    # The same with a viewer that stays: the size is fixed then.
    sink = VirtualCameraSink("10", 30.0)
    writer = Writer(sink, image)
    program.ask("read", "/dev/video10")
    writer.stop()
    sink.close()
    other_size = VirtualCameraSink("10", 30.0)
    refused = error_of(lambda: other_size.write(Frame(smooth_picture(360, 640), 0.0)))
    other_size.close()
    sink = VirtualCameraSink("10", 30.0)
    writer = Writer(sink, image)
    got, _ = program.ask("read", "/dev/video10")
    writer.stop()
    program.ask("release")
    sink.close()
    error = None if got is None else float(np.abs(got.astype(int) - image).mean())
    return {"names": names, "other size": refused, "mean_error": error}


def virtual_camera_left_broken_by_another(program: Program) -> dict[str, Any]:
    import pyvirtualcam

    image = smooth_picture(480, 640)
    arguments: dict[str, Any] = {"fmt": pyvirtualcam.PixelFormat.BGR, "device": "/dev/video11"}
    with pyvirtualcam.Camera(640, 480, 30, **arguments) as camera:
        camera.send(image)
    try:
        pyvirtualcam.Camera(640, 480, 30, **arguments).close()
        is_broken = False
    except RuntimeError:
        is_broken = True
    sink = VirtualCameraSink("Second", 30.0)
    opened = error_of(lambda: sink.write(Frame(image, 0.0)))
    sink.close()
    return {"is_broken": is_broken, "opened": opened}


def virtual_camera_refused(program: Program) -> dict[str, Any]:
    image = smooth_picture(48, 64)
    report = {}
    for device in ("/dev/video0", "/dev/video42", "no such label", "42"):
        sink = VirtualCameraSink(device, 30.0)
        report[device] = error_of(lambda sink=sink: sink.write(Frame(image, 0.0)))
        sink.close()
    return report


def loopback_whose_writer_stops(program: Program) -> dict[str, Any]:
    report: dict[str, Any] = {"without a writer": error_of(lambda: CameraSource("Backroom", WEBCAM))}
    sink = VirtualCameraSink("Backroom", 30.0)
    writer = Writer(sink, np.full((360, 640, 3), 100, np.uint8))
    source = CameraSource("Backroom", WEBCAM)
    report["written"] = read_for(source, lambda frame: not frame.is_placeholder, 5.0)
    writer.stop()
    sink.close()
    report["lost"] = read_for(source, lambda frame: frame.is_placeholder, 10.0)
    report["status"] = source.status
    started_s = time.perf_counter()
    source.close()
    report["close_s"] = time.perf_counter() - started_s
    return report


def main() -> None:
    report: dict[str, Any] = {}
    program = Program()
    checks = (
        cameras_listed,
        virtual_camera_refused,
        virtual_camera_read_by_another,
        virtual_camera_started_again,
        virtual_camera_left_broken_by_another,
        camera_in_use,
        camera_unplugged_and_replugged,
        protected_while_watched,
        played_to_a_reader,
        # Last: its reader stays blocked in OpenCV for ten seconds, and would count as one who watches.
        loopback_whose_writer_stops,
    )
    apart = (camera_on_only_while_watched, carried, shown_by_chromium)
    wanted = sys.argv[1:] or [check.__name__ for check in checks]
    for check in (*checks, *apart):
        if check.__name__ not in wanted:
            continue
        started_s = time.perf_counter()
        try:
            found = check(program)
        except Exception:  # noqa: BLE001 - the test that reads the report fails with it
            found = {"error": traceback.format_exc()}
        found["check_s"] = time.perf_counter() - started_s
        report[check.__name__] = found
        Path("report.json").write_text(json.dumps(report, default=str))
        print(f"{check.__name__}: {found['check_s']:.1f} s", flush=True)
    # A camera's thread may still be blocked in OpenCV for ten seconds.
    os._exit(0)


main()
