"""Which orders of sub-frames hide most from cameras for what the eye sees of them, in figures.

    uv run python tests/benchmarks/search_codes.py                   # the tables of docs/kaleido.md, a few minutes
    uv run python tests/benchmarks/search_codes.py --quick           # shorter words, fewer colours, no real picture

Searched are all words of two, three or four colours about a picture's colour: `+`, `-` and `0` along one line; `A`, `B`
and `C`, whose places follow from how often each comes (they sum to zero); `p`, `q` and their opposites `P`, `Q`; and
steps around regular polygons. Words that are one another's turn, mirror picture or renaming count once.

The encoder is a small model: for each colour of a picture the displacements without luminance that go as far as the
gamut allows, found by climbing (`fit`), and weighted by how steeply sRGB encodes there. A camera's rest is exact for
small displacements: each harmonic by sinc(f T), averaged over all starts. The eye is `pipelines.kaleido.eye`; codes
that are more visible than a triple at 120 Hz are weakened to it. The score is the worst of all exposures, in dB above
what is wanted there (BARS).

The chosen codes are then checked on a real picture: sub-frames of 8 bits whose mean is kept by carrying the rounding
on, a rolling shutter of 12 ms, all starts.
"""

import argparse
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.color import LUMINANCE_BGR, codes_from_linear, to_encoded, to_linear
from pipelines.kaleido.codes import CODES, blind_exposures_s, choose_code, polygon
from pipelines.kaleido.contract import Code
from pipelines.kaleido.eye import chroma_response

Array = npt.NDArray[Any]

ROOT = Path(__file__).resolve().parents[2]
FILM = ROOT.parent / "shared/data/webcam_real_room.mp4"
STILL = ROOT / "docs/demo.png"
FRAME = 100
HEIGHT, WIDTH = 360, 480

EXPOSURES = (30, 60, 100, 120, 250, 1000)
"""One over seconds."""

BARS = np.array([28.0, 21.0, 16.0, 16.0, 16.0, 16.0])
"""PSNR against the steady picture that no camera is to exceed, for each of EXPOSURES."""

BETWEEN = (36, 40, 45, 48, 50)
"""Exposures that are not in the score: other steps of cameras, and blind ones."""

READOUT_S = 0.012
N_STARTS = 12
BLOCK_PX = 8

RATES = (100.0, 120.0, 144.0, 165.0, 240.0)
SOURCES = (24, 25, 30, 50, 60)

_PLANE = np.linalg.svd(np.array([LUMINANCE_BGR]))[2][1:]  # two displacements that leave luminance alone
_N_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A code and what it does."""

    score: float
    word: str
    n_slots: int
    rate_hz: float  # of cycles
    visibility: float  # relative to a triple at 120 Hz, before it was weakened
    strength: float
    psnr_db: Array


class Colours:
    """The colours of a picture, and how far codes may take them."""

    def __init__(self, picture: Array, n_bits: int) -> None:
        flat = picture.reshape(-1, 3)
        keys = ((flat >> (8 - n_bits)).astype(np.int64) << np.array([2 * n_bits, n_bits, 0])).sum(axis=1)
        _, self.bin_of, counts = np.unique(keys, return_inverse=True, return_counts=True)
        sums = np.stack([np.bincount(self.bin_of, flat[:, c]) for c in range(3)], axis=1)
        self.light = to_linear(sums / counts[:, np.newaxis] / 255.0)
        self.share = counts / counts.sum()
        low, high = np.clip(self.light - 0.08, 0, 1), np.clip(self.light + 0.08, 0, 1)
        self.slope = (to_encoded(high) - to_encoded(low)) / (high - low)
        self._energies: dict[tuple[tuple[float, ...], ...], Array] = {}

    def fit(self, corners: Array, n_turns: int = 6) -> tuple[Array, Array]:
        """Return the axes p and q of each colour, (n, 3) linear BGR, that take the code's corners farthest.

        Climbs: with q given, the best p is a vertex of a polygon, and the other way round; from several turns of the
        corners, since there are local summits.
        """
        weight = np.einsum("ic,nc,jc->nij", _PLANE, self.slope**2, _PLANE)
        walls = np.concatenate([_PLANE.T, -_PLANE.T])
        room = np.concatenate([1.0 - self.light, self.light], axis=1)
        different = np.unique(np.round(corners, 9), axis=0)
        is_line = not different[:, 1].any()
        best = np.full(len(self.light), -1.0)
        axes = np.zeros((2, len(self.light), 2))
        for turn in range(1 if is_line else n_turns):
            angle = math.pi * turn / n_turns
            turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
            steps = different @ turned
            pair = np.zeros((2, len(self.light), 2))
            for which in [0] if is_line else [0, 1] * _N_ROUNDS:
                normals = np.concatenate([step[which] * walls for step in steps])
                limits = np.concatenate(
                    [room - step[1 - which] * (pair[1 - which] @ walls.T) for step in steps], axis=1
                )
                used = np.abs(normals).sum(axis=1) > 1e-9
                pair[which] = _farthest(normals[used], limits[:, used], weight)
            back = np.einsum("ij,jnx->inx", turned, pair)
            second = corners.T @ corners / len(corners)
            energy = np.einsum("ij,inx,nxy,jny->n", second, back, weight, back)
            better = energy > best
            best[better] = energy[better]
            axes[:, better] = back[:, better]
        return axes[0] @ _PLANE, axes[1] @ _PLANE

    def energies(self, corners: Array) -> Array:
        """Return the (2, 2) products of the axes in squared code values, averaged over the picture and the channels."""
        key = tuple(sorted(tuple(float(x) for x in corner) for corner in np.round(corners, 6)))
        if key not in self._energies:
            axes = np.stack(self.fit(corners)) * self.slope * 255.0
            self._energies[key] = np.einsum("inc,jnc,n->ij", axes, axes, self.share) / 3.0
        return self._energies[key]


def _farthest(normals: Array, limits: Array, weight: Array) -> Array:
    """Return for each colour the vertex of {x: normals x <= limits} with the largest x' weight x."""
    i, j = np.triu_indices(len(normals), 1)
    determinant = normals[i, 0] * normals[j, 1] - normals[i, 1] * normals[j, 0]
    i, j, determinant = (values[np.abs(determinant) > 1e-9] for values in (i, j, determinant))
    x = (limits[:, i] * normals[j, 1] - limits[:, j] * normals[i, 1]) / determinant
    y = (limits[:, j] * normals[i, 0] - limits[:, i] * normals[j, 0]) / determinant
    points = np.stack([x, y], axis=-1)
    inside = np.all(points @ normals.T <= limits[:, np.newaxis] + 1e-7, axis=-1)
    values = np.where(inside, np.einsum("npx,nxy,npy->np", points, weight, points), -1.0)
    best = values.argmax(axis=1)
    rows = np.arange(len(points))
    return np.where(values[rows, best, np.newaxis] >= 0.0, points[rows, best], 0.0)


def rests(chroma: Array, refresh_hz: float, exposures: Iterable[float]) -> tuple[Array, Array]:
    """Return what exposures, and the eye, leave of the products of a code's two coefficients: (m, 2, 2) and (2, 2)."""
    n = len(chroma)
    numbers = np.arange(1, 60 * n)
    frequencies = numbers * (refresh_hz / n)
    series = (np.fft.fft(chroma, axis=0)[numbers % n] / n) * np.sinc(numbers / n)[:, np.newaxis]
    products = 2.0 * np.real(np.einsum("mi,mj->mij", series, series.conj()))
    camera = [np.tensordot(np.sinc(frequencies / e) ** 2, products, 1) for e in exposures]
    eye, _ = chroma_response(np.minimum(frequencies, 1000.0))
    return np.array(camera), np.tensordot(eye**2, products, 1)


def judge(colours: Colours, chroma: Array, refresh_hz: float, exposures: Iterable[float]) -> tuple[Array, float]:
    """Return the PSNR of each exposure in dB at full strength, and the visibility."""
    energies = colours.energies(chroma)
    camera, eye = rests(chroma, refresh_hz, exposures)
    return _psnr(np.einsum("eij,ij->e", camera, energies)), math.sqrt(float(np.sum(eye * energies)))


def _psnr(squared_error: npt.ArrayLike) -> Array:
    return np.asarray(10.0 * np.log10(255.0**2 / np.maximum(squared_error, 1e-9)))


def words(n: int, n_letters: int) -> Iterator[tuple[int, ...]]:
    """Yield the words of n letters that use them all and are not a shorter word again and again, one of each kind."""
    seen = set()
    for rest in itertools.product(range(n_letters), repeat=n - 1):
        word = (0, *rest)
        if len(set(word)) < n_letters or any(n % k == 0 and word == word[:k] * (n // k) for k in range(1, n)):
            continue
        kind = min(_renamed(turned) for turned in _turns(word))
        if kind not in seen:
            seen.add(kind)
            yield kind


def _turns(word: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for k in range(len(word)):
        turned = word[k:] + word[:k]
        yield turned
        yield turned[::-1]


def _renamed(word: tuple[int, ...]) -> tuple[int, ...]:
    names: dict[int, int] = {}
    return tuple(names.setdefault(letter, len(names)) for letter in word)


def triangle(word: tuple[int, ...]) -> Array:
    """Return the (n, 2) steps of a word of three letters: the third lies where they sum to zero."""
    a, b, c = (word.count(letter) for letter in range(3))
    return np.array([[1.0, 0.0], [0.0, 1.0], [-a / c, -b / c]])[list(word)]


def _candidates(longest: int) -> Iterator[tuple[str, Array]]:
    for n in range(2, longest + 1):
        seen = set()
        for steps in itertools.product((-1, 0, 1), repeat=n):
            kind = min(min(turn, tuple(-s for s in turn)) for turn in _turns(steps))
            shorter = any(n % k == 0 and steps == steps[:k] * (n // k) for k in range(1, n))
            if any(steps) and sum(steps) == 0 and not shorter and kind not in seen:
                seen.add(kind)
                yield "".join("0+-"[s] for s in kind), np.array([(s, 0.0) for s in kind])
        for word in words(n, 3) if n > 2 else ():
            yield "".join("ABC"[letter] for letter in word), triangle(word)
        for word in words(n, 4) if n in (4, 6) else ():
            if word.count(0) == word.count(2) and word.count(1) == word.count(3):
                corners = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
                yield "".join("pqPQ"[letter] for letter in word), corners[list(word)]
    for n in range(5, longest + 1):
        for turns in range(1, (n + 1) // 2):
            if math.gcd(n, turns) == 1:
                yield f"{n} corners, {turns} turn{'s' * (turns > 1)}", np.array(polygon("", n, turns).chroma)


def search(colours: Colours, refresh_hz: float, longest: int) -> list[Found]:
    """Return all codes of up to so many slots, the best first."""
    _, most = judge(colours, np.array(CODES["triple"].chroma), 120.0, EXPOSURES)
    found = []
    doubled = [(f"{word} held for 2", np.repeat(chroma, 2, axis=0)) for word, chroma in _candidates(longest // 2)]
    for word, chroma in itertools.chain(_candidates(longest), doubled if refresh_hz >= 200.0 else ()):
        psnr, visibility = judge(colours, chroma, refresh_hz, EXPOSURES)
        strength = min(1.0, most / visibility)
        weakened = psnr - 20.0 * math.log10(strength)
        score = float(np.max(weakened - BARS))
        rate = refresh_hz / len(chroma)
        found.append(Found(score, word, len(chroma), rate, visibility / most, strength, weakened))
    return sorted(found, key=lambda one: one.score)


def sub_frames(picture: Array, colours: Colours, code: Code) -> Array:
    """Return a cycle of a picture, (n, height, width, 3) uint8, at full strength."""
    chroma = np.array(code.chroma)
    p, q = (axis[colours.bin_of] for axis in colours.fit(chroma))
    light = to_linear(picture.reshape(-1, 3) / 255.0)
    steps = chroma[:, :1, np.newaxis] * p + chroma[:, 1:, np.newaxis] * q
    # A pixel is not quite the colour of its bin: it goes as far as it can itself.
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(steps > 1e-9, (1.0 - light) / steps, np.where(steps < -1e-9, -light / steps, 1.0))
    steps *= np.minimum(1.0, room.min(axis=(0, 2)))[:, np.newaxis]
    carried, frames = np.zeros_like(light), []
    for step in steps:
        wanted = light + step + carried
        shown = codes_from_linear(wanted)
        carried = wanted - to_linear(shown / 255.0)
        frames.append(shown.reshape(picture.shape))
    return np.array(frames)


def in_blocks(frames: Array, side: int) -> Array:
    """Return sub-frames whose blocks of so many pixels stand at different places of the cycle."""
    n, height, width = frames.shape[:3]
    y, x = np.arange(height)[:, np.newaxis] // side, np.arange(width) // side
    phase = (y + 2 * x) % n
    return np.stack(
        [np.take_along_axis(frames, ((k + phase) % n)[np.newaxis, ..., np.newaxis], 0)[0] for k in range(n)]
    )


def film(frames: Array, picture: Array, refresh_hz: float, exposure_s: float) -> tuple[float, float]:
    """Return the PSNR of a rolling shutter's pictures over all starts, in dB, and that of the kindest start."""
    n, height = len(frames), len(picture)
    light = to_linear(frames / 255.0)
    errors = []
    for start in np.arange(N_STARTS) * n / N_STARTS:
        begins = start + np.arange(height) * READOUT_S * refresh_hz / height
        shares = shares_of_slots(begins, exposure_s * refresh_hz, n)
        seen = codes_from_linear(np.einsum("hk,khwc->hwc", shares, light))
        errors.append(np.mean((seen.astype(np.float64) - picture) ** 2))
    return float(_psnr(np.mean(errors))), float(_psnr(min(errors)))


def shares_of_slots(begins: Array, n_periods: float, n: int) -> Array:
    """Return how much of each slot, (rows, n), exposures of so many periods see that begin at some period."""
    periods = np.arange(math.ceil(begins.max() + n_periods) + 1)
    first = np.maximum(periods, begins[:, np.newaxis])
    last = np.minimum(periods + 1, begins[:, np.newaxis] + n_periods)
    seen = np.maximum(0.0, last - first) / n_periods
    return np.stack([seen[:, slot::n].sum(axis=1) for slot in range(n)], axis=1)


def _print_search(colours: Colours, longest: int) -> None:
    for refresh in RATES:
        print(f"\n{refresh:g} Hz, words of up to {longest} slots, the best eight:\n")
        print("| order | cycles a second | seen | strength | " + " | ".join(f"1/{e}" for e in EXPOSURES) + " | score |")
        print("|---|---|---|---|" + "---|" * (len(EXPOSURES) + 1))
        for one in search(colours, refresh, longest)[:8]:
            figures = " | ".join(f"{value:.1f}" for value in one.psnr_db)
            print(
                f"| {one.word} | {one.rate_hz:.1f} | {one.visibility:.2f} | {one.strength:.2f} | {figures} "
                f"| {one.score:+.1f} |",
                flush=True,
            )


def _print_codes(colours: Colours) -> None:
    exposures = sorted((*EXPOSURES, *BETWEEN))
    _, most = judge(colours, np.array(CODES["triple"].chroma), 120.0, EXPOSURES)
    print("\nThe codes at full strength:\n")
    print("| code | Hz | seen | " + " | ".join(f"1/{e}" for e in exposures) + " | blind |")
    print("|---|---|---|" + "---|" * (len(exposures) + 1))
    shown = [(120.0, code) for code in CODES.values()]
    shown += [(rate, choose_code("auto", rate, None).code) for rate in RATES if rate != 120.0]
    for refresh, code in shown:
        psnr, visibility = judge(colours, np.array(code.chroma), refresh, exposures)
        figures = " | ".join(f"{value:.1f}" if value < 80.0 else "copy" for value in psnr)
        blind = ", ".join(f"1/{1 / float(e):.4g}" for e in blind_exposures_s(code, Fraction(refresh))) or "none"
        print(f"| {code.name} ({code.n_slots}) | {refresh:g} | {visibility / most:.2f} | {figures} | {blind} |")


def changing_orders() -> Iterator[tuple[str, Array]]:
    """Yield orders that change from cycle to cycle, each cycle summing to zero: a source could change there."""
    for word in ("ABC", "ABC ACB", "ABC ABC ABC ABC ACB ACB ACB ACB", "ABC BCA CAB"):
        yield word, triangle(tuple("ABC".index(letter) for letter in word.replace(" ", "")))
    for signs in ("+--+ -++-", "+0- +-"):
        yield signs, np.array([({"+": 1.0, "-": -1.0, "0": 0.0}[sign], 0.0) for sign in signs if sign != " "])
    for steps in ((1, -1, -1, 1), (1, -3, 3, -1)):
        turned = [np.outer(steps, corner) for corner in polygon("", 3, 1).chroma]
        yield f"{' '.join(map(str, steps))}, turned by 120 degrees", np.concatenate(turned)


def _print_changing(colours: Colours) -> None:
    _, most = judge(colours, np.array(CODES["triple"].chroma), 120.0, EXPOSURES)
    print("\nOrders that change from cycle to cycle, 120 Hz, weakened to what is seen of a triple:\n")
    print("| order | seen at full strength | " + " | ".join(f"1/{e}" for e in EXPOSURES) + " |")
    print("|---|---|" + "---|" * len(EXPOSURES))
    for name, chroma in changing_orders():
        psnr, visibility = judge(colours, chroma, 120.0, EXPOSURES)
        weakened = psnr + 20.0 * math.log10(max(1.0, visibility / most))
        print(f"| {name} | {visibility / most:.2f} | " + " | ".join(f"{value:.1f}" for value in weakened) + " |")


def _print_sources() -> None:
    print("\nCycles that the frames of a source stand for, by `auto`:\n")
    print("| Hz | code | " + " | ".join(f"{source} fps" for source in SOURCES) + " |")
    print("|---|---|" + "---|" * len(SOURCES))
    for refresh in RATES:
        code = choose_code("auto", refresh, None).code
        cells = []
        for source in SOURCES:
            cycles = refresh / code.n_slots / source
            whole = math.isclose(cycles, round(cycles), rel_tol=0.002)
            fewest = math.floor(cycles)
            even = f"{round(cycles)}" if whole else f"{fewest} or {fewest + 1}"
            cells.append(f"shown at {refresh / code.n_slots:.3g}" if cycles < 0.998 else even)
        print(f"| {refresh:g} | {code.name} ({code.n_slots}) | " + " | ".join(cells) + " |")


def _print_film(picture: Array, colours: Colours) -> None:
    print("\nA real picture at 120 Hz, all starts (the kindest):\n")
    print("| code | " + " | ".join(f"1/{e}" for e in EXPOSURES) + " | error of the mean |")
    print("|---|" + "---|" * (len(EXPOSURES) + 1))
    shown = {name: sub_frames(picture, colours, code) for name, code in CODES.items()}
    shown[f"triple, blocks of {BLOCK_PX}"] = in_blocks(shown["triple"], BLOCK_PX)
    for name, frames in shown.items():
        mean = to_encoded(to_linear(frames / 255.0).mean(axis=0)) * 255.0
        cells = []
        for exposure in EXPOSURES:
            over_all, kindest = film(frames, picture, 120.0, 1.0 / exposure)
            cells.append("copy" if over_all > 60.0 else f"{over_all:.1f} ({kindest:.1f})")
        error = math.sqrt(float(np.mean((mean - picture) ** 2)))
        print(f"| {name} | " + " | ".join(cells) + f" | {error:.2f} |", flush=True)


def _picture(path: Path) -> Array:
    if path.suffix in (".png", ".jpg"):
        frame = cv2.imread(str(path))
    else:
        capture = cv2.VideoCapture(str(path))
        capture.set(cv2.CAP_PROP_POS_FRAMES, FRAME)
        _, frame = capture.read()
    if frame is None:
        raise SystemExit(f"{path}: no picture; wanted a film or a .png")
    return cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def main() -> None:
    """Print the tables."""
    line = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    line.add_argument("--quick", action="store_true", help="shorter words, fewer colours, no real picture")
    line.add_argument("--picture", type=Path, default=FILM if FILM.exists() else STILL, help="a film or a picture")
    arguments = line.parse_args()
    picture = _picture(arguments.picture)
    colours = Colours(picture, 2 if arguments.quick else 3)
    print(f"{arguments.picture.name}, {len(colours.light)} colours")
    _print_sources()
    _print_codes(colours)
    _print_changing(colours)
    _print_search(colours, 5 if arguments.quick else 8)
    if not arguments.quick:
        _print_film(picture, Colours(picture, 5))


if __name__ == "__main__":
    main()
