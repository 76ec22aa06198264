"""Counting opens: real inotify on a file that plays the device, real programs that open it, and scripted looks."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stream.consumers.opens import LONGEST_SETTLE_S, SETTLE_S, OpensWatched
from stream.open_files import Openers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs inotify")

HOLD = "import sys; files = [open(p) for p in sys.argv[1:]]; print('open', flush=True); sys.stdin.read()"

NOBODY = Openers(0, (), is_complete=True)
NOBODY_SEEN = Openers(0, (), is_complete=False)
SOMEBODY = Openers(0, ("firefox (1234)",), is_complete=False)

# A look and a busy machine, on top of the time that the file must be left alone.
LONGEST_S = SETTLE_S + 2.0


@pytest.fixture
def device(tmp_path: Path) -> str:
    path = tmp_path / "video10"
    path.touch()
    return str(path)


@contextmanager
def reader(*paths: str) -> Iterator[None]:
    """Another program that has the files open."""
    command = [sys.executable, "-c", HOLD, *paths]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate("")


def becomes(consumers: OpensWatched, is_watched: bool) -> bool:
    end_s = time.monotonic() + LONGEST_S
    while time.monotonic() < end_s:
        if consumers.is_watched() == is_watched:
            return True
        time.sleep(0.02)
    return False


def is_ever_watched(consumers: OpensWatched, seconds: float) -> bool:
    end_s = time.monotonic() + seconds
    answers = []
    while time.monotonic() < end_s:
        answers.append(consumers.is_watched())
        time.sleep(0.02)
    return any(answers)


def touch(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY))


class Scripted:
    """A file that this process opens, looks that say what the test says, and a clock that it turns."""

    def __init__(self, path: str, *, at_first: Openers = NOBODY_SEEN) -> None:
        self.openers = at_first
        self.now_s = 0.0
        self.path = path
        self.consumers = OpensWatched(path, look=lambda _: self.openers, now_s=lambda: self.now_s)

    def settled(self, openers: Openers) -> bool:
        self.openers = openers
        self.consumers.is_watched()
        self.now_s += SETTLE_S
        return self.consumers.is_watched()


# --- real programs ---


def test_a_reader_that_comes_and_goes_twice_is_seen_each_time(device: str) -> None:
    consumers = OpensWatched(device)
    assert not consumers.is_watched()
    for _ in range(2):
        with reader(device):
            assert becomes(consumers, True)
        assert becomes(consumers, False)
    consumers.close()
    consumers.close()


def test_a_reader_that_was_there_before_is_seen(device: str) -> None:
    with reader(device):
        consumers = OpensWatched(device)
        assert consumers.is_watched()
    assert becomes(consumers, False)
    consumers.close()


def test_two_opens_of_one_program_that_become_one_event_are_still_one_reader(device: str) -> None:
    # The kernel makes one event of two equal ones, also of the two closes when the program ends.
    consumers = OpensWatched(device)
    with reader(device, device, device):
        assert becomes(consumers, True)
    assert becomes(consumers, False)
    consumers.close()


def test_this_programs_own_handles_are_nobody(device: str) -> None:
    path = Path(device)
    with path.open():
        consumers = OpensWatched(device)
        with path.open(), path.open():
            assert not is_ever_watched(consumers, 2 * SETTLE_S)
        assert not is_ever_watched(consumers, 2 * SETTLE_S)
    assert not is_ever_watched(consumers, 2 * SETTLE_S)
    consumers.close()


# --- what is counted where the looks do not tell all ---


def test_a_reader_that_may_not_be_looked_at_is_counted(device: str) -> None:
    scripted = Scripted(device)
    handle = os.open(device, os.O_RDONLY)
    assert scripted.settled(NOBODY_SEEN)
    os.close(handle)
    assert not scripted.settled(NOBODY_SEEN)


def test_a_count_that_is_too_high_is_mended_once_every_program_may_be_looked_at(device: str) -> None:
    scripted = Scripted(device)
    handle = os.open(device, os.O_RDONLY)
    assert not scripted.settled(NOBODY)
    os.close(handle)
    assert not scripted.settled(NOBODY)


def test_a_reader_that_was_seen_and_is_seen_no_more_has_gone_whatever_the_count(device: str) -> None:
    scripted = Scripted(device)
    handles = [os.open(device, os.O_RDONLY)]
    assert scripted.settled(SOMEBODY)
    handles.append(os.open(device, os.O_RDONLY))
    assert not scripted.settled(NOBODY_SEEN)
    for handle in handles:
        os.close(handle)


def test_a_program_that_only_lists_the_cameras_is_not_taken_for_a_reader(device: str) -> None:
    scripted = Scripted(device)
    handle = os.open(device, os.O_RDONLY)
    assert not scripted.consumers.is_watched()
    os.close(handle)
    assert not scripted.settled(NOBODY_SEEN)


def test_a_file_that_is_never_left_alone_is_looked_at_all_the_same(device: str) -> None:
    scripted = Scripted(device)
    scripted.openers = SOMEBODY
    while scripted.now_s < LONGEST_SETTLE_S:
        touch(device)
        assert not scripted.consumers.is_watched()
        scripted.now_s += SETTLE_S / 2
    touch(device)
    assert scripted.consumers.is_watched()


def test_a_file_that_is_deleted_keeps_the_camera_on_and_says_so(device: str) -> None:
    consumers = OpensWatched(device)
    Path(device).unlink()
    assert becomes(consumers, True)
    assert not consumers.can_tell
    assert "was made anew" in consumers.how
    assert consumers.is_watched()
    consumers.close()


def test_a_file_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        OpensWatched(str(tmp_path / "none"))


def test_no_more_inotify_for_this_person_raises_with_the_reason(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        def inotify_init1(self, flags: int) -> int:
            import ctypes

            ctypes.set_errno(24)
            return -1

    monkeypatch.setattr("stream.consumers.opens.ctypes.CDLL", lambda *_, **__: Library())
    with pytest.raises(OSError, match="Too many open files"):
        OpensWatched(device)
