"""What every sink promises; a new one joins by a line in `OPENERS`.

An opener gets an empty folder and returns the sink, not yet written to, and a function that closes nothing and
returns the pictures stored so far, or None for a sink that stores none (a display).
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from recordings import frames_of, moving_pictures, read_all

from config.schema import VideoSettings
from pipelines.base import Frame, Image
from stream.sinks.base import Sink, SinkError
from stream.sinks.images import ImagesSink
from stream.sinks.video import VideoSink
from stream.sources.images import ImagesSource
from stream.sources.video import VideoSource


class Opened(NamedTuple):
    """A sink and how to look at what it stored, exactly or at all, once it is closed."""

    sink: Sink
    stored: Callable[[], list[Image]] | None
    is_exact: bool = True


def open_mkv(folder: Path) -> Opened:
    path = folder / "out.mkv"
    return Opened(VideoSink(path, 25.0, VideoSettings()), lambda: images_of(VideoSource(path)))


def open_mp4(folder: Path) -> Opened:
    path = folder / "out.mp4"
    return Opened(VideoSink(path, 25.0, VideoSettings()), lambda: images_of(VideoSource(path)), is_exact=False)


def open_images(folder: Path) -> Opened:
    return Opened(ImagesSink(folder / "out"), lambda: images_of(ImagesSource(folder / "out")))


OPENERS = [
    pytest.param(open_mkv, id="mkv"),
    pytest.param(open_mp4, id="mp4"),
    pytest.param(open_images, id="images"),
]

HEIGHT, WIDTH = 48, 64


def images_of(source: VideoSource | ImagesSource) -> list[Image]:
    return [frame.image for frame in read_all(source)]


@pytest.fixture(params=OPENERS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    opener: Callable[[Path], Opened] = request.param
    return opener(tmp_path)


def test_it_names_itself_in_one_line_before_it_is_open(opened: Opened) -> None:
    assert opened.sink.name
    assert "\n" not in opened.sink.name
    assert isinstance(opened.sink.is_live, bool)
    opened.sink.close()


def test_it_stores_every_frame_in_order(opened: Opened, rng: np.random.Generator) -> None:
    pictures = moving_pictures(rng, 7, HEIGHT, WIDTH)
    for frame in frames_of(pictures, start_s=3.0):
        opened.sink.write(frame)
    opened.sink.close()
    if opened.stored is None:
        return
    stored = opened.stored()
    assert len(stored) == len(pictures)
    for i, image in enumerate(stored):
        errors = [np.abs(image.astype(int) - picture).mean() for picture in pictures]
        assert np.argmin(errors) == i
        assert errors[i] == 0 or not opened.is_exact


def test_it_leaves_the_frame_alone_and_needs_it_no_longer(opened: Opened, rng: np.random.Generator) -> None:
    pictures = moving_pictures(rng, 4, HEIGHT, WIDTH)
    for frame in frames_of([picture.copy() for picture in pictures]):
        before = frame.image.copy()
        opened.sink.write(frame)
        np.testing.assert_array_equal(frame.image, before)
        frame.image[:] = 0  # the sender may use the memory again
    opened.sink.close()
    if opened.stored is not None and opened.is_exact:
        for image, picture in zip(opened.stored(), pictures, strict=True):
            np.testing.assert_array_equal(image, picture)


def test_it_takes_read_only_frames(opened: Opened, rng: np.random.Generator) -> None:
    for frame in frames_of(moving_pictures(rng, 2, HEIGHT, WIDTH)):
        frame.image.flags.writeable = False
        opened.sink.write(frame)
    opened.sink.close()


def test_another_size_is_one_line_with_both_sizes_and_what_came_before_stays(
    opened: Opened, rng: np.random.Generator
) -> None:
    first, second = moving_pictures(rng, 2, HEIGHT, WIDTH)
    opened.sink.write(Frame(first, 0.0))
    opened.sink.write(Frame(second, 0.04))
    with pytest.raises(SinkError, match=r"64x50.*64x48") as error:
        opened.sink.write(Frame(np.zeros((50, WIDTH, 3), np.uint8), 0.08))
    assert "\n" not in str(error.value)
    opened.sink.close()
    if opened.stored is not None:
        assert len(opened.stored()) == 2


def test_closing_again_does_nothing(opened: Opened, rng: np.random.Generator) -> None:
    opened.sink.write(Frame(moving_pictures(rng, 1, HEIGHT, WIDTH)[0], 0.0))
    opened.sink.close()
    opened.sink.close()


def test_closing_unopened_leaves_nothing_behind(opened: Opened, tmp_path: Path) -> None:
    opened.sink.close()
    opened.sink.close()
    assert list(tmp_path.iterdir()) == []
