"""The report of an audit: it parses, reaches for nothing, believes nobody's name and says what it must."""

import numpy as np
import pytest
from audited import AUDIT
from html_reader import HOSTILE, Reader, problems_of

from stream.results.audit_page import advice_for_audit, build_audit_page
from stream.results.figures import shares_of_ninths


@pytest.fixture
def shown(rng):
    """The room, of which a part at the top left was shown."""
    room = rng.integers(0, 256, (90, 150, 4), dtype=np.uint8)
    room[..., 3] = 0
    room[:20, :30, 3] = 255
    return room


@pytest.fixture
def report_of(shown):
    def make(audit=None, **changes):
        report = {
            "backroom": "0.1.0",
            "started": "2026-11-24T20:01:10+00:00",
            "ended_by": None,
            "source": {"name": "call.mp4", "width": 640, "height": 360, "rate_hz": 25.0, "is_live": False},
            "camera": {"name": "raw.mkv", "width": 1280, "height": 720, "rate_hz": 25.0, "is_live": False},
            "frames": {"captured": 750, "processed": 750, "dropped": 0, "missed": 0, "placeholders": 0},
            "elapsed_s": 41.0,
            "audit": AUDIT | {"shown_where": shares_of_ninths(shown[..., 3] > 0)} | (audit or {}),
            "notices": [],
        }
        return report | changes

    return make


NOTHING_FOUND = {"measured_frames": 0, "room_known": 0.0, "registered": None, "exposed_once": 0.0}
NOTHING_SHOWN = {f"exposed_{what}": 0.0 for what in ("once", "chance", "beyond_chance")} | {
    "recovered_beyond_chance": 0.0
}


@pytest.mark.parametrize("audit", [{}, NOTHING_FOUND, NOTHING_SHOWN], ids=["leaks", "not found", "nothing shown"])
def test_the_page_is_well_formed_and_reaches_for_nothing(audit, report_of, shown):
    assert problems_of(build_audit_page(report_of(audit), shown if not audit else None)) == []


def test_names_from_outside_are_text_and_nothing_else(report_of, shown):
    report = report_of({"registered": HOSTILE}, notices=[HOSTILE], ended_by=HOSTILE)
    report["source"]["name"] = report["camera"]["name"] = HOSTILE
    page = build_audit_page(report, shown)
    assert problems_of(page) == []
    assert Reader(page).text.count(HOSTILE) == 7  # title, subtitle, both streams, how it was found, notice, end


def test_a_client_that_leaks_is_told_with_place_picture_figures_and_what_to_do(report_of, shown):
    page = build_audit_page(report_of(), shown)
    reader = Reader(page)
    for line in (
        "14.0 % at least once",
        "recovers 4.9 % of it",
        "more than your profile allows",
        "Most of it lies in these parts of the picture: top left (100 %)",
        "14.0 % (budget 1.5 %)",
        "8.3 %",
        "74 % of the picture",
        "740 of 750 frames; attacked 120",
        "mirrored, scale 1.000x1.000",
        "7.0 % shown",
        "raw.mkv, 1280 \N{MULTIPLICATION SIGN} 720 pixels",
        "30 s of a recording",
        "Let Backroom put you before the background",
        "keep it as you would keep a photograph",
    ):
        assert line in reader.text
    assert reader.tags.count("img") == 1


def test_a_client_that_shows_nothing_is_not_blamed_and_no_picture_is_given(report_of, shown):
    page = build_audit_page(report_of(NOTHING_SHOWN), shown)
    text = Reader(page).text
    assert "showed 0 % at least once" in text
    assert "within what your profile allows" in text
    assert "Nothing of the known room was shown" in text
    assert "Measure a longer call" in text
    assert "<img" not in page


def test_what_was_not_measured_is_said_with_the_reason_and_no_figure(report_of):
    reason = "the client's picture is not found in the camera's: the person is hardly to be seen"
    text = Reader(build_audit_page(report_of(NOTHING_FOUND, notices=[reason], camera=None), None)).text
    assert "No frame of the other program could be measured" in text
    assert reason in text
    assert "Record both at the same time" in text
    assert "at least once" not in text


def test_there_is_always_something_to_do_next(report_of):
    for audit in ({}, NOTHING_FOUND, NOTHING_SHOWN, NOTHING_SHOWN | {"room_known": 0.1}):
        assert advice_for_audit(report_of(audit))
    few = [advice.what for advice in advice_for_audit(report_of({"room_known": 0.1}))]
    assert "Let the webcam see more of the room" in few
