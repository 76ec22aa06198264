"""Our own attack beside the camera: which frames it gets, what it reports, and that failures are said."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import cv2
import numpy as np
import pytest
from compiled import sized
from fake_attack import fake_command

from config.schema import MeterSettings
from pipelines.base import Findings, Frame, Image
from pipelines.protection import attack as attack_module
from pipelines.protection import attacker as attacker_module
from pipelines.protection.attack import LOOK_EVERY_FRAMES
from pipelines.protection.attack_process import AttackProcess
from pipelines.protection.attacker import Attacker

HEIGHT, WIDTH = 48, 64
SETTINGS = MeterSettings(attacks_hz=5, attack_lines=HEIGHT)
SOON_S = 60.0


class FakeAttack:
    """A reconstruction that claims what it is told."""

    room: Image = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    fails = False
    latest: "FakeAttack"

    def __init__(self, settings: object, crew: object = None) -> None:
        self.seen: list[Frame] = []
        FakeAttack.latest = self

    @property
    def n_frames(self) -> int:
        return len(self.seen)

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        self.size = (height, width)
        self.seen = []

    def process(self, frame: Frame) -> Sequence[Frame]:
        if self.fails:
            raise RuntimeError("no more memory")
        self.seen.append(frame)
        return ()

    def findings(self) -> Findings:
        return Findings(self.room, self.room[..., :3], 0.0)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeAttack]:
    """The attack, replaced."""

    class Fresh(FakeAttack):
        pass

    monkeypatch.setattr(attack_module, "LeakReconstruction", Fresh)
    return Fresh


@pytest.fixture
def plate(rng: np.random.Generator) -> Image:
    """A room of which no pixel looks like the one that mirrors it."""
    room = rng.integers(0, 60, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    room[:, WIDTH // 2 :] += 150
    return room


ALL = np.ones((HEIGHT, WIDTH), bool)


def wait_until(is_true: object) -> None:
    deadline_s = time.monotonic() + SOON_S
    while not is_true():  # type: ignore[operator]
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_what_is_claimed_and_right_is_recovered(fake: type[FakeAttack], plate: Image) -> None:
    found = np.dstack([plate, np.zeros((HEIGHT, WIDTH), np.uint8)])
    found[:12, :32, 3] = 255  # right
    found[12:24, :32, :3] += 60
    found[12:24, :32, 3] = 255  # wrong
    fake.room = found
    known = ALL.copy()
    known[24:] = False
    attacker = Attacker(SETTINGS, "auto", is_live=False)
    attacker.offer(plate, plate, known, 0.0)
    recovered = attacker.finish()
    assert (recovered.n_frames, recovered.claimed, recovered.share, recovered.near) == (1, 0.5, 0.25, 0.25)
    assert (recovered.chance, recovered.beyond_chance) == (0, 0.25)


def test_the_room_by_chance_is_found_in_the_mirrored_plate(fake: type[FakeAttack]) -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    fake.room = np.dstack([grey, np.full((HEIGHT, WIDTH), 255, np.uint8)])
    attacker = Attacker(SETTINGS, "auto", is_live=False)
    attacker.offer(grey, grey, ALL, 0.0)
    recovered = attacker.finish()
    assert (recovered.share, recovered.chance, recovered.beyond_chance) == (1, 1, 0)


def test_it_looks_at_as_many_frames_a_second_as_it_may(fake: type[FakeAttack], plate: Image) -> None:
    attacker = Attacker(SETTINGS, "auto", is_live=False)
    for t in range(100):
        attacker.offer(plate, plate, ALL, t / 25)
    assert fake.latest.n_frames == 20
    assert attacker.recovered.n_frames == LOOK_EVERY_FRAMES


def test_without_a_rate_it_does_nothing(fake: type[FakeAttack], plate: Image) -> None:
    attacker = Attacker(SETTINGS.model_copy(update={"attacks_hz": 0}), "auto", is_live=False)
    attacker.offer(plate, plate, ALL, 0.0)
    assert attacker.finish().n_frames == 0


def test_a_failure_ends_the_attack_alone_and_is_said(fake: type[FakeAttack], plate: Image) -> None:
    fake.fails = True
    attacker = Attacker(SETTINGS, "auto", is_live=False)
    attacker.offer(plate, plate, ALL, 0.0)
    assert attacker.problem == "the leak meter's attacker has stopped: no more memory"
    assert attacker.notices() == [attacker.problem]
    attacker.offer(plate, plate, ALL, 1.0)
    assert attacker.finish().n_frames == 0


def test_another_room_begins_at_nothing_and_with_the_next_frame(fake: type[FakeAttack], plate: Image) -> None:
    attacker = Attacker(SETTINGS, "auto", is_live=False)
    for t in range(100):
        attacker.offer(plate, plate, ALL, t / 25)
    attacker.forget()
    assert attacker.recovered.n_frames == 0
    attacker.offer(plate, plate, ALL, 4.0)
    assert attacker.finish().n_frames == 1


def test_another_room_starts_one_again_that_has_stopped(fake: type[FakeAttack], plate: Image) -> None:
    fake.fails = True
    attacker = Attacker(SETTINGS, "auto", is_live=False)
    attacker.offer(plate, plate, ALL, 0.0)
    fake.fails = False
    attacker.forget()
    attacker.offer(plate, plate, ALL, 0.0)
    assert (attacker.problem, attacker.finish().n_frames) == ("", 1)


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, MeterSettings], Attacker]]:
    """Attackers that work in a process, whose reconstruction does what it is told; closed at the end."""
    made: list[Attacker] = []

    def act(does: str, settings: MeterSettings = SETTINGS) -> Attacker:
        place = partial(AttackProcess, command=fake_command(does))
        monkeypatch.setattr(attacker_module, "AttackProcess", place)
        made.append(Attacker(settings, "opencv", is_live=True))
        return made[-1]

    yield act
    for attacker in made:
        attacker.close()
        attacker.close()


def test_live_a_failure_is_said_and_another_room_starts_it_again(
    live: Callable[[str, MeterSettings], Attacker], plate: Image
) -> None:
    attacker = live("fail")
    attacker.offer(plate, plate, ALL, 0.0)
    wait_until(lambda: attacker.problem)
    assert attacker.notices() == ["the leak meter's attacker has stopped: no more memory"]
    attacker.offer(plate, plate, ALL, 1.0)
    attacker.forget()
    assert (attacker.problem, attacker.notices()) == ("", [])
    attacker.offer(plate, plate, ALL, 2.0)
    wait_until(lambda: attacker.problem)


def test_live_one_that_gets_no_time_is_said(
    live: Callable[[str, MeterSettings], Attacker], plate: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attacker_module, "SILENT_S", 0.1)
    attacker = live("hang")
    attacker.offer(plate, plate, ALL, 0.0)
    wait_until(attacker.notices)
    assert attacker.notices()[0].startswith("the leak meter's attack has been at one frame for over 0.1 s: the proc")


def test_live_one_that_is_off_starts_no_process_before_a_frame_is_due(
    live: Callable[[str, MeterSettings], Attacker], plate: Image
) -> None:
    never = live("claim", SETTINGS.model_copy(update={"attacks_hz": 0}))
    never.offer(plate, plate, ALL, 0.0)
    assert never._place is None
    attacker = live("claim", SETTINGS.model_copy(update={"is_on": False}))
    assert attacker._place is None
    attacker.offer(plate, plate, ALL, 0.0)
    assert attacker._place is not None


def test_large_frames_are_made_small_and_half_known_pixels_are_not_known(fake: type[FakeAttack]) -> None:
    large = np.zeros((4 * HEIGHT, 4 * WIDTH, 3), np.uint8)
    known = np.zeros(large.shape[:2], bool)
    known[:, : 2 * WIDTH + 2] = True
    fake.room = np.dstack([large[:HEIGHT, :WIDTH], np.full((HEIGHT, WIDTH), 255, np.uint8)])
    attacker = Attacker(SETTINGS, "auto", is_live=False)
    attacker.offer(large, large, known, 0.0)
    assert fake.latest.size == (HEIGHT, WIDTH)
    assert attacker.finish().claimed == 1


def test_the_real_attack_recovers_nothing_of_an_output_without_leaks(rng: np.random.Generator) -> None:
    height, width = sized((72, 128), (32, 48))
    plate = cv2.resize(rng.integers(0, 256, (6, 9, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    attacker = Attacker(MeterSettings(attacks_hz=25, attack_lines=height), "opencv", is_live=False)
    known = np.ones((height, width), bool)
    n_frames = sized(60, 12)
    for t in range(n_frames):
        output = np.full((height, width, 3), (255, 0, 255), np.uint8)
        cv2.circle(output, (width // 2 + int(9 * np.sin(t / 5)), height // 2), height // 4, (120, 150, 230), -1)
        attacker.offer(output, plate, known, t / 25)
    recovered = attacker.finish()
    assert attacker.problem == ""
    assert recovered.n_frames == n_frames
    assert recovered.share <= 0.01
