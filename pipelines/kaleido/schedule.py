"""Which sub-frame, of which cycle, at which strength each period of the display shows.

All of it is arithmetic on the display's own count of periods (vertical blanks). Counting the sub-frames that were
handed to the display instead would turn the order around at every flip that came too late, and from then on A would
be shown where B belongs: the fused picture would still be right, but the one cycle in which it happens is not, and
with several phases side by side neither is any later one. So a missed flip never moves the grid of cycles. It breaks
one cycle, whose rest is shown plain, and the modulation rises again from the next boundary.

The modulation rises along a raised cosine from cycle to cycle and is the same within a cycle: every cycle sums to its
picture whatever its strength, so that the rise has no light of its own, and the envelope of the flicker has no corner.

Times of the source are fractions: a film of three hours at 24000/1001 frames a second on 120000/1001 periods ends on
the frame that it should.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from pipelines.kaleido.contract import Period

LEAST_HZ = 100.0
"""Periods a second of the slowest display: below, the sub-frames of even the shortest cycle flicker in plain sight."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A flip that came too late, for the log.

    Attributes
    ----------
    vblank : int
        The first period that showed the old sub-frame again.
    n_missed : int
        Periods that did, 1 or more.
    n_plain : int
        Periods after them that show the plain picture, up to the end of the cycle: 1 to `n_slots`.
    """

    vblank: int
    n_missed: int
    n_plain: int


class CycleClock:
    """Tells what each period of the display shows.

    Parameters
    ----------
    n_slots : int
        Sub-frames in a cycle.
    refresh_hz : float or Fraction
        Periods of the display a second. A fraction where it is known, such as 120000/1001; a float is taken for
        exactly what it is.
    fade_s : float
        How long the modulation rises at the start and after a slip, in seconds; 0 is at once.
    first_vblank : int
        The display's count at the first period of cycle 0, which is plain.
    n_periods : int, optional
        Periods in all, for a file: a last cycle that does not fit any more is plain, so that every cycle that is
        modulated averages to its picture.

    Raises
    ------
    ValueError
        If a cycle has fewer than two slots, the rate is not above 0, or `fade_s` is negative.
    """

    def __init__(
        self,
        n_slots: int,
        refresh_hz: float | Fraction,
        fade_s: float,
        *,
        first_vblank: int = 0,
        n_periods: int | None = None,
    ) -> None:
        if n_slots < 2 or refresh_hz <= 0 or fade_s < 0:
            raise ValueError(
                "a cycle needs 2 slots or more, a rate above 0 and a fade of 0 s or more; "
                f"got {n_slots} slots, {refresh_hz} Hz and {fade_s} s"
            )
        self.n_slots = n_slots
        self.refresh_hz = Fraction(refresh_hz)
        self.n_fade_cycles = max(1, math.ceil(Fraction(fade_s) * self.refresh_hz / n_slots))
        self._first_vblank = first_vblank
        self._n_whole_cycles = None if n_periods is None else n_periods // n_slots
        self._plain_cycle = 0  # the last one before the modulation rises
        self._resumes = first_vblank  # the first period that is not known to have been missed

    def at(self, vblank: int) -> Period:
        """Say what a period shows.

        Parameters
        ----------
        vblank : int
            The display's count; not before the last slip, whose cycle was begun at another strength.

        Returns
        -------
        Period
            Cycle, slot and strength.

        Raises
        ------
        ValueError
            If it is before the first period.
        """
        if vblank < self._first_vblank:
            raise ValueError(f"period {vblank} is before the first one, {self._first_vblank}")
        cycle, slot = divmod(vblank - self._first_vblank, self.n_slots)
        return Period(cycle, slot, self._strength(cycle))

    def slip(self, vblank: int, n_missed: int) -> Slip:
        """Take note of a missed flip: the rest of the cycle in which the display comes to itself becomes plain.

        Parameters
        ----------
        vblank : int
            The first period that showed the old sub-frame again. Slips are told in the order of time.
        n_missed : int
            Periods that did.

        Returns
        -------
        Slip
            For the log. It is the caller's to show the plain picture for `n_plain` periods, which `at` asks for by a
            strength of 0.

        Raises
        ------
        ValueError
            If nothing was missed, or it is before the first period or the end of the last slip.
        """
        if n_missed < 1 or vblank < self._resumes:
            raise ValueError(
                f"wanted 1 or more missed periods from {self._resumes} on; got {n_missed} from {vblank} on"
            )
        self._resumes = vblank + n_missed
        self._plain_cycle, slot = divmod(self._resumes - self._first_vblank, self.n_slots)
        return Slip(vblank, n_missed, self.n_slots - slot)

    def media_s(self, cycle: int) -> Fraction:
        """Return the time at which a cycle begins.

        Parameters
        ----------
        cycle : int
            Number of the cycle, from 0.

        Returns
        -------
        Fraction
            Seconds since cycle 0 began.
        """
        return Fraction(cycle * self.n_slots) / self.refresh_hz

    def source_frame(self, cycle: int, source_hz: float | Fraction) -> int:
        """Return the frame of the source that a cycle shows: the one that is due when the cycle begins.

        Parameters
        ----------
        cycle : int
            Number of the cycle, from 0.
        source_hz : float or Fraction
            Frames of the source a second, such as 24000/1001.

        Returns
        -------
        int
            Number of the frame, from 0. Cycles that are shorter than frames repeat some, longer ones leave some out.
        """
        return math.floor(self.media_s(cycle) * Fraction(source_hz))

    def _strength(self, cycle: int) -> float:
        if cycle <= self._plain_cycle or (self._n_whole_cycles is not None and cycle >= self._n_whole_cycles):
            return 0.0
        progress = min(1.0, (cycle - self._plain_cycle) / self.n_fade_cycles)
        return math.sin(math.pi / 2 * progress) ** 2


def count_subframes(n_frames: int, source_hz: float | Fraction, refresh_hz: float | Fraction) -> int:
    """Return how many sub-frames a file of so many frames makes.

    Parameters
    ----------
    n_frames : int
        Frames of the source.
    source_hz : float or Fraction
        Frames of the source a second.
    refresh_hz : float or Fraction
        Sub-frames a second.

    Returns
    -------
    int
        The whole number of sub-frames that is nearest to the source's length; of two equally near the even one.
    """
    return round(n_frames / Fraction(source_hz) * Fraction(refresh_hz))
