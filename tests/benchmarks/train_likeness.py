"""Learns which of two frames of a pixel looks more like a leak (`pipelines.reconstruction.leak.likeness`).

    uv run --group judges --group training --extra litert --with torch python tests/benchmarks/train_likeness.py

makes calls of `training_calls.py` (once; others than `train_leak.py` learns from by default), watches each, and notes
all that is observed of some pixels. Then pairs of frames of one pixel are drawn, of which one showed the room rightly
and the other none of it, and the weights are those that order most pairs well. What is printed goes into `WEIGHTS`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import softplus
from training_calls import make_training_call
from witness import WitnessedWatcher, frames_of, leaks_of, picture_of, weights_of

from pipelines.color import delta_e_2000, lab_from_bgr
from pipelines.reconstruction.leak.likeness import DISTANCES, HALF_DISTANCE, OBSERVED, WEIGHTS
from pipelines.reconstruction.score import SEEN_DELTA_E
from pipelines.segmentation import open_segmenter

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FIRST_CALL = 300
NOTED_SHARE = 0.25
PAIRS, PAIRS_A_STEP, STEPS, RATE = 100_000, 8192, 1500, 1e-2
FEWEST_LEAKS = 500
"""A call with fewer observations that leaked says too little."""

Rows = npt.NDArray[np.float32]


class Noted(NamedTuple):
    """What was observed of some pixels of a call: the figures, their pixels, and what was behind them.

    Attributes
    ----------
    rows : ndarray
        (n, len(OBSERVED)) float32.
    pixels : ndarray
        (n,) int64.
    leaks, shows_room : ndarray
        (n,) bool: the frame leaked there; it showed the room rightly as well.
    weights : ndarray
        (n,) float32, the call's w.
    """

    rows: Rows
    pixels: npt.NDArray[np.int64]
    leaks: npt.NDArray[np.bool_]
    shows_room: npt.NDArray[np.bool_]
    weights: Rows


def note(folder: Path, rng: np.random.Generator) -> Noted:
    """Watch a call, and note what is observed of a share of its pixels."""
    weights = weights_of(folder)
    watcher = WitnessedWatcher(*weights.shape, open_segmenter())
    is_noted = rng.random(weights.size) < NOTED_SHARE
    truths = [lab_from_bgr(picture_of(folder / f"{name}.png")).reshape(1, -1, 3) for name in ("room", "reference")]
    parts = []
    for frame, watcher.leaked in zip(frames_of(folder / "call.mp4"), leaks_of(folder), strict=True):
        seen = watcher.count(frame)
        of_noted = is_noted[seen.positions]
        pixels, rows = seen.positions[of_noted].astype(np.int64), seen.observed[of_noted]
        lab = lab_from_bgr(seen.image.reshape(1, -1, 3)[:, pixels])
        is_right = np.any([delta_e_2000(lab, truth[:, pixels])[0] < SEEN_DELTA_E for truth in truths], axis=0)
        leaks = rows[:, -1] > 0
        parts.append(Noted(rows[:, :-1], pixels, leaks, leaks & is_right, weights.reshape(-1)[pixels]))
    return Noted(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def pairs(noted: Noted, rng: np.random.Generator) -> tuple[Rows, Rows, Rows]:
    """Draw pairs of frames of one pixel: figures of the one that showed the room, of the other, and what they count."""
    order = np.argsort(noted.pixels, kind="stable")
    first, end = (np.searchsorted(noted.pixels[order], noted.pixels, side) for side in ("left", "right"))
    good = np.flatnonzero(noted.shows_room)
    if good.size < FEWEST_LEAKS:
        return noted.rows[:0], noted.rows[:0], noted.weights[:0]
    one = rng.choice(good, PAIRS)
    other = order[(first[one] + rng.random(PAIRS) * (end[one] - first[one])).astype(int)]
    one, other = one[~noted.leaks[other]], other[~noted.leaks[other]]
    weights = noted.weights[one]
    return noted.rows[one], noted.rows[other], weights / max(float(weights.mean()), 1e-6)


def prepared(rows: Rows) -> Rows:
    """Return the figures as they are weighted: distances saturate."""
    rows = rows.copy()
    for name in DISTANCES:
        column = rows[:, OBSERVED.index(name)]
        column /= column + HALF_DISTANCE
    return rows[:, [OBSERVED.index(name) for name in WEIGHTS]]


def learn(drawn: Sequence[tuple[Rows, Rows, Rows]]) -> npt.NDArray[np.float64]:
    """Return the weights that order pairs best, by the logarithm of the odds that each is the right way round."""
    better, worse = (prepared(np.concatenate([pair[i] for pair in drawn])) for i in (0, 1))
    spread = np.concatenate([better, worse]).std(axis=0) + 1e-3
    ahead = torch.from_numpy((better - worse) / spread)
    counts = torch.from_numpy(np.concatenate([pair[2] for pair in drawn]))
    torch.manual_seed(0)
    weights = torch.zeros(ahead.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([weights], RATE)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2 * STEPS // 3, 0.1)
    for _ in range(STEPS):
        some = torch.randint(0, len(ahead), (PAIRS_A_STEP,))
        loss = (counts[some] * softplus(-(ahead[some] @ weights))).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return weights.detach().numpy().astype(np.float64) / spread


def main() -> None:
    """Make the calls, watch them, learn, and print the weights and where most likenesses lie."""
    line = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    line.add_argument("--calls", type=Path, default=Path("training-calls"), help="folder of the calls to learn from")
    line.add_argument("--n-calls", type=int, default=36, help="how many calls to learn from")
    asked = line.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    drawn, some = [], []
    for number in range(FIRST_CALL, FIRST_CALL + asked.n_calls):
        folder = asked.calls / f"{number:03}"
        make_training_call(folder, number, DATA)
        noted = note(folder, rng)
        drawn.append(pairs(noted, rng))
        some.append(noted.rows[::100])
        print(f"{folder}: {len(noted.rows)} observations, {len(drawn[-1][0])} pairs", flush=True)
    weights = learn(drawn)
    for name, weight in zip(WEIGHTS, weights, strict=True):
        print(f'    "{name}": {weight:.3f},')
    print("least, most of most:", np.percentile(prepared(np.concatenate(some)) @ weights, (0.1, 99.9)).round(2))


if __name__ == "__main__":
    main()
