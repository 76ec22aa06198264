"""Orders of sub-frames: which code hides what from which camera.

What a code does is its spectrum. An exposure of T seconds weakens a harmonic of f Hz to sinc(f T): the camera records
the picture plus that rest. The eye weakens it by far more above about 40 Hz, colour sooner than light (`eye`). A code
whose harmonics all lie on multiples of 30 Hz has a perfect copy at an exposure of 1/30 s, one of 60 Hz at 1/60 s too,
and these are the commonest exposures of all.

``abab``
    The paper's: A B A B, 60 Hz on a display of 120. Invisible, and copied perfectly at 1/30 and 1/60 s.
``abba``
    A B B A: 30 Hz, no constant voltage on a liquid crystal whatever its drive; copied perfectly at 1/30 s, and seen.
``triple``
    Three colours whose mean is the picture, 40 Hz: no exposure between 1/30 and 1/1000 s nulls it.

Luminance, where the eye is quickest, follows A B A B or nothing: its order in the paper leaks half of that frequency.
"""

import math

from pipelines.kaleido.contract import Code


def polygon(name: str, n_slots: int, turns: int) -> Code:
    """Return a code that steps around a regular polygon: all of its energy lies at one frequency.

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


CODES = {
    code.name: code
    for code in (
        along_one_axis("abab", (1.0, -1.0), (1.0, -1.0)),
        along_one_axis("abba", (1.0, -1.0, -1.0, 1.0), (1.0, -1.0, 1.0, -1.0)),
        polygon("triple", 3, 1),
    )
}
"""By name."""
