"""When a backdrop is said to move: for a moment by much, or for longer by some."""

from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.reconstruction.leak.steadiness import FIRST_FRAMES, MOVING_LONGER_SHARE, MOVING_SHARE, Steadiness
from pipelines.reconstruction.leak.watcher import LeakWatcher

SIZE = (60, 100)


def told(steadiness, shares):
    """Show frames without a person of which such shares are not the backdrop; return what was said after each."""
    watcher, said = LeakWatcher(*SIZE, SIZE[0], None), []
    for share in shares:
        foreground = np.zeros(SIZE, np.uint8)
        foreground.reshape(-1)[: round(share * foreground.size)] = 1
        seen = SimpleNamespace(probability=np.zeros(SIZE, np.float32), foreground=foreground)
        steadiness.add(seen, watcher)
        said.append(steadiness.is_moving)
    return said


@pytest.fixture
def settled():
    """A backdrop that stood still so far."""
    steadiness = Steadiness()
    told(steadiness, [0.0] * (FIRST_FRAMES + 300))
    return steadiness


def test_a_backdrop_that_hardly_differs_does_not_move(settled):
    assert not any(told(settled, [0.03] * 600))


def test_one_that_differs_much_moves_soon_and_stands_still_again_after_some_time(settled):
    said = told(settled, [0.5] * 60)
    assert said[30]
    assert said[-1]
    assert not told(settled, [0.0] * 600)[-1]


def test_one_that_wanders_moves_also_in_the_moments_in_which_it_hardly_does(settled):
    wandering = ([0.14] * 60 + [0.02] * 60) * 6
    assert MOVING_LONGER_SHARE < np.mean(wandering) < MOVING_SHARE
    assert all(told(settled, wandering)[-200:])
    assert "out of reach" in settled.status()[0]


def test_a_frame_of_noise_now_and_then_does_not_make_a_backdrop_move(settled):
    assert not any(told(settled, ([1.0] + [0.0] * 44) * 16))
