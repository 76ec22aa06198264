"""What the page may change: the profile's keys as controls, and the check of what comes back.

Ranges, defaults and texts come from `config.schema` through its JSON schema and live nowhere else.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from pydantic import ValidationError

from config.schema import Profile

_UNITS: Final = {"s": "s", "hz": "Hz", "px": "px"}
_SAY_LITTLE: Final = ("kind", "is_on")
"""Keys that need their section in front of them."""


class CommandError(Exception):
    """A command from the page cannot be taken: one line that names what, got, wanted and the remedy."""


def describe_controls() -> dict[str, dict[str, Any]]:
    """Describe every key of a profile as a control.

    Returns
    -------
    dict of str to dict
        Dotted key to ``kind`` (``range``, ``switch``, ``choice`` or ``text``), ``label``, ``unit``, ``help``,
        ``default`` and, by kind, ``minimum``, ``maximum``, ``is_integer`` or ``choices``.
    """
    schema = Profile.model_json_schema(mode="validation")
    controls = {}
    for section, reference in schema["properties"].items():
        name = reference.get("$ref", "").rpartition("/")[2]
        for key, field in schema["$defs"][name]["properties"].items():
            controls[f"{section}.{key}"] = _control(section, key, field)
    return controls


def _control(section: str, key: str, field: Mapping[str, Any]) -> dict[str, Any]:
    words, _, last = key.rpartition("_")
    unit = _UNITS.get(last, "") if words else ""
    return {
        "label": (words if unit else f"{section} {key}" if key in _SAY_LITTLE else key).replace("_", " "),
        "unit": unit,
        "help": " ".join(field.get("description", "").replace("`", "").split()),
        "default": field.get("default"),
        **_kind(field),
    }


def _kind(field: Mapping[str, Any]) -> dict[str, Any]:
    if field.get("type") in {"integer", "number"} and {"minimum", "maximum"} <= field.keys():
        is_integer = field["type"] == "integer"
        return {"kind": "range", "minimum": field["minimum"], "maximum": field["maximum"], "is_integer": is_integer}
    if field.get("type") == "boolean":
        return {"kind": "switch"}
    choices = field.get("enum") or ([field["const"]] if "const" in field else None)
    return {"kind": "choice", "choices": choices} if choices else {"kind": "text"}


def check_settings(changes: Mapping[str, Any], open_keys: Collection[str]) -> dict[str, Any]:
    """Check changed settings against the schema's types and ranges.

    Parameters
    ----------
    changes : mapping of str to Any
        Dotted key to value, as the page sent them.
    open_keys : collection of str
        Keys that the session lets a view change.

    Returns
    -------
    dict of str to Any
        The same keys with the values as the schema reads them.

    Raises
    ------
    CommandError
        If a key is not open, or a value has the wrong type or is out of range.
    """
    return {key: _checked(key, value, open_keys) for key, value in changes.items()}


def _checked(key: str, value: Any, open_keys: Collection[str]) -> Any:
    if key not in open_keys:
        raise CommandError(f"setting {key!r} cannot be changed here; these can: {', '.join(open_keys) or 'none yet'}")
    section, _, name = key.partition(".")
    try:
        profile = Profile.model_validate({section: {name: value}}, strict=True)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise CommandError(f"{key} is {value!r}; {message[:1].lower()}{message[1:]}") from None
    return getattr(getattr(profile, section), name)
