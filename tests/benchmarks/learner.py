"""The network of `pipelines.reconstruction.leak.network` in PyTorch, to be trained.

References
----------
CIEDE2000: G. Sharma, W. Wu, E. N. Dalal, "The CIEDE2000 color-difference formula", Color Research and Application 30,
2005. What is learnt from is CIELAB distance with chroma at half its weight: it has a slope everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, dropout, interpolate, relu
from witness import Witnessed

from pipelines.color import delta_e_2000, lab_from_bgr
from pipelines.reconstruction.leak import cells, claims
from pipelines.reconstruction.leak.network import LAYERS, SHIFT_UNIT, Network
from pipelines.reconstruction.score import LEAKED_ALPHA, ROOM_DELTA_E, SEEN_DELTA_E

EMBEDDED, HIDDEN, HEAD = 24, 64, 48
CHANNELS = (24, 36, 48)
BLUE = claims.FEATURES.index("blue")
LAB_WEIGHTS = (1.0, 0.5, 0.5)
MOST_LOG_ODDS, MOST_LOG_WEIGHT, LOG_WEIGHT_UNIT = cells.MOST_LOG_ODDS, cells.MOST_LOG_WEIGHT, cells.LOG_WEIGHT_UNIT
FORGOTTEN = 0.2
"""Of what the context says so much is left out while learning."""

DENSE = {"encode_1", "encode_2", "guess", "whole", "head_1", "head_2"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a call: its colours (rows, causal_share, pixels) and its planes."""

    rows: npt.NDArray[np.float32]
    causal_share: npt.NDArray[np.float32]
    pixels: npt.NDArray[np.int64]
    backdrop: npt.NDArray[np.float32]
    room: npt.NDArray[np.float32]
    reference: npt.NDArray[np.float32]
    known: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """Pieces side by side, flattened; `pixels` counts through all of them."""

    rows: torch.Tensor
    causal_share: torch.Tensor
    pixels: torch.Tensor
    backdrop: torch.Tensor
    known: torch.Tensor
    room: torch.Tensor
    reference: torch.Tensor
    weights: torch.Tensor

    def judge(self, colors: torch.Tensor, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return distances to room and reference, with slopes, and which colours are right by the scorer's rule."""
        truths = [plane[pixels] for plane in (self.room, self.reference)]
        weight = torch.tensor(LAB_WEIGHTS)
        lab = lab_of(colors)
        to_room, to_reference = (torch.sqrt((weight * (lab - lab_of(truth)) ** 2).sum(-1) + 0.25) for truth in truths)
        codes = colors.detach().clamp(0, 255).round().byte().numpy()[np.newaxis]
        far = [
            delta_e_2000(lab_from_bgr(codes), lab_from_bgr(truth.clamp(0, 255).round().byte().numpy()[np.newaxis]))[0]
            for truth in truths
        ]
        shows_room = self.weights[pixels].numpy() >= LEAKED_ALPHA
        is_right = (far[0] < ROOM_DELTA_E) | ((far[1] < SEEN_DELTA_E) & shows_room)
        return to_room, to_reference, torch.from_numpy(is_right)


class Learner(nn.Module):
    """The network; `calls` say how the features are spread."""

    def __init__(self, calls: Sequence[Witnessed]) -> None:
        super().__init__()
        n, (a, b, c) = claims.N_FEATURES, CHANNELS
        some = np.concatenate([call.rows[::7, :BLUE] for call in calls])
        mean, spread = np.zeros(n, np.float32), np.ones(n, np.float32)
        mean[:BLUE], spread[:BLUE] = some.mean(axis=0), some.std(axis=0) + 1e-3
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("spread", torch.from_numpy(spread))
        sizes = {
            "encode_1": (n, HIDDEN),
            "encode_2": (HIDDEN, EMBEDDED),
            "guess": (EMBEDDED, 1),
            "whole": (c, c),
            "head_1": (EMBEDDED + a, HEAD),
            "head_2": (HEAD, 4),
            "down_1": (cells.n_channels(EMBEDDED), a),
            "down_1b": (a, a),
            "down_2": (a, b),
            "down_2b": (b, b),
            "down_3": (b, c),
            "down_3b": (c, c),
            "down_4": (c, c),
            "down_4b": (c, c),
            "up_3": (2 * c, c),
            "up_2": (c + b, b),
            "up_1": (b + a, a),
        }
        layers: dict[str, nn.Module] = {}
        for name in LAYERS:
            stride = 2 if name in {"down_2", "down_3", "down_4"} else 1
            layers[name] = (
                nn.Linear(*sizes[name]) if name in DENSE else nn.Conv2d(*sizes[name], 3, padding=1, stride=stride)
            )
        self.layers = nn.ModuleDict(layers)
        head = self.layers["head_2"]
        nn.init.zeros_(head.weight[1:])  # no colour is shifted at first
        nn.init.zeros_(head.bias)

    def batch(self, pieces: Sequence[Piece]) -> Batch:
        """Put pieces side by side."""
        size = pieces[0].weights.size
        planes = [
            torch.from_numpy(np.stack([getattr(piece, name) for piece in pieces]))
            for name in ("backdrop", "known", "room", "reference", "weights")
        ]
        backdrop, known, room, reference, weights = planes
        return Batch(
            torch.from_numpy(np.concatenate([piece.rows for piece in pieces])),
            torch.from_numpy(np.concatenate([piece.causal_share for piece in pieces])),
            torch.from_numpy(np.concatenate([piece.pixels + i * size for i, piece in enumerate(pieces)])),
            backdrop.permute(0, 3, 1, 2) / cells.HALF_RANGE - 1,
            known[:, None],
            room.reshape(-1, 3),
            reference.reshape(-1, 3),
            weights.reshape(-1),
        )

    def forward(self, batch: Batch, some: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return first guess, log odds, and shifted colours of some of the batch's colours."""
        encoded = relu(self.layers["encode_1"]((batch.rows - self.mean) / self.spread))
        embedded = relu(self.layers["encode_2"](encoded))
        guess = self.layers["guess"](embedded)[:, 0]
        context = self._context(self._cells(batch, embedded, guess))
        around = interpolate(context, scale_factor=cells.SIDE_PX, mode="bilinear", align_corners=False)
        around = around.permute(0, 2, 3, 1).reshape(-1, CHANNELS[0])[batch.pixels[some]]
        around = dropout(around, FORGOTTEN, self.training)
        out = self.layers["head_2"](relu(self.layers["head_1"](torch.cat([embedded[some], around], 1))))
        colors = (batch.rows[some, BLUE : BLUE + 3] + 1) * cells.HALF_RANGE
        return guess[some], out[:, 0], colors + out[:, 1:] * SHIFT_UNIT

    def network(self) -> Network:
        """Return what has been learnt; how the features are spread goes into the first layer."""
        weights, biases = {}, {}
        for name in LAYERS:
            weight, bias = (p.detach().numpy().astype(np.float64) for p in self.layers[name].parameters())
            if name == "encode_1":
                weight = weight / self.spread.numpy()
                bias = bias - weight @ self.mean.numpy()
            weights[name] = np.ascontiguousarray(weight.T if name in DENSE else weight, np.float32)
            biases[name] = bias.astype(np.float32)
        return Network(claims.FEATURES, weights, biases)

    def _cells(self, batch: Batch, embedded: torch.Tensor, guess: torch.Tensor) -> torch.Tensor:
        """Gather as `cells.gather_cells` does."""
        n, _, height, width = batch.backdrop.shape
        rows, columns = height // cells.SIDE_PX, width // cells.SIDE_PX
        piece, pixel = batch.pixels // (height * width), batch.pixels % (height * width)
        row, column = pixel // width // cells.SIDE_PX, pixel % width // cells.SIDE_PX
        cell = (piece * rows + row) * columns + column
        odds = torch.exp(guess.clamp(-MOST_LOG_ODDS, MOST_LOG_ODDS))
        total = torch.zeros(n * rows * columns).index_add(0, cell, odds) + cells.LEAST_WEIGHT
        colored = torch.cat([embedded, batch.rows[:, BLUE : BLUE + 3]], 1) * (odds / total[cell])[:, None]
        means = torch.zeros(len(total), colored.shape[1]).index_add(0, cell, colored)
        weight = torch.log(total).clamp(-MOST_LOG_WEIGHT, MOST_LOG_WEIGHT) / LOG_WEIGHT_UNIT
        count = torch.zeros(len(total)).index_add(0, cell, torch.ones_like(guess)) / cells.FULL
        gathered = torch.cat([means, weight[:, None], count[:, None]], 1)
        gathered = gathered.reshape(n, rows, columns, -1).permute(0, 3, 1, 2)
        behind = avg_pool2d(torch.cat([batch.backdrop, batch.known], 1), cells.SIDE_PX)
        return torch.cat([gathered, behind], 1)

    def _context(self, values: torch.Tensor) -> torch.Tensor:
        """Look around as `Network.context` does."""
        layers = self.layers
        one = relu(layers["down_1b"](relu(layers["down_1"](values))))
        two = relu(layers["down_2b"](relu(layers["down_2"](one))))
        three = relu(layers["down_3b"](relu(layers["down_3"](two))))
        four = relu(layers["down_4"](three))
        whole = layers["whole"](four.mean((2, 3)))
        four = relu(layers["down_4b"](four) + whole[:, :, None, None])
        up = relu(layers["up_3"](torch.cat([interpolate(four, scale_factor=2), three], 1)))
        up = relu(layers["up_2"](torch.cat([interpolate(up, scale_factor=2), two], 1)))
        return relu(layers["up_1"](torch.cat([interpolate(up, scale_factor=2), one], 1)))


def lab_of(colors: torch.Tensor) -> torch.Tensor:
    """Return CIELAB (D65) of BGR code values; has a slope everywhere."""
    coded = (colors / 255).clamp(0, 1)
    blue, green, red = torch.where(coded > 0.04045, ((coded + 0.055) / 1.055) ** 2.4, coded / 12.92).unbind(-1)
    x = (0.412453 * red + 0.357580 * green + 0.180423 * blue) / 0.95047
    y = 0.212671 * red + 0.715160 * green + 0.072169 * blue
    z = (0.019334 * red + 0.119193 * green + 0.950227 * blue) / 1.08883
    x, y, z = (torch.where(t > 0.008856, t.clamp_min(1e-6) ** (1 / 3), 7.787 * t + 16 / 116) for t in (x, y, z))
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)
