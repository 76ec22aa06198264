"""What every method does alike to keep the contract of `pipelines.base.Reconstruction`."""

from collections.abc import Sequence

from config.schema import WatchSettings
from pipelines.base import Frame, PipelineError


def check_size(frame: Frame, height: int, width: int) -> None:
    """Refuse a frame of another size than the stream began with.

    Parameters
    ----------
    frame : Frame
        The frame.
    height, width : int
        Size that it must have, in pixels.

    Raises
    ------
    PipelineError
        If it has another.
    """
    got_height, got_width = frame.image.shape[:2]
    if (got_height, got_width) != (height, width):
        raise PipelineError(
            f"a frame is {got_width}x{got_height}, the stream began as {width}x{height}; watch the parts one by one"
        )


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
