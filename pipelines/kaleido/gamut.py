"""How far, and which way, the sub-frames of each colour may go: the table of axes.

Displacements leave luminance alone, w . d = 0 with w the shares of linear B, G, R in it: the eye follows changes of
colour far slower than changes of light, so that a colour may go to the ends of the display's gamut and back unseen
where a hundredth of its luminance would flicker. Light mixes linearly, so all of this is in linear light; what a camera
records is encoded, and how far apart two colours lie is measured there (`pipelines.kaleido.vertices`).

One pair of axes serves all colours of a bin and those `epsilon` codes around it. It is made for the bin's middle, since
each pixel makes it shorter where its own colour has less room (`room_of_codes`); only red is bounded for all of them.

References
----------
.. [1] ITU-R BT.1702, Guidance for the reduction of photosensitive epileptic seizures caused by television: transitions
   to and from saturated red are dangerous whatever their luminance.
.. [2] W3C, Web Content Accessibility Guidelines, "general flash and red flash thresholds": transitions to or from a
   state with R / (R + G + B) >= 0.8 (linear) where, in versions 2.0 and 2.1, (R - G - B) * 320, below 0 counting as 0,
   changes by more than 20, or, in 2.2 after ISO 9241-391, the place in the CIE 1976 UCS diagram by more than 0.2. Here
   neither may happen.
"""

from functools import partial

import numpy as np
import numpy.typing as npt

from pipelines.color import to_encoded, to_linear
from pipelines.crew import bands, shared_crew
from pipelines.kaleido.contract import Code, Floats32
from pipelines.kaleido.vertices import RED_CHANGE, find_axes, measure_distances

N_BINS = 64
"""Per channel: four codes wide. Half as many would cost dark colours a third of their way."""

CAMERA_SHARES = (0.25, 0.5, 1.0)
"""Of a displacement: what is left of a triple in exposures of 1/30, 1/60 and 1/120 s and less at 120 Hz."""

LEAST_ROOM = np.float32(1e-6)
"""Light, less than a hundredth of a code's: what has no room may go so far, as rounding of the axes has it."""

_N_CELLS = 512
_ENCODED = to_encoded(np.arange((1 << 14) + 1) / (1 << 14)).astype(np.float32)


def shown_light(headroom: str, low: float, high: float) -> Floats32:
    """Return what light is to be seen for each code of the source.

    Parameters
    ----------
    headroom : {'adaptive', 'compressed'}
        As in the profile.
    low, high : float
        Linear light of black and white where compressed.

    Returns
    -------
    ndarray
        (256,) float32, 0 to 1, ascending.
    """
    light = to_linear(np.arange(256) / 255.0)
    if headroom == "compressed":
        light = low + (high - low) * light
    return light.astype(np.float32)


def bounded_delta(code: Code, delta: float, *, limit_red: bool) -> float:
    """Bound the luminance pollution so that it alone does not alternate saturated red too far.

    Parameters
    ----------
    code : Code
        The order.
    delta : float
        Wanted relative amplitude.
    limit_red : bool
        Whether it is bounded.

    Returns
    -------
    float
        Relative amplitude, at most `delta`; 0 for codes without luminance pollution.
    """
    if not any(code.luma):
        return 0.0
    return min(delta, most_red_delta(code)) if limit_red else delta


def most_red_delta(code: Code) -> float:
    """Return the relative luminance pollution that keeps even pure red within what `limit_red` allows.

    Parameters
    ----------
    code : Code
        The order: the more sub-frames, the more their rounding takes of it.

    Returns
    -------
    float
        Relative amplitude.
    """
    _, two = rounding_of(np.array([0, 0, 1], np.float32), code.n_slots)
    return max(0.0, 0.99 * float(RED_CHANGE - two.sum()) / 2)


def rounding_of(light: Floats32, n_slots: int) -> tuple[Floats32, Floats32]:
    """Return how much rounding to 8 bits may move the sub-frames of a cycle, at most.

    The nearest code is off by h(L) = .0045 (L + .0031)^(7/12) at most: half a step of sRGB, and a little more. The last
    sub-frame makes up for all others and is rounded too. It is off by as much as the sum of h, which is concave, so
    that n sub-frames whose mean is the light have n h(light) at most, however far apart they lie. Two sub-frames are
    off by that and once more the h of one: at most where that one has 2^(12/5) times the light of the others.

    Parameters
    ----------
    light : ndarray
        float32, 0 to 1, linear: mean of a channel over the cycle.
    n_slots : int
        Sub-frames in a cycle.

    Returns
    -------
    one, two : ndarray
        Of that shape, float32: linear light that one sub-frame is off, and that two are off together.
    """
    half_step = np.float32(0.0045) * (light + np.float32(0.0031)) ** np.float32(7 / 12)
    both = n_slots ** (7 / 12) * (2 ** (12 / 5) + n_slots - 1) ** (5 / 12)
    return np.float32(n_slots) * half_step, np.float32(both) * half_step


def room_of_codes(code: Code, shown: Floats32, delta: float) -> tuple[Floats32, Floats32]:
    """Return how far the colours of a sub-frame may go from each code's light.

    Parameters
    ----------
    code : Code
        The order.
    shown : ndarray
        (256,) float32: light that is to be seen for each code of the source.
    delta : float
        Relative amplitude of the luminance pollution, for which room is left.

    Returns
    -------
    fall, rise : ndarray
        (256,) float32 above 0: linear light.
    """
    swing = np.float32(delta * max(abs(step) for step in code.luma))
    fall = shown * (np.float32(1) - swing)
    rise = np.float32(1) - np.minimum(np.float32(1), shown * (np.float32(1) + swing))
    return np.maximum(fall, LEAST_ROOM), np.maximum(rise, LEAST_ROOM)


def build_axes(
    code: Code,
    shown: Floats32,
    *,
    delta: float,
    epsilon: int,
    limit_red: bool,
    exchange: float = 0.0,
    n_bins: int = N_BINS,
) -> Floats32:
    """Find the axes of all colours.

    Parameters
    ----------
    code : Code
        The order: what is farthest apart depends on it.
    shown : ndarray
        (256,) float32: light that is to be seen for each code of the source.
    delta : float
        Relative amplitude of the luminance pollution, for which room is left.
    epsilon : int
        By how many codes a pixel may leave its bin and keep its axes: for so many around it red is bounded.
    limit_red : bool
        Whether the alternation of saturated red is bounded, [1]_ and [2]_.
    exchange : float
        Luminance that neighbours exchange, 0 to 1, as a share of what a colour has or lacks to white; codes with a
        second axis only.
    n_bins : int
        Per channel; a power of two, 2 to 256.

    Returns
    -------
    ndarray
        (n_bins, n_bins, n_bins, 4 or 6, 3) float32 as in `Tables`.
    """
    firsts = np.arange(n_bins) * (256 // n_bins)
    lasts = firsts + 256 // n_bins - 1
    least, most = shown[np.maximum(firsts - epsilon, 0)], shown[np.minimum(lasts + epsilon, 255)]
    edges = np.stack([least, most, *rounding_of(most, code.n_slots)], axis=1)
    middles = (shown[firsts] + shown[lasts]) / np.float32(2)
    # Black and white can go one way only: axes that need the other would stand still there.
    middles[0], middles[-1] = shown[0], shown[255]
    order = _different_subframes(code)
    distances = np.empty((n_bins, _N_CELLS + 1), np.float32)
    measure_distances(middles, order.shape[0], np.array(CAMERA_SHARES, np.float32), _ENCODED, distances)
    n_signs = 2 if exchange > 0 and order[:, 1].any() else 1
    axes = np.empty((n_bins, n_bins, n_bins, 2 * n_signs + 2, 3), np.float32)

    crew = shared_crew()
    given = (edges, middles, order, np.float32(delta), np.float32(exchange), limit_red, distances)
    crew.run([partial(find_axes, *given, rows, axes) for rows in bands(n_bins // 2, 4 * crew.n_threads)])
    fall, rise = axes[..., -2, :], axes[..., -1, :]
    axes[..., -2:, :] = LEAST_ROOM
    for by_p, by_q in order[:, :2]:
        for first in range(0, 2 * n_signs, 2):
            d = by_p * axes[..., first, :] + by_q * axes[..., first + 1, :]
            np.maximum(fall, -d, out=fall)
            np.maximum(rise, d, out=rise)
    np.divide(np.float32(1), axes[..., -2:, :], out=axes[..., -2:, :])
    return axes


def _different_subframes(code: Code) -> npt.NDArray[np.float32]:
    """Return for each different sub-frame of a code its coefficients, the size of its luminance's, and what follows."""
    rows = [(*chroma, abs(luma)) for chroma, luma in zip(code.chroma, code.luma, strict=True)]
    different, counts = np.unique(np.array(rows, np.float32), axis=0, return_counts=True)
    factors = different[:, :2]
    inverse = np.divide(1, factors, out=np.zeros_like(factors), where=factors != 0)
    return np.column_stack([different, counts, inverse]).astype(np.float32)
