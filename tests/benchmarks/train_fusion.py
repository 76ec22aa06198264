"""Trains the networks that fuse the colours of neighbours (`pipelines.reconstruction.leak.fusion`).

    uv run --group judges --group training --extra litert --with torch python tests/benchmarks/train_fusion.py --jobs 2

makes calls of `training_calls.py` (once; the later ones, which `train_leak.py` did not learn from by default), has each
watched and judged as the method would, and learns, one pass after the other, to bring likely colours near to the room
or to what the best frame showed, and to say how likely the mixture is right. A colour that looks like the room by
chance, of frames that did not leak, is none, as in `train_leak.py`.

The channels of some of the pixels are reordered, and no colour as such goes in: the networks of 120 calls that saw
colours knew those calls by heart (precision .57 on these, .44 on others).
"""

import argparse
import itertools
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from learner import lab_of
from processes import workers
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as entropy
from torch.nn.functional import relu
from training_calls import make_training_call
from witness import picture_of, watch, weights_of

from pipelines.crew import shared_crew
from pipelines.reconstruction.leak import evidence as ev
from pipelines.reconstruction.leak import fusion
from pipelines.reconstruction.leak import fusion_pass as fp
from pipelines.reconstruction.leak.candidates import Candidates
from pipelines.reconstruction.leak.fusion_pass import Around
from pipelines.reconstruction.score import LEAKED_ALPHA, ROOM_DELTA_E, SEEN_DELTA_E

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FIRST_CALL = 212
HIDDEN = 96
STEPS, RATE, WEIGHT_DECAY = 6000, 3e-3, 1e-2
CALLS_A_STEP, PIXELS_A_CALL = 16, 400
CAUSAL_SHARE = 0.3
SHIFT_WEIGHT, SHIFT_SCALE = 2.0, 8.0
"""A colour farther than this from the truth, in CIEDE2000, counts little more the farther it is."""
REORDERED = 0.6
LIKELY_BASE, HEAD_START = fp.MIDDLE, 2.0
"""What is mixed at first."""


class Judged(NamedTuple):
    """The likely colours of a call, and the truth.

    Attributes
    ----------
    likely : Likely
        As the networks judged them.
    size : tuple of int
        Height and width.
    causal_share : ndarray
        (n,) float32, share of a colour's frames that truly leaked there.
    room, reference : ndarray
        (n, 3) float32 BGR, the truth.
    weights : ndarray
        (n,) float32, the call's w.
    """

    likely: fusion.Likely
    size: tuple[int, int]
    causal_share: npt.NDArray[np.float32]
    room: npt.NDArray[np.float32]
    reference: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]


class PassLearner(nn.Module):
    """One pass; `calls` say how its inputs are spread."""

    def __init__(self, calls: Sequence[Around]) -> None:
        super().__init__()
        every = [slice(None, None, max(1, len(call.log_odds) // 2000)) for call in calls]
        some = np.concatenate([seen(*each).inputs() for each in zip(calls, every, strict=True)])
        self.register_buffer("mean", torch.from_numpy(some.mean(axis=0)))
        self.register_buffer("spread", torch.from_numpy(some.std(axis=0) + 1e-2))
        sizes = ((fp.N_INPUTS, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, fp.N_OUTPUTS))
        self.layers = nn.ModuleDict({name: nn.Linear(*size) for name, size in zip(fp.LAYERS, sizes, strict=True)})
        last = self.layers[fp.LAYERS[-1]]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        with torch.no_grad():
            last.bias[[LIKELY_BASE, len(fp.BASES) + LIKELY_BASE]] = HEAD_START

    def forward(self, around: Around) -> tuple[torch.Tensor, torch.Tensor]:
        """Return colours and log odds, as `FusionPass.mix` does."""
        values = (torch.from_numpy(around.inputs()) - self.mean) / self.spread
        for name in fp.LAYERS[:-1]:
            values = relu(self.layers[name](values))
        out = self.layers[fp.LAYERS[-1]](values)
        n, bases = len(fp.BASES), torch.from_numpy(around.bases)
        luma = bases @ torch.from_numpy(fp.LUMA)
        shares = [torch.softmax(part, 1) for part in (out[:, :n], out[:, n : 2 * n])]
        mixed = (shares[0] * luma).sum(1)[:, None] + (shares[1][..., None] * (bases - luma[..., None])).sum(1)
        shift = out[:, 2 * n : 2 * n + 3] * fp.SHIFT_CODES
        return mixed + shift, torch.from_numpy(around.log_odds) + out[:, -1]

    def fusion_pass(self) -> fp.FusionPass:
        """Return what has been learnt; how the inputs are spread goes into the first layer."""
        weights, biases = {}, {}
        for name in fp.LAYERS:
            weight, bias = (p.detach().numpy().astype(np.float64) for p in self.layers[name].parameters())
            if name == fp.LAYERS[0]:
                weight = weight / self.spread.numpy()
                bias = bias - weight @ self.mean.numpy()
            weights[name], biases[name] = np.ascontiguousarray(weight.T, np.float32), bias.astype(np.float32)
        return fp.FusionPass(weights, biases)


def delta_e(found: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return about CIEDE2000, (n,), of CIELAB colours: without its rotation and its hues, so that it has a slope.

    References
    ----------
    Lightness as in CIEDE2000 (Sharma, Wu, Dalal, Color Research and Application 30, 2005), chroma and hue as in
    CIE 116-1995 (CIE94).
    """
    middle = (found[:, 0] + truth[:, 0]) / 2 - 50
    lightness = (found[:, 0] - truth[:, 0]) / (1 + 0.015 * middle**2 / torch.sqrt(20 + middle**2))
    chromas = [torch.sqrt((lab[:, 1:] ** 2).sum(1) + 1e-6) for lab in (found, truth)]
    chroma = chromas[0] - chromas[1]
    hue_2 = (((found - truth)[:, 1:] ** 2).sum(1) - chroma**2).clamp_min(0)
    mean = torch.sqrt(chromas[0] * chromas[1])
    return torch.sqrt(lightness**2 + (chroma / (1 + 0.045 * mean)) ** 2 + hue_2 / (1 + 0.015 * mean) ** 2 + 0.25)


def loss_of(learner: PassLearner, around: Around, truth: Sequence[npt.NDArray[np.float32]]) -> torch.Tensor:
    """Return how far leaks' colours are off, and the cross entropy of the confidence."""
    colors, log_odds = learner(around)
    room, reference, weights, causal_share = (torch.from_numpy(each) for each in truth)
    lab = lab_of(colors)
    to_room, to_reference = (delta_e(lab, lab_of(each)) for each in (room, reference))
    is_causal = (causal_share > CAUSAL_SHARE).float()
    is_right = (to_room < ROOM_DELTA_E) | ((to_reference < SEEN_DELTA_E) & (weights >= LEAKED_ALPHA))
    off = torch.minimum(to_room, to_reference)
    shift = (weights * is_causal * off / (off + SHIFT_SCALE)).mean()
    return SHIFT_WEIGHT * shift + entropy(log_odds, is_right.float() * is_causal)


def draw(
    calls: Sequence[Judged], views: Sequence[Around], rng: np.random.Generator
) -> tuple[Around, list[npt.NDArray[np.float32]]]:
    """Draw pixels of some calls, and what is true of them; channels are reordered in some calls."""
    arounds, truths = [], []
    for number in rng.integers(0, len(calls), CALLS_A_STEP):
        call, view = calls[number], views[number]
        some = rng.integers(0, len(view.log_odds), PIXELS_A_CALL)
        order = rng.permutation(3) if rng.random() < REORDERED else np.arange(3)
        around = seen(view, some)
        arounds.append(around._replace(bases=around.bases[..., order]))
        truths.append(
            (call.room[some][:, order], call.reference[some][:, order], call.weights[some], call.causal_share[some])
        )
    return (
        Around(*(np.concatenate(each) for each in zip(*arounds, strict=True))),
        [np.concatenate(each) for each in zip(*truths, strict=True)],
    )


def learn_pass(calls: Sequence[Judged], views: Sequence[Around], steps: int, rng: np.random.Generator) -> fp.FusionPass:
    """Learn one pass from what it sees of all calls."""
    learner = PassLearner(views)
    optimizer = torch.optim.AdamW(learner.parameters(), lr=RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps, pct_start=0.1)
    began, losses = time.monotonic(), []
    for step in range(1, steps + 1):
        loss = loss_of(learner, *draw(calls, views, rng))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % max(1, steps // 4) == 0:
            print(f"step {step}: loss {np.mean(losses[-200:]):.4f}, {time.monotonic() - began:.0f} s", flush=True)
    return learner.fusion_pass()


def learn(calls: Sequence[Judged], steps: int, out: Path, seed: int = 0) -> None:
    """Learn all passes, each from what the one before made of the calls, and write them."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    passes: list[fp.FusionPass] = []
    now = [(call.likely.colors, call.likely.log_odds) for call in calls]
    for _ in range(fp.N_PASSES):
        views = shared_crew().run([partial(look, *each) for each in zip(calls, now, strict=True)])
        passes.append(learn_pass(calls, views, steps, rng))
        if len(passes) < fp.N_PASSES:
            now = [passes[-1].mix(seen(view, slice(None))) for view in views]
        del views  # as large as what the next pass sees
    fp.save_passes(str(out), passes)


def look(call: Judged, now: Sequence[npt.NDArray[np.float32]]) -> Around:
    """Return what a pass sees of a call, of whose colours and log odds the one before left these.

    In float16: of all calls it fills half of a machine's memory so.
    """
    view = fusion.Neighbourhood(call.likely, *now, call.size).around(np.arange(len(call.weights)))
    return Around(*(each.astype(np.float16) for each in view))


def seen(view: Around, some: slice | npt.NDArray[np.int64]) -> Around:
    """Return what `look` kept of some pixels, as a pass takes it."""
    return Around(*(each[some].astype(np.float32) for each in view))


def judge(folder: Path) -> Judged:
    """Make the call that a folder is named after, unless it is there, watch and judge it."""
    make_training_call(folder, int(folder.name), DATA)
    watcher = watch(folder)
    candidates = Candidates(watcher)
    candidates.refresh()
    likely = candidates.likely()
    sums = watcher.evidence.sums.reshape(-1, ev.N_COLUMNS + 1)[candidates.likeliest.reshape(-1)[likely.pixels]]
    truths = [picture_of(folder / f"{name}.png").reshape(-1, 3)[likely.pixels] for name in ("room", "reference")]
    return Judged(
        likely,
        (watcher.height, watcher.width),
        sums[:, -1] / sums[:, ev.FRAMES],
        *(each.astype(np.float32) for each in truths),
        weights_of(folder).reshape(-1)[likely.pixels].astype(np.float32),
    )


def main() -> None:
    """Make the calls, learn, and write the networks."""
    line = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    line.add_argument("--calls", type=Path, default=Path("training-calls"), help="folder of the calls to learn from")
    line.add_argument("--first-call", type=int, default=FIRST_CALL, help="number of the first of them")
    line.add_argument("--n-calls", type=int, default=120, help="how many calls to learn from")
    line.add_argument("--jobs", type=int, default=1, help="calls that are made at once")
    line.add_argument("--steps", type=int, default=STEPS, help="how long to learn each pass")
    line.add_argument("--seed", type=int, default=0, help="of the weights, and of what is drawn")
    line.add_argument("--out", type=Path, default=Path("fusion.npz"), help="file to write")
    asked = line.parse_args()
    calls = []
    with workers(asked.jobs) as pool:
        folders = [asked.calls / f"{n:03}" for n in itertools.islice(itertools.count(asked.first_call), asked.n_calls)]
        for folder, call in zip(folders, pool.map(judge, folders), strict=True):
            calls.append(call)
            print(f"{folder}: {len(call.weights)} likely colours", flush=True)
    learn([call for call in calls if len(call.weights)], asked.steps, asked.out, asked.seed)


if __name__ == "__main__":
    main()
