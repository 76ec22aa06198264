"""One pixel over time: roomg's own strip for its own video, and the table of colours."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from recordings import frames_of, moving_pictures

from config.schema import VideoSettings
from pipelines.base import Image
from stream.sinks.video import VideoSink
from stream.sources.base import CaptureError
from stream.tools.pixel import PixelColor, pixel_over_time


def record(path: Path, pictures: list[Image]) -> Path:
    sink = VideoSink(path, 25.0, VideoSettings())
    for frame in frames_of(pictures):
        sink.write(frame)
    sink.close()
    return path


def test_the_strip_of_roomgs_sample_equals_roomgs_own(shared: Path) -> None:
    expected = cv2.imread(str(shared / "data/roomg/sample_01_500_500_check.png"))
    history = pixel_over_time(shared / "data/roomg/sample_01.mp4", 500, 500, counted_from=1)
    np.testing.assert_array_equal(history.strip, expected)
    assert sum(color.n_frames for color in history.colors) == 608
    most = history.colors[0]
    assert most.hex == "#fe0000"
    assert most.first_frame == 0


def test_x_is_the_column_and_y_the_row_counted_from_the_top_left(tmp_path: Path, rng: np.random.Generator) -> None:
    pictures = moving_pictures(rng, 5, 48, 64)
    call = record(tmp_path / "a.mkv", pictures)
    for kwargs, (x, y) in (({}, (60, 3)), ({"counted_from": 1}, (61, 4))):
        seen: list[tuple[int, int | None]] = []
        history = pixel_over_time(call, x, y, progress=lambda *step, seen=seen: seen.append(step), **kwargs)
        assert history.strip.shape == (20, 5, 3)
        for t, picture in enumerate(pictures):
            assert (history.strip[:, t] == picture[3, 60]).all()
        assert seen == [(n, 5) for n in range(1, 6)]


def test_colors_are_counted_in_order_of_frequency_and_of_equals_the_first_seen(tmp_path: Path) -> None:
    red, cyan, grey, black = (0, 0, 254), (255, 170, 0), (7, 7, 7), (0, 0, 0)
    track = [grey, red, red, cyan, red, cyan, black, red]
    call = record(tmp_path / "a.mkv", [np.full((4, 4, 3), color, np.uint8) for color in track])
    colors = pixel_over_time(call, 0, 0).colors
    assert colors == (
        PixelColor(0, 0, 254, 4, 0.5, 1, 7),
        PixelColor(255, 170, 0, 2, 0.25, 3, 5),
        PixelColor(7, 7, 7, 1, 0.125, 0, 0),
        PixelColor(0, 0, 0, 1, 0.125, 6, 6),
    )
    assert [color.hex for color in colors] == ["#fe0000", "#00aaff", "#070707", "#000000"]


@pytest.mark.parametrize(
    ("x", "y", "counted_from"), [(10, 0, 0), (0, 8, 0), (-1, 0, 0), (0, -1, 0), (0, 1, 1), (11, 1, 1)]
)
def test_a_pixel_outside_is_one_line_with_the_range(x: int, y: int, counted_from: int, tmp_path: Path) -> None:
    call = record(tmp_path / "a.mkv", [np.zeros((8, 10, 3), np.uint8)])
    message = (
        rf"x {x}, y {y} is outside of its 10x8 pixels; "
        rf"x runs from {counted_from} to {9 + counted_from}, y from {counted_from} to {7 + counted_from}"
    )
    with pytest.raises(CaptureError, match=message):
        pixel_over_time(call, x, y, counted_from=counted_from)
