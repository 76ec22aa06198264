"""A pass mixes colours by shares, luma and tint apart."""

import numpy as np
import pytest

from pipelines.base import PipelineError
from pipelines.reconstruction.leak.fusion_pass import (
    BASES,
    FIGURES,
    LAYERS,
    LUMA,
    N_INPUTS,
    N_OUTPUTS,
    N_PASSES,
    Around,
    FusionPass,
    read_passes,
    save_passes,
    shipped_passes,
)
from pipelines.reconstruction.leak.neighbours import MEANS


def around(rng, n=50):
    return Around(
        rng.uniform(0, 255, (n, len(BASES), 3)).astype(np.float32),
        rng.normal(0, 30, (n, len(MEANS))).astype(np.float32),
        *rng.normal(0, 3, (2, n)).astype(np.float32),
        rng.normal(0, 30, (n, len(FIGURES))).astype(np.float16),
    )


def fixed_pass(out):
    """Say the same of every pixel."""
    sizes = ((N_INPUTS, 4), (4, 4), (4, N_OUTPUTS))
    weights = {name: np.zeros(size, np.float32) for name, size in zip(LAYERS, sizes, strict=True)}
    biases = {name: np.zeros(size[1], np.float32) for name, size in zip(LAYERS, sizes, strict=True)}
    biases[LAYERS[-1]][:] = out
    return FusionPass(weights, biases)


def test_luma_of_one_base_and_tint_of_another_are_put_together(rng):
    out = np.full(N_OUTPUTS, -50.0)
    out[[2, len(BASES) + 5]] = 50
    out[2 * len(BASES) :] = 0
    seen = around(rng)
    seen = seen._replace(bases=seen.bases * 0.2 + 100)  # no colour that is out of range when put together
    colors, log_odds = fixed_pass(out).mix(seen)
    luma, other = seen.bases[:, 2] @ LUMA, seen.bases[:, 5]
    np.testing.assert_allclose(colors, luma[:, None] + other - (other @ LUMA)[:, None], atol=1e-3)
    np.testing.assert_array_equal(log_odds, seen.log_odds)


def test_mixtures_are_colours_and_what_is_put_in_is_bounded(rng):
    seen = around(rng, 400)
    assert np.abs(seen.inputs()).max() <= 8
    for each in shipped_passes():
        colors, log_odds = each.mix(seen)
        assert colors.min() >= 0
        assert colors.max() <= 255
        assert np.isfinite(log_odds).all()


def test_no_colour_as_such_goes_in(rng):
    seen = around(rng)
    np.testing.assert_allclose(seen._replace(bases=seen.bases + 20).inputs(), seen.inputs(), atol=1e-4)


def test_passes_are_read_as_they_were_saved(rng, tmp_path):
    path = tmp_path / "fusion.npz"
    save_passes(str(path), shipped_passes())
    seen = around(rng)
    read = read_passes(path)
    assert len(read) == N_PASSES
    for mine, theirs in zip(read, shipped_passes(), strict=True):
        np.testing.assert_array_equal(mine.mix(seen)[0], theirs.mix(seen)[0])


def test_a_file_with_a_pass_missing_gives_one_line_with_the_remedy(tmp_path):
    path = tmp_path / "fusion.npz"
    save_passes(str(path), shipped_passes()[:-1])
    with pytest.raises(PipelineError, match="reinstall"):
        read_passes(path)
