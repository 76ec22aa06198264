"""What a person is told before the first film: alternating colours can harm some people.

Once for each account of a machine: a file in the system's folder for such state says that it was told. Where that
cannot be written it is told each time.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

CAUTION: Final = (
    "Caution: backroom play alternates colours up to 120 times a second and more. Most people do not see it, but when "
    "periods of the display are missed it can show as a short flicker. Do not use it, and do not show it to others, "
    "where somebody may have photosensitive epilepsy. Stop if you feel unwell. The alternation of saturated red, the "
    "most dangerous kind, is bounded unless play.limit_red is off; play.strength 0 shows the plain picture."
)

_TOLD: Final = "caution-told"


def tell_caution_once(say: Callable[[str], None], folder: Path | None = None) -> bool:
    """Tell the caution, unless this account was told before.

    Parameters
    ----------
    say : callable
        Takes the text, one paragraph.
    folder : Path, optional
        Where that is kept; the system's own place for a program's state unless given.

    Returns
    -------
    bool
        Whether it was told now.
    """
    told = (folder or state_folder()) / _TOLD
    if told.exists():
        return False
    say(CAUTION)
    try:
        told.parent.mkdir(parents=True, exist_ok=True)
        told.write_text("The caution about photosensitivity was told; remove this file to be told again.\n", "utf-8")
    except OSError:
        pass  # it is told again next time
    return True


def state_folder() -> Path:
    """Return the folder for what a program remembers between starts.

    Returns
    -------
    Path
        It need not exist.
    """
    home = Path.home()
    by_system = {
        "win32": Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "Backroom",
        "darwin": home / "Library" / "Application Support" / "Backroom",
    }
    return by_system.get(sys.platform, Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "backroom")
