"""The search for the axes of every colour: how far apart a code's sub-frames can lie. Arrays only.

The displacements that leave a colour's luminance and the display's range alone are a polygon: a plane through 0 (its
normal w, the shares of B, G, R in luminance) cut by two limits per channel. Its vertices have two channels at their
limits; the third follows from w . d = 0. Of twelve such points at most six keep the third within its own limits.

A code with one axis moves p along a line: what is farthest apart lies at a vertex of what p may be. A code with two
axes moves a figure of n corners, c_k0 p + c_k1 q, which any p and q shear and turn (a triple becomes any triangle whose
centre is the colour). For a given p what q may be is again such a polygon. So each vertex for p is tried with each
vertex for q that it leaves: 36 pairs. For a triple these hold the best, as a rounded objective that grows outwards has
it: in four dimensions a vertex is where four limits meet, so that one of three corners meets two of them.

Where saturated red is bounded the polygon has a third pair of sides, and points on these are tried too. Whatever is
tried is made shorter where it still breaks a bound.

For codes with two axes eight neighbouring bins take the same pair of vertices, where they have it: that saves most of
the search, and costs less than a fiftieth of the distance at 98 of 100 colours.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

Word = int  # numba keeps it a machine word

W_B, W_G, W_R = np.float32(0.0722), np.float32(0.7152), np.float32(0.2126)
"""Shares in luminance: `pipelines.color.LUMINANCE_BGR`; kernels know arrays only."""

SATURATED = np.float32(4.0)
"""R >= 4 (G + B), that is R / (R + G + B) >= .8, is saturated red."""

RED_CHANGE = np.float32(20 / 320)
"""Largest change of R - G - B of saturated red, rounding to 8 bits included."""

RED_TURN = np.float32(0.16)
"""Largest distance in u', v' between two sub-frames where one is saturated; the limit is .2, the rest for rounding."""

NEVER = np.float32(1e9)

FEW = np.float32(1e-7)
"""Rounding of a corner: what is further out is none."""

N_NAMES = 24
"""Six kinds of corners, by two limits each."""

ANY = -1
"""In place of the name of a pair of vertices."""

TIE = np.float32(0.01)
"""How much turning the way of its neighbours is worth to a colour, as a share of its sub-frames' squared distance."""


@njit(cache=True, nogil=True)
def find_axes(
    edges: npt.NDArray[np.float32],
    middles: npt.NDArray[np.float32],
    order: npt.NDArray[np.float32],
    delta: np.float32,
    exchange: np.float32,
    limit_red: bool,
    distances: npt.NDArray[np.float32],
    rows: tuple[Word, Word],
    axes: npt.NDArray[np.float32],
) -> None:
    """Find the axes of all colours with some values of B.

    Parameters
    ----------
    edges : ndarray
        (bins, 4) float32: least and most light of a channel that red is bounded for in each bin; by how much rounding
        may move one of its sub-frames, and two from each other.
    middles : ndarray
        (bins,) float32: light of each bin that the axes are made for.
    order : ndarray
        (n, 6) float32: the code's different sub-frames: coefficients of p and q, size of the luminance's, how often,
        and one over the first two, 0 where they are 0.
    delta : float32
        Relative amplitude of the luminance pollution.
    exchange : float32
        Luminance that neighbours exchange, as a share of what the colour has or lacks to white, whichever is less.
    limit_red : bool
        Whether the alternation of saturated red is bounded.
    distances : ndarray
        (bins, size + 1) float32, by `measure_distances`.
    rows : tuple of int
        First and end pair of bins of B.
    axes : ndarray
        (bins, bins, bins, 4 or 6, 3) float32, of which p and q, of both signs where there are six, are written.
    """
    n_bins = middles.size
    low, high, middle = np.empty(3, np.float32), np.empty(3, np.float32), np.empty(3, np.float32)
    room = np.empty((2, order.shape[0], 4), np.float32)
    work = np.empty((3, N_NAMES, 4), np.float32)
    names = np.empty((2, N_NAMES), np.int64)
    choices, has_q = (ANY, ANY), np.any(order[:, 5] != 0)
    found = np.empty((2, 3, 3), np.float32)
    per_q = np.float32(1) / max(np.float32(1e-9), np.abs(order[:, 1]).max())
    for cell in range((rows[1] - rows[0]) * (n_bins // 2) ** 2 * 8):
        # The eight bins of a cell of two by two by two follow each other.
        place, corner = cell // 8, cell % 8
        b = 2 * (rows[0] + place // (n_bins // 2) ** 2) + corner // 4
        g = 2 * (place // (n_bins // 2) % (n_bins // 2)) + corner // 2 % 2
        r = 2 * (place % (n_bins // 2)) + corner % 2
        low[0], low[1], low[2] = edges[b, 0], edges[g, 0], edges[r, 0]
        high[0], high[1], high[2] = edges[b, 1], edges[g, 1], edges[r, 1]
        middle[0], middle[1], middle[2] = middles[b], middles[g], middles[r]
        _bound_light(order, delta, middle, room)
        red = (np.float32(0), np.float32(0), np.float32(0))
        if limit_red:
            moved = edges[r, 2] + SATURATED * (edges[g, 2] + edges[b, 2])
            change = max(RED_CHANGE - edges[r, 3] - edges[g, 3] - edges[b, 3], np.float32(0))
            red = (_bound_red(order, delta, low, high, moved, change, room), moved, change)
        given = (order, room, delta, red, (low, middle, high), distances, (b, g, r), work, names)
        luminance = W_B * middle[0] + W_G * middle[1] + W_R * middle[2]
        amount = exchange * min(luminance, np.float32(1) - luminance) * per_q
        if corner == 0 or not has_q:
            choices = (ANY, ANY)
        if axes.shape[3] == 4 or red[0] == 1:
            amount = np.float32(0)
        # Where red is bounded nothing is exchanged: luminance takes more of that bound than it hides.
        for part in (amount, np.float32(0.5) * amount, np.float32(0)):
            up = _find_farthest(*given, part, choices[0], found[0])
            if part == 0:
                down, found[1] = up, found[0]
                break
            down = _find_farthest(*given, -part, choices[1], found[1])
            if up != ANY and down != ANY and min(found[0, 2, 0], found[1, 2, 0]) == 1:
                break
        choices = (up, down)
        for row in range(axes.shape[3] - 2):
            axes[b, g, r, row] = found[row // 2, 2] * found[row // 2, row % 2]


@njit(cache=True, nogil=True)
def _bound_light(
    order: npt.NDArray[np.float32],
    delta: np.float32,
    middle: npt.NDArray[np.float32],
    room: npt.NDArray[np.float32],
) -> None:
    """Write to `room` how far each sub-frame may be moved within the display's range."""
    for k in range(order.shape[0]):
        swing = order[k, 2] * delta
        for c in range(3):
            room[0, k, c] = -middle[c] * (np.float32(1) - swing)
            room[1, k, c] = np.float32(1) - min(np.float32(1), middle[c] * (np.float32(1) + swing))


@njit(cache=True, nogil=True)
def _find_farthest(
    order: npt.NDArray[np.float32],
    room: npt.NDArray[np.float32],
    delta: np.float32,
    red: tuple[np.float32, np.float32, np.float32],
    light: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]],
    distances: npt.NDArray[np.float32],
    bins: tuple[Word, Word, Word],
    work: npt.NDArray[np.float32],
    names: npt.NDArray[np.int64],
    luminance: np.float32,
    wanted: Word,
    found: npt.NDArray[np.float32],
) -> Word:
    """Write to (3, 3) `found` the axes of one bin, and by what they are to be multiplied, 0 to 1, in its last row.

    The bin is of least, middle and most `light`. `room` has the least and the most displacement of each sub-frame and
    channel, and of the measure of red. `red` is the steepness of that, 0 where red is not bounded, by how much rounding
    may move it, and by how much R - G - B may change before rounding. `luminance` is that of q. Returns which pair of
    vertices they are: the `wanted` one where the bin has it, and `ANY` where it has none at all.
    """
    choice = _try_vertices(order, room, delta, red, light, distances, bins, work, names, luminance, wanted, found)
    if choice == ANY and wanted != ANY:
        choice = _try_vertices(order, room, delta, red, light, distances, bins, work, names, luminance, ANY, found)
    return choice


@njit(cache=True, nogil=True)
def _try_vertices(
    order: npt.NDArray[np.float32],
    room: npt.NDArray[np.float32],
    delta: np.float32,
    red: tuple[np.float32, np.float32, np.float32],
    light: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]],
    distances: npt.NDArray[np.float32],
    bins: tuple[Word, Word, Word],
    work: npt.NDArray[np.float32],
    names: npt.NDArray[np.int64],
    luminance: np.float32,
    only: Word,
    found: npt.NDArray[np.float32],
) -> Word:
    """Try `only` that pair of vertices, or `ANY`; else as `_find_farthest`."""
    (low, middle, high), steepness = light, red[0]
    ps, qs, bounds = work[0], work[1], work[2]
    has_q = np.any(order[:, 5] != 0)
    qs[0], names[1, 0] = 0, 0
    found[:] = 0
    farthest, choice = np.float32(-1), ANY
    _bound_axis(order, 0, qs[0], room, bounds)
    n_p, n_q = _list_vertices(bounds, steepness, np.float32(0), names[0], ps), 1
    for i in range(n_p):
        if only not in (ANY, only % N_NAMES + N_NAMES * names[0, i]):
            continue
        if has_q:
            _bound_axis(order, 1, ps[i], room, bounds)
            n_q = _list_vertices(bounds, steepness, luminance, names[1], qs)
        for j in range(n_q):
            name = N_NAMES * names[0, i] + names[1, j]
            if only not in (ANY, name):
                continue
            scale = np.float32(1)
            if steepness > 0:
                scale = _scale_of_red(order, delta, (low, high), red, ps[i], qs[j])
            distance = np.float32(0)
            if only == ANY:
                distance = _distance(order, distances, bins, middle, scale, ps[i], qs[j])
            if distance > farthest:
                farthest, choice = distance, name
                for c in range(3):
                    found[0, c], found[1, c], found[2, c] = ps[i, c], qs[j, c], scale
    return choice


@njit(cache=True, nogil=True)
def _bound_axis(
    order: npt.NDArray[np.float32],
    axis: Word,
    other: npt.NDArray[np.float32],
    room: npt.NDArray[np.float32],
    bounds: npt.NDArray[np.float32],
) -> None:
    """Write between what (2, 4) `bounds` one axis may lie, per channel and in red, given the other axis."""
    for c in range(4):
        low, high = -NEVER, NEVER
        for k in range(order.shape[0]):
            over = order[k, 4 + axis]
            if over == 0:
                continue
            moved = order[k, 1 - axis] * other[c]
            one, two = (room[0, k, c] - moved) * over, (room[1, k, c] - moved) * over
            low = max(low, min(one, two))
            high = min(high, max(one, two))
        bounds[0, c] = min(low, np.float32(0))  # rounding must not take 0 away
        bounds[1, c] = max(high, np.float32(0))


@njit(cache=True, nogil=True)
def _list_vertices(
    bounds: npt.NDArray[np.float32],
    steepness: np.float32,
    luminance: np.float32,
    names: npt.NDArray[np.int64],
    out: npt.NDArray[np.float32],
) -> Word:
    """Write the corners of {d : w . d = luminance, bounds[0] <= d <= bounds[1]} to (24, 4) `out`; return how many.

    With them come the points where its sides meet the bounds of red. Their `names`, 0 to 23, say which two limits meet.
    """
    n = 0
    along_b, along_r = steepness * (np.float32(1) - W_B / W_G), np.float32(1) + steepness * W_R / W_G
    in_g = luminance / W_G
    for i in range(2):
        for j in range(2):
            for kind in range(6 if steepness > 0 else 3):
                b, r, red = bounds[i, 0], bounds[j, 2], bounds[j, 3] + steepness * in_g
                if kind == 1:  # b and g
                    r = luminance / W_R - (W_B / W_R) * b - (W_G / W_R) * bounds[j, 1]
                elif kind == 2:  # g and r
                    b = luminance / W_B - (W_G / W_B) * bounds[i, 1] - (W_R / W_B) * r
                elif kind == 3:  # b and red
                    r = (red + along_b * b) / along_r
                elif kind == 4:  # r and red
                    r = bounds[i, 2]
                    b = (along_r * r - red) / along_b
                elif kind == 5:  # g and red
                    g = bounds[i, 1] - in_g
                    r = (red - along_b * g * (W_G / W_B)) / (along_r + along_b * (W_R / W_B))
                    b = -(W_G / W_B) * g - (W_R / W_B) * r
                g = in_g - (W_B / W_G) * b - (W_R / W_G) * r
                few = FEW
                if (
                    bounds[0, 0] - few <= b <= bounds[1, 0] + few
                    and bounds[0, 1] - few <= g <= bounds[1, 1] + few
                    and bounds[0, 2] - few <= r <= bounds[1, 2] + few
                ):
                    out[n, 0], out[n, 1], out[n, 2], out[n, 3] = b, g, r, along_r * r - along_b * b - steepness * in_g
                    names[n] = 4 * kind + 2 * i + j
                    n += 1
    return n


@njit(cache=True, nogil=True)
def _bound_red(
    order: npt.NDArray[np.float32],
    delta: np.float32,
    low: npt.NDArray[np.float32],
    high: npt.NDArray[np.float32],
    moved: np.float32,
    change: np.float32,
    room: npt.NDArray[np.float32],
) -> np.float32:
    """Write to `room` how far a measure of red, R - s (G + B), may be moved; return s.

    Rounding may have `moved` R - 4 (G + B) by so much, and before it R - G - B may `change` by so much.

    Where the colour is not saturated its sub-frames must not become so. Where it is, R - G - B must hardly change.
    """
    swing = np.float32(0)
    for k in range(order.shape[0]):
        swing = max(swing, order[k, 2] * delta)
    over = high[2] * (np.float32(1) + swing) - SATURATED * (low[0] + low[1]) * (np.float32(1) - swing) + moved
    room[0, :, 3], room[1, :, 3] = -NEVER, -over
    if over < 0:
        return SATURATED
    half = max(np.float32(0.5) * change - max(high[2] - low[1] - low[0], np.float32(0)) * swing, np.float32(0))
    room[0, :, 3], room[1, :, 3] = -half, half
    return np.float32(1)


@njit(cache=True, nogil=True)
def _scale_of_red(
    order: npt.NDArray[np.float32],
    delta: np.float32,
    edges: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
    red: tuple[np.float32, np.float32, np.float32],
    p: npt.NDArray[np.float32],
    q: npt.NDArray[np.float32],
) -> np.float32:
    """Return by what, 0 to 1, displacements are to be multiplied so that saturated red does not alternate too far.

    It does not if no sub-frame is saturated. Else R - G - B must change little between any two, or be small in all
    (below 0 counts as 0), and the chromaticity must change little too.
    """
    (low, high), (_, moved, change) = edges, red
    redness = high[2] - low[1] - low[0]
    unsaturated, up, down, swing_most = NEVER, np.float32(0), np.float32(0), np.float32(0)
    for k in range(order.shape[0]):
        d_b = order[k, 0] * p[0] + order[k, 1] * q[0]
        d_g = order[k, 0] * p[1] + order[k, 1] * q[1]
        d_r = order[k, 0] * p[2] + order[k, 1] * q[2]
        swing = order[k, 2] * delta
        swing_most = max(swing_most, swing)
        over = high[2] * (np.float32(1) + swing) - SATURATED * (low[0] + low[1]) * (np.float32(1) - swing) + moved
        by = d_r - SATURATED * (d_b + d_g)
        if over >= 0:
            unsaturated = np.float32(0)
        elif by > 0:
            unsaturated = min(unsaturated, -over / by)
        up = max(up, d_r - d_g - d_b)
        down = min(down, d_r - d_g - d_b)
    moving = max(redness, np.float32(0)) * swing_most
    few = np.float32(1e-9)
    little = max(change - np.float32(2) * moving, np.float32(0)) / max(up - down, few)
    small = max(change - redness - moving, np.float32(0)) / max(up, few)
    scale: np.float32 = min(np.float32(1), max(little, small))
    if unsaturated >= scale:
        return min(np.float32(1), unsaturated)
    for r in (high[2], np.float32(0.5) * (low[2] + high[2])):
        scale = _scale_of_chromaticity(order, (low[0], low[1], r), p, q, scale)
    return max(scale, unsaturated)


@njit(cache=True, nogil=True)
def _scale_of_chromaticity(
    order: npt.NDArray[np.float32],
    color: tuple[np.float32, np.float32, np.float32],
    p: npt.NDArray[np.float32],
    q: npt.NDArray[np.float32],
    scale: np.float32,
) -> np.float32:
    """Return `scale`, made smaller until no two sub-frames of a colour differ by more than `RED_TURN`."""
    for _ in range(40):
        farthest = np.float32(0)
        for k in range(order.shape[0]):
            u, v = _chromaticity(order, k, color, p, q, scale)
            for m in range(k):
                other_u, other_v = _chromaticity(order, m, color, p, q, scale)
                farthest = max(farthest, (u - other_u) * (u - other_u) + (v - other_v) * (v - other_v))
        if farthest <= RED_TURN * RED_TURN:
            return scale
        scale *= np.float32(0.8)
    return np.float32(0)


@njit(cache=True, nogil=True)
def _chromaticity(
    order: npt.NDArray[np.float32],
    k: Word,
    color: tuple[np.float32, np.float32, np.float32],
    p: npt.NDArray[np.float32],
    q: npt.NDArray[np.float32],
    scale: np.float32,
) -> tuple[np.float32, np.float32]:
    """Return u' and v' of CIE 1976 of a sub-frame: 4 X and 9 Y over X + 15 Y + 3 Z, of linear BT.709."""
    b = max(np.float32(0), color[0] + scale * (order[k, 0] * p[0] + order[k, 1] * q[0]))
    g = max(np.float32(0), color[1] + scale * (order[k, 0] * p[1] + order[k, 1] * q[1]))
    r = max(np.float32(0), color[2] + scale * (order[k, 0] * p[2] + order[k, 1] * q[2]))
    x = np.float32(0.4125) * r + np.float32(0.3576) * g + np.float32(0.1804) * b
    y = W_R * r + W_G * g + W_B * b
    z = np.float32(0.0193) * r + np.float32(0.1192) * g + np.float32(0.9502) * b
    total = x + np.float32(15) * y + np.float32(3) * z + np.float32(1e-9)
    return np.float32(4) * x / total, np.float32(9) * y / total


@njit(cache=True, nogil=True)
def _distance(
    order: npt.NDArray[np.float32],
    distances: npt.NDArray[np.float32],
    bins: tuple[Word, Word, Word],
    middle: npt.NDArray[np.float32],
    scale: np.float32,
    p: npt.NDArray[np.float32],
    q: npt.NDArray[np.float32],
) -> np.float32:
    """Return how far the sub-frames lie from the colour: squared, encoded, as cameras are left with them."""
    size = distances.shape[1] - 1
    total = np.float32(0)
    for c in range(3):
        row = distances[bins[c]]
        cells = np.float32(size) / most_light(middle[c], order.shape[0])
        for k in range(order.shape[0]):
            light = middle[c] + scale * (order[k, 0] * p[c] + order[k, 1] * q[c])
            total += order[k, 3] * row[min(max(np.int32(light * cells), 0), size)]
    few = np.float32(1e-12)
    turn = (p[0] + p[2]) / np.sqrt(p[0] * p[0] + p[2] * p[2] + few)
    turn += (q[2] - q[0]) / np.sqrt(q[0] * q[0] + q[2] * q[2] + few)
    distance: np.float32 = total * (np.float32(1) + TIE * turn)
    return distance


@njit(cache=True, nogil=True, inline="always")
def most_light(middle: np.float32, n: Word) -> np.float32:
    """Return what no sub-frame of a channel exceeds, above 0: n others at least 0 must leave the mean where it is."""
    return np.float32(min(np.float32(1), max(FEW, np.float32(n + 1) * middle)))


@njit(cache=True, nogil=True)
def measure_distances(
    middles: npt.NDArray[np.float32],
    n: Word,
    shares: npt.NDArray[np.float32],
    encoded: npt.NDArray[np.float32],
    distances: npt.NDArray[np.float32],
) -> None:
    """Tabulate how far light of a channel lies from the middle of each bin, as cameras record it.

    Parameters
    ----------
    middles : ndarray
        (bins,) float32: light in the middle of each bin.
    n : int
        Different sub-frames.
    shares : ndarray
        (m,) float32: parts of the displacements that a camera is left with.
    encoded : ndarray
        (size + 1,) float32: encoded value of light i / size.
    distances : ndarray
        (bins, cells + 1) float32, written: squared encoded difference, over each share squared, summed over the shares,
        at cell i of `most_light`.
    """
    size = encoded.size - 1
    for bin_ in range(middles.size):
        own = encoded[np.int64(middles[bin_] * size)]
        top = most_light(middles[bin_], n)
        for i in range(distances.shape[1]):
            d = top * np.float32(i) / np.float32(distances.shape[1] - 1) - middles[bin_]
            distances[bin_, i] = 0
            for s in range(shares.size):
                by = (encoded[np.int64((middles[bin_] + shares[s] * d) * size)] - own) / shares[s]
                distances[bin_, i] += by * by
