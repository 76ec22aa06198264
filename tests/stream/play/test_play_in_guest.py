"""`backroom play --to virtual-camera` on a real v4l2loopback, read by another program, in the guest.

All of it is real but the encoder, whose kernels take a minute to compile in emulation (`guest/three_colors.py`). What
the guest carries depends on how busy the machine around it is: 100 sub-frames a second are seldom within its reach, and
a film that cannot be shown in step is hidden.
"""

from typing import Any

import numpy as np
import pytest
from guest import check_of_guest

pytestmark = pytest.mark.guest

GREY = 128
FULL = (188, 98, 98)
"""A sub-frame at full strength, in some order."""

CODEC_ERROR = 8
LEAST_HZ = 2.0


@pytest.fixture
def found() -> dict[str, Any]:
    return check_of_guest("played_to_a_reader")


def kind_of(color: list[int]) -> str:
    """Tell a black picture, the film as people see it, a sub-frame of any strength, and anything else."""
    off = np.array(color) - GREY
    if max(color) <= CODEC_ERROR:
        return "hidden"
    if np.abs(off).max() <= CODEC_ERROR:
        return "plain"
    high, *low = sorted(off.tolist(), reverse=True)
    is_step = 0 < high <= FULL[0] - GREY + CODEC_ERROR and all(abs(one + high / 2) <= CODEC_ERROR for one in low)
    return "sub-frame" if is_step else f"{color}"


def test_a_reader_gets_subframes_or_the_plain_film_or_black_and_nothing_else(found: dict[str, Any]) -> None:
    assert found["code"] == 0, found["printed"]
    assert found["seen_hz"] > LEAST_HZ
    assert {kind_of(color) for _, colors in found["seen"] for color in colors} <= {"sub-frame", "plain", "hidden"}


def test_the_report_tells_what_the_machine_carried(found: dict[str, Any]) -> None:
    report = found["report"]
    assert report["where"] == "virtual camera /dev/video11"
    assert report["subframes"] >= len(found["seen"])
    # What was missed last may reach beyond the end.
    assert report["subframes"] <= 8 * 100 <= report["subframes"] + report["missed_periods"] + 30
