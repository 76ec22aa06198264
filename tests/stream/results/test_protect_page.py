"""The report of a protected camera: it parses, reaches for nothing, believes nobody's name and says what it must."""

import pytest
from html_reader import HOSTILE, Reader, problems_of

from config.schema import Profile
from stream.results.protect_page import build_protect_page

METER = {
    "exposed_once": 0.02,
    "exposed_chance": 0.012,
    "exposed_beyond_chance": 0.008,
    "exposed_budget": 0.015,
    "worst_frame": 0.003,
    "room_known": 0.61,
    "measured_frames": 1780,
    "recovered": 0.001,
    "recovered_near": 0.002,
    "recovered_chance": 0.0,
    "recovered_beyond_chance": 0.001,
    "recovered_budget": 0.002,
    "claimed": 0.01,
    "attacked_frames": 300,
    "steps": 0,
    "tightened": 0,
}


def report_of(**changes):
    report = {
        "backroom": "0.1.0",
        "started": "2026-11-24T20:01:10+00:00",
        "ended_by": None,
        "emit": "protected",
        "source": {"name": "Webcam", "width": 1280, "height": 720, "rate_hz": 30.0, "is_live": True},
        "output": {"width": 640, "height": 360},
        "background": "beach.jpg with noise pixels",
        "frames": {"captured": 1800, "processed": 1798, "dropped": 2, "missed": 0, "placeholders": 0},
        "elapsed_s": 60.1,
        "rate_hz": 29.9,
        "latency_ms": {"total": {"p50": 21.4, "p99": 43.6}},
        "placeholders": 0,
        "placeholders_by_reason": {},
        "failures": 0,
        "failures_by_reason": {},
        "leak_meter": METER,
        "camera": {"on": "watched", "times_on": 2, "watching_known_by": "the driver tells who reads it"},
        "notices": [],
        "profile": Profile().model_dump(mode="json"),
    }
    return report | changes


def said(**changes):
    return Reader(build_protect_page(report_of(**changes))).text


WORST = {
    "placeholders": 31,
    "placeholders_by_reason": {"paused": 20, "protection failed, trying again": 11},
    "failures": 11,
    "failures_by_reason": {"no model": 11},
    "leak_meter": METER | {"exposed_beyond_chance": 0.031, "tightened": 3, "steps": 1},
    "notices": ["camera lost"],
    "ended_by": "CaptureError: gone",
    "frames": {"captured": 1800, "processed": 900, "dropped": 890, "missed": 10, "placeholders": 4},
}
ALONE = {
    "emit": "background",
    "leak_meter": None,
    "camera": None,
    "source": {"name": "background alone, no camera", "rate_hz": 30.0, "is_live": False},
}


@pytest.mark.parametrize("changes", [{}, WORST, ALONE, {"leak_meter": None}], ids=["good", "bad", "alone", "no meter"])
def test_the_page_is_well_formed_and_reaches_for_nothing(changes):
    page = build_protect_page(report_of(**changes))
    assert problems_of(page) == []
    assert "img" not in Reader(page).tags


def test_names_from_outside_are_text_and_nothing_else():
    bad = {"placeholders": 1, "placeholders_by_reason": {HOSTILE: 1}, "failures_by_reason": {HOSTILE: 1}}
    report = report_of(background=HOSTILE, notices=[HOSTILE], ended_by=HOSTILE, **bad)
    report["source"]["name"] = report["camera"]["watching_known_by"] = HOSTILE
    page = build_protect_page(report)
    reader = Reader(page)
    assert reader.problems == []
    assert {"script", "img"}.isdisjoint(reader.tags)
    assert reader.text.count(HOSTILE) == 9  # title, subtitle, source, background, two reasons, camera, notice, end


def test_a_good_session_says_what_went_out_what_showed_and_that_nothing_is_to_be_changed():
    text = said()
    assert "0.8 % showed at least once, if only for a moment" in text
    assert "within what your profile allows" in text
    for line in (
        "640 \N{MULTIPLICATION SIGN} 360 pixels",
        "beach.jpg with noise pixels",
        "1 min 0 s",
        "1798 at 29.9 a second, 2 dropped",
        "21 ms, 44 ms for the slowest",
        "None: every frame went out",
        "0.8 % (budget 1.5 %)",
        "0.1 % (budget 0.2 %)",
        "61 % of the picture",
        "never had to be made tighter",
        "1.2 % shown",
        "only while somebody watched",
        "2 times",
        "Nothing No frame failed",
    ):
        assert line in text


def test_a_bad_session_says_why_and_what_to_change():
    text = said(**WORST)
    for line in (
        "more than your profile allows",
        "31 grey pictures",
        "“paused” 20 frames",
        "11 frames failed: no model",
        "made tighter 3 times; in the end by 1 step",
        "camera lost",
        "the session ended early: CaptureError: gone",
        "See to what failed",
        "Turn the camera until the wall is empty",
        "Ask less of this machine",
    ):
        assert line in text
    assert "Nothing No frame failed" not in text


@pytest.mark.parametrize(("meter", "look"), [(METER, "verdict"), (WORST["leak_meter"], "verdict bad")])
def test_the_verdict_looks_calm_only_where_the_budget_was_kept(meter, look):
    reader = Reader(build_protect_page(report_of(leak_meter=meter)))
    assert [attributes["class"] for tag, attributes in reader.elements if tag == "div"] == [look]


def test_what_was_not_measured_is_said_with_the_reason():
    off = Profile.model_validate({"meter": {"is_on": False}}).model_dump(mode="json")
    for meter in (None, METER | {"room_known": 0.0}):
        text = said(leak_meter=meter, profile=off)
        assert "it could not be measured" in text
        assert "the leak meter was not at work" in text
        assert "Have it measured" in text
        assert "Lean to both sides" not in text
    text = said(leak_meter=METER | {"room_known": 0.0})
    assert "seen too little of the room" in text
    assert "Lean to both sides" in text
    assert "not tried" in said(leak_meter=METER | {"attacked_frames": 0})


@pytest.mark.parametrize("changes", [{"leak_meter": None}, {"ended_by": "SinkError: full"}, {"failures": 1}])
def test_nothing_to_change_is_never_said_of_what_was_not_measured_or_failed(changes):
    assert "No frame failed" not in said(**changes)


def test_the_background_alone_claims_to_hide_nothing():
    text = said(**ALONE)
    assert "No camera was opened" in text
    assert "It hides nothing by itself" in text
    assert "--audit-only" in text
    assert "What of the room showed" not in text


def test_a_camera_that_does_not_rest_was_on_all_the_time_and_a_recording_has_none():
    report = report_of()
    del report["camera"]
    assert "on from the beginning to the end" in Reader(build_protect_page(report)).text
    report["source"]["is_live"] = False
    text = Reader(build_protect_page(report)).text
    assert "The camera It" not in text
    assert "1798 made at 29.9 a second" in text
    assert "60 s of a recording" in text or "1 min 0 s of a recording" in text
