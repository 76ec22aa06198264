"""Colour counts: exact while memory lasts, exact counts of coarser cells after, and sums of their parts."""

import numpy as np
import pytest
import reference
from compiled import sized
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipelines.base import PipelineError
from pipelines.reconstruction.counts import ColorCounts

MEMORY = 8 << 20


def counted(frames, memory_bytes=MEMORY, n_workers=2):
    counts = ColorCounts(*frames[0].shape[:2], memory_bytes, n_workers)
    for frame in frames:
        counts.count(frame)
    return counts


def noisy_frames(rng, n, height, width, n_colors):
    palette = rng.integers(0, 256, (n_colors, 3), dtype=np.uint8)
    return [palette[rng.integers(0, n_colors, (height, width))] for _ in range(n)]


def assert_same_counts(one, other):
    assert one.n_frames == other.n_frames
    for mine, theirs in zip(one.packed_bands(), other.packed_bands(), strict=True):
        np.testing.assert_array_equal(mine.n_colors, theirs.n_colors)
        np.testing.assert_array_equal(mine.coarse_bits, theirs.coarse_bits)
        np.testing.assert_array_equal(mine.entries, theirs.entries)


# Few colours and few values in each channel: ties, and differences of sums just at the threshold, are the rule.
videos = st.integers(1, 12).flatmap(
    lambda n: hnp.arrays(np.uint8, (n, 3, 5, 3), elements=st.sampled_from([0, 1, 7, 20, 21, 254, 255]))
)


@settings(max_examples=150, deadline=None)
@given(video=videos, omg=st.sampled_from([0, 1, 20, 41, 765]))
def test_rarest_equals_the_slow_walk_on_videos_full_of_ties(video, omg):
    found = counted(list(video)).findings(omg)
    room, backdrop = reference.rarest(list(video), omg)
    np.testing.assert_array_equal(found.room, room)
    np.testing.assert_array_equal(found.backdrop, backdrop)
    assert found.coverage == pytest.approx(np.mean(room[..., 3] == 255))


@pytest.mark.parametrize(("n_frames", "n_colors"), [(1, 3), (40, 3), (60, 15), (200, 90)])
def test_rarest_equals_the_slow_walk_on_odd_sizes_and_large_tables(rng, n_frames, n_colors):
    frames = noisy_frames(rng, n_frames, 37, 19, n_colors)
    counts = counted(frames)
    assert counts.is_exact
    room, backdrop = reference.rarest(frames, 30)
    found = counts.findings(30)
    np.testing.assert_array_equal(found.room, room)
    np.testing.assert_array_equal(found.backdrop, backdrop)


def test_colors_of_a_pixel_are_those_of_a_counter_in_order_of_first_appearance(rng):
    frames = noisy_frames(rng, 150, 18, 7, 40)
    counts = counted(frames)
    for y, x in ((0, 0), (17, 6), (16, 3)):
        slow = reference.colors_of_pixel(frames, y, x)
        assert counts.colors_of(y, x) == [(*color, n) for color, n in slow.items()]


def test_preview_is_the_findings_of_every_nth_pixel(rng):
    counts = counted(noisy_frames(rng, 30, 23, 31, 5))
    full, preview = counts.findings(20), counts.findings(20, step_px=3)
    np.testing.assert_array_equal(preview.room, full.room[::3, ::3])
    np.testing.assert_array_equal(preview.backdrop, full.backdrop[::3, ::3])


@settings(max_examples=60, deadline=None)
@given(video=videos, data=st.data())
def test_counts_of_two_parts_merge_into_the_counts_of_the_whole(video, data):
    cut = data.draw(st.integers(0, len(video)))
    whole = counted(list(video))
    first, second = (ColorCounts(3, 5, MEMORY, 1) for _ in range(2))
    for frame in video[:cut]:
        first.count(frame)
    for frame in video[cut:]:
        second.count(frame)
    assert_same_counts(first.merged(second), whole)


def test_merged_counts_go_on_counting_as_if_they_had_seen_everything(rng):
    frames = noisy_frames(rng, 90, 20, 11, 25)
    merged = counted(frames[:30]).merged(counted(frames[30:60]))
    for frame in frames[60:]:
        merged.count(frame)
    assert_same_counts(merged, counted(frames))


def test_a_still_pixel_after_a_merge_is_counted_on(rng):
    still = np.full((4, 4, 3), 9, np.uint8)
    merged = counted([still] * 3).merged(counted([still] * 2))
    merged.count(still)
    merged.count(still + 1)
    merged.count(still)
    assert merged.colors_of(2, 2) == [(9, 9, 9, 7), (10, 10, 10, 1)]


def test_without_memory_counts_become_exact_counts_of_coarser_cells(rng):
    height, width = 16, 128
    frames = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(sized(300, 120))]
    counts = counted(frames, memory_bytes=1 << 20)
    assert not counts.is_exact
    assert counts.n_bytes_used <= 1 << 20
    coarse = next(iter(counts.packed_bands())).coarse_bits.reshape(height, width)
    assert coarse.max() > 0
    for y, x in ((0, 0), (7, 99), (15, 127)):
        slow = reference.cells_of_pixel(frames, y, x, int(coarse[y, x]))
        assert counts.colors_of(y, x) == [(*color, n) for color, n in slow.items()]


def test_a_still_pixel_stays_exact_when_its_neighbours_use_up_the_memory(rng):
    n_frames = sized(300, 200)
    frames = [rng.integers(0, 256, (16, 128, 3), dtype=np.uint8) for _ in range(n_frames)]
    for t, frame in enumerate(frames):
        frame[:, 64:] = (1, 2, 3) if t % 100 else (200, 100, 50)
    counts = counted(frames, memory_bytes=1 << 20)
    coarse = next(iter(counts.packed_bands())).coarse_bits.reshape(16, 128)
    assert coarse[:, :64].all()
    assert not coarse[:, 64:].any()
    assert counts.colors_of(5, 70) == [(200, 100, 50, n_frames // 100), (1, 2, 3, n_frames - n_frames // 100)]


def test_coarse_counts_merge_to_the_coarser_of_both(rng):
    n_frames = sized(400, 300)
    frames = [rng.integers(0, 256, (16, 64, 3), dtype=np.uint8) for _ in range(n_frames)]
    first, second = (counted(part, memory_bytes=1 << 20) for part in (frames[: n_frames // 2], frames[n_frames // 2 :]))
    assert not first.is_exact
    merged = first.merged(second)
    coarse = next(iter(merged.packed_bands())).coarse_bits.reshape(16, 64)
    for y, x in ((0, 0), (15, 63)):
        slow = reference.cells_of_pixel(frames, y, x, int(coarse[y, x]))
        assert merged.colors_of(y, x) == [(*color, n) for color, n in slow.items()]


def test_every_frame_is_in_the_counts_whatever_the_memory(rng):
    n_frames = sized(250, 150)
    frames = [rng.integers(0, 256, (33, 40, 3), dtype=np.uint8) for _ in range(n_frames)]
    for memory in sized((2 << 20, 3 << 20, 64 << 20), (2 << 20,)):
        counts = counted(frames, memory_bytes=memory)
        for band in counts.packed_bands():
            ends = np.cumsum(band.n_colors, dtype=np.int64)
            totals = np.add.reduceat(
                (band.entries >> np.uint64(36)).astype(np.int64), np.r_[0, ends[:-1]].astype(np.int64)
            )
            assert (totals == n_frames).all()


@pytest.mark.parametrize("n_workers", [1, 2, 5])
def test_the_number_of_threads_changes_nothing(rng, n_workers):
    frames = noisy_frames(rng, 50, 70, 9, 30)
    assert_same_counts(counted(frames, n_workers=n_workers), counted(frames, n_workers=3))


def test_memory_that_is_being_touched_when_counting_begins_keeps_every_count(rng):
    frames = noisy_frames(rng, 4, 48, 100, 30)
    counts = ColorCounts(48, 100, 64 << 20, 2)
    counts.claim_first_tables()
    counts.count(*frames)
    assert_same_counts(counts, counted(frames, memory_bytes=64 << 20))


def test_too_little_memory_for_the_frame_size_says_how_much_is_wanted():
    with pytest.raises(PipelineError, match=r"got 1 MiB, wanted at least \d+ MiB for frames of 1920x1080"):
        ColorCounts(1080, 1920, 1 << 20)


def test_the_least_memory_that_the_error_names_is_enough(rng):
    height, width = sized((240, 320), (48, 480))
    with pytest.raises(PipelineError) as error:
        ColorCounts(height, width, 1 << 20)
    least = int(str(error.value).split("at least ")[1].split()[0])
    frames = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(sized(12, 8))]
    assert counted(frames, memory_bytes=least << 20).n_frames == len(frames)


@pytest.mark.parametrize("memory_bytes", [64 << 20, sized(2, 1) << 20])
@pytest.mark.parametrize("batches", sized([(1,) * 120, (120,), (1, 7, 8, 9, 30, 2, 63)], [(1, 7, 8, 9, 5)]))
def test_frames_counted_in_batches_are_counted_as_one_by_one(rng, memory_bytes, batches):
    # Wide enough for several strips in a band; the smaller memory starves bands in the middle of a batch.
    width = sized(700, 270)
    frames = noisy_frames(rng, sum(batches), 17, width, 40)
    counts = ColorCounts(17, width, memory_bytes, 2)
    rest = list(frames)
    for n in batches:
        counts.count(*rest[:n])
        del rest[:n]
    assert counts.is_exact == (memory_bytes == 64 << 20)
    coarse = [band.coarse_bits for band in counts.packed_bands()]
    coarse = np.concatenate(coarse).reshape(17, width)
    for y, x in ((0, 0), (5, width - 100), (16, width - 1)):
        slow = reference.cells_of_pixel(frames, y, x, int(coarse[y, x]))
        assert counts.colors_of(y, x) == [(*color, n) for color, n in slow.items()]
    if counts.is_exact:
        assert_same_counts(counts, counted(frames, memory_bytes))
