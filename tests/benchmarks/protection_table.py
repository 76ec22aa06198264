"""How well protections hide the room: every one on the same calls, in one table.

    uv run python tests/benchmarks/protection_table.py                    # the four styles' calls; makes them first
    uv run python tests/benchmarks/protection_table.py --calls out/calls/ema --protections profile
    uv run python tests/benchmarks/protection_table.py --calls out/calls/ema --video OUTPUT.mkv   # made elsewhere

A protection gets the call's raw.mkv, what the camera saw, over a flat background of #ff00ff. `profile` is what
`backroom protect` runs (--profile names another); plain.5 and plain.9 show where the person model is at least that
sure, without any guard: what the others are held against. The columns are those of `exposure`.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from itertools import tee
from pathlib import Path
from statistics import fmean

import numpy as np
from calls import DATA, FOUR, ROOT, standard_calls
from exposure import Exposure, frames_of, measure_exposure
from simulated_call import make_call

from config.loader import load_profile
from pipelines.base import Frame, Image
from pipelines.protection.contract import Mask
from pipelines.registry import build_protection
from pipelines.segmentation import open_segmenter

MAGENTA = (255, 0, 255)
PROTECTIONS = ("profile", "plain.5", "plain.9")
RATE_HZ = 25.0
FIGURES = [field.name for field in fields(Exposure)][1:]


class FlatBackground:
    """One colour in the room's place."""

    name = "#ff00ff"

    def warm_up(self, height: int, width: int) -> None:
        self._picture = np.full((height, width, 3), MAGENTA, np.uint8)

    def picture(self, camera: Image, mask: Mask) -> Image:
        return self._picture

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Row:
    """One protection on one call."""

    call: str
    protection: str
    exposure: Exposure


def protected(cameras: Iterable[Image], protection: str, profile: str) -> Iterator[Image]:
    """Yield what a protection, one of `PROTECTIONS`, makes of what the camera saw."""
    if protection != "profile":
        yield from _plain(cameras, float(protection.removeprefix("plain")))
        return
    pipeline = build_protection(load_profile(profile), FlatBackground())
    for t, image in enumerate(cameras):
        if not t:
            pipeline.warm_up(*image.shape[:2], is_live=False)
        for frame in pipeline.process(Frame(image, t / RATE_HZ)):
            yield frame.image
    for frame in pipeline.flush():
        yield frame.image


def measure(call: Path, protection: str, profile: str = "default", video: Path | None = None) -> Row:
    """Run one protection on one call, or take a video that it made, and score it."""
    cameras = frames_of(call / "raw.mkv")
    if video:
        outputs = frames_of(video)
    else:
        cameras, same = tee(cameras)
        outputs = protected(same, protection, profile)
    return Row(call.name, protection, measure_exposure(cameras, np.load(call / "matte.npz")["matte"], outputs))


def table(rows: list[Row]) -> str:
    """Return one table in Markdown: a row for each call and protection, then the mean of each protection."""
    lines = [f"| call | protection | {' | '.join(name.replace('_', ' ') for name in FIGURES)} |"]
    lines += ["|---" * (2 + len(FIGURES)) + "|", *(_row_of(row) for row in rows)]
    for protection in dict.fromkeys(row.protection for row in rows):
        figures = [asdict(row.exposure) for row in rows if row.protection == protection]
        if len(figures) > 1:
            means = Exposure(0, *(fmean(each[name] for each in figures) for name in FIGURES))
            lines.append(_row_of(Row("**mean**", protection, means)))
    return "\n".join(lines)


def _plain(cameras: Iterable[Image], least_probability: float) -> Iterator[Image]:
    segmenter = open_segmenter()
    for image in cameras:
        is_person = segmenter.probability(image) >= least_probability
        yield np.where(is_person[..., np.newaxis], image, np.array(MAGENTA, np.uint8))


def _row_of(row: Row) -> str:
    shares = [f"{getattr(row.exposure, name):.2%}" for name in FIGURES[:-1]]
    return f"| {row.call} | {row.protection} | {' | '.join(shares)} | {row.exposure.flicker:.2f} |"


def main() -> None:
    """Make the calls, run the protections, print the table."""
    line = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    line.add_argument("--calls", nargs="+", type=Path, help="folders of calls, instead of those of the four styles")
    line.add_argument("--protections", nargs="+", choices=PROTECTIONS, default=PROTECTIONS, help="what to run")
    line.add_argument("--profile", default="default", help="profile of the protection: a name or a file")
    line.add_argument("--video", type=Path, help="score this output of the one call instead of running anything")
    line.add_argument("--jobs", type=int, default=1, help="processes at once")
    line.add_argument("--folder", type=Path, default=ROOT / "out" / "calls", help="where the calls are kept")
    line.add_argument("--frames", type=int, default=750, help="frames of the calls that are made")
    line.add_argument("--json", type=Path, help="file for the figures")
    asked = line.parse_args()
    if asked.calls is None and not DATA.is_dir():
        line.error(f"the calls need the footage in {DATA}; name calls of your own by --calls")
    if asked.video and (asked.calls is None or len(asked.calls) != 1):
        line.error("--video is the output of one call; name that one by --calls")
    folders = asked.calls or [asked.folder / name for name in FOUR]
    if asked.calls is None:
        for folder in folders:
            make_call(folder, standard_calls(DATA, asked.frames)[folder.name])
    protections = ["video"] if asked.video else asked.protections
    runs = [(folder, protection, asked.profile, asked.video) for protection in protections for folder in folders]
    rows = []
    with ProcessPoolExecutor(asked.jobs) as pool:
        for row in pool.map(measure, *zip(*runs, strict=True)):
            rows.append(row)
            print(_row_of(row), flush=True)
    print("\n" + table(rows))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), "utf-8")


if __name__ == "__main__":
    main()
