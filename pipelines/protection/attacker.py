"""Our own attack on our own output, beside it: which frames it gets, and where it works.

It gets pictures of `meter.attack_lines` lines a few times a second. Live, it works in a process of its own at a lower
priority, and takes the newest frame when it has done with the one before: it never holds up the camera, and misses
frames when there is no time. On recordings it works in the caller's thread and misses none.
"""

import math
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from config.schema import MeterSettings
from pipelines.base import Image
from pipelines.protection.attack import Attack, Recovered, Seen
from pipelines.protection.attack_process import SILENT_S, AttackProcess
from pipelines.segmentation import Backend

ROUNDING_S = 1e-6
"""Time stamps are sums of fractions; a frame that is due may seem a hair early."""

SLOW = "the processors are busy, or its kernels are being compiled, which is done once"

_BOOL = npt.NDArray[np.bool_]


class _Place(Protocol):
    """Where the attack works, see `AttackProcess`."""

    recovered: Recovered
    problem: str

    def offer(self, seen: Seen) -> None: ...
    def forget(self) -> None: ...
    def silent_s(self) -> float: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


class Attacker:
    """Attacks an output. Called from one thread; `close` when done.

    Parameters
    ----------
    settings : MeterSettings
        How large and how often; one that is off starts nothing before the first frame.
    person_model : {'auto', 'opencv', 'litert'}
        What runs the person model.
    is_live : bool
        Whether to work beside the caller, on the newest frames, or within `offer`, on all that are due.
    """

    def __init__(self, settings: MeterSettings, person_model: Backend, *, is_live: bool) -> None:
        self._settings = settings
        self._person_model = person_model
        self._is_live = is_live
        self._next_s = -math.inf
        self._place: _Place | None = None
        if settings.is_on and settings.attacks_hz:
            self._place = self._open_place()

    @property
    def recovered(self) -> Recovered:
        """What it has found so far; live, a few seconds old."""
        return self._place.recovered if self._place else Recovered()

    @property
    def problem(self) -> str:
        """Why it has stopped, in one line; empty while it works."""
        problem = self._place.problem if self._place else ""
        return f"the leak meter's attacker has stopped: {problem}" if problem else ""

    def notices(self) -> list[str]:
        """Say in one line each what is wrong with it."""
        if self.problem:
            return [self.problem]
        if self._place and self._place.silent_s() > SILENT_S:
            return [f"the leak meter's attack has been at one frame for over {SILENT_S:g} s: {SLOW}"]
        return []

    def offer(self, output: Image, plate: Image, is_known: _BOOL, pts_s: float) -> None:
        """Let the attacker see a frame, if it is due.

        Parameters
        ----------
        output, plate : ndarray
            (height, width, 3) uint8 BGR: what others see, and the room.
        is_known : ndarray
            (height, width) bool: where `plate` is known.
        pts_s : float
            Time of the frame.
        """
        if not self._settings.attacks_hz or pts_s < self._next_s - ROUNDING_S or self.problem:
            return
        self._next_s = pts_s + 1 / self._settings.attacks_hz
        self._place = self._place or self._open_place()
        self._place.offer(_made_small(output, plate, is_known, self._settings.attack_lines, pts_s))

    def forget(self) -> None:
        """Begin anew with the next frame, which is due: another room. One that has stopped is started again."""
        self._next_s = -math.inf
        if self._place is None:
            return
        if self.problem:
            self._place.close()
            self._place = self._open_place()
        self._place.forget()

    def finish(self) -> Recovered:
        """Look at what was found a last time, after the last frame.

        Returns
        -------
        Recovered
            The final figures.
        """
        if self._place:
            self._place.finish()
        return self.recovered

    def close(self) -> None:
        """Let go of what it works in; calling it again does nothing."""
        if self._place:
            self._place.close()

    def _open_place(self) -> _Place:
        kind = AttackProcess if self._is_live else _Here
        return kind(self._settings.attack_lines, self._person_model)


class _Here:
    """The attack in the caller's thread, see `AttackProcess`."""

    def __init__(self, lines: int, person_model: Backend) -> None:
        self._attack = Attack(lines, person_model)
        self.recovered = Recovered()
        self.problem = ""

    def offer(self, seen: Seen) -> None:
        try:
            self._attack.see(seen)
        except Exception as error:  # noqa: BLE001 - the measuring goes on without the attack, which is said
            self.problem = str(error)
        self.recovered = self._attack.recovered

    def forget(self) -> None:
        self._attack.forget()
        self.recovered = Recovered()

    def silent_s(self) -> float:
        return 0.0

    def finish(self) -> None:
        if not self.problem:
            self._attack.look()
            self.recovered = self._attack.recovered

    def close(self) -> None:
        """Nothing is held."""


def _made_small(output: Image, plate: Image, is_known: _BOOL, lines: int, pts_s: float) -> Seen:
    height, width = output.shape[:2]
    if height <= lines:
        return Seen(output, plate.copy(), is_known.copy(), pts_s)
    size = (round(width * lines / height), lines)
    small, room, known = (
        np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), np.uint8)
        for each in (output, plate, is_known.astype(np.uint8) * 255)
    )
    return Seen(small, room, known == 255, pts_s)
