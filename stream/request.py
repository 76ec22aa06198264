"""What a person asks of a command that runs a session: what `watch` and `protect` have in common."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stream.view.open import ViewKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the person asked for.

    Attributes
    ----------
    source : str
        SOURCE as written.
    out : Path
        Folder for the results.
    sinks : sequence of str
        What stands after each ``--to``.
    view : {'page', 'window', 'none'}
        Who shows it.
    duration_s : float or None
        When to end.
    profile : str
        Name or file of the profile.
    overrides : dict
        Dotted key to value, from flags.
    """

    source: str
    out: Path
    sinks: Sequence[str] = ()
    view: ViewKind = "none"
    duration_s: float | None = None
    profile: str = "default"
    overrides: dict[str, Any] = field(default_factory=dict)
