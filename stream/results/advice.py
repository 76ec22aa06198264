"""What to change: the report's advice, the part that matters most for this call first. Plain text, not HTML.

Only what a person can do today; no measure is named that does not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stream.results.sentences import listed, most_of


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to change.

    Attributes
    ----------
    what : str
        What to do, in a few words.
    why : str
        Why, and how; a sentence or two.
    """

    what: str
    why: str


NO_BLUR: Final = Advice(
    "Use a picture instead of blur",
    "The background of this call looks blurred. A blurred background is the room itself, out of focus: its colours, "
    "windows, furniture and who walks through it stay readable all the time, on top of what this report found.",
)
TURN_THE_CAMERA: Final = Advice(
    "Turn the camera until the wall is empty",
    "Move the desk or turn the laptop; close the doors of the room and of the wardrobe; take down calendars, letters, "
    "photographs, screens and whiteboards. Those are what a stranger would read.",
)
EVEN_LIGHT: Final = Advice(
    "Light yourself evenly, from the front",
    "No window or lamp behind you. The mask fails where you and the room look alike: dark hair before a dark shelf, a "
    "white shirt before a white wall in bright light.",
)
SIT_STILL: Final = Advice(
    "Sit still, and farther from the wall",
    "Most of the room shows for a moment where head, hands or chair have just moved. A chair without a high back, "
    "slower moves and a metre or two of distance all help. Get up only with the camera off.",
)
THIN_EDGES: Final = Advice(
    "Keep the edge simple",
    "Loose hair, headsets, microphones on arms and glasses held in the hand have edges that a mask cannot follow. Tie "
    "hair back, or wear earphones.",
)
BACKGROUND: Final = Advice(
    "Choose a still picture with some texture, and do not rely on it",
    "A plain colour makes every leak stand out. A busy picture, a video or a noisy one makes the room harder to tell "
    "from it for a program like this one, but it hides nothing: the same pixels of the room are still sent.",
)
WATCH_AGAIN: Final = Advice(
    "Then watch again",
    "Record a call with yourself for ten minutes as you usually hold one, run Backroom on it, and compare the figure "
    "at the top.",
)


def advice_for(report: Mapping[str, Any]) -> list[Advice]:
    """Choose and order the advice for one session.

    Parameters
    ----------
    report : mapping
        What stands in report.json.

    Returns
    -------
    list of Advice
        The most useful first.
    """
    chosen = [_plain_room(report), TURN_THE_CAMERA, SIT_STILL, EVEN_LIGHT, THIN_EDGES, BACKGROUND, WATCH_AGAIN]
    return [NO_BLUR, *chosen] if looks_blurred(report) else chosen


def looks_blurred(report: Mapping[str, Any]) -> bool:
    """Say whether the backdrop looks like the room itself, out of focus.

    Parameters
    ----------
    report : mapping
        What stands in report.json.

    Returns
    -------
    bool
        False where the method does not look for it.
    """
    return bool((report.get("backdrop") or {}).get("looks_blurred"))


def _plain_room(report: Mapping[str, Any]) -> Advice:
    places = most_of(report["found_where"]) if "confidence" in report else []  # else most of it may be the person
    start = f" Begin with what stands at the {listed(places)} of the picture." if places else ""
    return Advice(
        "Put something plain behind you",
        "A bare wall or a curtain of one colour can give away only a bare wall or a curtain. This is the one measure "
        f"that no software can undo: what is not behind you cannot leak.{start}",
    )
