"""Which way is taken, and several virtual cameras that open later."""

import sys
from pathlib import Path

import pytest
from scripted_camera import ToldConsumers

from stream.consumers import choose
from stream.consumers.base import AlwaysWatched, Consumers
from stream.consumers.choose import SinkConsumers, find_consumers
from stream.consumers.client_usage import ClientUsage


class Sink:
    """A virtual camera that opens when the test says so."""

    def __init__(self) -> None:
        self.device: str | None = None


@pytest.fixture
def device(tmp_path: Path) -> str:
    path = tmp_path / "video10"
    path.touch()
    return str(path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs inotify")
def test_a_driver_that_does_not_tell_has_its_opens_counted_and_the_reason_is_said(device: str) -> None:
    # A file is no device: its ioctl fails, and its opens are events all the same.
    consumers = find_consumers(device)
    assert not consumers.is_watched()
    assert consumers.can_tell
    assert consumers.how == (
        f"opens and closes of {device} are counted, as the driver does not tell who reads it "
        "(Inappropriate ioctl for device); v4l2loopback 0.13 and newer does"
    )
    consumers.close()


def test_where_neither_can_be_had_the_camera_stays_on_with_both_reasons(device: str) -> None:
    Path(device).unlink()
    consumers = find_consumers(device)
    assert isinstance(consumers, AlwaysWatched)
    assert consumers.is_watched()
    assert not consumers.can_tell
    assert "cannot be counted (No such file or directory)" in consumers.how
    assert "does not tell who reads it" in consumers.how


def test_the_drivers_own_word_comes_first(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = object.__new__(ClientUsage)
    monkeypatch.setattr(choose, "ClientUsage", lambda path: driver)
    assert find_consumers(device) is driver


@pytest.mark.parametrize("system", ["win32", "darwin", "freebsd14"])
def test_on_other_systems_the_camera_stays_on(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "_SYSTEM", system)
    consumers = find_consumers("OBS Virtual Camera")
    assert consumers.is_watched()
    assert consumers.how == "the camera stays on: this system does not tell who reads a virtual camera"


def test_nobody_watches_a_virtual_camera_that_is_not_open_yet() -> None:
    sink, told = Sink(), ToldConsumers()
    told.is_any = True
    found: list[str] = []

    def find(device: str) -> Consumers:
        found.append(device)
        return told

    consumers = SinkConsumers([sink], find)
    assert not consumers.is_watched()
    assert (consumers.how, consumers.can_tell) == ("", True)
    sink.device = "/dev/video10"
    assert consumers.is_watched()
    assert consumers.is_watched()
    assert found == ["/dev/video10"]
    consumers.close()
    assert told.is_closed.is_set()


def test_one_of_several_virtual_cameras_being_watched_is_enough_and_each_is_asked() -> None:
    sinks, told = (
        [Sink(), Sink()],
        {"/dev/video10": ToldConsumers("this way"), "/dev/video11": ToldConsumers("that way")},
    )
    consumers = SinkConsumers(sinks, told.__getitem__)
    for sink, device in zip(sinks, told, strict=True):
        sink.device = device
    assert not consumers.is_watched()
    told["/dev/video10"].is_any = True
    assert consumers.is_watched()
    assert [way.n_asked for way in told.values()] == [2, 2]
    assert consumers.how == "this way; that way"
    told["/dev/video11"].can_tell = False
    assert not consumers.can_tell
