"""The command line: what it prints, what it leaves behind, and one line with the remedy for every bad input."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from command import assert_one_line, write_video
from fakes import picture
from recordings import write_video as write_by_libav

from config.schema import WatchSettings
from pipelines.base import Frame
from pipelines.reconstruction.rarest import RarestReconstruction

RAREST = ["--method", "rarest"]
"""The method that claims after a handful of frames, and the only one that `--omg` and `--memory` mean something to."""

BACKROOM = [sys.executable, "-c", "from stream.cli import main; main()"]


@pytest.fixture
def call(tmp_path):
    """A short lossless recording: backdrop 10, for one frame the room, 200."""
    path = tmp_path / "call.mkv"
    write_video(path, [picture(10, 32, 48)] * 8 + [picture(200, 32, 48)] + [picture(10, 32, 48)] * 6)
    return path


def test_watch_leaves_its_files_and_says_so(run, call, tmp_path):
    out = tmp_path / "D"
    code, text, errors = run("watch", call, *RAREST, "--view", "none", "--out", out)
    assert code == 0, errors
    assert "15 frames counted" in text
    assert "counts are exact" in text
    assert sorted(path.name for path in out.iterdir()) == ["backdrop.png", "report.html", "report.json", "room.png"]
    assert str(out / "report.html") in text
    assert (cv2.imread(str(out / "room.png"), cv2.IMREAD_UNCHANGED) == (200, 200, 200, 255)).all()


def test_demo_scores_itself_against_its_known_room(run, tmp_path):
    code, text, errors = run("demo", "--out", tmp_path / "D")
    assert code == 0, errors
    report = json.loads((tmp_path / "D" / "report.json").read_text())
    assert report["frames"]["counted"] == 300
    assert report["method"] == "rarest"
    assert report["score"]["recall"] > 0.75  # the ideal case; a reconstruction that finds nothing has 0
    assert report["score"]["precision"] > 0.75
    assert "recall" in text


def test_a_picture_folder_is_watched_like_a_video(run, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, value in enumerate((10, 10, 200, 10)):
        cv2.imwrite(str(folder / f"{i}.png"), picture(value, 32, 48))
    code, _, errors = run("watch", folder, *RAREST, "--view", "none", "--out", tmp_path / "D")
    assert code == 0, errors
    assert (cv2.imread(str(tmp_path / "D/room.png"))[..., 0] == 200).all()


def test_the_growing_room_goes_to_several_sinks_at_once(run, call, tmp_path):
    sinks = [f"file:{tmp_path / 'a.mkv'}", f"file:{tmp_path / 'b.mp4'}", f"images:{tmp_path / 'c'}"]
    flags = [flag for sink in sinks for flag in ("--to", sink)]
    code, _, errors = run("watch", call, *RAREST, "--view", "none", "--out", tmp_path / "D", *flags)
    assert code == 0, errors
    assert (tmp_path / "a.mkv").stat().st_size > 0
    assert cv2.VideoCapture(str(tmp_path / "b.mp4")).read()[0]
    assert len(list((tmp_path / "c").glob("*.png"))) == 2  # 0.6 s of video, one room each half second


def test_frames_split_and_join_again_to_the_same_pixels(run, call, tmp_path):
    assert run("frames", "split", call, tmp_path / "F")[0] == 0
    code, text, errors = run("frames", "join", tmp_path / "F", tmp_path / "again.mkv")
    assert code == 0, errors
    assert "15 frames" in text
    first, second = (cv2.VideoCapture(str(path)) for path in (call, tmp_path / "again.mkv"))
    for _ in range(15):
        np.testing.assert_array_equal(first.read()[1], second.read()[1])
    assert not second.read()[0]


def test_pixel_lists_colours_by_count(run, call):
    code, text, _ = run("pixel", call, 3, 4, "--json")
    assert code == 0
    assert [(c["hex"], c["n_frames"]) for c in json.loads(text)] == [("#0a0a0a", 14), ("#c8c8c8", 1)]


def test_score_prints_json_that_can_be_parsed_even_for_equal_pictures(run, tmp_path):
    cv2.imwrite(str(tmp_path / "room.png"), np.dstack([picture(7, 64, 64), picture(255, 64, 64)[..., :1]]))
    cv2.imwrite(str(tmp_path / "truth.png"), picture(7, 64, 64))
    code, text, _ = run("score", tmp_path / "room.png", "--truth", tmp_path / "truth.png", "--json")
    assert code == 0
    assert json.loads(text)["psnr_db"] == "inf"


def test_profile_commands_show_what_is_in_force(run, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("watch:\n  omg: 77\n")
    assert run("profile", "list")[1].split() == ["default"]
    assert "omg: 77" in run("profile", "show", mine)[1]
    assert run("profile", "check", mine)[1].endswith("good\n")
    assert json.loads(run("profile", "schema")[1])["title"] == "Profile"


@pytest.mark.parametrize("command", [["devices"], ["doctor"]])
def test_listing_commands_work_on_a_machine_without_devices(run, command, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    code, text, _ = run(*command)
    assert code in (0, 1)
    assert "camera" in text


@pytest.mark.parametrize(
    "command",
    [
        "watch",
        "demo",
        "frames",
        "frames split",
        "noise",
        "noise image",
        "noise video",
        "pixel",
        "score",
        "devices",
        "profile",
    ],
)
def test_every_command_explains_itself(run, command):
    code, text, _ = run(*command.split(), "--help")
    assert code == 0
    assert len(text) > 100


# --- bad input: one line, the remedy, exit code 2, nothing half-written


def make_nothing(_):
    pass


def make_empty(path):
    path.write_bytes(b"")


def make_text(path):
    path.write_text("I am not a video.\n" * 50)


def make_cut_without_index(path):
    # By libav's own muxer, which writes the index last, where ours writes it first.
    whole = path.with_name("whole.mp4")
    write_by_libav(whole, [np.full((64, 96, 3), i % 200, np.uint8) for i in range(60)])
    content = whole.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    whole.unlink()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_nothing, ["no such file", "wanted"]),
        (make_empty, ["empty"]),
        (make_text, []),
        (make_cut_without_index, ["index", "missing"]),
    ],
)
def test_a_bad_recording_is_one_line_and_leaves_nothing(run, tmp_path, make, words):
    path = tmp_path / "call.mp4"
    make(path)
    before = sorted(tmp_path.iterdir())
    code, _, errors = run("watch", path, "--view", "none", "--out", tmp_path / "D", "--state", tmp_path / "s")
    assert_one_line(code, errors, ["call.mp4", *words])
    assert sorted(tmp_path.iterdir()) == before


def test_a_cut_off_recording_keeps_what_was_read(run, tmp_path):
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    rng = np.random.default_rng(1)
    write_video(whole, [rng.integers(0, 256, (64, 96, 3), dtype=np.uint8) for _ in range(50)])
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    code, _, errors = run("watch", cut, "--view", "none", "--out", tmp_path / "D", "--state", tmp_path / "s")
    assert_one_line(code, errors, ["cut.mkv", "kept"])
    report = json.loads((tmp_path / "D/report.json").read_text())
    assert 10 < report["frames"]["counted"] < 40
    assert "cut.mkv" in report["ended_by"]
    assert (tmp_path / "s").exists()


def test_frames_that_change_size_midway_keep_what_was_read(run, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(6):
        cv2.imwrite(str(folder / f"{i}.png"), picture(10, 32, 48 if i < 4 else 50))
    code, _, errors = run("watch", folder, "--view", "none", "--out", tmp_path / "D")
    assert_one_line(code, errors, ["50x32", "48x32"])
    assert json.loads((tmp_path / "D/report.json").read_text())["frames"]["counted"] == 4


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("screen", ["DISPLAY"]),
        ("screen:0,0,0x0", ["0x0"]),
        ("screen:0,0,640", ["screen:X,Y,WIDTHxHEIGHT"]),
        ("window:Zoom", ["DISPLAY"]),
        ("camera:99", ["camera"]),
        ("camera:No Such Camera", ["No Such Camera"]),
    ],
)
def test_a_device_that_is_not_there_names_the_remedy(run, tmp_path, monkeypatch, source, words):
    monkeypatch.delenv("DISPLAY", raising=False)
    code, _, errors = run("watch", source, "--view", "none", "--out", tmp_path / "D")
    assert_one_line(code, errors, words)
    assert not (tmp_path / "D").exists()


@pytest.mark.skipif(sys.platform != "linux" or any(Path("/dev").glob("video*")), reason="needs a Linux without cameras")
def test_a_missing_loopback_module_names_the_command_to_run(run, call, tmp_path):
    code, _, errors = run("watch", call, "--view", "none", "--out", tmp_path / "D", "--to", "virtual-camera")
    assert_one_line(code, errors, ["modprobe v4l2loopback"])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--omg", "9999"], ["watch.omg", "765"]),
        (["--memory", "lots"], ["watch.memory", "512MiB"]),
        (["--profile", "nosuch"], ["nosuch", "default"]),
        (["--to", "printer"], ["printer", "virtual-camera"]),
        (["--to", "file:x.avi"], [".mkv"]),
        (["--port", "99999"], ["page.port"]),
    ],
)
def test_a_bad_flag_names_the_flag_and_what_is_wanted(run, call, tmp_path, flags, words):
    code, _, errors = run("watch", call, "--view", "none", "--out", tmp_path / "D", *flags)
    assert_one_line(code, errors, words)
    assert not (tmp_path / "D").exists()


def test_an_unknown_profile_key_names_file_and_key(run, call, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("watch:\n  omgg: 1\n")
    code, _, errors = run("watch", call, "--view", "none", "--out", tmp_path / "D", "--profile", mine)
    assert_one_line(code, errors, ["mine.yaml", "watch.omgg", "watch.omg?"])


def test_an_out_folder_that_is_a_file_names_the_remedy(run, call, tmp_path):
    (tmp_path / "D").write_text("mine")
    code, _, errors = run("watch", call, "--view", "none", "--out", tmp_path / "D")
    assert_one_line(code, errors, ["--out", "name another folder"])
    assert (tmp_path / "D").read_text() == "mine"


def test_a_state_of_another_size_is_refused_and_stays(run, call, tmp_path):
    state = tmp_path / "s"
    other = RarestReconstruction(WatchSettings(memory=4 << 20))
    other.warm_up(10, 12, is_live=True)
    other.process(Frame(picture(1, 10, 12), 0.0))
    other.save(state, {})
    before = state.read_bytes()
    code, _, errors = run("watch", call, *RAREST, "--view", "none", "--out", tmp_path / "D", "--state", state)
    assert_one_line(code, errors, ["12x10", "48x32", "--state"])
    assert state.read_bytes() == before
    assert not (tmp_path / "D").exists()


def test_a_state_of_another_version_is_refused_and_stays(run, call, tmp_path):
    state = tmp_path / "s"
    run("watch", call, *RAREST, "--view", "none", "--out", tmp_path / "D", "--state", state)
    content = bytearray(state.read_bytes())
    content[16] += 1
    state.write_bytes(content)
    code, _, errors = run("watch", call, *RAREST, "--view", "none", "--out", tmp_path / "E", "--state", state)
    assert_one_line(code, errors, ["version 2, wanted 1"])
    assert state.read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_without_room_for_the_state_leaves_the_old_one_intact(tmp_path):
    rng = np.random.default_rng(3)
    first, second, state = tmp_path / "first.mkv", tmp_path / "second.mkv", tmp_path / "s"
    write_video(first, [picture(10, 64, 96)] * 3)
    write_video(second, [rng.integers(0, 256, (64, 96, 3), dtype=np.uint8) for _ in range(30)])
    flags = [*RAREST, "--view", "none", "--out", str(tmp_path / "D"), "--state", str(state)]
    subprocess.run([*BACKROOM, "watch", str(first), *flags], check=True, capture_output=True)
    before = state.read_bytes()

    def small_files_only():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100_000, len(before) + 100_000))

    ended = subprocess.run(
        [*BACKROOM, "watch", str(second), *flags],
        capture_output=True,
        text=True,
        preexec_fn=small_files_only,
        check=False,
    )
    assert_one_line(ended.returncode, ended.stderr, ["state", "intact"])
    assert state.read_bytes() == before
    assert not list(tmp_path.glob(".*part*"))


# --- ends: Ctrl-C, SIGTERM, kill -9


@pytest.fixture
def long_call(tmp_path):
    """Enough frames for half a minute of watching; a few colours each, so that the state grows slowly."""
    path = tmp_path / "long.mkv"
    rng = np.random.default_rng(5)
    palette = rng.integers(0, 256, (6, 3), dtype=np.uint8)
    write_video(path, [palette[rng.integers(0, 6, (90, 160))] for _ in range(900)])
    return path


def start_slow_watch(long_call, tmp_path, *more):
    # A live sink paces the recording by its own time stamps: 36 seconds, like a call.
    profile = tmp_path / "fast.yaml"
    profile.write_text("watch:\n  save_every_s: 0.5\n  preview_every_s: 0.05\n")
    code = (
        "import sys, fakes, stream.sinks.open as o, stream.run as r;"
        "r.open_sink = lambda *a: fakes.FakeSink(is_live=True);"
        "from stream.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "watch", str(long_call), "--view", "none", "--out", str(tmp_path / "D")]
    command += ["--state", str(tmp_path / "s"), "--to", "display", "--profile", str(profile), *RAREST, *more]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_save(path, process, patience_s=40.0):
    """Wait until the file is there, or is another than at the call."""
    before = path.stat().st_mtime_ns if path.exists() else None
    end_s = time.monotonic() + patience_s
    while not path.exists() or path.stat().st_mtime_ns == before:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end_s
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_cleanly_and_saves(long_call, tmp_path, number):
    process = start_slow_watch(long_call, tmp_path)
    wait_for_save(tmp_path / "s", process)
    process.send_signal(number)
    text, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "frames counted" in text
    report = json.loads((tmp_path / "D/report.json").read_text())
    assert 0 < report["frames"]["counted"] < 900


def test_after_kill_9_at_any_moment_the_state_is_loadable_and_young(long_call, tmp_path):
    state = tmp_path / "s"
    chance = np.random.default_rng(11)
    counted = 0
    for _ in range(3):
        process = start_slow_watch(long_call, tmp_path)
        wait_for_save(state, process)
        wait_for_save(state, process)  # the first one may hold no more than it was resumed with
        time.sleep(chance.uniform(0, 1))
        process.kill()
        process.communicate()
        age_s = time.time() - state.stat().st_mtime
        assert age_s < 3.0  # saved every 0.5 s here; every 8 s by default
        resumed = RarestReconstruction(WatchSettings())
        resumed.warm_up(90, 160, is_live=True)
        extra = resumed.resume(state)
        assert resumed.n_frames > counted, "each run goes on where the one before was saved"
        assert sum(extra["recordings"].values()) == resumed.n_frames
        counted = resumed.n_frames
