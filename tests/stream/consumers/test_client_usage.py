"""The driver's client-usage event against a scripted driver; a real one answers in the guest."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from stream.consumers import client_usage
from stream.consumers.client_usage import ClientUsage
from stream.open_files import openers_of


class Driver:
    """Plays v4l2loopback: an event for a new subscription, none for one that is there already."""

    def __init__(self, n_readers: int = 0, *, knows_the_event: bool = True) -> None:
        self.n_readers = n_readers
        self.knows_the_event = knows_the_event
        self.is_subscribed = False
        self.events: list[int] = []
        self.is_gone = False

    def __call__(self, handle: int, request: int, argument: Any) -> None:
        if self.is_gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        assert handle > 2
        if request == client_usage._DEQUEUE:
            if not self.events:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            argument.payload.count = self.events.pop(0)
        elif request == client_usage._UNSUBSCRIBE:
            self.is_subscribed, self.events = False, []
        elif not self.knows_the_event:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        elif not self.is_subscribed:
            assert argument.flags == 1, "the present state is to be sent at once"
            self.is_subscribed = True
            self.events.append(self.n_readers)


@pytest.fixture
def device(tmp_path: Path) -> str:
    path = tmp_path / "video10"
    path.touch()
    return str(path)


def test_the_requests_are_those_of_the_kernels_header() -> None:
    # linux/videodev2.h on a 64-bit system: struct v4l2_event has 136 bytes, the subscription 32.
    assert client_usage._DEQUEUE == 0x80885659
    assert client_usage._SUBSCRIBE == 0x4020565A
    assert client_usage._UNSUBSCRIBE == 0x4020565B
    assert client_usage._CLIENT_USAGE == 283115521
    assert client_usage._Event.payload.offset == 8


def test_each_question_is_answered_anew_so_that_a_lost_event_loses_nothing(device: str) -> None:
    driver = Driver()
    consumers = ClientUsage(device, driver)
    assert not consumers.is_watched()
    for n_readers in (1, 1, 2, 0, 0, 1):
        driver.n_readers = n_readers
        assert consumers.is_watched() == (n_readers > 0)
    assert consumers.can_tell
    consumers.close()
    consumers.close()


def test_a_driver_without_the_event_is_refused_and_the_device_let_go(device: str) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        ClientUsage(device, Driver(knows_the_event=False))
    assert openers_of(device).n_own == 0


def test_a_driver_that_answers_no_more_keeps_the_camera_on_and_says_so(device: str) -> None:
    driver = Driver()
    consumers = ClientUsage(device, driver)
    driver.is_gone = True
    assert consumers.is_watched()
    assert not consumers.can_tell
    assert consumers.how == (
        "the camera stays on: the driver no longer tells who reads the virtual camera (No such device)"
    )
    consumers.close()
