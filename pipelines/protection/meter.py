"""The leak meter: what our own output gives away, measured while it goes out, and the mask tightened by it.

Two figures, both against the plate of the room that the protection has learnt: how much of it has shown at least once
(`exposure`), counted in every frame at once, and how much our own attack could recover (`attacker`), which works beside
the camera. Above the budget of either the mask becomes tighter by itself (`budget`).
"""

from typing import Any

from config.schema import MeterSettings, Profile
from pipelines.base import Image
from pipelines.protection.attack import Recovered
from pipelines.protection.attacker import Attacker
from pipelines.protection.budget import Budget
from pipelines.protection.contract import Protection
from pipelines.protection.exposure import ExposureMeter, Exposures, warm_up_exposure
from pipelines.segmentation import Backend


class LeakMeter:
    """Measures what a protection lets through. Called from one thread, the loop's.

    Parameters
    ----------
    settings : MeterSettings
        Budgets, and how the attack works.
    person_model : {'auto', 'opencv', 'litert'}
        What runs the attack's person model.
    is_live : bool
        Whether the attack works beside the caller, in a process of its own, or within `add`; live, the rest is
        compiled here.

    Attributes
    ----------
    exposures : Exposures
        What has shown so far.
    """

    def __init__(self, settings: MeterSettings, person_model: Backend = "auto", *, is_live: bool) -> None:
        self._settings = settings
        if is_live:
            warm_up_exposure()
        self._attacker = Attacker(settings, person_model, is_live=is_live)
        self._meter = ExposureMeter()
        self._budget = Budget(settings)
        self.exposures = Exposures()

    @property
    def recovered(self) -> Recovered:
        """What the attack has found so far; a few seconds old."""
        return self._attacker.recovered

    @property
    def steps(self) -> int:
        """How many steps tighter the mask is for the leaks."""
        return self._budget.steps

    def add(self, camera: Image, output: Image, protection: Protection, pts_s: float) -> None:
        """Measure a frame, and tighten the mask for the next one if it must be.

        Parameters
        ----------
        camera, output : ndarray
            (height, width, 3) uint8 BGR: what the camera saw, and what others see of it.
        protection : Protection
            That made one of the other: its plate and mask are read, and `tighten` is called.
        pts_s : float
            Time of the frame.
        """
        if not self._settings.is_on:
            return
        plate, is_known = protection.plate, protection.is_plate_known
        self.exposures = self._meter.add(camera, output, plate, is_known, protection.mask)
        self._attacker.offer(output, plate, is_known, pts_s)
        if self._budget.update(self.exposures.beyond_chance, self.recovered.beyond_chance, pts_s):
            protection.tighten(self._budget.steps)

    def forget_room(self) -> None:
        """Begin anew, with the mask as tight as it is: another room, or the camera was moved."""
        self._meter.forget()
        self.exposures = Exposures()
        self._attacker.forget()

    def apply(self, profile: Profile, protection: Protection) -> list[str]:
        """Take changed settings while running.

        Parameters
        ----------
        profile : Profile
            Already validated; its section `meter` counts.
        protection : Protection
            Whose mask may have to change.

        Returns
        -------
        list of str
            One line for each change that needs a restart and was therefore left alone.
        """
        settings = profile.meter
        kept = {name: getattr(self._settings, name) for name in ("attacks_hz", "attack_lines")}
        left_alone = [
            f"meter.{name} changes at the next start"
            for name, value in kept.items()
            if getattr(settings, name) != value
        ]
        self._settings = self._budget.settings = settings.model_copy(update=kept)
        most = self._settings.most_steps if self._settings.is_on else 0
        if self._budget.steps > most:
            self._budget.steps = most
            protection.tighten(most)
        return left_alone

    def shown_share(self) -> float:
        """Return how much of the known room has shown at least once, beyond chance, 0 to 1."""
        return self.exposures.beyond_chance

    def figures(self) -> list[tuple[str, str, bool]]:
        """Return name, text and whether it is over its budget, for views."""
        if not self._settings.is_on:
            return []
        exposed, recovered = self.exposures.beyond_chance, self.recovered.beyond_chance
        is_attacked = self.recovered.n_frames > 0
        return [
            ("Room shown once", f"{exposed:.2%}", exposed > self._settings.exposed_budget),
            ("Room recovered", f"{recovered:.2%}" if is_attacked else "-", recovered > self._settings.recovered_budget),
            ("Room known", f"{self.exposures.room:.0%}", False),
            ("Mask tighter by", f"{self.steps} px at 360 lines" if self.steps else "nothing", self.steps > 0),
        ]

    def notices(self) -> list[str]:
        """Say in one line each what is over its budget and what was done, and what the meter lacks."""
        if not self._settings.is_on:
            return ["the leak meter is off (meter.is_on)"]
        return [*self._budget.notices(), *self._attacker.notices()]

    def report(self) -> dict[str, Any]:
        """Return the figures for `report.json`; JSON values only."""
        return {
            **exposures_report(self.exposures),
            "exposed_budget": self._settings.exposed_budget,
            **recovered_report(self.recovered),
            "recovered_budget": self._settings.recovered_budget,
            "steps": self._budget.steps,
            "tightened": self._budget.n_tightened,
        }

    def finish(self) -> None:
        """Let the attack look at what it has a last time; after the last frame."""
        self._attacker.finish()

    def close(self) -> None:
        """End the attack; calling it again does nothing."""
        self._attacker.close()


def exposures_report(exposures: Exposures) -> dict[str, Any]:
    """Return what a report says of what has shown.

    Parameters
    ----------
    exposures : Exposures
        The figures.

    Returns
    -------
    dict
        JSON values only.
    """
    return {
        "exposed_once": round(exposures.once, 6),
        "exposed_chance": round(exposures.chance, 6),
        "exposed_beyond_chance": round(exposures.beyond_chance, 6),
        "worst_frame": round(exposures.worst, 6),
        "room_known": round(exposures.room, 6),
        "measured_frames": exposures.n_frames,
    }


def recovered_report(recovered: Recovered) -> dict[str, Any]:
    """Return what a report says of the attack.

    Parameters
    ----------
    recovered : Recovered
        Its figures.

    Returns
    -------
    dict
        JSON values only.
    """
    return {
        "recovered": round(recovered.share, 6),
        "recovered_near": round(recovered.near, 6),
        "recovered_chance": round(recovered.chance, 6),
        "recovered_beyond_chance": round(recovered.beyond_chance, 6),
        "claimed": round(recovered.claimed, 6),
        "attacked_frames": recovered.n_frames,
    }
