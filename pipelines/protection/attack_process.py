"""The live attack, in a process of its own (`pipelines.protection.attack_child`), and the thread that talks to it.

Its networks take OpenCV's threads, which a process shares among all networks, and its Python the interpreter: in the
camera's process it made frames come late, at any priority. Apart, it takes what time the camera leaves. A process that
crashes, hangs or is killed for its memory takes nothing with it but its figures.

It is sent the newest small picture of the output, the plate and where that is known when it has done with the ones
before, through a pipe, and nothing else: it knows no camera.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from pipelines.child import child_command, end_child, read_exactly, write_all
from pipelines.protection.attack import Recovered, Seen
from pipelines.protection.attack_child import ERROR, FORGET, FRAME, LOOK, REPLY, REQUEST
from pipelines.segmentation import Backend

SILENT_S = 30.0
"""After so long without an answer that is said: a frame takes a tenth of a second where there is time for it."""

LAST_LOOK_S = 10.0
"""Longest wait at the end of a session."""

EXIT_S = 5.0
"""Longest wait for a process whose pipes are closed."""

WINDOWS_FLAGS = 0x4000 | 0x200
"""BELOW_NORMAL_PRIORITY_CLASS and CREATE_NEW_PROCESS_GROUP, which `subprocess` knows on Windows only."""

_Request = tuple[bytes, Seen | None]


class AttackError(Exception):
    """The attack has ended; the message is why."""


def attack_command(lines: int, person_model: Backend) -> list[str]:
    """Return the command that starts the process.

    Parameters
    ----------
    lines : int
        Most lines of a frame.
    person_model : {'auto', 'opencv', 'litert'}
        What runs the person model.

    Returns
    -------
    list of str
        For `subprocess`.
    """
    return child_command("pipelines.protection.attack_child", str(lines), person_model)


class AttackProcess:
    """Attacks beside the caller, on the newest frames. All but its own thread is called from one thread.

    It starts at once and in the background; what is offered before it is ready waits, the newest only.

    Parameters
    ----------
    lines : int
        Most lines of a frame.
    person_model : {'auto', 'opencv', 'litert'}
        What runs the person model.
    command : callable, optional
        How the process is started; for tests.

    Attributes
    ----------
    recovered : Recovered
        What it has found so far.
    problem : str
        Why it has stopped; empty while it works.
    """

    def __init__(
        self, lines: int, person_model: Backend, command: Callable[[int, Backend], list[str]] = attack_command
    ) -> None:
        self.recovered = Recovered()
        self.problem = ""
        self._changed = threading.Condition()
        self._newest: Seen | None = None
        self._n_rooms, self._n_rooms_told = 0, 0
        self._is_ready = self._is_ending = self._is_last_look_asked = self._is_closed = False
        self._asked_s: float | None = time.monotonic()  # first of all, to be ready
        self._thread = threading.Thread(target=self._run, name="attack", daemon=True)
        try:
            self._process = _start(command(lines, person_model))
        except OSError as error:
            self.problem, self._is_closed = f"it cannot be started: {error}", True
        else:
            self._thread.start()

    def offer(self, seen: Seen) -> None:
        """Let it see a frame, if no newer one comes before it has the time; waits for nothing.

        Parameters
        ----------
        seen : Seen
            Not written to any more.
        """
        with self._changed:
            self._newest = seen
            self._changed.notify()

    def forget(self) -> None:
        """Begin anew with the next frame: another room; waits for nothing."""
        with self._changed:
            self._newest = None
            self._n_rooms += 1
            self.recovered = Recovered()
            self._changed.notify()

    def silent_s(self) -> float:
        """Return for how many seconds it has been waited for."""
        asked_s = self._asked_s
        return 0.0 if asked_s is None else time.monotonic() - asked_s

    def finish(self) -> None:
        """Let it look at what it has a last time, as long as that takes `LAST_LOOK_S` at most, and end it.

        One that is not ready yet has seen nothing, and is not waited for.
        """
        with self._changed:
            self._is_ending = True
            self._changed.notify()
        if self._is_ready and not self._is_closed:
            self._thread.join(LAST_LOOK_S)
            if self._thread.is_alive():
                self.problem = f"it did not get to its last look within {LAST_LOOK_S:g} s"
        self.close()

    def close(self) -> None:
        """End the process and the thread; calling it again does nothing."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify()
        end_child(self._process, self._thread)

    def _run(self) -> None:
        problem = ""
        try:
            self._receive()
            self._is_ready = True
            while (request := self._next()) is not None:
                n_rooms = self._n_rooms_told
                found = self._ask(*request)
                with self._changed:
                    if n_rooms == self._n_rooms:
                        self.recovered = found
        except AttackError as error:
            problem = str(error)
        except (OSError, EOFError, ValueError):
            problem = self._how_it_ended()
        with self._changed:
            if problem and not self._is_closed:
                self.problem = problem

    def _next(self) -> _Request | None:
        """Wait for what is to be sent next: news of another room, the newest frame, and the last look."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._newest or self._n_rooms_told < self._n_rooms or self._is_ending or self._is_closed
            )
            if self._is_closed or (self._is_ending and self._is_last_look_asked):
                return None
            self._asked_s = time.monotonic()
            if self._n_rooms_told < self._n_rooms:
                self._n_rooms_told = self._n_rooms
                return FORGET, None
            if self._newest:
                seen, self._newest = self._newest, None
                return FRAME, seen
            self._is_last_look_asked = True
            return LOOK, None

    def _ask(self, kind: bytes, seen: Seen | None) -> Recovered:
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - asked for in Popen
        if seen is None:
            write_all(pipe, REQUEST.pack(kind, 0.0, 0, 0))
        else:
            arrays = (seen.output, seen.plate, seen.is_known)
            header = REQUEST.pack(kind, seen.pts_s, *seen.is_known.shape)
            write_all(pipe, header, *(array.data.cast("B") for array in arrays))
        return self._receive()

    def _receive(self) -> Recovered:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - asked for in Popen
        kind, n_bytes = REPLY.unpack(read_exactly(pipe, bytearray(REPLY.size)))
        content = json.loads(bytes(read_exactly(pipe, bytearray(n_bytes))))
        self._asked_s = None
        if kind == ERROR:
            raise AttackError(content)
        return Recovered(**content)

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(EXIT_S)
        except subprocess.TimeoutExpired:
            return "its process does not answer any more"
        return f"its process was ended by signal {-code}" if code < 0 else f"its process has ended (exit code {code})"


def _start(command: list[str]) -> "subprocess.Popen[bytes]":
    """Start it below the camera's priority (elsewhere than on Windows it sees to that) and out of reach of Ctrl-C.

    Not as a session of its own: Linux shares the processors among sessions first, and niceness counts within one only.
    """
    is_windows = sys.platform == "win32"
    return subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=WINDOWS_FLAGS if is_windows else 0,
        process_group=None if is_windows else 0,
    )
