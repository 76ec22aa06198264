"""Backdrops from files: what is taken, by which rule, and one line for what is not."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from recordings import soft_picture

from stream.sources.backdrop import read_backdrop
from stream.sources.base import CaptureError


def test_a_picture_is_read_as_it_is(rng: np.random.Generator, tmp_path: Path) -> None:
    picture = soft_picture(rng, 40, 60)
    cv2.imwrite(str(tmp_path / "b.png"), picture)
    np.testing.assert_array_equal(read_backdrop(tmp_path / "b.png"), picture)


def test_grey_is_repeated_and_16_bits_are_rounded(rng: np.random.Generator, tmp_path: Path) -> None:
    picture = soft_picture(rng, 40, 60)
    cv2.imwrite(str(tmp_path / "grey.png"), picture[..., 0])
    np.testing.assert_array_equal(read_backdrop(tmp_path / "grey.png"), np.dstack([picture[..., 0]] * 3))
    cv2.imwrite(str(tmp_path / "deep.png"), np.minimum(picture * 257.0 + 100, 65535).astype(np.uint16))
    np.testing.assert_array_equal(read_backdrop(tmp_path / "deep.png"), picture)


def test_alpha_is_kept_only_where_it_says_something(rng: np.random.Generator, tmp_path: Path) -> None:
    picture = soft_picture(rng, 40, 60)
    alpha = np.full((40, 60), 255, np.uint8)
    cv2.imwrite(str(tmp_path / "opaque.png"), np.dstack([picture, alpha]))
    np.testing.assert_array_equal(read_backdrop(tmp_path / "opaque.png"), picture)
    alpha[:9] = 30
    cv2.imwrite(str(tmp_path / "part.png"), np.dstack([picture, alpha]))
    np.testing.assert_array_equal(read_backdrop(tmp_path / "part.png"), np.dstack([picture, alpha]))
    cv2.imwrite(str(tmp_path / "none.png"), np.dstack([picture, alpha * 0]))
    with pytest.raises(CaptureError, match="see-through all over"):
        read_backdrop(tmp_path / "none.png")


def test_a_rotation_that_a_camera_noted_is_carried_out(rng: np.random.Generator, tmp_path: Path) -> None:
    is_encoded, jpeg = cv2.imencode(".jpg", soft_picture(rng, 40, 60))
    assert is_encoded
    # An Exif segment that says: turn by a quarter (tag 0x0112, value 6).
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    data = jpeg.tobytes()
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "turned.jpg").write_bytes(data[:2] + segment + data[2:])
    assert read_backdrop(tmp_path / "turned.jpg").shape == (60, 40, 3)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_an_animation_is_refused(name: str, rng: np.random.Generator, tmp_path: Path) -> None:
    animation = cv2.Animation()
    animation.frames = [soft_picture(rng, 40, 60) for _ in range(3)]
    animation.durations = np.array([100, 100, 100])
    assert cv2.imwriteanimation(str(tmp_path / name), animation)
    with pytest.raises(CaptureError, match="holds several pictures") as error:
        read_backdrop(tmp_path / name)
    assert "\n" not in str(error.value)


def test_what_is_no_backdrop_is_refused_in_one_line(rng: np.random.Generator, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "small.png"), soft_picture(rng, 40, 60)[:15])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    wanted = {
        "missing.png": "no such file",
        "text.png": "not a picture",
        "empty.png": "not a picture",
        "small.png": "60x15, wanted at least 16x16",
        "": "is a folder",
    }
    for name, reason in wanted.items():
        with pytest.raises(CaptureError, match=reason) as error:
            read_backdrop(tmp_path / name)
        assert "\n" not in str(error.value)
