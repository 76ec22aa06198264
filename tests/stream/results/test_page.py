"""The report for a person: one file that parses, reaches for nothing, believes nobody's name and says what it must."""

import base64
import itertools

import cv2
import numpy as np
import pytest
from html_reader import HOSTILE, Reader, problems_of

from stream.results import sentences
from stream.results.page import build_page


@pytest.fixture(params=["leak_findings", "rarest_findings", "no_findings"])
def findings(request):
    return request.getfixturevalue(request.param)


def test_the_page_is_well_formed_and_reaches_for_nothing(findings, report_of):
    assert problems_of(build_page(findings, report_of(findings))) == []


def test_every_picture_decodes_has_words_and_its_size(findings, report_of):
    pictures = Reader(build_page(findings, report_of(findings))).pictures()
    assert len(pictures) == (4 if findings.leaks is not None and findings.coverage else 2)
    for attributes in pictures:
        encoded = np.frombuffer(base64.b64decode(attributes["src"].partition(",")[2]), np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
        assert (str(image.shape[1]), str(image.shape[0])) == (attributes["width"], attributes["height"])
        assert len(attributes["alt"]) > 10


def test_colours_that_are_not_claimed_are_not_in_the_file(leak_findings, report_of):
    room = Reader(build_page(leak_findings, report_of(leak_findings))).pictures()[0]
    image = cv2.imdecode(np.frombuffer(base64.b64decode(room["src"].partition(",")[2]), np.uint8), cv2.IMREAD_UNCHANGED)
    assert (image[image[..., 3] == 0] == 0).all()
    np.testing.assert_array_equal(image[:30, :40], leak_findings.room[:30, :40])


def test_a_large_picture_is_scaled_down(leak_findings, report_of):
    large = type(leak_findings)(np.zeros((1080, 1920, 4), np.uint8), np.zeros((1080, 1920, 3), np.uint8), 0.0)
    for attributes in Reader(build_page(large, report_of(leak_findings, method="rarest"))).pictures():
        encoded = np.frombuffer(base64.b64decode(attributes["src"].partition(",")[2]), np.uint8)
        assert cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED).shape[1] == 960


def test_names_from_outside_are_text_and_nothing_else(leak_findings, report_of):
    report = report_of(leak_findings, notices=[f"lost {HOSTILE}"], ended_by=f"CaptureError: {HOSTILE}")
    report["source"]["name"] = HOSTILE
    page = build_page(leak_findings, report)
    reader = Reader(page)
    assert reader.problems == []
    assert "script" not in {tag for tag, _ in reader.elements}
    assert len(reader.pictures()) == 4
    assert reader.text.count(HOSTILE) == 5  # title, subtitle, what was watched, and both lines
    assert "<script" not in page


def test_headings_go_down_one_step_at_a_time(findings, report_of):
    elements = Reader(build_page(findings, report_of(findings))).elements
    levels = [int(tag[1]) for tag, _ in elements if tag in {"h1", "h2", "h3"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_leak_says_what_how_sure_where_how_often_and_what_to_change(leak_findings, report_of):
    text = Reader(build_page(leak_findings, report_of(leak_findings))).text
    assert "8.9 % of the picture is claimed to be the room" in text
    assert "as a bank card would cover" in text
    assert sentences.MEASURED["leak"].in_full in text
    assert "By its own estimate Backroom is right in 63 % of what it claims here" in text
    assert "nearly sure (over 75 %) of 50 % of it" in text
    assert "in these parts of the picture: top left (100 %)" in text
    assert "50 % of what was found showed itself in two or more separate moments" in text
    assert "the most exposed spot in 12" in text
    assert "Begin with what stands at the top left" in text
    assert "750 counted, 0 dropped" in text
    assert "30 s of a recording" in text
    assert "or on those of people who have agreed to it" in text


def test_rarest_says_that_most_is_wrong_and_claims_no_sureness(rarest_findings, report_of):
    text = Reader(build_page(rarest_findings, report_of(rarest_findings))).text
    assert sentences.MEASURED["rarest"].in_full in text
    assert "does not say how sure it is" in text
    assert "separate moments" not in text
    assert "Begin with what stands" not in text


def test_where_the_room_is_known_the_score_counts_and_not_what_was_measured_elsewhere(rarest_findings, report_of):
    report = report_of(rarest_findings, score={"precision": 0.832, "recall": 0.831})
    text = Reader(build_page(rarest_findings, report)).text
    assert (
        "The room of this call is known: 83 % of what is claimed is right, and 83 % of what leaked was found." in text
    )
    assert sentences.MEASURED["rarest"].in_short not in text


def test_nothing_found_is_no_proof_that_nothing_leaked(no_findings, report_of):
    text = Reader(build_page(no_findings, report_of(no_findings, notices=["the backdrop moves"]))).text
    assert "Nothing of the room was found." in text
    assert "no proof that nothing leaked" in text
    assert "the backdrop moves" in text
    assert "half to two thirds" not in text.partition("How sure")[0]


def test_a_blurred_backdrop_is_the_first_thing_to_change(leak_findings, report_of):
    text = Reader(build_page(leak_findings, report_of(leak_findings, backdrop={"looks_blurred": True}))).text
    assert text.index("Use a picture instead of blur") < text.index("Put something plain behind you")


def test_frames_that_were_lost_are_told(leak_findings, report_of):
    report = report_of(leak_findings)
    report["frames"] |= {"captured": 780, "dropped": 30, "missed": 20, "placeholders": 7}
    text = Reader(build_page(leak_findings, report)).text
    assert "50 of 800 frames came faster than they could be counted" in text
    assert "the camera was lost for 7 frames" in text
