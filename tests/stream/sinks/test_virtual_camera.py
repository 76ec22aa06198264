"""The virtual camera: when it is opened, what is said when it cannot be, and a real one read in the guest."""

from typing import Any

import numpy as np
import pytest
from guest import check_of_guest

from pipelines.base import Frame
from stream.sinks.base import SinkError
from stream.sinks.virtual_camera import VirtualCameraSink, virtual_camera_remedy

# I420 halves the colour resolution and rounds twice (to studio range and back): measured .86 on colour ramps.
CODEC_MEAN_ERROR = 1.5
CODEC_WORST_ERROR = 8


class Backend:
    """Plays pyvirtualcam: keeps what it is opened with and what it is sent."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.opened: list[tuple[int, int, float, str | None]] = []
        self.sent: list[np.ndarray] = []
        self.n_closed = 0
        self.device = "/dev/video10"

    def __call__(self, width: int, height: int, rate_hz: float, device: str | None) -> "Backend":
        self.opened.append((width, height, rate_hz, device))
        if self.error is not None:
            raise self.error
        return self

    def send(self, frame: np.ndarray) -> None:
        self.sent.append(frame)

    def close(self) -> None:
        self.n_closed += 1


def frame(image: np.ndarray) -> Frame:
    return Frame(image, 0.0)


def test_it_is_opened_by_the_first_frame_at_its_size_and_rate(rng: np.random.Generator) -> None:
    backend = Backend()
    sink = VirtualCameraSink(None, 25.0, open_camera=backend)
    assert sink.is_live
    assert sink.name == "virtual camera"
    assert not backend.opened
    images = rng.integers(0, 256, (2, 48, 64, 3), np.uint8)
    for image in images:
        sink.write(frame(image))
    assert backend.opened == [(64, 48, 25.0, None)]
    assert sink.name == "virtual camera /dev/video10"
    np.testing.assert_array_equal(backend.sent, images)
    sink.close()
    sink.close()
    assert backend.n_closed == 1


def test_an_odd_size_is_padded_by_repeating_the_last_line(rng: np.random.Generator) -> None:
    backend = Backend()
    image = rng.integers(0, 256, (47, 63, 3), np.uint8)
    sink = VirtualCameraSink(None, 30.0, open_camera=backend)
    sink.write(frame(image))
    assert backend.opened[0][:2] == (64, 48)
    np.testing.assert_array_equal(backend.sent[0], np.pad(image, ((0, 1), (0, 1), (0, 0)), mode="edge"))


def test_a_frame_of_another_size_is_refused(rng: np.random.Generator) -> None:
    sink = VirtualCameraSink(None, 30.0, open_camera=Backend())
    sink.write(frame(np.zeros((48, 64, 3), np.uint8)))
    with pytest.raises(SinkError, match="got a frame of 64x50, wanted 64x48"):
        sink.write(frame(np.zeros((50, 64, 3), np.uint8)))


def test_every_back_end_that_failed_is_named_with_its_reason() -> None:
    error = RuntimeError("'obs' backend: not installed.\n'unitycapture' backend: no such device.")
    sink = VirtualCameraSink(None, 30.0, open_camera=Backend(error))
    with pytest.raises(
        SinkError, match=r"'obs' backend: not installed; 'unitycapture' backend: no such device; "
    ) as told:
        sink.write(frame(np.zeros((48, 64, 3), np.uint8)))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("linux", "sudo modprobe v4l2loopback exclusive_caps=1 card_label=Backroom"),
        ("win32", "OBS Studio"),
        ("darwin", "OBS Studio 30"),
        ("freebsd14", "Linux with v4l2loopback"),
    ],
)
def test_the_remedy_is_the_systems_own(system: str, words: str) -> None:
    assert words in virtual_camera_remedy(system)


# --- a real v4l2loopback in the guest ---


@pytest.mark.guest
@pytest.mark.parametrize(("size", "shape"), [("640x480", [480, 640, 3]), ("641x361", [362, 642, 3])])
def test_another_program_reads_the_frames_within_the_codecs_error(size: str, shape: list[int]) -> None:
    found: dict[str, Any] = check_of_guest("virtual_camera_read_by_another")[size]
    assert found["name"] == "virtual camera /dev/video10"
    assert found["shape"] == shape
    assert found["mean_error"] < CODEC_MEAN_ERROR
    assert found["worst_error"] <= CODEC_WORST_ERROR


@pytest.mark.guest
def test_it_can_be_started_again_and_again() -> None:
    # A driver of Debian 12's age refuses the second start if nobody helps it.
    found = check_of_guest("virtual_camera_started_again")
    assert found["names"] == ["virtual camera /dev/video10"] * 3
    assert found["mean_error"] < CODEC_MEAN_ERROR


@pytest.mark.guest
def test_a_device_that_another_program_left_unwritable_is_mended() -> None:
    found = check_of_guest("virtual_camera_left_broken_by_another")
    assert found["is_broken"], "the driver in the guest no longer has the fault that this test is about"
    assert found["opened"]["message"] == ""


@pytest.mark.guest
def test_a_size_that_a_viewer_holds_is_told_and_nothing_garbled_is_sent() -> None:
    message = check_of_guest("virtual_camera_started_again")["other size"]["message"]
    assert "set to 640x480 by python" in message
    assert "got 640x360; close that program" in message


@pytest.mark.guest
@pytest.mark.parametrize(
    ("device", "reason"),
    [
        ("/dev/video0", "is not a video output device"),
        ("/dev/video42", "does not exist"),
        ("42", "Device /dev/video42 does not exist"),
        ("no such label", "not there"),
    ],
)
def test_a_device_that_is_no_virtual_camera_is_refused_with_those_that_are(device: str, reason: str) -> None:
    message = check_of_guest("virtual_camera_refused")[device]["message"]
    assert reason in message
    assert "there are: /dev/video10 'Backroom', /dev/video11 'Second'" in message
