"""The part of the camera's picture that is protected, mirrored, at a size that never changes."""

import numpy as np
import pytest

from config.loader import ConfigError
from config.schema import ProtectSettings
from pipelines.base import PipelineError
from stream.framing import Framing


def image_of(height, width):
    return np.arange(height * width * 3, dtype=np.uint32).astype(np.uint8).reshape(height, width, 3)


def test_without_settings_the_picture_is_not_even_copied():
    image = image_of(20, 30)
    shown = Framing(ProtectSettings(), 20, 30).apply(image)
    np.testing.assert_array_equal(shown, image)
    assert np.shares_memory(shown, image)


def test_a_part_is_cut_out_mirrored_and_contiguous():
    image = image_of(20, 30)
    framing = Framing(ProtectSettings(crop="4,2,16x10", mirror=True), 20, 30)
    assert (framing.height, framing.width) == (10, 16)
    shown = framing.apply(image)
    np.testing.assert_array_equal(shown, image[2:12, 4:20][:, ::-1])
    assert shown.flags.c_contiguous


def test_the_size_that_goes_out_stays_when_the_part_changes():
    framing = Framing(ProtectSettings(crop="0,0,16x10"), 20, 30)
    assert framing.change(ProtectSettings(crop="0,0,30x20"))
    assert framing.apply(image_of(20, 30)).shape == (10, 16, 3)
    assert not framing.change(ProtectSettings(crop="0,0,30x20", size="640x480"))


def test_another_shape_is_covered_and_not_stretched():
    image = np.zeros((20, 60, 3), np.uint8)
    image[:, 20:40] = 200  # the middle square
    shown = Framing(ProtectSettings(size="40x40"), 20, 60).apply(image)
    assert (shown[:, 2:-2] == 200).all()


def test_a_part_outside_the_picture_is_refused_and_the_one_before_stays():
    framing = Framing(ProtectSettings(crop="4,2,16x10"), 20, 30)
    with pytest.raises(ConfigError, match=r"protect.crop 20,0,16x10 .* 30x20"):
        framing.change(ProtectSettings(crop="20,0,16x10"))
    np.testing.assert_array_equal(framing.apply(image_of(20, 30)), image_of(20, 30)[2:12, 4:20])
    with pytest.raises(ConfigError):
        Framing(ProtectSettings(crop="20,0,16x10"), 20, 30)


def test_a_frame_of_another_size_is_an_error():
    with pytest.raises(PipelineError, match="31x20x3 uint8, wanted 30x20x3"):
        Framing(ProtectSettings(), 20, 30).apply(image_of(20, 31))
