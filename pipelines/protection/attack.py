"""Our own attack on small pictures of our own output: what others could find of the room by now.

The attack is the reconstruction `leak` as `backroom watch` runs it. Its claims are held against the plate: a claim
within CIEDE2000 4 of it is *recovered*. The same against the mirrored plate is chance.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from config.schema import WatchSettings
from pipelines.base import Frame, Image
from pipelines.crew import Crew
from pipelines.protection.exposure import beyond_chance
from pipelines.protection.likeness import mark_alike
from pipelines.reconstruction.leak.pipeline import LeakReconstruction
from pipelines.segmentation import Backend

RECOVERED_DELTA_E = 4.0
NEAR_DELTA_E = 10.0

LOOK_EVERY_FRAMES = 20
"""Frames between two looks at what was found: a look takes as long as a dozen frames."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the attack has found; shares of the known room, 0 to 1.

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
class Seen:
    """One frame for the attack, made small, and what is known of the room by then.

    Attributes
    ----------
    output, plate : ndarray
        (height, width, 3) uint8 BGR, C-contiguous: what others see, and the room.
    is_known : ndarray
        (height, width) bool, C-contiguous: where `plate` is known.
    pts_s : float
        Time of the frame.
    """

    output: Image
    plate: Image
    is_known: npt.NDArray[np.bool_]
    pts_s: float


class Attack:
    """Attacks the frames that it is shown. Called from one thread.

    Parameters
    ----------
    lines : int
        Most lines of a frame.
    person_model : {'auto', 'opencv', 'litert'}
        What runs the person model.
    crew : Crew, optional
        Threads that share a frame; those of the process unless given.

    Attributes
    ----------
    recovered : Recovered
        What was found at the latest look.
    """

    def __init__(self, lines: int, person_model: Backend, crew: Crew | None = None) -> None:
        self._lines = lines
        settings = WatchSettings(person_model=person_model, work_height_px=lines)
        self._reconstruction = LeakReconstruction(settings, crew=crew)
        self._latest: Seen | None = None
        self.recovered = Recovered()

    def warm_up(self) -> None:
        """Load and compile everything now.

        Raises
        ------
        PipelineError
            If the person model is missing or damaged.
        """
        self._reconstruction.warm_up(self._lines, 2 * self._lines, is_live=False)

    def see(self, seen: Seen) -> None:
        """Take the next frame; frames of another size begin anew.

        Parameters
        ----------
        seen : Seen
            Kept until the next.

        Raises
        ------
        PipelineError
            If the person model is missing or damaged.
        """
        if self._latest is None or self._latest.output.shape != seen.output.shape:
            self._reconstruction.warm_up(*seen.output.shape[:2], is_live=False)
        self._reconstruction.process(Frame(seen.output, seen.pts_s))
        self._latest = seen
        if self._reconstruction.n_frames % LOOK_EVERY_FRAMES == 0:
            self.look()

    def look(self) -> None:
        """Hold what was found by now against the plate."""
        if self._latest is None:
            return
        seen, found = self._latest, self._reconstruction.findings().room
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

    def forget(self) -> None:
        """Begin anew with the next frame: another room."""
        self._latest = None
        self.recovered = Recovered()
