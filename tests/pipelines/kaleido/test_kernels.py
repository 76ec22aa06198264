"""Every sub-frame against a slow twin, and what must hold of any cycle: it adds up to the picture."""

import numpy as np
import pytest
from compiled import sized
from hypothesis import given, settings
from hypothesis import strategies as st
from kaleido_codes import ABAB, CODES
from reference import fused_cycle, light_of_code, nearest_code

from pipelines.color import to_encoded, to_linear
from pipelines.kaleido.contract import Code, Pattern, Tables
from pipelines.kaleido.gamut import build_axes, shown_light
from pipelines.kaleido.kernels import Curves, Places, look_up_rows, split_rows
from pipelines.kaleido.pipeline import make_curves

DELTA = 0.03
N_BINS = sized(64, 4)
EPSILON = 2
NO_PATTERN = Pattern(*(np.zeros((1, 1), kind) for kind in (np.uint8, np.uint8, np.int8)))

SHOWN = {headroom: shown_light(headroom, 0.16, 0.84) for headroom in ("adaptive", "compressed")}


def curves_of(code: Code, headroom: str = "adaptive") -> Curves:
    return make_curves(Tables(code, SHOWN[headroom], axes_of(code, headroom), DELTA, NO_PATTERN))


def axes_of(code: Code, headroom: str = "adaptive", _made: dict = {}) -> np.ndarray:  # noqa: B006
    key = (code.name, headroom)
    if key not in _made:
        _made[key] = build_axes(
            code, SHOWN[headroom], delta=DELTA, epsilon=EPSILON, limit_red=True, exchange=0.5, n_bins=N_BINS
        )
    return _made[key]


def pattern_of(rng, code, height, width):
    return Pattern(
        rng.integers(0, code.n_slots, (height, width), np.uint8),
        rng.choice([0, 100, 255, 255], (height, width)).astype(np.uint8),
        rng.integers(-1, 2, (height, width)).astype(np.int8),
    )


def split(picture, code, pattern, *, headroom="adaptive", strength=1.0, chosen_for=None, epsilon=-1):
    subframes = tuple(np.full_like(picture, 77) for _ in range(code.n_slots))
    chosen_for = np.zeros_like(picture) if chosen_for is None else chosen_for.copy()
    by = np.float32(strength)
    steps = [(*chroma, luma) for chroma, luma in zip(code.chroma, code.luma, strict=True)]
    order = tuple(tuple(np.float32(value) * by for value in step) for step in steps)
    places = Places(pattern.phase, pattern.gain, pattern.luma_sign)
    given_ = (
        picture,
        curves_of(code, headroom),
        axes_of(code, headroom),
        order,
        np.float32(DELTA),
        places,
    )
    n_new = split_rows(*given_, epsilon, (0, picture.shape[0]), chosen_for, subframes)
    return subframes, chosen_for, n_new


def plain_pattern(code, height, width):
    return Pattern(
        np.zeros((height, width), np.uint8), np.full((height, width), 255, np.uint8), np.ones((height, width), np.int8)
    )


def picture_of(rng, height, width):
    picture = rng.integers(0, 256, (height, width, 3), np.uint8)
    picture[rng.random((height, width, 3)) < 0.2] = 0
    picture[rng.random((height, width, 3)) < 0.2] = 255
    return picture


sizes = {"seed": st.integers(0, 10_000), "height": st.integers(1, sized(9, 3)), "width": st.integers(1, sized(11, 4))}
codes = st.sampled_from(sorted(CODES))
headrooms = st.sampled_from(["adaptive", "compressed"])
strengths = st.sampled_from([1.0, 0.37, 0.01])


@settings(deadline=None, max_examples=sized(40, 8))
@given(**sizes, name=codes, headroom=headrooms, strength=strengths)
def test_every_subframe_is_the_slow_twins(seed, height, width, name, headroom, strength):
    rng, code = np.random.default_rng(seed), CODES[name]
    picture, pattern = picture_of(rng, height, width), pattern_of(rng, code, height, width)
    before = np.clip(picture + rng.integers(-4, 5, picture.shape), 0, 255).astype(np.uint8)
    made, chosen_for, n_new = split(
        picture, code, pattern, headroom=headroom, strength=strength, chosen_for=before, epsilon=EPSILON
    )
    twin, chosen_by_twin = fused_cycle(
        picture, SHOWN[headroom], axes_of(code, headroom), code, strength, DELTA, pattern, before, EPSILON
    )
    np.testing.assert_array_equal(made, twin)
    np.testing.assert_array_equal(chosen_for, chosen_by_twin)
    assert n_new == np.count_nonzero((chosen_by_twin != before).any(axis=2))


def errors_of_mean(subframes, shown, picture):
    """Return by how many codes the mean light of the sub-frames is off, for each channel of each pixel."""
    mean = to_linear(np.stack(subframes) / 255.0).mean(axis=0)
    return np.abs(to_encoded(mean) - to_encoded(shown[picture].astype(np.float64))) * 255


@settings(deadline=None, max_examples=sized(60, 8))
@given(**sizes, name=codes, headroom=headrooms, strength=strengths)
def test_the_light_of_a_cycle_is_that_of_the_picture_within_a_code(seed, height, width, name, headroom, strength):
    rng, code = np.random.default_rng(seed), CODES[name]
    picture = picture_of(rng, height, width)
    near = np.clip(picture + rng.integers(-EPSILON, EPSILON + 1, picture.shape), 0, 255).astype(np.uint8)
    made, *_ = split(
        picture,
        code,
        pattern_of(rng, code, height, width),
        headroom=headroom,
        strength=strength,
        chosen_for=near,
        epsilon=EPSILON,
    )
    assert errors_of_mean(made, SHOWN[headroom], picture).max() <= 1


@pytest.mark.parametrize("name", sorted(CODES))
def test_the_light_of_a_cycle_is_off_by_less_than_half_a_code_on_average(name, rng):
    code, size = CODES[name], sized(512, 12)
    picture = rng.integers(0, 256, (size, size, 3), np.uint8)
    made, *_ = split(picture, code, plain_pattern(code, size, size))
    errors = errors_of_mean(made, SHOWN["adaptive"], picture)
    within = (picture >= 51) & (picture <= 204)
    print(f"{name}: most {errors.max():.3f}, mean {errors.mean():.3f}, 20 to 80 %: {errors[within].mean():.3f} codes")
    assert errors.max() <= 1
    assert errors.mean() <= 0.5
    assert errors[within].mean() <= 0.5


@pytest.mark.parametrize("name", sorted(CODES))
def test_phase_moves_a_pixels_subframes_in_time_and_changes_none(name, rng):
    code = CODES[name]
    picture = picture_of(rng, 5, 7)
    pattern = plain_pattern(code, 5, 7)
    unmoved, *_ = split(picture, code, pattern)
    for phase in range(code.n_slots):
        moved, *_ = split(picture, code, Pattern(pattern.phase + np.uint8(phase), pattern.gain, pattern.luma_sign))
        np.testing.assert_array_equal(moved, np.roll(np.array(unmoved), -phase, axis=0))


def test_a_pixel_keeps_its_axes_until_its_colour_has_changed_by_more_than_epsilon():
    picture = np.full((1, 3, 3), 100, np.uint8)
    pattern = plain_pattern(ABAB, 1, 3)
    _, chosen_for, n_new = split(picture, ABAB, pattern)
    assert n_new == 3
    picture[0, 0], picture[0, 1, 2], picture[0, 2, 0] = 102, 98, 103
    _, chosen_after, n_new = split(picture, ABAB, pattern, chosen_for=chosen_for, epsilon=2)
    assert n_new == 1
    np.testing.assert_array_equal(chosen_after[0], [[100, 100, 100], [100, 100, 100], [103, 100, 100]])


def test_the_nearest_code_of_every_light_is_found(rng):
    curves = curves_of(ABAB)
    limits = np.unique(curves.limits)[:-1]
    assert limits.size == 255
    lights = np.concatenate([limits, np.nextafter(limits, np.float32(0)), curves.light])
    lights = np.concatenate([lights, rng.random(sized(3000, 50), np.float32) ** 4])
    for light in lights:
        cell = int(light * np.float32(4096))
        assert curves.cells[cell] + (light >= curves.limits[cell]) == nearest_code(light)
    assert [nearest_code(np.float32(light_of_code(code))) for code in range(256)] == list(range(256))


def test_a_table_is_looked_up_for_some_rows_only(rng):
    picture, table = rng.integers(0, 256, (4, 3, 3), np.uint8), rng.permutation(256).astype(np.uint8)
    out = np.zeros_like(picture)
    look_up_rows(picture, table, (1, 3), out)
    np.testing.assert_array_equal(out[1:3], table[picture[1:3]])
    assert not out[[0, 3]].any()
