"""Grows the trees that tell the room's colours from the person's (`pipelines.reconstruction.leak.trees`).

    uv run --group judges python tests/benchmarks/train_leak.py CALL... --out trees.npz --held-out CALL...

Each CALL is a folder that `simulated_call.py`, or the scorers beside the project, made. The method counts the call as
it would when watching, and every colour that it kept becomes a case. A case is the room's if its colour is right by
the rule of `pipelines.reconstruction.score` and at least `CAUSAL_SHARE` of its frames showed a leak there: colours
of the person that look like the room by chance are none. What a frame truly leaked is the client's mask, made
again from what the camera saw, times (1 - true matte).

Calls named by --held-out are not learnt from: the table that is printed is theirs, for some thresholds.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from clients import Client
from sklearn.ensemble import HistGradientBoostingClassifier

from pipelines.base import Image
from pipelines.color import delta_e_2000, lab_from_bgr
from pipelines.reconstruction.leak import claims
from pipelines.reconstruction.leak import evidence as ev
from pipelines.reconstruction.leak import observe as ob
from pipelines.reconstruction.leak.trees import Trees
from pipelines.reconstruction.leak.watcher import LeakWatcher, Seen
from pipelines.segmentation import Segmenter, open_segmenter
from stream.sources.video import VideoSource

LEAK_ALPHA = 0.4
CAUSAL_SHARE = 0.3
RIGHT_ROOM, RIGHT_REFERENCE, RIGHT_WEIGHT = 10.0, 4.0, 0.25
MOST_CASES_OF_A_CALL = 120_000
THRESHOLDS = (0.1, 0.15, 0.2, 0.3, 0.5)
GROWTH = {
    "max_iter": 150,
    "max_leaf_nodes": 31,
    "learning_rate": 0.08,
    "l2_regularization": 5.0,
    "min_samples_leaf": 200,
}


@dataclass(frozen=True, slots=True)
class Cases:
    """The colours that the method kept of one call.

    Attributes
    ----------
    rows : ndarray
        (n, len(FEATURES)) float32.
    pixels : ndarray
        (n,) int64, y * width + x.
    is_room : ndarray
        (n,) bool, what is to be learnt.
    is_found, is_right : ndarray
        (n,) bool, by the scorer's rules for recall and precision.
    weights : ndarray
        (height, width) float32, the call's w.
    """

    rows: npt.NDArray[np.float32]
    pixels: npt.NDArray[np.int64]
    is_room: npt.NDArray[np.bool_]
    is_found: npt.NDArray[np.bool_]
    is_right: npt.NDArray[np.bool_]
    weights: npt.NDArray[np.float32]


class WitnessedWatcher(LeakWatcher):
    """Counts a call whose leaks are known: one more figure of each colour says how often it truly was a leak."""

    def __init__(self, height: int, width: int, segmenter: Segmenter) -> None:
        super().__init__(height, width, height, segmenter)
        sums = np.zeros((height, width, ev.N_SLOTS, ev.N_COLUMNS + 1), np.float32)
        self.evidence = self.evidence._replace(sums=sums)
        self._observed = np.zeros((height * width, ob.N_OBSERVED + 1), np.float32)
        self.leaked: npt.NDArray[np.float32] = np.zeros((height, width), np.float32)

    def _observe(self, image: Image, probability: npt.NDArray[np.float32]) -> Seen:
        seen = super()._observe(image, probability)
        seen.observed[:, -1] = (self.leaked > LEAK_ALPHA).reshape(-1)[seen.positions]
        return seen


def frames_of(path: Path) -> Iterator[Image]:
    """Yield the pictures of a video."""
    source = VideoSource(path)
    while (frame := source.read()) is not None:
        yield frame.image
    source.close()


def leaks_of(folder: Path) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the true leak alpha of every frame of a call."""
    client = Client(json.loads((folder / "meta.json").read_text("utf-8"))["style"])
    mattes = np.load(folder / "matte.npz")["matte"]
    segmenter = open_segmenter("opencv")
    for camera, codes in zip(frames_of(folder / "raw.mkv"), mattes, strict=True):
        matte = codes.astype(np.float32) / 255
        mask = client.mask(segmenter.probability(camera), matte)
        yield (mask * (1 - matte)).astype(np.float32)


def read_cases(folder: Path) -> Cases:
    """Watch a call and judge every colour that was kept."""
    weights: npt.NDArray[np.float32] = np.load(folder / "w.npy")
    height, width = weights.shape
    watcher = WitnessedWatcher(height, width, open_segmenter("opencv"))
    for frame, watcher.leaked in zip(frames_of(folder / "call.mp4"), leaks_of(folder), strict=True):
        watcher.count(frame)
    n = height * width * ev.N_SLOTS
    rows, owners = np.empty((n, claims.N_FEATURES), np.float32), np.empty(n, np.int32)
    common = claims.person_commonness(watcher.person_colors)
    n = claims.describe(watcher.evidence, watcher.backdrop, common, 0, height, rows, owners)
    rows, slots = rows[:n].copy(), owners[:n].astype(np.int64)
    pixels = slots // ev.N_SLOTS
    sums = watcher.evidence.sums.reshape(-1, ev.N_COLUMNS + 1)[slots]
    colors = lab_from_bgr(watcher.evidence.colors.reshape(1, -1, 3)[:, slots].round().clip(0, 255).astype(np.uint8))[0]
    to_room, to_reference = (
        delta_e_2000(colors, lab_from_bgr(cv2.imread(str(folder / f"{name}.png"))).reshape(-1, 3)[pixels])
        for name in ("room", "reference")
    )
    w = weights.reshape(-1)[pixels]
    is_right = (to_room < RIGHT_ROOM) | ((to_reference < RIGHT_REFERENCE) & (w >= RIGHT_WEIGHT))
    is_found = (to_room < RIGHT_REFERENCE) | (to_reference < RIGHT_REFERENCE)
    is_room = is_right & (sums[:, -1] > CAUSAL_SHARE * sums[:, ev.FRAMES])
    return Cases(rows, pixels, is_room, is_found, is_right, weights)


def grow(calls: Sequence[Cases], seed: int = 0) -> Trees:
    """Grow trees on the cases of all calls."""
    rng = np.random.default_rng(seed)
    rows, labels = [], []
    for cases in calls:
        chosen = rng.choice(len(cases.rows), min(MOST_CASES_OF_A_CALL, len(cases.rows)), replace=False)
        rows.append(cases.rows[chosen])
        labels.append(cases.is_room[chosen])
    model = HistGradientBoostingClassifier(**GROWTH, random_state=seed)
    model.fit(np.concatenate(rows), np.concatenate(labels))
    nodes = [predictor.nodes for (predictor,) in model._predictors]
    roots = np.cumsum([0, *(len(tree) for tree in nodes[:-1])]).astype(np.int32)
    whole = np.concatenate(nodes)
    first = np.repeat(roots, [len(tree) for tree in nodes])
    is_leaf = whole["is_leaf"] > 0
    return Trees(
        claims.FEATURES,
        roots,
        np.where(is_leaf, -1, whole["feature_idx"]).astype(np.int16),
        whole["num_threshold"].astype(np.float32),
        (whole["left"] + first).astype(np.int32),
        (whole["right"] + first).astype(np.int32),
        np.where(is_leaf, whole["value"], 0).astype(np.float32),
        float(np.ravel(model._baseline_prediction)[0]),
    )


def table_row(trees: Trees, cases: Cases) -> list[tuple[float, float, float]]:
    """Return (coverage, recall, precision) at each of `THRESHOLDS`, the likeliest colour of each pixel taken."""
    confidence = 1 / (1 + np.exp(-trees.log_odds(cases.rows)))
    order = np.argsort(confidence, kind="stable")
    best = np.full(cases.weights.size, -1)
    best[cases.pixels[order]] = order
    best = best[best >= 0]
    w = cases.weights.reshape(-1)[cases.pixels[best]]
    row = []
    for threshold in THRESHOLDS:
        claimed = confidence[best] >= threshold
        recall = float((w * cases.is_found[best])[claimed].sum() / max(cases.weights.sum(), 1e-9))
        precision = float(cases.is_right[best][claimed].mean()) if claimed.any() else 0.0
        row.append((float(claimed.sum() / cases.weights.size), recall, precision))
    return row


def main() -> None:
    """Grow trees, write them, and say how good they are on calls that they have not seen."""
    line = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    line.add_argument("calls", type=Path, nargs="+", help="folders of calls to learn from")
    line.add_argument("--held-out", type=Path, nargs="*", default=[], help="folders of calls to be judged on")
    line.add_argument("--out", type=Path, required=True, help="file to write, such as trees.npz")
    asked = line.parse_args()
    learnt = []
    for folder in asked.calls:
        learnt.append(read_cases(folder))
        print(f"{folder}: {len(learnt[-1].rows)} cases, {learnt[-1].is_room.mean():.1%} of them the room", flush=True)
    trees = grow(learnt)
    trees.save(str(asked.out))
    print(f"{asked.out}: {len(trees.roots)} trees, {len(trees.features)} nodes")
    for folder in asked.held_out:
        row = table_row(trees, read_cases(folder))
        figures = "  ".join(f"{t}: {c:.3f} {r:.3f} {p:.3f}" for t, (c, r, p) in zip(THRESHOLDS, row, strict=True))
        print(f"{folder.name}: coverage recall precision at {figures}", flush=True)


if __name__ == "__main__":
    main()
