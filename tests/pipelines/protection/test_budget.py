"""When the mask becomes tighter, when a step is taken back, and that it does not swing."""

import pytest

from config.schema import MeterSettings
from pipelines.protection.budget import LONGEST_HOLD, Budget

SETTINGS = MeterSettings(exposed_budget=0.01, recovered_budget=0.004, most_steps=3, relax_after_s=10)


def test_within_the_budget_nothing_happens_and_nothing_is_said() -> None:
    budget = Budget(SETTINGS)
    assert not any(budget.update(0.0099, 0.0039, t / 10) for t in range(1000))
    assert (budget.steps, budget.notices()) == (0, [])


def test_one_frame_over_the_budget_tightens_at_once_and_says_so() -> None:
    budget = Budget(SETTINGS)
    budget.update(0, 0, 0.0)
    assert budget.update(0.0123, 0, 0.04)
    assert budget.steps == 1
    assert budget.notices() == ["leak meter: 1.23% of the room has shown (budget 1.00%); the mask is 1 step tighter"]


def test_what_our_attack_recovers_tightens_too() -> None:
    budget = Budget(SETTINGS)
    assert budget.update(0, 0.005, 0.0)
    (notice,) = budget.notices()
    assert "0.50% of the room could be recovered by our own attack (budget 0.40%)" in notice


def test_each_further_budgets_worth_is_a_step_up_to_the_most() -> None:
    budget = Budget(SETTINGS)
    steps = []
    for t, exposed in enumerate([0.011, 0.015, 0.020, 0.022, 0.022, 0.040, 0.060]):
        budget.update(exposed, 0, t / 25)
        steps.append(budget.steps)
    assert steps == [1, 1, 1, 2, 2, 3, 3]
    assert budget.n_tightened == 3
    assert budget.notices()[0].endswith("3 steps tighter, as far as meter.most_steps lets it go")


def test_a_leak_that_creeps_adds_up_to_steps() -> None:
    budget = Budget(SETTINGS)
    for t in range(300):
        budget.update(0.0001 * t, 0, t / 25)
    assert budget.steps == 2


def test_a_leak_too_slow_to_disturb_a_quiet_time_still_tightens_at_each_budgets_worth() -> None:
    budget = Budget(SETTINGS)
    for t in range(600):
        budget.update(0.0001 * t, 0, t / 2)
    assert budget.n_tightened == 5


def test_a_step_is_taken_back_after_a_quiet_time_and_the_figures_are_still_said() -> None:
    budget = Budget(SETTINGS)
    budget.update(0.05, 0, 0.0)
    changes = [t / 2 for t in range(1, 40) if budget.update(0.05, 0, t / 2)]
    assert changes == [10.0]
    assert budget.steps == 0
    assert budget.notices() == ["leak meter: 5.00% of the room has shown (budget 1.00%); the mask is 0 steps tighter"]


def test_where_leaks_come_back_the_quiet_time_doubles_up_to_a_limit() -> None:
    budget = Budget(SETTINGS)
    exposed, relaxed = 0.02, []
    budget.update(exposed, 0, 0.0)
    tightened_s = 0.0
    for t in range(1, 6000):
        now_s = t / 2
        if budget.update(exposed, 0, now_s):
            if budget.steps:
                tightened_s = now_s
            else:
                relaxed.append(now_s - tightened_s)
                exposed = min(1.0, exposed + 0.02)
    assert relaxed[:5] == [10, 20, 40, 80, 160]
    assert max(relaxed) == LONGEST_HOLD * 10


def test_a_pause_is_no_quiet_time() -> None:
    budget = Budget(SETTINGS)
    for t in range(10):
        budget.update(0.02, 0, t / 2)
    assert not budget.update(0.02, 0, 500.0)
    assert [t / 2 for t in range(1001, 1040) if budget.update(0.02, 0, t / 2)] == [505.5]


def test_more_of_the_room_becoming_known_does_not_use_the_budget_up() -> None:
    budget = Budget(SETTINGS)
    budget.update(0.02, 0, 0.0)
    budget.update(0.012, 0, 0.1)  # the same leaks in more of the room
    assert not budget.update(0.0215, 0, 0.2)
    assert budget.update(0.0225, 0, 0.3)


@pytest.mark.parametrize("most_steps", [0, 1])
def test_the_profile_says_how_far_it_goes(most_steps: int) -> None:
    budget = Budget(SETTINGS.model_copy(update={"most_steps": most_steps}))
    for t in range(50):
        budget.update(0.05 * t, 0, t / 25)
    assert budget.steps == most_steps
