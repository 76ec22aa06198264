"""What people see: fused errors and flicker of cycles whose spectrum is known."""

import math
import sys

import numpy as np
import pytest
from recordings import soft_picture

from pipelines.base import PipelineError
from pipelines.color import codes_from_linear, linear_from_codes
from pipelines.filming.trial import fused_light
from pipelines.filming.vdp import rate_viewing
from pipelines.filming.viewer import FusedError, Viewer
from pipelines.kaleido.eye import FIELD_DEG, flicker_threshold

SHAPE = (48, 72, 3)
# 40 and 60 % of light are rounded to 8-bit codes, half a step being 1 % of their difference each.
CODES = 0.03


def grey(light):
    return codes_from_linear(np.full(SHAPE, light, np.float32))


def test_a_steady_picture_flickers_nowhere_and_is_seen_as_it_is(rng):
    viewer, picture = Viewer(120.0, 200.0), soft_picture(rng, *SHAPE[:2])
    viewer.add([picture] * 3, picture)
    flicker, error = viewer.flicker.figures(), viewer.error.figures()
    assert flicker["whole"]["visibility"] < 1e-4
    assert flicker["worst_tile"]["visibility"] < 1e-4
    assert all(line["amplitude"] < 1e-6 for line in flicker["color"])
    assert error["max_codes"] < 0.01
    assert error["max_delta_e"] < 0.01


def test_flicker_in_phase_has_the_amplitude_of_a_square_wave_and_the_models_threshold():
    viewer = Viewer(120.0, 200.0)
    viewer.add([grey(0.6), grey(0.4)], None)
    lines = viewer.flicker.figures()["whole"]["lines"]
    assert lines[0]["frequency_hz"] == 60
    assert lines[0]["amplitude"] == pytest.approx(0.2 * 4 / math.pi, rel=CODES)
    assert lines[0]["threshold"] == pytest.approx(flicker_threshold(60.0, 100.0, field_deg=FIELD_DEG), rel=0.1)
    assert viewer.flicker.figures()["whole"]["visibility"] > lines[0]["amplitude"] / lines[0]["threshold"] * 0.999
    assert viewer.error.figures() is None


def test_opposite_halves_cancel_in_the_whole_and_not_in_a_tile():
    a, b = grey(0.6), grey(0.4)
    half = SHAPE[1] // 2
    a[:, half:], b[:, half:] = b[:, half:].copy(), a[:, half:].copy()
    viewer = Viewer(120.0, 200.0)
    viewer.add([a, b], None)
    flicker = viewer.flicker.figures()
    assert flicker["whole"]["visibility"] < 0.01
    assert flicker["worst_tile"]["lines"][0]["amplitude"] == pytest.approx(0.2 * 4 / math.pi, rel=CODES)


def test_a_slow_cycle_is_seen_more_than_a_quick_one():
    seen = []
    for slots in ([0.6, 0.4], [0.6, 0.6, 0.4, 0.4]):
        viewer = Viewer(120.0, 200.0)
        viewer.add([grey(light) for light in slots], None)
        seen.append(viewer.flicker.figures()["whole"]["visibility"])
    assert seen[1] > 5 * seen[0]


def test_colour_that_moves_without_light_is_told_by_frequency():
    viewer = Viewer(120.0, 200.0)
    # Red up and green down by what keeps luminance.
    away = np.array([0.0, -0.2126 / 0.7152, 1.0], np.float32) * 0.3
    frames = [codes_from_linear(np.full(SHAPE, 0.5, np.float32) + sign * away) for sign in (1, -1)]
    viewer.add(frames, None)
    flicker = viewer.flicker.figures()
    (line,) = flicker["color"]
    rms = math.sqrt(float(np.mean(away**2))) * 4 / math.pi
    assert line["frequency_hz"] == 60
    assert line["amplitude"] == pytest.approx(rms, rel=0.02)
    assert line["left_to_the_eye"] < 0.05 * line["amplitude"]
    assert flicker["whole"]["lines"][0]["amplitude"] < 0.01


def test_black_has_no_flicker():
    viewer = Viewer(120.0, 200.0)
    viewer.add([grey(0.0)] * 2, None)
    assert viewer.flicker.figures()["whole"] == {"visibility": 0.0, "lines": []}


def test_fused_error_is_in_codes_and_knows_the_middle_from_the_ends():
    source = grey(0.0)
    source[:, :36] = 128
    seen = source.astype(int) + 4
    error = FusedError()
    error.add(fused_light([seen.astype(np.uint8)]), source)
    figures = error.figures()
    assert figures["max_codes"] == pytest.approx(4, abs=1e-3)
    assert figures["mean_codes_20_to_80"] == pytest.approx(4, abs=1e-3)
    assert 0 < figures["mean_delta_e"] < figures["max_delta_e"]


def test_the_light_of_a_pair_that_fuses_is_the_pictures(rng):
    picture = soft_picture(rng, *SHAPE[:2])
    light = linear_from_codes(picture)
    away = np.minimum(light, 1 - light) * 0.7
    pair = [codes_from_linear(light + away), codes_from_linear(light - away)]
    error = FusedError()
    error.add(fused_light(pair), picture)
    # Rounding to codes is coarse in light near black, where the curve is steep.
    assert error.figures()["mean_codes_20_to_80"] < 1.0


def test_what_is_missing_for_jod_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycvvdp", None)
    with pytest.raises(PipelineError, match=r"backroom\[judge\]"):
        rate_viewing([grey(0.5)] * 8, [grey(0.5)] * 8, 120.0)


def test_jod_of_an_alternation_is_high_at_120_hz_and_low_at_30(rng):
    pytest.importorskip("pycvvdp", reason="needs ColorVideoVDP; pip install 'backroom[judge]'")
    picture = soft_picture(rng, 96, 96)
    light = linear_from_codes(picture)
    away = np.minimum(light, 1 - light) * np.array([0.2, -0.3, 1.0], np.float32)
    a, b = codes_from_linear(light + away * 0.5), codes_from_linear(light - away * 0.5)
    quick = rate_viewing([a, b] * 12, [picture] * 24, 120.0)
    slow = rate_viewing([a] * 6 + [b] * 6 + [a] * 6 + [b] * 6, [picture] * 24, 120.0)
    assert quick > 9.3
    assert slow < quick - 0.3
