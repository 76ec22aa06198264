"""Another client's picture is brought back to the camera's: delay, place and colours, found on the person."""

import numpy as np
import pytest
from compiled import IS_COMPILED
from moving_person import HEIGHT, RATE_HZ, WIDTH, Client, Scene

from pipelines.protection.registration import Moment, Registration, moment, motion_lag, register

compiled_only = pytest.mark.skipif(not IS_COMPILED, reason="alignment needs kernels that are compiled")

CLIENTS = {
    "as it is": Client(),
    "later": Client(lag_frames=11),
    "mirrored, larger, cut, brighter": Client(9, mirrored=True, scale=1.5, cut_px=8, gain=1.05),
    "smaller": Client(4, scale=0.8),
}
# Half a frame: what a lag is rounded to.
LAG_TOLERANCE_S = 0.5 / RATE_HZ + 1e-6
# The person's pattern has slopes of about ten codes a pixel.
PLACE_TOLERANCE_PX = 0.5


def streams(scene: Scene, client: Client) -> tuple[list[Moment], list[Moment], list[np.ndarray]]:
    """Moments of camera and client, and the client's pictures."""
    cameras, outputs, pictures = [], [], []
    for t in range(scene.n_frames):
        camera = scene.camera(t)
        cameras.append(moment(camera, scene.is_person(t), t / RATE_HZ))
        pictures.append(scene.output(t, camera))
        shown_s = (t + client.lag_frames) / RATE_HZ
        outputs.append(moment(pictures[-1], scene.is_person_in_output(t), shown_s))
    return cameras, outputs, pictures


@compiled_only
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_is_found_and_undone(name: str, rng: np.random.Generator) -> None:
    client = CLIENTS[name]
    scene = Scene(rng, client)
    cameras, outputs, pictures = streams(scene, client)
    assert motion_lag(cameras, outputs) == pytest.approx(client.lag_frames / RATE_HZ, abs=0.1)
    found = register(cameras, outputs)
    assert isinstance(found, Registration), found
    assert found.lag_s == pytest.approx(client.lag_frames / RATE_HZ, abs=LAG_TOLERANCE_S)
    assert ("mirrored" in found.message) == client.mirrored
    back, is_covered = found.undone(pictures[50], HEIGHT, WIDTH)
    inside = scene.is_person(50) & is_covered
    # A pixel where it belongs, to within the slope of the pattern times the miss.
    off = np.abs(back[inside].astype(int) - cameras[50].image[inside]).mean()
    assert off < 10 * PLACE_TOLERANCE_PX
    assert is_covered.mean() == pytest.approx(1 - 2 * client.cut_px / HEIGHT, abs=0.03)


def test_without_a_person_there_is_none_and_the_reason_is_said(rng: np.random.Generator) -> None:
    cameras, outputs, _ = streams(Scene(rng, Client(), n_frames=80), Client())
    nobody = [moment(each.image, np.zeros_like(each.is_person), each.pts_s) for each in outputs]
    assert register(cameras, nobody) == "the person is hardly to be seen in one of the two"


@compiled_only
def test_another_camera_is_not_taken_for_this_one(rng: np.random.Generator) -> None:
    cameras, _, _ = streams(Scene(rng, Client(), n_frames=80), Client())
    _, outputs, _ = streams(Scene(rng, Client(), n_frames=80), Client())
    found = register(cameras, outputs)
    assert isinstance(found, str)
    assert "camera's picture is not used" in found
