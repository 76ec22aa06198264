"""Fusing takes noise from colours, and believes those more that have the like around."""

import numpy as np
import pytest
from compiled import IS_COMPILED, sized

from pipelines.crew import Crew
from pipelines.reconstruction.leak import fusion
from pipelines.reconstruction.leak.fusion import Likely, Neighbourhood, fuse
from pipelines.reconstruction.leak.fusion_pass import BASES, FIGURES, N_INPUTS, shipped_passes
from pipelines.reconstruction.leak.neighbours import MEANS

SIDE = sized(40, 8)
HEIGHT, WIDTH = SIDE + 20, SIDE + 40
N = SIDE**2
WALL = np.array((150, 165, 175), np.float32)


FIGURES_OF_A_LEAK = {
    "episodes": 0.7,
    "frames in an episode": 0.7,
    "spread": 1.5,
    "person probability": 0.6,
    "depth in the picture's foreground": 1.2,
    "depth in the person": 1.0,
    "person unsure": 1.0,
    "distance to a mix of backdrop and person": 4.0,
    "distance to the person nearby": 4.4,
    "distance to the person around": 4.5,
    "gradient": 3.7,
    "at the border": 1.0,
    "distance to the backdrop": 4.3,
    "share of the person in the mix": 0.5,
    "backdrop nearby": 0.4,
    "brightness beyond backdrop and person": 3.5,
    "tint beyond backdrop and person": 2.1,
    "change since the frame before": 3.0,
    "person probability of late": 0.8,
    "share of foreground": 0.4,
    "distance of the mean to the backdrop": 4.3,
    "commonness in the person": -3.4,
    "frames": 1.1,
}
"""Medians of the leaks of four training calls, rounded; the others are 0."""


def wall(rng, pixels, noise_codes=8.0):
    """Likely colours of a plain wall, that codec and mask have shifted, before a dark backdrop."""
    n = len(pixels)
    return Likely(
        np.asarray(pixels, np.int64),
        np.full(n, -0.5, np.float32),
        (WALL + rng.normal(0, noise_codes, (n, 3))).astype(np.float32),
        np.tile([FIGURES_OF_A_LEAK.get(name, 0.0) for name in FIGURES], (n, 1)).astype(np.float16),
        np.full((n, 3), 40, np.float32),
    )


@pytest.fixture
def a_patch():
    y, x = np.mgrid[10 : 10 + SIDE, 20 : 20 + SIDE]
    return (y * WIDTH + x).reshape(-1)


@pytest.mark.skipif(not IS_COMPILED, reason="takes a large wall")
def test_noise_is_taken_from_a_wall_and_its_colour_is_kept(rng, a_patch):
    likely = wall(rng, a_patch)
    colors, log_odds = fuse(likely, (HEIGHT, WIDTH), Crew(1))
    assert (colors.std(axis=0) < likely.colors.std(axis=0) / 3).all()
    # A leak is mixed with the backdrop, which is dark here: the colour is moved away from it, but not far.
    assert np.abs(colors.mean(axis=0) - WALL).max() < 15
    assert np.isfinite(log_odds).all()
    assert colors.shape == likely.colors.shape


def test_what_was_judged_is_left_as_it_was(rng, a_patch):
    likely = wall(rng, a_patch)
    kept = [each.copy() for each in likely]
    fuse(likely, (HEIGHT, WIDTH), Crew(1))
    for mine, theirs in zip(likely, kept, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_many_that_agree_are_likelier_than_one_alone(rng, a_patch):
    likely = wall(rng, a_patch)
    _, of_many = fuse(likely, (HEIGHT, WIDTH), Crew(1))
    alone = Likely(*(each[N // 2 : N // 2 + 1] for each in likely))
    _, of_one = fuse(alone, (HEIGHT, WIDTH), Crew(1))
    assert of_many[N // 2] > of_one[0]


def test_any_number_of_threads_gives_the_same(rng, a_patch, monkeypatch):
    monkeypatch.setattr(fusion, "_AT_ONCE", 17)
    likely = wall(rng, a_patch)
    for mine, theirs in zip(*(fuse(likely, (HEIGHT, WIDTH), Crew(n)) for n in (1, 3)), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_where_nothing_is_likely_nothing_is_fused(rng):
    colors, log_odds = fuse(wall(rng, []), (HEIGHT, WIDTH), Crew(2))
    assert colors.shape == (0, 3)
    assert log_odds.shape == (0,)


def test_a_pass_sees_its_pixels_in_parts_as_it_sees_all_at_once(rng, a_patch):
    likely = wall(rng, a_patch)
    neighbourhood = Neighbourhood(likely, likely.colors + 1, likely.log_odds - 1, (HEIGHT, WIDTH))
    whole = neighbourhood.around(np.arange(N))
    part = neighbourhood.around(np.arange(N // 2, N // 2 + 20))
    for mine, theirs in zip(part, whole, strict=True):
        np.testing.assert_array_equal(mine, theirs[N // 2 : N // 2 + 20])
    assert whole.inputs().shape == (N, N_INPUTS)
    assert np.isfinite(whole.inputs()).all()
    own = len(MEANS)
    assert BASES[own:] == ("its own", "as it was judged", "backdrop")
    np.testing.assert_array_equal(whole.bases[:, own], likely.colors + 1)
    np.testing.assert_array_equal(whole.bases[:, own + 1], likely.colors)
    np.testing.assert_array_equal(whole.bases[:, own + 2], likely.backdrop)


def test_what_is_likely_no_more_is_left_as_it_is(rng, a_patch):
    likely = wall(rng, a_patch)
    likely.log_odds[::2] = fusion.LEAST_LOG_ODDS - 0.1
    colors, log_odds = fuse(likely, (HEIGHT, WIDTH), Crew(1))
    np.testing.assert_array_equal(colors[::2], likely.colors[::2])
    np.testing.assert_array_equal(log_odds[::2], likely.log_odds[::2])
    assert (colors[1::2] != likely.colors[1::2]).any(axis=1).all()


def test_passes_follow_one_another(rng, a_patch):
    likely = wall(rng, a_patch)
    first, *_ = shipped_passes()
    once, _ = fuse(likely, (HEIGHT, WIDTH), Crew(1), (first,))
    seen = Neighbourhood(likely, once, fuse(likely, (HEIGHT, WIDTH), Crew(1), (first,))[1], (HEIGHT, WIDTH))
    again, _ = first.mix(seen.around(np.arange(N)))
    np.testing.assert_allclose(fuse(likely, (HEIGHT, WIDTH), Crew(1), (first, first))[0], again, atol=1e-3)
