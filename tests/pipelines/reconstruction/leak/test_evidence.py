"""Colours beside the backdrop: which are kept, how episodes and visits are told apart, how two parts add up."""

import numpy as np
import pytest

from pipelines.reconstruction.leak import evidence as ev
from pipelines.reconstruction.leak.likeness import OBSERVED, likeness

SEEN = np.arange(1, len(OBSERVED) + 1, dtype=np.float32)
LIKE_ROOM, LIKE_PERSON = np.zeros((2, len(OBSERVED)), np.float32)
LIKE_ROOM[OBSERVED.index("distance to the backdrop")] = 90
LIKE_ROOM[OBSERVED.index("distance to the person around")] = 90


def show(evidence, grey, frame, depth_px=10.0, seen=SEEN):
    ev.add_observation(evidence, 0, 0, np.full(3, grey, np.uint8), seen, depth_px, frame)


def slots(evidence):
    """Return {rounded grey: sums} of the only pixel."""
    sums, colors = evidence.sums[0, 0], evidence.colors[0, 0]
    return {int(color[0].round()): slot for slot, color in zip(sums, colors, strict=True) if slot[ev.FRAMES]}


@pytest.fixture
def evidence():
    return ev.empty_evidence(1, 1)


def test_frames_and_observations_of_a_color_add_up(evidence):
    for frame in range(4):
        show(evidence, 90, frame)
    slot = slots(evidence)[90]
    assert slot[ev.FRAMES] == 4
    np.testing.assert_allclose(slot[ev.FIRST_OBSERVED :], 4 * SEEN)


def test_an_episode_ends_when_the_color_stays_away(evidence):
    for frame in (0, 1, 2, 2 + ev.EPISODE_GAP_FRAMES, 20, 40, 41):
        show(evidence, 90, frame)
    assert slots(evidence)[90][ev.EPISODES] == 3


def test_the_first_color_of_a_visit_enters_and_the_last_one_leaves(evidence):
    for start in (0, 20, 40):
        show(evidence, 30, start)
        show(evidence, 90, start + 1)
        show(evidence, 90, start + 2)
        ev.end_visit(evidence, 0, 0)
    assert slots(evidence)[30][ev.ENTERS] == 3
    assert slots(evidence)[30][ev.LEAVES] == 0
    assert slots(evidence)[90][ev.ENTERS] == 0
    assert slots(evidence)[90][ev.LEAVES] == 3


def test_the_backdrop_between_two_frames_of_backdrop_ends_nothing(evidence):
    ev.end_visit(evidence, 0, 0)
    assert not slots(evidence)


def show_person(evidence, first_frame):
    """Show many colours of a person, each for three frames."""
    for i in range(120):
        show(evidence, 20 + 5 * (i // 3 * 7 % 40), first_frame + i, seen=LIKE_PERSON)


def test_what_looked_like_the_room_once_stays_and_what_never_did_gives_way(evidence):
    show(evidence, 250, 0, seen=LIKE_ROOM)
    show_person(evidence, 100)
    assert 250 in slots(evidence)
    assert slots(evidence)[250][ev.FRAMES] == 1
    assert len(slots(evidence)) == ev.N_SLOTS


def test_a_color_is_as_like_the_room_as_its_likest_frame(evidence):
    show(evidence, 250, 0, seen=LIKE_ROOM)
    for frame in range(1, 30):
        show(evidence, 250, frame, seen=LIKE_PERSON)
    show_person(evidence, 100)
    assert slots(evidence)[250][ev.FRAMES] == 30
    assert evidence.likeness.max() == likeness(LIKE_ROOM)


def test_a_color_in_the_place_of_another_is_no_likelier_for_it(evidence):
    show_person(evidence, 0)
    assert evidence.likeness.max() == likeness(LIKE_PERSON)


def test_colors_at_the_very_edge_hardly_move_the_mean(evidence):
    for frame in range(20):
        show(evidence, 100, frame)
        show(evidence, 106, frame, depth_px=1.0)
    (color,) = slots(evidence)
    assert 100 <= color <= 101


def test_parts_add_up_to_the_whole(evidence):
    later = ev.empty_evidence(1, 1)
    for frame in range(5):
        show(evidence, 90, frame)
        show(later, 92, frame)
        show(later, 200, 20 + frame)
    later.pixels[0, 0] = 7
    evidence.pixels[0, 0] = 2
    ev.add_evidence(later, 100, evidence)
    found = slots(evidence)
    assert set(found) == {91, 200}
    assert found[91][ev.FRAMES] == 10
    assert found[91][ev.EPISODES] == 2
    assert found[200][ev.FRAMES] == 5
    assert (evidence.pixels == 9).all()
    assert evidence.last_frame.max() == 124


@pytest.mark.parametrize(("seen", "is_kept"), [(LIKE_ROOM, True), (LIKE_PERSON, False)])
def test_a_color_of_the_later_part_takes_a_place_only_if_it_is_liker_the_room(evidence, seen, is_kept):
    for i in range(ev.N_SLOTS):
        show(evidence, 20 + 30 * i, i, seen=LIKE_PERSON)
    later = ev.empty_evidence(1, 1)
    show(later, 250, 20, seen=seen)
    ev.add_evidence(later, 100, evidence)
    assert (250 in slots(evidence)) == is_kept
    assert len(slots(evidence)) == ev.N_SLOTS
    assert evidence.likeness.max() == likeness(seen)
