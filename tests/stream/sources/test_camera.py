"""The webcam source: which camera is meant, what is said when it is lost, and a real one in the guest.

Losses are played by a scripted camera, so that each can be had at will; the guest has a webcam of the kernel's
(vivid) with exact colour bars, which is really unplugged, and a loopback that really falls silent.
"""

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from guest import check_of_guest
from scripted_camera import WEBCAM, Port, ScriptedCamera

from config.schema import CameraSettings
from pipelines.base import Frame
from stream.sources.base import CaptureError
from stream.sources.camera import CameraSource
from stream.sources.camera_device import FoundCamera, choose_camera
from stream.sources.fitting import letterbox, to_bgr

QUICK = CameraSettings(retry_first_s=0.05, retry_longest_s=0.2)

# A read returns within a second by contract; the rest is for a busy machine.
CONTRACT_S = 1.0 + 0.4

METADATA = FoundCamera(1, "Integrated Camera", "/dev/video1", trouble="gives no pictures")
INFRARED = FoundCamera(2, "Integrated IR", "/dev/video2")
LOOPBACK = FoundCamera(10, "Backroom", "/dev/video10", is_virtual=True)


def picture(value: int, height: int = 48, width: int = 64) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), value, np.uint8)


def open_source(
    port: Port, found: tuple[FoundCamera, ...] = (WEBCAM,), settings: CameraSettings = QUICK
) -> CameraSource:
    return CameraSource(0, settings, find=lambda: found, open_camera=port, first_picture_s=5.0)


def read_until(source: CameraSource, wanted: Callable[[Frame], bool], longest_s: float = 10.0) -> Frame:
    """Read on until a frame is as wanted, holding every read to the contract."""
    end_s = time.perf_counter() + longest_s
    while time.perf_counter() < end_s:
        started_s = time.perf_counter()
        frame = source.read()
        assert time.perf_counter() - started_s < CONTRACT_S
        assert frame is not None
        if wanted(frame):
            return frame
    raise AssertionError(f"no such frame in {longest_s} s; status: {source.status}")


# --- which camera ---


@pytest.mark.parametrize(
    ("target", "chosen"),
    [
        (None, WEBCAM),
        (2, INFRARED),
        ("2", INFRARED),
        ("/dev/video10", LOOPBACK),
        ("backroom", LOOPBACK),
        ("integrated camera", WEBCAM),
        ("ir", INFRARED),
    ],
)
def test_a_camera_is_meant_by_index_file_or_part_of_its_name(target: int | str | None, chosen: FoundCamera) -> None:
    assert choose_camera(target, (LOOPBACK, METADATA, WEBCAM, INFRARED)) == chosen


@pytest.mark.parametrize(
    ("target", "found", "message"),
    [
        ("integrated", (WEBCAM, INFRARED), r"several match .*'Integrated Camera'.*'Integrated IR'"),
        ("logitech", (WEBCAM,), r"'logitech': not there; found: /dev/video0 'Integrated Camera'"),
        (3, (WEBCAM,), r"camera 3: not there"),
        (None, (), r"found: none at all; plug a camera in"),
        (None, (METADATA,), r"no camera that can be used; found: .*gives no pictures"),
        (1, (WEBCAM, METADATA), r"/dev/video1 'Integrated Camera' \(gives no pictures\)"),
    ],
)
def test_a_camera_that_cannot_be_meant_is_refused_with_what_was_found(
    target: int | str | None, found: tuple[FoundCamera, ...], message: str
) -> None:
    with pytest.raises(CaptureError, match=message):
        choose_camera(target, found)


# --- pictures ---


def test_any_pixel_format_becomes_bgr(rng: np.random.Generator) -> None:
    bgr = rng.integers(0, 256, (5, 7, 3), np.uint8)
    grey = bgr[:, :, 0]
    assert to_bgr(bgr) is bgr
    np.testing.assert_array_equal(to_bgr(grey), np.dstack([grey] * 3))
    np.testing.assert_array_equal(to_bgr(grey[:, :, None]), np.dstack([grey] * 3))
    np.testing.assert_array_equal(to_bgr(grey.astype(np.uint16) * 256 + 77), np.dstack([grey] * 3))
    np.testing.assert_array_equal(to_bgr(np.dstack([bgr, grey])), bgr)
    yuyv = np.zeros((2, 4, 2), np.uint8)
    yuyv[:, :, 0], yuyv[:, :, 1] = 126, 128
    # Studio luma 126 is (126 - 16) * 255 / 219 = 128 in full range.
    np.testing.assert_allclose(to_bgr(yuyv), 128, atol=1)
    with pytest.raises(ValueError, match="wanted uint8"):
        to_bgr(np.zeros((5, 7, 5), np.uint8))


def test_another_shape_is_letterboxed_with_black_and_not_stretched() -> None:
    boxed = letterbox(picture(200, height=100, width=100), 48, 64)
    assert boxed.shape == (48, 64, 3)
    assert (boxed[:, 8:56] == 200).all()
    assert not boxed[:, :8].any()
    assert not boxed[:, 56:].any()


# --- the scripted camera ---


def test_pictures_come_as_the_camera_gives_them() -> None:
    camera = ScriptedCamera(rate_hz=25.0).plays(picture(1))
    source = open_source(Port(camera))
    assert (source.info.height, source.info.width, source.info.rate_hz) == (48, 64, 25.0)
    assert source.info.is_live
    for value in (1, 2, 3):
        frame = source.read()
        assert frame is not None
        assert (frame.image == value).all()
        assert not frame.is_placeholder
        camera.plays(picture(value + 1))
    source.close()
    source.close()
    assert source.read() is None
    assert camera.released.is_set()


def test_a_lost_camera_gives_placeholders_until_it_is_back() -> None:
    first = ScriptedCamera().plays(picture(1), None)
    second = ScriptedCamera()
    port = Port(first, CaptureError("the port is empty"), CaptureError("the port is empty"), second)
    source = open_source(port)
    read_until(source, lambda frame: (frame.image == 1).all())
    lost = read_until(source, lambda frame: frame.is_placeholder)
    assert lost.image.shape == (48, 64, 3)
    assert first.released.is_set()
    assert source.status.startswith("camera lost, trying again")
    second.plays(picture(9))
    back = read_until(source, lambda frame: not frame.is_placeholder)
    assert (back.image == 9).all()
    assert back.pts_s >= lost.pts_s
    assert source.status == ""
    second.plays(None)
    source.close()


def test_placeholders_come_at_least_once_a_second_and_not_in_a_rush() -> None:
    source = open_source(Port(ScriptedCamera().plays(picture(1), None), CaptureError("the port is empty")))
    read_until(source, lambda frame: frame.is_placeholder)
    pts_s = []
    for _ in range(4):
        frame = source.read()
        assert frame is not None
        assert frame.is_placeholder
        pts_s.append(frame.pts_s)
    source.close()
    assert all(0.3 < step_s < CONTRACT_S for step_s in np.diff(pts_s))


def test_the_wait_between_two_tries_doubles_up_to_the_longest() -> None:
    port = Port(ScriptedCamera().plays(picture(1), None), CaptureError("the port is empty"))
    source = open_source(port)
    read_until(source, lambda frame: len(port.opened_s) > 6)
    source.close()
    waits_s = np.diff(port.opened_s)[1:5]
    # Only the lower bound is the program's: a busy machine waits longer.
    assert all(waits_s >= np.array([0.1, 0.2, 0.2, 0.2]) - 0.01)


def test_a_camera_whose_read_blocks_neither_holds_up_read_nor_close() -> None:
    camera = ScriptedCamera().plays(picture(1), ScriptedCamera.SILENCE)
    source = open_source(Port(camera))
    read_until(source, lambda frame: frame.is_placeholder)
    assert source.status == "camera lost, trying again (it gives no pictures)"
    started_s = time.perf_counter()
    source.close()
    assert time.perf_counter() - started_s < 2.0
    assert not camera.released.is_set()
    camera.unblocked.set()
    assert camera.released.wait(5.0), "the camera's thread must let go once OpenCV returns"


def test_a_camera_that_is_back_at_another_size_is_fitted_into_the_first() -> None:
    second = ScriptedCamera().plays(picture(200, height=96, width=96))
    source = open_source(Port(ScriptedCamera().plays(picture(1), None), second))
    back = read_until(source, lambda frame: not frame.is_placeholder and frame.image.max() == 200)
    assert back.image.shape == (48, 64, 3)
    assert (back.image[:, 8:56] == 200).all()
    assert source.status == "the camera gives 96x96 now, scaled to the 64x48 of before"
    second.plays(None)
    source.close()


def test_no_other_camera_steps_in_for_a_lost_one() -> None:
    found = [WEBCAM, INFRARED]
    port = Port(ScriptedCamera().plays(picture(1), None), ScriptedCamera().plays(*[picture(9)] * 3, None))
    source = CameraSource(None, QUICK, find=lambda: found, open_camera=port, first_picture_s=5.0)
    found[:] = [INFRARED]
    frame = read_until(source, lambda frame: frame.is_placeholder)
    assert frame.is_placeholder
    assert "'Integrated Camera' is not plugged in" in source.status
    moved = FoundCamera(4, "Integrated Camera", "/dev/video4")
    found[:] = [INFRARED, moved]
    read_until(source, lambda frame: not frame.is_placeholder and (frame.image == 9).all())
    source.close()
    assert port.opened == [WEBCAM, moved]


def test_what_the_camera_gives_instead_is_told() -> None:
    camera = ScriptedCamera(note="the camera gives 640x480 instead of 1280x720").plays(picture(1))
    source = open_source(Port(camera))
    assert source.status == "the camera gives 640x480 instead of 1280x720"
    camera.plays(None)
    source.close()


def test_a_camera_that_does_not_open_ends_with_the_reason() -> None:
    with pytest.raises(CaptureError, match="held by another program"):
        open_source(Port(CaptureError("held by another program")))


def test_a_camera_that_never_gives_a_picture_is_given_up_in_time() -> None:
    camera = ScriptedCamera().plays(ScriptedCamera.SILENCE)
    started_s = time.perf_counter()
    with pytest.raises(CaptureError, match=r"no picture in 0.3 s; unplug it"):
        CameraSource(0, QUICK, find=lambda: (WEBCAM,), open_camera=Port(camera), first_picture_s=0.3)
    assert time.perf_counter() - started_s < 3.0
    camera.unblocked.set()


def test_a_fault_in_the_program_is_raised_and_not_tried_again() -> None:
    class Broken(ScriptedCamera):
        def release(self) -> None:
            raise RuntimeError("a fault")

    source = open_source(Port(Broken().plays(picture(1), None)))
    with pytest.raises(CaptureError, match="a fault"):
        read_until(source, lambda frame: False)
    source.close()


# --- a camera that rests ---


def test_a_camera_that_rests_is_let_go_and_gives_placeholders_with_the_reason() -> None:
    camera = ScriptedCamera().plays(picture(1), picture(2))
    source = open_source(Port(camera))
    source.rest("camera off: a test")
    frame = read_until(source, lambda frame: frame.is_placeholder)
    assert frame.image.shape == (48, 64, 3)
    assert not np.isin(frame.image, (1, 2)).any()
    camera.plays(picture(3))
    assert camera.released.wait(5.0)
    assert source.status == "camera off: a test"
    assert read_until(source, lambda frame: True).is_placeholder
    source.close()


def test_a_camera_that_is_taken_again_after_a_rest_is_the_same_and_at_the_same_size() -> None:
    first, second = ScriptedCamera().plays(picture(1)), ScriptedCamera()
    found = [WEBCAM, INFRARED]
    port = Port(first, second)
    source = CameraSource(None, QUICK, find=lambda: found, open_camera=port, first_picture_s=5.0)
    source.rest("camera off: a test")
    first.plays(picture(2))
    assert first.released.wait(5.0)
    resting = read_until(source, lambda frame: frame.is_placeholder)
    found[:] = [INFRARED, FoundCamera(4, "Integrated Camera", "/dev/video4")]
    source.rest("")
    opening = read_until(source, lambda frame: True)
    assert opening.is_placeholder
    assert source.status == "the camera is being opened"
    second.plays(picture(200, height=96, width=96))
    back = read_until(source, lambda frame: not frame.is_placeholder)
    assert back.image.shape == (48, 64, 3)
    assert back.image.max() == 200
    assert resting.pts_s <= opening.pts_s <= back.pts_s
    assert port.opened[-1].path == "/dev/video4"
    second.plays(None)
    source.close()


def test_a_camera_that_cannot_be_taken_again_is_tried_again() -> None:
    first, second = ScriptedCamera().plays(picture(1)), ScriptedCamera().plays(picture(9))
    port = Port(first, CaptureError("held by another program"), CaptureError("held by another program"), second)
    source = open_source(port)
    source.rest("camera off: a test")
    first.plays(None)
    assert first.released.wait(5.0)
    assert source.status == "camera off: a test", "that it is let go is no loss"
    source.rest("")
    back = read_until(source, lambda frame: not frame.is_placeholder)
    assert (back.image == 9).all()
    assert len(port.opened) == 4
    second.plays(None)
    source.close()


def test_a_camera_that_rests_between_two_tries_is_not_tried_until_the_rest_is_over() -> None:
    port = Port(ScriptedCamera().plays(picture(1), None), CaptureError("the port is empty"))
    source = open_source(port)
    read_until(source, lambda frame: len(port.opened_s) > 1)
    source.rest("camera off: a test")
    n_opened = len(port.opened_s)
    time.sleep(0.5)
    assert len(port.opened_s) <= n_opened + 1
    source.rest("")
    read_until(source, lambda frame: len(port.opened_s) > n_opened + 1)
    assert source.status == "camera lost, trying again (the port is empty)"
    source.close()


def test_a_camera_that_rests_is_closed_at_once() -> None:
    camera = ScriptedCamera().plays(picture(1))
    source = open_source(Port(camera))
    source.rest("camera off: a test")
    camera.plays(picture(2))
    assert camera.released.wait(5.0)
    started_s = time.perf_counter()
    source.close()
    assert time.perf_counter() - started_s < 0.9
    assert source.read() is None


# --- a real webcam in the guest ---

BARS = [[191, 191, 191], [0, 191, 191], [191, 191, 0], [0, 191, 0], [191, 0, 191], [0, 0, 191], [191, 0, 0], [0, 0, 0]]
"""vivid's colour bars, 75 %: white, yellow, cyan, green, magenta, red, blue, black, as BGR."""


@pytest.mark.guest
def test_a_real_webcam_is_found_by_name_and_its_colour_bars_are_exact() -> None:
    found = check_of_guest("camera_unplugged_and_replugged")
    assert found["name"] == "camera vivid-000-vid-cap (640x360)"
    assert found["bars"]["shape"] == [360, 640, 3]
    assert found["bars"]["bars"] == BARS
    assert found["status"] == "the camera gives BGR3 instead of MJPG"
    # vivid gives 30 a second; emulation on a busy machine may be slower, but no picture is given twice.
    assert 5 < found["got_hz"] < 35


@pytest.mark.guest
def test_a_webcam_that_is_unplugged_gives_placeholders_and_plugged_in_again_gives_its_bars() -> None:
    found = check_of_guest("camera_unplugged_and_replugged")
    lost = [found["lost"], *found["still lost"]]
    assert all(frame["is_placeholder"] and frame["shape"] == [360, 640, 3] for frame in lost)
    assert all(frame["longest_read_s"] < CONTRACT_S for frame in lost)
    assert found["status lost"] == "camera lost, trying again ('vivid-000-vid-cap' is not plugged in)"
    assert found["back"]["bars"] == BARS
    assert found["back"]["longest_read_s"] < CONTRACT_S
    assert found["status back"] == found["status"]
    assert found["close_s"] < 2.0


@pytest.mark.guest
def test_a_loopback_whose_writer_stops_blocks_neither_read_nor_close() -> None:
    # OpenCV blocks ten seconds in such a read.
    found = check_of_guest("loopback_whose_writer_stops")
    assert found["written"]["bars"] == [[100, 100, 100]] * 8
    assert found["lost"]["is_placeholder"]
    assert found["lost"]["took_s"] < 3.0
    assert found["lost"]["longest_read_s"] < CONTRACT_S
    assert found["close_s"] < 2.0


@pytest.mark.guest
def test_a_loopback_without_a_writer_is_refused_at_once_with_the_remedy() -> None:
    found = check_of_guest("loopback_whose_writer_stops")["without a writer"]
    assert "no program writes to; start that program first" in found["message"]
    assert found["took_s"] < 2.0


@pytest.mark.guest
def test_a_webcam_in_use_is_refused_with_the_program_that_uses_it() -> None:
    found = check_of_guest("camera_in_use")
    assert "/dev/video0 is in use by python" in found["message"]
    assert "close that program" in found["message"]


@pytest.mark.guest
def test_cameras_without_permission_are_listed_with_the_command_that_gives_it() -> None:
    listed = check_of_guest("cameras_listed")["as nobody"]
    assert len(listed) == 3
    assert all("sudo usermod -a -G video $USER" in camera for camera in listed)
