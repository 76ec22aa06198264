"""`backroom play` on a real X server: frames on the screen, keys, and a display that is too slow."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command import assert_one_line
from recordings import moving_pictures, write_video
from xserver import x_server

COMMAND = [sys.executable, "-c", "from stream.cli import main; main()", "play"]


def play(display: str, state: Path, *arguments: object) -> subprocess.Popen[str]:
    environment = os.environ | {"DISPLAY": display, "XDG_STATE_HOME": str(state)}
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.screen
def test_a_film_is_shown_fullscreen_and_ends_by_itself(tmp_path: Path, rng: np.random.Generator) -> None:
    film = write_video(tmp_path / "film.mkv", moving_pictures(rng, 24, 48, 64), "ffv1", "bgr0", rate=24)
    with x_server(320, 240) as display:
        process = play(display, tmp_path, film, "--refresh", "120", "--out", tmp_path / "D")
        text, errors = process.communicate(timeout=60)
        again = play(display, tmp_path, film, "--refresh", "120", "--out", tmp_path / "E")
        text_again, _ = again.communicate(timeout=60)
    assert process.returncode == again.returncode == 0, errors
    report = json.loads((tmp_path / "D/report.json").read_text())["play"]
    assert 3 * (40 - report["cycles"]) <= report["missed_periods"]  # a stall may take the last ones
    assert report["cycles"] <= 40
    assert 1 < report["subframes"] <= 120
    assert report["subframes"] + report["missed_periods"] >= 110
    assert text.startswith("Caution:")
    assert "Caution" not in text_again


@pytest.mark.screen
def test_a_signal_ends_a_film_and_its_report_is_written(tmp_path: Path, rng: np.random.Generator) -> None:
    film = write_video(tmp_path / "film.mkv", moving_pictures(rng, 24, 48, 64), "ffv1", "bgr0", rate=24)
    with x_server(320, 240) as display:
        process = play(display, tmp_path, film, "--refresh", "120", "--loop", "--out", tmp_path / "D")
        assert process.stdout is not None
        while not process.stdout.readline().startswith("code "):  # it begins
            assert process.poll() is None
        time.sleep(3.0)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert json.loads((tmp_path / "D/report.json").read_text())["play"]["cycles"] > 0


@pytest.mark.screen
def test_a_signal_during_the_start_ends_it_as_well(tmp_path: Path, rng: np.random.Generator) -> None:
    film = write_video(tmp_path / "film.mkv", moving_pictures(rng, 24, 48, 64), "ffv1", "bgr0", rate=24)
    with x_server(320, 240) as display:
        process = play(display, tmp_path, film, "--refresh", "120", "--loop", "--out", tmp_path / "D")
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Caution:")  # the display is opened next
        process.send_signal(signal.SIGTERM)
        text, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "0 sub-frames in 0 cycles" in text
    assert json.loads((tmp_path / "D/report.json").read_text())["play"]["subframes"] == 0


@pytest.mark.screen
def test_a_display_without_a_rate_is_refused_in_one_line(tmp_path: Path, rng: np.random.Generator) -> None:
    film = write_video(tmp_path / "film.mkv", moving_pictures(rng, 3, 48, 64), "ffv1", "bgr0", rate=24)
    with x_server(320, 240) as display:
        process = play(display, tmp_path, film, "--out", tmp_path / "D")
        _, errors = process.communicate(timeout=60)
    assert_one_line(process.returncode, errors, ["does not tell its refresh rate"])
