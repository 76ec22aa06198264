"""A camera that is on only while somebody watches: when it is taken and let go, and what is given meanwhile."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from guest import check_with_newer_driver
from scripted_camera import WEBCAM, EndlessCamera, Port, ToldConsumers

from config.schema import CameraSettings, ProtectSettings
from pipelines.base import Frame
from stream.consumers.base import AlwaysWatched
from stream.sources.base import CaptureError, RestingSource
from stream.sources.camera import CameraSource
from stream.sources.on_demand import NOBODY_WATCHES, OnDemandSource

# A read returns within a second by contract; the rest is for a busy machine.
CONTRACT_S = 1.0 + 0.4

OFF_AFTER_S = 0.4
SOON = ProtectSettings(camera_off_after_s=OFF_AFTER_S)
OFF_IN_GUEST_S = 1.0


def webcam(value: int) -> EndlessCamera:
    return EndlessCamera(np.full((48, 64, 3), value, np.uint8))


def open_camera(*cameras: EndlessCamera | CaptureError) -> CameraSource:
    settings = CameraSettings(retry_first_s=0.05, retry_longest_s=0.2)
    return CameraSource(0, settings, find=lambda: (WEBCAM,), open_camera=Port(*cameras), first_picture_s=5.0)


def read_until(source: OnDemandSource, wanted: Callable[[Frame], bool], longest_s: float = 10.0) -> list[Frame]:
    """Read on until a frame is as wanted; give all that were read, and hold each read to the contract."""
    frames: list[Frame] = []
    end_s = time.perf_counter() + longest_s
    while time.perf_counter() < end_s:
        started_s = time.perf_counter()
        frame = source.read()
        assert time.perf_counter() - started_s < CONTRACT_S
        assert frame is not None
        assert frame.image.shape == (48, 64, 3)
        frames.append(frame)
        if wanted(frame):
            return frames
    raise AssertionError(f"no such frame in {longest_s} s; status: {source.status}")


def is_picture(frame: Frame) -> bool:
    return not frame.is_placeholder


def test_a_camera_can_rest() -> None:
    camera = open_camera(webcam(1))
    assert isinstance(camera, RestingSource)
    camera.close()


def test_the_camera_is_on_only_while_somebody_watches_twice() -> None:
    webcams = [webcam(value) for value in (1, 2, 3)]
    room = ToldConsumers()
    source = OnDemandSource(open_camera(*webcams), room, SOON)
    frames: list[Frame] = []
    for i in (1, 2):
        assert webcams[i - 1].released.wait(2.0), "on while nobody watches"
        frames += read_until(source, lambda frame: frame.is_placeholder)
        assert source.status == NOBODY_WATCHES
        room.is_any = True
        came_s = time.perf_counter()
        frames += read_until(source, is_picture)
        assert time.perf_counter() - came_s < 1.0
        assert (frames[-1].image == i + 1).all()
        assert source.status == ""
        room.is_any = False
        left_s = time.perf_counter()
        frames += read_until(source, lambda frame: frame.is_placeholder)
        assert time.perf_counter() - left_s >= OFF_AFTER_S
    times_s = [frame.pts_s for frame in frames]
    assert times_s == sorted(times_s)
    source.close()
    source.close()
    assert source.read() is None
    assert room.is_closed.is_set()
    assert len(room.threads) == 1


def test_placeholders_come_often_enough_to_be_seen_live_and_not_in_a_rush() -> None:
    source = OnDemandSource(open_camera(webcam(1)), ToldConsumers(), SOON)
    read_until(source, lambda frame: frame.is_placeholder)
    pts_s = []
    for _ in range(3):
        (frame,) = read_until(source, lambda frame: True)
        assert frame.is_placeholder
        pts_s.append(frame.pts_s)
    source.close()
    assert all(0.2 < step_s < CONTRACT_S for step_s in np.diff(pts_s))


def test_a_reader_that_is_back_soon_finds_the_camera_still_on() -> None:
    camera = webcam(1)
    room = ToldConsumers()
    source = OnDemandSource(open_camera(webcam(9), camera), room, ProtectSettings())
    room.is_any = True
    read_until(source, is_picture)
    room.is_any = False
    time.sleep(0.3)
    room.is_any = True
    assert all(
        is_picture(frame) for frame in read_until(source, lambda frame: frame.pts_s > time.perf_counter() - 0.05)
    )
    assert not camera.released.is_set()
    source.close()


def test_a_camera_that_does_not_open_is_tried_again_while_somebody_watches() -> None:
    room = ToldConsumers()
    camera = open_camera(webcam(1), CaptureError("held by another program"), CaptureError("still"), webcam(7))
    source = OnDemandSource(camera, room, SOON)
    room.is_any = True
    frames = read_until(source, is_picture)
    assert (frames[-1].image == 7).all()
    source.close()


def test_where_nobody_can_tell_the_camera_stays_on_and_the_status_says_why() -> None:
    source = OnDemandSource(open_camera(webcam(1)), AlwaysWatched("a test"), SOON)
    read_until(source, is_picture)
    assert source.status == "the camera stays on: a test"
    assert source.report()["camera"] == {"on": "watched", "times_on": 1, "watching_known_by": source.status}
    source.close()


def test_a_camera_that_shall_always_be_on_is_and_may_be_told_so_while_it_rests() -> None:
    source = OnDemandSource(open_camera(webcam(1)), ToldConsumers(), SOON)
    read_until(source, lambda frame: frame.is_placeholder)
    assert source.absence == NOBODY_WATCHES
    source.apply(ProtectSettings(camera_on="always", camera_off_after_s=OFF_AFTER_S))
    read_until(source, is_picture)
    source.apply(SOON)
    read_until(source, lambda frame: frame.is_placeholder)
    source.close()


def test_a_fault_in_asking_is_raised_and_the_camera_let_go() -> None:
    camera = webcam(1)
    room = ToldConsumers()
    source = OnDemandSource(open_camera(webcam(9), camera), room, SOON)
    room.is_any = True
    read_until(source, is_picture)
    room.error = RuntimeError("a fault")
    with pytest.raises(CaptureError, match="asking who watches failed: a fault"):
        read_until(source, lambda frame: False)
    assert camera.released.wait(2.0)
    source.close()


# --- a real webcam, a virtual camera and a reader in the guest ---


@pytest.mark.guest("newer driver")
def test_a_real_camera_is_on_while_a_real_reader_is_there_twice() -> None:
    # The same where opens are counted: tests/stream/test_protect_in_guest.py.
    found = check_with_newer_driver()
    assert found["camera"]["watching_known_by"] == "the driver tells who reads the virtual camera"
    assert found["off at first"]
    assert len(found["visits"]) == found["camera"]["times_on"] == 2
    for visit in found["visits"]:
        assert not visit["before"]["is on"]
        assert visit["before"]["all"]
        assert visit["before"]["n"] >= 1
        # Opened within a second of the reader; the rest is for a busy machine.
        assert visit["on_after_s"] < 1.0 + 1.0
        assert visit["picture_after_s"] < 1.0 + 2.0
        assert visit["off_after_s"] < OFF_IN_GUEST_S + 2.0
    assert not found["after"]["is on"]
    assert found["after"]["all"]
    assert found["status"] == NOBODY_WATCHES
    assert not found["on after a look"], "listing the cameras is no watching"
