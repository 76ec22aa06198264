"""Noise as a background: what the contract asks for, and that nothing stays."""

import numpy as np
import pytest
from compiled import sized

from config.schema import NoiseSettings
from pipelines.base import Image
from pipelines.protection.contract import Background, Mask
from pipelines.protection.noise import NoiseBackground, NoisyBackground

HEIGHT, WIDTH = sized((45, 80), (15, 20))
CAMERA, MASK = np.full((HEIGHT, WIDTH, 3), 99, np.uint8), np.zeros((HEIGHT, WIDTH), np.float32)


class Grey:
    """A background that gives one picture and notes what is asked of it."""

    name = "grey.png"

    def __init__(self) -> None:
        self.asked: list[object] = []

    def warm_up(self, height: int, width: int) -> None:
        self.asked.append((height, width))

    def picture(self, camera: Image, mask: Mask) -> Image:
        self.asked.append((camera, mask))
        return np.full((HEIGHT, WIDTH, 3), 128, np.uint8)

    def close(self) -> None:
        self.asked.append("close")


@pytest.mark.parametrize("kind", ["none", "pixels", "frames"])
def test_a_noisy_background_asks_the_other_for_each_frame_and_closes_it(kind) -> None:
    inner = Grey()
    background: Background = NoisyBackground(inner, NoiseSettings(kind=kind, motion=0.1))
    background.warm_up(HEIGHT, WIDTH)
    assert background.picture(CAMERA, MASK).shape == CAMERA.shape
    background.close()
    (size, (camera, mask), end) = inner.asked
    assert size == (HEIGHT, WIDTH)
    assert camera is CAMERA
    assert mask is MASK
    assert end == "close"


def test_a_noisy_background_says_what_it_is() -> None:
    assert NoisyBackground(Grey(), NoiseSettings(kind="pixels")).name == "grey.png with noise pixels"
    assert NoisyBackground(Grey(), NoiseSettings(motion=0.1)).name == "grey.png in motion"


def test_another_size_may_come_later() -> None:
    background = NoisyBackground(Grey(), NoiseSettings(kind="pixels"))
    background.warm_up(9, 7)
    background.warm_up(HEIGHT, WIDTH)
    shown = background.picture(CAMERA, MASK)
    assert shown.shape == (HEIGHT, WIDTH, 3)
    assert 0 < (shown != 128).any(axis=-1).mean() <= 0.1


def test_nothing_but_noise_has_no_colour_that_stays_and_changes_little_at_a_time() -> None:
    background: Background = NoiseBackground(NoiseSettings(), seed=1)
    background.warm_up(HEIGHT, WIDTH)
    frames = np.array([background.picture(CAMERA, MASK).copy() for _ in range(120)])
    share = (frames[1:] != frames[:-1]).any(axis=-1).mean(axis=(1, 2))
    assert 0 < share.max() <= 0.1
    assert (frames[0] != frames[-1]).any(axis=-1).mean() > 0.99
    assert frames[0].mean() == pytest.approx(127.5, abs=10)
    assert background.name == "noise"
    background.close()


def test_a_weaker_noise_lies_nearer_to_grey() -> None:
    background = NoiseBackground(NoiseSettings(strength=0.25))
    background.warm_up(HEIGHT, WIDTH)
    shown = background.picture(CAMERA, MASK).astype(int)
    assert np.abs(shown - 128).max() <= 33


def test_without_a_seed_no_two_are_alike() -> None:
    shown = []
    for _ in range(2):
        background = NoiseBackground(NoiseSettings())
        background.warm_up(HEIGHT, WIDTH)
        shown.append(background.picture(CAMERA, MASK).copy())
    assert (shown[0] != shown[1]).any(axis=-1).mean() > 0.9
