"""The trees are followed as they were grown, and a file of others is refused."""

import io

import numpy as np
import pytest

from pipelines.base import PipelineError
from pipelines.reconstruction.leak.candidates import shipped_trees
from pipelines.reconstruction.leak.claims import FEATURES
from pipelines.reconstruction.leak.trees import CASES_AT_ONCE, MOST_LEAVES, Trees, follow_trees, read_trees


def stump(feature, threshold, left, right):
    """Return the nodes of a tree with a single question."""
    return [(feature, threshold, 1, 2, 0.0), (-1, 0, 0, 0, left), (-1, 0, 0, 0, right)]


@pytest.fixture
def trees():
    nodes, roots = [], []
    for tree in (stump(0, 1.5, -1.0, 2.0), stump(1, 0.0, 0.25, -0.25)):
        base = len(nodes)
        roots.append(base)
        nodes += [(f, t, left + base, right + base, v) for f, t, left, right, v in tree]
    features, thresholds, lefts, rights, values = (np.array(column) for column in zip(*nodes, strict=True))
    return Trees(
        ("a", "b"),
        np.array(roots, np.int32),
        features.astype(np.int16),
        thresholds.astype(np.float32),
        lefts.astype(np.int32),
        rights.astype(np.int32),
        values.astype(np.float32),
        0.5,
    )


def test_leaves_reached_in_all_trees_add_up(trees):
    rows = np.array([[1.5, 0.0], [1.6, 0.0], [0.0, 1.0], [9.0, 1.0]], np.float32)
    np.testing.assert_allclose(trees.log_odds(rows), [-0.25, 2.75, -0.75, 2.25])


def slow_log_odds(trees, row):
    total = trees.baseline
    for root in trees.roots:
        node = root
        while trees.features[node] >= 0:
            goes_left = row[trees.features[node]] <= trees.thresholds[node]
            node = trees.lefts[node] if goes_left else trees.rights[node]
        total += trees.values[node]
    return total


def test_the_shipped_trees_equal_their_slow_twin(rng):
    trees = shipped_trees()
    rows = rng.normal(0, 30, (50, len(FEATURES))).astype(np.float32)
    np.testing.assert_allclose(trees.log_odds(rows), [slow_log_odds(trees, row) for row in rows], atol=1e-4)


def grown(rng, n_leaves, n_trees=7):
    """Return trees of so many leaves each, split at random, on two features."""
    nodes = []

    def grow(n):
        place = len(nodes)
        nodes.append(None)
        if n == 1:
            nodes[place] = (-1, 0.0, 0, 0, rng.normal())
        else:
            n_left = int(rng.integers(1, n))
            left, right = grow(n_left), grow(n - n_left)
            nodes[place] = (int(rng.integers(2)), float(rng.integers(0, 9)), left, right, 0.0)
        return place

    roots = [grow(n_leaves) for _ in range(n_trees)]
    features, thresholds, lefts, rights, values = (np.array(column) for column in zip(*nodes, strict=True))
    return Trees(
        ("a", "b"),
        np.array(roots, np.int32),
        features.astype(np.int16),
        thresholds.astype(np.float32),
        lefts.astype(np.int32),
        rights.astype(np.int32),
        values.astype(np.float32),
        -1.5,
    )


def followed(trees, rows):
    out = np.empty(len(rows), np.float32)
    parts = (trees.roots, trees.features, trees.thresholds, trees.lefts, trees.rights, trees.values)
    follow_trees(rows, *parts, trees.baseline, out)
    return out


@pytest.mark.parametrize("n_leaves", [1, 2, 3, 31, MOST_LEAVES, MOST_LEAVES + 1, 80])
@pytest.mark.parametrize("n_rows", [0, 1, CASES_AT_ONCE, CASES_AT_ONCE + 3])
def test_asking_every_question_gives_what_going_down_gives_to_the_bit(rng, n_leaves, n_rows):
    trees = grown(rng, n_leaves)
    assert (trees._questions is None) == (n_leaves > MOST_LEAVES)
    rows = rng.integers(-1, 10, (n_rows, 2)).astype(np.float32)  # thresholds are met exactly, too
    np.testing.assert_array_equal(trees.log_odds(rows), followed(trees, rows))


def test_what_is_no_number_goes_right_either_way(rng):
    trees = grown(rng, 20)
    rows = np.array([[np.nan, 3.0], [np.inf, np.nan], [-np.inf, -0.0]], np.float32)
    np.testing.assert_array_equal(trees.log_odds(rows), followed(trees, rows))


def test_the_shipped_trees_are_small_enough_to_be_asked():
    assert shipped_trees()._questions is not None


def test_trees_are_read_as_they_were_saved(trees, tmp_path):
    path = tmp_path / "trees.npz"
    trees.save(str(path))
    read = read_trees(("a", "b"), path)
    rows = np.array([[1.0, 2.0]], np.float32)
    np.testing.assert_array_equal(read.log_odds(rows), trees.log_odds(rows))


def test_trees_of_other_features_are_refused(trees, tmp_path):
    path = tmp_path / "trees.npz"
    trees.save(str(path))
    with pytest.raises(PipelineError, match="2 other features than the 3"):
        read_trees(("a", "b", "c"), path)


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04 cut off"])
def test_a_damaged_file_gives_one_line_with_the_remedy(tmp_path, content):
    path = tmp_path / "trees.npz"
    path.write_bytes(content)
    with pytest.raises(PipelineError, match="reinstall"):
        read_trees(("a",), path)


def test_a_file_with_parts_missing_gives_one_line_with_the_remedy(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, names=np.array(["a"]), baseline=np.float64(0))
    (tmp_path / "trees.npz").write_bytes(buffer.getvalue())
    with pytest.raises(PipelineError, match="reinstall"):
        read_trees(("a",), tmp_path / "trees.npz")


def test_a_missing_file_gives_one_line_with_the_remedy(tmp_path):
    with pytest.raises(PipelineError, match="reinstall"):
        read_trees(("a",), tmp_path / "none.npz")
