"""Which colours noise has: any, or such as leave the light of every place as it is.

A table says for each code of a channel what each of 256 equally likely draws makes of it.
"""

import numpy as np
import numpy.typing as npt

from pipelines.color import codes_from_linear, to_linear

Table = npt.NDArray[np.uint8]
"""(256, 256) uint8: the code before, the draw."""

LEAST_LIGHT, MOST_LIGHT = 0.05, 0.85
"""Black has no room for noise that keeps its light, nor has white; there noise is drawn about these instead. On a
screen of 200 cd/m2 black becomes 10 cd/m2 lighter and white 30 darker, to 170. By ITU-R BT.1702 a flash begins at a
change of 20 cd/m2, and only where the darker picture has less than 160."""

_CODES = np.arange(256)


def any_colors(strength: float) -> Table:
    """Let noise have every colour, whatever the picture shows.

    Parameters
    ----------
    strength : float
        0 to 1: how far the way from the picture's colour to the drawn one is gone.

    Returns
    -------
    ndarray
        (256, 256) uint8.
    """
    before, drawn = _CODES[:, np.newaxis], _CODES[np.newaxis, :]
    return (before + strength * (drawn - before)).round().astype(np.uint8)


def colors_of_the_same_light(strength: float) -> Table:
    """Let noise have the colours about the picture's own, so that many of them together are as bright as it is.

    In linear light v the draws are spread evenly over v - s min(v, 1 - v) to v + s min(v, 1 - v), s the strength.

    Parameters
    ----------
    strength : float
        0 to 1: how much of the room between the picture's light, black and white is used.

    Returns
    -------
    ndarray
        (256, 256) uint8.
    """
    least, most = strength * LEAST_LIGHT, 1 - strength * (1 - MOST_LIGHT)
    light = np.clip(to_linear(_CODES / 255), least, most)[:, np.newaxis]
    spread = (2 * _CODES[np.newaxis, :] + 1) / 256 - 1
    return codes_from_linear(light + strength * np.minimum(light, 1 - light) * spread)
