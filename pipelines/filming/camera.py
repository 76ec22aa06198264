"""A camera before a display: when each row of its sensor gathers light, and when each row of the display is lit.

Times are exact and nothing is sampled: a row's light is the integral over its exposure, each sub-frame counting by the
share of the exposure during which it is lit in that row [1]_.

The camera is kinder to a pirate than a real one: square before the display, each pixel of the sensor on one of the
picture, both scanned from top to bottom, white balance fixed, exposed so that white is just white. What it lacks, a
real copy suffers in addition: a lens, moire, reflections, hands that shake, automatic exposure and white balance. In
one way it is not: where neighbouring parts of the picture stand at different places of the cycle, an unsharp or distant
camera (`blur_px`) blends them, and so does the attack `blur` (`pipelines.filming.attacks`). Not simulated either:
backlights that strobe, pixels that need time to change, a camera held upright (its rows run across the display's).

References
----------
.. [1] M. Grundmann, V. Kwatra, D. Castro, I. Essa, Calibration-Free Rolling Shutter Removal, ICCP 2012: the
   model of a rolling shutter, row y being exposed y / height * readout later than row 0.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipelines.base import Image, PipelineError
from pipelines.color import linear_from_codes
from pipelines.filming.kernels import gather_light, overlap_shares
from pipelines.filming.sensor import Sensor

Light = npt.NDArray[np.float32]
"""(height, width, 3) float32 linear light, white being 1."""

LONGEST_JITTER = 3.0
"""No interval is off by more than this many standard deviations."""

_LINEAR_OF_CODE = linear_from_codes(np.arange(256, dtype=np.uint8))


@dataclass(frozen=True, slots=True)
class Panel:
    """A display that holds each sub-frame for one period, and changes its rows one after the other.

    Attributes
    ----------
    refresh_hz : float
        Sub-frames a second.
    scan_out_s : float or None
        How much later the last row changes than the first; None where it takes the whole period, as it mostly does.
    """

    refresh_hz: float
    scan_out_s: float | None = None

    @property
    def period_s(self) -> float:
        """How long one sub-frame is lit."""
        return 1.0 / self.refresh_hz

    @property
    def scan_s(self) -> float:
        """How much later the last row changes than the first."""
        return self.period_s if self.scan_out_s is None else self.scan_out_s


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera with a rolling shutter.

    Attributes
    ----------
    rate_hz : float
        Frames a second.
    exposure_s : float
        For how long each row gathers light; no longer than from one frame to the next.
    readout_s : float
        How much later the last row is exposed than the first; 0 for a global shutter.
    phase_s : float
        When the first frame begins, after the first sub-frame is lit.
    jitter_s : float
        Standard deviation of when a frame begins against its due time; cut off at three of them.
    blur_px : float
        Standard deviation of what the lens makes of a point, in pixels of the display: a camera that is far away or
        out of focus.
    sensor : Sensor
        What turns light into pictures.
    seed : int
        Of jitter and noise: the same seed films two displays at the same moments.
    """

    rate_hz: float = 30.0
    exposure_s: float = 1.0 / 60.0
    readout_s: float = 0.012
    phase_s: float = 0.0
    jitter_s: float = 0.0
    blur_px: float = 0.0
    sensor: Sensor = field(default_factory=Sensor)
    seed: int = 2015

    @property
    def interval_s(self) -> float:
        """From one frame to the next."""
        return 1.0 / self.rate_hz

    @property
    def name(self) -> str:
        """Such as ``30 fps, 1/60 s``."""
        return f"{self.rate_hz:g} fps, {say_exposure(self.exposure_s)}"


def say_exposure(exposure_s: float) -> str:
    """Say an exposure as cameras do.

    Parameters
    ----------
    exposure_s : float
        Seconds.

    Returns
    -------
    str
        Such as ``1/60 s``.
    """
    return f"1/{1.0 / exposure_s:.4g} s"


class Recorder:
    """Gathers the light of sub-frames into the frames of a camera. All calls come from one thread.

    Parameters
    ----------
    camera : Camera
        Which.
    panel : Panel
        The display that it is held to.
    height, width : int
        Of the sub-frames and of the recording, in pixels.

    Raises
    ------
    PipelineError
        If the camera exposes or reads out for longer than a frame lasts.
    """

    def __init__(self, camera: Camera, panel: Panel, height: int, width: int) -> None:
        _check(camera)
        self.camera = camera
        self._panel = panel
        self._shape = (height, width, 3)
        rows = np.arange(height) / height
        self._read_rows = rows * camera.readout_s
        self._scan_rows = rows * panel.scan_s
        # The first frame waits until every row of the display shows the first sub-frame when it is looked at.
        self._first_s = camera.phase_s + max(0.0, panel.scan_s - camera.readout_s)
        self._chance = np.random.default_rng(camera.seed)
        self._n_subframes = 0
        self._n_opened = 0
        self._next_s = self._start_of_next()
        self._open: list[tuple[float, Light]] = []
        self._shares = np.zeros(height, np.float32)

    def add(self, subframe: Image) -> list[Light]:
        """Show the camera the next sub-frame.

        Parameters
        ----------
        subframe : ndarray
            (height, width, 3) uint8 BGR; not kept.

        Returns
        -------
        list of ndarray
            The light of the frames whose exposure is over in all rows, the oldest first; the caller's.
        """
        period_s = self._panel.period_s
        lit_from = self._n_subframes * period_s + self._scan_rows
        self._n_subframes += 1
        lit_to_s = lit_from + period_s
        while (self._next_s + self._read_rows < lit_to_s).any():
            self._open.append((self._next_s, np.zeros(self._shape, np.float32)))
            self._n_opened += 1
            self._next_s = self._start_of_next()
        exposure_s = self.camera.exposure_s
        for start_s, light in self._open:
            starts = start_s + self._read_rows
            if overlap_shares(starts, exposure_s, lit_from, period_s, self._shares):
                gather_light(subframe, _LINEAR_OF_CODE, self._shares, light)
        done: list[Light] = []
        while self._open and (self._open[0][0] + self._read_rows + exposure_s <= lit_to_s + 1e-12).all():
            done.append(self._open.pop(0)[1])
        return done

    def _start_of_next(self) -> float:
        due_s = self._first_s + self._n_opened * self.camera.interval_s
        if self.camera.jitter_s == 0.0:
            return due_s
        off = float(np.clip(self._chance.standard_normal(), -LONGEST_JITTER, LONGEST_JITTER))
        return due_s + (LONGEST_JITTER + off) * self.camera.jitter_s


def _check(camera: Camera) -> None:
    # A millionth of leeway: 1/60 s at 60 fps is allowed.
    longest_s = camera.interval_s * (1.0 + 1e-6)
    for what, seconds in (("exposure", camera.exposure_s), ("readout", camera.readout_s)):
        if seconds > longest_s:
            raise PipelineError(
                f"{what} {seconds:g} s is longer than a frame of {camera.rate_hz:g} a second lasts; wanted at most "
                f"{camera.interval_s:.4g} s: shorten it or film at fewer frames a second"
            )
    if camera.jitter_s * 2.0 * LONGEST_JITTER >= camera.interval_s:
        raise PipelineError(
            f"jitter {camera.jitter_s:g} s would put the frames out of order; wanted less than "
            f"{camera.interval_s / (2.0 * LONGEST_JITTER):.4g} s"
        )
