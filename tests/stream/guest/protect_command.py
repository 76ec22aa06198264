"""`backroom protect` itself in the guest: a real webcam, a virtual camera, and a real program that reads it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from another_program import Program, kind_of, since
from chromium import CANVAS, Chromium

from stream.open_files import openers_of
from stream.v4l2 import list_nodes, loopback_size

OFF_AFTER_S = 1.0
PROFILE = f"""
camera: {{width: 640, height: 360, retry_first_s: 0.2, retry_longest_s: 0.5}}
protect: {{background: "#ff00ff", camera_off_after_s: {OFF_AFTER_S}}}
meter: {{is_on: false}}
"""
LOOPBACK = "/dev/video10"
DRIVER = Path("/sys/bus/platform/drivers/vivid")
START_S = 200.0
"""Emulated, on a busy machine, the command's imports take twenty seconds, and compiling the protection two minutes."""

PATIENCE_S = 15.0
"""For a picture, on a busy machine."""

REAL = ("-c", "from stream.cli import main; main()")
HIDING_ALL = (str(Path(__file__).with_name("hiding_all.py")),)

CHROMIUM_S = 150.0
"""Chromium starts in 20 s in emulation, and in a minute or two on a busy machine."""

N_LOOKS = 5
"""Pictures that are to be seen in Chromium."""

CARRIED_S = 20.0
"""How long is counted what the guest carries."""


class Command:
    """The running command.

    Its protection shows nobody unless the real one is asked for, which is slow.
    """

    def __init__(self, out: Path, *, is_real: bool = False) -> None:
        self.out = out
        out.mkdir(exist_ok=True)
        profile = out / "guest.yaml"
        profile.write_text(PROFILE)
        words = ["protect", "camera:VIVID", "--to", f"virtual-camera:{LOOPBACK}", "--view", "none"]
        self.process = subprocess.Popen(
            [
                sys.executable,
                *(REAL if is_real else HIDING_ALL),
                *words,
                "--profile",
                str(profile),
                "--out",
                str(out),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_until(self, is_so: Callable[[], bool], longest_s: float) -> float | None:
        """Wait; give the moment, or None where it does not become so."""
        end_s = time.perf_counter() + longest_s
        while time.perf_counter() < end_s and self.process.poll() is None:
            if is_so():
                return time.perf_counter()
            time.sleep(0.02)
        return None

    def has_webcam(self) -> bool:
        return self._has_open(webcam())

    def is_shown(self) -> bool:
        # The size alone may be one that a reader holds from before.
        return self._has_open(LOOPBACK) and loopback_size(LOOPBACK) is not None

    def _has_open(self, path: str) -> bool:
        return any(user.endswith(f"({self.process.pid})") for user in openers_of(path).others)

    def end(self) -> dict[str, Any]:
        """End it as a person does; give its report and what it printed."""
        self.process.send_signal(signal.SIGTERM)
        printed, _ = self.process.communicate(timeout=30)
        report = self.out / "report.json"
        return {
            "code": self.process.returncode,
            "printed": printed,
            "report": json.loads(report.read_text()) if report.exists() else None,
        }


@contextmanager
def running(out: Path, *, is_real: bool = False) -> Iterator[Command]:
    command = Command(out, is_real=is_real)
    try:
        if command.wait_until(command.is_shown, START_S) is None:
            command.process.kill()
            raise AssertionError(f"it does not show anything: {command.process.communicate()[0]}")
        yield command
    finally:
        command.process.kill()
        command.process.wait()


def webcam() -> str:
    return next((node.path for node in list_nodes() if "vivid" in node.name), "/dev/video0")


def protected_while_watched(program: Program) -> dict[str, Any]:
    """A reader comes twice. During its second visit the webcam is unplugged, and the command is stopped and goes on, as
    after a suspend: for the program, a time in which nothing happened."""
    with running(Path("protected")) as command:
        off_s = command.wait_until(lambda: not command.has_webcam(), 5.0)
        report = {"off at first": off_s is not None, "first": one_visit(command, program)}
        return report | {"second": eventful_visit(command, program), **command.end()}


def one_visit(command: Command, program: Program) -> dict[str, Any]:
    visit = program.visit(LOOPBACK)
    on_s = command.wait_until(command.has_webcam, 5.0)
    protected_s = visit.wait_for("protected", PATIENCE_S)
    left_s = visit.leave()
    off_s = command.wait_until(lambda: not command.has_webcam(), 10.0)
    return {
        "on_after_s": since(visit.opened_s, on_s),
        "protected_after_s": since(visit.opened_s, protected_s),
        "off_after_s": since(left_s, off_s),
        "kinds": sorted(set(visit.kinds)),
    }


def eventful_visit(command: Command, program: Program) -> dict[str, Any]:
    visit = program.visit(LOOPBACK)
    visit.wait_for("protected", PATIENCE_S)
    (DRIVER / "unbind").write_text("vivid.0")
    unplugged_s = time.perf_counter()
    placeholder_s = visit.wait_for("placeholder", PATIENCE_S, unplugged_s)
    (DRIVER / "bind").write_text("vivid.0")
    plugged_s = time.perf_counter()
    back_s = visit.wait_for("protected", PATIENCE_S, plugged_s)
    command.process.send_signal(signal.SIGSTOP)
    time.sleep(2.0)
    command.process.send_signal(signal.SIGCONT)
    awake_s = time.perf_counter()
    awake_picture_s = visit.wait_for("protected", PATIENCE_S, awake_s)
    visit.leave()
    return {
        "placeholder_after_s": since(unplugged_s, placeholder_s),
        "protected_again_after_s": since(plugged_s, back_s),
        "protected_after_a_suspend_s": since(awake_s, awake_picture_s),
        "kinds": sorted(set(visit.kinds)),
    }


def carried(program: Program) -> dict[str, Any]:
    """What comes out of the virtual camera and when, with the real protection and without."""
    report = {}
    for name, is_real in (("hiding all", False), ("protecting", True)):
        with running(Path(name.replace(" ", "_")), is_real=is_real) as command:
            visit = program.visit(LOOPBACK)
            visit.wait_for("protected", START_S)
            n_before, begin_s = len(visit.kinds), time.perf_counter()
            while time.perf_counter() - begin_s < CARRIED_S:
                visit.wait_for("protected", 1.0)
            seen = visit.kinds[n_before:]
            visit.leave()
            report[name] = {"seen_hz": len(seen) / CARRIED_S, "kinds": sorted(set(seen)), **command.end()}
    return report


def shown_by_chromium(program: Program) -> dict[str, Any]:
    """A page in Chromium opens the virtual camera among all cameras by getUserMedia."""
    with running(Path("chromium")) as command:
        browser = Chromium("Backroom")
        begin_s = time.perf_counter()
        report: dict[str, Any] = {"kinds": []}
        while time.perf_counter() - begin_s < CHROMIUM_S and report["kinds"].count("protected") < N_LOOKS:
            told = browser.next(1.0)
            if told is not None and "pixels" in told:
                image = np.array(told.pop("pixels"), np.uint8).reshape(*CANVAS, 4)[..., 2::-1]
                report["kinds"].append(kind_of(image))
                report |= {"took_s": time.perf_counter() - begin_s, "is on": command.has_webcam()}
            if told is not None:
                report |= told
        browser.close()
        report["off after it was closed"] = command.wait_until(lambda: not command.has_webcam(), 20.0) is not None
        return report | command.end()
