"""The camera that is on only while somebody watches, in the guest: a real webcam, a virtual camera, a real reader."""

import threading
import time
from typing import Any

from another_program import Program, since

from config.schema import CameraSettings, ProtectSettings
from stream.consumers.choose import SinkConsumers
from stream.open_files import openers_of
from stream.sinks.virtual_camera import VirtualCameraSink
from stream.sources.camera import CameraSource
from stream.sources.camera_device import find_cameras
from stream.sources.on_demand import OnDemandSource

SOON = ProtectSettings(camera_off_after_s=1.0)
SMALL = CameraSettings(width=640, height=360)


class Shown:
    """A camera that is on only while somebody watches, shown by a virtual camera."""

    def __init__(self) -> None:
        self.sink = VirtualCameraSink("Backroom", 30.0)
        self.source = OnDemandSource(CameraSource("VIVID", SMALL), SinkConsumers([self.sink]), SOON)
        self.written: list[tuple[float, bool]] = []
        self._webcam = next(camera.path for camera in find_cameras() if "vivid" in camera.name)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._show)
        self._thread.start()

    def _show(self) -> None:
        while not self._stopping.is_set():
            frame = self.source.read()
            if frame is not None:
                self.sink.write(frame)
                self.written.append((time.perf_counter(), frame.is_placeholder))

    @property
    def is_on(self) -> bool:
        return openers_of(self._webcam).n_own > 0

    def when(self, is_on: bool, longest_s: float) -> float | None:
        """Wait until the webcam is open, or closed; give the moment."""
        end_s = time.perf_counter() + longest_s
        while time.perf_counter() < end_s:
            if self.is_on == is_on:
                return time.perf_counter()
            time.sleep(0.02)
        return None

    def placeholders_in(self, seconds: float) -> dict[str, Any]:
        """Let time pass; say what was written in it."""
        n_before = len(self.written)
        time.sleep(seconds)
        written = self.written[n_before:]
        return {"n": len(written), "all": all(is_placeholder for _, is_placeholder in written), "is on": self.is_on}

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self.source.close()
        self.sink.close()


def camera_on_only_while_watched(program: Program) -> dict[str, Any]:
    shown = Shown()
    report: dict[str, Any] = {"off at first": shown.when(False, 5.0) is not None, "visits": []}
    for _ in range(2):
        before = shown.placeholders_in(1.2)
        visit = program.visit("/dev/video10")
        on_s = shown.when(True, 5.0)
        picture_s = visit.wait_for("webcam", 5.0)
        left_s = visit.leave()
        report["visits"].append(
            {
                "before": before,
                "on_after_s": since(visit.opened_s, on_s),
                "picture_after_s": since(visit.opened_s, picture_s),
                "off_after_s": since(left_s, shown.when(False, 5.0)),
            }
        )
    report |= {"after": shown.placeholders_in(1.2), "status": shown.source.status, **shown.source.report()}
    # Listing the cameras is no watching: each is opened and closed.
    program.ask("look as nobody")
    find_cameras()
    report["on after a look"] = shown.when(True, 1.0) is not None
    shown.stop()
    return report
