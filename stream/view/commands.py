"""From the bytes of a POST to a `ViewCommand`, or to one line that says what is wrong with them.

This is the edge: everything is checked here, against the figures that the session last showed, because the
session trusts what `take_commands` gives it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

from stream.view.base import FILM_KEYS, ViewCommand
from stream.view.controls import CommandError, check_settings

MAX_BODY_BYTES: Final = 16 << 10
"""The longest good command has some hundred bytes."""

_Plain = Literal["pause", "resume", "reset", "save", "whole_screen", "stop"]
_PLAIN: Final[Mapping[str, _Plain]] = {kind: kind for kind in get_args(_Plain)}
_WANTED_KEYS: Final = {
    **{kind: {"kind"} for kind in _PLAIN},
    "region": {"kind", "region_px"},
    "settings": {"kind", "settings"},
    "key": {"kind", "key"},
}
_REGION_PARTS: Final = 4


def parse_command(body: bytes, numbers: Mapping[str, Any]) -> ViewCommand:
    """Read one command.

    Parameters
    ----------
    body : bytes
        JSON object with ``kind`` and what belongs to it, named as in `ViewCommand`.
    numbers : mapping of str to Any
        What the session last showed (see `View.show_numbers`); empty before the first time.

    Returns
    -------
    ViewCommand
        Of a kind, with keys and values that exist now.

    Raises
    ------
    CommandError
        If it is not JSON, a key is missing or unknown, or a value is of the wrong type or out of range.
    """
    command = _parse_object(body)
    kind = command.get("kind")
    if not isinstance(kind, str) or kind not in _WANTED_KEYS:
        raise CommandError(f"unknown kind {kind!r}; wanted one of {', '.join(_WANTED_KEYS)}")
    if command.keys() != _WANTED_KEYS[kind]:
        got, wanted = ", ".join(sorted(command)), ", ".join(sorted(_WANTED_KEYS[kind]))
        raise CommandError(f"{kind}: got the keys {got}; wanted exactly {wanted}")
    if kind in {"region", "whole_screen"} and not numbers.get("can_pick_region"):
        raise CommandError(f"{kind}: this source has no region to pick; only a screen has")
    if kind == "region":
        return ViewCommand("region", region_px=_parse_region(command["region_px"], numbers))
    if kind == "key":
        return ViewCommand("key", key=_parse_key(command["key"], numbers))
    if kind == "settings":
        return ViewCommand("settings", settings=_parse_settings(command["settings"], numbers))
    return ViewCommand(_PLAIN[kind])


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        command = json.loads(body)
    except (ValueError, RecursionError):
        raise CommandError('not JSON; wanted an object such as {"kind": "pause"}') from None
    if not isinstance(command, dict):
        raise CommandError(f'got a JSON {type(command).__name__}; wanted an object such as {{"kind": "pause"}}')
    return command


def _parse_region(region_px: Any, numbers: Mapping[str, Any]) -> tuple[int, int, int, int]:
    is_list = isinstance(region_px, list) and len(region_px) == _REGION_PARTS
    if not is_list or any(type(part) is not int for part in region_px):
        raise CommandError(f"region_px is {region_px!r}; wanted [x, y, width, height] in whole pixels")
    x, y, width, height = region_px
    full_width, full_height = numbers["width"], numbers["height"]
    fits = x >= 0 and y >= 0 and x + width <= full_width and y + height <= full_height
    if not fits or width < 1 or height < 1:
        raise CommandError(
            f"region {width}x{height} at ({x}, {y}) is not inside the picture of {full_width}x{full_height}"
        )
    return x, y, width, height


def _parse_key(key: Any, numbers: Mapping[str, Any]) -> str:
    if numbers.get("session") != "play":
        raise CommandError("key: this session is no film")
    if key not in FILM_KEYS:
        raise CommandError(f"key is {key!r}; wanted one of {', '.join(FILM_KEYS)}")
    return str(key)


def _parse_settings(changes: Any, numbers: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(changes, dict) or not changes:
        raise CommandError(f'settings is {changes!r}; wanted an object such as {{"watch.omg": 30}}')
    return check_settings(changes, list(numbers.get("settings", {})))
