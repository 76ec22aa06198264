"""Watches a call whose leaks are known, and notes of every colour that was kept how often it truly was a leak."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from clients import Client
from training_calls import LEAK_ALPHA

from pipelines.base import Image
from pipelines.reconstruction.leak import claims
from pipelines.reconstruction.leak import evidence as ev
from pipelines.reconstruction.leak import observe as ob
from pipelines.reconstruction.leak.candidates import Candidates
from pipelines.reconstruction.leak.network import Network
from pipelines.reconstruction.leak.watcher import LeakWatcher, Seen
from pipelines.reconstruction.score import Score, score
from pipelines.segmentation import Segmenter, open_segmenter
from stream.sources.video import VideoSource

_BLUE = claims.FEATURES.index("blue")


class WitnessedWatcher(LeakWatcher):
    """Counts a call whose leaks are known: one more figure of each colour says how often it truly was a leak."""

    def __init__(self, height: int, width: int, segmenter: Segmenter) -> None:
        super().__init__(height, width, height, segmenter)
        sums = np.zeros((height, width, ev.N_SLOTS, ev.N_COLUMNS + 1), np.float32)
        self.evidence = self.evidence._replace(sums=sums)
        self._observed = np.zeros((height * width, ob.N_OBSERVED + 1), np.float32)
        self.leaked: npt.NDArray[np.bool_] = np.zeros((height, width), np.bool_)

    def _observe(self, image: Image, probability: npt.NDArray[np.float32]) -> Seen:
        seen = super()._observe(image, probability)
        seen.observed[:, -1] = self.leaked.reshape(-1)[seen.positions]
        return seen


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A call as it was watched.

    Attributes
    ----------
    rows : ndarray
        (n, len(FEATURES)) float32, a row for each colour, in the order of pixels.
    causal_share : ndarray
        (n,) float32, share of a colour's frames that truly leaked there.
    y, x : ndarray
        (n,) int64, its pixel.
    backdrop : ndarray
        (height, width, 3) float32 BGR, as it was found.
    known : ndarray
        (height, width) float32, 1 where it was found.
    room, reference : ndarray
        (height, width, 3) uint8 BGR, the truth.
    weights : ndarray
        (height, width) float32, the call's w.
    """

    rows: npt.NDArray[np.float32]
    causal_share: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]
    x: npt.NDArray[np.int64]
    backdrop: npt.NDArray[np.float32]
    known: npt.NDArray[np.float32]
    room: npt.NDArray[np.uint8]
    reference: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.float32]

    def rows_recolored(
        self, which: npt.NDArray[np.int64], order: npt.NDArray[np.int64], light: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Return some rows as if the call's channels had another order and light; distances are left as they are."""
        rows = self.rows[which]
        rows[:, _BLUE : _BLUE + 3] = (rows[:, _BLUE + order] + 1) * light - 1
        rows[:, _BLUE + 3 : _BLUE + 6] = rows[:, _BLUE + 3 + order] * light
        return rows


def watch(folder: Path) -> WitnessedWatcher:
    """Watch a call, of `training_calls` or of `simulated_call`."""
    height, width = weights_of(folder).shape
    watcher = WitnessedWatcher(height, width, open_segmenter())
    for frame, watcher.leaked in zip(frames_of(folder / "call.mp4"), leaks_of(folder), strict=True):
        watcher.count(frame)
    return watcher


def witnessed(folder: Path, watcher: WitnessedWatcher) -> Witnessed:
    """Describe every colour that was kept, and say which of them leaked."""
    height, width = watcher.height, watcher.width
    n = height * width * ev.N_SLOTS
    rows, owners = np.empty((n, claims.N_FEATURES), np.float32), np.empty(n, np.int32)
    common = claims.person_commonness(watcher.person_colors)
    n = claims.describe(watcher.evidence, watcher.backdrop, common, 0, height, rows, owners)
    sums = watcher.evidence.sums.reshape(-1, ev.N_COLUMNS + 1)[owners[:n]]
    y, x = np.divmod(owners[:n].astype(np.int64) // ev.N_SLOTS, width)
    return Witnessed(
        rows[:n].copy(),
        sums[:, -1] / sums[:, ev.FRAMES],
        y,
        x,
        watcher.backdrop,
        watcher.known.astype(np.float32),
        *(picture_of(folder / f"{name}.png") for name in ("room", "reference")),
        weights_of(folder),
    )


def scores(folder: Path, watcher: LeakWatcher, network: Network, thresholds: Sequence[float]) -> list[Score]:
    """Score what a network claims of a call at some thresholds."""
    candidates = Candidates(watcher, (network,))
    candidates.refresh()
    room, backdrop = (picture_of(folder / f"{name}.png") for name in ("room", "backdrop"))
    found = np.dstack([candidates.color.round().clip(0, 255), np.zeros(room.shape[:2])]).astype(np.uint8)
    all_scores = []
    for threshold in thresholds:
        found[..., 3] = 255 * (candidates.confidence() >= threshold)
        all_scores.append(score(found, room, backdrop, weights_of(folder)))
    return all_scores


def weights_of(folder: Path) -> npt.NDArray[np.float32]:
    """Return a call's w."""
    truth = folder / "truth.npz"
    weights: npt.NDArray[np.float32] = np.load(truth)["w"] if truth.exists() else np.load(folder / "w.npy")
    return weights


def picture_of(path: Path) -> npt.NDArray[np.uint8]:
    """Read a picture of a call."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise SystemExit(f"{path} is not a picture; name the folder of a whole call")
    return picture.astype(np.uint8, copy=False)


def frames_of(path: Path) -> Iterator[Image]:
    """Yield the frames of a video."""
    source = VideoSource(path)
    while (frame := source.read()) is not None:
        yield frame.image
    source.close()


def leaks_of(folder: Path) -> Iterator[npt.NDArray[np.bool_]]:
    """Yield which pixels leaked in each frame; where that was not noted, the client's mask is made again."""
    if (folder / "truth.npz").exists():
        shape = weights_of(folder).shape
        for packed in np.load(folder / "truth.npz")["leaks"]:
            yield np.unpackbits(packed)[: shape[0] * shape[1]].reshape(shape).astype(np.bool_)
        return
    client = Client(json.loads((folder / "meta.json").read_text("utf-8"))["style"])
    mattes = np.load(folder / "matte.npz")["matte"]
    segmenter = open_segmenter("opencv")
    for camera, codes in zip(frames_of(folder / "raw.mkv"), mattes, strict=True):
        matte = codes.astype(np.float32) / 255
        yield client.mask(segmenter.probability(camera), matte) * (1 - matte) > LEAK_ALPHA
