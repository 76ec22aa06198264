"""Where in the film playback stands: the time of each cycle, pauses, jumps, and the sound that it keeps step with.

Time comes from the display: cycle after cycle is shown, each as long as its periods. A sound device has a clock of its
own, a few parts in 10,000 off; pictures follow it, a little at a time, so that nobody sees them do it.
"""

JUMP_S = 0.1
"""Further apart than this, pictures and sound are brought together at once: a person sees lips that are off by more."""

GAIN = 0.02
"""Share of a smaller difference that is taken away at each cycle."""


class Transport:
    """Turns cycles into moments of the film. Not locked: the session is.

    Parameters
    ----------
    cycle_s : float
        How long a cycle is shown, in seconds.
    is_paused : bool
        Whether it begins standing still.
    """

    def __init__(self, cycle_s: float, *, is_paused: bool = False) -> None:
        self._cycle_s = cycle_s
        self._from_cycle = 0
        self._from_s = 0.0
        self._cycle = 0
        self._shift_s = 0.0
        self._last_s = 0.0
        self._is_paused = is_paused

    @property
    def is_paused(self) -> bool:
        """Whether the film stands still."""
        return self._is_paused

    def moment_s(self, cycle: int) -> float:
        """Return the moment of the film that a cycle shows; never goes back but by `seek`.

        Parameters
        ----------
        cycle : int
            The cycle that is to be shown, not before the last one that was asked for.

        Returns
        -------
        float
            Seconds from the film's begin.
        """
        self._cycle = cycle
        if not self._is_paused:
            # From one place, so that no sum of rounded periods drifts in hours.
            due_s = self._from_s + (cycle - self._from_cycle) * self._cycle_s + self._shift_s
            self._last_s = max(due_s, self._last_s)
        return self._last_s

    def pause(self, paused: bool) -> None:
        """Stand still, or go on from there.

        Parameters
        ----------
        paused : bool
            False goes on.
        """
        if paused != self._is_paused:
            self._is_paused = paused
            self._go_on_from(self._last_s)

    def seek(self, position_s: float) -> None:
        """Go on from another moment.

        Parameters
        ----------
        position_s : float
            Seconds from the film's begin.
        """
        self._last_s = position_s
        self._go_on_from(position_s)

    def follow(self, ahead_s: float) -> None:
        """Come closer to the sound; called at most once a cycle.

        Parameters
        ----------
        ahead_s : float
            How far what is heard is ahead of what is shown, in seconds.
        """
        self._shift_s += ahead_s if abs(ahead_s) > JUMP_S else ahead_s * GAIN

    def _go_on_from(self, moment_s: float) -> None:
        self._from_cycle, self._from_s, self._shift_s = self._cycle, moment_s, 0.0
