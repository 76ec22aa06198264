"""The pictures source: natural order, every depth as 8 bits of BGR, and which file is to blame."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from full_disk import without_permission
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import moving_pictures, read_all, soft_picture

from pipelines.base import Image
from stream.sources.base import CaptureError
from stream.sources.images import ImagesSource, natural_order, read_picture


def save(path: Path, picture: np.ndarray) -> None:
    _, data = cv2.imencode(path.suffix.lower(), picture)
    data.tofile(path)


def only_image(folder: Path) -> Image:
    (frame,) = read_all(ImagesSource(folder))
    return frame.image


def test_pictures_come_in_the_order_in_which_people_count(tmp_path: Path) -> None:
    names = ["frame_2.png", "frame_10.png", "Frame_1.PNG", "frame_10b.png", "frame_010.png", "0.png", "z.png"]
    for i, name in enumerate(names):
        save(tmp_path / name, np.full((4, 6, 3), i, np.uint8))
    order = [names[frame.image[0, 0, 0]] for frame in read_all(ImagesSource(tmp_path))]
    assert order == [
        "0.png",
        "Frame_1.PNG",
        "frame_2.png",
        "frame_010.png",
        "frame_10.png",
        "frame_10b.png",
        "z.png",
    ]


@settings(max_examples=40)
@given(st.lists(st.text(max_size=6), max_size=8))
def test_any_names_can_be_ordered(names: list[str]) -> None:
    assert sorted(sorted(names, key=natural_order)) == sorted(names)


def test_times_follow_from_the_rate(tmp_path: Path, rng: np.random.Generator) -> None:
    for i, picture in enumerate(moving_pictures(rng, 5, 4, 6)):
        save(tmp_path / f"{i}.png", picture)
    source = ImagesSource(tmp_path, rate_hz=30.0)
    assert (source.info.rate_hz, source.info.n_frames, source.info.is_live) == (30.0, 5, False)
    assert (source.info.height, source.info.width) == (4, 6)
    assert [frame.pts_s for frame in read_all(source)] == [i / 30.0 for i in range(5)]


def test_one_picture_is_a_folder_of_one(tmp_path: Path, rng: np.random.Generator) -> None:
    pictures = moving_pictures(rng, 2, 4, 6)
    for i, picture in enumerate(pictures):
        save(tmp_path / f"{i}.png", picture)
    (frame,) = read_all(ImagesSource(tmp_path / "1.png"))
    np.testing.assert_array_equal(frame.image, pictures[1])


@pytest.mark.parametrize(("position_s", "first"), [(-1.0, 0), (0.0, 0), (0.29, 2), (0.3, 3), (99.0, 4)])
def test_a_folder_can_be_entered_anywhere(
    position_s: float, first: int, tmp_path: Path, rng: np.random.Generator
) -> None:
    pictures = moving_pictures(rng, 5, 4, 6)
    for i, picture in enumerate(pictures):
        save(tmp_path / f"{i}.png", picture)
    frames = read_all(ImagesSource(tmp_path, rate_hz=10.0).at(position_s))
    assert [frame.pts_s for frame in frames] == [i / 10.0 for i in range(first, 5)]
    np.testing.assert_array_equal(frames[0].image, pictures[first])


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "tiff", "webp"])
def test_lossless_kinds_are_exact(ending: str, tmp_path: Path, rng: np.random.Generator) -> None:
    picture = soft_picture(rng, 23, 31)
    path = tmp_path / f"räume 部屋.{ending}"
    options = [cv2.IMWRITE_WEBP_QUALITY, 101] if ending == "webp" else []
    cv2.imencode(path.suffix, picture, options)[1].tofile(path)
    np.testing.assert_array_equal(only_image(tmp_path), picture)


def test_a_jpeg_is_read_as_opencv_reads_it(tmp_path: Path, rng: np.random.Generator) -> None:
    save(tmp_path / "a.jpeg", soft_picture(rng, 23, 31))
    np.testing.assert_array_equal(only_image(tmp_path), cv2.imread(str(tmp_path / "a.jpeg")))


def test_sixteen_bits_are_rounded_to_eight(tmp_path: Path) -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    save(tmp_path / "a.png", values)
    expected = np.round(np.arange(65536) / 257).reshape(256, 256)
    image = only_image(tmp_path)
    for channel in range(3):
        np.testing.assert_array_equal(image[..., channel], expected)


def test_grey_is_repeated(tmp_path: Path, rng: np.random.Generator) -> None:
    grey = rng.integers(0, 256, (5, 7), dtype=np.uint8)
    save(tmp_path / "a.png", grey)
    np.testing.assert_array_equal(only_image(tmp_path), np.stack([grey] * 3, axis=-1))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_alpha_is_dropped_and_the_color_under_it_kept(
    depth: type[np.generic], tmp_path: Path, rng: np.random.Generator
) -> None:
    picture = rng.integers(0, 256, (5, 7, 4), dtype=np.uint8)
    picture[0, :, 3] = 0
    save(tmp_path / "a.png", picture.astype(depth) * (257 if depth is np.uint16 else 1))
    np.testing.assert_array_equal(only_image(tmp_path), picture[..., :3])
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png", keep_alpha=True), picture)


def test_what_is_no_picture_of_the_recording_is_left_out(tmp_path: Path, rng: np.random.Generator) -> None:
    save(tmp_path / "1.png", soft_picture(rng, 4, 6))
    (tmp_path / "frames.json").write_text("{}")
    (tmp_path / "._1.png").write_bytes(b"a file system's notes")
    (tmp_path / "small").mkdir()
    save(tmp_path / "small" / "2.png", soft_picture(rng, 2, 3))
    assert len(read_all(ImagesSource(tmp_path))) == 1


def test_an_odd_one_out_is_named_with_both_sizes(tmp_path: Path) -> None:
    for name, height in (("a1.png", 4), ("a2.png", 4), ("a3.png", 5)):
        save(tmp_path / name, np.zeros((height, 6, 3), np.uint8))
    source = ImagesSource(tmp_path)
    assert source.read() is not None
    assert source.read() is not None
    with pytest.raises(CaptureError, match=r"a3\.png is 6x5, the pictures before it are 6x4 .*; give all one size"):
        source.read()
    assert source.read() is None


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(30)])
@pytest.mark.parametrize("name", ["1.png", "3.png"])
def test_an_unreadable_picture_is_named(data: bytes, name: str, tmp_path: Path) -> None:
    save(tmp_path / "2.png", np.zeros((4, 6, 3), np.uint8))
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CaptureError, match=rf"{name} is not a picture .*; make a fresh copy") as error:
        read_all(ImagesSource(tmp_path))
    assert "\n" not in str(error.value)


def test_a_cut_off_picture_is_named(tmp_path: Path, rng: np.random.Generator) -> None:
    for ending in ("png", "jpg", "bmp", "webp"):
        path = tmp_path / f"a.{ending}"
        save(path, soft_picture(rng, 60, 80))
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(CaptureError, match="is not a picture that can be read"):
            read_picture(path)


def test_floating_point_pictures_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.tif", np.zeros((4, 6, 3), np.float32))
    with pytest.raises(CaptureError, match="holds float32 values, wanted 8 or 16 bits"):
        ImagesSource(tmp_path)


def test_a_folder_without_pictures_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"holds no picture; wanted files that end in \.png"):
        ImagesSource(tmp_path)
    with pytest.raises(CaptureError, match="no such folder; check"):
        ImagesSource(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(CaptureError, match="is a file, wanted a folder"):
        ImagesSource(tmp_path / "file")


def test_what_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.zeros((4, 6, 3), np.uint8))
    with without_permission(tmp_path / "a.png"), pytest.raises(CaptureError, match=r"denied\); check its perm"):
        read_picture(tmp_path / "a.png")
    with without_permission(tmp_path), pytest.raises(CaptureError, match=r"denied\); check its permissions"):
        ImagesSource(tmp_path)
