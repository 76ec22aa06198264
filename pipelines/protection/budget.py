"""When the mask is tightened, and when a step is taken back, so that it does not swing.

What has leaked stays leaked: both figures only grow, up to what more of the room that becomes known does to a share.
So each *further* budget's worth of leaks is one step: the first as soon as a figure is over its budget, even by one
frame, the next when it has grown by a budget since. A step is taken back after a quiet time, in which no figure grew by
more than a quarter of its budget, one at a time; where leaks come back within that time, it doubles.
"""

import math
from dataclasses import dataclass

from config.schema import MeterSettings

QUIET_SHARE = 0.25
"""Share of a budget by which a figure may grow while it counts as quiet."""

LONGEST_HOLD = 16.0
"""The time before a step is taken back doubles up to so many times what the profile says."""

LONGEST_GAP_S = 1.0
"""Pauses longer than this don't count as quiet time: nothing was measured."""


@dataclass(slots=True)
class _Figure:
    """One share: what it was when the mask was last tightened, and when the present quiet time began."""

    what: str
    share: float = 0.0
    at_step: float = 0.0
    at_quiet: float = 0.0

    def take(self, share: float) -> None:
        """Take the share of a frame; one that shrinks, because more of the room has become known, is no credit."""
        self.share = share
        self.at_step, self.at_quiet = min(self.at_step, share), min(self.at_quiet, share)


class Budget:
    """Says how many steps tighter the mask is to be.

    Parameters
    ----------
    settings : MeterSettings
        The budgets, how far it may go, how long it holds; may be replaced while running.

    Attributes
    ----------
    steps : int
        How many steps tighter at the moment.
    n_tightened : int
        How often a step was added.
    """

    def __init__(self, settings: MeterSettings) -> None:
        self.settings = settings
        self.steps = 0
        self.n_tightened = 0
        self._exposed = _Figure("of the room has shown")
        self._recovered = _Figure("of the room could be recovered by our own attack")
        self._hold_s = settings.relax_after_s
        self._relaxed_s = -math.inf
        self._quiet_since_s = 0.0
        self._last_s = 0.0

    def update(self, exposed: float, recovered: float, now_s: float) -> bool:
        """Take the figures of a frame.

        Parameters
        ----------
        exposed, recovered : float
            Shares of the known room so far, without chance.
        now_s : float
            Time of the frame.

        Returns
        -------
        bool
            Whether `steps` changed.
        """
        before = self.steps
        self._skip_pauses(now_s)
        self._exposed.take(exposed)
        self._recovered.take(recovered)
        if any(figure.share > figure.at_quiet + QUIET_SHARE * budget for figure, budget in self._figures()):
            self._begin_quiet_time(now_s)
        if any(figure.share > figure.at_step + budget for figure, budget in self._figures()):
            self._tighten(now_s)
        elif self.steps and now_s - self._quiet_since_s >= self._hold_s:
            self.steps -= 1
            self._relaxed_s = now_s
            self._begin_quiet_time(now_s)
        self.steps = min(self.steps, self.settings.most_steps)
        return self.steps != before

    def notices(self) -> list[str]:
        """Say what is over its budget, and what was done about it."""
        over = [
            f"{figure.share:.2%} {figure.what} (budget {budget:.2%})"
            for figure, budget in self._figures()
            if figure.share > budget
        ]
        if not over and not self.steps:
            return []
        done = f"the mask is {self.steps} step{'s' * (self.steps != 1)} tighter"
        if self.steps == self.settings.most_steps:
            done += ", as far as meter.most_steps lets it go"
        return ["leak meter: " + "; ".join([*over, done])]

    def _figures(self) -> tuple[tuple[_Figure, float], tuple[_Figure, float]]:
        settings = self.settings
        return (self._exposed, settings.exposed_budget), (self._recovered, settings.recovered_budget)

    def _skip_pauses(self, now_s: float) -> None:
        gap_s = now_s - self._last_s
        if gap_s > LONGEST_GAP_S:
            self._quiet_since_s += gap_s
        self._last_s = now_s

    def _begin_quiet_time(self, now_s: float) -> None:
        self._quiet_since_s = now_s
        for figure in (self._exposed, self._recovered):
            figure.at_quiet = figure.share

    def _tighten(self, now_s: float) -> None:
        if now_s - self._relaxed_s < self._hold_s:
            self._hold_s = min(2 * self._hold_s, LONGEST_HOLD * self.settings.relax_after_s)
        if self.steps < self.settings.most_steps:
            self.steps += 1
            self.n_tightened += 1
        for figure in (self._exposed, self._recovered):
            figure.at_step = figure.share
        self._begin_quiet_time(now_s)
