"""What may stand after ``--background``, and one line on what may not."""

import cv2
import numpy as np
import pytest

from config.loader import load_profile
from pipelines.protection.backgrounds import BLUR_WARNING, BackgroundError
from stream.backgrounds.open import open_background
from stream.backgrounds.video import StreamTime


def opened(text, **noise):
    flags = {"protect.background": str(text)} | {f"noise.{key}": value for key, value in noise.items()}
    return open_background(load_profile("default", flags), StreamTime())


def first_picture(background):
    background.pictures.warm_up(36, 64)
    return background.pictures.picture(np.zeros((36, 64, 3), np.uint8), np.zeros((36, 64), np.float32))


def test_a_colour_has_nothing_to_be_said():
    assert opened("#102030").note() == ""
    assert (first_picture(opened("#102030")) == (0x30, 0x20, 0x10)).all()


def test_noise_may_stand_alone_or_lie_on_any_background():
    noise = first_picture(opened("noise"))
    assert len(np.unique(noise.reshape(-1, 3), axis=0)) > 1000
    noisy = opened("#102030", kind="pixels", probability=200)
    assert noisy.pictures.name == "#102030 with noise pixels"
    shown = first_picture(noisy)
    assert 0.5 < (shown == (0x30, 0x20, 0x10)).all(axis=2).mean() < 1
    assert opened("blur", motion=0.1).note() == BLUR_WARNING


def test_blur_says_that_it_is_weak():
    assert opened("blur").note() == BLUR_WARNING


def test_a_picture_may_be_grey_deep_or_see_through_and_of_any_size(tmp_path):
    pictures = {
        "grey.png": np.full((10, 10), 200, np.uint8),
        "deep.png": np.full((90, 40, 3), 200 * 257, np.uint16),
        "photo.jpg": np.full((300, 900, 3), 200, np.uint8),
        "logo.png": np.dstack([np.full((50, 50, 3), 200, np.uint8), np.full((50, 50), 255, np.uint8)]),
    }
    for name, image in pictures.items():
        cv2.imwrite(str(tmp_path / name), image)
        background = opened(tmp_path / name)
        assert background.note() == ""
        np.testing.assert_allclose(first_picture(background), 200, atol=1)
    pictures["logo.png"][:25, :, 3] = 0
    cv2.imwrite(str(tmp_path / "half.png"), pictures["logo.png"])
    assert "half.png is see-through in places" in opened(tmp_path / "half.png").note()


@pytest.mark.parametrize("text", ["#12", "#gggggg", "beach.jpg", "nonsense", "/", "no/such/video.mp4"])
def test_what_is_not_there_is_one_line_with_what_may_be(text):
    with pytest.raises(BackgroundError) as raised:
        opened(text)
    assert "\n" not in str(raised.value)
    assert "#RRGGBB" in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n broken"])
def test_an_unreadable_picture_is_one_line(tmp_path, content):
    path = tmp_path / "beach.png"
    path.write_bytes(content)
    with pytest.raises(BackgroundError, match=r"background .*beach.png"):
        opened(path)
