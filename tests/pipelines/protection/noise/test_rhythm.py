"""When frames are noisy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import NoiseSettings
from pipelines.protection.noise.chance import Chance
from pipelines.protection.noise.rhythm import Rhythm


def noisy_frames(n_clean: int, n_random: int, seed: int | None = 0, n: int = 400) -> np.ndarray:
    rhythm = Rhythm(n_clean, n_random, Chance(seed))
    return np.flatnonzero([rhythm.is_noisy() for _ in range(n)])


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 2**32))
def test_noisy_frames_are_apart_by_at_least_the_constant_and_by_no_more_than_was_drawn(
    n_clean: int, n_random: int, seed: int
) -> None:
    clean_between = np.diff(noisy_frames(n_clean, n_random, seed)) - 1
    assert clean_between.min() >= n_clean
    assert clean_between.max() <= n_clean + n_random


def test_the_spacing_is_irregular_and_every_distance_occurs() -> None:
    between = np.diff(noisy_frames(3, 5, n=4000)) - 1
    counts = np.bincount(between, minlength=9)[3:]
    assert (counts > 0.6 * counts.mean()).all()
    assert abs(np.corrcoef(between[:-1], between[1:])[0, 1]) < 0.2


def test_without_random_frames_it_is_the_seeds_clockwork() -> None:
    np.testing.assert_array_equal(noisy_frames(5, 0, n=20), [0, 6, 12, 18])


def test_two_without_a_seed_are_noisy_at_different_frames() -> None:
    assert noisy_frames(5, 5, None).tolist() != noisy_frames(5, 5, None).tolist()


@pytest.mark.parametrize("rate_hz", [24, 30, 60])
def test_noise_frames_come_less_than_three_times_a_second_unless_asked_for(rate_hz: int) -> None:
    frames = NoiseSettings(kind="frames")
    assert rate_hz / (1 + frames.clean_frames) < 3
    assert frames.random_frames_at_most == frames.clean_frames
    assert NoiseSettings(kind="pixels").clean_frames == 0
    assert NoiseSettings(kind="frames", no_noises_frames=5).clean_frames == 5
    assert NoiseSettings(kind="frames", no_noises_frames=5, random_frames=0).random_frames_at_most == 0
