"""The profile of a running session: followed when its file changes, changed by its views, the last good one kept."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from config.loader import ConfigError
from config.reload import ProfileWatcher
from config.schema import Profile
from pipelines.base import PipelineError


class Tuning:
    """Keeps the profile in force; called from the session's thread.

    Parameters
    ----------
    profile : Profile
        In force at the start.
    watcher : ProfileWatcher
        Tells of changes to it.
    keys : collection of str
        Dotted keys that a view may change.
    apply : callable
        Puts another profile in force, and returns one line for each change that was left alone; raises ConfigError
        or PipelineError if it cannot, with everything as it was.
    say : callable
        Takes one line for the person.
    """

    def __init__(
        self,
        profile: Profile,
        watcher: ProfileWatcher,
        keys: Collection[str],
        apply: Callable[[Profile], Sequence[str]],
        say: Callable[[str], None],
    ) -> None:
        self.profile = profile
        self._watcher = watcher
        self._keys = keys
        self._apply = apply
        self._say = say

    @property
    def problem(self) -> str:
        """One line on why the profile's file as it stands is not in use; empty while it is."""
        return self._watcher.problem

    def shown(self) -> dict[str, Any]:
        """Return what a view may change: dotted key to value."""
        return {key: self._value(key) for key in self._keys}

    def reload(self) -> None:
        """Take the profile's file if it changed and is good."""
        profile = self._watcher.poll()
        if profile is not None:
            self._take(profile)

    def change(self, settings: Mapping[str, Any]) -> None:
        """Change what a view asks for, as far as it may and the values are good.

        Parameters
        ----------
        settings : mapping of str to Any
            Dotted key to value.
        """
        for key, value in settings.items():
            if key not in self._keys:
                self._say(f"{key} cannot be changed while running")
                continue
            try:
                profile = self._watcher.override(key, value)
            except ConfigError as error:
                self._say(str(error))
                continue
            if not self._take(profile):
                self._watcher.override(key, self._value(key))

    def put_back(self, key: str, value: Any) -> None:
        """Undo a change that proved bad after all.

        Parameters
        ----------
        key : str
            Dotted.
        value : Any
            The last good one.
        """
        self.profile = self._watcher.override(key, value)

    def _take(self, profile: Profile) -> bool:
        try:
            left_alone = self._apply(profile)
        except (ConfigError, PipelineError) as error:
            self._say(f"{error} (the last good settings stay in force)")
            return False
        self.profile = profile
        self._say("; ".join(("settings changed", *left_alone)))
        return True

    def _value(self, dotted: str) -> Any:
        section, _, key = dotted.partition(".")
        return getattr(getattr(self.profile, section), key)
