"""The backdrop's counts keep the guarantee that the module's docstring gives, alone and merged."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.reconstruction.leak import heavy_hitters as hh

COLORS = st.integers(0, 15)
STREAMS = st.lists(st.tuples(COLORS, st.integers(0, 16)), max_size=80)


def counted(stream):
    """Count (grey level in 16ths, weight) pairs at a single pixel."""
    heavy = hh.empty_heavy_colors(1, 1)
    for level, weight in stream:
        hh.count_colors(np.full((1, 1, 3), level * 16 + 7, np.uint8), np.full((1, 1), weight, np.uint8), heavy)
    return heavy


def held(heavy):
    return {
        int(cell) & 15: int(weight)
        for cell, weight in zip(heavy.cells[0, 0], heavy.weights[0, 0], strict=True)
        if weight
    }


def truth(*streams):
    counts = Counter()
    for level, weight in (pair for stream in streams for pair in stream):
        counts[level] += weight
    return counts


def assert_guarantee(heavy, counts):
    total = sum(counts.values())
    assert int(heavy.totals[0, 0]) == total
    kept = held(heavy)
    for level, count in counts.items():
        assert kept.get(level, 0) <= count
        assert kept.get(level, 0) >= count - total / (hh.N_SLOTS + 1)
    assert set(kept) <= set(counts)


@given(STREAMS)
@settings(deadline=None)
def test_a_weight_is_never_over_the_truth_and_under_it_by_no_more_than_the_bound(stream):
    assert_guarantee(counted(stream), truth(stream))


@given(STREAMS, STREAMS)
@settings(deadline=None)
def test_merged_counts_keep_the_bound_over_both_parts(first, second):
    heavy = counted(first)
    hh.add_heavy_colors(counted(second), heavy)
    assert_guarantee(heavy, truth(first, second))


def test_few_colors_are_counted_exactly_and_merging_adds_them_up(rng):
    streams = [[(int(level), 3) for level in rng.integers(0, hh.N_SLOTS, 50)] for _ in range(2)]
    heavy = counted(streams[0])
    hh.add_heavy_colors(counted(streams[1]), heavy)
    assert held(heavy) == {level: count for level, count in truth(*streams).items() if count}


def chosen(heavy):
    backdrop = np.zeros((1, 1, 3), np.float32)
    weight = np.zeros((1, 1), np.uint32)
    hh.choose_backdrop(heavy, 0, 1, backdrop, weight)
    return backdrop[0, 0], int(weight[0, 0])


def test_a_backdrop_that_the_codec_spreads_over_two_cells_beats_a_steadier_color(rng):
    heavy = hh.empty_heavy_colors(1, 1)
    one = np.full((1, 1), 1, np.uint8)
    for value in rng.integers(60, 68, 100):  # cells 3 and 4
        hh.count_colors(np.full((1, 1, 3), value, np.uint8), one, heavy)
    for _ in range(70):
        hh.count_colors(np.full((1, 1, 3), 200, np.uint8), one, heavy)
    color, weight = chosen(heavy)
    np.testing.assert_allclose(color, 63.5, atol=2)
    assert weight == 100


def test_without_weight_nothing_is_chosen():
    heavy = hh.empty_heavy_colors(1, 1)
    hh.count_colors(np.full((1, 1, 3), 9, np.uint8), np.zeros((1, 1), np.uint8), heavy)
    color, weight = chosen(heavy)
    assert weight == 0
    assert not color.any()


@pytest.mark.parametrize("shift", [0, 5])
def test_a_mean_follows_slow_light(shift):
    heavy = hh.empty_heavy_colors(1, 1)
    for t in range(400):
        value = 100 + (shift if t >= 200 else 0)
        hh.count_colors(np.full((1, 1, 3), value, np.uint8), np.full((1, 1), 16, np.uint8), heavy)
    color, _ = chosen(heavy)
    np.testing.assert_allclose(color, 100 + shift, atol=0.6)


def slow_choice(held, means):
    """Return (mean of the heaviest colour, its weight): colours no farther apart than `SAME_COLOR` are one."""

    def is_same(k, j):
        return held[k] > 0 and held[j] > 0 and np.abs(means[k] - means[j]).max() <= hh.SAME_COLOR

    totals = [sum(int(held[j]) for j in range(hh.N_SLOTS) if is_same(k, j)) for k in range(hh.N_SLOTS)]
    best = max(range(hh.N_SLOTS), key=lambda k: (totals[k], held[k], -k))
    same = [k for k in range(hh.N_SLOTS) if is_same(best, k)]
    return np.average(means[same], axis=0, weights=held[same]), totals[best]


def test_the_backdrop_chosen_equals_its_slow_twin(rng):
    height, width = 9, 20
    heavy = hh.empty_heavy_colors(height, width)
    heavy.weights[:] = rng.integers(0, 5, heavy.weights.shape) * rng.integers(0, 2, heavy.weights.shape)  # many ties
    heavy.means[:] = rng.integers(0, 50, heavy.means.shape)
    backdrop, weight = np.full((height, width, 3), -1, np.float32), np.zeros((height, width), np.uint32)
    hh.choose_backdrop(heavy, 0, height, backdrop, weight)
    for y, x in np.ndindex(height, width):
        held = heavy.weights[y, x]
        if not held.any():
            assert weight[y, x] == 0
            assert (backdrop[y, x] == -1).all()
            continue
        color, total = slow_choice(held, heavy.means[y, x])
        np.testing.assert_allclose(backdrop[y, x], color, rtol=1e-5)
        assert weight[y, x] == total
