"""The guard's kernels against slow twins that say the rule once more, pixel by pixel."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import judged, laid_over, learnt

from pipelines.protection import kernels as k
from pipelines.protection.guard import NEARBY

LIMITS = np.array(k.DIFFERENCES, np.float32)
LEAST = np.array([*k.PROBABILITIES, 0.8], np.float32) * np.float32(255)
ROUNDING = 0.01
"""float32 against Python's double, in codes."""


def scene(seed: int, height: int, width: int):
    rng = np.random.default_rng(seed)
    plate = rng.integers(0, 256, (height, width, 3)).astype(np.float32)
    near = rng.normal(0, rng.choice([1, 8, 30], (height, width, 1)), (height, width, 3))
    frame = np.clip(plate + near, 0, 255).astype(np.uint8)
    looks = rng.choice([0, 20, 75, 76, 120, 190, 204, 230, 250, 255], (2, height, width)).astype(np.uint8)
    seen = rng.choice([-1, 0, 1, 30], (height, width)).astype(np.int32)
    hidden = (frame + rng.normal(0, rng.choice([2, 20], (height, width, 1)), (height, width, 3))).astype(np.float32)
    memory = rng.choice([-166, -20, -16, -3, 0, 1, 30], (height, width)).astype(np.int32)
    light = rng.normal(0, 2, 3).astype(np.float32)
    return frame, looks, plate, seen, hidden, memory, light


def assert_judged_alike(parts):
    *_, hidden, memory, _ = parts
    planes = np.full((3, *memory.shape), 9, np.uint8)
    patch, lengths = (k.PATCH_PX, k.PATCH_STEP, k.CLEAR_PATCH), (k.NEAR_PX, k.PERSON_FRAMES, k.LONGEST)
    twin = judged(*parts, LIMITS.tolist(), LEAST.tolist(), k.UNSURE, patch, lengths)
    k.judge_pixels(*parts, LIMITS, LEAST, near(memory), (0, memory.shape[0]), planes)
    np.testing.assert_array_equal(planes, twin[0])
    np.testing.assert_allclose(hidden, twin[1], atol=ROUNDING)
    np.testing.assert_array_equal(memory, twin[2])


def near(memory):
    return cv2.dilate((memory > 0).view(np.uint8), NEARBY)


sizes = {"seed": st.integers(0, 10_000), "height": st.integers(1, 7), "width": st.integers(1, 9)}


@settings(deadline=None, max_examples=60)
@given(**sizes)
def test_every_pixel_is_judged_as_its_slow_twin_judges_it(seed, height, width):
    parts = scene(seed, height, width)
    assert_judged_alike(parts)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), height=st.integers(7, 10), width=st.integers(7, 10))
def test_room_known_by_its_pattern_is_judged_as_its_slow_twin_judges_it(seed, height, width):
    rng = np.random.default_rng(seed)
    frame, looks, *_, light = scene(seed, height, width)
    spread, noise = rng.choice([2, 14, 16, 18, 40]), rng.choice([1, 4, 5, 6])
    plate = rng.normal(128, spread, (height, width, 3)).astype(np.float32)
    frame = np.clip(plate + light + rng.normal(0, noise, plate.shape), 0, 255).astype(np.uint8)
    seen = rng.choice([0, 30], (height, width), p=[0.002, 0.998]).astype(np.int32)
    parts = frame, looks, plate, seen, np.zeros_like(plate), np.zeros_like(seen), light
    assert_judged_alike(parts)


def test_a_person_of_the_walls_colour_is_not_taken_for_the_wall_but_a_pattern_in_its_place_is(rng):
    plate = np.full((20, 40, 3), 120, np.float32)
    plate[10:, 20:] = 60  # the right half has an edge
    frame = np.clip(plate + rng.normal(0, 1, plate.shape), 0, 255).astype(np.uint8)
    looks, seen = np.full((2, 20, 40), 255, np.uint8), np.full((20, 40), 30, np.int32)
    planes = np.zeros((3, 20, 40), np.uint8)
    parts = frame, looks, plate, seen, np.zeros_like(plate), np.zeros_like(seen), np.zeros(3, np.float32)
    k.judge_pixels(*parts, LIMITS, LEAST, seen, (0, 20), planes)
    assert planes[2, 10, 24 : 36 : k.PATCH_STEP].all()
    assert not planes[2, :, :16].any()


@settings(deadline=None, max_examples=60)
@given(**sizes)
def test_what_was_hidden_nearby_is_judged_as_its_slow_twin_judges_it(seed, height, width):
    rng = np.random.default_rng(seed)
    frame, looks, plate, seen, _, memory, light = scene(seed, height, width)
    colors = rng.choice([40, 45, 60, 90], (2, height, width, 1)).astype(np.float32)
    frame = np.clip(colors[0] + np.zeros(3), 0, 255).astype(np.uint8)
    assert_judged_alike((frame, looks, plate, seen, colors[1] + np.zeros(3, np.float32), memory, light))


def test_what_a_person_uncovers_is_hidden_where_the_like_was_hidden_beside_it():
    book, hair = (180, 200, 250), (40, 45, 60)
    looks, nowhere = np.full((2, 9, 30), 255, np.uint8), np.zeros((9, 30), np.int32)
    hidden, memory = np.full((9, 30, 3), book, np.float32), np.zeros((9, 30), np.int32)
    memory[:, :10] = k.LONGEST
    plate, light, planes = np.zeros_like(hidden), np.zeros(3, np.float32), np.zeros((3, 9, 30), np.uint8)

    def shown(edge_px):
        frame = np.full((9, 30, 3), hair, np.uint8)
        frame[:, :edge_px] = book
        parts = frame, looks, plate, nowhere, hidden, memory, light, LIMITS, LEAST, near(memory)
        k.judge_pixels(*parts, (0, 9), planes)
        return planes[0].astype(bool).copy()

    for _ in range(k.PERSON_FRAMES):
        assert shown(10)[:, 10:].all()
    for _ in range(k.LONGEST - k.PERSON_FRAMES - 1):
        np.testing.assert_array_equal(shown(14), np.tile(np.arange(30) >= 14, (9, 1)))


@settings(deadline=None, max_examples=60)
@given(**sizes)
def test_the_plate_is_learnt_as_its_slow_twin_learns_it(seed, height, width):
    frame, looks, plate, seen, *_, light = scene(seed, height, width)
    is_room = (looks[0] < 76).astype(np.uint8)
    twin = learnt(frame, is_room, light, 27.0, plate, seen, k.MOST_SEEN)
    sums = np.empty(6)
    k.learn_plate(frame, is_room, light, 27.0, (0, height), plate, seen, sums)
    np.testing.assert_allclose(plate, twin[0], atol=ROUNDING)
    np.testing.assert_array_equal(seen, twin[1])
    np.testing.assert_allclose(sums, twin[2], rtol=1e-4, atol=ROUNDING)


@settings(deadline=None, max_examples=40)
@given(**sizes)
def test_a_frame_is_composed_as_its_slow_twin_composes_it(seed, height, width):
    rng = np.random.default_rng(seed)
    frame, behind = rng.integers(0, 256, (2, height, width, 3)).astype(np.uint8)
    mask = rng.choice([0, 0.25, 0.5, 1], (height, width)).astype(np.float32)
    out = np.empty_like(frame)
    k.compose(frame, mask, (0, height, 0, width), behind, out)
    np.testing.assert_array_equal(out, laid_over(frame, mask, behind))


def test_only_what_no_look_takes_for_the_person_is_remembered(rng):
    frame = rng.integers(0, 256, (5, 6, 3)).astype(np.uint8)
    most = np.zeros((5, 6), np.uint8)
    most[2, 3] = 200
    hidden, memory = np.zeros((5, 6, 3), np.float32), np.zeros((5, 6), np.int32)
    k.remember_hidden(frame, most, 200, np.full(3, 4, np.float32), 27.0, (0, 5), hidden, memory)
    assert (memory > 0).sum() == 29
    assert memory[2, 3] == 0
    assert np.abs(hidden + 4 - frame)[memory > 0].max() == 0  # without the light that the frame has more


def test_a_colour_that_is_new_takes_the_place_of_the_one_remembered():
    hidden, memory = np.full((1, 1, 3), 10, np.float32), np.full((1, 1), 30, np.int32)
    frame, most, light = np.full((1, 1, 3), 90, np.uint8), np.zeros((1, 1), np.uint8), np.zeros(3, np.float32)
    k.remember_hidden(frame, most, 200, light, 27.0, (0, 1), hidden, memory)
    assert (hidden == 90).all()
    assert memory[0, 0] == k.LONGEST


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_the_rooms_light_is_taken_out_of_a_half_transparent_edge(share):
    room, person, behind = (200, 40, 30), (60, 120, 180), (255, 0, 255)
    frame = np.empty((9, 24, 3), np.uint8)
    frame[:, :12], frame[:, 12:] = person, room
    frame[:, 12] = np.round(share * np.array(person) + (1 - share) * np.array(room))
    mask = np.zeros((9, 24), np.float32)
    mask[:, :13] = 1
    edge = np.zeros((9, 24), np.uint8)
    edge[:, 11:14] = 1
    colors = np.dstack([np.full((9, 24, 3), person, np.float32), np.ones((9, 24), np.float32)])
    backdrop, plate = np.full_like(frame, behind), np.full((9, 24, 3), room, np.float32)
    out = np.empty_like(frame)
    k.compose(frame, mask, (0, 9, 0, 24), backdrop, out)
    known, light = np.ones((9, 24), np.int32), np.array([3, -2, 1], np.float32)
    k.soften_edges(frame, mask, (0, 9, 0, 24), edge, colors, backdrop, plate - light, known, light, out)
    wanted = share * np.array(person) + (1 - share) * np.array(behind)
    assert np.abs(out[4, 12] - wanted).max() <= 1.5  # codes: rounded twice
    assert (out[4, :11] == person).all()


def test_nothing_of_the_camera_is_shown_outside_of_the_mask(rng):
    frame = rng.integers(0, 100, (20, 30, 3)).astype(np.uint8)
    mask = np.zeros((20, 30), np.float32)
    mask[5:, 8:20] = 1
    edge = cv2.dilate((mask > 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    person = np.full((20, 30, 4), 1, np.float32)
    behind = np.full_like(frame, 220)
    results = []
    for outside in (0, 99):
        changed = np.where(mask[..., None] > 0, frame, np.uint8(outside))
        out = np.empty_like(frame)
        k.compose(changed, mask, (0, 20, 0, 30), behind, out)
        room, known, light = frame.astype(np.float32), np.ones((20, 30), np.int32), np.zeros(3, np.float32)
        k.soften_edges(changed, mask, (0, 20, 0, 30), edge, person, behind, room, known, light, out)
        results.append(out)
    np.testing.assert_array_equal(*results)
    assert (results[0][mask == 0] != 220).any()  # the edge does fade out
