"""What a session keeps in mind beside the counts: what is due, what was said, and what the state holds."""

import time
from dataclasses import dataclass, field
from typing import Any

COMPILING = "compiling the kernels (the first time takes a while)"
WAITING = "waiting for the first frame"
COUNTING = "counting"
PAUSED, RUNNING = "paused", "running"

PASSING_MESSAGES = frozenset({COMPILING, WAITING, COUNTING, PAUSED, RUNNING})
"""Messages that only say what goes on right now; all others are worth keeping in sight."""


class Deadlines:
    """Says when something that happens now and then is due again."""

    def __init__(self) -> None:
        self._next_s: dict[str, float] = {}
        self._start_s: float | None = None

    def start(self) -> None:
        """Begin to count the session's time."""
        self._start_s = time.monotonic()

    def elapsed_s(self) -> float:
        """Return the seconds since `start`; 0.0 before."""
        return time.monotonic() - self._start_s if self._start_s is not None else 0.0

    def is_due(self, name: str, every_s: float) -> bool:
        """Say whether something is due, and if so put off the next time.

        Parameters
        ----------
        name : str
            What it is; the first time is one interval after it was first asked for.
        every_s : float
            Interval in seconds.

        Returns
        -------
        bool
            True if it should be done now.
        """
        now_s = time.monotonic()
        if now_s < self._next_s.setdefault(name, now_s + every_s):
            return False
        self._next_s[name] = now_s + every_s
        return True


@dataclass(slots=True)
class Messages:
    """What a person is told.

    Attributes
    ----------
    last : str
        The last thing that happened.
    state_problem : str
        What is wrong with the state file, or empty.
    """

    last: str = ""
    state_problem: str = ""

    def say(self, text: str) -> None:
        """Take a line as the last thing that happened.

        Parameters
        ----------
        text : str
            One line.
        """
        self.last = text


@dataclass(slots=True)
class CountedRecordings:
    """How far each recording has been counted into the state, so that no frame is counted twice.

    Attributes
    ----------
    present : str
        Identity of the recording that is watched; empty for live sources.
    counted : dict of str to int
        Identity to frames counted.
    n_skipped : int
        Frames of the present one that were passed over, because the state had counted them.
    """

    present: str
    counted: dict[str, int] = field(default_factory=dict)
    n_skipped: int = 0

    def resume(self, extra: dict[str, Any]) -> int:
        """Take over what a state says.

        Parameters
        ----------
        extra : dict
            From the state, see `to_json`.

        Returns
        -------
        int
            How many frames of the present recording are in it.
        """
        self.counted = {str(key): int(n) for key, n in extra.get("recordings", {}).items()}
        return self.counted.get(self.present, 0)

    def note_counted(self) -> None:
        """Note that one more frame of the present recording was counted."""
        if self.present:
            self.counted[self.present] = self.counted.get(self.present, 0) + 1

    def forget(self) -> None:
        """Forget all recordings, as the counts are forgotten."""
        self.counted.clear()

    def to_json(self) -> dict[str, Any]:
        """Return what the state is to hold."""
        return {"recordings": self.counted}
