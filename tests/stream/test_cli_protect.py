"""`backroom protect` on the command line: what comes out, and one line with the remedy for every bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from command import assert_one_line, write_video
from protected import n_camera_pixels

from pipelines.segmentation import MODEL_NAME

HEIGHT, WIDTH = 64, 96
PATIENCE_S = 20.0


@pytest.fixture
def protect(run):
    """Run `backroom protect` in this process; return (exit code, standard output, standard error)."""
    return lambda *arguments: run("protect", *arguments)


def frames_of(path):
    video, images = cv2.VideoCapture(str(path)), []
    while True:
        is_read, image = video.read()
        if not is_read:
            return images
        images.append(image)


@pytest.fixture
def webcam(tmp_path, rng):
    """A short lossless recording of a room with nobody in it, marked as the camera's."""
    images = [rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(10)]
    for image in images:
        image[..., 2] = 251
    path = tmp_path / "webcam.mkv"
    write_video(path, images)
    return path


def usual(tmp_path):
    return ["--view", "none", "--out", tmp_path / "D", "--to", f"file:{tmp_path / 'out.mkv'}"]


def test_a_recording_becomes_a_lossless_one_frame_for_frame(protect, webcam, tmp_path):
    flags = ["--background", "#ff00ff", "--noise", "none"]
    code, text, errors = protect(webcam, *usual(tmp_path), *flags)
    assert (code, errors) == (0, "")
    assert "10 frames protected" in text
    images = frames_of(tmp_path / "out.mkv")
    assert len(images) == 10
    # The background is there from the first frame on, and the room nearly nowhere: the model sees no person in noise.
    assert all((image == (255, 0, 255)).all(axis=2).mean() > 0.5 for image in images)
    report = json.loads((tmp_path / "D/report.json").read_text())
    assert report["frames"]["processed"] == 10
    assert (report["placeholders"], report["failures"]) == (0, 0)


def test_blur_warns_that_it_is_weak_and_alpha_is_said(protect, webcam, tmp_path):
    assert "still your room" in protect(webcam, *usual(tmp_path), "--background", "blur")[1]
    cv2.imwrite(str(tmp_path / "logo.png"), np.full((30, 300, 4), 128, np.uint8))
    code, text, errors = protect(webcam, *usual(tmp_path), "--background", tmp_path / "logo.png")
    assert (code, errors) == (0, "")
    assert "logo.png is see-through in places" in text


def test_several_sinks_get_the_same(protect, webcam, tmp_path):
    code, _, errors = protect(webcam, *usual(tmp_path), "--to", f"images:{tmp_path / 'pictures'}")
    assert (code, errors) == (0, "")
    pictures = [cv2.imread(str(path)) for path in sorted((tmp_path / "pictures").glob("*.png"))]
    np.testing.assert_array_equal(pictures, frames_of(tmp_path / "out.mkv"))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--background", "#12345"], ["#12345", "#RRGGBB"]),
        (["--background", "no/such.jpg"], ["no/such.jpg", "no such file"]),
        (["--crop", "everything"], ["protect.crop", "X,Y,WIDTHxHEIGHT"]),
        (["--crop", "0,0,1000x1000"], ["protect.crop", "96x64"]),
        (["--size", "3x3"], ["protect.size", "1280x720"]),
        (["--rate", "-1"], ["protect.rate_hz"]),
        (["--profile", "nosuch"], ["nosuch", "default"]),
        (["--to", "printer"], ["printer", "virtual-camera"]),
        (["--to", "file:x.avi"], [".mkv"]),
    ],
)
def test_a_bad_flag_names_what_is_wanted_and_leaves_nothing(protect, webcam, tmp_path, flags, words):
    code, _, errors = protect(webcam, *usual(tmp_path), *flags)
    assert_one_line(code, errors, words)
    assert [path.name for path in tmp_path.iterdir()] == ["webcam.mkv"]


@pytest.mark.parametrize("name", ["beach.png", "waves.avi", "waves.mp4"])
def test_a_corrupt_background_is_one_line_and_leaves_nothing(protect, webcam, tmp_path, name):
    (tmp_path / name).write_bytes(b"RIFF\0\0\0\0AVI LIST" * 20)
    code, _, errors = protect(webcam, *usual(tmp_path), "--background", tmp_path / name)
    assert_one_line(code, errors, [name])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "webcam.mkv"])


def test_a_missing_model_names_the_remedy(protect, webcam, tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.segmentation.files", lambda _: tmp_path)
    assert_one_line(*protect(webcam, *usual(tmp_path))[::2], [MODEL_NAME, "reinstall"])


@pytest.mark.parametrize("source", ["camera:99", "camera:No Such Camera", "missing.mp4"])
def test_a_source_that_is_not_there_is_one_line(protect, tmp_path, source):
    assert_one_line(*protect(source, *usual(tmp_path))[::2], [source.partition(":")[2] or source])


@pytest.mark.skipif(sys.platform != "linux" or any(Path("/dev").glob("video*")), reason="needs a Linux without cameras")
def test_without_a_virtual_camera_the_command_to_run_is_named(protect, webcam, tmp_path):
    code, _, errors = protect(webcam, "--view", "none", "--out", tmp_path / "D")
    assert_one_line(code, errors, ["modprobe v4l2loopback"])


def test_a_recording_that_changes_size_ends_with_its_error_and_keeps_one_size(protect, tmp_path, rng):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(6):
        size = (HEIGHT, WIDTH) if i < 4 else (HEIGHT, WIDTH + 2)
        cv2.imwrite(str(folder / f"{i}.png"), rng.integers(0, 256, (*size, 3), dtype=np.uint8))
    code, _, errors = protect(folder, *usual(tmp_path))
    assert_one_line(code, errors, ["98x64", "96x64"])
    assert [image.shape for image in frames_of(tmp_path / "out.mkv")] == [(HEIGHT, WIDTH, 3)] * 4


# --- a command in a terminal


@pytest.fixture
def long_call(tmp_path, rng):
    """A recording that a live sink takes six seconds to show."""
    path = tmp_path / "webcam.mkv"
    image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    image[..., 2] = 251
    write_video(path, [image] * 150)
    return path


PLAYED = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # the terminal is this command's own, as a shell would have it
import stream.sinks.open
from stream.sinks.images import ImagesSink
stream.sinks.images.ImagesSink.is_live = property(lambda self: True)
import numpy as np, pipelines.segmentation
for backend in (pipelines.segmentation.OpenCVSegmenter, pipelines.segmentation.LiteRTSegmenter):
    backend.small_probability = lambda self, image: np.pad(np.ones((128, 128), np.float32), 64)
from stream.cli import main
main()
"""
"""The command with a folder of pictures as a live sink, and a model that finds the person in the middle."""


def last_picture(folder):
    paths = sorted(folder.glob("*.png"))
    return cv2.imread(str(paths[-1])) if paths else None


def wait_until(is_so):
    until_s = time.monotonic() + PATIENCE_S
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.02)
    assert is_so()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_keys_and_signals_hide_and_show_again_and_the_end_is_clean(long_call, tmp_path):
    words = ["protect", str(long_call), "--view", "none", "--out", str(tmp_path / "D")]
    controller, terminal = os.openpty()
    pictures = tmp_path / "pictures"
    process = subprocess.Popen(
        [sys.executable, "-c", PLAYED, *words, "--to", f"images:{pictures}"],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    os.close(terminal)

    def is_shown():
        image = last_picture(pictures)
        return image is not None and n_camera_pixels(image) > 0

    def is_hidden():
        image = last_picture(pictures)
        return image is not None and n_camera_pixels(image) == 0

    try:
        wait_until(is_shown)
        os.write(controller, b"p")
        wait_until(is_hidden)
        os.write(controller, b" ")
        wait_until(is_shown)
        process.send_signal(signal.SIGUSR1)
        wait_until(is_hidden)
        process.send_signal(signal.SIGUSR2)
        wait_until(is_shown)
        os.write(controller, b"q")
        text, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
        os.close(controller)
    assert (process.returncode, errors) == (0, "")
    assert "of them were placeholders" in text
