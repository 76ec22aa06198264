"""The leak meter as a whole: it measures, tightens the mask, says so, and reports."""

import json

import numpy as np
import pytest

from config.schema import MeterSettings, Profile
from pipelines.protection.meter import LeakMeter

HEIGHT, WIDTH = 40, 60
SETTINGS = MeterSettings(attacks_hz=0, exposed_budget=0.005)


class FakeProtection:
    """Knows the room, and remembers how tight it was told to be."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.plate = rng.integers(20, 200, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        self.is_plate_known = np.ones((HEIGHT, WIDTH), bool)
        self.mask = np.zeros((HEIGHT, WIDTH), np.float32)
        self.told: list[int] = []

    def tighten(self, steps: int) -> None:
        self.told.append(steps)

    def send(self, meter: LeakMeter, t: int, leak_px: int = 0) -> None:
        """Send a frame that leaks so many pixels of the second row."""
        self.mask[:] = 0
        self.mask[1, 10 : 10 + leak_px] = 1
        output = np.where(self.mask[..., np.newaxis] > 0, self.plate, np.array((255, 0, 255), np.uint8))
        meter.add(self.plate, output, self, t / 25)


@pytest.fixture
def protection(rng: np.random.Generator) -> FakeProtection:
    return FakeProtection(rng)


def test_a_stream_without_leaks_is_left_as_it_is(protection: FakeProtection) -> None:
    meter = LeakMeter(SETTINGS, is_live=False)
    for t in range(10):
        protection.send(meter, t)
    assert (protection.told, meter.notices(), meter.exposures.once) == ([], [], 0)


def test_a_leak_in_one_frame_tightens_the_mask_before_the_next(protection: FakeProtection) -> None:
    meter = LeakMeter(SETTINGS, is_live=False)
    protection.send(meter, 0)
    protection.send(meter, 1, leak_px=24)
    assert protection.told == [1]
    assert meter.exposures.once == pytest.approx(0.01)
    assert "1.00% of the room has shown (budget 0.50%); the mask is 1 step tighter" in meter.notices()[0]
    protection.send(meter, 2, leak_px=24)
    assert protection.told == [1]
    protection.send(meter, 3, leak_px=48)
    assert (protection.told, meter.steps) == ([1, 2], 2)


def test_views_get_the_figures_and_which_are_over_their_budgets(protection: FakeProtection) -> None:
    meter = LeakMeter(SETTINGS, is_live=False)
    protection.send(meter, 0, leak_px=24)
    assert meter.figures() == [
        ("Room shown once", "1.00%", True),
        ("Room recovered", "-", False),
        ("Room known", "100%", False),
        ("Mask tighter by", "1 px at 360 lines", True),
    ]


def test_the_report_has_every_figure_and_is_json(protection: FakeProtection) -> None:
    meter = LeakMeter(SETTINGS, is_live=False)
    protection.send(meter, 0, leak_px=24)
    meter.finish()
    report = json.loads(json.dumps(meter.report()))
    assert report["exposed_once"] == report["exposed_beyond_chance"] == report["worst_frame"] == pytest.approx(0.01)
    assert (report["steps"], report["tightened"], report["measured_frames"], report["room_known"]) == (1, 1, 1, 1)
    assert report["recovered"] == report["attacked_frames"] == 0


def test_switched_off_it_measures_nothing_and_says_so(protection: FakeProtection) -> None:
    meter = LeakMeter(MeterSettings(is_on=False), is_live=True)
    protection.send(meter, 0, leak_px=40)
    assert (meter.exposures.n_frames, protection.told, meter.figures()) == (0, [], [])
    assert meter.notices() == ["the leak meter is off (meter.is_on)"]
    meter.close()


def test_another_room_begins_at_nothing_with_the_mask_as_tight_as_it_is(protection: FakeProtection) -> None:
    meter = LeakMeter(SETTINGS, is_live=False)
    protection.send(meter, 0, leak_px=24)
    meter.forget_room()
    assert (meter.exposures.once, meter.steps) == (0, 1)
    protection.send(meter, 1)
    assert (meter.exposures.once, protection.told) == (0, [1])


def test_settings_change_while_it_runs(protection: FakeProtection) -> None:
    meter = LeakMeter(SETTINGS, is_live=False)
    for t in range(3):
        protection.send(meter, t, leak_px=15 + 15 * t)
    assert meter.steps == 3
    changed = SETTINGS.model_copy(update={"most_steps": 1, "attack_lines": 360})
    assert meter.apply(Profile(meter=changed), protection) == ["meter.attack_lines changes at the next start"]
    assert (meter.steps, protection.told[-1]) == (1, 1)
    off = changed.model_copy(update={"is_on": False, "attack_lines": 180})
    assert meter.apply(Profile(meter=off), protection) == []
    assert (meter.steps, protection.told[-1]) == (0, 0)
