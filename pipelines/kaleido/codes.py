"""Orders of sub-frames: which code hides what from which camera, and which one suits a display and a source.

What a code does is its spectrum. An exposure of T seconds weakens a harmonic of f Hz to sinc(f T): the camera records
the picture plus that rest. The eye weakens it by far more above about 40 Hz, colour sooner than light (`eye`). A code
whose harmonics are all multiples of F Hz has a *blind exposure* of 1/F s, which records the picture and nothing else;
with F of 30 or 60 Hz these are the commonest exposures of all. What stays of the others depends on how far the
sub-frames go, and there the shape of a cycle decides: three colours about a picture's colour reach the corners of the
gamut where a pair has to stop at the nearer wall, and so does a circle.

``abab``
    The paper's: A B A B, half the display's rate. Invisible, and at 120 Hz copied perfectly at 1/30 and 1/60 s.
``abba``
    A B B A: a quarter, no constant voltage on a liquid crystal whatever its drive; at 120 Hz copied perfectly at
    1/30 s, and seen.
``triple``
    A B C, a third: 40 Hz at 120. On displays of 216 Hz and more each stands for two periods or more.
``quad``
    A A B C, a quarter, where the two periods of A weigh as much as B and C together: 36 Hz at 144 and 41 at 165, where
    a triple would have 48 and 55 and be copied nearly at 1/50 and 1/60 s.
``star``
    Five corners, every second one: two and three fifths, 48 and 72 Hz at 120. It hides less than a triple, but has no
    blind exposure up to a twenty-fourth of a second, and at 120 Hz it shows a film's 24 frames a second evenly.

`docs/kaleido.md` has the table of the search that they come from. Cycles longer than these, orders that change from
cycle to cycle and mixtures of frequencies all have energy at 10 to 30 Hz, which is seen long before it hides anything.

Luminance, where the eye is quickest, follows A B A B or nothing: its order in the paper leaks half of that frequency.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pipelines.kaleido.contract import Code

SLOWEST_HZ = 35.9
"""Least frequency of colours that `auto` takes: 36 Hz, also on displays a little slower than 144. The slower they are,
the more an exposure leaves of them, and the more the eye sees: of 36 Hz 1.6 times as much as of 40, of 30 Hz 3.4."""

LONGEST_EXPOSURE_S = Fraction(1, 29)
"""Of a camera: 1/30 s, and a little for displays that run a little slower than they say."""

_FLICKER_HZ = 35.0  # colours slower than that are seen at full strength
_ENERGY = 1e-9  # what is left of a harmonic that is none, after rounding


@dataclass(frozen=True, slots=True)
class Choice:
    """A code, and what a person should know of it.

    Attributes
    ----------
    code : Code
        The order of the sub-frames.
    reason : str
        Why this one; a sentence without a full stop.
    warnings : tuple of str
        What it cannot do, one sentence each.
    """

    code: Code
    reason: str
    warnings: tuple[str, ...]


def polygon(name: str, n_slots: int, turns: int) -> Code:
    """Return a code that steps around a regular polygon: all of its energy lies at one frequency and its images.

    Parameters
    ----------
    name : str
        What it is called.
    n_slots : int
        Corners, 3 or more.
    turns : int
        How often a cycle goes around: the frequency is `turns` times that of cycles.

    Returns
    -------
    Code
        Without luminance pollution.
    """
    angles = [2.0 * math.pi * (turns * k % n_slots) / n_slots for k in range(n_slots)]
    return Code(name, tuple((math.cos(angle), math.sin(angle)) for angle in angles), (0.0,) * n_slots)


def along_one_axis(name: str, chroma: tuple[float, ...], luma: tuple[float, ...]) -> Code:
    """Return a code that moves along the first axis only.

    Parameters
    ----------
    name : str
        What it is called.
    chroma : tuple of float
        Coefficients of the first axis.
    luma : tuple of float
        Coefficients of the luminance pollution.

    Returns
    -------
    Code
        The code.
    """
    return Code(name, tuple((step, 0.0) for step in chroma), luma)


def held(code: Code, n_periods: int) -> Code:
    """Return a code each of whose colours stands for several periods; where it can, luminance alternates meanwhile.

    Parameters
    ----------
    code : Code
        The order.
    n_periods : int
        For each sub-frame, 1 or more.

    Returns
    -------
    Code
        Of the same name. With an even number of slots its luminance is A B A B.
    """
    chroma = tuple(step for step in code.chroma for _ in range(n_periods))
    luma = tuple((-1.0) ** k for k in range(len(chroma))) if len(chroma) % 2 == 0 else (0.0,) * len(chroma)
    return Code(code.name, chroma, luma)


_HALF, _HEIGHT = 0.5, math.sqrt(0.75)

CODES = {
    code.name: code
    for code in (
        along_one_axis("abab", (1.0, -1.0), (1.0, -1.0)),
        along_one_axis("abba", (1.0, -1.0, -1.0, 1.0), (1.0, -1.0, 1.0, -1.0)),
        polygon("triple", 3, 1),
        Code(
            "quad",
            ((-_HALF, 0.0), (-_HALF, 0.0), (_HALF, _HEIGHT), (_HALF, -_HEIGHT)),
            (1.0, -1.0, 1.0, -1.0),
        ),
        polygon("star", 5, 2),
    )
}
"""By name, each sub-frame for one period."""


def slowest_hz(code: Code, refresh_hz: float) -> float:
    """Return the lowest frequency at which a code's colours have energy.

    Parameters
    ----------
    code : Code
        The order.
    refresh_hz : float
        Periods of the display a second.

    Returns
    -------
    float
        In Hz.
    """
    return min(_active(code.chroma)) * refresh_hz / code.n_slots


def blind_exposures_s(
    code: Code, refresh_hz: float | Fraction, longest_s: Fraction = LONGEST_EXPOSURE_S
) -> tuple[Fraction, ...]:
    """Return the exposures that record the picture and nothing of the code, whenever they begin.

    Parameters
    ----------
    code : Code
        The order.
    refresh_hz : float or Fraction
        Periods of the display a second.
    longest_s : Fraction
        The longest exposure of interest, in seconds.

    Returns
    -------
    tuple of Fraction
        Exposures in seconds, the longest first: what all harmonics have a whole number of turns in.
    """
    step = math.gcd(*_active(code.chroma))
    shortest = Fraction(code.n_slots, step) / Fraction(refresh_hz)
    return tuple(shortest * k for k in range(math.floor(longest_s / shortest), 0, -1))


def choose_code(name: str, refresh_hz: float, source_hz: float | None) -> Choice:
    """Choose the order of sub-frames for a display and a source.

    Privacy comes first: the code is chosen by the display's rate alone. A source whose frames do not fit the cycles is
    shown with some frames left out or uneven, and that is said.

    Parameters
    ----------
    name : str
        As in the profile, ``auto`` or a code's name.
    refresh_hz : float
        Periods of the display a second.
    source_hz : float, optional
        Frames of the source a second; None for pictures that stand still.

    Returns
    -------
    Choice
        The code, why, and what it cannot do.

    Raises
    ------
    ValueError
        If there is no such code.
    """
    if name == "auto":
        code = _best_for(refresh_hz)
        reason = (
            f"at {refresh_hz:.4g} Hz the colours of {code.name} change at {slowest_hz(code, refresh_hz):.3g} Hz: "
            "as slowly as they may unseen, which leaves cameras the least"
        )
    elif name in CODES:
        code = _held_for(name, refresh_hz)
        reason = f"{name} was asked for: its colours change at {slowest_hz(code, refresh_hz):.3g} Hz"
    else:
        raise ValueError(f"no code {name!r}; there are auto, {', '.join(CODES)}")
    return Choice(code, reason, (*_camera_warnings(code, refresh_hz), *_motion_warnings(code, refresh_hz, source_hz)))


def _held_for(name: str, refresh_hz: float) -> Code:
    """Return a code with as many periods a sub-frame as are not seen; ``abab`` stays the paper's."""
    code = CODES[name]
    if name in ("abab", "abba"):
        return code
    n_periods = max(1, int(slowest_hz(code, refresh_hz) / SLOWEST_HZ))
    return code if n_periods == 1 else held(code, n_periods)


def _best_for(refresh_hz: float) -> Code:
    reaching = [
        code
        for code in (_held_for(name, refresh_hz) for name in ("triple", "quad"))
        if slowest_hz(code, refresh_hz) >= SLOWEST_HZ
    ]
    # A star's corners reach less far, and its cycles are long: only where nothing else is quick enough.
    return min(reaching, key=lambda code: slowest_hz(code, refresh_hz), default=_held_for("star", refresh_hz))


def _active(chroma: tuple[tuple[float, float], ...]) -> list[int]:
    """Return the numbers of the harmonics of a cycle, below that of the display's rate, that have energy."""
    n = len(chroma)
    spectrum = np.abs(np.fft.fft(np.array(chroma), axis=0)).max(axis=1) / n
    return [number for number in range(1, n) if spectrum[number] > _ENERGY]


def _camera_warnings(code: Code, refresh_hz: float) -> list[str]:
    warnings = []
    blind = blind_exposures_s(code, refresh_hz)
    if blind:
        listed = " or ".join(f"1/{1 / float(exposure):.4g} s" for exposure in blind)
        warnings.append(f"a camera that exposes for exactly {listed} records the picture as it is")
    slowest = slowest_hz(code, refresh_hz)
    if slowest < _FLICKER_HZ:
        warnings.append(f"colours that change at {slowest:.3g} Hz may be seen to flicker")
    return warnings


def _motion_warnings(code: Code, refresh_hz: float, source_hz: float | None) -> list[str]:
    if source_hz is None or _is_even(code, refresh_hz, source_hz):
        return []
    cycles_hz = refresh_hz / code.n_slots
    if cycles_hz < source_hz:
        return [f"{source_hz:.4g} fps source shown at {cycles_hz:.3g}: frames change between cycles only"]
    fewest = math.floor(cycles_hz / source_hz)
    short, long = (1000.0 * n / cycles_hz for n in (fewest, fewest + 1))
    even = "; star shows them evenly" if _is_even(_held_for("star", refresh_hz), refresh_hz, source_hz) else ""
    return [
        f"{source_hz:.4g} fps source: its frames stand for {short:.3g} or {long:.3g} ms, which may look uneven{even}"
    ]


def _is_even(code: Code, refresh_hz: float, source_hz: float) -> bool:
    """Say whether every frame stands for the same whole number of cycles.

    24 and 24000/1001 are the same to the eye: one frame in 41 s stands for a cycle more or less.
    """
    cycles = refresh_hz / code.n_slots / source_hz
    return round(cycles) >= 1 and abs(cycles - round(cycles)) < 0.002 * cycles
