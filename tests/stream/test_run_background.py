"""`backroom protect --emit background`: it goes out alone, no camera is needed, and it obeys as one does."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from command import assert_one_line
from fakes import FakeSink, FakeView

from config.loader import load_profile
from config.reload import ProfileWatcher
from pipelines.protection.alone import BackgroundAlone
from stream.protect import HIDDEN, SHOWN_ALONE, ProtectSession
from stream.run_background import open_without_a_room
from stream.sources.blank import BlankSource
from stream.view.base import ViewCommand

HEIGHT, WIDTH = 48, 64
PATIENCE_S = 20.0
SMALL = ["--size", f"{WIDTH}x{HEIGHT}", "--view", "none"]


@pytest.fixture
def protect(run, tmp_path):
    """Run the command in this process; return (exit code, standard output, standard error)."""
    return lambda *arguments: run("protect", "--emit", "background", "--out", tmp_path / "D", *SMALL, *arguments)


def frames_of(path):
    video, images = cv2.VideoCapture(str(path)), []
    while True:
        is_read, image = video.read()
        if not is_read:
            return images
        images.append(image)


def report_in(tmp_path):
    return json.loads((tmp_path / "D/report.json").read_text())


def test_a_file_gets_every_frame_of_its_length_as_fast_as_can_be(protect, tmp_path):
    path = tmp_path / "out.mkv"
    begin_s = time.monotonic()
    flags = ["--background", "#102030", "--rate", 20, "--duration", 30]
    code, text, errors = protect(*flags, "--to", f"file:{path}")
    assert (code, errors) == (0, "")
    assert time.monotonic() - begin_s < 30
    assert "600 frames of the background sent" in text
    images = frames_of(path)
    assert len(images) == 600
    assert all((image == (0x30, 0x20, 0x10)).all() for image in images)
    report = report_in(tmp_path)
    assert report["emit"] == "background"
    assert (report["placeholders"], report["failures"], report["leak_meter"]) == (0, 0, None)
    assert report["output"] == {"width": WIDTH, "height": HEIGHT}


def test_noise_and_pictures_come_along_and_black_is_a_colour_too(protect, tmp_path, rng):
    beach = np.full((90, 120, 3), 128, np.uint8)
    cv2.imwrite(str(tmp_path / "beach.png"), beach)
    path = tmp_path / "out.mkv"
    few = ["--rate", 10, "--duration", 1, "--to", f"file:{path}"]
    assert protect(*few, "--background", tmp_path / "beach.png", "--noise", "pixels")[0] == 0
    noisy = [(image != 128).any(axis=2).mean() for image in frames_of(path)]
    assert 0 < max(noisy) <= 0.1
    assert report_in(tmp_path)["background"] == "beach.png with noise pixels"
    assert protect(*few, "--background", "#000000")[0] == 0
    assert report_in(tmp_path)["placeholders"] == 0
    assert protect(*few, "--background", "noise")[0] == 0
    assert report_in(tmp_path)["background"] == "noise"


def test_without_a_size_it_is_the_cameras_of_the_profile(run, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "camera: {width: 100, height: 60, rate_hz: 12}\nprotect: {crop: '0,0,1000x1000'}\n"
    )
    words = ["--view", "none", "--out", tmp_path / "D", "--profile", tmp_path / "mine.yaml", "--duration", 1]
    code, _, errors = run("protect", "--emit", "background", *words, "--to", f"images:{tmp_path / 'P'}")
    assert (code, errors) == (0, "")
    pictures = [cv2.imread(str(path)) for path in (tmp_path / "P").glob("*.png")]
    assert [picture.shape for picture in pictures] == [(60, 100, 3)] * 12


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--to", "file:a.mkv"], ["file:a.mkv", "--duration"]),
        (["--to", "display", "--to", "images:P"], ["images:P", "--duration"]),
        (["--background", "blur", "--duration", "1"], ["blur", "no camera"]),
        (["--background", "no/such.jpg"], ["no/such.jpg"]),
        (["camera:1"], ["camera:1", "--emit background"]),
        (["call.mkv"], ["call.mkv", "leave it out"]),
        (["--crop", "0,0,20x20"], ["--crop", "--size"]),
        (["--audit-only", "screen"], ["--audit-only", "--emit"]),
        (["--to", "printer"], ["printer", "virtual-camera"]),
    ],
)
def test_what_makes_no_sense_is_one_line_and_leaves_nothing(protect, tmp_path, flags, words):
    code, _, errors = protect(*flags)
    assert_one_line(code, errors, words)
    assert list(tmp_path.iterdir()) == []


NO_CAMERA = """
import sys
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name in {"stream.sources.camera", "stream.sources.open", "pipelines.protection.pipeline"}:
            raise AssertionError(f"{name} is imported")
sys.meta_path.insert(0, Refusing())
import cv2
def refuse(*_):
    raise AssertionError("a camera is opened")
cv2.VideoCapture = refuse
open_file = open
import builtins, os
def opening(path, *more, **named):
    assert "/dev/video" not in str(path), "a camera is opened"
    return open_file(path, *more, **named)
builtins.open = opening
open_low = os.open
def opening_low(path, *more, **named):
    assert "/dev/video" not in str(path), "a camera is opened"
    return open_low(path, *more, **named)
os.open = opening_low
from stream.sinks.images import ImagesSink
IS_LIVE
from stream.cli import main
main()
"""
"""The command, where nothing of a camera can be had: neither the modules nor a device."""

LIVE = "ImagesSink.is_live = property(lambda self: True)"


def command(code, *words, **more):
    words = [sys.executable, "-c", code, "protect", "--emit", "background", *SMALL, *map(str, words)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def test_no_camera_is_opened_or_even_imported(tmp_path):
    words = ["--out", tmp_path / "D", "--rate", 10, "--duration", 1, "--to", f"file:{tmp_path / 'out.mkv'}"]
    process = command(NO_CAMERA.replace("IS_LIVE", ""), *words)
    text, errors = process.communicate(timeout=PATIENCE_S * 3)
    assert (process.returncode, errors) == (0, "")
    assert "10 frames of the background sent" in text


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGUSR1")
def test_live_it_keeps_its_rate_obeys_signals_and_ends_cleanly(tmp_path):
    pictures = tmp_path / "P"
    words = ["--out", tmp_path / "D", "--rate", 10, "--background", "#102030", "--duration", 60]
    process = command(NO_CAMERA.replace("IS_LIVE", LIVE), *words, "--to", f"images:{pictures}")

    def is_placeholder(path):
        image = cv2.imread(str(path))
        return image is not None and not (image[0, 0] == (0x30, 0x20, 0x10)).all()

    def newest():
        paths = sorted(pictures.glob("*.png"))
        return paths[-1] if paths else None

    try:
        wait_until(newest)
        os.kill(process.pid, signal.SIGUSR1)
        wait_until(lambda: is_placeholder(newest()))
        os.kill(process.pid, signal.SIGUSR2)
        wait_until(lambda: not is_placeholder(newest()))
        process.send_signal(signal.SIGTERM)
        text, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert "of them were placeholders" in text
    report = report_in(tmp_path)
    assert report["source"]["is_live"]
    assert report["elapsed_s"] * 10 + 2 >= report["frames"]["processed"]


# --- while it runs


def wait_until(is_so):
    until_s = time.monotonic() + PATIENCE_S
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.02)
    assert is_so()


@pytest.fixture
def running(tmp_path):
    """Run a live session of the background alone aside; give its sink's frames, its view and itself."""
    overrides = {"protect.background": "#102030", "protect.rate_hz": 50.0}
    sink, view = FakeSink(is_live=True), FakeView(wants=("output", "mask"))
    session = ProtectSession(
        BlankSource("alone", HEIGHT, WIDTH, 50.0),
        lambda _, background: BackgroundAlone(background),
        open_without_a_room,
        tmp_path,
        load_profile("default", overrides),
        ProfileWatcher("default", overrides),
        [view],
        [sink],
    )
    thread = threading.Thread(target=session.run)
    thread.start()
    try:
        yield sink.frames, view, session
    finally:
        session.stop()
        thread.join(PATIENCE_S)


def test_another_background_is_taken_and_blur_is_refused_with_the_last_one_kept(running):
    frames, view, _ = running
    wait_until(lambda: frames)
    view.ready.append(ViewCommand("settings", settings={"protect.background": "#405060"}))
    wait_until(lambda: frames[-1].image[0, 0].tolist() == [0x60, 0x50, 0x40])
    view.ready.append(ViewCommand("settings", settings={"protect.background": "blur"}))
    wait_until(lambda: any("blur" in numbers["message"] for numbers in view.numbers))
    assert view.numbers[-1]["settings"]["protect.background"] == "#405060"
    n_before = len(frames)
    wait_until(lambda: len(frames) > n_before + 3)
    assert (frames[-1].image == (0x60, 0x50, 0x40)).all()


def test_a_pause_shows_the_placeholder_and_views_see_what_goes_out(running):
    frames, view, session = running
    wait_until(lambda: frames)
    session.pause(True)
    wait_until(lambda: frames[-1].is_placeholder)
    wait_until(lambda: view.numbers[-1]["message"] == HIDDEN)
    session.pause(False)
    wait_until(lambda: not frames[-1].is_placeholder)
    wait_until(lambda: view.numbers[-1]["message"] == SHOWN_ALONE)
    assert (view.pictures["output"][-1] == (0x30, 0x20, 0x10)).all()
    assert not view.pictures["mask"][-1].any()


def test_only_what_has_a_meaning_without_a_camera_is_offered_and_a_higher_rate_is_put_off(running):
    _, view, _ = running
    wait_until(lambda: view.numbers)
    assert "protect.crop" not in view.numbers[-1]["settings"]
    assert "noise.kind" in view.numbers[-1]["settings"]
    view.ready.append(ViewCommand("settings", settings={"protect.rate_hz": 90.0}))
    wait_until(lambda: any("needs another start" in numbers["message"] for numbers in view.numbers))
