"""Noise on pictures: how much, where, how bright, and never twice the same."""

import numpy as np
import pytest
from compiled import sized
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import soft_picture

from config.schema import NoiseSettings
from pipelines.color import linear_from_codes, luminance
from pipelines.protection.noise import NoiseMaker, noise_picture

HEIGHT, WIDTH = sized((90, 160), (18, 32))
N_PIXELS = HEIGHT * WIDTH
SCREEN_CD_M2 = 200.0
FLASH_CD_M2, DARKER_CD_M2, FLASH_AREA = 20.0, 160.0, 0.25  # ITU-R BT.1702


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return soft_picture(rng, HEIGHT, WIDTH)


def frames_of(asked: NoiseSettings, picture: np.ndarray, n: int, seed: int | None = 0) -> np.ndarray:
    maker = NoiseMaker(asked, seed)
    maker.warm_up(*picture.shape[:2])
    return np.array([maker.shown(picture).copy() for _ in range(n)])


def changed(frames: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Return where each frame differs from the picture, (n, height, width)."""
    return (frames != picture).any(axis=-1)


def luminance_cd_m2(frames: np.ndarray) -> np.ndarray:
    return SCREEN_CD_M2 * luminance(linear_from_codes(frames))


def flashes(luminance: np.ndarray, before: float) -> np.ndarray:
    """Return where a change of luminance is half of a flash by ITU-R BT.1702."""
    return (np.abs(luminance - before) >= FLASH_CD_M2) & (np.minimum(luminance, before) < DARKER_CD_M2)


def test_a_noise_picture_has_every_code_equally_often_and_a_seed_repeats_it() -> None:
    picture = noise_picture(HEIGHT, WIDTH, seed=31415)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    counts = np.bincount(picture.reshape(-1), minlength=256)
    assert ((counts - counts.mean()) ** 2 / counts.mean()).sum() < 346  # chi squared, 1 in 10,000
    np.testing.assert_array_equal(picture, noise_picture(HEIGHT, WIDTH, seed=31415))
    assert (picture != noise_picture(HEIGHT, WIDTH, seed=31416)).mean() > 0.9
    assert (noise_picture(HEIGHT, WIDTH) != noise_picture(HEIGHT, WIDTH)).mean() > 0.9


@pytest.mark.parametrize("share", [0.005, 0.02, 0.05])
def test_the_share_of_changed_pixels_is_what_the_probability_says(share: float, picture: np.ndarray) -> None:
    asked = NoiseSettings(kind="pixels", probability=round(share * N_PIXELS), largest_share=1.0)
    shares = changed(frames_of(asked, picture, sized(400, 100)), picture).mean(axis=(1, 2))
    # Amounts are geometric: as uncertain as they are large.
    assert shares.mean() == pytest.approx(share, rel=4 / np.sqrt(len(shares)))
    assert shares.std() > 0.5 * share, "the amounts are random"


def test_no_frame_has_more_noise_than_the_largest_share(picture: np.ndarray) -> None:
    asked = NoiseSettings(kind="pixels", probability=10 * N_PIXELS, largest_share=0.1)
    shares = changed(frames_of(asked, picture, 50), picture).mean(axis=(1, 2))
    assert shares.max() <= 0.1
    assert shares.max() > 0.09


def test_every_pixel_gets_noise_once_before_any_gets_it_again(picture: np.ndarray) -> None:
    # One that ends a round and one that begins the next may be the same.
    asked = NoiseSettings(kind="pixels", probability=N_PIXELS // 10, largest_share=0.1)
    hits = changed(frames_of(asked, picture, 60), picture).cumsum(axis=0)
    assert all(count.max() - count.min() <= 2 for count in hits)
    assert hits[-1].min() >= 1


def test_places_do_not_tell_of_each_other(picture: np.ndarray) -> None:
    asked = NoiseSettings(kind="pixels", probability=N_PIXELS // 20, largest_share=0.1)
    where = changed(frames_of(asked, picture, 40), picture)
    beside = (where[:, :, 1:] & where[:, :, :-1]).mean()
    expected = (where.mean(axis=(1, 2)) ** 2).mean()
    assert beside == pytest.approx(expected, rel=sized(0.15, 0.6))


def test_noise_pixels_have_every_colour(picture: np.ndarray) -> None:
    asked = NoiseSettings(kind="pixels", probability=N_PIXELS // 10, largest_share=0.1)
    frames = frames_of(asked, picture, 30)
    colors = frames[changed(frames, picture)]
    assert colors.min() < 10
    assert colors.max() > 245
    assert colors.mean() == pytest.approx(127.5, abs=10)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["none", "pixels", "frames"]), st.floats(0, 0.2), st.floats(0, 1), st.integers(0, 2**32))
def test_pictures_keep_their_size_and_are_not_written_to(kind, motion: float, strength: float, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (17, 23, 3), dtype=np.uint8)
    picture.setflags(write=False)
    asked = NoiseSettings(kind=kind, motion=motion, strength=strength, no_noises_frames=1)
    for frame in frames_of(asked, picture, 4, seed):
        assert frame.shape == picture.shape
        assert frame.dtype == np.uint8


@pytest.mark.parametrize("kind", ["pixels", "frames"])
def test_two_runs_without_a_seed_differ_and_with_one_are_the_same(kind, picture: np.ndarray) -> None:
    asked = NoiseSettings(kind=kind, no_noises_frames=0, motion=0.1)
    assert (frames_of(asked, picture, 3, None) != frames_of(asked, picture, 3, None)).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(frames_of(asked, picture, 3, 5), frames_of(asked, picture, 3, 5))


def test_clean_frames_are_the_picture_itself(picture: np.ndarray) -> None:
    maker = NoiseMaker(NoiseSettings(kind="frames", no_noises_frames=3, random_frames=0), 0)
    maker.warm_up(HEIGHT, WIDTH)
    shown = [maker.shown(picture) is picture for _ in range(8)]
    assert shown == [False, True, True, True] * 2


@pytest.mark.parametrize("ground", [0, 60, 128, 255])
@pytest.mark.parametrize("kind", ["pixels", "frames"])
def test_by_default_no_place_flashes(kind, ground: int) -> None:
    # Places of a fiftieth of the width, as small as a fine pattern may be that WCAG 2.2 lets pass (0.1 degree).
    height, width, cell = sized((128, 224, 16), (32, 32, 16))
    picture = np.full((height, width, 3), ground, np.uint8)
    defaults = {"kind": kind} | ({"no_noises_frames": 0} if kind == "frames" else {"probability": height * width})
    frames = frames_of(NoiseSettings(**defaults), picture, 12)
    places = luminance_cd_m2(frames).reshape(len(frames), height // cell, cell, width // cell, cell).mean(axis=(2, 4))
    assert flashes(places, luminance_cd_m2(picture).mean()).mean(axis=(1, 2)).max() < FLASH_AREA
    assert not flashes(places.mean(axis=(1, 2)), luminance_cd_m2(picture).mean()).any()


def test_frames_of_any_light_flash(picture: np.ndarray) -> None:
    asked = NoiseSettings(kind="frames", keep_light=False, no_noises_frames=0)
    frame = frames_of(asked, np.zeros_like(picture), 1)[0]
    assert flashes(luminance_cd_m2(frame).mean(), 0.0)
    assert len(np.unique(frame)) > 200
