"""Runs this project's code in a guest with a real webcam and v4l2loopback, and brings back what it reports.

The guest is Debian's own kernel under QEMU's software emulation (../shared/tools/vm): its root is this machine's
file system, so the same interpreter and checkout are there. A boot and the imports take 25 s, hence one boot for
all tests: the checks run in one script, the tests read its report.
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
_PREPARED = Path.home() / ".cache" / "backroom-vm" / "version"
_SCRIPT = _REPOSITORY / "tests" / "stream" / "guest" / "devices.py"

_LONGEST_S = 150.0

_MODULES = (
    "v4l2loopback devices=2 video_nr=10,11 card_label=Backroom,Second exclusive_caps=1,1",
    "vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00",
)


def guest_report() -> dict[str, Any]:
    """Give what the guest's script found, by check; skips where there is no guest.

    A check that failed has the key ``error`` with its traceback.
    """
    if not (_VM / "vmrun.py").exists():
        pytest.skip("needs ../shared/tools/vm, which is not here")
    if which("qemu-system-x86_64") is None or not _PREPARED.exists():
        pytest.skip("needs a prepared guest: run ../shared/tools/vm/vm_prepare.sh as root")
    report, log = _boot()
    if report is None:
        pytest.fail(f"the guest reported nothing:\n{log}")
    return report


def check_of_guest(name: str) -> dict[str, Any]:
    """Give what one check of the guest's script found; fails where the check itself failed."""
    found: dict[str, Any] = guest_report()[name]
    if "error" in found:
        pytest.fail(f"in the guest, {name}:\n{found['error']}")
    return found


@cache
def _boot() -> tuple[dict[str, Any] | None, str]:
    with tempfile.TemporaryDirectory(prefix="backroom-guest-") as share:
        loads = [part for module in _MODULES for part in ("--load", module)]
        inside = f"PYTHONPATH={_REPOSITORY} PYTHONDONTWRITEBYTECODE=1 {sys.executable} {_SCRIPT} 2>&1"
        command = [sys.executable, str(_VM / "vmrun.py"), "--share", share, "--timeout", str(_LONGEST_S), *loads, "--"]
        ended = subprocess.run([*command, inside], capture_output=True, text=True, check=False)
        report = Path(share) / "report.json"
        found = json.loads(report.read_text()) if report.exists() else None
        return found, ended.stdout + ended.stderr
