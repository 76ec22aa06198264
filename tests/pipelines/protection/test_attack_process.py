"""The live attack's process: it finds what the attack in this process finds, and no fault of it harms the camera."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from compiled import sized
from fake_attack import fake_command

from pipelines.base import Image
from pipelines.protection import attack_process as attack_process_module
from pipelines.protection.attack import Attack, Seen
from pipelines.protection.attack_process import AttackProcess
from pipelines.segmentation import Backend

HEIGHT, WIDTH = 40, 60
N_PIXELS = HEIGHT * WIDTH
SOON_S = 60.0
"""For processes on a busy machine."""

AT_ONCE_S = 5.0

Begin = Callable[..., AttackProcess]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Start processes, fake ones as a rule, that are closed at the end."""
    made: list[AttackProcess] = []

    def act(
        does: str = "claim", gate: Path | None = None, *, lines: int = HEIGHT, model: Backend = "opencv"
    ) -> AttackProcess:
        made.append(AttackProcess(lines, model, fake_command(does, gate)))
        return made[-1]

    yield act
    for process in made:
        process.close()
        process.close()


def frame(pts_s: float, plate: Image | None = None) -> Seen:
    room = np.full((HEIGHT, WIDTH, 3), 90, np.uint8) if plate is None else plate
    return Seen(room, room, np.ones((HEIGHT, WIDTH), bool), pts_s)


def wait_until(is_true: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + SOON_S
    while not is_true():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def wait_until_idle(process: AttackProcess) -> None:
    wait_until(lambda: process.problem or (process._newest is None and process.silent_s() == 0))


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def leaking_call(n_frames: int, height: int, width: int, rng: np.random.Generator) -> Iterator[Seen]:
    """A person who moves before a plain backdrop, and around whom the room shows for moments."""
    plate = cv2.resize(rng.integers(0, 256, (6, 9, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    known = np.ones((height, width), bool)
    for t in range(n_frames):
        output = np.full((height, width, 3), (255, 0, 255), np.uint8)
        center = (width // 2 + int(width / 5 * np.sin(t / 5)), height // 2)
        leak = cv2.circle(np.zeros((height, width), np.uint8), center, height // 3, 1, -1)
        output[leak > 0] = plate[leak > 0]
        cv2.circle(output, center, height // 4, (120, 150, 230), -1)
        yield Seen(output, np.asarray(plate, np.uint8), known, t / 25)


def test_it_finds_what_the_attack_in_this_process_finds(rng: np.random.Generator) -> None:
    height, width = sized((72, 128), (32, 48))
    frames = list(leaking_call(sized(62, 12), height, width, rng))
    here, apart = Attack(height, "opencv"), AttackProcess(height, "opencv")
    for seen in frames:
        here.see(seen)
        apart.offer(seen)
        wait_until_idle(apart)
        assert apart.recovered == here.recovered
    here.look()
    apart.finish()
    assert (apart.problem, apart.recovered) == ("", here.recovered)
    assert here.recovered.n_frames == len(frames)
    assert here.recovered.claimed > sized(0.01, -1.0)


def test_it_takes_the_newest_frame_and_holds_nobody_up(begin: Begin, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    process = begin("wait", gate)
    process.offer(frame(0.0))
    wait_until(lambda: process._newest is None)
    begin_s = time.perf_counter()
    for t in range(1, 50):
        process.offer(frame(float(t)))
    assert time.perf_counter() - begin_s < AT_ONCE_S
    gate.touch()
    wait_until_idle(process)
    process.finish()
    assert (process.problem, process.recovered.n_frames) == ("", 2)
    assert process.recovered.claimed == 49 / N_PIXELS


@pytest.mark.parametrize(
    ("does", "problem"),
    [("fail", "no more memory"), ("crash", f"its process was ended by signal {signal.SIGABRT.value}")],
)
def test_a_fault_is_said_and_ends_the_attack_alone(does: str, problem: str, begin: Begin) -> None:
    process = begin(does)
    process.offer(frame(0.0))
    wait_until(lambda: process.problem)
    process.offer(frame(1.0))
    process.forget()
    process.finish()
    assert (process.problem, process.recovered.n_frames) == (problem, 0)


def test_a_process_that_is_killed_is_said(begin: Begin) -> None:
    process = begin()
    process.offer(frame(0.0))
    wait_until_idle(process)
    process._process.kill()
    wait_until(lambda: process.offer(frame(1.0)) or process.problem)
    assert process.problem == "its process was ended by signal 9"


def test_one_that_cannot_be_started_is_said() -> None:
    process = AttackProcess(HEIGHT, "opencv", lambda *_: ["/no/such/program"])
    assert process.problem.startswith("it cannot be started: ")
    process.offer(frame(0.0))
    process.finish()
    process.close()


@pytest.mark.parametrize("does", ["hang", "hang at the start"])
def test_one_that_hangs_is_ended_at_once(does: str, begin: Begin) -> None:
    process = begin(does)
    process.offer(frame(0.0))
    if does == "hang":
        wait_until(lambda: process._newest is None)
    begin_s = time.perf_counter()
    process.close()
    assert time.perf_counter() - begin_s < AT_ONCE_S
    assert process._process.returncode is not None
    assert not process._thread.is_alive()


def test_one_that_hangs_has_no_last_look_and_that_is_said(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attack_process_module, "LAST_LOOK_S", 0.2)
    process = begin("hang")
    process.offer(frame(0.0))
    wait_until(lambda: process._newest is None)
    assert process.silent_s() > 0
    process.finish()
    assert process.problem == "it did not get to its last look within 0.2 s"


def test_one_that_is_not_ready_is_not_waited_for(begin: Begin) -> None:
    process = begin("hang at the start")
    process.offer(frame(0.0))
    begin_s = time.perf_counter()
    process.finish()
    assert time.perf_counter() - begin_s < AT_ONCE_S
    assert (process.problem, process.recovered.n_frames) == ("", 0)


def test_another_room_begins_at_nothing_and_nothing_of_the_one_before_comes_after(begin: Begin, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    process = begin("wait", gate)
    process.offer(frame(0.0))
    wait_until(lambda: process._newest is None)
    process.offer(frame(30.0))
    process.forget()
    gate.touch()
    wait_until_idle(process)
    assert process.recovered.n_frames == 0
    process.offer(frame(7.0))
    process.finish()
    assert (process.recovered.n_frames, process.recovered.claimed) == (1, 7 / N_PIXELS)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has niceness and process groups")
def test_it_gives_way_to_the_camera_and_hears_no_ctrl_c(begin: Begin) -> None:
    process = begin()
    process.offer(frame(0.0))
    wait_until_idle(process)
    pid = process._process.pid
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpgid(pid) != os.getpgid(0), "a terminal sends Ctrl-C to all of a group"
    assert os.getsid(pid) == os.getsid(0), "Linux shares the processors among sessions first"
    os.kill(pid, signal.SIGINT)
    process.offer(frame(1.0))
    process.finish()
    assert (process.problem, process.recovered.n_frames) == ("", 2)


PARENT = """
import sys, time
import numpy as np
from fake_attack import fake_command
from pipelines.protection.attack import Seen
from pipelines.protection.attack_process import AttackProcess
process = AttackProcess(40, "opencv", fake_command(sys.argv[1]))
room = np.zeros((40, 60, 3), np.uint8)
process.offer(Seen(room, room, np.ones((40, 60), bool), 0.0))
while sys.argv[1] != "hang at the start" and process._newest is not None:
    time.sleep(0.01)
print(process._process.pid, flush=True)
time.sleep(120)
"""


@pytest.mark.parametrize("does", ["claim", "hang", "hang at the start"])
def test_nothing_is_left_of_it_when_its_parent_is_killed(does: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, "-c", PARENT, does], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not is_gone(pid)
        parent.kill()
        parent.wait()
        wait_until(lambda: is_gone(pid))
