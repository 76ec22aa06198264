"""What people see of a display that shows sub-frames: the fused picture against the source, and flicker.

*Fused error*: each cycle's mean light, in code values, against the source's frame. *Flicker*: a cycle's luminance as a
spectrum, each sub-frame held for one period, for the whole display in phase and for the worst of its tiles, against the
threshold of the eye model for a field of that size and light. Energies of harmonics are summed; 1 is what is just
seen. *Colour*: the root mean square of what moves from sub-frame to sub-frame, and what the eye is left of it.

Limits: those of `pipelines.kaleido.eye`; a tile's flicker is its mean, so that finer patterns, which the eye blurs too,
count for nothing; a cycle is taken to repeat, so that changes of the picture from cycle to cycle are no flicker here.
`ColorVideoVDP` [1]_ (`pipelines.filming.vdp`) sees both, and its verdict is the one to believe.

References
----------
.. [1] R. K. Mantiuk, P. Hanji, M. Ashraf, Y. Asano, A. Chapiro, ColorVideoVDP: A visual difference predictor for image,
   video and display distortions, ACM Transactions on Graphics 43(4), 2024.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.color import Floats, delta_e_2000, lab_from_bgr, linear_from_codes, luminance, to_encoded
from pipelines.filming.trial import fused_light
from pipelines.kaleido.eye import FIELD_DEG, chroma_response, flicker_threshold, harmonics

MID_CODES = (51, 204)
"""Source codes of 20 to 80 %: black and white have no headroom, and a pipeline may leave them as they are."""
TILES = (4, 6)
"""Rows and columns of tiles whose flicker is looked at."""
DARKEST_CD_M2 = 1.0
"""Tiles are taken for at least as bright as this: the models of the eye end there, and screens reflect as much."""
_COLOR_STEP_PX = 4


class FusedError:
    """Compares what is seen with what should be, cycle by cycle."""

    def __init__(self) -> None:
        self._n = self._n_mid = 0
        self._sum = self._sum_mid = 0.0
        self._worst = 0.0
        self._differences: list[tuple[float, float]] = []

    def add(self, light: Floats, source: Image) -> None:
        """Take the next cycle.

        Parameters
        ----------
        light : ndarray
            (height, width, 3) float32: the cycle's mean light.
        source : ndarray
            (height, width, 3) uint8 BGR: what it should look like.
        """
        seen = to_encoded(np.clip(light, 0.0, 1.0))
        error = np.abs(seen * np.float32(255.0) - source)
        is_mid = (source >= MID_CODES[0]) & (source <= MID_CODES[1])
        self._n += error.size
        self._n_mid += int(is_mid.sum())
        self._sum += float(error.sum(dtype=np.float64))
        self._sum_mid += float(error[is_mid].sum(dtype=np.float64))
        self._worst = max(self._worst, float(error.max()))
        some = (slice(None, None, _COLOR_STEP_PX), slice(None, None, _COLOR_STEP_PX))
        difference = delta_e_2000(lab_from_bgr(seen[some]), lab_from_bgr(source[some]))
        self._differences.append((float(difference.mean()), float(difference.max())))

    def figures(self) -> dict[str, float] | None:
        """Return the figures.

        Returns
        -------
        dict of str to float or None
            Errors in code values and in CIEDE2000; None before the first cycle.
        """
        if not self._differences:
            return None
        return {
            "max_codes": self._worst,
            "mean_codes": self._sum / self._n,
            "mean_codes_20_to_80": self._sum_mid / max(1, self._n_mid),
            "mean_delta_e": math.fsum(mean for mean, _ in self._differences) / len(self._differences),
            "max_delta_e": max(worst for _, worst in self._differences),
        }


class Flicker:
    """Measures the flicker of cycles; what is reported is the worst cycle.

    Parameters
    ----------
    refresh_hz : float
        Periods of the display a second.
    cd_m2 : float
        Luminance of the display's white.
    """

    def __init__(self, refresh_hz: float, cd_m2: float) -> None:
        self._refresh_hz = refresh_hz
        self._cd_m2 = cd_m2
        self._whole: tuple[float, list[dict[str, float]]] = (-1.0, [])
        self._tile: tuple[float, list[dict[str, float]]] = (-1.0, [])
        self._color: npt.NDArray[np.float64] | None = None
        self._n = 0

    def add(self, subframes: Sequence[Image]) -> None:
        """Take the next cycle.

        Parameters
        ----------
        subframes : sequence of ndarray
            Its sub-frames, (height, width, 3) uint8 BGR.
        """
        lights = [linear_from_codes(subframe) for subframe in subframes]
        tiles = np.stack([_tiles(luminance(light)) for light in lights])
        self._whole = max(self._whole, self._lines(tiles.mean(axis=(1, 2)), FIELD_DEG), key=_ratio)
        field_deg = (FIELD_DEG[0] / TILES[1], FIELD_DEG[1] / TILES[0])
        for tile in tiles.reshape(len(lights), -1).T:
            self._tile = max(self._tile, self._lines(tile, field_deg), key=_ratio)
        some = np.stack([light[::_COLOR_STEP_PX, ::_COLOR_STEP_PX] for light in lights])
        energy = np.mean(np.abs(np.fft.fft(some, axis=0) / len(lights)) ** 2, axis=(1, 2, 3))
        self._color = energy if self._color is None else self._color + energy
        self._n += 1

    def figures(self) -> dict[str, Any] | None:
        """Return the figures.

        Returns
        -------
        dict of str to Any or None
            For the whole display in phase and for the worst tile `visibility` (1 is just seen) and the lines of the
            spectrum; for colours the amplitude by frequency and what the eye is left of it. None before the first
            cycle.
        """
        if self._color is None:
            return None
        n_slots = self._color.size
        numbers = np.arange(1, n_slots)
        # As in `harmonics`: a sub-frame that is held has its spectrum repeated and weakened, line by line.
        amplitudes = 2.0 * np.sqrt(self._color[1:] / self._n) * np.sinc(numbers / n_slots)
        frequencies = numbers * self._refresh_hz / n_slots
        left, _ = chroma_response(frequencies)
        return {
            "white_cd_m2": self._cd_m2,
            "whole": {"visibility": self._whole[0], "lines": self._whole[1]},
            "worst_tile": {"visibility": self._tile[0], "lines": self._tile[1]},
            "color": [
                {"frequency_hz": float(f), "amplitude": float(a), "left_to_the_eye": float(a * response)}
                for f, a, response in zip(frequencies, amplitudes, left, strict=True)
            ],
        }

    def _lines(
        self, waveform: npt.NDArray[np.floating], field_deg: tuple[float, float]
    ) -> tuple[float, list[dict[str, float]]]:
        """Return the visibility of a waveform of luminance, and its spectrum."""
        mean = float(waveform.mean())
        if mean <= 0.0:
            return 0.0, []
        # Thresholds change slowly with light: steps of a seventh are fine enough, and few.
        cd_m2 = math.exp(round(math.log(max(DARKEST_CD_M2, mean * self._cd_m2)) * 7) / 7)
        lines = []
        for frequency, amplitude in zip(
            *harmonics([float(one) / mean for one in waveform], self._refresh_hz), strict=True
        ):
            threshold = _threshold(float(frequency), cd_m2, field_deg)
            lines.append({"frequency_hz": float(frequency), "amplitude": float(amplitude), "threshold": threshold})
        return math.hypot(*(line["amplitude"] / line["threshold"] for line in lines)), lines


def _ratio(measured: tuple[float, list[dict[str, float]]]) -> float:
    return measured[0]


@functools.lru_cache(maxsize=1024)
def _threshold(frequency_hz: float, cd_m2: float, field_deg: tuple[float, float]) -> float:
    return flicker_threshold(frequency_hz, cd_m2, field_deg=field_deg)


def _tiles(plane: Floats) -> npt.NDArray[np.float64]:
    """Return the mean of each tile."""
    rows, columns = TILES
    return cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float64)


class Viewer:
    """Both, cycle by cycle.

    Parameters
    ----------
    refresh_hz : float
        Periods of the display a second.
    cd_m2 : float
        Luminance of the display's white.
    """

    def __init__(self, refresh_hz: float, cd_m2: float) -> None:
        self.error = FusedError()
        self.flicker = Flicker(refresh_hz, cd_m2)

    def add(self, subframes: Sequence[Image], source: Image | None) -> None:
        """Take the next cycle.

        Parameters
        ----------
        subframes : sequence of ndarray
            Its sub-frames, (height, width, 3) uint8 BGR.
        source : ndarray or None
            What it should look like, where that is known.
        """
        self.flicker.add(subframes)
        if source is not None:
            self.error.add(fused_light(subframes), source)
