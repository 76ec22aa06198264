"""What is judged a few rows at a time comes to the same as judging all at once."""

import time

import numpy as np
import pytest
from compiled import sized

from pipelines.reconstruction.leak import evidence as ev
from pipelines.reconstruction.leak.candidates import MOST_PUT_OFF, ROUND_FRAMES, Candidates, shipped_networks
from pipelines.reconstruction.leak.claims import MOST_EPISODES, MOST_FRAMES
from pipelines.reconstruction.leak.fusion import LEAST_LOG_ODDS, fuse
from pipelines.reconstruction.leak.fusion_pass import FIGURES
from pipelines.reconstruction.leak.watcher import LeakWatcher

LEAST = 1 / (1 + np.exp(-LEAST_LOG_ODDS))
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
    """Judge every row once, and wait for what is worked out beside."""
    for _ in range(ROUND_FRAMES):
        candidates.refresh_some()
    deadline_s = time.monotonic() + 60
    while not candidates._beside.done():
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


def test_some_rows_at_a_time_end_where_all_at_once_does(watcher):
    live, final = Candidates(watcher), Candidates(watcher)
    for _ in range(4):  # cells, surroundings, judged by these, fused
        a_round(live)
    final.refresh()
    assert final.is_there.any()
    np.testing.assert_array_equal(live.is_there, final.is_there)
    np.testing.assert_allclose(live.confidence(), final.confidence(), atol=1e-4)
    np.testing.assert_allclose(live.color, final.color, atol=0.05)


def test_while_frames_wait_every_fourth_of_them_judges_as_much_as_any_other(watcher):
    spared, pressed = Candidates(watcher), Candidates(watcher)
    for _ in range(20):
        spared.refresh_some()
    for frame in range(20 * (MOST_PUT_OFF + 1)):
        before = pressed.confidence()
        pressed.refresh_some(frames_wait=True)
        judges = (frame + 1) % (MOST_PUT_OFF + 1) == 0
        assert judges or np.array_equal(pressed.confidence(), before)
    np.testing.assert_array_equal(pressed.confidence(), spared.confidence())
    assert spared.is_there.any()


def test_judging_goes_on_with_the_first_frame_that_did_not_wait(watcher):
    candidates = Candidates(watcher)
    candidates.refresh_some(frames_wait=True)
    assert not candidates.is_there.any()
    for _ in range(ROUND_FRAMES - 1):
        candidates.refresh_some()
    assert candidates.is_there.any()


def test_only_what_was_mostly_put_off_is_called_so_until_all_is_judged_anew(watcher, monkeypatch):
    monkeypatch.setattr("pipelines.reconstruction.leak.candidates.ROUND_FRAMES", 20)
    candidates = Candidates(watcher)
    for frame in range(80):
        candidates.refresh_some(frames_wait=frame % 5 == 0)
    assert not candidates.is_put_off
    for _ in range(80):
        candidates.refresh_some(frames_wait=True)
    assert candidates.is_put_off
    candidates.refresh()
    assert not candidates.is_put_off


def test_before_the_surroundings_are_known_colors_are_judged_alone(watcher):
    candidates = Candidates(watcher)
    for _ in range(ROUND_FRAMES - 1):
        candidates.refresh_some()
    assert candidates.confidence().max() > 0


def test_what_is_shown_is_fused_and_what_is_likely_is_as_it_was_judged(watcher):
    candidates = Candidates(watcher)
    candidates.refresh()
    likely = candidates.likely()
    assert 0 < len(likely.pixels) <= np.count_nonzero(candidates.is_there)
    colors, log_odds = fuse(likely, (HEIGHT, WIDTH), watcher.crew)
    np.testing.assert_array_equal(candidates.color.reshape(-1, 3)[likely.pixels], colors)
    np.testing.assert_allclose(candidates.confidence().reshape(-1)[likely.pixels], 1 / (1 + np.exp(-log_odds)))
    np.testing.assert_array_equal(likely.backdrop, watcher.backdrop.reshape(-1, 3)[likely.pixels])
    assert not np.array_equal(colors, likely.colors)


def test_figures_are_those_of_the_likeliest_color(watcher):
    candidates = Candidates(watcher)
    candidates.refresh()
    likely = candidates.likely()
    sums = watcher.evidence.sums.reshape(-1, ev.N_COLUMNS)[candidates.likeliest.reshape(-1)[likely.pixels]]
    np.testing.assert_array_equal(candidates.episodes.reshape(-1)[likely.pixels], sums[:, ev.EPISODES])
    for name, column, most in (("episodes", ev.EPISODES, MOST_EPISODES), ("frames", ev.FRAMES, MOST_FRAMES)):
        expected = np.log1p(np.minimum(sums[:, column], most))
        np.testing.assert_allclose(likely.figures[:, FIGURES.index(name)], expected, rtol=1e-3)


def test_the_room_to_work_in_does_not_grow(watcher):
    candidates = Candidates(watcher)
    before = candidates.n_bytes
    a_round(candidates)
    candidates.refresh()
    assert candidates.n_bytes == before


def judged_by(watcher, *networks):
    """Return the confidence of what is likely, before it is fused; elsewhere 0."""
    candidates = Candidates(watcher, networks)
    candidates.refresh()
    likely, confidence = candidates.likely(), np.zeros(HEIGHT * WIDTH)
    confidence[likely.pixels] = 1 / (1 + np.exp(-likely.log_odds))
    return confidence


def test_what_several_networks_say_is_averaged(watcher):
    one, other = shipped_networks()
    twice, both, mirrored = (judged_by(watcher, *pair) for pair in ((one, one), (one, other), (other, one)))
    np.testing.assert_allclose(twice, judged_by(watcher, one), atol=1e-5)
    np.testing.assert_allclose(both, mirrored, atol=1e-5)
    # A pixel's likeliest colour may be another one by the mean, but never a likelier one than each thinks possible.
    assert (both <= np.maximum(np.maximum(twice, judged_by(watcher, other)), LEAST) + 1e-5).all()
    assert np.abs(both - twice).max() > 1e-3
