"""The contract between a running session and whoever shows it: pictures and numbers out, commands in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pipelines.base import Image

FILM_KEYS = ("home", "down", "left", "right", "up")
"""Keys that wind a film, see `stream.play.session.PlaySession.press`."""


class ViewError(Exception):
    """A view cannot be opened: the message names what, got, wanted and the remedy."""


@dataclass(frozen=True, slots=True)
class ViewCommand:
    """Something the person asked for in a view.

    Attributes
    ----------
    kind : {'pause', 'resume', 'reset', 'save', 'region', 'whole_screen', 'settings', 'key', 'stop'}
        `region` narrows a screen source to `region_px` and starts over; `whole_screen` undoes that; `settings`
        carries changed profile keys; `key` winds a film.
    region_px : tuple of int
        (x, y, width, height) in pixels of the present frames, for `region`.
    settings : dict
        Dotted profile key to value, such as ``{"watch.omg": 30}``, for `settings`; not yet validated.
    key : str
        For `key`: one of `FILM_KEYS`.
    """

    kind: Literal["pause", "resume", "reset", "save", "region", "whole_screen", "settings", "key", "stop"]
    region_px: tuple[int, int, int, int] = (0, 0, 0, 0)
    settings: dict[str, Any] = field(default_factory=dict)
    key: str = ""


class View(Protocol):
    """Shows a session. The session calls everything from the loop's thread, but `close` from any."""

    def wants_picture(self, name: str) -> bool:
        """Say whether a picture of that name is due: somebody is looking and the last one is old enough.

        Parameters
        ----------
        name : str
            ``call``, ``room``, ``coverage``, ``backdrop`` or, where the method says so much, ``confidence`` or
            ``leaks``; of a protected camera ``output`` and ``mask``, of a film ``output``; of a filming phone
            ``output``, ``seen`` and ``control``. What is asked for once is on offer from then on.

        Returns
        -------
        bool
            True if `show_picture` should be called now.
        """

    def show_picture(self, name: str, image: Image) -> None:
        """Show a picture; returns at once, scaling and encoding happen elsewhere.

        Parameters
        ----------
        name : str
            As in `wants_picture`.
        image : ndarray
            (height, width, 3) BGR or (height, width, 4) BGRA uint8; never written again by the caller.
        """

    def show_numbers(self, numbers: dict[str, Any]) -> None:
        """Show the session's figures, some four times a second.

        Parameters
        ----------
        numbers : dict
            JSON values, the whole present state: ``session`` (``watch``, ``protect``, ``background``, ``audit``,
            ``play`` or ``film``), ``source``, ``width``, ``height``, ``is_live``,
            ``can_pick_region`` (bool), ``state`` (``running``, ``paused``, ``ended``), ``elapsed_s``, ``frames``,
            ``dropped``, ``rate_hz``, ``latency_ms`` ({stage: {p50, p99}}), ``coverage`` (0..1 or None),
            ``coverage_over_time`` (list of [seconds, coverage], at most 600 points), ``memory_bytes``,
            ``exact`` (bool; None where the method does not count exactly anyway), ``notices`` (list of str: what is
            degraded), ``message`` (str: last event, such as "saved to out/"), ``settings`` ({dotted key: value} that
            may be changed from the view). Of a protected camera also ``figures`` (list of [name, text, bool: whether
            it is a bad sign]: what else it has to say); it has no coverage.
        """

    def take_commands(self) -> Sequence[ViewCommand]:
        """Return what the person asked for since the last call, oldest first."""

    def close(self) -> None:
        """Stop showing; calling it again does nothing."""
