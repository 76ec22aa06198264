"""How true the leak meter is: its figures against those of the true mattes, on the same frames.

    uv run python tests/benchmarks/meter_table.py                   # the four styles' calls; makes them first
    uv run python tests/benchmarks/meter_table.py --calls out/calls/ema --plate learnt

For each call three videos are measured: the client's own, call.mp4, by the audit, which has to find out how it shows
the camera; and what plain.5 and plain.9 of `protection_table` make of raw.mkv, by the meter of a protected camera. The
truth is `exposure`'s. The plate is the true room, wherever it was ever to be seen, so that what is measured is the
meter; with ``--plate learnt`` it is what a protection by the default profile knows after the whole recording, which is
what a person gets. Recovered is the attack's share of the known room at CIEDE2000 4, without a truth beside it.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from calls import DATA, FOUR, ROOT, standard_calls
from exposure import ExposureCount, frames_of
from processes import workers
from protection_table import MAGENTA, RATE_HZ, FlatBackground
from simulated_call import make_call

from config.loader import load_profile
from config.schema import MeterSettings
from pipelines.base import Frame, Image
from pipelines.protection.attacker import Recovered
from pipelines.protection.audit import Audit
from pipelines.protection.exposure import Exposures
from pipelines.protection.meter import LeakMeter
from pipelines.registry import build_protection
from pipelines.segmentation import open_segmenter

VIDEOS = ("call.mp4", "plain.5", "plain.9")
AUDIT_PERSON = 0.5


class KnownRoom:
    """A protection as far as the meter looks at one: plate and mask, and nobody who tightens it."""

    def __init__(self, plate: Image, is_plate_known: npt.NDArray[np.bool_]) -> None:
        self.plate, self.is_plate_known = plate, is_plate_known
        self.mask = np.zeros(plate.shape[:2], np.float32)

    def tighten(self, steps: int) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Row:
    """One video of one call: truth and meter."""

    call: str
    video: str
    truth: float
    truth_chance: float
    meter: Exposures
    recovered: Recovered
    notes: str


def measure(folder: Path, video: str, plate: str, n_frames: int) -> Row:
    """Measure one video of a call by the meter and by the true mattes."""
    mattes = np.load(folder / "matte.npz")["matte"][:n_frames]
    room = learnt_room(folder, n_frames) if plate == "learnt" else true_room(folder, mattes)
    truth = ExposureCount()
    cameras = list(islice(frames_of(folder / "raw.mkv"), n_frames))
    segmenter = open_segmenter()
    audit = Audit(MeterSettings(), is_live=False) if video == "call.mp4" else None
    meter = LeakMeter(MeterSettings(), is_live=False)
    for t, output in enumerate(_outputs(folder, video, cameras, room)):
        truth.add(cameras[t], output, cameras[(t + 7) % len(cameras)], mattes[t])
        if audit:
            mask = (segmenter.probability(cameras[t]) > AUDIT_PERSON).astype(np.float32)
            audit.see_camera(cameras[t], mask, room.plate, room.is_plate_known, t / RATE_HZ)
            audit.see_output(output, t / RATE_HZ)
        else:
            meter.add(cameras[t], output, room, t / RATE_HZ)  # type: ignore[arg-type] # the part that it looks at
    measured: Audit | LeakMeter = audit or meter
    measured.finish()
    figures = truth.figures()
    notes = "; ".join(measured.notices()) if audit else ""
    return Row(folder.name, video, figures.exposed_once, figures.chance, measured.exposures, measured.recovered, notes)


def true_room(folder: Path, mattes: npt.NDArray[np.uint8]) -> KnownRoom:
    """Return the room's picture, known wherever it was ever to be seen."""
    plate = cv2.imread(str(folder / "room.png"))
    assert plate is not None
    return KnownRoom(plate.astype(np.uint8, copy=False), (mattes < 26).any(axis=0))


def learnt_room(folder: Path, n_frames: int) -> KnownRoom:
    """Return what a protection knows of the room after the whole recording."""
    pipeline = build_protection(load_profile(), FlatBackground())
    for t, image in enumerate(islice(frames_of(folder / "raw.mkv"), n_frames)):
        if not t:
            pipeline.warm_up(*image.shape[:2], is_live=False)
        pipeline.process(Frame(image, t / RATE_HZ))
    return KnownRoom(pipeline.plate.copy(), pipeline.is_plate_known.copy())


def _outputs(folder: Path, video: str, cameras: list[Image], room: KnownRoom) -> Iterator[Image]:
    """Yield the frames of a video, and leave in `room` the mask that made each."""
    if video == "call.mp4":
        yield from islice(frames_of(folder / video), len(cameras))
        return
    segmenter = open_segmenter()
    for camera in cameras:
        room.mask = (segmenter.probability(camera) >= float(video.removeprefix("plain"))).astype(np.float32)
        yield np.where(room.mask[..., np.newaxis] > 0, camera, np.array(MAGENTA, np.uint8))


def row_text(row: Row) -> str:
    """Return a row of the table in Markdown."""
    ratio = row.meter.once / row.truth if row.truth else float("nan")
    shares = (row.truth, row.truth_chance, row.meter.once, row.meter.chance)
    shown = " | ".join(f"{share:.2%}" for share in shares)
    found = f"{row.recovered.share:.2%} | {row.recovered.chance:.2%}"
    return f"| {row.call} | {row.video} | {shown} | {ratio:.2f} | {found} | {row.notes}"


def main() -> None:
    """Make the calls, measure them, print the table."""
    line = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    line.add_argument("--calls", nargs="+", type=Path, help="folders of calls, instead of those of the four styles")
    line.add_argument("--videos", nargs="+", choices=VIDEOS, default=VIDEOS, help="which videos of each")
    line.add_argument("--plate", choices=("true", "learnt"), default="true", help="where the meter's plate comes from")
    line.add_argument("--jobs", type=int, default=1, help="processes at once")
    line.add_argument("--folder", type=Path, default=ROOT / "out" / "calls", help="where the calls are kept")
    line.add_argument("--frames", type=int, default=750, help="frames of each call")
    asked = line.parse_args()
    if asked.calls is None and not DATA.is_dir():
        line.error(f"the calls need the footage in {DATA}; name calls of your own by --calls")
    folders = asked.calls or [asked.folder / name for name in FOUR]
    if asked.calls is None:
        for folder in folders:
            make_call(folder, standard_calls(DATA)[folder.name])
    print("| call | video | truth | chance | meter | chance | meter/truth | recovered | chance |")
    print("|---" * 9 + "|")
    runs = [(folder, video, asked.plate, asked.frames) for video in asked.videos for folder in folders]
    with workers(asked.jobs) as pool:
        for row in pool.map(measure, *zip(*runs, strict=True)):
            print(row_text(row), flush=True)


if __name__ == "__main__":
    main()
