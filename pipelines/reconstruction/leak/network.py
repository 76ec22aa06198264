"""The network that tells the room's colours from the person's. Arrays only.

It has three parts. The *encoder* looks at the figures of one colour alone (`claims.FEATURES`). The *context* is a small
U-Net that looks at what the encoder made of all colours around, on cells of 2 x 2 pixels (`cells.py`): a room goes on
beside a pixel, and so does a person. The *head* judges each colour by both: how likely it is the room's, and by how
much mask and codec have shifted it.

The weights were learnt on simulated calls by `tests/benchmarks/train_leak.py`. The files `NETWORK_NAMES` beside this
module hold them with the names of the features: several networks, learnt apart, whose mean errs less than each of them.

References
----------
O. Ronneberger, P. Fischer, T. Brox, "U-Net: convolutional networks for biomedical image segmentation", MICCAI 2015.
"""

import itertools
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import numpy as np

from pipelines.reconstruction.leak.layers import Layer, read_layers, save_layers

NETWORK_NAMES = ("network-1.npz", "network-2.npz")

LAYERS = (
    *("encode_1", "encode_2", "guess"),
    *("down_1", "down_1b", "down_2", "down_2b", "down_3", "down_3b", "down_4", "down_4b", "whole"),
    *("up_3", "up_2", "up_1"),
    *("head_1", "head_2"),
)
"""Every layer has a weight and a bias in the file."""

HALVINGS = 3
MULTIPLE = 1 << HALVINGS
"""The context takes maps whose height and width are multiples of this."""

SHIFT_UNIT = 32.0
"""Code values in a shift of 1."""


@dataclass(frozen=True, slots=True)
class Network:
    """Weights of all layers.

    Attributes
    ----------
    names : tuple of str
        The features, in order.
    weights : dict of str to ndarray
        By `LAYERS`; float32: (inputs, outputs) of a dense layer, (outputs, inputs, 3, 3) of a convolution.
    biases : dict of str to ndarray
        By `LAYERS`; (outputs,) float32.
    """

    names: tuple[str, ...]
    weights: dict[str, Layer]
    biases: dict[str, Layer]

    @property
    def n_embedded(self) -> int:
        """Figures that the encoder makes of a colour."""
        return len(self.biases["encode_2"])

    @property
    def n_context(self) -> int:
        """Figures that the context says of a cell."""
        return len(self.biases["up_1"])

    def encode(self, rows: Layer) -> tuple[Layer, Layer]:
        """Look at colours one by one.

        Parameters
        ----------
        rows : ndarray
            (n, len(names)) float32.

        Returns
        -------
        embedded : ndarray
            (n, n_embedded) float32.
        log_odds : ndarray
            (n,) float32, a first guess of the logarithm of the odds that it is the room's.
        """
        embedded = self._dense(self._dense(rows, "encode_1"), "encode_2")
        return embedded, (embedded @ self.weights["guess"] + self.biases["guess"])[:, 0]

    def context(self, cells: Layer) -> Layer:
        """Look at what is around each cell.

        Parameters
        ----------
        cells : ndarray
            (channels, height, width) float32, of `cells.Cells`; height and width are multiples of `MULTIPLE`.

        Returns
        -------
        ndarray
            (height, width, n_context) float32.
        """
        one = self._convolved(self._convolved(cells, "down_1"), "down_1b")
        two = self._convolved(self._convolved(one, "down_2", 2), "down_2b")
        three = self._convolved(self._convolved(two, "down_3", 2), "down_3b")
        four = self._convolved(three, "down_4", 2)
        whole = four.mean((1, 2)) @ self.weights["whole"] + self.biases["whole"]
        four = self._convolved(four, "down_4b", after=whole[:, None, None])
        up = self._convolved(np.concatenate([_doubled(four), three]), "up_3")
        up = self._convolved(np.concatenate([_doubled(up), two]), "up_2")
        up = self._convolved(np.concatenate([_doubled(up), one]), "up_1")
        return np.ascontiguousarray(up.transpose(1, 2, 0))

    def judge(self, embedded: Layer, around: Layer) -> tuple[Layer, Layer]:
        """Judge colours by themselves and by what is around.

        Parameters
        ----------
        embedded : ndarray
            (n, n_embedded) float32, from `encode`.
        around : ndarray
            (n, n_context) float32, the context where each of them lies.

        Returns
        -------
        log_odds : ndarray
            (n,) float32, logarithm of the odds that it is the room's.
        shifts : ndarray
            (n, 3) float32 BGR code values, to be added to the colour.
        """
        hidden = self._dense(np.concatenate([embedded, around], axis=1), "head_1")
        out = hidden @ self.weights["head_2"] + self.biases["head_2"]
        return out[:, 0], out[:, 1:] * np.float32(SHIFT_UNIT)

    def save(self, path: str) -> None:
        """Write a file that `read_network` takes.

        Parameters
        ----------
        path : str
            An .npz file, replaced if it is there.
        """
        save_layers(path, self.names, self.weights, self.biases)

    def _dense(self, values: Layer, name: str) -> Layer:
        out: Layer = values @ self.weights[name]
        out += self.biases[name]
        return np.maximum(out, 0, out=out)

    def _convolved(self, values: Layer, name: str, stride: int = 1, after: Layer | None = None) -> Layer:
        out = convolve(values, self.weights[name], self.biases[name], stride)
        if after is not None:
            out += after
        return np.maximum(out, 0, out=out)


def convolve(values: Layer, weight: Layer, bias: Layer, stride: int = 1) -> Layer:
    """Convolve with 3 x 3 weights; outside of the map everything is 0.

    Parameters
    ----------
    values : ndarray
        (inputs, height, width) float32; height and width are multiples of `stride`.
    weight : ndarray
        (outputs, inputs, 3, 3) float32.
    bias : ndarray
        (outputs,) float32.
    stride : int
        Only every `stride`-th row and column is worked out.

    Returns
    -------
    ndarray
        (outputs, height / stride, width / stride) float32.
    """
    inputs, height, width = values.shape
    # A border of zeros, and a row more so that the last tap does not read beyond the end.
    padded = np.zeros((inputs, height + 3, width + 2), np.float32)
    padded[:, 1 : height + 1, 1 : width + 1] = values
    # Without a stride a tap is the whole map, moved. Its columns on the border are worked out too, and left out: that
    # is quicker than a copy of each tap.
    rows, columns = (height, width + 2) if stride == 1 else (height // stride, width // stride)
    out: Layer = np.empty((bias.size, rows * columns), np.float32)
    out[:] = bias[:, None]  # not `np.repeat`, which keeps Python's lock
    for dy, dx in itertools.product(range(3), repeat=2):
        if stride == 1:
            tap = padded.reshape(inputs, -1)[:, dy * columns + dx :][:, : rows * columns]
        else:
            tap = padded[:, dy : dy + height : stride, dx : dx + width : stride].reshape(inputs, -1)
        out += np.ascontiguousarray(weight[:, :, dy, dx]) @ tap
    return out.reshape(-1, rows, columns)[:, :, : width // stride]


def _doubled(values: Layer) -> Layer:
    channels, rows, columns = values.shape
    doubled: Layer = np.empty((channels, rows, 2, columns, 2), np.float32)
    doubled[:] = values[:, :, None, :, None]  # see `convolve`
    return doubled.reshape(channels, 2 * rows, 2 * columns)


def read_networks(names: tuple[str, ...]) -> tuple[Network, ...]:
    """Read the networks that ship with Backroom.

    Parameters
    ----------
    names : tuple of str
        The features that the caller has.

    Returns
    -------
    tuple of Network
        Those of `NETWORK_NAMES`.

    Raises
    ------
    PipelineError
        As `read_network` does.
    """
    folder = files("pipelines.reconstruction.leak")
    return tuple(read_network(names, folder / name) for name in NETWORK_NAMES)


def read_network(names: tuple[str, ...], path: Traversable) -> Network:
    """Read a network.

    Parameters
    ----------
    names : tuple of str
        The features that the caller has; must be those that the network has learnt from.
    path : Path or Traversable
        A file that `Network.save` wrote.

    Returns
    -------
    Network
        Ready.

    Raises
    ------
    PipelineError
        As `read_layers` does.
    """
    return Network(names, *read_layers(path, LAYERS, names))
