"""What the axes of every colour must keep: luminance, the display's range, and saturated red in check."""

import numpy as np
import pytest
from compiled import sized
from hypothesis import given, settings
from hypothesis import strategies as st
from kaleido_codes import ABAB, CODES, TRIPLE
from red_flashes import DARK, wcag_alternates_red

from pipelines.color import luminance, to_encoded, to_linear
from pipelines.kaleido.gamut import (
    CAMERA_SHARES,
    bounded_delta,
    build_axes,
    most_red_delta,
    room_of_codes,
    rounding_of,
    shown_light,
)

N_BINS = sized(64, 4)
SHOWN = shown_light("adaptive", 0, 1)
ROUNDING = 2e-6
"""float32 in sums of displacements, linear light."""

settings_of_axes = {
    "name": st.sampled_from(sorted(CODES)),
    "delta": st.sampled_from([0.0, 0.03, 0.2]),
    "epsilon": st.sampled_from([0, 2, 32]),
    "limit_red": st.booleans(),
    "headroom": st.sampled_from(["adaptive", "compressed"]),
}


def displacements(code, axes, first=0):
    """Return (n, ..., 3) from axes (..., 4 or 6, 3)."""
    return np.stack([p * axes[..., first, :] + q * axes[..., first + 1, :] for p, q in code.chroma])


def lights_of(shown, n_bins):
    """Return the light that each bin's axes are made for, (n_bins,): its middle; in the outer ones black and white."""
    codes = np.arange(n_bins) * (256 // n_bins)
    lights = (shown[codes] + shown[codes + 256 // n_bins - 1]) / 2
    lights[0], lights[-1] = shown[0], shown[255]
    return lights


def grid(values):
    return np.stack(np.meshgrid(values, values, values, indexing="ij"), axis=-1)


@settings(deadline=None, max_examples=sized(20, 3))
@given(**settings_of_axes)
def test_axes_keep_luminance_and_clip_nothing(name, delta, epsilon, limit_red, headroom):
    code, shown = CODES[name], shown_light(headroom, 0.16, 0.84)
    axes = build_axes(code, shown, delta=delta, epsilon=epsilon, limit_red=limit_red, n_bins=N_BINS)
    assert np.isfinite(axes).all()
    np.testing.assert_allclose(luminance(axes[..., :2, :]), 0, atol=ROUNDING)
    d = displacements(code, axes)
    np.testing.assert_allclose(1 / axes[..., 2, :], np.maximum(0, -d).max(axis=0), atol=ROUNDING)
    np.testing.assert_allclose(1 / axes[..., 3, :], np.maximum(0, d).max(axis=0), atol=ROUNDING)
    v = grid(lights_of(shown, N_BINS))
    for k, d in enumerate(displacements(code, axes)):
        swing = abs(code.luma[k]) * delta
        assert (v * (1 - swing) + d).min() >= -ROUNDING
        assert (np.minimum(v * (1 + swing), 1) + d).max() <= 1 + ROUNDING


def squared_distance(code, color, d):
    """Return the objective for displacements (n, ..., 3) of a colour, without its preference for a direction."""
    own = to_encoded(color)
    return sum(
        (((to_encoded(np.clip(color + share * d, 0, 1)) - own) / share) ** 2).sum(axis=(0, -1))
        for share in CAMERA_SHARES
    )


@settings(deadline=None, max_examples=sized(10, 3))
@given(name=st.sampled_from(["triple", "eight"]), exchange=st.sampled_from([0.3, 1.0]), limit_red=st.booleans())
def test_what_one_sign_gains_in_luminance_the_other_loses(name, exchange, limit_red):
    code = CODES[name]
    axes = build_axes(code, SHOWN, delta=0.0, epsilon=2, limit_red=limit_red, exchange=exchange, n_bins=N_BINS)
    np.testing.assert_allclose(luminance(axes[..., (0, 2), :]), 0, atol=ROUNDING)
    np.testing.assert_allclose(luminance(axes[..., 1, :]), -luminance(axes[..., 3, :]), atol=ROUNDING)
    v = grid(lights_of(SHOWN, N_BINS))
    gained = np.abs([luminance(d) for d in displacements(code, axes)]).max(axis=0)
    assert (gained <= exchange * np.minimum(luminance(v), 1 - luminance(v)) + ROUNDING).all()
    assert np.median(gained) > 0
    both = np.concatenate([displacements(code, axes, first) for first in (0, 2)])
    assert (v + both).min() >= -ROUNDING
    assert (v + both).max() <= 1 + ROUNDING
    np.testing.assert_allclose(1 / axes[..., 4, :], np.maximum(0, -both).max(axis=0), atol=ROUNDING)
    np.testing.assert_allclose(1 / axes[..., 5, :], np.maximum(0, both).max(axis=0), atol=ROUNDING)


def random_figures(rng, code, color, n):
    """Return displacements (n_slots, m, 3) of random axes, each as large as the range of the display lets it be."""
    axes = rng.standard_normal((n, 2, 3))
    axes[:, :, 1] = -(0.0722 * axes[:, :, 0] + 0.2126 * axes[:, :, 2]) / 0.7152
    stretch = rng.choice([0.01, 0.1, 1, 10], (n, 2, 1))
    axes[:, :, 0] *= stretch[..., 0]
    axes[:, :, 1] = -(0.0722 * axes[:, :, 0] + 0.2126 * axes[:, :, 2]) / 0.7152
    d = displacements(code, axes)
    over = np.maximum(d / (1 - color), -d / color).max(axis=(0, 2))
    return d / over[:, np.newaxis]


@pytest.mark.parametrize("name", ["abab", "triple", "abba"])
@pytest.mark.skipif(N_BINS < 64, reason="needs fine bins")
def test_no_other_axes_lie_farther_apart_but_for_few_colours(name, rng):
    code = CODES[name]
    axes = build_axes(code, SHOWN, delta=0, epsilon=0, limit_red=False, n_bins=N_BINS)
    lights = lights_of(SHOWN, N_BINS)
    shares = []
    for _ in range(150):
        place = rng.integers(1, N_BINS - 1, 3)
        color = lights[place]
        ours = squared_distance(code, color, displacements(code, axes[tuple(place)])[:, np.newaxis])[0]
        others = squared_distance(code, color, random_figures(rng, code, color, 3_000)).max()
        shares.append(ours / others)
    # One per cent may be given for the direction, cells of a table are coarse, and eight bins choose together.
    assert np.mean(np.array(shares) >= 0.98) >= 0.97


def codes_shown(code, axes, picture, delta):
    """Return the sub-frames of a picture of 8-bit codes by the formula of the contract."""
    bins = picture // (256 // axes.shape[0])
    v = SHOWN[picture]
    m = np.minimum(delta, 1 / np.maximum(v.max(axis=-1, keepdims=True), 1e-9) - 1)
    own = axes[bins[..., 0], bins[..., 1], bins[..., 2]]
    fall, rise = room_of_codes(code, SHOWN, delta)
    room = np.minimum(fall[picture] * own[..., -2, :], rise[picture] * own[..., -1, :]).min(axis=-1, keepdims=True)
    for sign, first in ((-1, axes.shape[3] - 4), (1, 0)):
        d = displacements(code, own, first) * np.minimum(1, room)
        light = [v + d[k] + code.luma[k] * m * sign * v for k in range(code.n_slots)]
        yield [np.round(to_encoded(np.clip(x, 0, 1)) * 255) for x in light]


@pytest.mark.parametrize(
    ("name", "exchange"), [("abab", 0.0), ("triple", 0.0), ("triple", 1.0), ("eight", 0.0), ("eight", 1.0)]
)
def test_saturated_red_alternates_within_the_limit(name, exchange, rng):
    code, size = CODES[name], sized(200_000, 500)
    delta = bounded_delta(code, 0.2, limit_red=True)
    picture = rng.integers(0, 256, (size, 3), np.uint8)
    picture[: size // 2, 2] |= 128
    picture[: size // 2, :2] >>= rng.integers(0, 8, (size // 2, 2)).astype(np.uint8)
    axes = build_axes(code, SHOWN, delta=delta, epsilon=2, limit_red=True, exchange=exchange, n_bins=N_BINS)
    for subframes in codes_shown(code, axes, picture, delta):
        for one in range(code.n_slots):
            for two in range(one):
                by_2_1, by_2_2 = wcag_alternates_red(subframes[one], subframes[two])
                assert not by_2_1.any()
                assert not by_2_2[picture.max(axis=1) >= DARK].any()
    if name != "triple":
        assert delta == most_red_delta(code)


@pytest.mark.skipif(N_BINS < 64, reason="needs fine bins")
def test_saturated_red_would_alternate_without_the_limit():
    axes = build_axes(ABAB, SHOWN, delta=0, epsilon=0, limit_red=False, n_bins=N_BINS)
    picture = np.array([[168, 82, 193], [160, 47, 212]], np.uint8)
    by_2_1, by_2_2 = wcag_alternates_red(*next(codes_shown(ABAB, axes, picture, 0.0)))
    assert by_2_1.any()
    assert by_2_2.any()


def half_steps(light):
    """Return how far the nearest code's light is from light."""
    return np.abs(to_linear(np.round(to_encoded(light) * 255) / 255) - light)


@given(seed=st.integers(0, 10_000), n=st.integers(2, 8), darkest=st.sampled_from([0, 1, 10, 1000]))
def test_rounding_moves_no_sub_frames_farther_than_is_left_for_it(seed, n, darkest):
    rng, size = np.random.default_rng(seed), 2000
    light = to_linear(rng.random((n, size))) / 10 ** (darkest * rng.random((n, 1)) / 250)
    mean = light.mean(axis=0)
    one, two = rounding_of(mean.astype(np.float32), n)
    errors = half_steps(light)
    # The last one takes the errors of all others, which may all point the same way, and has its own.
    last = errors[:-1].sum(axis=0) + half_steps(light[-1])
    assert (last <= one).all()
    assert (last + errors[:-1].max(axis=0) <= two).all()


def test_the_more_sub_frames_are_rounded_the_less_luminance_goes_with_pure_red():
    deltas = [most_red_delta(CODES[name]) for name in ("abab", "abba", "eight")]
    assert deltas == sorted(deltas, reverse=True)
    assert 0 < deltas[-1] < deltas[0] <= 10 / 320


def test_luminance_is_left_alone_by_codes_without_it():
    assert bounded_delta(TRIPLE, 0.2, limit_red=False) == 0
    assert bounded_delta(ABAB, 0.2, limit_red=False) == 0.2
    assert bounded_delta(ABAB, 0.01, limit_red=True) == 0.01


@pytest.mark.skipif(N_BINS < 64, reason="needs fine bins")
@pytest.mark.parametrize("name", ["abab", "triple"])
def test_neighbouring_bins_mostly_turn_the_same_way(name):
    code = CODES[name]
    d = displacements(code, build_axes(code, SHOWN, delta=0, epsilon=2, limit_red=True, n_bins=N_BINS))
    for axis in (1, 2, 3):
        one, two = (np.take(d, np.arange(N_BINS - 1) + shift, axis) for shift in (0, 1))
        alike = (one * two).sum(axis=(0, -1)) / np.sqrt((one**2).sum(axis=(0, -1)) * (two**2).sum(axis=(0, -1)) + 1e-12)
        print(f"{name}, {'BGR'[axis - 1]}: {np.mean(alike > 0.9):.3f} of the neighbours within 26 degrees")
        assert np.mean(alike > 0.9) >= 0.9


def test_light_shown_is_srgb_or_a_part_of_it():
    np.testing.assert_allclose(SHOWN, to_linear(np.arange(256) / 255), rtol=1e-6)
    compressed = shown_light("compressed", 0.16, 0.84)
    assert compressed[0] == np.float32(0.16)
    assert compressed[255] == pytest.approx(0.84)
    assert (np.diff(compressed) > 0).all()
