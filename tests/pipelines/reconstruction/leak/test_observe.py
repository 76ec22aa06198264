"""Kernels that count pixels equal numpy's own counts."""

import numpy as np

from pipelines.reconstruction.leak import observe as ob

SIZE = (13, 17)


def test_colors_of_the_core_are_counted_where_it_is(rng):
    image = rng.integers(0, 256, (*SIZE, 3), np.uint8)
    probability = rng.choice(np.array([0.5, ob.CORE_PROBABILITY, 1], np.float32), SIZE)
    depth = rng.choice(np.array([0, 2 * ob.CORE_DEPTH, 2.1 * ob.CORE_DEPTH], np.float32), SIZE)
    counts = np.ones((16, 16, 16))
    ob.count_core_colors(image, probability, depth, 2.0, counts)
    expected = np.ones((16, 16, 16))
    core = image[(depth > 2 * ob.CORE_DEPTH) & (probability > ob.CORE_PROBABILITY)] >> 4
    np.add.at(expected, tuple(core.T), 1)
    np.testing.assert_array_equal(counts, expected)


def test_pixels_far_from_any_person_are_counted(rng):
    away = rng.choice(np.array([0, 40, 40.5, 90], np.float32), SIZE)
    foreground = rng.integers(0, 2, SIZE, np.uint8)
    n, n_foreground = ob.count_steady(away, np.float32(40), foreground)
    assert n == np.count_nonzero(away > 40)
    assert n_foreground == np.count_nonzero(foreground[away > 40])
