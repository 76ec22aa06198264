"""One place between two threads: holds a single item, and says what happens when the next one comes too soon.

``newest_wins`` replaces the waiting item (live: a late picture is worthless) and counts the loss; ``block`` makes
the sender wait (files: nothing may be lost).
"""

import threading
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Policy = Literal["newest_wins", "block"]


class Closed(Exception):  # noqa: N818 - not an error: the other side has left
    """The mailbox was closed; nothing can be put in any more."""


class Mailbox(Generic[T]):
    """Capacity-one handover from one thread to another.

    Parameters
    ----------
    policy : {'newest_wins', 'block'}
        What `put` does while an item is waiting.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.n_dropped = 0
        self._item: T | None = None
        self._is_closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Hand an item over.

        Parameters
        ----------
        item : T
            Anything but None.

        Raises
        ------
        Closed
            If the mailbox was closed, also while waiting.
        """
        with self._changed:
            if self.policy == "block":
                self._changed.wait_for(lambda: self._item is None or self._is_closed)
            if self._is_closed:
                raise Closed
            if self._item is not None:
                self.n_dropped += 1
            self._item = item
            self._changed.notify_all()

    def get(self, timeout_s: float | None = None) -> T | None:
        """Wait for an item and take it.

        Parameters
        ----------
        timeout_s : float, optional
            Longest wait in seconds; for ever unless given.

        Returns
        -------
        T or None
            The item; None after the wait, or once the mailbox is closed and empty (see `is_finished`).
        """
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._is_closed, timeout_s)
            item, self._item = self._item, None
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Let no more items in; the one that waits can still be taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def discard(self) -> None:
        """Close, and throw away the item that waits."""
        with self._changed:
            self._is_closed = True
            self._item = None
            self._changed.notify_all()

    @property
    def is_finished(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._is_closed and self._item is None
