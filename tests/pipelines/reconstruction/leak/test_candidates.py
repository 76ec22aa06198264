"""What is judged a few rows at a time comes to the same as judging all at once."""

import time

import numpy as np
import pytest
from compiled import sized

from pipelines.reconstruction.leak.candidates import ROUND_FRAMES, Candidates, shipped_networks
from pipelines.reconstruction.leak.watcher import LeakWatcher

HEIGHT, WIDTH = sized((61, 87), (33, 35))


@pytest.fixture
def watcher(rng):
    """A still picture before which something of other colours goes to and fro."""
    watcher = LeakWatcher(HEIGHT, WIDTH, HEIGHT, None)
    backdrop = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    for t in range(60):
        frame = backdrop.copy()
        x = int(WIDTH / 2 * (1 + np.sin(t / 5)))
        frame[HEIGHT // 3 :, max(0, x - 9) : x + 9] = (40, 90, 200) if t % 2 else (45, 95, 190)
        watcher.count(frame)
    return watcher


def a_round(candidates):
    """Judge every row once, and wait for the surroundings."""
    for _ in range(ROUND_FRAMES):
        candidates.refresh_some()
    deadline_s = time.monotonic() + 60
    while not candidates._next_contexts.done():
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


def test_some_rows_at_a_time_end_where_all_at_once_does(watcher):
    live, final = Candidates(watcher), Candidates(watcher)
    for _ in range(3):
        a_round(live)
    final.refresh()
    assert final.is_there.any()
    np.testing.assert_array_equal(live.is_there, final.is_there)
    np.testing.assert_allclose(live.confidence(), final.confidence(), atol=1e-4)
    np.testing.assert_allclose(live.color, final.color, atol=0.05)


def test_before_the_surroundings_are_known_colors_are_judged_alone(watcher):
    candidates = Candidates(watcher)
    for _ in range(ROUND_FRAMES - 1):
        candidates.refresh_some()
    assert candidates.confidence().max() > 0


def test_the_room_to_work_in_does_not_grow(watcher):
    candidates = Candidates(watcher)
    before = candidates.n_bytes
    a_round(candidates)
    candidates.refresh()
    assert candidates.n_bytes == before


def judged_by(watcher, *networks):
    candidates = Candidates(watcher, networks)
    candidates.refresh()
    return candidates


def test_what_several_networks_say_is_averaged(watcher):
    one, other = shipped_networks()
    twice, both, mirrored = (judged_by(watcher, *pair) for pair in ((one, one), (one, other), (other, one)))
    np.testing.assert_allclose(twice.confidence(), judged_by(watcher, one).confidence(), atol=1e-5)
    np.testing.assert_allclose(both.confidence(), mirrored.confidence(), atol=1e-5)
    # A pixel's likeliest colour may be another one by the mean, but never a likelier one than each thinks possible.
    most = np.maximum(twice.confidence(), judged_by(watcher, other).confidence())
    assert (both.confidence() <= most + 1e-5).all()
    assert np.abs(both.confidence() - twice.confidence()).max() > 1e-3
