"""Runs this project's code in a guest with a real webcam and v4l2loopback, and brings back what it reports.

The guest is Debian's own kernel under QEMU's software emulation (../shared/tools/vm): its root is this machine's
file system, so the same interpreter and checkout are there. A boot and the imports take 25 s, hence one boot for
nearly all tests: the checks run in one script, the tests read its report. It all takes a minute and a half, mostly
waiting; so the boots that tests are marked for (`guest`) begin when the tests are collected, and go on beside those
that come before, one boot after the other. Where the suite runs in two lanes (`lanes.py`) they begin when they are
asked for, beside the other lane.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from shutil import which
from typing import Any

import pytest

_REPOSITORY = Path(__file__).resolve().parents[1]
_VM = _REPOSITORY.parent / "shared" / "tools" / "vm"
_GUEST = Path.home() / ".cache" / "backroom-vm"
_NEWER_GUEST = Path.home() / ".cache" / "backroom-vm-newer"
_SCRIPT = _REPOSITORY / "tests" / "stream" / "guest" / "devices.py"

_NEWER_CHECK = "camera_on_only_while_watched"

_LONGEST_S = 400.0
"""Of one guest; three minutes on two processors that others use too."""

TEST_TIMEOUT_S = 2 * _LONGEST_S + 100
"""A test may have to wait for all of both guests, which boot one after the other."""

_MODULES = (
    "v4l2loopback devices=2 video_nr=10,11 card_label=Backroom,Second exclusive_caps=1,1",
    "vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00",
)


_Found = tuple[dict[str, Any] | None, str]
"""The report, if there is one, and what was printed."""

_thread = ThreadPoolExecutor(1, "guest")
_boots: dict[tuple[Path, tuple[str, ...]], Future[_Found]] = {}
_machines: list["subprocess.Popen[str]"] = []


def boot_ahead(items: Sequence[pytest.Item]) -> None:
    """Begin the boots that these tests are marked for; benchmarks begin theirs themselves."""
    if not (_VM / "vmrun.py").exists() or which("qemu-system-x86_64") is None:
        return
    tests = [item for item in items if "benchmark" not in getattr(item, "fixturenames", ())]
    marks = [mark for test in tests for mark in test.iter_markers("guest")]
    if any(not mark.args for mark in marks) and (_GUEST / "version").exists():
        _begun(_GUEST)
    if any(mark.args == ("newer driver",) for mark in marks) and (_NEWER_GUEST / "version").exists():
        _begun(_NEWER_GUEST, _NEWER_CHECK)


def end_boots() -> None:
    """End what still runs: nobody waits for it any more."""
    _thread.shutdown(wait=False, cancel_futures=True)
    for machine in _machines:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(machine.pid, signal.SIGKILL)


def check_of_guest(name: str) -> dict[str, Any]:
    """Give what one check of the guest's script found; fails where the check itself failed.

    Skips where there is no guest.
    """
    return _check(name, _GUEST, "run ../shared/tools/vm/vm_prepare.sh as root")


def check_apart(name: str) -> dict[str, Any]:
    """Give what one check found in a boot of its own."""
    return _check(name, _GUEST, "run ../shared/tools/vm/vm_prepare.sh as root", name)


def check_with_newer_driver() -> dict[str, Any]:
    """Give what was found with a v4l2loopback that tells who reads it; only one check is run."""
    return _check(_NEWER_CHECK, _NEWER_GUEST, "run tests/stream/guest/newer_loopback.sh as root", _NEWER_CHECK)


def _check(name: str, guest: Path, remedy: str, *wanted: str) -> dict[str, Any]:
    if not (_VM / "vmrun.py").exists():
        pytest.skip("needs ../shared/tools/vm, which is not here")
    if which("qemu-system-x86_64") is None or not (guest / "version").exists():
        pytest.skip(f"needs a prepared guest: {remedy}")
    report, log = _begun(guest, *wanted).result()
    if report is None or name not in report:
        pytest.fail(f"the guest did not come to report {name}:\n{log}")
    found: dict[str, Any] = report[name]
    if "error" in found:
        pytest.fail(f"in the guest, {name}:\n{found['error']}")
    return found


def _begun(guest: Path, *wanted: str) -> Future[_Found]:
    key = (guest, wanted)
    if key not in _boots:
        _boots[key] = _thread.submit(_boot, guest, *wanted)
    return _boots[key]


def _boot(guest: Path, *wanted: str) -> _Found:
    with tempfile.TemporaryDirectory(prefix="backroom-guest-") as share:
        loads = [part for module in _MODULES for part in ("--load", module)]
        script = " ".join([str(_SCRIPT), *wanted])
        inside = f"PYTHONPATH={_REPOSITORY} PYTHONDONTWRITEBYTECODE=1 {sys.executable} {script} 2>&1"
        machine = ["--kernel-dir", str(guest), "--share", share, "--timeout", str(_LONGEST_S)]
        command = [sys.executable, str(_VM / "vmrun.py"), *machine, *loads, "--", inside]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        _machines.append(process)
        printed, _ = process.communicate()
        _machines.remove(process)
        report = Path(share) / "report.json"
        found = json.loads(report.read_text()) if report.exists() else None
        return found, printed
