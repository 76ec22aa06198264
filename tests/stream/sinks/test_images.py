"""The pictures sink: exact numbered PNG files that never mix with older ones."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from full_disk import files_no_longer_than
from recordings import frames_of, moving_pictures

from pipelines.base import Frame
from stream.sinks.base import SinkError
from stream.sinks.images import ImagesSink, save_png


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_frame_is_an_exact_numbered_png(tmp_path: Path, rng: np.random.Generator) -> None:
    pictures = [rng.integers(0, 256, (47, 65, 3), dtype=np.uint8) for _ in range(11)]
    folder = tmp_path / "deep" / "räume"
    sink = ImagesSink(folder)
    assert not folder.exists()
    for frame in frames_of(pictures):
        sink.write(frame)
    sink.close()
    assert names(folder) == [f"frame_{n:06d}.png" for n in range(1, 12)]
    for n, picture in enumerate(pictures, 1):
        data = np.fromfile(folder / f"frame_{n:06d}.png", np.uint8)
        np.testing.assert_array_equal(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), picture)


def test_a_folder_that_holds_frames_is_refused_with_the_remedy(tmp_path: Path, rng: np.random.Generator) -> None:
    sink = ImagesSink(tmp_path)
    sink.write(Frame(moving_pictures(rng, 1, 8, 8)[0], 0.0))
    with pytest.raises(SinkError, match=r"already holds frames .*; empty it or name another folder"):
        ImagesSink(tmp_path)


def test_other_files_in_the_folder_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    ImagesSink(tmp_path)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(SinkError, match="is a file, wanted a folder"):
        ImagesSink(tmp_path / "out")
    with pytest.raises(SinkError, match="cannot be made"):
        ImagesSink(tmp_path / "out" / "in").write(Frame(np.zeros((2, 2, 3), np.uint8), 0.0))


def test_a_full_disk_is_one_line_and_leaves_whole_pictures_only(tmp_path: Path, rng: np.random.Generator) -> None:
    sink = ImagesSink(tmp_path)
    sink.write(Frame(np.zeros((96, 128, 3), np.uint8), 0.0))
    noise = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    with files_no_longer_than(20_000), pytest.raises(SinkError, match=r"cannot be written .*; free some space"):
        sink.write(Frame(noise, 0.1))
    assert names(tmp_path) == ["frame_000001.png"]


def test_a_picture_with_alpha_is_saved_with_it(tmp_path: Path, rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (9, 7, 4), dtype=np.uint8)
    save_png(tmp_path / "room.png", picture)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "room.png"), cv2.IMREAD_UNCHANGED), picture)
