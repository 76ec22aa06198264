"""Runs this project's code in a guest with a real webcam and v4l2loopback, and brings back what it reports.

The guest is Debian's own kernel under QEMU's software emulation (../shared/tools/vm): its root is this machine's
file system, so the same interpreter and checkout are there. A boot and the imports take 25 s, hence one boot for
nearly all tests: the checks run in one script, the tests read its report.
"""

import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from shutil import which
from typing import Any

import pytest

_REPOSITORY = Path(__file__).resolve().parents[1]
_VM = _REPOSITORY.parent / "shared" / "tools" / "vm"
_GUEST = Path.home() / ".cache" / "backroom-vm"
_NEWER_GUEST = Path.home() / ".cache" / "backroom-vm-newer"
_SCRIPT = _REPOSITORY / "tests" / "stream" / "guest" / "devices.py"

_LONGEST_S = 240.0

_MODULES = (
    "v4l2loopback devices=2 video_nr=10,11 card_label=Backroom,Second exclusive_caps=1,1",
    "vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00",
)


def check_of_guest(name: str) -> dict[str, Any]:
    """Give what one check of the guest's script found; fails where the check itself failed.

    Skips where there is no guest.
    """
    return _check(name, _GUEST, "run ../shared/tools/vm/vm_prepare.sh as root")


def check_apart(name: str) -> dict[str, Any]:
    """Give what one check found in a boot of its own."""
    return _check(name, _GUEST, "run ../shared/tools/vm/vm_prepare.sh as root", name)


def check_with_newer_driver(name: str) -> dict[str, Any]:
    """Give what one check found with a v4l2loopback that tells who reads it; only that check is run."""
    return _check(name, _NEWER_GUEST, "run tests/stream/guest/newer_loopback.sh as root", name)


def _check(name: str, guest: Path, remedy: str, *wanted: str) -> dict[str, Any]:
    if not (_VM / "vmrun.py").exists():
        pytest.skip("needs ../shared/tools/vm, which is not here")
    if which("qemu-system-x86_64") is None or not (guest / "version").exists():
        pytest.skip(f"needs a prepared guest: {remedy}")
    report, log = _boot(guest, *wanted)
    if report is None:
        pytest.fail(f"the guest reported nothing:\n{log}")
    found: dict[str, Any] = report[name]
    if "error" in found:
        pytest.fail(f"in the guest, {name}:\n{found['error']}")
    return found


@cache
def _boot(guest: Path, *wanted: str) -> tuple[dict[str, Any] | None, str]:
    with tempfile.TemporaryDirectory(prefix="backroom-guest-") as share:
        loads = [part for module in _MODULES for part in ("--load", module)]
        script = " ".join([str(_SCRIPT), *wanted])
        inside = f"PYTHONPATH={_REPOSITORY} PYTHONDONTWRITEBYTECODE=1 {sys.executable} {script} 2>&1"
        machine = ["--kernel-dir", str(guest), "--share", share, "--timeout", str(_LONGEST_S)]
        command = [sys.executable, str(_VM / "vmrun.py"), *machine, *loads, "--", inside]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        report = Path(share) / "report.json"
        found = json.loads(report.read_text()) if report.exists() else None
        return found, ended.stdout + ended.stderr
