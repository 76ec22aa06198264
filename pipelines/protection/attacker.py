"""Our own attack on our own output, beside it: what others could find of the room by now.

The attacker is the reconstruction `leak` as `backroom watch` runs it, on a picture of `meter.attack_lines` lines a few
times a second. Live, it works in a thread of its own at a lower priority, and takes the newest frame when it has done
with the one before: it never holds up the camera, and misses frames when there is no time. On recordings it works in
the caller's thread and misses none.

Its claims are held against the plate: a claim within CIEDE2000 4 of it is *recovered*. The same against the mirrored
plate is chance.
"""

import math
import os
import sys
import threading
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from config.schema import MeterSettings, WatchSettings
from pipelines.base import Frame, Image
from pipelines.protection.exposure import beyond_chance
from pipelines.protection.likeness import mark_alike
from pipelines.reconstruction.leak.pipeline import LeakReconstruction
from pipelines.segmentation import Backend

RECOVERED_DELTA_E = 4.0
NEAR_DELTA_E = 10.0

LOOK_EVERY_FRAMES = 20
"""Frames between two looks at what was found: a look takes as long as a dozen frames."""

NICENESS = 10

ROUNDING_S = 1e-6
"""Time stamps are sums of fractions; a frame that is due may seem a hair early."""

_BOOL = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the attacker has found; shares of the known room, 0 to 1.

    Attributes
    ----------
    n_frames : int
        Frames that it has looked at.
    claimed : float
        Share of the known room for which it claims to know the colour.
    share, near : float
        Of the known room, what it claims within CIEDE2000 4, and 10, of the plate.
    chance : float
        As `share`, against the mirrored plate.
    """

    n_frames: int = 0
    claimed: float = 0.0
    share: float = 0.0
    near: float = 0.0
    chance: float = 0.0

    @property
    def beyond_chance(self) -> float:
        """Share recovered without what chance explains."""
        return beyond_chance(self.share, self.chance)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One frame for the attacker, made small, and what is known of the room by then."""

    output: Image
    plate: Image
    is_known: _BOOL
    pts_s: float


class Attacker:
    """Attacks an output. `offer` frames from one thread; `close` when done.

    Parameters
    ----------
    settings : MeterSettings
        How large and how often.
    person_model : {'auto', 'opencv', 'litert'}
        What runs the person model.
    is_live : bool
        Whether to work beside the caller, on the newest frames, or within `offer`, on all that are due.
    """

    def __init__(self, settings: MeterSettings, person_model: Backend, *, is_live: bool) -> None:
        self._settings = settings
        self._reconstruction = LeakReconstruction(
            WatchSettings(person_model=person_model, work_height_px=settings.attack_lines)
        )
        self._next_s = -math.inf
        self.recovered = Recovered()
        self.problem = ""
        self._changed = threading.Condition()
        self._newest: _Seen | None = None
        self._latest: _Seen | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="attacker", daemon=True) if is_live else None
        if self._thread:
            self._warm_up()
            self._thread.start()

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
        seen = _made_small(output, plate, is_known, self._settings.attack_lines, pts_s)
        if self._thread is None:
            self._attack(seen)
            return
        with self._changed:
            self._newest = seen
            self._changed.notify()

    def finish(self) -> Recovered:
        """Look at what was found a last time, after the last frame.

        Returns
        -------
        Recovered
            The final figures.
        """
        self.close()
        if self._latest and not self.problem:
            self._look(self._latest)
        return self.recovered

    def stop(self) -> None:
        """Let the thread end by itself, soon."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def close(self) -> None:
        """End the thread and wait for that; calling it again does nothing."""
        self.stop()
        if self._thread:
            self._thread.join()

    def _warm_up(self) -> None:
        """Load and compile everything now: that holds up every thread, and the camera does not run yet."""
        if self._settings.is_on and self._settings.attacks_hz:
            lines = self._settings.attack_lines
            self._reconstruction.warm_up(lines, 2 * lines, is_live=False)

    def _run(self) -> None:
        if sys.platform == "linux":
            # Threads have priorities of their own there, and those that this one starts take it over.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest or self._is_closed)
                seen, self._newest = self._newest, None
            if seen is None:
                return
            self._attack(seen)

    def _attack(self, seen: _Seen) -> None:
        try:
            if self._latest is None or self._latest.output.shape != seen.output.shape:
                self._reconstruction.warm_up(*seen.output.shape[:2], is_live=False)
            self._reconstruction.process(Frame(seen.output, seen.pts_s))
            self._latest = seen
            if self._reconstruction.n_frames % LOOK_EVERY_FRAMES == 0:
                self._look(seen)
        except Exception as error:  # noqa: BLE001 - the camera goes on without the attacker, which is said
            self.problem = f"the leak meter's attacker has stopped: {error}"

    def _look(self, seen: _Seen) -> None:
        found = self._reconstruction.findings().room
        colors = np.ascontiguousarray(found[..., :3])
        claimed = (found[..., 3] > 0) & seen.is_known
        n_known = max(1, int(np.count_nonzero(seen.is_known)))
        scratch = np.empty_like(claimed)

        def share(limit: float, *, is_mirrored: bool = False) -> float:
            return int(mark_alike(colors, seen.plate, claimed, limit, 1, is_mirrored, scratch)) / n_known

        self.recovered = Recovered(
            self._reconstruction.n_frames,
            int(np.count_nonzero(claimed)) / n_known,
            share(RECOVERED_DELTA_E),
            share(NEAR_DELTA_E),
            share(RECOVERED_DELTA_E, is_mirrored=True),
        )


def _made_small(output: Image, plate: Image, is_known: _BOOL, lines: int, pts_s: float) -> _Seen:
    height, width = output.shape[:2]
    if height <= lines:
        return _Seen(output, plate.copy(), is_known.copy(), pts_s)
    size = (round(width * lines / height), lines)
    small, room, known = (
        np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), np.uint8)
        for each in (output, plate, is_known.astype(np.uint8) * 255)
    )
    return _Seen(small, room, known == 255, pts_s)
