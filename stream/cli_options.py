"""Flags that several commands have, and those that are fields of a profile: the schema is the home of their texts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from config.schema import Profile

Command = TypeVar("Command", bound=Callable[..., Any])

VIEWS = ("page", "window", "none")


def override(section: str, key: str, *names: str, **more: Any) -> Callable[[Command], Command]:
    """Declare a flag that overrides a field of the profile.

    Parameters
    ----------
    section, key : str
        Which field.
    *names : str
        What the flag is called; the key with dashes unless given.
    **more
        For `click.option`.

    Returns
    -------
    callable
        A decorator; the command gets the value as ``SECTION__KEY``, None where the flag is absent.
    """
    return click.option(
        *(names or (f"--{key.replace('_', '-')}",)), f"{section}__{key}", help=_setting(section, key), **more
    )


def choice(section: str, key: str) -> click.Choice[str]:
    """Return the values that a field of the profile may have.

    Parameters
    ----------
    section, key : str
        Which field; a Literal.

    Returns
    -------
    click.Choice
        For `override`.
    """
    model = Profile.model_fields[section].annotation
    return click.Choice(get_args(model.model_fields[key].annotation))  # type: ignore[union-attr] # sections are models


def out_option(text: str) -> Callable[[Command], Command]:
    """Declare ``--out``, the folder for results.

    Parameters
    ----------
    text : str
        What it holds.

    Returns
    -------
    callable
        A decorator.
    """
    kind = click.Path(path_type=Path)
    return click.option("--out", type=kind, default=Path("out"), show_default=True, help=text)


def overrides(flags: dict[str, Any]) -> dict[str, Any]:
    """Return the flags that were given, by dotted key, as `config.loader.load_profile` takes them.

    Parameters
    ----------
    flags : dict of str to Any
        As the command got them.

    Returns
    -------
    dict of str to Any
        Without the absent ones.
    """
    return {name.replace("__", "."): value for name, value in flags.items() if value is not None}


def _setting(section: str, key: str) -> str:
    """Return the description of a profile field."""
    model = Profile.model_fields[section].annotation
    field = model.model_fields[key]  # type: ignore[union-attr] # sections are models
    text = " ".join((field.description or "").split())
    default = "" if field.default is None else f"default: {_default_text(field.default)}; "
    return f"{text}  [{default}profile: {section}.{key}]"


def _default_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    is_memory = isinstance(value, int) and value >= 1 << 20
    return f"{value >> 20}MiB" if is_memory else str(value)
