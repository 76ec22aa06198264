"""Where the modulation is what."""

import numpy as np
import pytest
from compiled import sized

from pipelines.kaleido.patterns import DRAWN_SHARE, make_pattern

KINDS = ("region", "random", "smooth")
N_SLOTS = (2, 3, 4, 8)
SIZE = sized(240, 64)


def make(kind, height=SIZE, width=SIZE, n_slots=3, *, block_px=8, edge_px=0.0, seed=1):
    return make_pattern(kind, height, width, n_slots, block_px=block_px, edge_px=edge_px, seed=seed)


@pytest.mark.parametrize("kind", ["mixed", *KINDS])
@pytest.mark.parametrize("n_slots", N_SLOTS)
@pytest.mark.parametrize("size", [(1, 1), (7, 13), (64, 31)])
def test_planes_hold_what_the_contract_says(kind, n_slots, size):
    pattern = make(kind, *size, n_slots, edge_px=1.5)
    assert pattern.phase.shape == pattern.gain.shape == pattern.luma_sign.shape == size
    assert (pattern.phase.dtype, pattern.gain.dtype, pattern.luma_sign.dtype) == (np.uint8, np.uint8, np.int8)
    assert pattern.phase.max() < n_slots
    assert set(np.unique(pattern.luma_sign)) <= {-1, 1}
    assert all(plane.flags.c_contiguous for plane in (pattern.phase, pattern.gain, pattern.luma_sign))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_slots", N_SLOTS)
def test_every_phase_is_as_common_as_any_other(kind, n_slots):
    pattern = make(kind, n_slots=n_slots, block_px=2)
    shares = np.bincount(pattern.phase.ravel(), minlength=n_slots) / pattern.phase.size
    np.testing.assert_allclose(shares, 1 / n_slots, atol=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_slots", N_SLOTS)
def test_the_light_of_an_area_is_nearly_even_at_every_moment(kind, n_slots):
    pattern = make(kind, n_slots=n_slots, block_px=2)
    luma = np.array([1 - 2 * (k % 2) for k in range(n_slots - n_slots % 2)] + [0] * (n_slots % 2))
    for period in range(n_slots):
        pollution = luma[(pattern.phase + period) % n_slots] * pattern.luma_sign
        assert abs(pollution.mean()) < 0.05


@pytest.mark.parametrize("n_slots", N_SLOTS)
def test_a_mixture_keeps_half_of_the_displacement_where_it_is_blurred(n_slots):
    pattern = make("mixed", n_slots=n_slots, block_px=2)
    # Displacements that go once around: what is left of their mean is the share of the blocks that are in step.
    turned = np.exp(2j * np.pi * pattern.phase / n_slots)
    assert abs(turned.mean()) == pytest.approx(1 - DRAWN_SHARE, abs=0.05)
    blocks = pattern.phase.reshape(SIZE // 2, 2, SIZE // 2, 2).transpose(0, 2, 1, 3).reshape(-1, 4)
    assert (np.ptp(blocks, axis=1) == 0).all()


def test_the_luminance_of_every_block_of_a_mixture_is_even():
    signs = make("mixed", block_px=2).luma_sign.astype(int)
    assert (signs.reshape(SIZE // 2, 2, SIZE // 2, 2).sum(axis=(1, 3)) == 0).all()


def test_blocks_that_share_a_side_differ_in_phase():
    phase = make("region", 40, 56, block_px=8).phase
    blocks = phase.reshape(5, 8, 7, 8).transpose(0, 2, 1, 3).reshape(5, 7, 64)
    assert (blocks == blocks[..., :1]).all()
    assert (np.diff(blocks[..., 0].astype(int), axis=0) != 0).all()
    assert (np.diff(blocks[..., 0].astype(int), axis=1) != 0).all()


@pytest.mark.parametrize("n_slots", N_SLOTS)
def test_the_phases_of_blocks_rise_as_often_as_they_fall(n_slots):
    phase = make("region", 1, 4 * n_slots + 1, n_slots, block_px=1).phase[0].astype(int)
    steps = np.diff(phase) % n_slots
    assert np.count_nonzero(steps == 1) >= 2 * n_slots
    assert np.count_nonzero(steps == n_slots - 1) >= 2 * n_slots


def test_patches_are_about_as_large_as_blocks():
    def changes(block_px):
        return np.mean(np.diff(make("smooth", block_px=block_px).phase.astype(int), axis=1) != 0)

    assert changes(16) < 0.6 * changes(8) < 0.4 * changes(4)
    assert changes(8) < 0.25 < np.mean(np.diff(make("random").phase.astype(int), axis=1) != 0)


@pytest.mark.parametrize("kind", ["random", "smooth"])
def test_a_seed_makes_the_same_pattern_again_and_none_another(kind):
    one, again, other = make(kind, seed=7), make(kind, seed=7), make(kind, seed=8)
    np.testing.assert_array_equal(one.phase, again.phase)
    np.testing.assert_array_equal(one.luma_sign, again.luma_sign)
    assert (one.phase != other.phase).any()
    assert (make(kind, seed=0).phase != make(kind, seed=0).phase).any()


def test_gain_rises_from_the_edge_of_a_block():
    hard, soft = make("region", 16, 16, edge_px=0).gain, make("region", 16, 16, edge_px=2).gain
    assert (hard == 255).all()
    # To the neighbour's first pixel 1, 2, 3 .. pixels; the edge lies half a pixel before.
    assert soft[3, :8].tolist() == [255, 255, 255, 255, 255, 255, 191, 64]
    assert (make("random", edge_px=2).gain == 255).all()


def test_a_pattern_of_one_phase_has_no_edges():
    assert (make("region", 8, 8, block_px=64, edge_px=4).gain == 255).all()
