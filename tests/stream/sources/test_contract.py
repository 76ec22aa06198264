"""What every source promises; a new one joins by a line in `OPENERS`.

An opener gets an empty folder and the seeded source of chance and returns the open source and, for a source that
ends, how many frames it has. Of a source that does not end the suite reads `N_LIVE` frames.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from recordings import frames_of, moving_pictures, write_video
from scripted_camera import WEBCAM, EndlessCamera, Port, ToldConsumers

from config.schema import CameraSettings, ProtectSettings, VideoSettings
from pipelines.base import Frame
from stream.sinks.images import ImagesSink
from stream.sinks.video import VideoSink
from stream.sources.base import Source
from stream.sources.blank import BlankSource
from stream.sources.camera import CameraSource
from stream.sources.images import ImagesSource
from stream.sources.on_demand import OnDemandSource
from stream.sources.video import VideoSource

N_LIVE = 12


class Opened(NamedTuple):
    """A source, and how many frames it has (None: it does not end)."""

    source: Source
    n_frames: int | None


def open_mkv(folder: Path, rng: np.random.Generator) -> Opened:
    sink = VideoSink(folder / "a.mkv", 25.0, VideoSettings())
    for frame in frames_of(moving_pictures(rng, 20, 47, 65)):
        sink.write(frame)
    sink.close()
    return Opened(VideoSource(folder / "a.mkv"), 20)


def open_mp4(folder: Path, rng: np.random.Generator) -> Opened:
    return Opened(VideoSource(write_video(folder / "a.mp4", moving_pictures(rng, 20, 48, 64))), 20)


def open_rotated(folder: Path, rng: np.random.Generator) -> Opened:
    path = write_video(folder / "a.mp4", moving_pictures(rng, 20, 48, 64), rotation=90)
    return Opened(VideoSource(path), 20)


def open_raw(folder: Path, rng: np.random.Generator) -> Opened:
    """Open a file that is already BGR, so that nothing is converted on the way."""
    path = write_video(folder / "a.nut", moving_pictures(rng, 20, 48, 64), "rawvideo", "bgr24")
    return Opened(VideoSource(path), 20)


def open_gif(folder: Path, rng: np.random.Generator) -> Opened:
    path = write_video(folder / "a.gif", moving_pictures(rng, 20, 48, 64), "gif", "bgr8")
    return Opened(VideoSource(path), 20)


def open_images(folder: Path, rng: np.random.Generator) -> Opened:
    sink = ImagesSink(folder)
    for frame in frames_of(moving_pictures(rng, 20, 48, 64)):
        sink.write(frame)
    return Opened(ImagesSource(folder), 20)


def open_camera(folder: Path, rng: np.random.Generator) -> Opened:
    return Opened(_scripted_camera(rng), None)


def open_on_demand(folder: Path, rng: np.random.Generator) -> Opened:
    """Open a camera that somebody watches, and wait until it is on."""
    consumers = ToldConsumers()
    consumers.is_any = True
    source = OnDemandSource(_scripted_camera(rng), consumers, ProtectSettings())
    while (frame := source.read()) is not None and frame.is_placeholder:
        pass
    return Opened(source, None)


def _scripted_camera(rng: np.random.Generator) -> CameraSource:
    cameras = [EndlessCamera(*moving_pictures(rng, 20, 48, 64)) for _ in range(2)]
    return CameraSource(0, CameraSettings(), find=lambda: (WEBCAM,), open_camera=Port(*cameras), first_picture_s=5.0)


OPENERS = [
    pytest.param(open_mkv, id="mkv"),
    pytest.param(open_mp4, id="mp4"),
    pytest.param(open_rotated, id="rotated"),
    pytest.param(open_raw, id="raw"),
    pytest.param(open_gif, id="gif"),
    pytest.param(open_images, id="images"),
    pytest.param(open_camera, id="camera"),
    pytest.param(open_on_demand, id="on demand"),
    pytest.param(lambda *_: Opened(BlankSource("blank", 47, 65, 50.0), None), id="blank, live"),
    pytest.param(lambda *_: Opened(BlankSource("blank", 47, 65, 50.0, 20), 20), id="blank"),
]


@pytest.fixture(params=OPENERS)
def opened(request: pytest.FixtureRequest, tmp_path: Path, rng: np.random.Generator) -> Iterator[Opened]:
    opener: Callable[[Path, np.random.Generator], Opened] = request.param
    opened = opener(tmp_path, rng)
    yield opened
    opened.source.close()


def read(opened: Opened) -> list[Frame]:
    """Read to the end, or so many frames that a rule broken now and then shows."""
    frames: list[Frame] = []
    while opened.n_frames is not None or len(frames) < N_LIVE:
        frame = opened.source.read()
        if frame is None:
            break
        frames.append(frame)
    return frames


def test_every_frame_has_the_size_and_kind_that_were_told(opened: Opened) -> None:
    info = opened.source.info
    for frame in read(opened):
        assert frame.image.shape == (info.height, info.width, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
    assert opened.source.info == info


def test_what_is_told_is_true(opened: Opened) -> None:
    info = opened.source.info
    assert info.name
    assert "\n" not in info.name
    assert info.is_live == (opened.n_frames is None)
    assert info.rate_hz is None or info.rate_hz > 0
    assert "\n" not in opened.source.status
    n_frames = len(read(opened))
    if opened.n_frames is not None:
        assert n_frames == opened.n_frames
        assert info.n_frames in (None, n_frames)
    assert opened.source.status == ""


def test_times_never_decrease(opened: Opened) -> None:
    times_s = [frame.pts_s for frame in read(opened)]
    assert times_s == sorted(times_s)
    assert all(isinstance(time_s, float) for time_s in times_s)
    if opened.n_frames is not None:
        assert times_s[0] == 0.0
        assert times_s[-1] > 0.0


def test_no_array_is_written_again_or_shared(opened: Opened) -> None:
    frames, copies = [], []
    while (frame := opened.source.read()) is not None and len(frames) < N_LIVE:
        frames.append(frame)
        copies.append(frame.image.copy())
    opened.source.close()
    for i, (frame, copy) in enumerate(zip(frames, copies, strict=True)):
        np.testing.assert_array_equal(frame.image, copy)
        assert not any(np.shares_memory(frame.image, other.image) for other in frames[:i])


def test_the_end_is_the_end_from_then_on(opened: Opened) -> None:
    if opened.n_frames is None:
        pytest.skip("a live source has no end")
    read(opened)
    assert [opened.source.read() for _ in range(3)] == [None] * 3


def test_closing_again_does_nothing(opened: Opened) -> None:
    opened.source.read()
    opened.source.close()
    opened.source.close()


def test_it_can_be_closed_unread(opened: Opened) -> None:
    opened.source.close()
