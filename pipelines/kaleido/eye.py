"""What flicker the eye sees: thresholds of luminance and of colour, and what a code may do under them.

Two models of luminance flicker. The *exponential* one is what the Kaleido paper [1]_ works by: the least amplitude
that is seen grows as A(f) = a exp(b f), so that the frequency at which full modulation fuses (CFF) grows with the
logarithm of light (Ferry and Porter). The default is *elaTCSF* [2]_: a temporal contrast sensitivity that also knows
luminance, size of the field and eccentricity, fitted to published measurements of flicker.

Colour flicker fuses far sooner: about 25 Hz for what fuses at 50 Hz in luminance [3]_. Its fall with frequency is that
of castleCSF [4]_.

Limits. A threshold is a mean over observers: many see more, and moving eyes see more than resting ones (phantom
array), which no model here knows. Harmonics are summed as energies, which [2]_ does not treat. The field is taken to
flicker all over in phase at the luminance of white: patterns in opposite phases and darker pictures are seen less. The
fall of [4]_ is carried on to where colour has hardly been measured. The constants of [5]_ are as they are commonly
quoted, not checked against the print; the Kaleido paper's own fit is not known here.

References
----------
.. [1] L. Zhang, C. Bo, J. Hou, X.-Y. Li, Y. Wang, K. Liu, Y. Liu, Kaleido: You Can Watch It But Cannot Record It,
   MobiCom 2015.
.. [2] Y. Cai, A. Bozorgian, M. Ashraf, R. Wanat, R. K. Mantiuk, elaTCSF: A Temporal Contrast Sensitivity Function for
   Flicker Detection and Modeling Variable Refresh Rate Flicker, SIGGRAPH Asia 2024, with the constants that its
   authors publish beside it.
.. [3] S. Shady, D. I. A. MacLeod, H. S. Fisher, Adaptation from invisible flicker, PNAS 101(14), 2004; D. H. Kelly,
   Spatiotemporal variation of chromatic and achromatic contrast thresholds, JOSA 73(6), 1983.
.. [4] M. Ashraf, R. K. Mantiuk, A. Chapiro, S. Wuerger, castleCSF: A contrast sensitivity function of color, area,
   spatiotemporal frequency, luminance and eccentricity, Journal of Vision 24(4), 2024: the sustained responses of the
   red-green and the yellow-violet mechanism.
.. [5] J. E. Farrell, B. L. Benson, C. R. Haynie, Predicting flicker thresholds for video display terminals,
   Proceedings of the SID 28(4), 1987: a and b for fields of 10 to 70 degrees.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipelines.kaleido.contract import Code

FIELD_DEG = (39.0, 22.0)
"""Width and height of what flickers, in degrees: a display of 24 inches from 75 cm."""

LARGEST_DELTA = 0.2
"""Of the luminance pollution, relative: past it a picture's highlights clip."""

EXPONENTIAL = {10: (0.1276, 0.1424), 30: (0.1919, 0.1201), 50: (0.5076, 0.1004), 70: (0.53, 0.0992)}
"""a in trolands and b in seconds for fields of so many degrees, [5]_."""

# The constants of elaTCSF, [2]_: its equations in the names of the paper.
_XI, _TAU, _KAPPA, _ZETA, _N1, _N2 = 154.133, 0.00292069, 2.12547, 0.721095, 15, 16
_FREQUENCY_BY_LUMINANCE = (0.6678, 0.222269)
_FREQUENCY_BY_ECCENTRICITY, _PEAK_SHIFT_HZ = 0.0341811, -2.0
_SENSITIVITY_BY_ECCENTRICITY = 0.0330933
_SENSITIVITY_BY_LUMINANCE = (1.76801, 1.62402, 0.533781)
_POOLING, _THRESHOLD_ENERGY = 3.80022, 6.52801
_FIELD_STEPS = 48  # of the sum over the field, each way: within .2 % of 400

# Of castleCSF, [4]_: exp(-f^beta / sigma).
_RED_GREEN, _YELLOW_VIOLET = (16.4325, 1.15591), (7.15012, 0.969123)

_HIGHEST_HZ = 300.0
"""Harmonics above are seen by nobody."""


def flicker_threshold(
    frequency_hz: float,
    cd_m2: float,
    *,
    field_deg: tuple[float, float] = FIELD_DEG,
    eccentricity_deg: float = 0.0,
) -> float:
    """Return the least amplitude of luminance flicker that is seen, by elaTCSF [2]_.

    Parameters
    ----------
    frequency_hz : float
        Of a sine, above 0.
    cd_m2 : float
        Mean luminance, 0.1 to 10,000.
    field_deg : tuple of float
        Width and height of what flickers, in degrees.
    eccentricity_deg : float
        How far, sideways, its centre lies from where the eye looks, in degrees.

    Returns
    -------
    float
        Amplitude relative to the mean; above 1 no flicker is seen at all.
    """
    width, height = field_deg
    steps = (np.arange(_FIELD_STEPS) + 0.5) / _FIELD_STEPS - 0.5
    x, y = np.meshgrid(eccentricity_deg + width * steps, height * steps)
    eccentricity = np.hypot(x, y)
    shifted = (frequency_hz - _PEAK_SHIFT_HZ) / (1.0 + _FREQUENCY_BY_ECCENTRICITY * eccentricity) + _PEAK_SHIFT_HZ
    offset, slope = _FREQUENCY_BY_LUMINANCE
    w = 2j * math.pi * _TAU * shifted / (offset + slope * math.log10(cd_m2))
    response = _XI * np.abs((1.0 + w) ** -_N1 - _ZETA * (1.0 + _KAPPA * w) ** -_N2)
    gain, knee, power = _SENSITIVITY_BY_LUMINANCE
    sensitivity = (
        response * 10.0 ** (-_SENSITIVITY_BY_ECCENTRICITY * eccentricity) * gain * (1 + knee / cd_m2) ** -power
    )
    energy = float(np.mean(sensitivity**_POOLING)) * width * height
    return float((_THRESHOLD_ENERGY / energy) ** (1.0 / _POOLING))


def exponential_threshold(frequency_hz: float, cd_m2: float, *, field_deg: int = 50) -> float:
    """Return the least amplitude of luminance flicker that is seen, by A(f) = a exp(b f), [1]_ and [5]_.

    Parameters
    ----------
    frequency_hz : float
        Of a sine, 20 or more: the straight flank of the sensitivity.
    cd_m2 : float
        Mean luminance.
    field_deg : int
        Of the field, 10, 30, 50 or 70 degrees.

    Returns
    -------
    float
        Amplitude relative to the mean.
    """
    a, b = EXPONENTIAL[field_deg]
    return a * math.exp(b * frequency_hz) / _trolands(cd_m2)


def critical_frequency(cd_m2: float, *, field_deg: int = 50) -> float:
    """Return the frequency at which full modulation fuses, as Ferry and Porter have it: (ln E - ln a) / b, [5]_.

    Parameters
    ----------
    cd_m2 : float
        Mean luminance.
    field_deg : int
        Of the field, 10, 30, 50 or 70 degrees.

    Returns
    -------
    float
        In Hz.
    """
    a, b = EXPONENTIAL[field_deg]
    return math.log(_trolands(cd_m2) / a) / b


def chroma_response(frequency_hz: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return how much of a flicker of colour without luminance is left to the eye, by castleCSF [4]_.

    Parameters
    ----------
    frequency_hz : array_like
        Of sines, 0 or more.

    Returns
    -------
    red_green, yellow_violet : ndarray
        Of the same shape; 1 at 0 Hz.
    """
    f = np.asarray(frequency_hz, np.float64)
    red_green: npt.NDArray[np.float64] = np.exp(-(f ** _RED_GREEN[1]) / _RED_GREEN[0])
    yellow_violet: npt.NDArray[np.float64] = np.exp(-(f ** _YELLOW_VIOLET[1]) / _YELLOW_VIOLET[0])
    return red_green, yellow_violet


def harmonics(
    coefficients: Sequence[float], refresh_hz: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the spectrum of a cycle that is shown again and again, each sub-frame held for one period.

    Parameters
    ----------
    coefficients : sequence of float
        For each sub-frame.
    refresh_hz : float
        Periods of the display a second.

    Returns
    -------
    frequencies_hz, amplitudes : ndarray
        Of the sines up to 300 Hz, without the mean. A square wave's first is 4 / pi.
    """
    n = len(coefficients)
    numbers = np.arange(1, max(n, int(_HIGHEST_HZ * n / refresh_hz)) + 1)
    spectrum = np.fft.fft(coefficients)[numbers % n] / n
    frequencies = np.asarray(numbers * (refresh_hz / n), np.float64)
    return frequencies, 2.0 * np.abs(spectrum) * np.abs(np.sinc(numbers / n))


def luminance_delta(code: Code, refresh_hz: float, cd_m2: float) -> float:
    """Return the largest luminance pollution that is not seen: all over the display in phase, by elaTCSF.

    Parameters
    ----------
    code : Code
        Whose `luma` says the order.
    refresh_hz : float
        Periods of the display a second.
    cd_m2 : float
        Luminance of the display's white, the worst case.

    Returns
    -------
    float
        Relative amplitude, 0 to 0.2; 0 where the code has no luminance pollution.
    """
    if not any(code.luma):
        return 0.0
    visibility = math.hypot(
        *(
            amplitude / flicker_threshold(frequency, cd_m2)
            for frequency, amplitude in zip(*harmonics(code.luma, refresh_hz), strict=True)
            if amplitude > 0.0
        )
    )
    return min(LARGEST_DELTA, 1.0 / visibility)


def chroma_visibility(code: Code, refresh_hz: float) -> float:
    """Return what the eye is left of a code's colours: energies of all harmonics, seen by the red-green mechanism.

    A figure to compare codes by. What a person sees depends on the colours and on the pattern too, which only a whole
    model of vision can say.

    Parameters
    ----------
    code : Code
        Whose `chroma` says the order.
    refresh_hz : float
        Periods of the display a second.

    Returns
    -------
    float
        Relative to axes of length 1 that stand still.
    """
    frequencies, first = harmonics([step[0] for step in code.chroma], refresh_hz)
    _, second = harmonics([step[1] for step in code.chroma], refresh_hz)
    response, _ = chroma_response(frequencies)
    return float(np.sqrt(np.sum((first**2 + second**2) * response**2) / 2.0))


def _trolands(cd_m2: float) -> float:
    """Return the light on the retina for a pupil as wide as it is at this luminance.

    Notes
    -----
    Diameter in mm by Moon and Spencer, 1944: 4.9 - 3 tanh(0.4 log10 L), with L in cd/m2 as it is commonly used.
    """
    diameter_mm = 4.9 - 3.0 * math.tanh(0.4 * math.log10(cd_m2))
    return cd_m2 * math.pi / 4.0 * diameter_mm**2
