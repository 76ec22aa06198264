"""The encoder as the player meets it."""

import functools

import numpy as np
import pytest
from compiled import sized
from hypothesis import given, settings
from hypothesis import strategies as st
from kaleido_codes import ABAB, CODES, TRIPLE
from red_flashes import DARK, wcag_alternates_red
from reference import fused_cycle

from config.schema import PlaySettings
from pipelines.color import codes_from_linear, to_encoded, to_linear
from pipelines.kaleido import codes, pipeline
from pipelines.kaleido.contract import Encoder
from pipelines.kaleido.pipeline import KaleidoEncoder

HEIGHT, WIDTH = sized((37, 53), (5, 6))
DELTA = 0.03


@pytest.fixture(autouse=True)
def _small_tables(monkeypatch):
    """The search for axes takes minutes where kernels are not compiled."""
    monkeypatch.setattr(pipeline, "N_BINS", sized(16, 4))


def encoder_of(code=ABAB, *, height=HEIGHT, width=WIDTH, **fields) -> KaleidoEncoder:
    encoder = KaleidoEncoder(PlaySettings(**{"seed": 3, "block_px": 2, **fields}), code, DELTA)
    encoder.warm_up(height, width)
    return encoder


def cycle(encoder: Encoder, picture, strength=1.0):
    subframes = [np.full_like(picture, 9) for _ in range(encoder.tables.code.n_slots)]
    encoder.encode_cycle(picture, strength, subframes)
    return subframes


def random_picture(rng):
    return rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.mark.parametrize("kind", ["region", "random", "smooth"])
@pytest.mark.parametrize("name", sorted(CODES))
def test_cycles_are_what_the_tables_say(name, kind, rng):
    encoder = encoder_of(CODES[name], pattern=kind, block_edge_px=1.0, strength=0.8)
    t = encoder.tables
    chosen_for, epsilon = np.zeros((HEIGHT, WIDTH, 3), np.uint8), -1
    picture = random_picture(rng)
    for strength in (1.0, 0.5):
        made = cycle(encoder, picture, strength)
        twin, chosen_for = fused_cycle(
            picture, t.shown, t.axes, t.code, strength, t.delta, t.pattern, chosen_for, epsilon
        )
        np.testing.assert_array_equal(made, twin)
        picture = np.clip(picture + rng.integers(-3, 4, picture.shape), 0, 255).astype(np.uint8)
        epsilon = 2


@pytest.mark.parametrize("headroom", ["adaptive", "compressed"])
def test_no_strength_is_the_plain_picture(headroom, rng):
    encoder, picture = encoder_of(TRIPLE, headroom=headroom), random_picture(rng)
    plain = np.zeros_like(picture)
    encoder.plain(picture, plain)
    np.testing.assert_array_equal(plain, codes_from_linear(encoder.tables.shown)[picture])
    assert (plain == picture).all() == (headroom == "adaptive")
    for subframe in cycle(encoder, picture, 0.0):
        np.testing.assert_array_equal(subframe, plain)


def test_the_profiles_strength_is_in_the_tables():
    full, half = encoder_of(strength=1.0).tables, encoder_of(strength=0.5).tables
    np.testing.assert_allclose(half.axes[..., :-2, :], full.axes[..., :-2, :] / 2)
    np.testing.assert_array_equal(half.axes[..., -2:, :], full.axes[..., -2:, :])
    assert half.delta == full.delta / 2


def test_the_profiles_delta_comes_before_the_eye_models():
    assert encoder_of(luminance_delta=0.01).tables.delta == 0.01
    assert encoder_of(limit_red=False).tables.delta == DELTA
    assert encoder_of(TRIPLE, luminance_delta=0.01).tables.delta == 0


def test_compressed_hides_white_and_black_too():
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    picture[: HEIGHT // 2] = 0
    for headroom, hides in (("adaptive", False), ("compressed", True)):
        made = np.array(cycle(encoder_of(headroom=headroom, luminance_delta=0.0), picture), np.int16)
        assert (np.ptp(made, axis=0).max(axis=-1) > 30).all() == hides


def test_a_person_is_told_how_much_of_the_picture_is_not_hidden():
    encoder = encoder_of(block_px=8, luminance_delta=0.01)
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    assert encoder.status(picture) == []
    picture[:, : WIDTH // 2] = 255
    assert encoder.share_unprotected(picture) == pytest.approx(0.5, abs=0.02)
    assert any("headroom: compressed" in line for line in encoder.status(picture))


def test_a_person_is_told_where_saturated_red_costs_luminance():
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    lines = encoder_of(luminance_delta=0.2).status(picture)
    assert len(lines) == 1
    assert "20.0%" in lines[0]
    assert encoder_of(luminance_delta=0.2, limit_red=False).status(picture) == []


def test_noise_below_epsilon_keeps_axes_and_the_share_is_known(rng):
    encoder = encoder_of(epsilon=3)
    picture = rng.integers(10, 240, (HEIGHT, WIDTH, 3), np.uint8)
    cycle(encoder, picture)
    assert encoder.share_reused == 0
    near = picture + rng.integers(0, 4, picture.shape, np.uint8)
    made = cycle(encoder, near)
    assert encoder.share_reused == 1
    mean = to_encoded(to_linear(np.array(made) / 255).mean(axis=0)) * 255
    assert np.abs(mean - near).max() <= 1


def reds(rng):
    """Return colours that are saturated red or nearly so, half of them bright, where a step of rounding is large."""
    red = np.where(rng.random((HEIGHT, WIDTH)) < 0.5, rng.uniform(200, 256, (HEIGHT, WIDTH)), 256 * rng.random())
    others = to_linear(red / 255) / rng.uniform(2, 8, (HEIGHT, WIDTH))
    share = rng.random((HEIGHT, WIDTH))
    blue, green = (255 * to_encoded(others * part) for part in (share, 1 - share))
    return np.stack([blue, green, red], axis=-1).astype(np.uint8)


@functools.cache
def red_encoder(name, headroom):
    return encoder_of({**CODES, **codes.CODES}[name], headroom=headroom, epsilon=2, pattern="random")


@settings(deadline=None, max_examples=sized(60, 4))
@given(
    seed=st.integers(0, 100_000),
    name=st.sampled_from(sorted(CODES.keys() | codes.CODES.keys())),
    headroom=st.sampled_from(["adaptive", "adaptive", "compressed"]),
    moved=st.sampled_from(["anyhow", "redder", "less red"]),
)
def test_no_two_sub_frames_alternate_saturated_red(seed, name, headroom, moved):
    rng = np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "N_BINS", sized(64, 4))
        encoder = red_encoder(name, headroom)
    picture = reds(rng)
    # Pixels that keep the axes of another colour, as far from theirs as they may.
    away = {"anyhow": rng.integers(-2, 3, picture.shape), "redder": (-2, -2, 2), "less red": (2, 2, -2)}[moved]
    for shown in (picture, np.clip(picture + away, 0, 255).astype(np.uint8)):
        subframes = cycle(encoder, shown)
        for one in range(len(subframes)):
            for two in range(one):
                by_2_1, by_2_2 = wcag_alternates_red(subframes[one], subframes[two])
                assert not by_2_1.any()
                assert not by_2_2[shown.max(axis=-1) >= DARK].any()


def test_tables_before_the_warm_up_are_an_error():
    with pytest.raises(RuntimeError, match="warm_up"):
        _ = KaleidoEncoder(PlaySettings(), ABAB, DELTA).tables
