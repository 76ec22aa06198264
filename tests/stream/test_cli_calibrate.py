"""`backroom calibrate` on the command line, on a real X server."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from command import assert_one_line
from xserver import x_server

COMMAND = [sys.executable, "-c", "from stream.cli import main; main()", "calibrate"]


@pytest.mark.screen
def test_a_picture_to_try_play_on_has_the_displays_size(tmp_path: Path) -> None:
    path = tmp_path / "test.png"
    with x_server(640, 360) as display:
        environment = os.environ | {"DISPLAY": display}
        command = [*COMMAND, "--refresh", "120", "--test-picture", str(path)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert f"backroom play {path}" in ended.stdout
    assert cv2.imread(str(path)).shape == (360, 640, 3)


@pytest.mark.screen
def test_a_display_that_does_not_tell_its_rate_is_one_line() -> None:
    with x_server(640, 360) as display:
        environment = os.environ | {"DISPLAY": display}
        ended = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert_one_line(ended.returncode, ended.stderr, ["does not tell its refresh rate"])


@pytest.mark.screen
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_page_and_what_was_set_is_told(tmp_path: Path, number: int) -> None:
    with x_server(640, 360) as display:
        environment = os.environ | {"DISPLAY": display, "XDG_STATE_HOME": str(tmp_path)}
        process = subprocess.Popen(
            [*COMMAND, "--refresh", "120"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Caution:")  # the page comes next
        process.send_signal(number)
        text, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    lines = text.splitlines()
    begin = lines.index("stopped before you were done; what was set until then:")
    assert lines[begin + 1].startswith("panel gamma blue: 2.27 (code 188 gives half the light), not changed")
    assert "periods missed of" in lines[-1]
    assert "Traceback" not in errors


def test_without_a_display_the_remedy_is_told(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    code, _, errors = run("calibrate")
    assert_one_line(code, errors, ["display", "DISPLAY is not set"])
