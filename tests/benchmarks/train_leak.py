"""Trains the network that tells the room's colours from the person's (`pipelines.reconstruction.leak.network`).

    uv run --group judges --group training --extra litert --with torch python tests/benchmarks/train_leak.py --jobs 2

makes the calls of `training_calls.py` (once), watches each as the method would (`witness.py`), and learns from the
colours that were kept. A colour is the room's if it is right by the rule of
`pipelines.reconstruction.score` and enough of its frames showed a leak there: colours of the person that look like the
room by chance are none. At the same time the network learns to bring the colours of leaks nearer to what was behind.

Pieces of calls are mirrored, and their channels reordered, for the same reason as the calls are so different: one man
and a dozen of photos must not be learnt by heart. The weights are averaged over the last steps. A step takes .7 s of
one core; 2,200 of 66 calls learnt them by heart, 1,700 of 185 do not. Networks learnt from pieces of another size err
elsewhere, so that the mean of two is better than each.

Calls named by --held-out CALL... are not learnt from: the table that is printed is theirs, for some thresholds.
"""

import argparse
import copy
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from learner import Learner, Piece
from processes import workers
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as entropy
from training_calls import make_training_call
from witness import Witnessed, WitnessedWatcher, scores, watch, witnessed

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CAUSAL_SHARE = 0.3
STEPS, PIECE_PX = 1100, (176, 320)
PIXELS_A_STEP = 4 * 176 * 320
"""Pieces of so many pixels in all are learnt from in a step."""
RATE, WEIGHT_DECAY, STEEPEST, MEMORY = 2e-3, 5e-2, 1.0, 0.995
JUDGED_SHARE = 0.25
"""Of the colours of a piece so many are judged in a step; all of them are seen by the context."""
GUESS_WEIGHT, SHIFT_WEIGHT = 0.3, 2.0
SHIFT_SCALE = 6.0
"""A colour farther than this from the truth, in CIELAB, counts little more the farther it is."""
REORDERED, RELIT = 0.6, 0.5
"""Shares of the pieces whose channels get another order, and other light."""
THRESHOLDS = (0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7)


def cut_piece(call: Witnessed, size_px: tuple[int, int], rng: np.random.Generator) -> Piece:
    """Cut a piece out of a call, mirrored, reordered and relit some of the time."""
    height, width = size_px
    y, x = (int(rng.integers(0, side - size + 1)) for side, size in zip(call.weights.shape, size_px, strict=True))
    rows = np.searchsorted(call.y, (y, y + height))
    inside = rows[0] + np.flatnonzero((call.x[slice(*rows)] >= x) & (call.x[slice(*rows)] < x + width))
    way = -1 if rng.random() < 0.5 else 1
    order = rng.permutation(3) if rng.random() < REORDERED else np.arange(3)
    light = rng.uniform(0.85, 1.1, 3).astype(np.float32) if rng.random() < RELIT else np.ones(3, np.float32)
    window = np.s_[y : y + height, x : x + width]
    columns = call.x[inside] - x
    return Piece(
        call.rows_recolored(inside, order, light),
        call.causal_share[inside],
        (call.y[inside] - y) * width + (columns if way > 0 else width - 1 - columns),
        *(light * plane[window][:, ::way][..., order] for plane in (call.backdrop, call.room, call.reference)),
        *(np.ascontiguousarray(plane[window][:, ::way]) for plane in (call.known, call.weights)),
    )


def loss_of(learner: Learner, pieces: Sequence[Piece]) -> torch.Tensor:
    """Return the cross entropy of the judgement and of the first guess, and how far leaks' colours are off."""
    batch = learner.batch(pieces)
    some = torch.nonzero(torch.rand(len(batch.pixels)) < JUDGED_SHARE)[:, 0]
    guess, log_odds, colors = learner(batch, some)
    pixels, is_causal = batch.pixels[some], batch.causal_share[some] > CAUSAL_SHARE
    to_room, to_reference, is_right = batch.judge(colors, pixels)
    is_room = (is_right & is_causal).float()
    off = torch.minimum(to_room, to_reference)
    leaked = is_causal.float() * batch.weights[pixels]
    shift = (leaked * off / (off + SHIFT_SCALE)).sum() / len(some)
    return entropy(log_odds, is_room) + GUESS_WEIGHT * entropy(guess, is_room) + SHIFT_WEIGHT * shift


def learn(
    calls: Sequence[Witnessed],
    held_out: Mapping[Path, WitnessedWatcher],
    steps: int,
    out: Path,
    seed: int = 0,
    piece_px: tuple[int, int] = PIECE_PX,
) -> None:
    """Learn, write the network now and then, and say how good it is on calls that it has not seen."""
    calls_a_step = round(PIXELS_A_STEP / math.prod(piece_px))
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    learner = Learner(calls)
    optimizer = torch.optim.AdamW(learner.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps, pct_start=0.1)
    average = copy.deepcopy(learner).eval()
    began, losses = time.monotonic(), []
    for step in range(1, steps + 1):
        drawn = rng.integers(0, len(calls), calls_a_step)
        loss = loss_of(learner, [cut_piece(calls[i], piece_px, rng) for i in drawn])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learner.parameters(), STEEPEST)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for mean, now in zip(average.parameters(), learner.parameters(), strict=True):
                mean.lerp_(now, 1 - min(MEMORY, step / (step + 9)))
        losses.append(float(loss.detach()))
        if step % max(1, steps // 4) == 0:
            average.network().save(str(out))
            print(f"step {step}: loss {np.mean(losses[-100:]):.4f}, {time.monotonic() - began:.0f} s", flush=True)
            for folder, watcher in held_out.items():
                row = zip(THRESHOLDS, scores(folder, watcher, average.network(), THRESHOLDS), strict=True)
                figures = "  ".join(f"{t}: {s.coverage:.3f} {s.recall or 0:.3f} {s.precision or 0:.3f}" for t, s in row)
                print(f"{folder.name}: coverage recall precision at {figures}", flush=True)


def make_and_watch(folder: Path) -> Witnessed:
    """Make the call that a folder is named after, unless it is there, and watch it."""
    make_training_call(folder, int(folder.name), DATA)
    return witnessed(folder, watch(folder))


def main() -> None:
    """Make the calls, learn, and write the network."""
    line = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    line.add_argument("--calls", type=Path, default=Path("training-calls"), help="folder of the calls to learn from")
    line.add_argument("--n-calls", type=int, default=60, help="how many calls to learn from")
    line.add_argument("--jobs", type=int, default=1, help="calls that are made at once")
    line.add_argument("--steps", type=int, default=STEPS, help="how long to learn")
    line.add_argument("--piece-px", type=int, nargs=2, default=PIECE_PX, help="height and width of the pieces")
    line.add_argument("--seed", type=int, default=0, help="of the weights, and of what is cut")
    line.add_argument("--held-out", type=Path, nargs="*", default=[], help="folders of calls to be judged on")
    line.add_argument("--out", type=Path, default=Path("network.npz"), help="file to write")
    asked = line.parse_args()
    calls = []
    with workers(asked.jobs) as pool:
        folders = [asked.calls / f"{number:03}" for number in range(asked.n_calls)]
        for folder, call in zip(folders, pool.map(make_and_watch, folders), strict=True):
            calls.append(call)
            print(f"{folder}: {len(call.rows)} colours", flush=True)
    watched = {folder: watch(folder) for folder in asked.held_out}
    learn(calls, watched, asked.steps, asked.out, asked.seed, tuple(asked.piece_px))


if __name__ == "__main__":
    main()
