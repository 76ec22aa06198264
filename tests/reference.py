"""Slow, obvious twins of the kernels: what a result must be, written so that anybody can see that it is right."""

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

Color = tuple[int, int, int]


def colors_of_pixel(frames: Sequence[np.ndarray], y: int, x: int) -> "Counter[Color]":
    """Count a pixel's colours; the counter's own order is that of first appearance."""
    return Counter(tuple(int(c) for c in frame[y, x]) for frame in frames)


def rarest_of_pixel(colors: "Counter[Color]", omg: int) -> tuple[Color, Color, bool]:
    """Walk as roomg does: (most frequent colour, the room's colour, whether it passed the threshold)."""
    ranked = colors.most_common()  # ties stay in order of first appearance
    backdrop = ranked[0][0]
    for color, _ in reversed(ranked):
        if abs(sum(backdrop) - sum(color)) > omg:
            return backdrop, color, True
    return backdrop, ranked[-1][0], False


def rarest(frames: Sequence[np.ndarray], omg: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (room BGRA, backdrop BGR) by roomg's rule."""
    height, width = frames[0].shape[:2]
    room = np.zeros((height, width, 4), np.uint8)
    backdrop = np.zeros((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            top, color, found = rarest_of_pixel(colors_of_pixel(frames, y, x), omg)
            backdrop[y, x] = top
            room[y, x] = (*color, 255 if found else 0)
    return room, backdrop


def cells_of_pixel(frames: Sequence[np.ndarray], y: int, x: int, bits: int) -> dict[Color, int]:
    """Count a pixel's colours in cells of 2**bits codes a channel; a cell bears the name of its first colour."""
    names: dict[Color, Color] = {}
    counts: dict[Color, int] = {}
    for frame in frames:
        color = tuple(int(c) for c in frame[y, x])
        cell = tuple(c >> bits for c in color)
        name = names.setdefault(cell, color)
        counts[name] = counts.get(name, 0) + 1
    return counts


def lab_of(bgr: Color) -> tuple[float, float, float]:
    """CIELAB of one colour of 8-bit sRGB, white D65, by the formulas of IEC 61966-2-1 and CIE 15.2."""

    def light(code: int) -> float:
        v = code / 255
        return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4

    def f(t: float) -> float:
        return t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116

    b, g, r = (light(code) for code in bgr)
    x = f((0.412453 * r + 0.357580 * g + 0.180423 * b) / 0.95047)
    y = f(0.212671 * r + 0.715160 * g + 0.072169 * b)
    z = f((0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.08883)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(lab_1: Sequence[float], lab_2: Sequence[float]) -> float:
    """CIEDE2000 of two colours, case by case as Sharma, Wu and Dalal (2005) write it down."""
    (l1, a1, b1), (l2, a2, b2) = lab_1, lab_2
    c_ab = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(c_ab**7 / (c_ab**7 + 25**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1 = 0.0 if a1 == b1 == 0 else math.degrees(math.atan2(b1, a1)) % 360
    h2 = 0.0 if a2 == b2 == 0 else math.degrees(math.atan2(b2, a2)) % 360
    if c1 * c2 == 0:
        dh, h = 0.0, h1 + h2
    elif abs(h2 - h1) <= 180:
        dh, h = h2 - h1, (h1 + h2) / 2
    else:
        dh = h2 - h1 - 360 if h2 > h1 else h2 - h1 + 360
        h = (h1 + h2 + 360) / 2 if h1 + h2 < 360 else (h1 + h2 - 360) / 2
    d_hue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh / 2))
    lightness, c = (l1 + l2) / 2, (c1 + c2) / 2
    t = 1 - 0.17 * math.cos(math.radians(h - 30)) + 0.24 * math.cos(math.radians(2 * h))
    t += 0.32 * math.cos(math.radians(3 * h + 6)) - 0.20 * math.cos(math.radians(4 * h - 63))
    r_c = 2 * math.sqrt(c**7 / (c**7 + 25**7))
    r_t = -math.sin(math.radians(2 * 30 * math.exp(-(((h - 275) / 25) ** 2)))) * r_c
    light = (l2 - l1) / (1 + 0.015 * (lightness - 50) ** 2 / math.sqrt(20 + (lightness - 50) ** 2))
    chroma = (c2 - c1) / (1 + 0.045 * c)
    hue = d_hue / (1 + 0.015 * c * t)
    return math.sqrt(max(0.0, light**2 + chroma**2 + hue**2 + r_t * chroma * hue))


def leak_figures(
    room: np.ndarray, truth: np.ndarray, backdrop: np.ndarray, weights: np.ndarray
) -> tuple[float, float, float]:
    """Return recall, precision and vader's metric, pixel by pixel."""
    leaked = found = seen = 0.0
    n_claimed = n_right = 0
    for y, x in np.ndindex(truth.shape[:2]):
        w = weights[y, x]
        mixed = [(1 - w) * np.float32(b) + w * np.float32(t) for b, t in zip(backdrop[y, x], truth[y, x], strict=True)]
        reference = [int(np.round(min(255.0, max(0.0, m)))) for m in mixed]
        got = lab_of(room[y, x, :3].tolist())
        to_reference = ciede2000(got, lab_of(reference))
        to_room = ciede2000(got, lab_of(truth[y, x].tolist()))
        leaked += float(w)
        seen += float(w) * (to_reference < 4)
        if room[y, x, 3]:
            n_claimed += 1
            n_right += to_room < 10 or (to_reference < 4 and w >= 0.25)
            found += float(w) * (to_reference < 4 or to_room < 4)
    return found / leaked, n_right / n_claimed if n_claimed else 0.0, seen / leaked


def luma_of(image: np.ndarray) -> list[list[Fraction]]:
    """Luma of ITU-R BT.601, exact."""
    return [[Fraction(114 * int(p[0]) + 587 * int(p[1]) + 299 * int(p[2]), 1000) for p in row] for row in image]


def error_figures(room: np.ndarray, truth: np.ndarray) -> tuple[float, float, float, float]:
    """Return AGE, pEPs, pCEPs and PSNR of the claimed pixels, pixel by pixel."""
    height, width = truth.shape[:2]
    found_luma, true_luma = luma_of(room), luma_of(truth)
    claimed = [(y, x) for y in range(height) for x in range(width) if room[y, x, 3]]
    off = {(y, x): abs(found_luma[y][x] - true_luma[y][x]) for y, x in claimed}
    errors = {place for place, difference in off.items() if math.floor(difference + Fraction(1, 2)) > 20}

    def is_error_or_outside(y: int, x: int) -> bool:
        return (y, x) in errors or not (0 <= y < height and 0 <= x < width)

    clustered = [
        (y, x)
        for y, x in errors
        if all(is_error_or_outside(y + dy, x + dx) for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)))
    ]
    n = len(claimed)
    mse = sum(difference**2 for difference in off.values()) / n
    age = sum(math.floor(difference + Fraction(1, 2)) for difference in off.values()) / n
    psnr_db = 10 * math.log10(255**2 / mse) if mse else math.inf
    return age, len(errors) / n, len(clustered) / n, psnr_db


def ms_ssim(found: np.ndarray, truth: np.ndarray, claimed: np.ndarray) -> float:
    """MS-SSIM of Wang, Simoncelli and Bovik (2003) over claimed pixels, window by window."""
    offsets = np.arange(11) - 5
    one = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(one, one) / np.outer(one, one).sum()
    exponents = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    product = 1.0
    for level, exponent in enumerate(exponents):
        values, weights = [], []
        for y in range(5, found.shape[0] - 5):
            for x in range(5, found.shape[1] - 5):
                if not claimed[y, x]:
                    continue
                part = (slice(y - 5, y + 6), slice(x - 5, x + 6))
                share = window[claimed[part]].sum()
                g = window[claimed[part]] / share
                a, b = found[part][claimed[part]], truth[part][claimed[part]]
                mean_a, mean_b = (g * a).sum(), (g * b).sum()
                var_a, var_b = (g * (a - mean_a) ** 2).sum(), (g * (b - mean_b) ** 2).sum()
                covariance = (g * (a - mean_a) * (b - mean_b)).sum()
                value = (2 * covariance + 7.65**2) / (var_a + var_b + 7.65**2)
                if level == len(exponents) - 1:
                    value *= (2 * mean_a * mean_b + 2.55**2) / (mean_a**2 + mean_b**2 + 2.55**2)
                values.append(value)
                weights.append(share)
        product *= max(0.0, float(np.average(values, weights=weights))) ** exponent
        found, truth, claimed = _halved(found, claimed), _halved(truth, claimed), _halved(claimed, claimed) > 0
    return product


def _halved(plane: np.ndarray, claimed: np.ndarray) -> np.ndarray:
    """Average the claimed pixels of each 2 by 2; an odd last row or column stands for itself."""
    height, width = plane.shape
    out = np.zeros(((height + 1) // 2, (width + 1) // 2))
    for y, x in np.ndindex(*out.shape):
        part = (slice(2 * y, 2 * y + 2), slice(2 * x, 2 * x + 2))
        if claimed[part].any():
            out[y, x] = plane[part][claimed[part]].mean()
    return out


def chacha8_block(key: Sequence[int], number: int) -> list[int]:
    """Return one block of ChaCha with 8 rounds, a counter of 64 bits and nonce 0: 16 words (RFC 8439, section 2.3)."""
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *key, number % 2**32, number // 2**32, 0, 0]
    state = list(start)

    def mix(into: int, other: int, rotated: int, bits: int) -> None:
        state[into] = (state[into] + state[other]) % 2**32
        mixed = state[rotated] ^ state[into]
        state[rotated] = (mixed * 2**bits) % 2**32 + mixed // 2 ** (32 - bits)

    columns = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    diagonals = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for _ in range(4):
        for a, b, c, d in columns + diagonals:
            mix(a, b, d, 16)
            mix(c, d, b, 12)
            mix(a, b, d, 8)
            mix(c, d, b, 7)
    return [(word + first) % 2**32 for word, first in zip(state, start, strict=True)]


def scattered(
    order: list[int], first: int, words: Sequence[int], table: np.ndarray, ground: np.ndarray
) -> tuple[list[int], np.ndarray]:
    """Give noise to the next pixels of a random order; return the order as it is then, and the picture."""
    order, picture = list(order), ground.copy()
    for n in range(len(words) // 2):
        place, color = words[2 * n], words[2 * n + 1]
        here = first + n
        there = here + place * (len(order) - here) // 2**32
        order[here], order[there] = order[there], order[here]
        for channel in range(3):
            octet = color // 256**channel % 256
            picture[order[here], channel] = table[ground[order[here], channel], octet]
    return order, picture


def judged(frame, looks, plate, seen, hidden, memory, light, limits, least, unsure, patch, lengths):
    """Return the planes, `hidden` and `memory` of `pipelines.protection.kernels.judge_pixels`.

    `patch` is its PATCH_PX, PATCH_STEP and CLEAR_PATCH, `lengths` its NEAR_PX, PERSON_FRAMES and LONGEST.
    """
    height, width = seen.shape
    planes, memory, hidden = np.zeros((3, height, width), np.uint8), memory.copy(), hidden.copy()
    for y, x in np.ndindex(height, width):
        low, high = sorted(int(look[y, x]) for look in looks)
        if seen[y, x] > 0:
            level = sum(_far_from(frame, plate, seen, light, y, x) >= limit for limit in limits)
            is_shown = (low + high) / 2 >= least[level] and low >= least[level] / 2
            goes_on = not is_shown or level == 0
        else:
            level = None
            is_shown = low >= least[-1]
            if is_shown and high >= min(least):
                is_shown = not _is_as_hidden(frame, hidden, memory, light, limits, *lengths, y, x)
            goes_on = not is_shown
        if high < min(least):
            is_shown, goes_on, level = False, True, None
        begins = low < unsure
        if level == 0 and not (y % patch[1] or x % patch[1]):
            begins |= _is_same_patch(frame, plate, seen, light, limits[0], patch[0], patch[2], y, x)
        planes[:, y, x] = is_shown and level is None, goes_on, begins
    return planes, hidden, memory


def _is_as_hidden(frame, hidden, memory, light, limits, near_px, person_frames, longest, y, x):
    codes = frame[y, x].astype(np.float32)
    if memory[y, x] > 0:
        is_alike = _far_from(frame, hidden, memory, light, y, x) < limits[1]
        memory[y, x] -= is_alike
        return is_alike
    part = slice(max(y - near_px, 0), y + near_px + 1), slice(max(x - near_px, 0), x + near_px + 1)
    nearby = np.linalg.norm(codes - hidden[part] - light, axis=-1)[memory[part] > 0]
    has_changed = memory[y, x] < 0 and np.linalg.norm(codes - hidden[y, x] - light) >= limits[-1]
    if has_changed and (nearby < limits[0]).any():
        memory[y, x] = memory[y, x] - 1 if memory[y, x] > -(person_frames + longest) else 0
        return True
    memory[y, x] = min(memory[y, x], max(memory[y, x] - 1, -person_frames))
    hidden[y, x] += (codes - light - hidden[y, x]) / min(-memory[y, x], person_frames)
    return False


def _is_same_patch(frame, plate, seen, light, limit, by_px, clear, y, x):
    if min(y, x, seen.shape[0] - 1 - y, seen.shape[1] - 1 - x) < by_px:
        return False
    part = slice(y - by_px, y + by_px + 1), slice(x - by_px, x + by_px + 1)
    apart = ((frame[part].astype(np.float64) - plate[part] - light) ** 2).sum(axis=-1).mean()
    spread = plate[part].var(axis=(0, 1), dtype=np.float64).sum()
    return (seen[part] > 0).all() and apart <= limit**2 and spread >= (clear * limit) ** 2


def _far_from(frame, plate, seen, light, y, x):
    around = [
        (frame[v, u].astype(np.float32) - plate[v, u] - light)
        for v in range(max(y - 1, 0), min(y + 2, seen.shape[0]))
        for u in range(max(x - 1, 0), min(x + 2, seen.shape[1]))
        if seen[v, u] > 0
    ]
    own = float(np.linalg.norm(frame[y, x].astype(np.float32) - plate[y, x] - light))
    return min(own, float(np.linalg.norm(np.mean(around, axis=0)))) if len(around) >= 4 else own


def learnt(frame, is_room, light, far, plate, seen, most_seen):
    """Return plate, seen and sums after `pipelines.protection.kernels.learn_plate`."""
    plate, seen, sums = plate.copy(), seen.copy(), np.zeros(6)
    for y, x in zip(*np.nonzero(is_room), strict=True):
        codes = frame[y, x].astype(np.float64)
        if seen[y, x] <= 0:
            plate[y, x], seen[y, x] = codes - light, 1
            continue
        sums[0] += 1
        square = float((((codes - plate[y, x]) - light) ** 2).sum())
        if square > far**2:
            sums[1] += 1
            seen[y, x] -= 2
            continue
        sums[2] += square
        seen[y, x] = min(seen[y, x] + 1, most_seen)
        sums[3:] += codes - plate[y, x]
        plate[y, x] += (codes - plate[y, x]) / seen[y, x]
    return plate, seen, sums


def laid_over(frame, mask, behind):
    """Return mask frame + (1 - mask) behind, rounded."""
    m = mask[..., np.newaxis].astype(np.float64)
    return np.floor(m * frame + (1 - m) * behind + 0.5).astype(np.uint8)


def light_of_code(code: float) -> float:
    """Linear light of sRGB (IEC 61966-2-1), for a code from 0 to 255 that need not be whole."""
    v = code / 255
    return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4


def nearest_code(light: np.float32) -> int:
    """Code whose encoded value is nearest; light is cut off at 0 and 1, and a tie goes up."""
    code = 0
    while code < 255 and float(light) >= light_of_code(code + 0.5):
        code += 1
    return code


def fused_cycle(picture, shown, axes, code, strength, delta, pattern, chosen_for, epsilon):
    """Return the sub-frames of one cycle in the order of time, and the colours that axes were chosen for.

    The arithmetic is in float32, step by step, as in `pipelines.kaleido.kernels.split_rows`.
    """
    f, n = np.float32, code.n_slots
    subframes = [np.zeros_like(picture) for _ in range(n)]
    chosen_for = chosen_for.copy()
    for y, x in np.ndindex(picture.shape[:2]):
        if np.abs(picture[y, x].astype(int) - chosen_for[y, x]).max() > epsilon:
            chosen_for[y, x] = picture[y, x]
        gain = f(pattern.gain[y, x]) * f(1 / 255)
        *both, per_fall, per_rise = axes[tuple(int(c) * axes.shape[0] // 256 for c in chosen_for[y, x])]
        p, q = both[-2:] if pattern.luma_sign[y, x] < 0 else both[:2]
        v = shown[picture[y, x]]
        swing = f(delta * max(abs(step) for step in code.luma))
        fall = np.maximum(v * (f(1) - swing), f(1e-6))
        rise = np.maximum(f(1) - np.minimum(f(1), v * (f(1) + swing)), f(1e-6))
        gain = min(gain, *(fall * per_fall), *(rise * per_rise))
        p, q = gain * p, gain * q
        limit = f(1) / v.max() - f(1) if v.max() * (f(1) + f(delta)) > 1 else f(delta)
        pollution = limit * f(pattern.luma_sign[y, x])
        for c in range(3):
            rest = f(n) * v[c]
            codes = []
            for k in range(n - 1):
                by_p, by_q, luma = (f(a) * f(strength) for a in (*code.chroma[k], code.luma[k]))
                target = v[c] * (f(1) + luma * pollution) + by_p * p[c] + by_q * q[c]
                codes.append(nearest_code(target))
                rest = rest - f(light_of_code(codes[-1]))
            codes.append(nearest_code(rest))
            for period in range(n):
                subframes[period][y, x, c] = codes[(period + int(pattern.phase[y, x])) % n]
    return subframes, chosen_for


def recorded(subframes, period_s, scan_s, exposure_s, readout_s, start_s):
    """Return the light that a rolling shutter's frame gathers, row by row over its own time."""
    height = len(subframes[0])
    rows = []
    for y in range(height):
        begin = start_s + y * readout_s / height
        end = begin + exposure_s
        row = np.zeros(subframes[0][y].shape)
        for k, subframe in enumerate(subframes):
            lit = k * period_s + y * scan_s / height
            seen_s = min(end, lit + period_s) - max(begin, lit)
            for x in range(row.shape[0]):
                for c in range(3):
                    row[x, c] += max(seen_s, 0.0) / exposure_s * light_of_code(int(subframe[y, x, c]))
        rows.append(row)
    return np.array(rows)
