"""The background alone: nothing of a frame gets into it, and what it gives is its own."""

import numpy as np
import pytest

from config.schema import NoiseSettings, Profile
from pipelines.base import Frame, PipelineError
from pipelines.protection.alone import BackgroundAlone
from pipelines.protection.backgrounds import BlurBackground, ColorBackground
from pipelines.protection.contract import Protection
from pipelines.protection.noise import NoisyBackground

HEIGHT, WIDTH = 36, 50


def warmed_up(background) -> BackgroundAlone:
    alone = BackgroundAlone(background)
    alone.warm_up(HEIGHT, WIDTH, is_live=True)
    return alone


def shown(alone: BackgroundAlone, image: np.ndarray) -> np.ndarray:
    (frame,) = alone.process(Frame(image, 0.5))
    assert frame.pts_s == 0.5
    return frame.image


def test_it_is_a_protection_with_no_room_and_no_camera_in_it() -> None:
    alone = warmed_up(ColorBackground((1, 2, 3)))
    assert isinstance(alone, Protection)
    assert not alone.is_plate_known.any()
    assert not alone.mask.any()
    assert alone.mask.shape == (HEIGHT, WIDTH)
    assert (alone.apply(Profile()), alone.status(), alone.report(), alone.flush()) == ((), (), {}, ())


@pytest.mark.parametrize("background", [ColorBackground((1, 2, 3)), BlurBackground()])
def test_two_pictures_of_a_camera_give_the_same(rng, background) -> None:
    alone = warmed_up(background)
    images = rng.integers(1, 256, (2, HEIGHT, WIDTH, 3), dtype=np.uint8)
    np.testing.assert_array_equal(shown(alone, images[0]), shown(alone, images[1]))


def test_frames_stay_as_they_were_while_the_noise_goes_on(rng) -> None:
    settings = NoiseSettings(kind="pixels", probability=100)
    alone = warmed_up(NoisyBackground(ColorBackground((90, 90, 90)), settings, seed=1))
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    frames = [shown(alone, image) for _ in range(10)]
    copies = [frame.copy() for frame in frames]
    shown(alone, image)
    np.testing.assert_array_equal(frames, copies)
    assert len({frame.tobytes() for frame in frames}) > 5


def test_another_background_is_shown_from_the_next_frame_on() -> None:
    alone = warmed_up(ColorBackground((1, 2, 3)))
    other = ColorBackground((7, 8, 9))
    other.warm_up(HEIGHT, WIDTH)
    alone.set_background(other)
    assert (shown(alone, alone.plate) == (7, 8, 9)).all()


def test_a_background_of_another_size_is_refused() -> None:
    alone = warmed_up(ColorBackground((1, 2, 3)))
    other = ColorBackground((7, 8, 9))
    other.warm_up(HEIGHT, WIDTH + 2)
    alone.set_background(other)
    with pytest.raises(PipelineError, match="52x36; wanted 50x36"):
        shown(alone, alone.plate)
