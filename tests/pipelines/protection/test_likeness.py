"""What looks alike: the kernel's short cuts against CIEDE2000 as it is written."""

import numpy as np
import pytest
from reference import ciede2000, lab_of

from pipelines.color import delta_e_2000, lab_from_bgr
from pipelines.protection.likeness import mark_alike, mark_near

LIMITS = (1.0, 4.0, 10.0)


def near_and_far(rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures whose pixels differ by nothing, a little, or anything; greys, black and white among them."""
    one = rng.integers(0, 256, (height, width, 3))
    one[: height // 3] = one[: height // 3, :, :1]
    one[0, :4] = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [1, 1, 1]]
    spread = rng.choice([0, 3, 12, 255], (height, width, 1))
    other = np.clip(one + rng.integers(-1, 2, one.shape) * rng.integers(0, 256, one.shape) % (spread + 1), 0, 255)
    return one.astype(np.uint8), other.astype(np.uint8)


@pytest.mark.parametrize("limit", LIMITS)
def test_pixels_are_alike_where_the_whole_formula_says_so(limit: float, rng: np.random.Generator) -> None:
    one, other = near_and_far(rng, 150, 170)
    marked = np.zeros(one.shape[:2], bool)
    n_alike = mark_alike(one, other, np.ones_like(marked), limit, 1, False, marked)
    expected = delta_e_2000(lab_from_bgr(one), lab_from_bgr(other)) < limit
    np.testing.assert_array_equal(marked, expected)
    assert n_alike == expected.sum()
    assert 0.1 < expected.mean() < 0.9


@pytest.mark.parametrize("limit", LIMITS)
def test_pixels_are_alike_where_the_slow_twin_says_so(limit: float, rng: np.random.Generator) -> None:
    one, other = near_and_far(rng, 13, 17)
    marked = np.zeros(one.shape[:2], bool)
    mark_alike(one, other, np.ones_like(marked), limit, 1, False, marked)
    for y, x in np.ndindex(*marked.shape):
        colors = [lab_of(tuple(int(c) for c in picture[y, x])) for picture in (one, other)]
        assert marked[y, x] == (ciede2000(*colors) < limit), (one[y, x], other[y, x])


def test_only_the_pixels_asked_for_are_looked_at_and_older_marks_stay(rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (9, 11, 3), np.uint8)
    where = rng.random((9, 11)) < 0.5
    marked = np.zeros((9, 11), bool)
    marked[0, 0], where[0, 0] = True, False
    assert mark_alike(picture, picture.copy(), where, 4.0, 1, False, marked) == where.sum()
    where[0, 0] = True
    np.testing.assert_array_equal(marked, where)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_every_so_many_rows_and_columns_are_compared_with_the_mirrored_picture_too(
    step: int, rng: np.random.Generator
) -> None:
    one, other = near_and_far(rng, 31, 44)
    where = rng.random(one[::step, ::step].shape[:2]) < 0.8
    for is_mirrored in (False, True):
        second = np.ascontiguousarray(other[:, ::-1]) if is_mirrored else other
        expected = (delta_e_2000(lab_from_bgr(one), lab_from_bgr(second)) < 10)[::step, ::step] & where
        marked = np.zeros_like(where)
        assert mark_alike(one, other, where, 10.0, step, is_mirrored, marked) == expected.sum()
        np.testing.assert_array_equal(marked, expected)


def test_a_limit_of_nothing_leaves_equal_codes_only(rng: np.random.Generator) -> None:
    one, other = near_and_far(rng, 60, 70)
    marked = np.zeros(one.shape[:2], bool)
    mark_alike(one, other, np.ones_like(marked), 0.0, 1, False, marked)
    np.testing.assert_array_equal(marked, (one == other).all(axis=2))


@pytest.mark.parametrize("step", [1, 3])
def test_pixels_are_near_where_no_channel_is_further_off(step: int, rng: np.random.Generator) -> None:
    one, other = near_and_far(rng, 31, 44)
    where = rng.random(one.shape[:2]) < 0.8
    expected = (where & (np.abs(one.astype(int) - other).max(axis=2) <= 6))[::step, ::step]
    near = np.full(expected.shape, 7, np.uint8)
    mark_near(one, other, where, 6, step, near)
    np.testing.assert_array_equal(near, expected)
