"""The session's newest figures, kept as JSON text so that a reader in another thread never sees half a change."""

import json
import threading
from collections.abc import Mapping
from typing import Any

from stream.view.bell import Bell


class Figures:
    """One place for the newest figures between the session's thread and the server's.

    Parameters
    ----------
    bell : Bell
        Rung when the figures changed.
    """

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._lock = threading.Lock()
        self._version = 0
        self._text = "{}"

    def put(self, numbers: Mapping[str, Any]) -> None:
        """Take new figures; the same ones again change nothing.

        Parameters
        ----------
        numbers : mapping of str to Any
            JSON values, as `View.show_numbers` documents them; read before this returns.

        Raises
        ------
        ValueError
            If a number is not finite: JSON has no word for it.
        TypeError
            If a value is none of JSON's.
        """
        text = json.dumps(numbers, allow_nan=False, separators=(",", ":"))
        with self._lock:
            if text == self._text:
                return
            self._text = text
            self._version += 1
        self._bell.ring()

    def newest(self) -> tuple[int, str]:
        """Return the figures.

        Returns
        -------
        version : int
            Grows with every change; 0 before the first figures.
        text : str
            One line of JSON.
        """
        with self._lock:
            return self._version, self._text

    def numbers(self) -> dict[str, Any]:
        """Return the figures as a dict of the caller's own; empty before the first."""
        numbers: dict[str, Any] = json.loads(self.newest()[1])
        return numbers
