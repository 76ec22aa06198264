"""Recordings to pictures and back, bit by bit and time by time."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from full_disk import files_no_longer_than
from recordings import frames_of, moving_pictures, read_all, write_video

from config.schema import VideoSettings
from pipelines.base import Frame
from stream.sinks.base import SinkError
from stream.sinks.images import save_png
from stream.sinks.video import VideoSink
from stream.sources.base import CaptureError
from stream.sources.video import VideoSource
from stream.tools.frames import join, split

# A time goes through a file as nanoseconds.
TIME_TOLERANCE_S = 0.6e-9


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def record(path: Path, frames: list[Frame]) -> Path:
    sink = VideoSink(path, 30.0, VideoSettings())
    for frame in frames:
        sink.write(frame)
    sink.close()
    return path


def assert_same_frames(path: Path, expected: list[Frame]) -> None:
    for frame, other in zip(read_all(VideoSource(path)), expected, strict=True):
        np.testing.assert_array_equal(frame.image, other.image)
        assert frame.pts_s == pytest.approx(other.pts_s, rel=0, abs=TIME_TOLERANCE_S)


def test_a_recording_survives_the_way_out_and_back_with_its_times(tmp_path: Path, rng: np.random.Generator) -> None:
    times_s = np.cumsum([0.0] + [1 / 30, 0.2, 1 / 144] * 4)
    frames = [Frame(p, float(t)) for p, t in zip(moving_pictures(rng, 13, 47, 65), times_s, strict=True)]
    call = record(tmp_path / "call.mkv", frames)
    seen: list[tuple[int, int | None]] = []
    report = split(call, tmp_path / "out", progress=lambda *step: seen.append(step))
    assert (report.n_frames, report.rate_hz, report.notes) == (13, 30.0, ())
    assert names(tmp_path / "out") == [f"frame_{n:06d}.png" for n in range(1, 14)] + ["frames.json"]
    assert seen == [(n, 13) for n in range(1, 14)]
    seen.clear()
    report = join(tmp_path / "out", tmp_path / "again.mkv", progress=lambda *step: seen.append(step))
    assert (report.n_frames, report.rate_hz, report.notes) == (13, 30.0, ())
    assert seen == [(n, 13) for n in range(1, 14)]
    assert_same_frames(tmp_path / "again.mkv", frames)


def test_every_picture_is_the_frame_that_opencv_gives(tmp_path: Path, rng: np.random.Generator) -> None:
    call = write_video(tmp_path / "call.mp4", moving_pictures(rng, 12, 48, 64))
    split(call, tmp_path / "out")
    capture = cv2.VideoCapture(str(call))
    for n in range(1, 13):
        np.testing.assert_array_equal(cv2.imread(str(tmp_path / f"out/frame_{n:06d}.png")), capture.read()[1])
    capture.release()


def test_pictures_taken_out_leave_the_others_at_their_times(tmp_path: Path, rng: np.random.Generator) -> None:
    frames = frames_of(moving_pictures(rng, 6, 8, 10), rate_hz=10.0)
    split(record(tmp_path / "call.mkv", frames), tmp_path / "out")
    (tmp_path / "out/frame_000003.png").unlink()
    assert join(tmp_path / "out", tmp_path / "again.mkv").notes == ()
    assert_same_frames(tmp_path / "again.mkv", frames[:2] + frames[3:])


def test_a_picture_that_the_note_does_not_know_is_told_and_the_rate_is_kept(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    pictures = moving_pictures(rng, 4, 8, 10)
    split(record(tmp_path / "call.mkv", frames_of(pictures[:3], 30.0)), tmp_path / "out")
    save_png(tmp_path / "out/zz.png", pictures[3])
    report = join(tmp_path / "out", tmp_path / "again.mkv")
    assert report.rate_hz == 30.0
    assert len(report.notes) == 1
    assert "does not know 1 of the pictures" in report.notes[0]
    assert_same_frames(tmp_path / "again.mkv", frames_of(pictures, 30.0))


def test_pictures_in_another_order_are_told(tmp_path: Path, rng: np.random.Generator) -> None:
    pictures = moving_pictures(rng, 3, 8, 10)
    for i, picture in enumerate(pictures):
        save_png(tmp_path / f"{i}.png", picture)
    note = {"rate_hz": 20.0, "pts_s": {"0.png": 1.0, "1.png": 0.0, "2.png": 2.0}}
    (tmp_path / "frames.json").write_text(json.dumps(note))
    report = join(tmp_path, tmp_path / "again.mkv")
    assert "another order" in report.notes[0]
    assert_same_frames(tmp_path / "again.mkv", frames_of(pictures, 20.0))


def test_pictures_from_elsewhere_join_in_natural_order_at_the_rate_given(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    pictures = moving_pictures(rng, 12, 8, 10)
    for n, picture in enumerate(pictures, 1):
        save_png(tmp_path / f"frame_{n}.png", picture)
    report = join(tmp_path, tmp_path / "a.mkv", rate_hz=50.0)
    assert report.notes == ()
    assert_same_frames(tmp_path / "a.mkv", frames_of(pictures, 50.0))
    report = join(tmp_path, tmp_path / "b.mkv")
    assert report.notes == (f"{tmp_path} has no frames.json and no rate was given: 25 frames a second assumed",)
    assert_same_frames(tmp_path / "b.mkv", frames_of(pictures, 25.0))


def test_a_rate_overrules_the_note(tmp_path: Path, rng: np.random.Generator) -> None:
    pictures = moving_pictures(rng, 4, 8, 10)
    split(record(tmp_path / "call.mkv", frames_of(pictures, 30.0)), tmp_path / "out")
    assert join(tmp_path / "out", tmp_path / "again.mkv", rate_hz=5.0).rate_hz == 5.0
    assert_same_frames(tmp_path / "again.mkv", frames_of(pictures, 5.0))


def test_a_damaged_recording_leaves_its_good_frames_and_their_times(tmp_path: Path, rng: np.random.Generator) -> None:
    call = record(tmp_path / "call.mkv", frames_of(moving_pictures(rng, 10, 48, 64), 30.0))
    call.write_bytes(call.read_bytes()[: call.stat().st_size // 2])
    with pytest.raises(CaptureError, match="ends early"):
        split(call, tmp_path / "out")
    kept = names(tmp_path / "out")
    noted = json.loads((tmp_path / "out/frames.json").read_text())["pts_s"]
    assert kept == [*noted, "frames.json"]
    assert 1 < len(noted) < 10


def test_an_unreadable_picture_leaves_an_older_recording_as_it_was(tmp_path: Path, rng: np.random.Generator) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for n, picture in enumerate(moving_pictures(rng, 3, 8, 10)):
        save_png(folder / f"{n}.png", picture)
    (folder / "2.png").write_bytes(b"broken")
    (tmp_path / "call.mkv").write_bytes(b"the old one")
    with pytest.raises(CaptureError, match=r"2\.png is not a picture"):
        join(folder, tmp_path / "call.mkv")
    assert names(tmp_path) == ["call.mkv", "in"]
    assert (tmp_path / "call.mkv").read_bytes() == b"the old one"


@pytest.mark.parametrize(
    "note",
    [
        "",
        "[]",
        "{",
        '{"rate_hz": 25}',
        '{"rate_hz": "x", "pts_s": {}}',
        '{"rate_hz": {}, "pts_s": {}}',
        '{"rate_hz": -1, "pts_s": {}}',
        '{"rate_hz": 25, "pts_s": [0]}',
        '{"rate_hz": 25, "pts_s": {"0.png": NaN}}',
    ],
)
def test_a_note_that_is_none_is_one_line_with_the_remedy(note: str, tmp_path: Path) -> None:
    save_png(tmp_path / "0.png", np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "frames.json").write_text(note)
    with pytest.raises(CaptureError, match=r"frames\.json .*; delete it, or give a rate") as error:
        join(tmp_path, tmp_path / "a.mkv")
    assert "\n" not in str(error.value)
    assert join(tmp_path, tmp_path / "a.mkv", rate_hz=25.0).n_frames == 1


def test_a_full_disk_while_splitting_names_the_picture(tmp_path: Path, rng: np.random.Generator) -> None:
    noise = [rng.integers(0, 256, (96, 128, 3), dtype=np.uint8) for _ in range(2)]
    call = record(tmp_path / "call.mkv", frames_of(noise))
    with files_no_longer_than(20_000), pytest.raises(SinkError, match=r"frame_000001\.png cannot be written"):
        split(call, tmp_path / "out")


def test_what_is_missing_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no such file"):
        split(tmp_path / "nothing.mp4", tmp_path / "out")
    with pytest.raises(CaptureError, match="no such folder"):
        join(tmp_path / "nowhere", tmp_path / "a.mkv")
    assert names(tmp_path) == []
