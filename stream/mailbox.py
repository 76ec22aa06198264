"""A handover between two threads, and a name for what happens when the next item comes too soon.

``newest_wins`` holds one item, or as many as are said, gives the oldest up for a newer one (live: a late picture is
worthless) and counts the loss; ``block`` makes
the sender wait (files: nothing may be lost), and holds two items, so that both sides may have slow moments.
"""

import threading
from collections import deque
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Policy = Literal["newest_wins", "block"]

CAPACITY = {"newest_wins": 1, "block": 2}


class Closed(Exception):  # noqa: N818 - not an error: the other side has left
    """The mailbox was closed; nothing can be put in any more."""


class Mailbox(Generic[T]):
    """Hands items from one thread to another, in order.

    Parameters
    ----------
    policy : {'newest_wins', 'block'}
        What `put` does while as many items are waiting as there may be.
    capacity : int, optional
        How many may wait; that of the policy unless given.
    """

    def __init__(self, policy: Policy, capacity: int | None = None) -> None:
        self.policy = policy
        self.n_dropped = 0
        self._items: deque[T] = deque()
        self._capacity = capacity or CAPACITY[policy]
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
                self._changed.wait_for(lambda: len(self._items) < self._capacity or self._is_closed)
            if self._is_closed:
                raise Closed
            if len(self._items) == self._capacity:
                self._items.popleft()
                self.n_dropped += 1
            self._items.append(item)
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
            self._changed.wait_for(lambda: self._items or self._is_closed, timeout_s)
            if not self._items:
                return None
            self._changed.notify_all()
            return self._items.popleft()

    def close(self) -> None:
        """Let no more items in; those that wait can still be taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def discard(self) -> int:
        """Close, and throw away what waits.

        Returns
        -------
        int
            Items thrown away.
        """
        with self._changed:
            self._is_closed = True
            n_items = len(self._items)
            self._items.clear()
            self._changed.notify_all()
            return n_items

    @property
    def is_finished(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._is_closed and not self._items
