"""Cells hold what their colours were encoded to, and a pixel finds the context where it lies."""

import cv2
import numpy as np
import pytest

from pipelines.reconstruction.leak import cells
from pipelines.reconstruction.leak.evidence import N_SLOTS

N_EMBEDDED = 5


def slow_cell(embedded, log_odds, colors):
    """Return what a cell holds of its colours."""
    weights = np.exp(np.clip(log_odds, -15, 15))
    total = weights.sum() + 1e-7
    mean = (weights[:, None] * np.hstack([embedded, colors])).sum(axis=0) / total
    return [*mean, np.clip(np.log(total), -12, 12) / 4, len(weights) / 4]


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 7), (1, 1)])
def test_cells_equal_their_slow_twin(rng, height, width):
    owners = np.flatnonzero(rng.random(height * width * N_SLOTS) < 0.3).astype(np.int32)
    n = len(owners)
    embedded = rng.random((n, N_EMBEDDED), np.float32)
    log_odds, colors = rng.normal(size=n).astype(np.float32), rng.random((n, 3), np.float32)
    backdrop = rng.uniform(0, 255, (height, width, 3)).astype(np.float32)
    known = rng.integers(0, 2, (height, width), np.uint8)
    out = np.ones((cells.n_channels(N_EMBEDDED), -(-height // 2), 8), np.float32)
    cells.gather_cells(owners, embedded, log_odds, colors, backdrop, known, 0, out)
    y, x = np.divmod(owners // N_SLOTS, width)
    for v in range(out.shape[1]):
        for u in range(-(-width // 2)):
            here = (y // 2 == v) & (x // 2 == u)
            seen = slow_cell(embedded[here], log_odds[here], colors[here])
            square = np.s_[2 * v : 2 * v + 2, 2 * u : 2 * u + 2]
            behind = [*(backdrop[square] / 128 - 1).mean(axis=(0, 1)), known[square].mean()]
            np.testing.assert_allclose(out[:, v, u], [*seen, *behind], atol=1e-4)


def test_rows_filled_one_by_one_equal_all_at_once(rng):
    height, width = 8, 6
    owners = np.flatnonzero(rng.random(height * width * N_SLOTS) < 0.5).astype(np.int32)
    parts = [rng.random((len(owners), k), np.float32) for k in (N_EMBEDDED, 3)]
    log_odds = rng.normal(size=len(owners)).astype(np.float32)
    backdrop, known = rng.random((height, width, 3), np.float32), np.ones((height, width), np.uint8)
    whole, piecewise = (np.zeros((cells.n_channels(N_EMBEDDED), 4, 4), np.float32) for _ in range(2))
    cells.gather_cells(owners, parts[0], log_odds, parts[1], backdrop, known, 0, whole)
    rows = owners // N_SLOTS // width
    for first in range(0, height, 2):
        i = (rows >= first) & (rows < first + 2)
        some = piecewise[:, first // 2 : first // 2 + 1]
        cells.gather_cells(owners[i], parts[0][i], log_odds[i], parts[1][i], backdrop, known, first, some)
    np.testing.assert_array_equal(whole, piecewise)


def test_the_context_of_a_pixel_is_what_enlarging_the_map_gives(rng):
    height, width = 10, 14
    context = rng.random((height // 2, width // 2, 3), np.float32)
    owners = np.arange(height * width, dtype=np.int32) * N_SLOTS
    around = np.empty((len(owners), 3), np.float32)
    cells.look_around(owners, context, width, around)
    enlarged = cv2.resize(context, (width, height), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(around.reshape(height, width, 3), enlarged, atol=1e-5)
