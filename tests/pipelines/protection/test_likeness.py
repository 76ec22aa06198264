"""What looks alike: the kernel's short cuts against CIEDE2000 as it is written."""

import numpy as np
import pytest
from reference import ciede2000, lab_of

from pipelines.color import delta_e_2000, lab_from_bgr
from pipelines.protection.likeness import mark_alike

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
    n_alike = mark_alike(one, other, np.ones_like(marked), limit, marked)
    expected = delta_e_2000(lab_from_bgr(one), lab_from_bgr(other)) < limit
    np.testing.assert_array_equal(marked, expected)
    assert n_alike == expected.sum()
    assert 0.1 < expected.mean() < 0.9


@pytest.mark.parametrize("limit", LIMITS)
def test_pixels_are_alike_where_the_slow_twin_says_so(limit: float, rng: np.random.Generator) -> None:
    one, other = near_and_far(rng, 13, 17)
    marked = np.zeros(one.shape[:2], bool)
    mark_alike(one, other, np.ones_like(marked), limit, marked)
    for y, x in np.ndindex(*marked.shape):
        colors = [lab_of(tuple(int(c) for c in picture[y, x])) for picture in (one, other)]
        assert marked[y, x] == (ciede2000(*colors) < limit), (one[y, x], other[y, x])


def test_only_the_pixels_asked_for_are_looked_at_and_older_marks_stay(rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (9, 11, 3), np.uint8)
    where = rng.random((9, 11)) < 0.5
    marked = np.zeros((9, 11), bool)
    marked[0, 0], where[0, 0] = True, False
    assert mark_alike(picture, picture.copy(), where, 4.0, marked) == where.sum()
    where[0, 0] = True
    np.testing.assert_array_equal(marked, where)
