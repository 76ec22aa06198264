"""`backroom protect` with a real webcam and a real virtual camera, read by another program, in the guest.

All of it is real but the protection itself, which is too slow in emulation (`guest/hiding_all.py`).
"""

from typing import Any

import pytest
from guest import check_of_guest

pytestmark = pytest.mark.guest

# For a picture, in emulation on a busy machine.
PATIENCE_S = 15.0

# The webcam is to be opened within a second of the reader; the rest is for a busy machine.
OPENED_S = 1.0 + 1.0

OFF_AFTER_S = 1.0


@pytest.fixture
def found() -> dict[str, Any]:
    return check_of_guest("protected_while_watched")


def test_the_webcam_is_on_while_somebody_watches_and_what_they_see_is_protected(found: dict[str, Any]) -> None:
    assert found["off at first"]
    assert found["first"]["on_after_s"] < OPENED_S
    assert found["first"]["protected_after_s"] < PATIENCE_S
    assert found["first"]["off_after_s"] < OFF_AFTER_S + 2.0
    assert found["report"]["camera"]["times_on"] == 2
    assert found["report"]["camera"]["watching_known_by"].startswith("opens and closes of /dev/video10 are counted")


def test_nobody_sees_the_webcam_itself_whatever_happens(found: dict[str, Any]) -> None:
    for visit in ("first", "second"):
        assert set(found[visit]["kinds"]) <= {"placeholder", "protected"}


def test_an_unplugged_webcam_becomes_a_placeholder_and_comes_back_as_it_is_plugged_in(found: dict[str, Any]) -> None:
    assert found["second"]["placeholder_after_s"] < PATIENCE_S
    assert found["second"]["protected_again_after_s"] < PATIENCE_S


def test_after_a_suspend_it_goes_on(found: dict[str, Any]) -> None:
    assert found["second"]["protected_after_a_suspend_s"] < PATIENCE_S


def test_it_ends_cleanly_when_it_is_told_to(found: dict[str, Any]) -> None:
    assert found["code"] == 0
    assert found["report"]["ended_by"] is None
    assert found["report"]["failures"] == 0
