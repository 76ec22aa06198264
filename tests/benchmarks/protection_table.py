"""How well protections hide the room: every one on the same calls, in one table.

    uv run python tests/benchmarks/protection_table.py                    # the four styles' calls; makes them first
    uv run python tests/benchmarks/protection_table.py --calls out/calls/ema --protections profile
    uv run python tests/benchmarks/protection_table.py --calls out/calls/ema --video OUTPUT.mkv   # made elsewhere

A protection gets the call's raw.mkv, what the camera saw, over a flat background of #ff00ff. `profile` is what
`backroom protect` runs (--profile names another); plain.5 and plain.9 show where the person model is at least that
sure, without any guard: what the others are held against; `metered` is `profile` with the leak meter that tightens the
mask, which is the whole of the command. The columns are those of `exposure`; with --attackers those of `attacks`
follow, recall less chance.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import tee
from pathlib import Path
from statistics import fmean

import numpy as np
from attacks import ATTACKERS, Attack, ProtectedCall, attack_all, found_by
from calls import DATA, FOUR, ROOT, standard_calls
from exposure import Exposure, frames_of, measure_exposure
from processes import Workers, workers
from simulated_call import make_call

from config.loader import load_profile
from config.schema import VideoSettings
from pipelines.base import Frame, Image
from pipelines.protection.contract import Mask
from pipelines.registry import build_meter, build_protection
from pipelines.segmentation import open_segmenter
from stream.sinks.video import VideoSink

MAGENTA = (255, 0, 255)
PROTECTIONS = ("profile", "metered", "plain.5", "plain.9")
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
    attacks: list[Attack] = field(default_factory=list)


def protected(cameras: Iterable[Image], protection: str, profile: str) -> Iterator[Image]:
    """Yield what a protection, one of `PROTECTIONS`, makes of what the camera saw."""
    if protection.startswith("plain"):
        yield from _plain(cameras, float(protection.removeprefix("plain")))
        return
    settings = load_profile(profile)
    pipeline = build_protection(settings, FlatBackground())
    meter = build_meter(settings, is_live=False) if protection == "metered" else None
    for t, image in enumerate(cameras):
        if not t:
            pipeline.warm_up(*image.shape[:2], is_live=False)
        (frame,) = pipeline.process(Frame(image, t / RATE_HZ))
        if meter is not None:
            meter.add(image, frame.image, pipeline, frame.pts_s)
        yield frame.image


def measure(
    call: Path, protection: str, profile: str = "default", video: Path | None = None, keep: Path | None = None
) -> Row:
    """Run one protection on one call, or take a video that it made, score it, and keep a lossless video of it."""
    cameras = frames_of(call / "raw.mkv")
    if video:
        outputs = frames_of(video)
    else:
        cameras, same = tee(cameras)
        outputs = protected(same, protection, profile)
    if keep is not None:
        outputs = _kept(outputs, keep)
    return Row(call.name, protection, measure_exposure(cameras, np.load(call / "matte.npz")["matte"], outputs))


def table(rows: list[Row]) -> str:
    """Return one table in Markdown: a row for each call and protection, then the mean of each protection."""
    names = [name.replace("_", " ") for name in FIGURES] + [attack.attacker for attack in rows[0].attacks]
    lines = [f"| call | protection | {' | '.join(names)} |"]
    lines += ["|---" * (2 + len(names)) + "|", *(_row_of(row) for row in rows)]
    for protection in dict.fromkeys(row.protection for row in rows):
        alike = [row for row in rows if row.protection == protection]
        if len(alike) > 1:
            means = Exposure(0, *(fmean(getattr(row.exposure, name) for row in alike) for name in FIGURES))
            lines.append(_row_of(Row("**mean**", protection, means)))
    return "\n".join(lines)


def _kept(outputs: Iterable[Image], path: Path) -> Iterator[Image]:
    path.parent.mkdir(parents=True, exist_ok=True)
    sink = VideoSink(path, RATE_HZ, VideoSettings())
    for t, image in enumerate(outputs):
        sink.write(Frame(image, t / RATE_HZ))
        yield image
    sink.close()


def _find(folder: Path, video: Path, attacker: str) -> Image:
    return found_by(attacker, ProtectedCall(folder, video, MAGENTA))


def attacked(
    rows: list[Row],
    videos: dict[tuple[str, str], Path],
    folders: list[Path],
    attackers: list[str],
    pool: Workers,
) -> list[Row]:
    """Let every attacker at every kept video, and return the rows with what they found."""
    protections = list(dict.fromkeys(row.protection for row in rows))
    attacks: dict[tuple[str, str], list[Attack]] = {}
    for protection in protections:
        runs = [(folder, videos[folder.name, protection], attacker) for folder in folders for attacker in attackers]
        rooms = pool.map(_find, *zip(*runs, strict=True))
        found = {(folder, attacker): room for (folder, _, attacker), room in zip(runs, rooms, strict=True)}
        for folder, judgements in attack_all(found, folders, attackers).items():
            attacks[folder.name, protection] = judgements
    return [replace(row, attacks=attacks[row.call, row.protection]) for row in rows]


def _plain(cameras: Iterable[Image], least_probability: float) -> Iterator[Image]:
    segmenter = open_segmenter()
    for image in cameras:
        is_person = segmenter.probability(image) >= least_probability
        yield np.where(is_person[..., np.newaxis], image, np.array(MAGENTA, np.uint8))


def _row_of(row: Row) -> str:
    shares = [f"{getattr(row.exposure, name):.2%}" for name in FIGURES[:-1]]
    shares += [f"{row.exposure.flicker:.2f}", *(_attack_text(attack) for attack in row.attacks)]
    return f"| {row.call} | {row.protection} | {' | '.join(shares)} |"


def _attack_text(attack: Attack) -> str:
    if attack.chance is None:
        return f"{attack.recall:.4f}"
    return f"{attack.recall:.4f} - {attack.chance:.4f} = {attack.recall - attack.chance:+.4f}"


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
    line.add_argument("--attackers", nargs="*", choices=ATTACKERS, help="attack the outputs; all, or these")
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
    attackers = ATTACKERS if asked.attackers == [] else asked.attackers
    kept = {
        (folder.name, protection): folder / f"protected-{protection}.mkv"
        for protection in protections
        for folder in folders
    }
    runs = [
        (folder, protection, asked.profile, asked.video, kept[folder.name, protection] if attackers else None)
        for protection in protections
        for folder in folders
    ]
    rows = []
    with workers(asked.jobs) as pool:
        for row in pool.map(measure, *zip(*runs, strict=True)):
            rows.append(row)
            print(_row_of(row), flush=True)
        if attackers:
            rows = attacked(rows, kept, folders, list(attackers), pool)
    print("\n" + table(rows))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), "utf-8")


if __name__ == "__main__":
    main()
