"""What a session offers its views: pictures of the findings, and the settings that may be changed while it runs.

Both depend on the method: one that does not say how sure it is has no map of that, and a threshold is offered only
where it does something.
"""

from typing import Final

from pipelines.base import Findings, Image
from stream.results.maps import draw_confidence, draw_leaks

_COMMON_SETTINGS: Final = ("watch.preview_every_s", "watch.save_every_s")

LIVE_SETTINGS: Final = {
    "leak": ("watch.claim", *_COMMON_SETTINGS),
    "rarest": ("watch.omg", *_COMMON_SETTINGS),
}
"""By method: what a view may change while the session runs."""

PROTECT_SETTINGS: Final = (
    "protect.background",
    "protect.mirror",
    "protect.crop",
    "protect.rate_hz",
    "protect.pause_text",
    "protect.camera_on",
    "mask.least_probability",
    "noise.kind",
    "noise.strength",
    "noise.motion",
    "meter.is_on",
    "meter.exposed_budget",
    "meter.recovered_budget",
    "meter.most_steps",
)
"""What a view may change while a protected camera runs."""

BACKGROUND_SETTINGS: Final = (
    "protect.background",
    "protect.rate_hz",
    "protect.pause_text",
    "noise.kind",
    "noise.strength",
    "noise.motion",
)
"""What a view may change while the background alone is sent."""


def pictures_offered(findings: Findings) -> tuple[str, ...]:
    """Say which pictures can be drawn of findings.

    Parameters
    ----------
    findings : Findings
        Of any size, from the session's method.

    Returns
    -------
    tuple of str
        Names as views know them.
    """
    names = ["room", "backdrop", "coverage"]
    if findings.confidence is not None:
        names.append("confidence")
    if findings.leaks is not None:
        names.append("leaks")
    return tuple(names)


def draw_picture(name: str, findings: Findings) -> Image:
    """Draw one of the pictures offered.

    Parameters
    ----------
    name : str
        From `pictures_offered`.
    findings : Findings
        Of the size to show.

    Returns
    -------
    ndarray
        (height, width, 3) BGR or, for the room, (height, width, 4) BGRA uint8.
    """
    picture: Image | None = findings.room
    if name == "backdrop":
        picture = findings.backdrop
    elif name == "confidence":
        picture = draw_confidence(findings)
    elif name == "leaks":
        picture = draw_leaks(findings)
    return findings.room if picture is None else picture
