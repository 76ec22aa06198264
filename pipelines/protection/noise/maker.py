"""Noise for pictures: which frames get it, how many pixels, where, and what moves beneath.

The seed's tools draw one pixel a loop turn; here a frame's pixels are drawn together. What is drawn is the same: after
each noise pixel the frame is complete with a chance of one in `probability`, the places are those of a random order
that is gone through once before a pixel comes again, and clean frames follow.
"""

import numpy as np
import numpy.typing as npt

from config.schema import NoiseSettings
from pipelines.base import Image
from pipelines.protection.noise.chance import Chance
from pipelines.protection.noise.colors import Table, any_colors, colors_of_the_same_light
from pipelines.protection.noise.kernels import WORDS_PER_PIXEL, replace, scatter
from pipelines.protection.noise.rhythm import Rhythm
from pipelines.protection.noise.wandering import Wandering


def noise_picture(height: int, width: int, seed: int | None = None) -> Image:
    """Make a picture of nothing but noise, as `randpxs` does: every code of every channel equally likely.

    Parameters
    ----------
    height, width : int
        Pixels.
    seed : int, optional
        0 or more: the same picture every time. Without it no two are alike.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR.
    """
    return Chance(seed).octets(3 * height * width).reshape(height, width, 3).copy()


class Scatter:
    """Gives noise to pixels in an order in which each comes once before any comes again.

    Parameters
    ----------
    n_pixels : int
        Of the pictures.
    chance : Chance
        What places and colours are drawn with.
    """

    def __init__(self, n_pixels: int, chance: Chance) -> None:
        self._order = np.arange(n_pixels, dtype=np.uint32)
        self._n_used = 0
        self._chance = chance

    @property
    def n_pixels(self) -> int:
        """Of the pictures."""
        return self._order.size

    def draw(self, n: int, table: Table, ground: npt.NDArray[np.uint8], out: npt.NDArray[np.uint8]) -> None:
        """Give noise to some pixels of a picture.

        Parameters
        ----------
        n : int
            How many; where a round of the order ends in the midst of them, one may come twice.
        table : ndarray
            (256, 256) uint8, see `pipelines.protection.noise.colors`.
        ground : ndarray
            (n_pixels, 3) uint8: the picture without noise.
        out : ndarray
            (n_pixels, 3) uint8: those pixels are written.
        """
        while n:
            n_now = min(n, self.n_pixels - self._n_used)
            scatter(self._order, self._n_used, self._chance.words(WORDS_PER_PIXEL * n_now), table, ground, out)
            self._n_used = (self._n_used + n_now) % self.n_pixels
            n -= n_now


class NoiseMaker:
    """Makes pictures noisy and lets them wander, frame by frame.

    Parameters
    ----------
    settings : NoiseSettings
        What noise, how much, when.
    seed : int, optional
        For files and tests, see `Chance`.
    """

    def __init__(self, settings: NoiseSettings, seed: int | None = None) -> None:
        self._settings = settings
        self._chance = Chance(seed)
        self._rhythm = Rhythm(settings.clean_frames, settings.random_frames_at_most, self._chance)
        self._wandering = Wandering(settings.motion, settings.motion_frames, self._chance)
        keeps_light = settings.kind == "frames" and settings.keep_light
        self._table = (colors_of_the_same_light if keeps_light else any_colors)(settings.strength)
        self._moved: Image = np.empty((0, 0, 3), np.uint8)
        self._noisy: Image = np.empty((0, 0, 3), np.uint8)
        self._scatter = Scatter(0, self._chance)

    def warm_up(self, height: int, width: int) -> None:
        """Allocate and compile for pictures of this size.

        Parameters
        ----------
        height, width : int
            Pixels.
        """
        self._moved = np.zeros((height, width, 3), np.uint8)
        self._noisy = np.zeros((height, width, 3), np.uint8)
        self._scatter = Scatter(height * width, self._chance)
        self._give_noise_to_pixels(self._moved, 1)
        if self._settings.kind == "frames":
            self._give_noise_to_all(self._moved)

    def shown(self, picture: Image) -> Image:
        """Make the next frame.

        Parameters
        ----------
        picture : ndarray
            (height, width, 3) uint8 BGR, C-contiguous, of the size warmed up for.

        Returns
        -------
        ndarray
            (height, width, 3) uint8 BGR, this object's own and valid until the next call; `picture` itself where the
            frame is clean and nothing moves.
        """
        ground = picture
        if self._settings.motion:
            self._wandering.show(picture, self._moved)
            ground = self._moved
        if self._settings.kind == "none" or not self._rhythm.is_noisy():
            return ground
        if self._settings.kind == "frames":
            self._give_noise_to_all(ground)
        else:
            self._give_noise_to_pixels(ground, self._amount())
        return self._noisy

    def _amount(self) -> int:
        most = int(self._settings.largest_share * self._scatter.n_pixels)
        return min(self._chance.turns_until(self._settings.probability), most)

    def _give_noise_to_pixels(self, ground: Image, n: int) -> None:
        np.copyto(self._noisy, ground)
        self._scatter.draw(n, self._table, ground.reshape(-1, 3), self._noisy.reshape(-1, 3))

    def _give_noise_to_all(self, ground: Image) -> None:
        replace(self._chance.octets(ground.size), self._table, ground.reshape(-1), self._noisy.reshape(-1))
