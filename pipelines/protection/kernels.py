"""What the guard of a protected camera does pixel by pixel. Arrays only.

A pixel of the camera's picture is `C = a F + (1 - a) R`: person F, room R, and how much of it is person, a. Where R is
known, how far C lies from it bounds a from below, whatever the person model says: a pixel that shows the room is R, to
within the camera's noise.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

Word = int  # numba keeps it a machine word

DIFFERENCES = (9.0, 13.0, 20.0, 28.0, 40.0)
"""How far a colour lies from the plate, in codes of BGR, Euclidean, at a noise of `QUIET`; see `PROBABILITIES`."""

PROBABILITIES = (0.97, 0.95, 0.9, 0.8, 0.6, 0.3)
"""How likely a pixel must be the person's where it differs from the plate by less than each of `DIFFERENCES`, and, the
last, by more: on simulated calls no pixel of room beyond 40 was taken for the person by both looks."""

QUIET = 2.0
"""Standard deviation of a webcam's noise in good light, in codes; with more, the differences grow alike."""

UNSURE = 76
"""Below this, of 255, neither look takes a pixel for the person."""

FAR = 3.0
"""A background pixel that differs from the plate by more than so many times the least of `DIFFERENCES` has changed."""

MOST_SEEN = 30
"""The plate is the mean of about so many frames."""

HIDDEN_FRAMES = 8
"""The colour remembered of a hidden pixel is the mean of about so many frames."""

LONGEST = 150
"""What was hidden is shown once the looks have been sure of a person for so many frames: five seconds. The model's
mistakes seldom last as long, and people whom it did not know at first wait no longer."""

PERSON_FRAMES = 16
"""What a pixel showed of the person is the mean of about so many frames."""

NEAR_PX = 6
"""Room that the person uncovers is held against what was hidden within so many pixels, rows and columns alike."""

PATCH_PX = 3
"""Room is known again by a square with so many pixels to each side."""

PATCH_STEP = 2
"""Squares are compared around every such row and column only: what is found goes on from there."""

CLEAR_PATCH = 3.0
"""Only a square whose colours are spread by so many times the least of `DIFFERENCES` tells the room from a person of
its colour."""


@njit(cache=True, nogil=True)
def judge_pixels(
    frame: npt.NDArray[np.uint8],
    looks: npt.NDArray[np.uint8],
    plate: npt.NDArray[np.float32],
    seen: npt.NDArray[np.int32],
    hidden: npt.NDArray[np.float32],
    memory: npt.NDArray[np.int32],
    light: npt.NDArray[np.float32],
    limits: npt.NDArray[np.float32],
    least: npt.NDArray[np.float32],
    near: npt.NDArray[np.uint8],
    rows: tuple[Word, Word],
    planes: npt.NDArray[np.uint8],
) -> None:
    """Say of each pixel whether it may be shown, by itself and by what is known of the room around it.

    Parameters
    ----------
    frame : ndarray
        (height, width, 3) uint8 BGR.
    looks : ndarray
        (2, height, width) uint8: probability of a person by two looks, 255 being 1.
    plate : ndarray
        (height, width, 3) float32 BGR.
    seen : ndarray
        (height, width) int32, from how many frames the plate is known; 0 where it is not.
    hidden, memory : ndarray
        The like of `plate`, and (height, width) int32. Where `memory` is over 0: what was hidden lately, and for how
        many sure frames it is still to be hidden where the plate is not known. Where it is below: what of the person
        was shown, from how many frames, and beyond `PERSON_FRAMES` for how many it was hidden since. Both are changed.
    light : ndarray
        (3,) float32: by how much the frame is brighter than the plate.
    limits : ndarray
        (n,) float32, ascending: `DIFFERENCES`, for this camera's noise.
    least : ndarray
        (n + 2,) float32: how likely a pixel must be the person's, of 255, below each of `limits`, beyond the last, and
        where the plate is not known.
    near : ndarray
        (height, width) uint8, 1 where `memory` is over 0 within `NEAR_PX`.
    rows : tuple of int
        First and end row to judge.
    planes : ndarray
        (3, height, width) uint8, written: 1 where a pixel would be shown without a plate to judge it by; where the
        room may go on (not shown, or like the plate); where it surely begins.
    """
    width = seen.shape[1]
    lowest = least.min()
    for y in range(rows[0], rows[1]):
        for x in range(width):
            low, high = looks[0, y, x], looks[1, y, x]
            if low > high:
                low, high = high, low
            planes[0, y, x] = 0
            planes[1, y, x] = 1
            planes[2, y, x] = low < UNSURE
            if high < lowest:
                continue
            if seen[y, x] <= 0:
                is_shown = low >= least[-1] and not _is_as_hidden(frame, hidden, memory, light, limits, near, y, x)
                planes[0, y, x] = is_shown
                planes[1, y, x] = not is_shown
                continue
            differs = _difference(frame, plate, seen, light, y, x)
            level = 0
            while level < limits.size and differs >= limits[level]:
                level += 1
            mean = np.float32(0.5) * (np.float32(low) + np.float32(high))
            is_shown = mean >= least[level] and low >= np.float32(0.5) * least[level]
            planes[1, y, x] = not is_shown or level == 0
            if level == 0 and not planes[2, y, x] and not (y % PATCH_STEP or x % PATCH_STEP):
                planes[2, y, x] = _is_the_room(frame, plate, seen, light, limits[0], y, x)


@njit(cache=True, nogil=True)
def _difference(
    frame: npt.NDArray[np.uint8],
    plate: npt.NDArray[np.float32],
    seen: npt.NDArray[np.int32],
    light: npt.NDArray[np.float32],
    y: Word,
    x: Word,
) -> float:
    """Return how far a pixel lies from the plate: alone, or as the mean of its surroundings, whichever is nearer.

    Alone it is right beside the person, where the mean holds some of them; the mean is right in the camera's noise.
    """
    total_b = total_g = total_r = np.float32(0)
    own = np.float32(0)
    n = 0
    for v in range(max(y - 1, 0), min(y + 2, seen.shape[0])):
        for u in range(max(x - 1, 0), min(x + 2, seen.shape[1])):
            if seen[v, u] <= 0:
                continue
            b = np.float32(frame[v, u, 0]) - plate[v, u, 0] - light[0]
            g = np.float32(frame[v, u, 1]) - plate[v, u, 1] - light[1]
            r = np.float32(frame[v, u, 2]) - plate[v, u, 2] - light[2]
            total_b += b
            total_g += g
            total_r += r
            n += 1
            if v == y and u == x:
                own = b * b + g * g + r * r
    around = (total_b * total_b + total_g * total_g + total_r * total_r) / np.float32(n * n)
    nearest: float = np.sqrt(min(own, around) if n >= 4 else own)
    return nearest


@njit(cache=True, nogil=True)
def _is_as_hidden(
    frame: npt.NDArray[np.uint8],
    hidden: npt.NDArray[np.float32],
    memory: npt.NDArray[np.int32],
    light: npt.NDArray[np.float32],
    limits: npt.NDArray[np.float32],
    near: npt.NDArray[np.uint8],
    y: Word,
    x: Word,
) -> bool:
    """Say whether a pixel that the looks take for the person has the colour of what was hidden, there or nearby.

    Where nothing was hidden yet, room that the person uncovers has another colour than they had there, and mostly that
    of room hidden beside it. A person at rest has the colour of their own edge, but has not changed.
    """
    if memory[y, x] > 0:
        is_alike: bool = _difference(frame, hidden, memory, light, y, x) < limits[1]
        memory[y, x] -= is_alike
        return is_alike
    if memory[y, x] < 0 and near[y, x]:
        has_changed = _square(frame, hidden, light, y, x, y, x) >= limits[-1] * limits[-1]
        if has_changed and _was_hidden_nearby(frame, hidden, memory, light, limits[0], y, x):
            memory[y, x] -= 1
            if memory[y, x] < -(PERSON_FRAMES + LONGEST):
                memory[y, x] = 0
            return True
    if memory[y, x] > -PERSON_FRAMES:
        memory[y, x] -= 1
    share = np.float32(1) / np.float32(min(-memory[y, x], PERSON_FRAMES))
    for c in range(3):
        hidden[y, x, c] += share * (np.float32(frame[y, x, c]) - light[c] - hidden[y, x, c])
    return False


@njit(cache=True, nogil=True)
def _was_hidden_nearby(
    frame: npt.NDArray[np.uint8],
    hidden: npt.NDArray[np.float32],
    memory: npt.NDArray[np.int32],
    light: npt.NDArray[np.float32],
    limit: float,
    y: Word,
    x: Word,
) -> bool:
    for v in range(max(y - NEAR_PX, 0), min(y + NEAR_PX + 1, memory.shape[0])):
        for u in range(max(x - NEAR_PX, 0), min(x + NEAR_PX + 1, memory.shape[1])):
            if memory[v, u] > 0 and _square(frame, hidden, light, y, x, v, u) < limit * limit:
                return True
    return False


@njit(cache=True, nogil=True)
def _square(
    frame: npt.NDArray[np.uint8],
    colors: npt.NDArray[np.float32],
    light: npt.NDArray[np.float32],
    y: Word,
    x: Word,
    v: Word,
    u: Word,
) -> float:
    """Return the squared difference of the pixel at y, x from the colour remembered at v, u."""
    b = np.float32(frame[y, x, 0]) - colors[v, u, 0] - light[0]
    g = np.float32(frame[y, x, 1]) - colors[v, u, 1] - light[1]
    r = np.float32(frame[y, x, 2]) - colors[v, u, 2] - light[2]
    return float(b * b + g * g + r * r)


@njit(cache=True, nogil=True)
def _is_the_room(
    frame: npt.NDArray[np.uint8],
    plate: npt.NDArray[np.float32],
    seen: npt.NDArray[np.int32],
    light: npt.NDArray[np.float32],
    limit: float,
    y: Word,
    x: Word,
) -> bool:
    """Say whether the square around a pixel is the plate's, whatever the looks say: the same pattern, and a clear one.

    A person may have the colour of the wall behind, but not the room's edges, each in its place.
    """
    height, width = seen.shape
    if not (PATCH_PX <= y < height - PATCH_PX and PATCH_PX <= x < width - PATCH_PX):
        return False
    n = np.float32((2 * PATCH_PX + 1) ** 2)
    apart = spread = np.float32(0)
    for c in range(3):
        total = squares = np.float32(0)
        for v in range(y - PATCH_PX, y + PATCH_PX + 1):
            for u in range(x - PATCH_PX, x + PATCH_PX + 1):
                if seen[v, u] <= 0:
                    return False
                by = np.float32(frame[v, u, c]) - plate[v, u, c] - light[c]
                apart += by * by
                away = plate[v, u, c] - plate[y, x, c]
                total += away
                squares += away * away
        if apart > n * limit * limit:
            return False
        spread += squares / n - (total / n) * (total / n)
    return bool(spread >= (CLEAR_PATCH * limit) ** 2)


@njit(cache=True, nogil=True)
def learn_plate(
    frame: npt.NDArray[np.uint8],
    is_room: npt.NDArray[np.uint8],
    light: npt.NDArray[np.float32],
    far: float,
    rows: tuple[Word, Word],
    plate: npt.NDArray[np.float32],
    seen: npt.NDArray[np.int32],
    sums: npt.NDArray[np.float64],
) -> None:
    """Add what is surely room to the plate, and measure how the frame differs from it.

    A pixel that stays different loses trust, and is learnt anew once it has none.

    Parameters
    ----------
    frame : ndarray
        (height, width, 3) uint8 BGR.
    is_room : ndarray
        (height, width) uint8, 1 where it is surely room.
    light : ndarray
        (3,) float32: by how much the frame is brighter than the plate.
    far : float
        Differences over this are changes, not noise; codes.
    rows : tuple of int
        First and end row to learn.
    plate : ndarray
        (height, width, 3) float32 BGR, changed.
    seen : ndarray
        (height, width) int32, changed.
    sums : ndarray
        (6,) float64, written: how many known pixels were room, how many of them had changed, the sum of the squared
        differences of the others over the three channels, and the sums of their differences in B, G and R.
    """
    sums[:] = 0
    for y in range(rows[0], rows[1]):
        for x in range(seen.shape[1]):
            if not is_room[y, x]:
                continue
            if seen[y, x] <= 0:
                seen[y, x] = 1
                for c in range(3):
                    plate[y, x, c] = np.float32(frame[y, x, c]) - light[c]
                continue
            sums[0] += 1
            square = _square(frame, plate, light, y, x, y, x)
            if square > far * far:
                sums[1] += 1
                seen[y, x] -= 2
                continue
            sums[2] += square
            seen[y, x] = min(seen[y, x] + 1, MOST_SEEN)
            for c in range(3):
                by = np.float32(frame[y, x, c]) - plate[y, x, c]
                sums[3 + c] += by
                plate[y, x, c] += by / np.float32(seen[y, x])


@njit(cache=True, nogil=True)
def remember_hidden(
    frame: npt.NDArray[np.uint8],
    most: npt.NDArray[np.uint8],
    limit: Word,
    light: npt.NDArray[np.float32],
    far: float,
    rows: tuple[Word, Word],
    hidden: npt.NDArray[np.float32],
    memory: npt.NDArray[np.int32],
) -> None:
    """Remember the colours of pixels that were not the person's by any look.

    Parameters
    ----------
    frame : ndarray
        (height, width, 3) uint8 BGR.
    most : ndarray
        (height, width) uint8: the highest probability of a person by any look, 255 being 1.
    limit : int
        Pixels below this are remembered.
    light : ndarray
        (3,) float32: by how much the frame is brighter than the plate; what is remembered is as bright as that.
    far : float
        A colour farther than this from the one that is remembered takes its place; codes.
    rows : tuple of int
        First and end row.
    hidden : ndarray
        (height, width, 3) float32 BGR, changed.
    memory : ndarray
        (height, width) int32, for how many sure frames it is kept; changed.
    """
    for y in range(rows[0], rows[1]):
        for x in range(memory.shape[1]):
            if most[y, x] >= limit:
                continue
            square = _square(frame, hidden, light, y, x, y, x)
            share = np.float32(1 / HIDDEN_FRAMES) if memory[y, x] > 0 and square <= far * far else np.float32(1)
            memory[y, x] = LONGEST
            for c in range(3):
                hidden[y, x, c] += share * (np.float32(frame[y, x, c]) - light[c] - hidden[y, x, c])


@njit(cache=True, nogil=True)
def compose(
    frame: npt.NDArray[np.uint8],
    mask: npt.NDArray[np.float32],
    sides: tuple[Word, Word, Word, Word],
    behind: npt.NDArray[np.uint8],
    out: npt.NDArray[np.uint8],
) -> None:
    """Lay the person over the background: out = mask frame + (1 - mask) behind.

    Parameters
    ----------
    frame, behind : ndarray
        (height, width, 3) uint8 BGR.
    mask : ndarray
        (height, width) float32, 0 to 1.
    sides : tuple of int
        First and end row, first and end column outside of which the mask is 0.
    out : ndarray
        (height, width, 3) uint8 BGR, written within `sides`.
    """
    for y in range(sides[0], sides[1]):
        for x in range(sides[2], sides[3]):
            m = mask[y, x]
            for c in range(3):
                if m <= 0:
                    out[y, x, c] = behind[y, x, c]
                elif m >= 1:
                    out[y, x, c] = frame[y, x, c]
                else:
                    mixed = m * np.float32(frame[y, x, c]) + (1 - m) * np.float32(behind[y, x, c])
                    out[y, x, c] = np.uint8(mixed + np.float32(0.5))


@njit(cache=True, nogil=True)
def soften_edges(
    frame: npt.NDArray[np.uint8],
    mask: npt.NDArray[np.float32],
    sides: tuple[Word, Word, Word, Word],
    edge: npt.NDArray[np.uint8],
    person: npt.NDArray[np.float32],
    behind: npt.NDArray[np.uint8],
    plate: npt.NDArray[np.float32],
    seen: npt.NDArray[np.int32],
    light: npt.NDArray[np.float32],
    out: npt.NDArray[np.uint8],
) -> None:
    """Take the room's light out of the person's edge, and let the edge fade out in the person's own colours.

    Inside of the mask a is the place of C on the line from R to F, least squares, and the room's share of it is
    replaced: C + (1 - a) (B - R). One pixel outside of the mask nothing of the camera is shown: F over B.

    Parameters
    ----------
    frame, behind : ndarray
        (height, width, 3) uint8 BGR: C and B.
    mask : ndarray
        (height, width) float32, 0 to 1.
    sides : tuple of int
        First and end row, first and end column outside of which there is no edge.
    edge : ndarray
        (lines, columns) uint8, 1 at the person's edge, at the working size.
    person : ndarray
        (lines, columns, 4) float32: F in BGR times a weight, and the weight, 0 where F is not known.
    plate : ndarray
        (lines, columns, 3) float32 BGR: R, less `light`.
    seen : ndarray
        (lines, columns) int32, over 0 where R is known.
    light : ndarray
        (3,) float32: by how much the frame is brighter than the plate.
    out : ndarray
        (height, width, 3) uint8 BGR, from `compose`; changed.
    """
    height, width = mask.shape
    lines, columns = seen.shape
    for y in range(sides[0], sides[1]):
        v = y * lines // height
        for x in range(sides[2], sides[3]):
            u = x * columns // width
            if not edge[v, u] or person[v, u, 3] <= LEAST_WEIGHT:
                continue
            shown = mask[y, x]
            if shown > 0:
                if seen[v, u] > 0:
                    _replace_room(frame, behind, plate, light, person, y, x, v, u, shown, out)
                continue
            beside = _share_shown(mask, y, x)
            for c in range(3):
                color = person[v, u, c] / person[v, u, 3]
                out[y, x, c] = np.uint8(beside * color + (1 - beside) * np.float32(behind[y, x, c]) + np.float32(0.5))


@njit(cache=True, nogil=True)
def _share_shown(mask: npt.NDArray[np.float32], y: Word, x: Word) -> float:
    """Return the mean of the mask over 3 x 3 pixels."""
    total = np.float32(0)
    for v in range(max(y - 1, 0), min(y + 2, mask.shape[0])):
        for u in range(max(x - 1, 0), min(x + 2, mask.shape[1])):
            total += mask[v, u]
    return float(total / np.float32(9))


CLEAR = 30.0
"""Person and room must differ by so many codes for their shares of a pixel to be told."""

ALL_PERSON = 0.8
"""From this share of the person on a pixel stays as it is: what differs then is hair and texture."""

LEAST_WEIGHT = 1e-3
"""The person's colour is not known where less than this share of the surroundings is surely the person."""


@njit(cache=True, nogil=True)
def _replace_room(
    frame: npt.NDArray[np.uint8],
    behind: npt.NDArray[np.uint8],
    plate: npt.NDArray[np.float32],
    light: npt.NDArray[np.float32],
    person: npt.NDArray[np.float32],
    y: Word,
    x: Word,
    v: Word,
    u: Word,
    shown: float,
    out: npt.NDArray[np.uint8],
) -> None:
    along = across = np.float32(0)
    for c in range(3):
        to_person = person[v, u, c] / person[v, u, 3] - (plate[v, u, c] + light[c])
        along += (np.float32(frame[y, x, c]) - (plate[v, u, c] + light[c])) * to_person
        across += to_person * to_person
    if across < CLEAR * CLEAR:
        return
    a = max(np.float32(0), along / across)
    if a >= ALL_PERSON:
        return
    for c in range(3):
        b = np.float32(behind[y, x, c])
        clean = np.float32(frame[y, x, c]) + (1 - a) * (b - (plate[v, u, c] + light[c]))
        mixed = shown * clean + (1 - shown) * b
        out[y, x, c] = np.uint8(min(max(mixed + np.float32(0.5), np.float32(0)), np.float32(255)))
