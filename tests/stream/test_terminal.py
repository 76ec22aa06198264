"""The live line: fits the terminal, keeps what matters above it, and never ends a session."""

import fcntl
import io
import json
import os
import pty
import subprocess
import sys
import termios
import time

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from stream.terminal import TerminalView
from stream.watch import COMPILING, COUNTING, WAITING

LIVE = {
    "is_live": True,
    "state": "running",
    "message": COUNTING,
    "notices": [],
    "frames": 1_234_567,
    "captured": 1_234_567,
    "n_frames": None,
    "dropped": 1234,
    "rate_hz": 30.0,
    "latency_ms": {"total": {"p50": 1.2, "p99": 5.4}},
    "coverage": 0.1925,
    "exact": True,
    "session": "watch",
}
RECORDING = {**LIVE, "is_live": False, "n_frames": 2_000_000, "dropped": 0, "rate_hz": 312.4}
WAIT_S = 20.0


def shown(*states, width=80):
    """Show figures one after the other; return the lines as a terminal would have written them, oldest first."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, color_system=None)
    view = TerminalView(console)
    for numbers in states:
        view.show_numbers(numbers)
    view._progress.refresh()
    lines = [Text.from_ansi(line).plain.rstrip() for line in out.getvalue().replace("\r", "\n").splitlines()]
    view.close()
    return [line for line in lines if line]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("numbers", [LIVE, RECORDING], ids=["live", "recording"])
def test_the_line_is_one_line_also_in_a_narrow_terminal(numbers, width):
    last = shown(numbers, width=width)[-1]
    assert "running" in last
    assert cell_len(last) <= width
    assert "coverage 19.2%" in last or width < 80


def test_while_nothing_is_counted_the_line_says_what_is_waited_for():
    lines = shown(*({**RECORDING, "frames": 0, "state": "starting", "message": text} for text in (COMPILING, WAITING)))
    assert any(COMPILING in line for line in lines)
    assert WAITING in lines[-1]
    assert "0/" not in lines[-1]


def test_messages_that_pass_leave_no_line_behind_and_others_do():
    texts = (COMPILING, WAITING, COUNTING, "saved to out", COUNTING)
    lines = shown(*({**LIVE, "message": text} for text in texts))
    assert [line for line in lines if "running" not in line] == ["Ctrl-C ends and saves", "saved to out"]


def test_a_title_with_brackets_is_shown_as_it_is_and_breaks_nothing():
    notice = "'Chat [/b] [red]x' stands in front of the window"
    lines = shown({**LIVE, "notices": [notice], "message": "saved to a[/b]c"})
    assert notice in lines
    assert "saved to a[/b]c" in lines


def test_a_notice_is_said_once():
    degraded = {**LIVE, "notices": ["camera lost"], "exact": False}
    lines = shown(degraded, degraded, {**degraded, "frames": 9})
    assert lines.count("camera lost") == 1
    assert "approximate" in lines[-1]


def test_a_terminal_that_goes_away_ends_the_view_and_not_the_session():
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(5, "Input/output error")

    view = TerminalView(Console(file=Gone(), force_terminal=True, width=80))
    for _ in range(3):
        view.show_numbers({**LIVE, "message": "saved to out"})
    view.close()


def test_closing_the_terminal_ends_a_session_and_saves(tmp_path):
    code = (
        "import sys, fakes, stream.run as r;"
        "r.open_source = lambda *_: fakes.FakeSource([fakes.picture(i, 90, 160) for i in range(5)] * 9999,"
        " is_live=True, period_s=0.01);"
        "from stream.cli import main; main()"
    )

    def take_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # one of its own, that hangs up when it is closed

    words = ["watch", "fake", "--view", "none", "--out", str(tmp_path / "out"), "--state", str(tmp_path / "s")]
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
        preexec_fn=take_terminal,  # noqa: PLW1509 - no other thread of this test runs
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"},
    )
    os.close(other_end)
    until_s = time.monotonic() + WAIT_S
    written = b""
    while b"running" not in written and time.monotonic() < until_s:
        written += os.read(terminal, 4096)
    os.close(terminal)
    process.wait(WAIT_S)
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["frames"]["counted"] > 0
    assert report["ended"] is not None
    assert (tmp_path / "s").stat().st_size > 0
