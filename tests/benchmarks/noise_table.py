"""What noise in the virtual background does to attacks that take rare colours for the room, in figures.

    uv run python tests/benchmarks/noise_table.py                  # all backgrounds, on `ideal` and `threshold`
    uv run python tests/benchmarks/noise_table.py --styles ema late --methods rarest-60

Each background is made by `stream.tools.noise` from the picture of the standard call, put into that call as its virtual
background, squeezed by H.264 with the rest, and attacked: by roomg's rule with the thresholds 20 and 60 (`rarest-20`,
`rarest-60`) and by the method `leak`. The attacker takes every frame, or knows of noise: drops the frames that stand
out (`without_outliers`), or takes the median of three frames, which removes what one frame alone shows (`medians`).
`ideal` is the program's own demo: no codec, no camera's noise, hard edges, as in the sample that roomg shows its
remedies on; the other calls are those of calls.py. The figures are those of `pipelines.reconstruction.score`.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from calls import DATA, FOUR, ROOT, Call, Registered, standard_calls
from processes import workers
from scenery import open_backdrop
from simulated_call import CallPlan, make_call

from config.loader import load_profile
from config.schema import NoiseSettings, VideoSettings
from pipelines.base import Frame
from pipelines.protection.noise import NoiseBackground, NoiseMaker
from pipelines.reconstruction.score import score
from stream.sources.demo import MASK_LAG_FRAMES, N_FRAMES, DemoSource, draw_person
from stream.tools.noise import VideoPlan, make_noise_video

ITONV = {"probability": 100_000, "largest_share": 1.0, "no_noises_frames": 5, "random_frames": 0}
"""The numbers that stand in the seed's tool."""

BACKGROUNDS: dict[str, dict[str, Any]] = {
    "no noise": {},
    "noise frames": {"kind": "frames"},
    "noise frames of any light": {"kind": "frames", "keep_light": False},
    "noise pixels as itonv": {"kind": "pixels", **ITONV},
    "noise pixels": {"kind": "pixels"},
    "noise pixels, strength .5": {"kind": "pixels", "strength": 0.5},
    "motion": {"motion": 0.05},
    "noise pixels and motion": {"kind": "pixels", "motion": 0.05},
    "nothing but noise": {"kind": "pixels"},
}
NO_PICTURE = "nothing but noise"
IDEAL = "ideal"
METHODS = ("rarest-60", "rarest-20", "leak")
OUTLIER = 5.0
SEED = 2020


@dataclass(frozen=True, slots=True)
class Row:
    """One background under one attack."""

    style: str
    background: str
    method: str
    taken: str
    n_frames: int
    recall: float | None
    precision: float | None
    coverage: float


def noisy_call(folder: Path, plan: CallPlan, background: str) -> Path:
    """Make a call whose virtual background is the plan's with noise.

    Parameters
    ----------
    folder : Path
        Where calls are kept.
    plan : CallPlan
        The call; its backdrop is a picture's file.
    background : str
        One of `BACKGROUNDS`.

    Returns
    -------
    Path
        The call's folder.
    """
    name = background.replace(" ", "-").replace(",", "")
    folder.mkdir(parents=True, exist_ok=True)
    video = folder / f"{plan.style}-{name}.mkv"
    if not video.exists():
        asked = VideoPlan(
            _picture_of(plan, folder, background),
            video,
            plan.n_frames / plan.rate_hz,
            plan.rate_hz,
            (plan.height, plan.width),
            SEED,
        )
        make_noise_video(asked, NoiseSettings(**BACKGROUNDS[background]), VideoSettings())
    make_call(folder / f"{plan.style}-{name}", replace(plan, backdrop=str(video)))
    return folder / f"{plan.style}-{name}"


def _picture_of(plan: CallPlan, folder: Path, background: str) -> str:
    """Return what `make_noise_video` is to make its video of."""
    if background == NO_PICTURE:
        return "noise"
    if not plan.backdrop.startswith("drawn:"):
        return plan.backdrop
    path = folder / f"{plan.style}.png"
    cv2.imwrite(str(path), open_backdrop(plan.backdrop, (plan.width, plan.height)).at(0))
    return str(path)


def medians(call: "AnyCall") -> Iterator[Frame]:
    """Yield for each frame but the first and the last the median of it and its neighbours, channel by channel."""
    last: list[Frame] = []
    for frame in call.frames():
        last = [*last[-2:], frame]
        if len(last) == 3:
            a, b, c = (kept.image for kept in last)
            yield Frame(np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c)), last[1].pts_s)


class IdealCall:
    """The demo with another background; read like a `Call`."""

    def __init__(self, background: str, n_frames: int = N_FRAMES) -> None:
        source = DemoSource()
        self.room, self.backdrop, self.weights = source.room, source.backdrop, source.weights
        self.height, self.width = self.weights.shape
        settings = NoiseSettings(**BACKGROUNDS[background])
        maker, noise = NoiseMaker(settings, SEED), NoiseBackground(settings, SEED)
        maker.warm_up(self.height, self.width)
        noise.warm_up(self.height, self.width)
        self._frames: list[Frame] = []
        for t in range(n_frames):
            frame = source.read()
            assert frame is not None
            _, mask = draw_person(max(0, t - MASK_LAG_FRAMES))
            is_noise = background == NO_PICTURE
            behind = noise.picture(frame.image, mask) if is_noise else maker.shown(self.backdrop)
            shown = frame.image + (1 - mask)[..., np.newaxis] * (behind.astype(np.float32) - self.backdrop)
            self._frames.append(Frame(np.clip(shown, 0, 255).round().astype(np.uint8), frame.pts_s))

    def frames(self) -> Iterator[Frame]:
        yield from self._frames


AnyCall = Call | IdealCall


def without_outliers(call: AnyCall) -> Iterator[Frame]:
    """Yield the frames that are not noisy as far as an attacker can tell.

    A frame is taken for noisy where the mean difference to the frame before and that to the frame after are both over
    `OUTLIER` times the median of such differences.
    """
    before: np.ndarray | None = None
    steps: list[float] = []
    for frame in call.frames():
        if before is not None:
            steps.append(float(cv2.absdiff(frame.image, before).mean()))
        before = frame.image
    is_jump = np.array([True, *(np.array(steps) > OUTLIER * np.median(steps)), True])
    is_noisy = is_jump[:-1] & is_jump[1:]
    for t, frame in enumerate(call.frames()):
        if not is_noisy[t]:
            yield frame


TAKEN: dict[str, Callable[[AnyCall], Iterator[Frame]]] = {
    "every frame": lambda call: call.frames(),
    "frames that do not stand out": without_outliers,
    "medians of three frames": medians,
}


def attack(call: AnyCall, style: str, background: str, method: str, taken: str) -> Row:
    """Attack one call and score what is found.

    Parameters
    ----------
    call : Call or IdealCall
        The call.
    style, background : str
        Its names in the table.
    method : str
        One of `METHODS`.
    taken : str
        One of `TAKEN`: what the attacker makes of the frames first.

    Returns
    -------
    Row
        The figures.
    """
    name, _, omg = method.partition("-")
    reconstruction = Registered(call, load_profile(overrides={"watch.method": name, "watch.omg": omg or None}))
    n_frames = 0
    for frame in TAKEN[taken](call):
        reconstruction.take(frame)
        n_frames += 1
    found = score(reconstruction.room(), call.room, call.backdrop, call.weights)
    return Row(style, background, method, taken, n_frames, found.recall, found.precision, found.coverage)


def table(rows: Sequence[Row]) -> str:
    """Return one table in Markdown: a line for each background and preparation, for each method recall at precision."""
    methods = list(dict.fromkeys(row.method for row in rows))
    lines = [f"| call | background | attacker takes | {' | '.join(methods)} |", "|---" * (3 + len(methods)) + "|"]
    cells: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        shown = f"{_short(row.recall)} at {_short(row.precision)}"
        cells.setdefault((row.style, row.background, row.taken), {})[row.method] = shown
    for key, figures in cells.items():
        shown = " | ".join(figures.get(method, "-") for method in methods)
        lines.append(f"| {' | '.join(key)} | {shown} |")
    return "\n".join(lines)


def measured(
    folder: Path, plan: CallPlan | None, background: str, methods: Sequence[str], taken: Sequence[str]
) -> list[Row]:
    """Attack one call by every method in every way; without a plan the ideal one, others are made in `folder`, once."""
    call = IdealCall(background) if plan is None else Call(noisy_call(folder, plan, background))
    style = IDEAL if plan is None else plan.style
    return [attack(call, style, background, method, way) for way in taken for method in methods]


def _short(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.3f}".removeprefix("0")


def main() -> None:
    """Make the calls, attack them, print the table."""
    line = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    line.add_argument("--styles", nargs="+", choices=(IDEAL, *FOUR), default=[IDEAL, "threshold"])
    line.add_argument("--backgrounds", nargs="+", choices=BACKGROUNDS, default=list(BACKGROUNDS))
    line.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    line.add_argument(
        "--taken", nargs="+", choices=TAKEN, default=list(TAKEN), help="what attackers do with the frames"
    )
    line.add_argument("--folder", type=Path, default=ROOT / "out" / "noise", help="where the calls are kept")
    line.add_argument("--frames", type=int, default=750)
    line.add_argument("--jobs", type=int, default=1, help="processes at once")
    asked = line.parse_args()
    if not DATA.is_dir():
        line.error(f"the calls need the footage in {DATA}")
    plans: dict[str, CallPlan | None] = {IDEAL: None, **standard_calls(DATA, asked.frames)}
    pairs = [(plans[style], background) for style in asked.styles for background in asked.backgrounds]
    rows: list[Row] = []
    with workers(asked.jobs) as pool:
        runs = [pool.submit(measured, asked.folder, *pair, asked.methods, asked.taken) for pair in pairs]
        for run in runs:
            rows += run.result()
            print("\n".join(table(run.result()).splitlines()[2:]), flush=True)
    print("\n" + table(rows))


if __name__ == "__main__":
    main()
