"""Both sides of the lens: what cameras record of a file of sub-frames, and what people see of it.

The file is read once, as a stream. Of a long one three stretches are judged, at the start (after the modulation has
faded in), in the middle and at the end of its first 15 s; of large pictures the columns in the middle, with all
rows. Which seconds and which columns is in the report.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.base import Image
from pipelines.filming.bars import bars_for
from pipelines.filming.camera import Panel
from pipelines.filming.sensor import IDEAL, Sensor
from pipelines.filming.trial import CameraResult, Grid, blind_camera, cameras_of_grid, fuse, kindest
from pipelines.filming.vdp import CROP_PX, LONGEST_FRAMES, rate_viewing
from pipelines.filming.viewer import Viewer
from stream import __version__
from stream.tools.frames import Progress
from stream.tools.subframes import (
    Cycle,
    SourcePictures,
    SubframeFile,
    centre_of,
    stopped_too_early,
    strip_of,
    too_short,
)

SENSORS = {"ideal": IDEAL, "phone": Sensor()}
STRETCH_S = 0.6
"""Long enough for eight frames of the slowest camera and the phases of all."""
LEAST_S = 0.3
WITHIN_S = 15.0
"""All up to there is decoded: a recording of a whole film would take longer than the film."""
MOST_PX = 300_000
"""Pixels that are judged: all of 640x450, 277 columns of 1080 rows."""


@dataclass(frozen=True, slots=True)
class JudgePlan:
    """What to judge, and how.

    Attributes
    ----------
    video : Path
        The recording of sub-frames.
    source : Path or None
        What it was made of: a picture or a video.
    n_slots : int or None
        Sub-frames in a cycle; None for what the file says.
    refresh_hz : float or None
        Of the display; None for what the file says.
    skip_s : float
        How much to leave out at the start.
    readout_s : float
        Of all cameras.
    sensor : str
        ``ideal`` or ``phone``.
    cd_m2 : float
        Luminance of the display's white.
    with_jod : bool
        Whether ColorVideoVDP is asked.
    """

    video: Path
    source: Path | None = None
    n_slots: int | None = None
    refresh_hz: float | None = None
    skip_s: float = 0.5
    readout_s: float = 0.012
    sensor: str = "ideal"
    cd_m2: float = 200.0
    with_jod: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of it.

    Attributes
    ----------
    report : mapping
        For report.json.
    results : list of CameraResult
        With pictures.
    steady : ndarray
        (height, width, 3) uint8 BGR: what people see, of the first cycle that was judged.
    subframes : tuple of ndarray
        The sub-frames of that cycle.
    """

    report: Mapping[str, Any]
    results: list[CameraResult]
    steady: Image
    subframes: tuple[Image, ...]


def judge(plan: JudgePlan, progress: Progress | None = None, is_wanted: Callable[[], bool] = lambda: True) -> Judgement:
    """Judge a recording of sub-frames.

    Parameters
    ----------
    plan : JudgePlan
        Which, and how.
    progress : callable, optional
        Called with (done, total) after each cycle; total is None where the recording does not say.
    is_wanted : callable, optional
        Asked after each cycle; False ends, and what was read until then is judged, without ColorVideoVDP.

    Returns
    -------
    Judgement
        Figures and pictures.

    Raises
    ------
    CaptureError
        If a file cannot be read, is no recording of sub-frames, or is too short, or judging was ended before there
        was enough to judge.
    PipelineError
        If ColorVideoVDP is asked for and not there.
    """
    if plan.with_jod:
        _see_that_it_loads()
    with closing(SubframeFile(plan.video, plan.n_slots, plan.refresh_hz)) as file:
        return _Session(plan, file, is_wanted).run(progress)


class _Session:
    """Feeds the cycles of a file to all who measure."""

    def __init__(self, plan: JudgePlan, file: SubframeFile, is_wanted: Callable[[], bool]) -> None:
        self._plan = plan
        self._file = file
        self._is_wanted = is_wanted
        self._stopped_s: float | None = None
        self._columns = slice(*strip_of(file.height, file.width, MOST_PX))
        panel = Panel(file.refresh_hz)
        self._cameras = cameras_of_grid(SENSORS[plan.sensor], readout_s=plan.readout_s)
        self._grid = Grid(self._cameras, panel, file.n_slots)
        blind = blind_camera(panel, file.n_slots, SENSORS[plan.sensor], plan.readout_s)
        self._blind = Grid([] if blind is None else [blind], panel, file.n_slots)
        self._viewer = Viewer(file.refresh_hz, plan.cd_m2)
        self._first: tuple[Image, ...] = ()
        self._shown: list[Image] = []
        self._steady: list[Image] = []
        self._originals: list[Image] = []

    def run(self, progress: Progress | None) -> Judgement:
        plan, file = self._plan, self._file
        stretches = _stretches(file, plan.skip_s)
        with closing(
            _NoSource() if plan.source is None else SourcePictures(plan.source, file.height, file.width)
        ) as source:
            n_cycles, judged = self._feed(stretches, source, progress)
        if not judged or sum(end - first for first, end in judged) * file.cycle_s < LEAST_S:
            why = too_short if self._stopped_s is None else stopped_too_early
            raise why(file, n_cycles * file.cycle_s, plan.skip_s, LEAST_S)
        # By what is to be seen, flicker and rests of the modulation count; by the source, a lowered range does too.
        jods = [
            rate_viewing(self._shown, meant, file.refresh_hz) if meant and self._stopped_s is None else None
            for meant in (self._steady, self._originals)
        ]
        results = self._grid.results()
        return Judgement(self._report(results, judged, *jods), results, fuse(self._first), self._first)

    def _feed(
        self, stretches: list[tuple[int, int]], source: "SourcePictures | _NoSource", progress: Progress | None
    ) -> tuple[int, list[tuple[int, int]]]:
        """Return how many cycles were read, and which were judged."""
        judged: list[tuple[int, int]] = []
        waiting = list(stretches)
        n_cycles = 0
        for cycle in self._file.cycles():
            n_cycles = cycle.number + 1
            first, end = waiting[0]
            if cycle.number == first:
                for grid in (self._grid, self._blind):
                    grid.start(self._file.height, self._columns.stop - self._columns.start)
            if cycle.number >= first:
                self._measure(cycle, source)
            if n_cycles == end:
                judged.append(waiting.pop(0))
                self._stop()
            if progress is not None:
                progress(n_cycles, stretches[-1][1])
            if not waiting:
                break
            if not self._is_wanted():
                self._stopped_s = round(n_cycles * self._file.cycle_s, 4)
                break
        if waiting and n_cycles > waiting[0][0]:
            judged.append((waiting[0][0], n_cycles))
            self._stop()
        return n_cycles, judged

    def _stop(self) -> None:
        for grid in (self._grid, self._blind):
            grid.stop()

    def _measure(self, cycle: Cycle, source: "SourcePictures | _NoSource") -> None:
        whole = cycle.subframes
        subframes = tuple(np.ascontiguousarray(subframe[:, self._columns]) for subframe in whole)
        original = source.at(cycle)
        self._viewer.add(subframes, None if original is None else original[:, self._columns])
        for grid in (self._grid, self._blind):
            grid.add_cycle(subframes)
        if not self._first:
            self._first = subframes
        if self._plan.with_jod and len(self._shown) + len(whole) <= LONGEST_FRAMES:
            parts = [centre_of(subframe, CROP_PX) for subframe in whole]
            self._shown += parts
            self._steady += [fuse(parts)] * len(parts)
            if original is not None:
                self._originals += [centre_of(original, CROP_PX)] * len(parts)

    def _report(
        self, results: list[CameraResult], judged: list[tuple[int, int]], jod: float | None, jod_source: float | None
    ) -> Mapping[str, Any]:
        plan, file = self._plan, self._file
        best = kindest(results)
        first, end = self._columns.start, self._columns.stop
        return {
            "backroom": __version__,
            "video": plan.video.name,
            "source": None if plan.source is None else plan.source.name,
            "code": file.code,
            "slots": file.n_slots,
            "refresh_hz": file.refresh_hz,
            "width": file.width,
            "height": file.height,
            "duration_s": file.duration_s,
            "skipped_s": plan.skip_s,
            "stopped_s": self._stopped_s,
            "judged_s": [[round(a * file.cycle_s, 4), round(b * file.cycle_s, 4)] for a, b in judged],
            "judged_columns": [first, end],
            "sensor": plan.sensor,
            "readout_s": plan.readout_s,
            "kindest": best.figures(),
            "cameras": [result.figures() for result in results],
            "whole_cycle": next((result.figures() for result in self._blind.results()), None),
            "viewer": {
                "jod": jod,
                "jod_against_source": jod_source,
                "fused_error": self._viewer.error.figures(),
                "flicker": self._viewer.flicker.figures(),
            },
            "bars": [{**asdict(bar), "is_met": bar.is_met} for bar in bars_for(results, jod)],
        }


class _NoSource:
    """Stands where nobody knows what the sub-frames were made of."""

    def at(self, _: Cycle) -> None:
        return None

    def close(self) -> None:
        """Nothing is open."""


def _stretches(file: SubframeFile, skip_s: float) -> list[tuple[int, int]]:
    """Return the cycles to judge, first and end of each stretch, in order and apart from each other."""
    first = int(np.ceil(skip_s / file.cycle_s - 1e-6))
    length = int(np.ceil(STRETCH_S / file.cycle_s))
    duration_s = min(WITHIN_S, file.duration_s or 0.0)
    last = int(duration_s / file.cycle_s + 1e-6) - length
    if last - first < 2 * length:
        return [(first, first + length)]
    return [(start, start + length) for start in (first, (first + last) // 2, last)]


def _see_that_it_loads() -> None:
    """Say what is missing before minutes of work."""
    grey = [np.full((CROP_PX, CROP_PX, 3), 128, np.uint8)] * 2
    rate_viewing(grey, grey, 120.0)
