"""What a file of sub-frames says of itself: tags of its track, written by `play`, read by `film` and `judge`."""

from typing import Final

from pipelines.kaleido.contract import Code

CODE: Final = "BACKROOM_CODE"
"""Name of the order of sub-frames."""

N_SLOTS: Final = "BACKROOM_SLOTS"
"""Sub-frames in a cycle."""

REFRESH_HZ: Final = "BACKROOM_REFRESH_HZ"
"""Sub-frames a second, as the display shows them."""


def tags_of(code: Code, refresh_hz: float) -> dict[str, str]:
    """Return the tags of a file.

    Parameters
    ----------
    code : Code
        The order of its sub-frames.
    refresh_hz : float
        Sub-frames a second.

    Returns
    -------
    dict of str to str
        For the sink.
    """
    return {CODE: code.name, N_SLOTS: str(code.n_slots), REFRESH_HZ: f"{refresh_hz:g}"}
