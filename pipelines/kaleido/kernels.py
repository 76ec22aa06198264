"""What becomes of a picture's pixels: all sub-frames of a cycle in one pass. Arrays only.

A pixel's colour v, in linear light, is shown as v + d_0 .. v + d_{n-1} (`pipelines.kaleido.contract` has the formula).
All but the last are rounded to codes. The last one is n v less the light of the rounded others, so that its own
rounding, an nth part of it, is all that the mean of the cycle is off: less than half a code, since a code's step grows
slower than its light. A graphics card can do the same for each slot by itself.

The table of axes is made for the middle of each bin of colours. A pixel's own displacements are made shorter, all by
the same, until none leaves the display's range: that keeps their luminance and their sum at 0.

From light to the nearest code there is no table that is small and right at the dark end. Two steps are: a table of
4,096 cells, none of which is wider than the narrowest step (1 / (12.92 * 255) of light), and one comparison. What is
compared with is by cells too: by codes it would be a third of the memory, but must wait until the code is there.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Word = int  # numba keeps it a machine word

N_CELLS = 4096
"""Of the table from light to codes; a power of two, so that the multiplication is exact."""


class Curves(NamedTuple):
    """From codes to light and back.

    Attributes
    ----------
    shown : ndarray
        (256,) float32: light that is to be seen for a code of the source.
    fall, rise : ndarray
        (256,) float32: the light that a channel of that code may lose and gain.
    light : ndarray
        (256,) float32: light that the display makes of a code.
    cells : ndarray
        (N_CELLS + 1,) uint8: the code nearest to the lower edge of each cell of light.
    limits : ndarray
        (N_CELLS + 1,) float32, ascending: the least light that rounds to the code after that of each cell; above 1
        where there is none.
    seconds : ndarray
        (256, 256) uint8: the second sub-frame of a pair for a code of the source and the first sub-frame's code. For
        pairs alone such a table is small; it saves half of their time.
    """

    shown: npt.NDArray[np.float32]
    fall: npt.NDArray[np.float32]
    rise: npt.NDArray[np.float32]
    light: npt.NDArray[np.float32]
    cells: npt.NDArray[np.uint8]
    limits: npt.NDArray[np.float32]
    seconds: npt.NDArray[np.uint8]


class Places(NamedTuple):
    """Where the modulation is what; `pipelines.kaleido.contract.Pattern`.

    Attributes
    ----------
    phase, gain : ndarray
        (height, width) uint8.
    luma_sign : ndarray
        (height, width) int8.
    """

    phase: npt.NDArray[np.uint8]
    gain: npt.NDArray[np.uint8]
    luma_sign: npt.NDArray[np.int8]


@njit(cache=True, nogil=True)
def split_rows(
    picture: npt.NDArray[np.uint8],
    curves: Curves,
    axes: npt.NDArray[np.float32],
    order: tuple[tuple[np.float32, np.float32, np.float32], ...],
    delta: np.float32,
    places: Places,
    epsilon: Word,
    rows: tuple[Word, Word],
    chosen_for: npt.NDArray[np.uint8],
    subframes: tuple[npt.NDArray[np.uint8], ...],
) -> Word:
    """Make all sub-frames of a cycle, for some rows.

    Parameters
    ----------
    picture : ndarray
        (height, width, 3) uint8 BGR.
    curves : Curves
        From codes to light and back.
    axes : ndarray
        (bins, bins, bins, 4 or 6, 3) float32 (`pipelines.kaleido.contract.Tables`); bins is a power of two.
    order : tuple of tuple of float32
        For each of the n sub-frames the coefficients of p, q and the luminance, times the cycle's strength. In tuples
        they stay in registers; an array's would be read again for each pixel, as bytes that are written may be theirs.
    delta : float32
        Relative amplitude of the luminance pollution.
    places : Places
        Where.
    epsilon : int
        By how many codes a pixel may change and keep its axes; -1 lets none keep them.
    rows : tuple of int
        First and end row.
    chosen_for : ndarray
        (height, width, 3) uint8: the colour that each pixel's axes were chosen for; written where it changes.
    subframes : tuple of ndarray
        n of (height, width, 3) uint8, written, in the order of time.

    Returns
    -------
    int
        Pixels that were given new axes.
    """
    n = len(subframes)
    width = picture.shape[1]
    lines = np.empty(n * 3 * width, np.uint8)
    shift = 0
    while (256 >> shift) > axes.shape[0]:
        shift += 1
    one, one_255th = np.float32(1), np.float32(1 / 255)
    at_fall = axes.shape[3] - 2
    n_new = 0
    for y in range(rows[0], rows[1]):
        for x in range(width):
            code_b, code_g, code_r = picture[y, x, 0], picture[y, x, 1], picture[y, x, 2]
            base_b, base_g, base_r = chosen_for[y, x, 0], chosen_for[y, x, 1], chosen_for[y, x, 2]
            if (
                abs(np.int32(code_b) - np.int32(base_b)) > epsilon
                or abs(np.int32(code_g) - np.int32(base_g)) > epsilon
                or abs(np.int32(code_r) - np.int32(base_r)) > epsilon
            ):
                base_b, base_g, base_r = code_b, code_g, code_r
                chosen_for[y, x, 0] = base_b
                chosen_for[y, x, 1] = base_g
                chosen_for[y, x, 2] = base_r
                n_new += 1
            axis = axes[base_b >> shift, base_g >> shift, base_r >> shift]
            gain = np.float32(places.gain[y, x]) * one_255th
            gain = min(gain, curves.fall[code_b] * axis[at_fall, 0], curves.rise[code_b] * axis[at_fall + 1, 0])
            gain = min(gain, curves.fall[code_g] * axis[at_fall, 1], curves.rise[code_g] * axis[at_fall + 1, 1])
            gain = min(gain, curves.fall[code_r] * axis[at_fall, 2], curves.rise[code_r] * axis[at_fall + 1, 2])
            sign = places.luma_sign[y, x]
            first = at_fall - 2 if sign < 0 else 0
            p_b, p_g, p_r = gain * axis[first, 0], gain * axis[first, 1], gain * axis[first, 2]
            q_b, q_g, q_r = gain * axis[first + 1, 0], gain * axis[first + 1, 1], gain * axis[first + 1, 2]
            v_b, v_g, v_r = curves.shown[code_b], curves.shown[code_g], curves.shown[code_r]
            brightest = max(v_b, v_g, v_r)
            pollution = delta
            if brightest * (one + delta) > one:
                pollution = one / brightest - one
            pollution *= np.float32(sign)
            slot = -np.int64(places.phase[y, x])
            at = 3 * (x + width * (slot if slot == 0 else slot + n))
            rest_b, rest_g, rest_r = np.float32(n) * v_b, np.float32(n) * v_g, np.float32(n) * v_r
            for k in range(n - 1):
                by_p, by_q, by_luminance = order[k]
                scale = one + by_luminance * pollution
                b = _nearest(v_b * scale + by_p * p_b + by_q * q_b, curves)
                g = _nearest(v_g * scale + by_p * p_g + by_q * q_g, curves)
                r = _nearest(v_r * scale + by_p * p_r + by_q * q_r, curves)
                rest_b -= curves.light[b]
                rest_g -= curves.light[g]
                rest_r -= curves.light[r]
                lines[np.uintp(at)], lines[np.uintp(at + 1)], lines[np.uintp(at + 2)] = b, g, r
                at += 3 * width
                at -= lines.size if at >= lines.size else 0
            if n == 2:  # known when this is compiled
                last_b, last_g, last_r = (
                    curves.seconds[code_b, b],
                    curves.seconds[code_g, g],
                    curves.seconds[code_r, r],
                )
            else:
                last_b, last_g, last_r = _nearest(rest_b, curves), _nearest(rest_g, curves), _nearest(rest_r, curves)
            lines[np.uintp(at)], lines[np.uintp(at + 1)], lines[np.uintp(at + 2)] = last_b, last_g, last_r
        for k in range(n):
            line = subframes[k][y].reshape(3 * width)
            first = k * 3 * width
            for i in range(3 * width):  # as one slice, numba compiles a message for sizes that differ: twice as long
                line[i] = lines[first + i]
    return n_new


@njit(cache=True, nogil=True, inline="always")
def _nearest(light: np.float32, curves: Curves) -> np.uint8:
    """Return the code nearest to linear light, which is cut off at 0 and 1."""
    inside = max(np.float32(0), light)
    inside = min(np.float32(1), inside)
    cell = np.uint32(inside * np.float32(N_CELLS))
    return np.uint8(curves.cells[cell] + np.uint8(inside >= curves.limits[cell]))


@njit(cache=True, nogil=True)
def look_up_rows(
    picture: npt.NDArray[np.uint8], table: npt.NDArray[np.uint8], rows: tuple[Word, Word], out: npt.NDArray[np.uint8]
) -> None:
    """Replace every code by that of a table, for some rows.

    Parameters
    ----------
    picture : ndarray
        (height, width, 3) uint8.
    table : ndarray
        (256,) uint8.
    rows : tuple of int
        First and end row.
    out : ndarray
        The like of `picture`, written.
    """
    for y in range(rows[0], rows[1]):
        for x in range(picture.shape[1]):
            for c in range(3):
                out[y, x, c] = table[picture[y, x, c]]
