"""From a profile's name or file and the flags of the command line to one validated `Profile`.

Errors name the file and the dotted key, because a person fixes a profile in an editor and not in a traceback.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from config.schema import Profile

SHIPPED = resources.files("config") / "profiles"


class ConfigError(Exception):
    """A profile or flag is wrong: the message names the file, the dotted key, what stands there and the remedy."""


def shipped_profiles() -> dict[str, str]:
    """Return the shipped profiles.

    Returns
    -------
    dict of str to str
        Profile name to its YAML text, sorted by name.
    """
    found = {p.name.removesuffix(".yaml"): p.read_text("utf-8") for p in SHIPPED.iterdir() if p.name.endswith(".yaml")}
    return dict(sorted(found.items()))


def load_profile(name_or_path: str = "default", overrides: Mapping[str, Any] | None = None) -> Profile:
    """Read a profile, lay the flags over it and validate the whole.

    Parameters
    ----------
    name_or_path : str
        Name of a shipped profile, or a file that ends in ``.yaml`` or ``.yml``.
    overrides : mapping of str to Any, optional
        Dotted key to value, such as ``{"watch.omg": 30}``; None values are left out, as an absent flag is.

    Returns
    -------
    Profile
        Every field set, defaults from the schema.

    Raises
    ------
    ConfigError
        If there is no such profile, it is not YAML, a key is unknown or a value out of range.
    """
    origin, text = _text_of(name_or_path)
    data = _parse(text, origin)
    flags = {key: value for key, value in (overrides or {}).items() if value is not None}
    profile = _validate(data, origin)
    if flags:
        profile = _validate(_laid_over(profile.model_dump(), flags), "command line")
    return profile


def profile_path(name_or_path: str) -> Path | None:
    """Return the file behind a profile that a person may edit while the program runs.

    Parameters
    ----------
    name_or_path : str
        As for `load_profile`.

    Returns
    -------
    Path or None
        The file; None for a shipped profile, which does not change.
    """
    return Path(name_or_path) if _is_file_name(name_or_path) else None


def json_schema() -> str:
    """Return the JSON schema of a profile, for editors.

    Returns
    -------
    str
        JSON text, two spaces deep, ending in a newline.
    """
    schema = Profile.model_json_schema(mode="validation")
    return json.dumps(schema, indent=2) + "\n"


def _is_file_name(name: str) -> bool:
    return name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name


def _text_of(name_or_path: str) -> tuple[str, str]:
    if _is_file_name(name_or_path):
        try:
            return name_or_path, Path(name_or_path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ConfigError(f"profile {name_or_path}: {reason}; name a readable YAML file") from None
    shipped = shipped_profiles()
    if name_or_path not in shipped:
        raise ConfigError(
            f"no profile named {name_or_path!r}; shipped are {', '.join(shipped)}; a file of your own ends in .yaml"
        )
    return f"profile {name_or_path}", shipped[name_or_path]


def _parse(text: str, origin: str) -> dict[str, Any]:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{origin}{where}: not YAML ({getattr(error, 'problem', error)}); mend that line") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{origin}: got a {type(data).__name__}, wanted sections such as 'watch:' with keys below")
    return data


def _laid_over(data: dict[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    for dotted, value in flags.items():
        section, _, key = dotted.partition(".")
        data.setdefault(section, {})[key] = value
    return data


def _validate(data: dict[str, Any], origin: str) -> Profile:
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        raise ConfigError("; ".join(_explain(origin, detail) for detail in error.errors())) from None


def _explain(origin: str, detail: Any) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        beside = [key for key in _known_keys() if key.count(".") == where.count(".")]
        close = difflib.get_close_matches(where, beside, n=1)
        hint = f"did you mean {close[0]}?" if close else "see `backroom profile show` for the keys there are"
        return f"{origin}: unknown key {where}; {hint}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{origin}: {where} is {detail['input']!r}; {message[:1].lower()}{message[1:]}"


def _known_keys() -> Iterator[str]:
    for section, content in Profile().model_dump().items():
        yield section
        yield from (f"{section}.{key}" for key in content)
