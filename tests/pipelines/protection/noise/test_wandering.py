"""A background that wanders: inside its picture, irregularly, smoothly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import soft_picture

from pipelines.protection.noise.chance import Chance
from pipelines.protection.noise.wandering import Wandering

REACH = 0.1


def path_of(n: int, seed: int | None = 0, frames: int = 60) -> np.ndarray:
    wandering = Wandering(REACH, frames, Chance(seed))
    return np.array([wandering.window() for _ in range(n)])


@settings(max_examples=20, deadline=None)
@given(st.floats(0.001, 0.25), st.integers(10, 200), st.integers(0, 2**32))
def test_the_window_never_leaves_the_picture(reach: float, frames: int, seed: int) -> None:
    wandering = Wandering(reach, frames, Chance(seed))
    path = np.array([wandering.window() for _ in range(300)])
    size, left, top = path.T
    assert 1 - 2 * reach - 1e-9 <= size.min() <= size.max() <= 1 - reach + 1e-9
    assert min(left.min(), top.min()) >= 0
    assert max((left + size).max(), (top + size).max()) <= 1 + 1e-9


@pytest.mark.parametrize("shape", [(36, 64), (35, 61), (16, 16)])
def test_no_border_shows(shape: tuple[int, int]) -> None:
    # Anything made up at a border would be black, or differ from the rows and columns that the picture has.
    picture = np.full((*shape, 3), 200, np.uint8)
    wandering = Wandering(0.25, 10, Chance(1))
    out = np.zeros_like(picture)
    for _ in range(100):
        wandering.show(picture, out)
        assert (out == 200).all()


def test_it_visits_most_of_what_it_may_and_does_not_repeat_itself() -> None:
    path = path_of(12_000)
    shift = path[:, 1] / (1 - path[:, 0])
    assert shift.min() < 0.1
    assert shift.max() > 0.9
    middle = shift - shift.mean()
    power = np.abs(np.fft.rfft(middle)) ** 2
    assert power.max() / power.sum() < 0.2, "a regular motion has one frequency"


def test_it_moves_at_changing_speed_and_without_jumps() -> None:
    steps = np.abs(np.diff(path_of(3000), axis=0))
    assert steps[:, 1].max() < 0.02
    assert steps[:, 1].std() > 0.5 * steps[:, 1].mean()


def test_two_without_a_seed_wander_differently() -> None:
    assert not np.allclose(path_of(50, None), path_of(50, None))


def test_what_is_shown_is_the_picture_at_the_window(rng: np.random.Generator) -> None:
    picture = soft_picture(rng, 90, 160)
    out = np.empty_like(picture)
    shows, looks = Wandering(REACH, 60, Chance(5)), Wandering(REACH, 60, Chance(5))
    for _ in range(30):
        shows.show(picture, out)
        size, left, top = looks.window()
    y, x = 20, 130
    at_y, at_x = (round((edge + size * (at + 0.5) / n) * n - 0.5) for edge, at, n in ((top, y, 90), (left, x, 160)))
    around = picture[at_y - 1 : at_y + 2, at_x - 1 : at_x + 2].astype(int)
    assert (around.min(axis=(0, 1)) - 2 <= out[y, x]).all()
    assert (out[y, x] <= around.max(axis=(0, 1)) + 2).all()
