"""Where the person is: the probability of a person in every pixel of one frame, by a small neural network.

The network is MediaPipe's selfie segmentation, the general model of 250 KB: 256 x 256 in, 256 x 256 out. It ships
with Backroom (`pipelines/models`, with its licence) and is checked against its SHA-256 before it runs, so that a
damaged file cannot pass for a mask. Two back ends run it and agree to about 1e-4: OpenCV's, which is always there,
and LiteRT, an optional extra (``pip install 'backroom[litert]'``) that takes about half of the time.

Limits: one frame at a time, no memory of the frame before; the mask is as coarse as 256 x 256 pixels spread over
the frame; made for people who sit near the camera; several people are one mask.

References
----------
.. [1] Google, MediaPipe Selfie Segmentation, model card, 2021: RGB from 0 to 1 in, probability of a person out.
"""

import hashlib
import os
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import ModuleType
from typing import Any, Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.base import Image, PipelineError

# OpenCV 5 has two engines, of which the newer one runs all layers whichever is asked for. It reads a model from memory
# with the newer one whatever it is told; the first model that a process reads decides by this variable.
os.environ.setdefault("OPENCV_FORCE_DNN_ENGINE", "1")

Probability = npt.NDArray[np.float32]
"""(height, width) float32, 0 (surely no person) to 1 (surely a person), C-contiguous."""

Backend = Literal["auto", "opencv", "litert"]

SMALL_PX = 256
"""Height and width of what the network takes and gives."""

MODEL_NAME = "selfie_segmentation.tflite"
MODEL_SHA256 = "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"

_CELL_PX = 2
_MOST_LOG_ODDS = 80.0
"""Beyond, the exponential does not fit into single precision."""

_REINSTALL = "reinstall it: pip install --force-reinstall backroom"


class Segmenter(Protocol):
    """Finds the person in single frames; the frame before plays no part.

    One thread at a time may call, any thread; two segmenters are independent of each other. An image stays the
    caller's, is read during the call only and may have any size of at least one pixel, another one in each call.
    Results are new arrays, which the caller may keep and write to.
    """

    @property
    def backend(self) -> str:
        """What runs the network: ``opencv`` or ``litert``."""

    def probability(self, image: Image) -> Probability:
        """Return the probability of a person in every pixel.

        Parameters
        ----------
        image : ndarray
            (height, width, 3) uint8 BGR.

        Returns
        -------
        ndarray
            (height, width) float32, 0 to 1: `small_probability`, enlarged linearly.
        """

    def small_probability(self, image: Image) -> Probability:
        """Return what the network gives, without a picture of the frame's size.

        Parameters
        ----------
        image : ndarray
            (height, width, 3) uint8 BGR.

        Returns
        -------
        ndarray
            (256, 256) float32, 0 to 1; it spans the whole frame, whose sides may not be equal.
        """


class _Enlarging:
    """The part that both back ends share."""

    def small_probability(self, image: Image) -> Probability:
        """See `Segmenter`; for the back ends to give."""
        raise NotImplementedError

    def probability(self, image: Image) -> Probability:
        """Return the probability of a person in every pixel, see `Segmenter`.

        Parameters
        ----------
        image : ndarray
            (height, width, 3) uint8 BGR.

        Returns
        -------
        ndarray
            (height, width) float32, 0 to 1.
        """
        height, width = image.shape[:2]
        large = cv2.resize(self.small_probability(image), (width, height), interpolation=cv2.INTER_LINEAR)
        return large.astype(np.float32, copy=False)


class OpenCVSegmenter(_Enlarging):
    """The network run by OpenCV; its threads are those of the process (`cv2.setNumThreads`).

    Its last two layers (each of 128 x 128 cells becomes 2 x 2 pixels, each by its own weighted sum of the cell's
    channels; then a sigmoid) are worked out here: OpenCV's transposed convolution takes more time for that than for
    all layers before it together. So would the threads of a matrix product, which wait for each other by spinning.

    Parameters
    ----------
    model : bytes
        The network, from `read_model`.
    """

    backend = "opencv"

    def __init__(self, model: bytes) -> None:
        self._net = cv2.dnn.readNetFromTFLite(np.frombuffer(model, np.uint8))
        *_, self._last, enlarging, _ = self._net.getLayerNames()
        weights, bias = (np.asarray(blob, np.float32) for blob in self._net.getLayer(enlarging).blobs)
        self._weights = np.ascontiguousarray(weights[:, 0])
        self._bias = np.float32(bias.item())

    def small_probability(self, image: Image) -> Probability:
        """Return what the network gives, see `Segmenter`.

        Parameters
        ----------
        image : ndarray
            (height, width, 3) uint8 BGR.

        Returns
        -------
        ndarray
            (256, 256) float32, 0 to 1.
        """
        blob = cv2.dnn.blobFromImage(image, 1 / 255, (SMALL_PX, SMALL_PX), swapRB=True)
        self._net.setInput(blob)
        cells = self._net.forward(self._last)[0]
        found = np.empty((SMALL_PX, SMALL_PX), np.float32)
        _enlarge_cells(cells, self._weights, self._bias, found)
        return found


@njit(cache=True, nogil=True)
def _enlarge_cells(
    cells: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float32],
    bias: np.float32,
    found: npt.NDArray[np.float32],
) -> None:
    """Make of (channels, rows, columns) of cells, by (channels, 2, 2) weights, the pixels of `found`."""
    n, rows, columns = cells.shape
    line = np.empty(columns, np.float32)
    for y in range(rows):
        for v in range(_CELL_PX):
            for u in range(_CELL_PX):
                line[:] = bias
                for c in range(n):
                    weight = weights[c, v, u]
                    for x in range(columns):
                        line[x] += weight * cells[c, y, x]
                for x in range(columns):
                    against = np.exp(min(-line[x], np.float32(_MOST_LOG_ODDS)))
                    found[_CELL_PX * y + v, _CELL_PX * x + u] = np.float32(1) / (np.float32(1) + against)


class LiteRTSegmenter(_Enlarging):
    """The network run by LiteRT.

    Parameters
    ----------
    model : bytes
        The network, from `read_model`.
    n_threads : int, optional
        Threads for one frame; a second one gains little.

    Raises
    ------
    PipelineError
        If LiteRT is not installed or does not load.
    """

    backend = "litert"

    def __init__(self, model: bytes, n_threads: int = 1) -> None:
        self._interpreter: Any = _import_litert().Interpreter(model_content=model, num_threads=n_threads)
        self._interpreter.allocate_tensors()
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        self._output: int = self._interpreter.get_output_details()[0]["index"]
        self._bgr = np.empty((SMALL_PX, SMALL_PX, 3), np.uint8)
        self._rgb = np.empty((1, SMALL_PX, SMALL_PX, 3), np.float32)

    def small_probability(self, image: Image) -> Probability:
        """Return what the network gives, see `Segmenter`.

        Parameters
        ----------
        image : ndarray
            (height, width, 3) uint8 BGR.

        Returns
        -------
        ndarray
            (256, 256) float32, 0 to 1.
        """
        cv2.resize(image, (SMALL_PX, SMALL_PX), dst=self._bgr, interpolation=cv2.INTER_LINEAR)
        np.multiply(self._bgr[..., ::-1], np.float32(1 / 255), out=self._rgb[0])
        self._interpreter.set_tensor(self._input, self._rgb)
        self._interpreter.invoke()
        small: Probability = self._interpreter.get_tensor(self._output).reshape(SMALL_PX, SMALL_PX)
        return small


def open_segmenter(backend: Backend = "auto", n_threads: int = 1) -> Segmenter:
    """Load the network.

    Parameters
    ----------
    backend : {'auto', 'opencv', 'litert'}
        What runs it; ``auto`` is LiteRT where that is installed and loads, and OpenCV elsewhere. The segmenter's
        own `backend` tells which it became.
    n_threads : int, optional
        Threads of LiteRT for one frame. OpenCV takes those of the process.

    Returns
    -------
    Segmenter
        Ready; its first frame takes longer than the others.

    Raises
    ------
    PipelineError
        If the network's file is missing or damaged, or LiteRT is asked for and does not load.
    """
    model = read_model()
    if backend == "opencv":
        return OpenCVSegmenter(model)
    try:
        return LiteRTSegmenter(model, n_threads)
    except PipelineError:
        if backend == "litert":
            raise
        return OpenCVSegmenter(model)


def read_model(path: Traversable | None = None) -> bytes:
    """Read the network that ships with Backroom, and make sure that it is that one.

    Parameters
    ----------
    path : Path or Traversable, optional
        Another copy of the same file.

    Returns
    -------
    bytes
        A TensorFlow Lite file.

    Raises
    ------
    PipelineError
        If the file cannot be read or is not, byte for byte, the one whose SHA-256 is `MODEL_SHA256`.
    """
    path = files("pipelines") / "models" / MODEL_NAME if path is None else path
    try:
        model = path.read_bytes()
    except OSError as error:
        raise PipelineError(
            f"the person model {path} cannot be read ({error.strerror}); wanted the file that comes with "
            f"Backroom; {_REINSTALL}"
        ) from None
    found = hashlib.sha256(model).hexdigest()
    if found != MODEL_SHA256:
        raise PipelineError(
            f"the person model {path} is damaged: got {len(model)} bytes with SHA-256 {found[:12]}..., wanted "
            f"{MODEL_SHA256[:12]}...; {_REINSTALL}"
        )
    return model


def _import_litert() -> ModuleType:
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise PipelineError(
            f"person model: the back end litert was asked for and does not load ({error}); install it by "
            "pip install 'backroom[litert]', or take the back end opencv"
        ) from None
    module: ModuleType = interpreter
    return module
