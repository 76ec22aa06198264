"""Noise as a background: on top of another one, or all by itself."""

import numpy as np

from config.schema import NoiseSettings
from pipelines.base import Image
from pipelines.protection.contract import Background, Mask
from pipelines.protection.noise.chance import Chance
from pipelines.protection.noise.colors import any_colors
from pipelines.protection.noise.maker import NoiseMaker, Scatter

_MID_GREY = 128


class NoisyBackground:
    """Another background's pictures with noise, wandering; see `pipelines.protection.contract.Background`.

    Parameters
    ----------
    inner : Background
        What the noise is put on; closed with this one.
    settings : NoiseSettings
        What noise, and how much of it.
    seed : int, optional
        For files and tests only: the same noise every time.
    """

    def __init__(self, inner: Background, settings: NoiseSettings, seed: int | None = None) -> None:
        self._inner = inner
        self._settings = settings
        self._maker = NoiseMaker(settings, seed)

    @property
    def name(self) -> str:
        """The other background's name and what was done to it, such as ``beach.jpg with noise pixels``."""
        noise = "" if self._settings.kind == "none" else f" with noise {self._settings.kind}"
        return f"{self._inner.name}{noise}{' in motion' if self._settings.motion else ''}"

    def warm_up(self, height: int, width: int) -> None:
        """Make both ready for frames of this size."""
        self._inner.warm_up(height, width)
        self._maker.warm_up(height, width)

    def picture(self, camera: Image, mask: Mask) -> Image:
        """Return the other background's picture with noise; valid until the next call."""
        return self._maker.shown(self._inner.picture(camera, mask))

    def close(self) -> None:
        """Close the other background."""
        self._inner.close()


class NoiseBackground:
    """Nothing but noise that simmers: each frame some of its pixels, at random places, get other colours.

    Drawing all of it anew each frame would be the snow of an empty television channel: hard on the eye, and more than
    the codec of a call can carry. This one has no pixel whose colour stays, and between two frames no more than
    `largest_share` of it changes.

    Parameters
    ----------
    settings : NoiseSettings
        `strength` is how far the colours lie from grey, `largest_share` how many pixels change at most.
    seed : int, optional
        For files and tests only: the same noise every time.
    """

    def __init__(self, settings: NoiseSettings, seed: int | None = None) -> None:
        self._settings = settings
        self._chance = Chance(seed)
        self._table = any_colors(settings.strength)
        self._grey: Image = np.empty((0, 0, 3), np.uint8)
        self._shown: Image = np.empty((0, 0, 3), np.uint8)
        self._scatter = Scatter(0, self._chance)

    @property
    def name(self) -> str:
        """What it is: ``noise``."""
        return "noise"

    def warm_up(self, height: int, width: int) -> None:
        """Draw the first picture."""
        self._grey = np.full((height, width, 3), _MID_GREY, np.uint8)
        self._shown = self._grey.copy()
        self._scatter = Scatter(height * width, self._chance)
        self._redraw(height * width)

    def picture(self, camera: Image, mask: Mask) -> Image:  # noqa: ARG002 - the contract's parameters
        """Return the next picture; valid until the next call."""
        self._redraw(int(self._chance.unit() * self._settings.largest_share * self._scatter.n_pixels))
        return self._shown

    def close(self) -> None:
        """Nothing is held."""

    def _redraw(self, n: int) -> None:
        self._scatter.draw(n, self._table, self._grey.reshape(-1, 3), self._shown.reshape(-1, 3))
