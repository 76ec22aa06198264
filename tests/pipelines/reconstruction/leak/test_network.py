"""The network's layers equal their slow twins, and a file of another network is refused."""

import numpy as np
import pytest

from pipelines.reconstruction.leak.candidates import shipped_networks
from pipelines.reconstruction.leak.claims import FEATURES
from pipelines.reconstruction.leak.network import MULTIPLE, convolve, read_network


def slow_convolve(values, weight, bias, stride):
    inputs, height, width = values.shape
    padded = np.zeros((inputs, height + 2, width + 2))
    padded[:, 1:-1, 1:-1] = values
    out = np.empty((len(bias), height // stride, width // stride))
    for y in range(out.shape[1]):
        for x in range(out.shape[2]):
            window = padded[:, y * stride : y * stride + 3, x * stride : x * stride + 3]
            out[:, y, x] = bias + np.tensordot(weight, window, 3)
    return out


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_equals_its_slow_twin(rng, stride):
    values = rng.normal(size=(3, 6, 8)).astype(np.float32)
    weight, bias = rng.normal(size=(4, 3, 3, 3)).astype(np.float32), rng.normal(size=4).astype(np.float32)
    out = convolve(values, weight, bias, stride)
    np.testing.assert_allclose(out, slow_convolve(values, weight, bias, stride), atol=1e-4)


def test_a_color_is_encoded_alike_alone_and_among_others(rng):
    network = shipped_networks()[0]
    rows = rng.normal(size=(50, len(FEATURES))).astype(np.float32)
    embedded, log_odds = network.encode(rows)
    alone = [network.encode(rows[i : i + 1]) for i in range(50)]
    np.testing.assert_allclose(embedded, np.concatenate([e for e, _ in alone]), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(log_odds, np.concatenate([o for _, o in alone]), rtol=1e-4, atol=1e-4)


def slow_judge(network, embedded, around):
    hidden = np.concatenate([embedded, around]) @ network.weights["head_1"] + network.biases["head_1"]
    out = np.maximum(hidden, 0) @ network.weights["head_2"] + network.biases["head_2"]
    return out[0], out[1:] * 32


def test_the_head_equals_its_slow_twin(rng):
    network = shipped_networks()[0]
    embedded = rng.normal(size=(9, network.n_embedded)).astype(np.float32)
    around = rng.normal(size=(9, network.n_context)).astype(np.float32)
    log_odds, shifts = network.judge(embedded, around)
    for i in range(9):
        slow_odds, slow_shift = slow_judge(network, embedded[i], around[i])
        assert log_odds[i] == pytest.approx(slow_odds, abs=1e-3)
        np.testing.assert_allclose(shifts[i], slow_shift, atol=1e-2)


def test_the_context_of_a_cell_depends_on_what_is_near_and_hardly_on_what_is_far(rng):
    network = shipped_networks()[0]
    channels = network.weights["down_1"].shape[1]
    cells = rng.normal(size=(channels, 8 * MULTIPLE, 16 * MULTIPLE)).astype(np.float32)
    before = network.context(cells)
    cells[:, 4, 4] += 1
    change = np.abs(network.context(cells) - before).max(axis=-1)
    assert before.shape == (8 * MULTIPLE, 16 * MULTIPLE, network.n_context)
    assert change[:8, :8].max() > 10 * change[:, 64:].max()


def test_a_network_is_read_as_it_was_saved(rng, tmp_path):
    path = tmp_path / "network.npz"
    shipped_networks()[0].save(str(path))
    read = read_network(FEATURES, path)
    rows = rng.normal(size=(5, len(FEATURES))).astype(np.float32)
    np.testing.assert_array_equal(read.encode(rows)[0], shipped_networks()[0].encode(rows)[0])
