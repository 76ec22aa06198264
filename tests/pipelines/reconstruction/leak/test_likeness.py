"""How much an observation looks like the room: the formula, its range, and what it must order rightly."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipelines.reconstruction.leak import likeness as lk

figures = arrays(np.float32, len(lk.OBSERVED), elements=st.floats(0, 255, width=32))


def slow_likeness(observed):
    total = -lk.LEAST
    for name, weight in lk.WEIGHTS.items():
        value = float(observed[lk.OBSERVED.index(name)])
        total += weight * (value / (value + lk.HALF_DISTANCE) if name in lk.DISTANCES else value)
    return min(max(total / lk.STEP, 0), 255)


@given(figures)
def test_likeness_is_the_weighted_sum_of_the_figures(observed):
    assert abs(int(lk.likeness(observed)) - slow_likeness(observed)) <= 1.01


def test_figures_beyond_the_last_one_do_not_count():
    observed = np.full(len(lk.OBSERVED) + 2, 50, np.float32)
    assert lk.likeness(observed) == lk.likeness(observed[:-2])


def test_every_weight_and_every_distance_is_of_a_figure_that_is_observed():
    assert set(lk.WEIGHTS) <= set(lk.OBSERVED)
    assert set(lk.DISTANCES) <= set(lk.WEIGHTS)


def test_a_color_far_from_backdrop_and_person_is_liker_the_room_than_the_persons_own():
    room, person = np.zeros((2, len(lk.OBSERVED)), np.float32)
    for name in ("distance to the backdrop", "distance to the person around", "tint beyond backdrop and person"):
        room[lk.OBSERVED.index(name)] = 60
    person[lk.OBSERVED.index("distance to the backdrop")] = 60
    person[lk.OBSERVED.index("person probability")] = 1
    assert lk.likeness(room) > lk.likeness(person)
