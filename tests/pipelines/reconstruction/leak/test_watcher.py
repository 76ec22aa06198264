"""What a watcher observes of a person who walks, and which frames are no evidence."""

from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.reconstruction.leak import evidence as ev
from pipelines.reconstruction.leak import watcher as wt
from pipelines.reconstruction.leak.likeness import OBSERVED

SIZE = (48, 96)
CHANGE, OF_LATE = OBSERVED.index("change since the frame before"), OBSERVED.index("person probability of late")
MOVEMENT, COMING = OBSERVED.index("movement of the person around"), OBSERVED.index("person coming")


class Walker:
    """Stands in for the person model: sure of a column of pixels that moves to the right."""

    def __init__(self, left):
        self.left = left

    def small_probability(self, frame):
        probability = np.zeros(SIZE, np.float32)
        probability[:, max(self.left, 0) : max(self.left + 24, 0)] = 1
        return probability

    def image(self, rng):
        image = np.full((*SIZE, 3), 60, np.uint8)
        image[:, self.left : self.left + 24] = rng.integers(150, 256, (SIZE[0], 24, 3), np.uint8)
        image[:, max(self.left - 4, 0) : max(self.left, 0)] = (30, 160, 90)  # what the person has just left shows
        return image


@pytest.fixture
def walk(rng):
    """Count a call in which the backdrop shows for a while; yield what each frame of the walk showed."""
    walker = Walker(-24)
    watcher = wt.LeakWatcher(*SIZE, SIZE[0], walker)
    for _ in range(6):
        watcher.count(np.full((*SIZE, 3), 60, np.uint8))

    def frames(lefts):
        for walker.left in lefts:
            image = walker.image(rng)
            yield walker.small_probability(image), image, watcher.count(image)

    return frames


def test_the_change_and_the_person_of_late_are_those_of_the_frames_before(walk):
    of_late, before = np.zeros(SIZE), np.full((*SIZE, 3), 60, np.uint8)
    for probability, image, seen in walk([10, 14, 18, 18]):
        change = np.abs(image.astype(int) - before).max(axis=2)
        assert seen.positions.size > 0
        np.testing.assert_array_equal(seen.observed[:, CHANGE], change.reshape(-1)[seen.positions])
        np.testing.assert_allclose(seen.observed[:, OF_LATE], of_late.reshape(-1)[seen.positions], atol=1e-6)
        of_late += wt.OF_LATE * (probability - of_late)
        before = image


def test_the_side_where_the_person_comes_is_told_from_the_side_that_they_leave(walk):
    seen = [seen for _, _, seen in walk([20] * 30 + [24, 28])][-1]
    x = seen.positions % SIZE[1]
    coming = seen.observed[:, COMING]
    assert coming[x >= 48].min() > 0.1
    assert coming[x < 28].min() < -0.1
    assert coming[x < 44].max() < 0.01
    assert seen.observed[:, MOVEMENT].max() > 0.1
    assert seen.observed[:, MOVEMENT].min() >= 0


def test_nobody_moves_while_the_person_stands_still(walk):
    seen = [seen for _, _, seen in walk([20] * 40)][-1]
    np.testing.assert_allclose(seen.observed[:, MOVEMENT], 0, atol=1e-6)
    np.testing.assert_allclose(seen.observed[:, COMING], 0, atol=1e-4)


def test_what_moved_before_a_part_was_added_is_not_taken_for_movement_after_it(rng):
    walker = Walker(60)
    watcher = wt.LeakWatcher(*SIZE, SIZE[0], walker)
    for _ in range(6):
        watcher.count(np.full((*SIZE, 3), 60, np.uint8))
    later = wt.LeakWatcher(*SIZE, SIZE[0], walker)
    later.count(walker.image(rng))
    walker.left = 20
    watcher.add(later)
    seen = watcher.count(walker.image(rng))
    assert seen.positions.size > 0
    np.testing.assert_allclose(seen.observed[:, OF_LATE], seen.probability.reshape(-1)[seen.positions], atol=1e-6)
    np.testing.assert_allclose(seen.observed[:, MOVEMENT], 0, atol=1e-6)
    np.testing.assert_allclose(seen.observed[:, COMING], 0, atol=1e-6)


def test_nobody_comes_or_goes_in_the_first_frame(rng):
    walker = Walker(20)
    watcher = wt.LeakWatcher(*SIZE, SIZE[0], walker)
    watcher.count(walker.image(rng))
    np.testing.assert_array_equal(watcher.moment.coming, 0)


@pytest.mark.parametrize("keeps_light", [True, False])
def test_a_frame_of_noise_in_the_backdrop_is_no_evidence(rng, keeps_light):
    walker = Walker(20)
    watcher = wt.LeakWatcher(*SIZE, SIZE[0], walker)
    for _ in range(6):
        watcher.count(np.full((*SIZE, 3), 60, np.uint8))
    watcher.count(walker.image(rng))
    colors, n_frames = watcher.evidence.colors.copy(), watcher.evidence.sums[..., ev.FRAMES].copy()
    assert n_frames.any()
    low, high = (20, 110) if keeps_light else (0, 256)
    seen = watcher.count(rng.integers(low, high, (*SIZE, 3), np.uint8))
    np.testing.assert_array_equal(watcher.evidence.colors, colors)
    np.testing.assert_array_equal(watcher.evidence.sums[..., ev.FRAMES], n_frames)
    assert seen.foreground.mean() > 0.5, "whether a backdrop moves is told from every frame"
    assert (watcher.n_left_out, watcher.n_frames) == (1, 8)
    whole = wt.LeakWatcher(*SIZE, SIZE[0], walker)
    whole.add(watcher)
    assert whole.n_left_out == 1
    watcher.clear()
    assert watcher.n_left_out == 0


@pytest.mark.parametrize("left", [20, 70])
def test_a_person_is_evidence_however_large(rng, left):
    mask = np.zeros(SIZE, np.float32)
    mask[:, left:] = 1
    walker = SimpleNamespace(small_probability=lambda _: mask)
    watcher = wt.LeakWatcher(*SIZE, SIZE[0], walker)
    for _ in range(6):
        watcher.count(np.full((*SIZE, 3), 60, np.uint8))
    image = np.full((*SIZE, 3), 60, np.uint8)
    image[:, left - 4 :] = rng.integers(150, 256, (SIZE[0], SIZE[1] - left + 4, 3), np.uint8)
    watcher.count(image)
    assert watcher.n_left_out == 0
    assert watcher.evidence.sums.any()
