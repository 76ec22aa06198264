"""The methods that others are compared with: on frames whose answer is known, and against slow twins."""

import numpy as np
import pytest
from baselines import BackgroundBuster, PerfectFrame, TemporalMean, Vader, Zoomg, widened
from reference import ciede2000, colors_of_pixel, lab_of

from pipelines.base import Image
from pipelines.segmentation import Probability

HEIGHT, WIDTH = 48, 64
BACKDROP, ROOM, PERSON = (200, 80, 40), (60, 180, 90), (40, 40, 160)


class SeesFrom:
    """Takes a frame for person where its red stands out, and a stripe that it wrongly sees from one side only."""

    backend = "fake"

    def __init__(self, wrong: slice) -> None:
        self._wrong = wrong
        self._n = 0

    def probability(self, image: Image) -> Probability:
        found = (image[..., 2] > 120).astype(np.float32)
        if image.shape[1] == WIDTH and self._n % 3 == 0:  # of the frame itself, its mirror and its middle the first
            found[:, self._wrong] = 1
        self._n += 1
        return found

    def small_probability(self, image: Image) -> Probability:
        raise NotImplementedError


def call_frame(leaks: bool) -> Image:
    """A person at the left, the backdrop elsewhere and, if it leaks, a stripe of room at columns 30 to 45."""
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[:] = BACKDROP
    image[10:, 5:25] = PERSON
    if leaks:
        image[:, 30:46] = ROOM
    return image


def test_the_mean_is_the_mean_and_all_of_it_is_claimed(rng: np.random.Generator) -> None:
    frames = rng.integers(0, 256, (7, 5, 9, 3), dtype=np.uint8)
    method = TemporalMean(5, 9)
    for frame in frames:
        method.take(frame)
    room = method.room()
    np.testing.assert_array_equal(room[..., :3], np.round(frames.mean(axis=0)))
    assert (room[..., 3] == 255).all()


def test_zoomg_equals_its_slow_twin(rng: np.random.Generator) -> None:
    palette = rng.integers(0, 256, (5, 3)).astype(int)
    palette[1] = np.clip(palette[0] + [1, -1, 2], 0, 255)  # looks the same
    frames = palette[rng.integers(0, 5, (9, 17, 6))].astype(np.uint8)  # 17 rows: two bands
    method = Zoomg(17, 6, 1 << 20)
    for frame in frames:
        method.take(frame)
    room = method.room()
    for y, x in np.ndindex(17, 6):
        ranked = colors_of_pixel(list(frames), y, x).most_common()
        backdrop = lab_of(ranked[0][0])
        passing = [color for color, _ in reversed(ranked) if ciede2000(lab_of(color), backdrop) > 5.06]
        wanted = (*passing[0], 255) if passing else (*ranked[-1][0], 0)
        assert tuple(room[y, x].tolist()) == wanted


def test_background_buster_keeps_what_is_neither_backdrop_nor_border_nor_person() -> None:
    backdrop = np.full((HEIGHT, WIDTH, 3), BACKDROP, np.uint8)
    method = BackgroundBuster(HEIGHT, WIDTH, lambda t: backdrop, SeesFrom(slice(0, 0)))
    method.take(call_frame(leaks=True))
    method.take(call_frame(leaks=False))
    room = method.room()
    claimed = room[..., 3] == 255
    blend = BackgroundBuster.BLEND_PX
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[:, 30 + blend : 46 - blend] = True
    np.testing.assert_array_equal(claimed, expected)
    assert (room[claimed][:, :3] == ROOM).all()


def test_vader_keeps_what_only_the_clients_mask_takes_for_person() -> None:
    backdrop = np.full((HEIGHT, WIDTH, 3), BACKDROP, np.uint8)
    method = Vader(HEIGHT, WIDTH, lambda t: backdrop, SeesFrom(slice(28, 48)))
    for leaks in (True, True, False):
        method.take(call_frame(leaks))
    room = method.room()
    claimed = room[..., 3] == 255
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[:, 30:46] = True
    np.testing.assert_array_equal(claimed, expected)
    assert (np.abs(room[expected][:, :3].astype(int) - ROOM) <= Vader.BIN_CODES // 2).all()


def test_the_oracle_takes_each_pixel_from_its_best_frame(rng: np.random.Generator) -> None:
    frames = rng.integers(0, 256, (4, 6, 8, 3), dtype=np.uint8)
    when = rng.integers(-1, 4, (6, 8)).astype(np.int32)
    weights = np.where(when < 0, 0, rng.uniform(0, 1, when.shape)).astype(np.float32)
    method = PerfectFrame(when, weights)
    for frame in frames:
        method.take(frame)
    room = method.room()
    np.testing.assert_array_equal(room[..., 3] > 0, weights > 0.25)
    for y, x in zip(*np.nonzero(when >= 0), strict=True):
        np.testing.assert_array_equal(room[y, x, :3], frames[when[y, x], y, x])


@pytest.mark.parametrize("by_px", [0, 1, 4])
def test_a_mask_is_widened_by_a_disc(by_px: int) -> None:
    mask = np.zeros((21, 21), bool)
    mask[10, 10] = True
    grown = widened(mask, by_px)
    assert grown[10, 10 - by_px : 11 + by_px].all()
    assert grown.any(axis=0).sum() == 2 * by_px + 1
    assert by_px < 2 or not grown[10 - by_px, 10 - by_px]
