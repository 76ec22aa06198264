"""Who has a file open: this process, others, and programs that may not be looked at."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream import open_files
from stream.open_files import openers_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

HOLD = "import sys; file = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


def test_handles_of_this_program_and_of_others_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "device"
    path.touch()
    command = [sys.executable, "-c", HOLD, str(path)]
    with (
        path.open(),
        path.open(),
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert other.stdout is not None
        other.stdout.readline()
        found = openers_of(str(path))
        other.communicate("")
        comm = Path("/proc/self/comm").read_text().strip()
        assert found.n_own == 2
        assert len(found.others) == 1
        assert found.others[0].endswith(f" ({other.pid})")
        assert found.others[0].startswith(("python", comm))
        assert openers_of(str(path)).others == ()
    assert openers_of(str(path)).n_own == 0


def test_a_program_that_may_not_be_looked_at_makes_the_answer_incomplete(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    iterdir = Path.iterdir

    def refuse(folder: Path) -> Iterator[Path]:
        if folder.parent.name != str(os.getpid()):
            raise PermissionError(folder)
        return iter(iterdir(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)
    path = tmp_path / "device"
    with path.open("w"):
        found = openers_of(str(path))
    assert (found.n_own, found.others, found.is_complete) == (1, (), False)


def test_without_proc_nobody_is_found_and_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(open_files, "_PROCESSES", tmp_path / "none")
    assert openers_of("/dev/video0") == open_files.Openers(0, (), False)
