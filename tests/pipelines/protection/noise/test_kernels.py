"""The kernels against their slow twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import scattered

from pipelines.protection.noise.kernels import replace, scatter


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32), st.data())
def test_scattered_pixels_are_those_of_the_slow_twin(n_pixels: int, seed: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    first = data.draw(st.integers(0, n_pixels))
    n = data.draw(st.integers(0, n_pixels - first))
    extreme = data.draw(st.sampled_from([None, 0, 2**32 - 1]))
    words = rng.integers(0, 2**32, 2 * n, np.uint32) if extreme is None else np.full(2 * n, extreme, np.uint32)
    order = rng.permutation(n_pixels).astype(np.uint32)
    table, ground = (rng.integers(0, 256, shape, np.uint8) for shape in ((256, 256), (n_pixels, 3)))
    wanted_order, wanted = scattered(order.tolist(), first, words.tolist(), table, ground)
    out = ground.copy()
    scatter(order, first, words, table, ground, out)
    np.testing.assert_array_equal(out, wanted)
    np.testing.assert_array_equal(order, wanted_order)


@pytest.mark.parametrize("n", [0, 1, 17])
def test_replaced_pixels_are_looked_up_one_by_one(n: int, rng: np.random.Generator) -> None:
    table, ground, octets = (rng.integers(0, 256, shape, np.uint8) for shape in ((256, 256), n, n))
    out = np.zeros(n, np.uint8)
    replace(octets, table, ground, out)
    np.testing.assert_array_equal(out, [table[g, o] for g, o in zip(ground, octets, strict=True)])
