"""The live page: what the session calls, between its thread and the page's server.

Pictures and figures, for the person at this machine and nobody else: see
`stream.view.access` for who is let in. The address holds a token that is new in every session.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from config.schema import PageSettings
from pipelines.base import Image
from stream.view.access import new_token
from stream.view.base import ViewCommand
from stream.view.bell import Bell
from stream.view.figures import Figures
from stream.view.pictures import Pictures
from stream.view.server import LOOPBACK, PageRoutes, PageServer

_MAX_WAITING: Final = 64
_LAST_PICTURES_S: Final = 0.5


class PageView:
    """Shows a session on a page at `url`; may be called from any thread.

    A picture is wanted while a page shows it: `call`; `room`, on a checkerboard where its alpha is 0, and that alpha
    as an overlay over the call, so that `coverage` is never wanted; `backdrop`, `confidence` and `leaks` can be chosen
    in place of the room once the session has asked whether they are wanted. A protected camera has `output` and `mask`,
    a filming phone `output` and beside it `seen` or `control`.

    Parameters
    ----------
    settings : PageSettings
        Port, and rate, width and quality of the pictures.

    Attributes
    ----------
    url : str
        Address with the token, for the person who started the session only.

    Raises
    ------
    ViewError
        If the port cannot be bound.
    """

    def __init__(self, settings: PageSettings) -> None:
        self._server = PageServer(settings.port)
        token = new_token()
        self.url: str = f"http://{LOOPBACK}:{self._server.port}/{token}/"
        bell = Bell()
        self._figures = Figures(bell)
        self._pictures = Pictures(settings, bell)
        self._lock = threading.Lock()
        self._commands: list[ViewCommand] = []
        self._closing = threading.Lock()
        self._is_closed = False
        self._routes = PageRoutes(bell, self._figures, self._pictures, self._accept)
        self._server.start(self._routes, token)

    def wants_picture(self, name: str) -> bool:
        """Say whether a picture of that name is due: a page shows it and the last one is old enough.

        Parameters
        ----------
        name : str
            One of `stream.view.pictures.NAMES`.

        Returns
        -------
        bool
            True if `show_picture` should be called now.
        """
        return self._pictures.is_due(name)

    def show_picture(self, name: str, image: Image) -> None:
        """Show a picture; returns at once, scaling and encoding happen when a page fetches it.

        Parameters
        ----------
        name : str
            As in `wants_picture`.
        image : ndarray
            (height, width, 3) BGR or (height, width, 4) BGRA uint8; never written again by the caller.
        """
        self._pictures.put(name, image)

    def show_numbers(self, numbers: dict[str, Any]) -> None:
        """Show the session's figures; pages get them at most five times a second.

        Parameters
        ----------
        numbers : dict
            JSON values, as `View.show_numbers` documents them; the dict stays the caller's.

        Raises
        ------
        ValueError
            If a number is not finite.
        TypeError
            If a value is none of JSON's.
        """
        self._figures.put(numbers)

    def take_commands(self) -> Sequence[ViewCommand]:
        """Return what the person asked for since the last call, oldest first, checked against the figures shown."""
        with self._lock:
            commands, self._commands = self._commands, []
        return commands

    def close(self) -> None:
        """Send the last figures, give pages a moment to fetch the last pictures, and stop; under two seconds."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            self._routes.close()
            self._let_pages_fetch_the_last_pictures()
            self._server.stop()
            self._routes.join()

    def _let_pages_fetch_the_last_pictures(self) -> None:
        until_s = time.monotonic() + _LAST_PICTURES_S
        while not self._pictures.all_taken() and time.monotonic() < until_s:
            time.sleep(0.01)

    def _accept(self, command: ViewCommand) -> bool:
        with self._lock:
            if len(self._commands) >= _MAX_WAITING:
                return False
            self._commands.append(command)
        return True
