"""`film` and `judge`: what they leave behind and say, and one line with the remedy for every bad input."""

import json
import re
import signal
from contextlib import closing

import av
import cv2
import numpy as np
import pytest
from command import assert_one_line
from compiled import IS_COMPILED, sized
from recordings import moving_pictures, soft_picture
from subframes import ABAB, TRIPLE, cycle_of, tags_of, write_subframes

from stream.sources.video import VideoSource
from stream.tools.judge import _Session

# Odd both ways: a mosaic, a codec and tiles all have to cope.
SIZE = sized((61, 45), (17, 19))
IN_SECONDS = sized(1.2, 0.9)


@pytest.fixture
def run(run):
    """Run a command without its page, which has tests of its own (`test_film_session.py`)."""
    return lambda command, *arguments: run(command, *arguments, *(["--view", "none"] if command == "film" else []))


@pytest.fixture
def picture(rng):
    return soft_picture(rng, *SIZE)


@pytest.fixture
def abab(tmp_path, picture):
    n_cycles = int(IN_SECONDS * 60)
    return write_subframes(tmp_path / "abab.mkv", cycle_of(picture, ABAB) * n_cycles, tags_of("abab", 2))


def shape_of(path):
    with closing(VideoSource(path)) as source:
        return source.info.height, source.info.width, source.info.rate_hz


def test_film_writes_what_a_phone_records_and_a_page(run, abab, tmp_path):
    out = tmp_path / "D"
    code, text, errors = run("film", abab, "--out", out)
    assert code == 0, errors
    assert sorted(path.name for path in out.iterdir()) == ["control.mp4", "recording.mp4", "report.html", "report.json"]
    report = json.loads((out / "report.json").read_text())
    assert (report["code"], report["slots"], report["refresh_hz"]) == ("abab", 2, 120)
    assert report["scored_frames"] == [15, 15 + 8]
    # A B A B is copied plainly by an exposure of a whole cycle: as well as an unprotected display.
    assert report["score"]["psnr_db"] == pytest.approx(report["control"]["psnr_db"], abs=2)
    assert f"{report['score']['psnr_db']:.1f} dB" in text
    page = (out / "report.html").read_text()
    assert "Averaging whole cycles of a static picture recovers it" in page
    assert page.count("<img") == 3 + 4 + 6


def test_film_lossless_keeps_size_and_rate_and_a_short_exposure_is_garbage(run, abab, tmp_path):
    out = tmp_path / "D"
    flags = ["--exposure", "1/1000", "--rate", "24", "--codec", "lossless", "--sensor", "ideal", "--jitter", "1"]
    code, _, errors = run("film", abab, "--out", out, *flags)
    assert code == 0, errors
    assert shape_of(out / "recording.mkv") == (*SIZE, pytest.approx(24, abs=0.5))
    report = json.loads((out / "report.json").read_text())
    assert report["control"]["psnr_db"] == 99
    assert report["score"]["psnr_db"] < 25
    assert report["attacks"]["mean of 8"]["psnr_db"] > report["score"]["psnr_db"] + 5


def test_film_films_no_more_than_it_is_told(run, abab, tmp_path):
    code, _, errors = run("film", abab, "--out", tmp_path / "D", "--duration", "0.5", "--skip", "0.1")
    assert code == 0, errors
    report = json.loads((tmp_path / "D" / "report.json").read_text())
    assert 12 <= report["frames"] <= 15


def test_judge_names_the_kindest_camera_and_holds_it_against_the_aims(run, abab, picture, tmp_path):
    source = tmp_path / "source.png"
    cv2.imwrite(str(source), picture)
    out = tmp_path / "D"
    code, text, errors = run("judge", abab, "--source", source, "--out", out)
    assert code == 0, errors
    report = json.loads((out / "report.json").read_text())
    kindest = report["kindest"]
    assert kindest["exposure_s"] in (1 / 30, 1 / 60)  # the exposures that null A B A B
    assert kindest["psnr_db"] == max(one["psnr_db"] for one in report["cameras"]) > 40
    assert kindest["control"]["psnr_db"] == 99
    page = (out / "report.html").read_text()
    assert f"The kindest camera, {kindest['camera']}, records" in page
    assert f"the kindest camera, {kindest['camera']}" in text
    assert {bar["what"]: bar["is_met"] for bar in report["bars"]}["PSNR of the kindest camera, dB"] is False
    error = report["viewer"]["fused_error"]
    assert error["mean_codes_20_to_80"] < 1
    assert report["viewer"]["jod"] is None
    assert [line["frequency_hz"] for line in report["viewer"]["flicker"]["color"]] == [60]
    assert report["judged_s"][0][0] == pytest.approx(0.5, abs=0.02)
    assert report["whole_cycle"]["camera"] == "60 fps, 1/60 s"
    assert report["whole_cycle"]["psnr_db"] > 40


def test_judge_takes_a_moving_source_at_its_own_rate(run, rng, tmp_path):
    pictures = moving_pictures(rng, round(IN_SECONDS * 30), *SIZE)
    source = write_subframes(tmp_path / "source.mkv", pictures, rate=30)
    # 24 frames a second would be 5 sub-frames; at 30 a frame is shown for two cycles of A B.
    shown = [subframe for one in pictures for subframe in cycle_of(one, ABAB) * 2]
    path = write_subframes(tmp_path / "moving.mkv", shown, tags_of("abab", 2))
    code, _, errors = run("judge", path, "--source", source, "--out", tmp_path / "D")
    assert code == 0, errors
    report = json.loads((tmp_path / "D" / "report.json").read_text())
    assert report["viewer"]["fused_error"]["mean_codes_20_to_80"] < 1
    assert report["source"] == "source.mkv"


def test_flags_stand_in_for_tags(run, picture, tmp_path):
    path = write_subframes(tmp_path / "plain.mkv", cycle_of(picture, TRIPLE) * int(IN_SECONDS * 40))
    code, _, errors = run("film", path, "--out", tmp_path / "D")
    assert_one_line(code, errors, ["BACKROOM_SLOTS", "--slots"])
    code, _, errors = run("film", path, "--out", tmp_path / "D", "--slots", 3)
    assert code == 0, errors
    assert json.loads((tmp_path / "D" / "report.json").read_text())["refresh_hz"] == 120


@pytest.mark.skipif(not IS_COMPILED, reason="three stretches take long where kernels are not compiled")
def test_of_a_long_file_three_stretches_are_judged_and_of_a_wide_one_the_middle(run, rng, tmp_path, monkeypatch):
    monkeypatch.setattr("stream.tools.judge.MOST_PX", 24 * 20)
    monkeypatch.setattr("stream.tools.judge.STRETCH_S", 0.3)
    cycle = cycle_of(soft_picture(rng, 24, 48), ABAB)
    tags = tags_of("abab", 2) | {"NUMBER_OF_FRAMES": "360"}
    path = write_subframes(tmp_path / "long.mkv", cycle * 180, tags)
    with closing(VideoSource(path)) as source:
        assert source.tags["BACKROOM_SLOTS"] == "2"
    monkeypatch.setattr("stream.tools.subframes.SubframeFile.duration_s", 3.0)
    code, _, errors = run("judge", path, "--out", tmp_path / "D")
    assert code == 0, errors
    report = json.loads((tmp_path / "D" / "report.json").read_text())
    assert report["judged_s"] == [[0.5, 0.8], [pytest.approx(1.6), pytest.approx(1.9)], [2.7, 3.0]]
    assert report["judged_columns"] == [14, 34]


def end_after(n_cycles, monkeypatch):
    """Have a signal come while a cycle is judged."""
    measure, n_measured = _Session._measure, 0

    def measure_and_be_ended(self, *arguments):
        nonlocal n_measured
        n_measured += 1
        if n_measured == n_cycles:
            signal.raise_signal(signal.SIGTERM)
        measure(self, *arguments)

    monkeypatch.setattr(_Session, "_measure", measure_and_be_ended)


def test_a_signal_ends_judging_and_what_was_read_is_judged(run, abab, tmp_path, monkeypatch):
    end_after(20, monkeypatch)
    code, text, errors = run("judge", abab, "--skip", "0.1", "--out", tmp_path / "D")
    assert (code, errors) == (0, "")
    assert text.startswith("stopped after 0.43 s of it: the kindest camera")
    report = json.loads((tmp_path / "D" / "report.json").read_text())
    assert report["judged_s"] == [[0.1, pytest.approx(26 / 60, abs=1e-4)]]
    assert "stopped after 0.43 s of it" in (tmp_path / "D" / "report.html").read_text()


def test_judging_that_is_ended_too_early_is_one_line_and_leaves_nothing(run, abab, tmp_path, monkeypatch):
    end_after(5, monkeypatch)
    code, _, errors = run("judge", abab, "--out", tmp_path / "D")
    assert_one_line(code, errors, ["abab.mkv", "stopped after 0.58 s of it", "nothing was written"])
    assert not (tmp_path / "D").exists()


@pytest.mark.parametrize("command", ["film", "judge"])
class TestBadInput:
    def test_no_such_file(self, run, command, tmp_path):
        code, _, errors = run(command, tmp_path / "nothing.mkv")
        assert_one_line(code, errors, ["nothing.mkv", "no such file", "check"])

    def test_no_video_in_it(self, run, command, tmp_path):
        path = tmp_path / "sound.wav"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=8000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
            frame.rate = 8000
            container.mux(stream.encode(frame))
        code, _, errors = run(command, path)
        assert_one_line(code, errors, ["sound.wav", "no video"])

    def test_an_ordinary_video(self, run, command, picture, tmp_path):
        path = write_subframes(tmp_path / "film.mkv", [picture] * 10, rate=30)
        code, _, errors = run(command, path, "--slots", 2)
        assert_one_line(code, errors, ["film.mkv", "30 frames a second", "100", "backroom play"])

    def test_too_short(self, run, command, picture, tmp_path):
        path = write_subframes(tmp_path / "short.mkv", cycle_of(picture, ABAB) * 20, tags_of("abab", 2))
        code, _, errors = run(command, path, "--out", tmp_path / "D")
        assert_one_line(
            code, errors, ["short.mkv", "0.33 s", "--skip"] if command == "judge" else ["short.mkv", "--skip"]
        )
        assert not (tmp_path / "D").exists()

    def test_too_small(self, run, command, tmp_path):
        path = write_subframes(tmp_path / "tiny.mkv", [np.zeros((8, 8, 3), np.uint8)] * 10, tags_of("abab", 2))
        code, _, errors = run(command, path)
        assert_one_line(code, errors, ["tiny.mkv", "8x8", "16x16"])

    def test_tags_that_are_no_numbers(self, run, command, picture, tmp_path):
        path = write_subframes(tmp_path / "odd.mkv", [picture] * 10, {"BACKROOM_SLOTS": "two"})
        code, _, errors = run(command, path)
        assert_one_line(code, errors, ["BACKROOM_SLOTS", "two", "number"])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--exposure", "1/20"], ["exposure", "30", "shorten"]),
        (["--exposure", "soon"], ["exposure", "soon", "1/60"]),
        (["--readout", "50"], ["readout", "shorten"]),
        (["--jitter", "20"], ["jitter"]),
    ],
)
def test_phones_that_cannot_be_are_refused(run, abab, tmp_path, flags, words):
    code, _, errors = run("film", abab, "--out", tmp_path / "D", *flags)
    assert_one_line(code, errors, words)
    assert not (tmp_path / "D").exists()


def test_a_source_of_another_size_is_refused(run, abab, tmp_path):
    other = tmp_path / "other.png"
    cv2.imwrite(str(other), np.zeros((30, 30, 3), np.uint8))
    code, _, errors = run("judge", abab, "--source", other, "--out", tmp_path / "D")
    assert_one_line(code, errors, ["other.png", "30x30", f"{SIZE[1]}x{SIZE[0]}"])


def test_jod_without_its_program_is_refused_at_once(run, abab, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pycvvdp", None)
    code, _, errors = run("judge", abab, "--jod", "--out", tmp_path / "D")
    assert_one_line(code, errors, ["ColorVideoVDP", "backroom[judge]", "--jod"])


def test_reports_are_whole_pages_without_scripts(run, abab, tmp_path):
    assert run("film", abab, "--out", tmp_path / "D")[0] == 0
    page = (tmp_path / "D" / "report.html").read_text()
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
