"""A command with `--view page` as a process of its own, driven over plain HTTP as its page would drive it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from page_client import Client

BACKROOM = [sys.executable, "-c", "from stream.cli import main; main()"]
PATIENCE_S = 15.0
"""For the start of a process and a session on a busy machine; on a quiet one it takes half a second."""

Figures = dict[str, Any]


@dataclass(frozen=True)
class _Address:
    url: str


class WatchCommand:
    """A running command and one open page: its stream of events is read as far as a test waits for something."""

    def __init__(self, process: subprocess.Popen[str], out: Path) -> None:
        self.process = process
        self.out = out
        assert process.stdout is not None
        first_line = process.stdout.readline()
        assert first_line.startswith("live page: http://127.0.0.1:"), (first_line, process.stderr)
        self.url = first_line.split()[-1]
        self.client = Client(_Address(self.url))
        self._connection, self._events = self.client.open_events()
        self.figures: Figures = {}
        self.is_over = False
        self._versions: dict[str, int] = {}

    def wait_for(self, is_so: Callable[[Figures], bool]) -> Figures:
        """Read events until the figures are so; return them."""
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s and not self.is_over:
            if self._next_event() == "figures" and is_so(self.figures):
                return self.figures
        raise AssertionError(f"not so within {PATIENCE_S} s, the last figures are {self.figures}")

    def wait_for_frames(self, n_more: int = 5) -> Figures:
        """Wait until so many more frames were counted since the last figures read."""
        n_before = self.figures.get("frames", 0)
        return self.wait_for(lambda figures: figures["frames"] >= n_before + n_more)

    def send(self, kind: str, **more: Any) -> None:
        """Send a command and expect that it is taken."""
        answer = self.client.post({"kind": kind, **more})
        assert answer.status == 204, answer

    def picture(self, name: str) -> npt.NDArray[np.uint8]:
        """Fetch a newer picture than any before, as a page that shows it does; wait for it."""
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            answer = self.client.get(f"pictures/{name}?after={self._versions.get(name, 0)}")
            if answer.status == 200:
                self._versions[name] = int(answer.headers["x-picture-version"])
                image = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_UNCHANGED)
                return np.asarray(image, np.uint8)
            time.sleep(0.02)
        raise AssertionError(f"no picture {name!r} within {PATIENCE_S} s")

    def finish(self) -> tuple[int, str, str]:
        """Wait for the end; return exit code, standard output after the address, and standard error."""
        text, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, text, errors

    def report(self) -> dict[str, Any]:
        """Return report.json as it stands."""
        report: dict[str, Any] = json.loads((self.out / "report.json").read_text("utf-8"))
        return report

    def read_to_the_end(self) -> list[str]:
        """Read every event that is still to come; return their names."""
        names = []
        while not self.is_over:
            names.append(self._next_event())
        return names

    def close(self) -> None:
        self._connection.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def _next_event(self) -> str:
        name = ""
        while line := self._events.readline():
            key, _, rest = line.decode().strip().partition(": ")
            if key == "event":
                name = rest
            elif key == "data":
                if name == "figures":
                    self.figures = json.loads(rest)
                return name
        self.is_over = True
        return ""


@contextmanager
def watch_command(source: str, out: Path, *flags: str) -> Iterator[WatchCommand]:
    """Run the command with its page on the server of DISPLAY; it is killed if the test has not ended it.

    The method is ``rarest`` unless a flag says otherwise: it claims from the first frames on.
    """
    with page_command(["watch", source, "--method", "rarest", *flags], out) as command:
        yield command


@contextmanager
def page_command(words: Sequence[str], out: Path) -> Iterator[WatchCommand]:
    """Run any command with its page; it is killed if the test has not ended it."""
    words = [*words, "--view", "page", "--out", str(out)]
    process = subprocess.Popen([*BACKROOM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        command = WatchCommand(process, out)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    try:
        yield command
    finally:
        command.close()
