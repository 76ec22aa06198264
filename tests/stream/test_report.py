"""The files of a session: which there are, and that a disk that runs full leaves the old ones."""

import json
import os

import cv2
import numpy as np
import pytest
from full_disk import files_no_longer_than

from pipelines.base import Findings
from stream.report import IN_ORDER, write_results
from stream.results.figures import figures_of
from stream.sinks.base import SinkError

SOURCE = {"name": "call.mp4", "width": 64, "height": 48, "rate_hz": 25.0, "is_live": False, "n_frames": 9}
FRAMES = ("counted", "captured", "processed", "dropped", "missed", "placeholders", "skipped_as_counted_before")


def findings_of(value, *, says_how_sure=True):
    room = np.full((48, 64, 4), 255, np.uint8)
    room[..., :3] = value
    sure, often = np.full((48, 64), value, np.uint8), np.full((48, 64), 3, np.uint16)
    more = (sure, often) if says_how_sure else (None, None)
    return Findings(room, room[..., :3].copy(), 1.0, *more)


def write(folder, findings):
    report = {
        "backroom": "0.1.0",
        "started": "2026-11-24T20:01:10+00:00",
        "ended_by": None,
        "source": SOURCE,
        "frames": dict.fromkeys(FRAMES, 9),
        "elapsed_s": 1.0,
        "coverage": findings.coverage,
        "method": "rarest" if findings.confidence is None else "leak",
        "notices": [],
        **figures_of(findings),
    }
    return write_results(folder, findings, report)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_method_that_says_how_sure_it_is_leaves_six_files(tmp_path):
    assert write(tmp_path, findings_of(200)) == list(IN_ORDER)
    assert set(contents(tmp_path)) == set(IN_ORDER)
    confidence = cv2.imread(str(tmp_path / "confidence.png"), cv2.IMREAD_UNCHANGED)
    assert (confidence.dtype, confidence.shape) == (np.uint8, (48, 64))
    assert (confidence == 200).all()
    assert cv2.imread(str(tmp_path / "leaks.png")).shape[1] >= 480
    assert json.loads((tmp_path / "report.json").read_text())["episodes"]["most"] == 3
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!doctype html>")


def test_pictures_of_an_earlier_session_do_not_stay_beside_a_room_that_they_are_not_of(tmp_path):
    write(tmp_path, findings_of(200))
    names = write(tmp_path, findings_of(100, says_how_sure=False))
    assert names == ["report.html", "room.png", "backdrop.png", "report.json"]
    assert sorted(contents(tmp_path)) == sorted(names)


def test_a_recording_whose_name_is_no_text_has_a_report_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setitem(SOURCE, "name", os.fsdecode(b"call \xff.mp4"))
    write(tmp_path, findings_of(200))
    assert "call ?.mp4" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize("longest", [200, 1000, 4000])
def test_a_full_disk_leaves_all_old_results_and_nothing_half_written(tmp_path, longest):
    write(tmp_path, findings_of(200))
    before = contents(tmp_path)
    with files_no_longer_than(longest), pytest.raises(SinkError, match="free some space"):
        write(tmp_path, findings_of(100))
    assert contents(tmp_path) == before


def test_a_full_disk_leaves_an_empty_folder_empty(tmp_path):
    with files_no_longer_than(1000), pytest.raises(SinkError, match="free some space"):
        write(tmp_path, findings_of(100))
    assert contents(tmp_path) == {}
