"""Parts that threads share: all are done, errors come back, and the counts do not depend on the number of threads."""

import threading
import time

import numpy as np
import pytest
from compiled import sized
from drawn_person import drawn_matte, drawn_person

from pipelines.crew import Crew, bands
from pipelines.reconstruction.leak.candidates import Candidates
from pipelines.reconstruction.leak.steadiness import FIRST_FRAMES
from pipelines.reconstruction.leak.watcher import BAND_ROWS, LeakWatcher

HEIGHT, WIDTH = sized((5 * BAND_ROWS + 11, 121), (BAND_ROWS + 5, 31))
N_FRAMES = sized(FIRST_FRAMES + 30, 12)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("n_parts", [0, 1, 2, 50])
def test_every_part_is_done_once_and_results_come_in_order(n_threads, n_parts):
    done = []
    parts = [lambda i=i: (done.append(i), 10 * i)[1] for i in range(n_parts)]
    assert Crew(n_threads).run(parts) == [10 * i for i in range(n_parts)]
    assert sorted(done) == list(range(n_parts))


def test_two_parts_truly_run_at_once():
    barrier = threading.Barrier(2, timeout=10)
    assert len(set(Crew(2).run([lambda: (barrier.wait(), threading.get_ident())[1]] * 2))) == 2


def test_a_part_may_share_parts_of_its_own():
    crew = Crew(2)
    assert crew.run([lambda: sum(crew.run([lambda i=i: i for i in range(5)]))] * 20) == [10] * 20


@pytest.mark.parametrize("number", [0, 1, 7])
def test_an_error_in_any_part_comes_back_and_the_crew_goes_on(number):
    crew = Crew(2)

    def part(i):
        if i == number:
            raise IndexError("of the part")
        return i

    with pytest.raises(IndexError, match="of the part"):
        crew.run([lambda i=i: part(i) for i in range(8)])
    assert crew.run([lambda: 1] * 4) == [1] * 4


def _refuse():
    raise IndexError("of the part")


def test_a_resting_crew_of_one_does_parts_in_order_in_the_callers_thread_and_hands_on_their_errors():
    crew = Crew(1, rest=1.0)
    assert crew.run([lambda i=i: (i, threading.get_ident()) for i in range(4)]) == [
        (i, threading.get_ident()) for i in range(4)
    ]
    done = []
    with pytest.raises(IndexError, match="of the part"):
        crew.run([lambda: done.append(1), _refuse, lambda: done.append(2)])
    assert done == [1]


@pytest.mark.parametrize("rest", [0.5, 2.0])
def test_a_crew_rests_after_each_part_as_long_as_was_said(monkeypatch, rest):
    rests = []
    monkeypatch.setattr("pipelines.crew.time.sleep", rests.append)
    begin_s = time.thread_time()
    Crew(1, rest=rest).run([lambda: sum(range(200_000))] * 3)
    used_s = time.thread_time() - begin_s
    assert len(rests) == 3
    assert min(rests) > 0
    assert 0.8 * rest * used_s < sum(rests) <= rest * used_s


class DrawnSegmenter:
    """Knows where the drawn person is."""

    backend = "drawn"

    def __init__(self, masks):
        self._masks = iter(masks)

    def small_probability(self, image):
        return next(self._masks)


def scene(rng):
    """A noisy person, a wall that a late mask lets through at one side, a still backdrop."""
    backdrop = rng.integers(40, 90, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    frames, masks = [], []
    for t in range(N_FRAMES):
        x = int(WIDTH / 6 * np.sin(t / 4))
        matte, wide = drawn_matte(HEIGHT, WIDTH, x), drawn_matte(HEIGHT, WIDTH, x - 6) | drawn_matte(HEIGHT, WIDTH, x)
        camera = np.clip(drawn_person(HEIGHT, WIDTH, x_px=x) + rng.normal(0, 4, (HEIGHT, WIDTH, 3)), 0, 255)
        frames.append(np.where(wide[..., None] > 0, camera.astype(np.uint8), backdrop))
        masks.append(matte.astype(np.float32) / 255)
    return frames, masks


def watched(frames, masks, n_threads):
    watcher = LeakWatcher(HEIGHT, WIDTH, HEIGHT, DrawnSegmenter(masks), Crew(n_threads))
    candidates = Candidates(watcher)
    listed = []
    for frame in frames:
        seen = watcher.count(frame)
        listed.append((seen.positions.copy(), seen.observed.copy()))
        candidates.refresh_some()
    candidates.refresh()
    return watcher, candidates, listed


def test_any_number_of_threads_gives_the_same_counts_and_the_same_room(rng):
    frames, masks = scene(rng)
    one, its_candidates, its_list = watched(frames, masks, 1)
    assert one.evidence.sums.any()
    assert its_candidates.is_there.any()
    for n_threads in (2, 4):
        more, candidates, listed = watched(frames, masks, n_threads)
        for mine, theirs in zip(listed, its_list, strict=True):
            np.testing.assert_array_equal(mine[0], theirs[0])
            np.testing.assert_array_equal(mine[1], theirs[1])
        for mine, theirs in zip((*more.heavy, *more.evidence), (*one.heavy, *one.evidence), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_array_equal(more.person_colors, one.person_colors)
        np.testing.assert_array_equal(candidates.confidence(), its_candidates.confidence())
        np.testing.assert_array_equal(candidates.color, its_candidates.color)


def test_pixels_are_listed_from_the_top_each_once(rng):
    frames, masks = scene(rng)
    _, _, listed = watched(frames, masks, 2)
    assert any(positions.size for positions, _ in listed)
    for positions, _ in listed:
        assert (np.diff(positions) > 0).all()


def test_no_update_is_lost_where_many_threads_count(rng):
    frames, masks = scene(rng)
    watcher, _, _ = watched(frames, masks, 4)
    weights = sum(16 * (np.asarray(mask) < 0.55).astype(int) for mask in masks)
    assert (watcher.heavy.totals <= weights).all()
    assert (watcher.heavy.totals[np.max(masks, axis=0) == 0] > 0).all()


@pytest.mark.parametrize(("height", "n"), [(360, 2), (1, 4), (7, 3), (0, 2)])
def test_bands_are_all_rows_once_in_order(height, n):
    cut = bands(height, n)
    assert [row for first, end in cut for row in range(first, end)] == list(range(height))
    assert len(cut) <= n
