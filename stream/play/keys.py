"""From the characters that a terminal sends to the names of keys."""

from collections.abc import Callable

_SEQUENCES = {"[A": "up", "[B": "down", "[C": "right", "[D": "left", "[H": "home", "[5~": "page up", "[6~": "page down"}
"""What follows the escape character (ECMA-48, as xterm sends it)."""

_LONGEST = 3


class KeyNames:
    """Puts characters together to keys.

    Parameters
    ----------
    press : callable
        Takes a key's name, see `stream.play.session.PlaySession.press`.
    """

    def __init__(self, press: Callable[[str], None]) -> None:
        self._press = press
        self._pending: str | None = None

    def take(self, character: str) -> None:
        """Take the next character.

        Parameters
        ----------
        character : str
            One.
        """
        if character == "\x1b":
            self._pending = ""
        elif self._pending is None:
            self._press("space" if character == " " else character)
        else:
            self._pending += character.replace("O", "[") if not self._pending else character
            name = _SEQUENCES.get(self._pending)
            if name or len(self._pending) >= _LONGEST:
                self._pending = None
            if name:
                self._press(name)
