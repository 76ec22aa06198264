"""One pass of the fusion of neighbours: what it sees of a pixel, and the small network that mixes colours.

No colour as such goes in, only differences: a room must not be known by heart. The weights were learnt by
`tests/benchmarks/train_fusion.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.reconstruction.leak import claims
from pipelines.reconstruction.leak.layers import Layer, read_layers, save_layers
from pipelines.reconstruction.leak.neighbours import MEANS

FUSION_NAME = "fusion.npz"
N_PASSES = 4

LAYERS = ("enter", "middle", "leave")
"""Each pass has these."""

FIGURES = tuple(name for name in claims.FEATURES if not name.startswith(("blue", "green", "red")))
"""What is known of the colour itself, as `claims.describe` has it."""

BASES = (*MEANS, "its own", "as it was judged", "backdrop")
"""Colours that are mixed."""

MIDDLE = MEANS.index("near, alike")
"""The means are told as differences from this one."""

CODES, MOST_APART = 16.0, 4.0
"""Code values in a difference of 1, and beyond which it does not matter."""

LOG_WEIGHT_UNIT, LOG_ODDS_UNIT, SHIFT_CODES = 3.0, 3.0, 4.0
LEAST_LOG_WEIGHT, MOST_LOG_WEIGHT = -10.0, 6.0
MOST_FIGURE = 8.0

LUMA = np.array([0.114, 0.587, 0.299], np.float32)
"""Of B, G and R (ITU-R BT.601)."""

N_INPUTS = 3 * len(BASES) + len(MEANS) + 2 + len(FIGURES)
N_OUTPUTS = 2 * len(BASES) + 3 + 1
"""Weights of the bases for luma and for tint, a shift, and what is added to the log odds."""


class Around(NamedTuple):
    """What a pass sees of some pixels.

    Attributes
    ----------
    bases : ndarray
        (n, len(BASES), 3) float32 BGR.
    log_weights : ndarray
        (n, len(MEANS)) float32, of the means.
    log_odds, judged_log_odds : ndarray
        (n,) float32, as the pass before left them, and as they were before the first.
    figures : ndarray
        (n, len(FIGURES)) float16.
    """

    bases: Layer
    log_weights: Layer
    log_odds: Layer
    judged_log_odds: Layer
    figures: npt.NDArray[np.float16]

    def inputs(self) -> Layer:
        """Return what goes into the network.

        Returns
        -------
        ndarray
            (n, N_INPUTS) float32.
        """
        apart = (self.bases - self.bases[:, MIDDLE : MIDDLE + 1]) / np.float32(CODES)
        odds = np.stack([self.log_odds, self.judged_log_odds], 1)
        return np.concatenate(
            [
                apart.clip(-MOST_APART, MOST_APART).reshape(len(apart), -1),
                self.log_weights.clip(LEAST_LOG_WEIGHT, MOST_LOG_WEIGHT) / np.float32(LOG_WEIGHT_UNIT),
                odds / np.float32(LOG_ODDS_UNIT),
                self.figures.astype(np.float32).clip(-MOST_FIGURE, MOST_FIGURE),
            ],
            axis=1,
        )


@dataclass(frozen=True, slots=True)
class FusionPass:
    """Weights of a small network.

    Attributes
    ----------
    weights : dict of str to ndarray
        (inputs, outputs) float32 of each layer.
    biases : dict of str to ndarray
        (outputs,) float32 of each layer.
    """

    weights: dict[str, Layer]
    biases: dict[str, Layer]

    def mix(self, around: Around) -> tuple[Layer, Layer]:
        """Mix the bases.

        Parameters
        ----------
        around : Around
            Of some pixels.

        Returns
        -------
        colors : ndarray
            (n, 3) float32 BGR, 0 to 255.
        log_odds : ndarray
            (n,) float32.
        """
        values = around.inputs()
        for name in LAYERS[:-1]:
            values = np.maximum(values @ self.weights[name] + self.biases[name], 0)
        out = values @ self.weights[LAYERS[-1]] + self.biases[LAYERS[-1]]
        n = len(BASES)
        luma = around.bases @ LUMA
        tint = around.bases - luma[..., None]
        colors = np.einsum("nb,nb->n", _shares(out[:, :n]), luma)[:, None]
        colors = colors + np.einsum("nb,nbc->nc", _shares(out[:, n : 2 * n]), tint)
        colors += out[:, 2 * n : 2 * n + 3] * np.float32(SHIFT_CODES)
        return colors.clip(0, 255), around.log_odds + out[:, -1]


def _shares(values: Layer) -> Layer:
    weights: Layer = np.exp(values - values.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


@cache
def shipped_passes() -> tuple[FusionPass, ...]:
    """Return the networks that ship with Backroom, read once.

    Returns
    -------
    tuple of FusionPass
        Shared; read only.

    Raises
    ------
    PipelineError
        If the file is missing or damaged.
    """
    return read_passes(files("pipelines.reconstruction.leak") / FUSION_NAME)


def read_passes(path: Traversable) -> tuple[FusionPass, ...]:
    """Read the networks of all passes.

    Parameters
    ----------
    path : Path or Traversable
        A file that `save_passes` wrote.

    Returns
    -------
    tuple of FusionPass
        `N_PASSES` of them, in order.

    Raises
    ------
    PipelineError
        As `read_layers` does.
    """
    names = [_in_file(number, layer) for number in range(N_PASSES) for layer in LAYERS]
    weights, biases = read_layers(path, names, (*BASES, *FIGURES))
    return tuple(
        FusionPass(*({layer: each[_in_file(number, layer)] for layer in LAYERS} for each in (weights, biases)))
        for number in range(N_PASSES)
    )


def save_passes(path: str, passes: Sequence[FusionPass]) -> None:
    """Write a file that `read_passes` takes.

    Parameters
    ----------
    path : str
        An .npz file, replaced if it is there.
    passes : sequence of FusionPass
        All of them, in order.
    """
    save_layers(
        path,
        (*BASES, *FIGURES),
        {_in_file(number, layer): each.weights[layer] for number, each in enumerate(passes) for layer in LAYERS},
        {_in_file(number, layer): each.biases[layer] for number, each in enumerate(passes) for layer in LAYERS},
    )


def _in_file(number: int, layer: str) -> str:
    return f"pass_{number + 1}.{layer}"
