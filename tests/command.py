"""What tests of the command line share."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from config.schema import VideoSettings
from pipelines.base import Frame
from stream.sinks.video import VideoSink


def write_video(path: Path, images: Iterable[np.ndarray]) -> None:
    """Write a recording of 25 frames a second by the command's own sink."""
    sink = VideoSink(path, 25.0, VideoSettings())
    for i, image in enumerate(images):
        sink.write(Frame(image, i / 25))
    sink.close()


def assert_one_line(code: int, errors: str, words: Iterable[str]) -> None:
    """See that a command ended with exit code 2 and one line that has these words."""
    assert code == 2, errors
    lines = errors.strip().splitlines()
    assert len(lines) == 1, errors
    assert lines[0].startswith("backroom: ")
    assert "Traceback" not in errors
    for word in words:
        assert word.lower() in lines[0].lower()
