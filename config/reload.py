"""A profile file that is edited while the program runs: read again when it changes, checked before it is used."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.loader import ConfigError, load_profile, profile_path
from config.schema import Profile


class ProfileWatcher:
    """Notices changes of a profile's file; call `poll` now and then from one thread.

    Parameters
    ----------
    name_or_path : str
        As for `load_profile`; a shipped profile never changes.
    overrides : mapping of str to Any
        Flags that stay in force over whatever the file says.
    """

    def __init__(self, name_or_path: str, overrides: Mapping[str, Any]) -> None:
        self._name = name_or_path
        self._overrides = dict(overrides)
        self._path = profile_path(name_or_path)
        self._seen = self._stamp()
        self.problem = ""
        """One line on why the file as it stands is not in use; empty while it is."""

    def poll(self) -> Profile | None:
        """Look whether the file changed.

        Returns
        -------
        Profile or None
            The new profile; None if nothing changed, or if what stands there now is wrong (see `problem`): then
            the last good profile stays in force.
        """
        stamp = self._stamp()
        if stamp == self._seen or stamp is None:
            return None
        self._seen = stamp
        try:
            profile = load_profile(self._name, self._overrides)
        except ConfigError as error:
            self.problem = f"{error} (the last good profile stays in force)"
            return None
        self.problem = ""
        return profile

    def override(self, key: str, value: Any) -> Profile:
        """Put a flag in force while running, as a slider does.

        Parameters
        ----------
        key : str
            Dotted key, such as ``watch.omg``.
        value : Any
            New value.

        Returns
        -------
        Profile
            The profile with it.

        Raises
        ------
        ConfigError
            If the value is out of range; nothing changed.
        """
        overrides = {**self._overrides, key: value}
        profile = load_profile(self._name, overrides)
        self._overrides = overrides
        return profile

    def _stamp(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            stat = Path(self._path).stat()
        except OSError:
            return None  # an editor may remove the file for a moment while it saves
        return stat.st_mtime_ns, stat.st_size
