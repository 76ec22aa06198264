"""What another client gives away: its picture of a call, measured against the webcam that it shows.

The client's picture is brought back to the camera's (`registration`): its delay, place and colours are found on the
person, who is in both. From then on each of its frames is compared with the camera's frame that it shows, as our own
output is (`exposure`, `attacker`), against the room as the camera knows it. There is no mask to ask here: all of the
room is looked at, and chance matters more, for a virtual background may have the room's colours in many places.

Frames that come before the registration is found are kept, and measured then. If the client's picture is moved or
zoomed later, frames no longer fit: that is said, and it is registered anew.

Limits: what shows before its room is known is not counted; a recording of the webcam can be read once before, so that
all of the room is known from the first frame.
"""

import math
from collections import deque
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from config.schema import MeterSettings
from pipelines.base import Image
from pipelines.protection.attack import Recovered
from pipelines.protection.attacker import Attacker
from pipelines.protection.contract import Mask
from pipelines.protection.exposure import GRID_LINES, ExposureMeter, Exposures
from pipelines.protection.meter import exposures_report, recovered_report
from pipelines.protection.registration import (
    MOST_LAG_S,
    Moment,
    Registration,
    best_match,
    glance,
    moment,
    register,
)
from pipelines.segmentation import Backend, open_segmenter

WINDOW_S = 6.0
"""Seconds of both streams that a registration is made from."""

MOST_KEPT_S = 2 * WINDOW_S
"""No frame of the webcam is kept for longer, whatever becomes of the client's stream."""

TRY_EVERY_S = 2.0

MATCH_S = 0.1
"""How far from its usual lag a frame may be: two or three frames, to either side."""

FOLLOW = 0.05
"""Share of a frame's own lag, and of its misfit, in the usual ones."""

MOST_MISFIT = 3.0
"""The picture has moved when frames differ so many times more on the person than they did at first."""

PERSON_PROBABILITY = 0.5

_Known = npt.NDArray[np.bool_]


class Audit:
    """Measures another client's picture. One thread at a time may call.

    Parameters
    ----------
    settings : MeterSettings
        How the attack works.
    person_model : {'auto', 'opencv', 'litert'}
        What finds the person in the client's picture.
    is_live : bool
        Whether the attack works beside the caller, on the newest frames, or on all that are due.

    Attributes
    ----------
    exposures : Exposures
        What the client has shown so far.
    registration : Registration or None
        How it shows the camera's picture, once that is known.
    problem : str
        Why it is not known; empty while it is, or while there are too few frames to tell.
    """

    def __init__(self, settings: MeterSettings, person_model: Backend = "auto", *, is_live: bool) -> None:
        self._settings = settings
        self._segmenter = open_segmenter(person_model)
        self._attacker = Attacker(settings, person_model, is_live=is_live)
        self._meter = ExposureMeter()
        self._cameras: deque[Moment] = deque()
        self._outputs: deque[Moment] = deque()
        self._plate: tuple[Image, _Known] | None = None
        self._next_try_s = self._shown_s = -math.inf
        self._first_misfit: float | None = None
        self._misfit = self._usual_lag_s = 0.0
        self.exposures = Exposures()
        self.registration: Registration | None = None
        self.problem = ""

    @property
    def recovered(self) -> Recovered:
        """What the attack has found so far."""
        return self._attacker.recovered

    def see_camera(self, camera: Image, mask: Mask, plate: Image, is_known: _Known, pts_s: float) -> None:
        """Take the next frame of the webcam.

        Parameters
        ----------
        camera : ndarray
            (height, width, 3) uint8 BGR.
        mask : ndarray
            (height, width) float32: where the person is.
        plate : ndarray
            (height, width, 3) uint8 BGR: the room.
        is_known : ndarray
            (height, width) bool: where `plate` is known.
        pts_s : float
            On the clock of both streams.
        """
        is_person = _small(mask) > PERSON_PROBABILITY
        self._cameras.append(moment(np.asarray(_small(camera), np.uint8), is_person, pts_s))
        known = _small(is_known.astype(np.uint8) * 255) == 255
        self._plate = np.asarray(_small(plate), np.uint8), known
        self._measure_what_is_ready()
        while self._cameras[0].pts_s < max(self._oldest_needed_s(), pts_s - MOST_KEPT_S):
            self._cameras.popleft()

    def see_output(self, output: Image, pts_s: float) -> None:
        """Take the next frame of the client's picture.

        Parameters
        ----------
        output : ndarray
            (any, any, 3) uint8 BGR, of one size.
        pts_s : float
            On the clock of both streams.
        """
        small = np.asarray(_small(output), np.uint8)
        self._shown_s = pts_s
        if self.registration is not None:
            self._outputs.append(moment(small, np.zeros(small.shape[:2], bool), pts_s))
            self._measure_what_is_ready()
            return
        self._outputs.append(moment(small, self._segmenter.probability(small) > PERSON_PROBABILITY, pts_s))
        if pts_s - self._outputs[0].pts_s >= WINDOW_S and pts_s >= self._next_try_s and self._cameras:
            self._register(pts_s)

    def shown_share(self) -> float:
        """Return how much of the known room has shown at least once, beyond chance, 0 to 1."""
        return self.exposures.beyond_chance

    def figures(self) -> list[tuple[str, str, bool]]:
        """Return name, text and whether it is over its budget, for views."""
        exposed, recovered = self.exposures.beyond_chance, self.recovered.beyond_chance
        return [
            ("Room shown once", f"{exposed:.2%}", exposed > self._settings.exposed_budget),
            ("Room recovered", f"{recovered:.2%}", recovered > self._settings.recovered_budget),
            ("Room known", f"{self.exposures.room:.0%}", False),
            ("Client's picture", self.registration.message if self.registration else "not found yet", False),
        ]

    def notices(self) -> list[str]:
        """Say in one line each what keeps it from measuring."""
        return [*([self.problem] if self.problem else []), *self._attacker.notices()]

    def finish(self) -> None:
        """Measure what waits and let the attack look a last time; after the last frames."""
        if self.registration is None and self._outputs and self._cameras:
            self._register(self._outputs[-1].pts_s)
        self._measure_what_is_ready(is_over=True)
        self._attacker.finish()

    def shown_room(self) -> Image | None:
        """Return the room where it was shown.

        Returns
        -------
        ndarray or None
            (height, width, 4) uint8 BGRA: the room, opaque where it was shown at least once, of the size that is
            measured at; None while nothing was measured.
        """
        if self._plate is None or not self.exposures.n_frames:
            return None
        return np.dstack([self._plate[0], self._meter.once.astype(np.uint8) * 255])

    def close(self) -> None:
        """End the attack; calling it again does nothing."""
        self._attacker.close()

    def report(self) -> dict[str, Any]:
        """Return the figures for `report.json`; JSON values only."""
        exposures, registration = self.exposures, self.registration
        return {
            "registered": registration.message if registration else None,
            "lag_s": round(self._usual_lag_s, 3) if registration else None,
            **exposures_report(exposures),
            "exposed_budget": self._settings.exposed_budget,
            **recovered_report(self.recovered),
            "recovered_budget": self._settings.recovered_budget,
        }

    def _register(self, pts_s: float) -> None:
        found = register(list(self._cameras), list(self._outputs))
        if isinstance(found, str):
            self.problem = f"the client's picture is not found in the camera's: {found}"
            self._next_try_s = pts_s + TRY_EVERY_S
            while pts_s - self._outputs[0].pts_s > WINDOW_S:
                self._outputs.popleft()
            return
        self.registration, self.problem = found, ""
        self._usual_lag_s, self._first_misfit = found.lag_s, None
        self._measure_what_is_ready()

    def _measure_what_is_ready(self, *, is_over: bool = False) -> None:
        """Measure the frames of the client's whose camera's frames have all come."""
        while self.registration is not None and self._outputs and self._cameras:
            wanted_s = self._outputs[0].pts_s - self._usual_lag_s
            if self._cameras[-1].pts_s < wanted_s + MATCH_S and not is_over:
                return
            self._measure(self.registration, self._outputs.popleft(), wanted_s)

    def _measure(self, registration: Registration, output: Moment, wanted_s: float) -> None:
        near = [each for each in self._cameras if abs(each.pts_s - wanted_s) <= MATCH_S]
        if not near or self._plate is None:
            return
        plate, is_known = self._plate
        shown, is_covered = registration.undone(output.image, *is_known.shape)
        camera, misfit = best_match(glance(shown), near)
        if self._has_moved(misfit):
            return
        self._usual_lag_s += FOLLOW * (output.pts_s - camera.pts_s - self._usual_lag_s)
        self.exposures = self._meter.add(camera.image, shown, plate, is_known & is_covered)
        self._attacker.offer(shown, plate, is_known & is_covered, output.pts_s)

    def _has_moved(self, misfit: float) -> bool:
        if self._first_misfit is None:
            self._first_misfit = self._misfit = misfit
        self._misfit += FOLLOW * (misfit - self._misfit)
        if self._misfit <= MOST_MISFIT * self._first_misfit + 1:
            return False
        self.registration = None
        self.problem = "the client's picture has moved or changed its size; it is looked for anew"
        return True

    def _oldest_needed_s(self) -> float:
        """Return the time of the webcam's oldest frame that the client's, waiting or to come, may show."""
        waiting_s = self._outputs[0].pts_s if self._outputs else self._shown_s
        return waiting_s - (MOST_LAG_S if self.registration is None else self._usual_lag_s + 2 * MATCH_S)


def _small(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    height, width = picture.shape[:2]
    if height <= GRID_LINES:
        return picture
    size = (round(width * GRID_LINES / height), GRID_LINES)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
