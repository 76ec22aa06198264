"""Cameras before the protected display and, at the same moments, before one that shows the same picture steadily.

The steady picture is what people see: the mean light of each cycle, for as long as the cycle lasts. A `Trial` is one
camera; a `Grid` is many, each beginning at several places of the cycle, because a camera's clock and the display's
drift past each other and the kind moment must not be missed. All are fed in one pass; a trial that has its frames looks
away. What is compared with is what the same camera would record of the steady picture without noise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from pipelines.base import Image
from pipelines.color import codes_from_linear, linear_from_codes
from pipelines.filming.attacks import attack
from pipelines.filming.camera import Camera, Panel, Recorder
from pipelines.filming.scores import CopyScore, mean_score, score_copy
from pipelines.filming.sensor import IDEAL, Sensor, develop, through_lens

RATES_HZ = (24.0, 30.0, 60.0, 120.0)
EXPOSURES_S = (1 / 30, 1 / 60, 1 / 100, 1 / 120, 1 / 250, 1 / 1000)
READOUT_S = 0.012
"""Of a common phone; a camera whose frames are shorter reads out within one."""
N_PHASES = 4
"""At how many places of the cycle each camera begins."""
N_ATTACKED = 8
"""Frames of a camera's first phase, which follow each other and are attacked."""
N_MORE = 2
"""Frames of each other phase."""


def fuse(subframes: Sequence[Image]) -> Image:
    """Return what people see of a cycle.

    Parameters
    ----------
    subframes : sequence of ndarray
        The cycle's sub-frames, (height, width, 3) uint8 BGR.

    Returns
    -------
    ndarray
        uint8 of that shape: their mean in linear light.
    """
    return codes_from_linear(fused_light(subframes))


def fused_light(subframes: Sequence[Image]) -> Any:
    """Return the mean light of a cycle.

    Parameters
    ----------
    subframes : sequence of ndarray
        The cycle's sub-frames, (height, width, 3) uint8 BGR.

    Returns
    -------
    ndarray
        (height, width, 3) float32, white being 1.
    """
    total = linear_from_codes(subframes[0])
    for subframe in subframes[1:]:
        total += linear_from_codes(subframe)
    return total / np.float32(len(subframes))


@dataclass(frozen=True, slots=True)
class Shot:
    """One recorded frame.

    Attributes
    ----------
    protected, control : ndarray
        uint8 BGR: what the camera recorded of the protected display, and of the steady one.
    truth : ndarray
        The control without noise.
    """

    protected: Image
    control: Image
    truth: Image


class Trial:
    """One camera before both displays.

    Parameters
    ----------
    camera : Camera
        Which.
    panel : Panel
        Both displays.
    height, width : int
        Of the sub-frames, in pixels.
    """

    def __init__(self, camera: Camera, panel: Panel, height: int, width: int) -> None:
        self.camera = camera
        self._protected = Recorder(camera, panel, height, width)
        self._steady = Recorder(camera, panel, height, width)
        self._chances = [np.random.default_rng((camera.seed, i)) for i in range(2)]

    def add(self, subframe: Image, steady: Image) -> list[Shot]:
        """Show the camera the next sub-frame and what a steady display shows meanwhile.

        Parameters
        ----------
        subframe, steady : ndarray
            (height, width, 3) uint8 BGR.

        Returns
        -------
        list of Shot
            The frames that are complete now.
        """
        blur_px = self.camera.blur_px
        pairs = zip(
            [through_lens(light, blur_px) for light in self._protected.add(subframe)],
            [through_lens(light, blur_px) for light in self._steady.add(steady)],
            strict=True,
        )
        sensor = self.camera.sensor
        return [
            Shot(
                develop(light, sensor, self._chances[0]),
                develop(steady_light, sensor, self._chances[1]),
                develop(steady_light, sensor.quiet, self._chances[1]),
            )
            for light, steady_light in pairs
        ]


@dataclass(frozen=True, slots=True)
class CameraResult:
    """What one camera of a grid made of the display.

    Attributes
    ----------
    camera : Camera
        Which; as it is in its first phase.
    n_frames : int
        Frames scored.
    score, control : CopyScore
        Of the protected display's recording, and of the steady one's.
    best_db : float
        PSNR of the frame that came out best.
    attacks : dict of str to CopyScore
        What attacks made of it.
    picture, truth : ndarray
        uint8 BGR: a frame that is neither the best nor the worst, and what it should be.
    attacked : ndarray
        uint8 BGR: what the attack that did best made of it.
    """

    camera: Camera
    n_frames: int
    score: CopyScore
    control: CopyScore
    best_db: float
    attacks: dict[str, CopyScore]
    picture: Image
    truth: Image
    attacked: Image

    @property
    def best_attack(self) -> str:
        """The one with the highest PSNR."""
        return max(self.attacks, key=lambda name: self.attacks[name].psnr_db)

    def figures(self) -> dict[str, Any]:
        """Return it for report.json, without the pictures.

        Returns
        -------
        dict of str to Any
            Numbers and names.
        """
        camera = self.camera
        return {
            "camera": camera.name,
            "rate_hz": camera.rate_hz,
            "exposure_s": camera.exposure_s,
            "readout_s": camera.readout_s,
            "frames": self.n_frames,
            **asdict(self.score),
            "best_frame_db": self.best_db,
            "control": asdict(self.control),
            "attacks": {name: asdict(score) for name, score in self.attacks.items()},
        }


class CameraTrials:
    """One camera of a grid: several trials, their scores, and the frames to be attacked.

    Parameters
    ----------
    camera : Camera
        Which; its phase is where the first trial begins.
    panel : Panel
        The display.
    n_slots : int
        Sub-frames in a cycle.
    """

    def __init__(self, camera: Camera, panel: Panel, n_slots: int) -> None:
        self.camera = camera
        self._panel = panel
        self._n_slots = n_slots
        self._trials: list[Trial | None] = []
        self._missing: list[int] = []
        self._scores: list[tuple[CopyScore, CopyScore]] = []
        self._pictures: list[tuple[float, Image, Image]] = []
        self._shots: list[Shot] = []
        self._attacks: list[dict[str, CopyScore]] = []
        self._attacked: tuple[float, Image] | None = None

    def start(self, height: int, width: int) -> None:
        """Begin filming, anew where it was under way.

        Parameters
        ----------
        height, width : int
            Of the sub-frames to come, in pixels.
        """
        cycle_s = self._n_slots * self._panel.period_s
        phases_s = [self.camera.phase_s + cycle_s * i / N_PHASES for i in range(N_PHASES)]
        cameras = [
            replace(self.camera, phase_s=phase_s, seed=self.camera.seed + i) for i, phase_s in enumerate(phases_s)
        ]
        self._trials = [Trial(camera, self._panel, height, width) for camera in cameras]
        self._missing = [N_ATTACKED, *(N_MORE for _ in cameras[1:])]
        self._shots = []

    def add(self, subframe: Image, steady: Image) -> None:
        """Show it the next sub-frame.

        Parameters
        ----------
        subframe, steady : ndarray
            (height, width, 3) uint8 BGR: of the protected display and of the steady one.
        """
        for i, trial in enumerate(self._trials):
            if trial is None:
                continue
            for shot in trial.add(subframe, steady)[: self._missing[i]]:
                self._missing[i] -= 1
                self._note(shot)
                if i == 0:
                    self._shots.append(shot)
            if self._missing[i] == 0:
                self._trials[i] = None

    def stop(self) -> None:
        """Attack what was filmed; to be called at the end of each stretch of sub-frames."""
        self._trials = []
        shots, self._shots = self._shots, []
        if not shots:
            return
        frames, truths = [shot.protected for shot in shots], [shot.truth for shot in shots]
        copies = attack(frames, truths, self.camera, self._panel, self._n_slots)
        scores = {name: score_copy(copy.picture, copy.truth) for name, copy in copies.items()}
        best = max(scores, key=lambda name: scores[name].psnr_db)
        if self._attacked is None or scores[best].psnr_db > self._attacked[0]:
            self._attacked = (scores[best].psnr_db, copies[best].picture)
        self._attacks.append(scores)

    @property
    def n_frames(self) -> int:
        """Frames scored so far."""
        return len(self._scores)

    def result(self) -> CameraResult:
        """Return what came of it; some frames must have been scored.

        Returns
        -------
        CameraResult
            Over all stretches.
        """
        protected = [score for score, _ in self._scores]
        _, picture, truth = sorted(self._pictures, key=lambda one: one[0])[len(self._pictures) // 2]
        # Dicts as ordered sets: a short stretch had too few frames for some of the attacks.
        names = dict.fromkeys(name for one in sorted(self._attacks, key=len, reverse=True) for name in one)
        return CameraResult(
            camera=self.camera,
            n_frames=len(self._scores),
            score=mean_score(protected),
            control=mean_score([control for _, control in self._scores]),
            best_db=max(score.psnr_db for score in protected),
            attacks={name: mean_score([one[name] for one in self._attacks if name in one]) for name in names},
            picture=picture,
            truth=truth,
            attacked=picture if self._attacked is None else self._attacked[1],
        )

    def _note(self, shot: Shot) -> None:
        score = score_copy(shot.protected, shot.truth)
        is_exact = shot.control is shot.truth or np.array_equal(shot.control, shot.truth)
        self._scores.append((score, score_copy(shot.control, shot.truth)) if not is_exact else (score, _EXACT))
        if len(self._pictures) < N_ATTACKED:
            self._pictures.append((score.psnr_db, shot.protected, shot.truth))


_EXACT = CopyScore(psnr_db=99.0, ssim=1.0, ssim_luma=1.0, delta_e=0.0, wrong_share=0.0, histogram=1.0)


def cameras_of_grid(
    sensor: Sensor = IDEAL,
    rates_hz: Iterable[float] = RATES_HZ,
    exposures_s: Iterable[float] = EXPOSURES_S,
    readout_s: float = READOUT_S,
) -> list[Camera]:
    """List the cameras that a display is judged by.

    Parameters
    ----------
    sensor : Sensor
        Of all of them; the ideal one is the kindest.
    rates_hz : iterable of float
        Frames a second.
    exposures_s : iterable of float
        Seconds.
    readout_s : float
        Seconds; less where a frame is shorter.

    Returns
    -------
    list of Camera
        All that can be: an exposure is no longer than a frame.
    """
    exposures = tuple(exposures_s)
    return [
        Camera(rate_hz, exposure_s, min(readout_s, 1.0 / rate_hz), sensor=sensor)
        for rate_hz in rates_hz
        for exposure_s in exposures
        if exposure_s * rate_hz <= 1.0 + 1e-6
    ]


def blind_camera(panel: Panel, n_slots: int, sensor: Sensor = IDEAL, readout_s: float = READOUT_S) -> Camera | None:
    """Return the camera whose exposure is one cycle: what it records is the mean of the cycle, whatever its phase.

    Parameters
    ----------
    panel : Panel
        The display.
    n_slots : int
        Sub-frames in a cycle.
    sensor : Sensor
        Of the camera.
    readout_s : float
        Seconds.

    Returns
    -------
    Camera or None
        The quickest one that can expose for so long; None where none of `RATES_HZ` can.
    """
    cycle_s = n_slots * panel.period_s
    able = cameras_of_grid(sensor, exposures_s=(cycle_s,), readout_s=readout_s)
    return max(able, key=lambda camera: camera.rate_hz, default=None)


class Grid:
    """Many cameras before one display, fed cycle by cycle.

    Parameters
    ----------
    cameras : sequence of Camera
        Which.
    panel : Panel
        The display.
    n_slots : int
        Sub-frames in a cycle.
    """

    def __init__(self, cameras: Sequence[Camera], panel: Panel, n_slots: int) -> None:
        self._all = [CameraTrials(camera, panel, n_slots) for camera in cameras]

    def start(self, height: int, width: int) -> None:
        """Begin a stretch of sub-frames.

        Parameters
        ----------
        height, width : int
            Of the sub-frames to come, in pixels.
        """
        for trials in self._all:
            trials.start(height, width)

    def add_cycle(self, subframes: Sequence[Image]) -> None:
        """Show all cameras the next cycle.

        Parameters
        ----------
        subframes : sequence of ndarray
            Its sub-frames in order, (height, width, 3) uint8 BGR; not kept.
        """
        steady = fuse(subframes)
        for subframe in subframes:
            for trials in self._all:
                trials.add(subframe, steady)

    def stop(self) -> None:
        """End a stretch."""
        for trials in self._all:
            trials.stop()

    def results(self) -> list[CameraResult]:
        """Return what came of it.

        Returns
        -------
        list of CameraResult
            In the order of the cameras; those that got no frame are left out.
        """
        return [trials.result() for trials in self._all if trials.n_frames]


def kindest(results: Sequence[CameraResult]) -> CameraResult:
    """Return the camera whose recording is best: the protection is worth what it does against that one.

    Parameters
    ----------
    results : sequence of CameraResult
        At least one.

    Returns
    -------
    CameraResult
        By PSNR.
    """
    return max(results, key=lambda result: result.score.psnr_db)
