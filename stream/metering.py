"""The leak meter of a protected camera: what a session needs of one, and the wall between its faults and the camera.

The meter looks at frames that are already on their way to the sinks, so that its time delays none. If it fails, the
camera goes on without it, and says so: measuring protects nobody by itself.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from config.schema import Profile
from pipelines.base import Image
from pipelines.protection.contract import Protection


class Meter(Protocol):
    """Measures what a protection lets through, and tightens its mask. Called from the loop's thread."""

    def add(self, camera: Image, output: Image, protection: Protection, pts_s: float) -> None:
        """Measure a frame, and tighten the mask for the next one if it must be.

        Parameters
        ----------
        camera, output : ndarray
            (height, width, 3) uint8 BGR: what the camera saw, and what others see of it.
        protection : Protection
            That made one of the other.
        pts_s : float
            Time of the frame.
        """

    def forget_room(self) -> None:
        """Begin anew: the camera was moved."""

    def apply(self, profile: Profile, protection: Protection) -> Sequence[str]:
        """Take changed settings while running.

        Parameters
        ----------
        profile : Profile
            Already validated.
        protection : Protection
            Whose mask may have to change.

        Returns
        -------
        sequence of str
            One line for each change that needs a restart and was therefore left alone.
        """

    def shown_share(self) -> float:
        """Return how much of the known room has shown at least once, 0 to 1."""

    def figures(self) -> Sequence[tuple[str, str, bool]]:
        """Return name, text and whether it is a bad sign, for views."""

    def notices(self) -> Sequence[str]:
        """Say in one line each what is over its budget and what was done."""

    def report(self) -> dict[str, Any]:
        """Return the figures for `report.json`; JSON values only."""

    def finish(self) -> None:
        """Work off what is waiting; after the last frame."""

    def close(self) -> None:
        """Let go of threads; calling it again does nothing."""


class Metering:
    """A meter, or none, that cannot harm the session.

    Parameters
    ----------
    meter : Meter or None
        What measures.
    """

    def __init__(self, meter: Meter | None) -> None:
        self._meter = meter
        self._problem = ""

    def add(self, camera: Image, output: Image, protection: Protection, pts_s: float) -> None:
        """Measure a frame, see `Meter.add`."""
        self._guarded(lambda meter: meter.add(camera, output, protection, pts_s))

    def forget_room(self) -> None:
        """Begin anew, see `Meter.forget_room`."""
        self._guarded(lambda meter: meter.forget_room())

    def apply(self, profile: Profile, protection: Protection) -> list[str]:
        """Take changed settings, see `Meter.apply`."""
        left_alone: list[str] = []
        self._guarded(lambda meter: left_alone.extend(meter.apply(profile, protection)))
        return left_alone

    def shown_share(self) -> float | None:
        """Return how much of the room has shown, see `Meter.shown_share`; None without a meter that works."""
        shares: list[float] = []
        self._guarded(lambda meter: shares.append(meter.shown_share()))
        return shares[0] if shares else None

    def figures(self) -> list[tuple[str, str, bool]]:
        """Return what views show of it, see `Meter.figures`."""
        figures: list[tuple[str, str, bool]] = []
        self._guarded(lambda meter: figures.extend(meter.figures()))
        return figures

    def notices(self) -> list[str]:
        """Say what is over its budget, and whether it works at all."""
        notices: list[str] = []
        self._guarded(lambda meter: notices.extend(meter.notices()))
        return [*notices, *([self._problem] if self._problem else [])]

    def finish(self) -> dict[str, Any] | None:
        """Return what it found in the end; None without one that works."""
        self._guarded(lambda meter: meter.finish())
        found: list[dict[str, Any]] = []
        self._guarded(lambda meter: found.append(meter.report()))
        return found[0] if found else None

    def close(self) -> None:
        """Let go of its threads."""
        self._guarded(lambda meter: meter.close())

    def _guarded(self, work: Callable[[Meter], object]) -> None:
        if self._meter is None:
            return
        try:
            work(self._meter)
        except Exception as error:  # noqa: BLE001 - whatever it is, the camera goes on
            self._meter = None
            self._problem = f"the leak meter failed and nothing is measured any more ({type(error).__name__}: {error})"
