"""Another client's picture is measured against the webcam: leaks of known size, none, and a picture that moves."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from compiled import IS_COMPILED
from moving_person import HEIGHT, RATE_HZ, WIDTH, Client, Scene

from config.schema import MeterSettings
from pipelines.base import Image
from pipelines.protection import audit as audit_module
from pipelines.protection.audit import WINDOW_S, Audit

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="millions of pixels are too many for kernels that are not")

LEAK_PX = 16
# Scaling, tint and noise take a part of the leak, and its last columns lie between room and backdrop.
SHARE_TOLERANCE = 0.2


class KnownPerson:
    """Finds the person in the client's pictures, since they are drawn."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.t = 0

    def probability(self, image: Image) -> np.ndarray:
        return self._scene.is_person_in_output(self.t).astype(np.float32)


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Audit]:
    """Run an audit over a scene; the client's picture changes its place at `moves_at`."""

    def run(
        scene: Scene, client: Client, moves_at: int | None = None, knows_room: bool = True, n_ahead: int = 0
    ) -> Audit:
        person = KnownPerson(scene)
        monkeypatch.setattr(audit_module, "open_segmenter", lambda _: person)
        audit = Audit(MeterSettings(attacks_hz=0), is_live=False)
        known = np.full((HEIGHT, WIDTH), knows_room)
        cameras = [scene.camera(t) for t in range(scene.n_frames)]

        def see_camera(t: int) -> None:
            if 0 <= t < scene.n_frames:
                audit.see_camera(cameras[t], scene.is_person(t).astype(np.float32), scene.room, known, t / RATE_HZ)

        for t in range(n_ahead):
            see_camera(t)
        for t in range(scene.n_frames):
            see_camera(t + n_ahead)
            person.t = t
            output = scene.output(t, cameras[t])
            if moves_at is not None and t >= moves_at:
                output = np.roll(output, 40, axis=1)
            audit.see_output(output, (t + client.lag_frames) / RATE_HZ)
        audit.finish()
        return audit

    return run


CLIENTS = {"as it is": Client(), "later, mirrored, larger": Client(8, mirrored=True, scale=1.25)}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_leak_of_known_size_is_measured_from_the_first_frame(
    name: str, audited: Callable[..., Audit], rng: np.random.Generator
) -> None:
    client = CLIENTS[name]
    scene = Scene(rng, client, leak_px=LEAK_PX)
    audit = audited(scene, client)
    assert audit.problem == ""
    expected = LEAK_PX * HEIGHT / (audit.exposures.room * HEIGHT * WIDTH)
    assert audit.exposures.beyond_chance == pytest.approx(expected, rel=SHARE_TOLERANCE)
    assert audit.exposures.n_frames >= 168  # those whose camera's frame had come
    report = json.loads(json.dumps(audit.report()))
    assert report["lag_s"] == pytest.approx(client.lag_frames / RATE_HZ, abs=0.03)
    assert ("mirrored" in report["registered"]) == client.mirrored
    shown = audit.shown_room()
    assert shown is not None
    np.testing.assert_array_equal(shown[..., :3], scene.room)
    assert (shown[..., 3] > 0).mean() == pytest.approx(audit.exposures.once * audit.exposures.room)


@pytest.mark.parametrize("n_ahead", [-10, 30])
def test_every_frame_is_measured_though_one_stream_comes_before_the_other(
    n_ahead: int, audited: Callable[..., Audit], rng: np.random.Generator
) -> None:
    scene = Scene(rng, Client(), n_frames=190)
    assert audited(scene, Client(), n_ahead=n_ahead).exposures.n_frames >= 190 + min(0, n_ahead)


def test_a_client_that_leaks_nothing_has_shown_nothing(audited: Callable[..., Audit], rng: np.random.Generator) -> None:
    audit = audited(Scene(rng, Client(), n_frames=90), Client())
    assert audit.exposures.beyond_chance < 0.005
    assert audit.exposures.n_frames == 90  # too few to register on the way: it is done at the end
    assert audit.figures()[0][0] == "Room shown once"


def test_a_room_that_is_not_known_is_not_measured(audited: Callable[..., Audit], rng: np.random.Generator) -> None:
    audit = audited(Scene(rng, Client(), n_frames=90, leak_px=LEAK_PX), Client(), knows_room=False)
    assert (audit.exposures.room, audit.exposures.once) == (0, 0)


def test_a_picture_that_moves_is_said_and_found_anew(audited: Callable[..., Audit], rng: np.random.Generator) -> None:
    n_before = round(WINDOW_S * RATE_HZ) + 5
    scene = Scene(rng, Client(), n_frames=2 * n_before + 60)
    audit = audited(scene, Client(), moves_at=n_before)
    assert audit.registration is not None
    assert audit.registration.camera_to_output[0, 2] == pytest.approx(40, abs=1)
    assert audit.notices() == []


def test_nothing_to_see_is_said(
    audited: Callable[..., Audit], rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KnownPerson, "probability", lambda self, image: np.zeros(image.shape[:2], np.float32))
    audit = audited(Scene(rng, Client()), Client())
    assert audit.exposures.n_frames == 0
    (notice,) = audit.notices()
    assert "the person is hardly to be seen" in notice
    assert audit.shown_room() is None
    assert audit.report()["registered"] is None
