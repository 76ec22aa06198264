"""The contract of what tells whether anybody watches a virtual camera."""

from typing import Protocol


class Consumers(Protocol):
    """Tells whether another program reads a virtual camera. Called from one thread."""

    @property
    def how(self) -> str:
        """One line on how that is known and, where it is not known well or at all, why.

        May be read from any thread.
        """

    @property
    def can_tell(self) -> bool:
        """False where `is_watched` is True because nobody knows. May be read from any thread."""

    def is_watched(self) -> bool:
        """Say whether anybody watches at the moment: at once, without raising, ten times a second.

        Where it can no longer be told the answer is True, and `how` says why: a camera that is on for nobody is
        seen by its light, one that stays off ends a call.
        """

    def close(self) -> None:
        """Let go of the device; calling it again does nothing."""


class AlwaysWatched:
    """Where nobody can tell: the camera stays on.

    Parameters
    ----------
    reason : str
        Why it cannot be told.
    """

    def __init__(self, reason: str) -> None:
        self.how = f"the camera stays on: {reason}"
        self.can_tell = False

    def is_watched(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Do nothing."""
