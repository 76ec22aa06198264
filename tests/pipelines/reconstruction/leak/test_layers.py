"""Weights come back as they were saved, or with one line that says why not."""

import io

import numpy as np
import pytest

from pipelines.base import PipelineError
from pipelines.reconstruction.leak.layers import read_layers, save_layers

WEIGHTS = {"first": np.arange(6, dtype=np.float32).reshape(2, 3)}
BIASES = {"first": np.arange(3, dtype=np.float32)}


def test_layers_are_read_as_they_were_saved(tmp_path):
    path = tmp_path / "network.npz"
    save_layers(str(path), ("x", "y"), WEIGHTS, BIASES)
    weights, biases = read_layers(path, ("first",), ("x", "y"))
    np.testing.assert_array_equal(weights["first"], WEIGHTS["first"])
    np.testing.assert_array_equal(biases["first"], BIASES["first"])


def test_a_network_for_other_features_is_refused(tmp_path):
    path = tmp_path / "network.npz"
    save_layers(str(path), ("x", "y"), WEIGHTS, BIASES)
    with pytest.raises(PipelineError, match="2 other features than the 3"):
        read_layers(path, ("first",), ("a", "b", "c"))


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04 cut off"])
def test_a_damaged_file_gives_one_line_with_the_remedy(tmp_path, content):
    path = tmp_path / "network.npz"
    path.write_bytes(content)
    with pytest.raises(PipelineError, match="reinstall"):
        read_layers(path, ("first",), ("a",))


def test_a_file_with_parts_missing_gives_one_line_with_the_remedy(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, names=np.array(["a"]))
    (tmp_path / "network.npz").write_bytes(buffer.getvalue())
    with pytest.raises(PipelineError, match="reinstall"):
        read_layers(tmp_path / "network.npz", ("first",), ("a",))


def test_a_missing_file_gives_one_line_with_the_remedy(tmp_path):
    with pytest.raises(PipelineError, match="reinstall"):
        read_layers(tmp_path / "none.npz", ("first",), ("a",))
