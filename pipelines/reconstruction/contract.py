"""What every method does alike to keep the contract of `pipelines.base.Reconstruction`."""

from collections.abc import Sequence

from config.schema import WatchSettings

OTHER_SIZE_REMEDY = "watch the parts one by one"
"""For a recording whose frames change their size."""


def keep_until_restart(old: WatchSettings, new: WatchSettings, names: Sequence[str]) -> tuple[WatchSettings, list[str]]:
    """Take changed settings but for those that only a restart can change.

    Parameters
    ----------
    old, new : WatchSettings
        In force, and wanted.
    names : sequence of str
        The fields that stay as they are.

    Returns
    -------
    settings : WatchSettings
        To be in force.
    left_alone : list of str
        One line for each of `names` that was to change.
    """
    kept = {name: getattr(old, name) for name in names}
    left_alone = [
        f"watch.{name} changes at the next start" for name, value in kept.items() if getattr(new, name) != value
    ]
    return new.model_copy(update=kept), left_alone
