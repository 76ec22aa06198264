"""How methods compare: every one on the same calls with a known room, in one table.

    uv run python tests/benchmarks/calls.py                        # all calls, all methods; makes the calls first
    uv run python tests/benchmarks/calls.py --methods leak rarest  # those only
    uv run python tests/benchmarks/calls.py --calls out/calls/ema  # on calls that are there already
    uv run python tests/benchmarks/calls.py --aside                # on twenty other calls, of the man as he is

The calls (`STANDARD_CALLS`) need the footage beside the project and are made once, into out/calls. Four client styles,
each with another room, backdrop and part of the clip; a call that leaks nothing; and people who come and go in a real
room. Methods are those of `baselines`, and the names that ``watch.method`` may have. The columns are those of
`pipelines.reconstruction.score`; speed is milliseconds a frame for the method alone, and how many times that is of
decoding the frame. With --jobs over 1 the speeds suffer from each other; where nothing leaked there is no recall.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, get_args

import cv2
import numpy as np
import numpy.typing as npt
from baselines import BackdropAt, BackgroundBuster, Method, PerfectFrame, TemporalMean, Vader, Zoomg
from clients import STYLES
from processes import workers
from simulated_call import CallPlan, make_call

from config.loader import load_profile
from config.schema import Profile, WatchSettings
from pipelines.base import Frame, Image, Reconstruction
from pipelines.reconstruction.score import score
from pipelines.registry import build_reconstruction
from pipelines.segmentation import open_segmenter
from stream.sources.video import VideoSource

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
ROOMG_OMG = 60
"""roomg's threshold for real calls; its default of 20 is for its ideal video."""

REGISTERED = get_args(WatchSettings.model_fields["method"].annotation)
COLUMNS = ("recall", "precision", "coverage", "vader")
FOUR = STYLES[:4]
N_ASIDE = 20


def standard_calls(data: Path, n_frames: int = 750) -> dict[str, CallPlan]:
    """Return the calls of the table by name; `data` is the folder of footage."""
    man, people = str(data / "talking_face_blue_screen.mp4"), str(data / "people_one_by_one.mp4")
    garage, bedroom, desert = (str(data / n) for n in ("room_garage.png", "room_bedroom.png", "roomg/zoom_vbg.png"))
    plate = str(data / "people_one_by_one_plate.png")
    return {
        "threshold": CallPlan(man, room=garage, backdrop=desert, style="threshold", n_frames=n_frames),
        "ema": CallPlan(man, room=bedroom, backdrop="drawn:1", style="ema", start=300, n_frames=n_frames),
        "late": CallPlan(man, room="drawn:1", backdrop="drawn:2", style="late", start=500, n_frames=n_frames),
        "dilate": CallPlan(man, room="drawn:2", backdrop="drawn:3", style="dilate", start=650, n_frames=n_frames),
        "eroded": CallPlan(man, room=garage, backdrop=desert, style="eroded", start=100, n_frames=n_frames),
        "people": CallPlan(people, plate=plate, backdrop="drawn:4", rate_hz=10, noise=0, n_frames=n_frames),
    }


def aside_calls(data: Path, n_frames: int = 750) -> dict[str, CallPlan]:
    """Return twenty more calls of the man, four of each style; they are there to see how far the table can be believed.

    The lengths of the three lists have no common divisor, so that no style always meets the same room or backdrop.
    """
    man = str(data / "talking_face_blue_screen.mp4")
    garage, bedroom, desert = (str(data / n) for n in ("room_garage.png", "room_bedroom.png", "roomg/zoom_vbg.png"))
    rooms = (garage, "drawn:11", bedroom, "drawn:12", "drawn:13", desert)
    backdrops = ("drawn:21", desert, "drawn:22", garage, "drawn:23", "drawn:24", bedroom)
    plans = {}
    for i in range(N_ASIDE):
        style, room, backdrop = STYLES[i % len(STYLES)], rooms[i % len(rooms)], backdrops[i % len(backdrops)]
        backdrop = "drawn:25" if backdrop == room else backdrop
        plan = CallPlan(man, room=room, backdrop=backdrop, style=style, start=137 * i % 689, n_frames=n_frames)
        plans[f"{style}-{i // len(STYLES) + 1}"] = plan
    return plans


class Call:
    """A call's folder, read: `room`, `backdrop`, `weights` and, where the simulator here made it, `when`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.room, self.backdrop = (_read_picture(folder / f"{name}.png") for name in ("room", "backdrop"))
        self.weights: npt.NDArray[np.float32] = np.load(folder / "w.npy")
        when = folder / "when.npy"
        self.when: npt.NDArray[np.int32] | None = np.load(when) if when.is_file() else None
        self.height, self.width = self.weights.shape

    def backdrop_at(self) -> BackdropAt:
        """Return what gives the virtual background of each frame, asked in order."""
        if not (self.folder / "backdrop.mkv").is_file():
            return lambda t: self.backdrop
        pictures = VideoSource(self.folder / "backdrop.mkv")

        def at(t: int) -> Image:
            frame = pictures.read()
            assert frame is not None
            return frame.image

        return at

    def frames(self) -> Iterator[Frame]:
        """Yield what the others saw."""
        source = VideoSource(self.folder / "call.mp4")
        while (frame := source.read()) is not None:
            yield frame
        source.close()


class Registered:
    """A method of the registry, as `backroom watch` runs it on a recording."""

    def __init__(self, call: Call, profile: Profile) -> None:
        self._method: Reconstruction = build_reconstruction(profile)
        self._method.warm_up(call.height, call.width, is_live=False)

    def take(self, frame: Frame) -> None:
        self._method.process(frame)

    def room(self) -> Image:
        self._method.flush()
        room = self._method.findings().room
        getattr(self._method, "close", lambda: None)()
        return room


@dataclass(frozen=True, slots=True)
class Result:
    """One method on one call; None where a figure cannot be had."""

    call: str
    method: str
    recall: float | None
    precision: float | None
    coverage: float
    vader: float | None
    ms_a_frame: float
    decoding_ms_a_frame: float
    n_frames: int


def open_baseline(name: str, call: Call) -> Method:
    """Make one of the methods of `baselines` for a call."""
    height, width = call.height, call.width
    if name == "mean":
        return TemporalMean(height, width)
    if name == "zoomg":
        return Zoomg(height, width)
    if name == "oracle":
        if call.when is None:
            raise SystemExit(f"{call.folder} has no when.npy, which the oracle needs; make it by simulated_call.py")
        return PerfectFrame(call.when, call.weights)
    attack = {"sabra": BackgroundBuster, "vader": Vader}[name]
    return attack(height, width, call.backdrop_at(), open_segmenter())


BASELINES = ("mean", "zoomg", "sabra", "vader", "oracle")
METHODS = (*BASELINES[:1], *REGISTERED, *BASELINES[1:])


def measure(folder: Path, method: str, profile: str = "default") -> Result:
    """Run one method on one call and score it.

    Parameters
    ----------
    folder : Path
        The call.
    method : str
        One of `METHODS`.
    profile : str
        Name or file of the profile that a method of the registry gets.

    Returns
    -------
    Result
        The figures.
    """
    call = Call(folder)
    begin_s = time.perf_counter()
    n_frames = sum(1 for _ in call.frames())  # alone: beside a method it runs ahead in threads of its own
    decoding_s = time.perf_counter() - begin_s
    take, finish = open_method(call, method, profile)
    taking_s = 0.0
    for frame in call.frames():
        begin_s = time.perf_counter()
        take(frame)
        taking_s += time.perf_counter() - begin_s
    begin_s = time.perf_counter()
    room = finish()
    taking_s += time.perf_counter() - begin_s
    figures = score(room, call.room, call.backdrop, call.weights)
    kept = {name: getattr(figures, name) for name in COLUMNS}
    per_frame = 1e3 / max(1, n_frames)
    return Result(folder.name, method, **kept, ms_a_frame=taking_s * per_frame,
                  decoding_ms_a_frame=decoding_s * per_frame, n_frames=n_frames)  # fmt: skip


def table(results: Sequence[Result]) -> str:
    """Return one table in Markdown: a row for each call and method, then for each method the mean over the styles."""
    lines = ["| call | method | recall | precision | coverage | vader | ms/frame | x decoding |", "|---" * 8 + "|"]
    lines += [_row_of(result) for result in results]
    for method in dict.fromkeys(result.method for result in results):
        of_styles = [
            [result for result in results if result.method == method and result.call.partition("-")[0] == style]
            for style in FOUR
        ]
        if all(of_styles):
            means = [
                fmean(fmean(getattr(r, name) or 0.0 for r in of_style) for of_style in of_styles) for name in COLUMNS
            ]
            lines.append(_row("**mean of four**", method, means, [r for of_style in of_styles for r in of_style]))
    return "\n".join(lines)


def open_method(
    call: Call, method: str, profile: str = "default"
) -> tuple[Callable[[Frame], None], Callable[[], Image]]:
    """Make one of `METHODS` for a call: what takes its frames, and what then gives the room, BGRA."""
    if method in REGISTERED:
        overrides: dict[str, Any] = {"watch.method": method}
        if method == "rarest":
            overrides["watch.omg"] = ROOMG_OMG
        registered = Registered(call, load_profile(profile, overrides))
        return registered.take, registered.room
    baseline = open_baseline(method, call)
    return lambda frame: baseline.take(frame.image), baseline.room


def _row_of(result: Result) -> str:
    return _row(result.call, result.method, [getattr(result, name) for name in COLUMNS], [result])


def _row(call: str, method: str, figures: Sequence[float | None], timed: Sequence[Result]) -> str:
    shown = ["-" if figure is None else f"{figure:.3f}".removeprefix("0") for figure in figures]
    ms = fmean(result.ms_a_frame for result in timed)
    ratio = ms / fmean(result.decoding_ms_a_frame for result in timed)
    return f"| {call} | {method} | {' | '.join(shown)} | {ms:.1f} | {ratio:.1f} |"


def _read_picture(path: Path) -> Image:
    picture = cv2.imread(str(path))
    if picture is None:
        raise SystemExit(f"{path} is missing or no picture; name a folder that simulated_call.py made")
    return picture.astype(np.uint8, copy=False)


def _made(plan: CallPlan, folder: Path) -> Path:
    make_call(folder, plan)
    return folder


def main() -> None:
    """Make the calls, run the methods, print the table."""
    line = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    line.add_argument(
        "--calls", nargs="+", type=Path, help="folders of calls of your own, instead of the standard ones"
    )
    line.add_argument("--aside", action="store_true", help="the twenty calls kept aside, instead of the standard ones")
    line.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS, help="what to run (default: all)")
    line.add_argument("--jobs", type=int, default=1, help="processes at once; speeds are only right with 1")
    line.add_argument("--folder", type=Path, default=ROOT / "out" / "calls", help="where the calls are kept")
    line.add_argument("--frames", type=int, default=750, help="frames of a call")
    line.add_argument("--profile", default="default", help="profile of the methods of the registry: a name or a file")
    line.add_argument("--json", type=Path, help="file for the results (default: table.json beside the calls)")
    asked = line.parse_args()
    if asked.calls is None and not DATA.is_dir():
        line.error(f"the standard calls need the footage in {DATA}; name calls of your own by --calls")
    with workers(asked.jobs) as pool:
        folders = asked.calls
        if folders is None:
            plans = (aside_calls if asked.aside else standard_calls)(DATA, asked.frames)
            folders = list(pool.map(_made, plans.values(), [asked.folder / name for name in plans]))
        runs = [(folder, method) for folder in folders for method in asked.methods]
        results = []
        for result in pool.map(measure, *zip(*runs, strict=True), [asked.profile] * len(runs)):
            results.append(result)
            print(_row_of(result), flush=True)
    print("\n" + table(results))
    out = asked.json or asked.folder / "table.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([asdict(result) for result in results], indent=1), "utf-8")
    print(f"\n{out}")


if __name__ == "__main__":
    main()
