"""Backgrounds of arrays: colours, pictures that cover the frame, and a blurred room without the person."""

import numpy as np
import pytest

from pipelines.protection.backgrounds import BlurBackground, ColorBackground, PictureBackground, cover, parse_color

NOTHING = np.zeros((36, 64, 3), np.uint8)
NOBODY = np.zeros((36, 64), np.float32)


def test_a_colour_is_read_as_people_write_it():
    assert parse_color("#38434f") == (0x4F, 0x43, 0x38)
    assert parse_color("#FF00ff") == (255, 0, 255)
    assert [parse_color(text) for text in ("#fff", "38434f", "#38434g", "red", "#38434f0")] == [None] * 5


def test_a_colour_fills_the_frame():
    background = ColorBackground((1, 2, 3))
    assert background.name == "#030201"
    background.warm_up(36, 64)
    shown = background.picture(NOTHING, NOBODY)
    assert shown.shape == (36, 64, 3)
    assert (shown == (1, 2, 3)).all()


@pytest.mark.parametrize("size", [(36, 64), (9, 16), (1, 1), (500, 31), (31, 500), (720, 1280)])
def test_a_picture_of_any_size_covers_the_frame(size, rng):
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    background = PictureBackground("beach", image)
    background.warm_up(36, 64)
    shown = background.picture(NOTHING, NOBODY)
    assert shown.shape == (36, 64, 3)
    assert shown.flags.c_contiguous
    background.warm_up(18, 32)
    assert background.picture(NOTHING, NOBODY).shape == (18, 32, 3)


def test_covering_keeps_the_shape_and_cuts_both_sides_alike():
    image = np.zeros((40, 120, 3), np.uint8)
    image[:, 40:80] = 200
    assert (cover(image, 20, 20)[:, 1:-1] == 200).all()
    assert (cover(image.transpose(1, 0, 2), 20, 20)[1:-1] == 200).all()
    assert cover(image, 40, 120).base is not None


def test_alpha_is_laid_over_a_plain_colour():
    image = np.full((36, 64, 4), 200, np.uint8)
    image[..., 3] = 0
    image[:, 32:, 3] = 255
    background = PictureBackground("logo", image, under=(10, 20, 30))
    background.warm_up(36, 64)
    shown = background.picture(NOTHING, NOBODY)
    assert (shown[:, :32] == (10, 20, 30)).all()
    assert (shown[:, 32:] == 200).all()


def test_blur_takes_detail_away_and_leaves_the_person_out():
    room = np.full((180, 320, 3), 100, np.uint8)
    room[:, ::2] = 140  # detail
    mask = np.zeros((180, 320), np.float32)
    mask[60:, 120:200] = 1
    camera = room.copy()
    camera[60:, 120:200] = (0, 0, 255)
    background = BlurBackground()
    background.warm_up(180, 320)
    shown = background.picture(camera, mask)
    assert shown.shape == camera.shape
    np.testing.assert_allclose(shown[mask == 0], 120, atol=2)


def test_blur_of_nothing_but_person_still_gives_a_picture():
    background = BlurBackground()
    background.warm_up(36, 64)
    shown = background.picture(np.full((36, 64, 3), 77, np.uint8), np.ones((36, 64), np.float32))
    np.testing.assert_allclose(shown, 77, atol=1)
