"""Our own attack beside the camera: what it reports, that it never holds anything up, and that failures are said."""

import threading
import time
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from compiled import sized

from config.schema import MeterSettings
from pipelines.base import Findings, Frame, Image
from pipelines.protection import attacker as attacker_module
from pipelines.protection.attacker import LOOK_EVERY_FRAMES, Attacker

HEIGHT, WIDTH = 48, 64
SETTINGS = MeterSettings(attacks_hz=5, attack_lines=HEIGHT)
SOON_S = 20.0


class FakeAttack:
    """A reconstruction that claims what it is told; `busy` holds it up until set."""

    room: Image = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    busy: threading.Event | None = None
    fails = False
    latest: "FakeAttack"

    def __init__(self, settings: object) -> None:
        self.seen: list[Frame] = []
        FakeAttack.latest = self

    @property
    def n_frames(self) -> int:
        return len(self.seen)

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        self.size = (height, width)

    def process(self, frame: Frame) -> Sequence[Frame]:
        if self.fails:
            raise RuntimeError("no more memory")
        self.seen.append(frame)
        if self.busy:
            assert self.busy.wait(SOON_S)
        return ()

    def findings(self) -> Findings:
        return Findings(self.room, self.room[..., :3], 0.0)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeAttack]:
    """The attack, replaced."""

    class Fresh(FakeAttack):
        pass

    monkeypatch.setattr(attacker_module, "LeakReconstruction", Fresh)
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


def test_live_it_takes_the_newest_frame_and_holds_nobody_up(fake: type[FakeAttack], plate: Image) -> None:
    fake.busy = threading.Event()
    attacker = Attacker(SETTINGS, "auto", is_live=True)
    attacker.offer(plate, plate, ALL, 0.0)
    wait_until(lambda: fake.latest.n_frames == 1)
    begin_s = time.perf_counter()
    for t in range(1, 50):
        attacker.offer(plate, plate, ALL, float(t))
    assert time.perf_counter() - begin_s < SOON_S / 4
    fake.busy.set()
    wait_until(lambda: fake.latest.n_frames == 2)
    assert [frame.pts_s for frame in fake.latest.seen] == [0.0, 49.0]
    attacker.close()
    attacker.close()
    assert not any(thread.name == "attacker" for thread in threading.enumerate())


@pytest.mark.parametrize("is_live", [False, True])
def test_a_failure_ends_the_attack_alone_and_is_said(is_live: bool, fake: type[FakeAttack], plate: Image) -> None:
    fake.fails = True
    attacker = Attacker(SETTINGS, "auto", is_live=is_live)
    attacker.offer(plate, plate, ALL, 0.0)
    wait_until(lambda: attacker.problem)
    assert attacker.problem == "the leak meter's attacker has stopped: no more memory"
    attacker.offer(plate, plate, ALL, 1.0)
    assert attacker.finish().n_frames == 0


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
