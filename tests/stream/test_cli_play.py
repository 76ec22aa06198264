"""`backroom play` on the command line: what comes out, and one line with the remedy for every bad input."""

import gc
import json
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from command import assert_one_line
from counted_source import CountedStream, steady
from recordings import moving_pictures, read_all, write_video

from pipelines.color import linear_from_codes, to_encoded
from stream.play import run as play_run
from stream.sinks.base import SinkError
from stream.sinks.video import VideoSink
from stream.sources.video import VideoSource

MOST_OFF = 1.0
"""Codes that a cycle's mean may be off the source's, at any pixel."""

MEAN_OFF = 0.5


@pytest.fixture
def play(run):
    """Run `backroom play` in this process; return (exit code, standard output, standard error)."""
    return lambda *arguments: run("play", *arguments)


@pytest.fixture
def film(tmp_path, rng):
    """A second of 24 lossless frames; odd in both directions."""
    return write_video(tmp_path / "film.mkv", moving_pictures(rng, 24, 47, 65), "ffv1", "bgr0", rate=24)


def usual(tmp_path):
    return ["--view", "none", "--refresh", "120", "--out", tmp_path / "D", "--to", f"file:{tmp_path / 'out.mkv'}"]


def shown_at(film: Path, moment_s: float) -> np.ndarray:
    return [frame.image for frame in read_all(VideoSource(film)) if frame.pts_s <= moment_s + 1e-6][-1]


@pytest.mark.parametrize("code", ["auto", "abab", "star"])
def test_each_cycle_is_a_frame_of_the_film_to_the_eye_and_the_count_is_exact(play, film, tmp_path, code):
    exit_code, text, errors = play(film, *usual(tmp_path), "--code", code)
    assert (exit_code, errors) == (0, "")
    assert "120 sub-frames" in text
    frames = read_all(VideoSource(tmp_path / "out.mkv"))
    assert [frame.pts_s for frame in frames] == pytest.approx([k / 120 for k in range(120)], abs=1e-8)
    report = json.loads((tmp_path / "D/report.json").read_text())["play"]
    n = report["n_slots"]
    assert (report["subframes"], report["n_slips"]) == (120, 0)
    for cycle in range(120 // n):
        subframes = [frame.image for frame in frames[cycle * n : (cycle + 1) * n]]
        mean = 255 * to_encoded(np.mean([linear_from_codes(image).astype(np.float64) for image in subframes], axis=0))
        off = np.abs(mean - shown_at(film, cycle * n / 120))
        assert off.max() <= MOST_OFF
        assert off.mean() <= MEAN_OFF
    # And a camera that catches one of them gets something else.
    assert np.abs(frames[60].image.astype(int) - shown_at(film, 60 / 120)).mean() > 20


def test_the_file_says_what_it_is(play, film, tmp_path):
    import av

    assert play(film, *usual(tmp_path), "--code", "triple")[0] == 0
    with av.open(str(tmp_path / "out.mkv")) as container:
        stream = container.streams.video[0]
        tags, rate = stream.metadata, stream.average_rate
    assert (tags["BACKROOM_CODE"], tags["BACKROOM_SLOTS"], tags["BACKROOM_REFRESH_HZ"]) == ("triple", "3", "120")
    assert rate == 120


def test_the_last_cycle_is_plain_where_half_of_it_would_remain(play, tmp_path, rng):
    pictures = moving_pictures(rng, 10, 48, 64)
    film = write_video(tmp_path / "film.mkv", pictures, "ffv1", "bgr0", rate=Fraction(25))
    assert play(film, *usual(tmp_path), "--code", "star")[0] == 0
    frames = read_all(VideoSource(tmp_path / "out.mkv"))
    assert len(frames) == 48  # 10 / 25 s
    for k in (45, 46, 47):
        np.testing.assert_array_equal(frames[k].image, shown_at(film, 45 / 120))


def test_strength_nought_is_the_plain_film(play, film, tmp_path):
    assert play(film, *usual(tmp_path), "--strength", "0")[0] == 0
    frames = read_all(VideoSource(tmp_path / "out.mkv"))
    for k in (0, 30, 119):
        np.testing.assert_array_equal(frames[k].image, shown_at(film, k // 3 * 3 / 120))


def test_slides_stand_as_long_as_they_are_told(play, tmp_path, rng):
    (tmp_path / "slides").mkdir()
    pictures = moving_pictures(rng, 3, 48, 64)
    for i, picture in enumerate(pictures):
        cv2.imwrite(str(tmp_path / f"slides/{i}.png"), picture)
    code, _, errors = play(tmp_path / "slides", *usual(tmp_path), "--slide-s", "0.5", "--strength", "0")
    assert (code, errors) == (0, "")
    frames = read_all(VideoSource(tmp_path / "out.mkv"))
    assert len(frames) == 180
    for k in (0, 57, 60, 117, 120, 179):
        np.testing.assert_array_equal(frames[k].image, pictures[k // 60])


def test_a_duration_ends_it(play, film, tmp_path):
    assert play(film, *usual(tmp_path), "--duration", "0.25", "--loop")[0] == 0
    assert len(read_all(VideoSource(tmp_path / "out.mkv"))) == 30


def test_a_loop_goes_around_without_a_gap(play, film, tmp_path):
    assert play(film, *usual(tmp_path), "--duration", "2.5", "--loop", "--strength", "0")[0] == 0
    frames = read_all(VideoSource(tmp_path / "out.mkv"))
    assert len(frames) == 300
    for k in (0, 60, 102):
        np.testing.assert_array_equal(frames[k + 120].image, frames[k].image)


def test_compressed_lowers_the_range_and_says_so(play, film, tmp_path):
    code, text, _ = play(film, *usual(tmp_path), "--headroom", "compressed", "--strength", "0")
    assert code == 0
    assert "paler" in text
    image = read_all(VideoSource(tmp_path / "out.mkv"))[0].image
    assert image.min() >= round(255 * float(to_encoded(0.16))) - 1
    assert image.max() <= round(255 * float(to_encoded(0.84))) + 1


def test_white_and_black_are_said_to_be_unprotected(play, tmp_path):
    picture = np.full((48, 64, 3), 255, np.uint8)
    picture[:, :32] = 120
    film = write_video(tmp_path / "film.mkv", [picture] * 3, "ffv1", "bgr0", rate=24)
    code, text, _ = play(film, *usual(tmp_path))
    assert code == 0
    assert "50% of the picture is too dark or too bright to hide" in text


def test_a_film_that_breaks_off_is_played_to_its_last_good_frame_and_named(play, film, tmp_path):
    data = film.read_bytes()
    film.write_bytes(data[: len(data) * 2 // 3])
    code, _, errors = play(film, *usual(tmp_path))
    assert_one_line(code, errors, ["film.mkv", "copy it again"])
    assert len(read_all(VideoSource(tmp_path / "out.mkv"))) > 10
    report = json.loads((tmp_path / "D/report.json").read_text())
    assert "copy it again" in report["ended_by"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--refresh", "60"], ["60 Hz is too slow", "--refresh 120"]),
        (["--refresh", "-1"], ["refresh_hz", "greater than or equal to 0"]),
        (["--strength", "1.5"], ["strength", "less than or equal to 1"]),
        (["--to", "nowhere"], ["nowhere", "no such sink"]),
        (["--to", "display:x"], ["display:x", "no such sink"]),
        (["--to", "file:OUT.avi"], [".avi names no video format", ".mkv"]),
        (["--to", "file:missing/out.mkv"], ["there is no folder missing"]),
        (["--profile", "nobody"], ["nobody"]),
    ],
)
def test_bad_flags_are_one_line_with_the_remedy(play, film, tmp_path, arguments, words):
    code, _, errors = play(film, *usual(tmp_path), *arguments)
    assert_one_line(code, errors, words)
    assert not (tmp_path / "out.mkv").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.mp4", None, ["no such file"]),
        ("empty.mp4", b"", ["empty"]),
        ("text.mp4", b"no film at all, this is", ["not a video that can be read"]),
    ],
)
def test_a_film_that_is_none_is_one_line(play, tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, _, errors = play(tmp_path / name, *usual(tmp_path))
    assert_one_line(code, errors, [name, *words])


def test_slides_for_a_file_need_a_time(play, tmp_path, rng):
    (tmp_path / "slides").mkdir()
    cv2.imwrite(str(tmp_path / "slides/0.png"), moving_pictures(rng, 1, 48, 64)[0])
    code, _, errors = play(tmp_path / "slides", *usual(tmp_path))
    assert_one_line(code, errors, ["--slide-s 5"])


def test_without_a_display_the_remedy_is_told(play, film, tmp_path, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    code, _, errors = play(film, "--out", tmp_path / "D", "--view", "none")
    assert_one_line(code, errors, ["display", "DISPLAY is not set"])


def test_a_compressed_file_is_warned_of(play, tmp_path, rng):
    film = write_video(tmp_path / "film.mkv", moving_pictures(rng, 4, 48, 64), "ffv1", "bgr0", rate=24)
    code, text, _ = play(film, *usual(tmp_path)[:-1], f"file:{tmp_path / 'out.mp4'}")
    assert code == 0
    assert "end it in .mkv" in text


class Lasting(CountedStream):
    """A live source of 50 frames a second that notes whether garbage is collected while it is played."""

    def __init__(self):
        super().__init__(steady(1000, 50.0), is_live=True)
        self.collects = []

    def read(self):
        time.sleep(0.02)
        self.collects.append(gc.isenabled())
        return super().read()


def test_a_live_source_fills_a_file_at_the_pace_of_the_clock(play, tmp_path, monkeypatch):
    source = Lasting()
    monkeypatch.setattr(play_run, "open_source", lambda *_: source)
    begin_s = time.monotonic()
    code, text, errors = play("camera", *usual(tmp_path), "--code", "triple", "--duration", "1")
    assert (code, errors) == (0, "")
    assert time.monotonic() - begin_s >= 0.99
    report = json.loads((tmp_path / "D/report.json").read_text())["play"]
    frames = read_all(VideoSource(tmp_path / "out.mkv"))
    assert len(frames) == report["subframes"] == 120 - report["missed_periods"]
    assert "recorded as it comes" in text
    # The start is swift, without garbage collection; a film of hours must not be.
    assert source.collects[-1]


def test_what_the_encoder_raises_leaves_no_raw_film_behind(play, film, tmp_path, monkeypatch):
    from pipelines.kaleido.pipeline import KaleidoEncoder

    calls = []

    def fail(self, picture, strength, subframes):
        calls.append(strength)
        if len(calls) > 5:
            raise MemoryError("injected")
        for subframe in subframes:
            subframe[:] = 7

    monkeypatch.setattr(KaleidoEncoder, "encode_cycle", fail)
    monkeypatch.setattr(KaleidoEncoder, "plain", lambda self, picture, subframe: subframe.fill(7))
    with pytest.raises(MemoryError):
        play_run.run_play(
            play_run.Request(
                source=str(film),
                out=tmp_path / "D",
                sinks=(f"file:{tmp_path / 'out.mkv'}",),
                overrides={"play.refresh_hz": 120.0},
            ),
            lambda profile, code, delta: KaleidoEncoder(profile.play, code, delta),
            lambda line: None,
        )
    assert all((frame.image == 7).all() for frame in read_all(VideoSource(tmp_path / "out.mkv")))
    assert "MemoryError: injected" in json.loads((tmp_path / "D/report.json").read_text())["ended_by"]


def test_the_report_of_a_film_that_was_broken_off_tells_how_many_subframes_were_written(
    play, film, tmp_path, monkeypatch
):
    write, n_written = VideoSink.write, 0

    def write_until_full(self, frame):
        nonlocal n_written
        if n_written == 31:
            raise SinkError("the disk is full")
        write(self, frame)
        n_written += 1

    monkeypatch.setattr(VideoSink, "write", write_until_full)
    code, _, errors = play(film, *usual(tmp_path))
    assert_one_line(code, errors, ["the disk is full"])
    report = json.loads((tmp_path / "D/report.json").read_text())
    assert report["ended_by"] == "SinkError: the disk is full"
    assert report["play"]["subframes"] == 31
