"""The report's sentences: figures in the words of a person who has never read this code. Plain text, not HTML."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Measured:
    """What a method's claims have been worth on calls whose room was known.

    Attributes
    ----------
    in_short : str
        One sentence, for the top of the report.
    in_full : str
        What to believe, therefore.
    """

    in_short: str
    in_full: str


MEASURED: Final = {
    "leak": Measured(
        "By what was measured on other calls, about two thirds of that is right.",
        "On calls whose room was known, mostly two fifths to four fifths of the pixels that this method claimed were "
        "right, and in the worst hardly any: it had taken the person for the room. So believe shapes and colours that "
        "hang together and areas of high confidence, and doubt single specks.",
    ),
    "rarest": Measured(
        "By what was measured on other calls, most of that is wrong: see below before you believe it.",
        "On compressed calls whose room was known, five of six to nine of ten pixels that this method claimed were "
        "wrong: rare colours of the person pass for room. On clean, uncompressed pictures it does far better. Believe "
        "only what you recognise. The method leak is the one made for real calls.",
    ),
}
"""From docs/reconstruction.md: "How good it is" and "How methods are compared"; change both together."""

LAPTOP_CM2: Final = 31.0 * 17.4
"""A 14-inch screen of 16:9, which everything is compared on."""

_THINGS_CM2: Final = (
    ("a fingernail", 1.2),
    ("a postage stamp", 5.5),
    ("a matchbox", 18.0),
    ("a bank card", 46.0),
    ("a smartphone", 104.0),
    ("a postcard", 155.0),
    ("a paperback book", 205.0),
    ("a sheet of A5 paper", 311.0),
)

_FRACTIONS: Final = (
    (1 / 20, "a twentieth"),
    (1 / 10, "a tenth"),
    (1 / 8, "an eighth"),
    (1 / 6, "a sixth"),
    (1 / 5, "a fifth"),
    (1 / 4, "a quarter"),
    (1 / 3, "a third"),
    (2 / 5, "two fifths"),
    (1 / 2, "half"),
    (3 / 5, "three fifths"),
    (2 / 3, "two thirds"),
    (3 / 4, "three quarters"),
    (9 / 10, "nine tenths"),
)

_PERCENT = "\N{NO-BREAK SPACE}%"
_LARGEST_COMPARED = 0.7
_SPREAD_BELOW = 0.2
_MOST_PLACES = 3
_MOST_OF_IT = 0.6


def percent(share: float) -> str:
    """Say a share of 0 to 1 with as many digits as mean something.

    Parameters
    ----------
    share : float
        0 to 1.

    Returns
    -------
    str
        Such as ``15.8 %`` or ``under 0.1 %``.
    """
    if 0 < share < 0.001:
        return f"under 0.1{_PERCENT}"
    return f"{100 * share:.1f}{_PERCENT}" if 0 < share < 0.2 else f"{100 * share:.0f}{_PERCENT}"


def whole_percent(share: float) -> str:
    """Say a share without digits behind the point.

    Parameters
    ----------
    share : float
        0 to 1.

    Returns
    -------
    str
        Such as ``16 %`` or ``under 1 %``.
    """
    return f"under 1{_PERCENT}" if 0 < share < 0.005 else f"{100 * share:.0f}{_PERCENT}"


def say_coverage(coverage: float) -> str:
    """Say how much was found, and compare it with things that a person knows.

    Parameters
    ----------
    coverage : float
        Share of the picture, 0 to 1.

    Returns
    -------
    str
        One or two sentences.
    """
    if coverage <= 0:
        return "Nothing of the room was found."
    found = f"{percent(coverage)} of the picture is claimed to be the room behind the virtual background"
    thing, size_cm2 = min(_THINGS_CM2, key=lambda thing: abs(math.log(coverage * LAPTOP_CM2 / thing[1])))
    if coverage * LAPTOP_CM2 < size_cm2 / 2:
        return f"{found}: next to nothing."
    nearest, words = min(_FRACTIONS, key=lambda fraction: abs(math.log(coverage / fraction[0])))
    about = f", about {words} of it" if abs(math.log(coverage / nearest)) < 0.15 else ""
    if coverage > _LARGEST_COMPARED:
        return f"{found}{about}."
    return f"{found}{about}. On the screen of a 14-inch laptop that is about as much as {thing} would cover."


def say_where(shares: Mapping[str, float]) -> str:
    """Name the parts of the picture where most was found.

    Parameters
    ----------
    shares : mapping of str to float
        Name of each ninth of the picture to its share of what was found.

    Returns
    -------
    str
        One sentence; empty if nothing was found.
    """
    places = most_of(shares)
    if not places:
        return ""
    if shares[places[0]] < _SPREAD_BELOW:
        largest = f"{_at(places[0])} ({whole_percent(shares[places[0]])})"
        return f"It is spread over the picture; the largest part lies {largest}."
    named = [f"{place} ({whole_percent(shares[place])})" for place in places]
    lead = "Most of it lies" if sum(shares[place] for place in places) >= 0.5 else "The largest parts of it lie"
    return f"{lead} in these parts of the picture: {listed(named)}."


def _at(place: str) -> str:
    return f"{'in' if place == 'middle' else 'at'} the {place}"


def most_of(shares: Mapping[str, float]) -> list[str]:
    """Return the few parts that hold most of what was found, the largest first.

    Parameters
    ----------
    shares : mapping of str to float
        As for `say_where`.

    Returns
    -------
    list of str
        At most three names.
    """
    places: list[str] = []
    total = 0.0
    for place, share in sorted(shares.items(), key=lambda item: -item[1]):
        if share <= 0 or total >= _MOST_OF_IT or len(places) == _MOST_PLACES:
            break
        places.append(place)
        total += share
    return places


def say_episodes(episodes: Mapping[str, Any]) -> str:
    """Say how often the room showed.

    Parameters
    ----------
    episodes : mapping
        As `figures.figures_of` makes it.

    Returns
    -------
    str
        One or two sentences; empty if nothing was found.
    """
    if not episodes["most"]:
        return ""
    once = episodes["classes"][0]["share"]
    return (
        f"{whole_percent(1 - once)} of what was found showed itself in two or more separate moments, the most exposed "
        f"spot in {episodes['most']}. What shows again and again, anybody who records the call can collect."
    )


def say_sureness(method: str, confidence: Mapping[str, Any] | None) -> str:
    """Say what the claims are worth by the method's own estimate.

    Parameters
    ----------
    method : str
        Name of the method.
    confidence : mapping or None
        As `figures.figures_of` makes it.

    Returns
    -------
    str
        One sentence.
    """
    if confidence is None:
        return f"The method {method} does not say how sure it is of a pixel."
    if confidence["mean"] is None:
        return "Nothing is claimed, so there is nothing to be sure of."
    sure = confidence["bands"][-1]["share"]
    return (
        f"By its own estimate Backroom is right in {whole_percent(confidence['mean'])} of what it claims here, and "
        f"nearly sure (over 75{_PERCENT}) of {whole_percent(sure)} of it."
    )


def say_score(score: Mapping[str, Any] | None) -> str:
    """Say what the claims are worth where the room is known, as the demo's is.

    Parameters
    ----------
    score : mapping or None
        As it stands in report.json.

    Returns
    -------
    str
        One sentence; empty without a score.
    """
    if not score:
        return ""
    return (
        f"The room of this call is known: {whole_percent(score['precision'])} of what is claimed is right, and "
        f"{whole_percent(score['recall'])} of what leaked was found."
    )


def say_exposures(figures: Mapping[str, Any]) -> dict[str, str]:
    """Say how much of a known room showed and could be recovered.

    Parameters
    ----------
    figures : mapping
        Of a leak meter or an audit, as in report.json.

    Returns
    -------
    dict of str to str
        What, and how much.
    """
    recovered = f"{percent(figures['recovered_beyond_chance'])} (budget {percent(figures['recovered_budget'])})"
    return {
        "Shown at least once": (
            f"{percent(figures['exposed_beyond_chance'])} (budget {percent(figures['exposed_budget'])})"
        ),
        "Worst frame": percent(figures["worst_frame"]),
        "Recovered by our attack": recovered if figures["attacked_frames"] else "not tried",
        "Known room": f"{percent(figures['room_known'])} of the picture",
    }


def say_duration(seconds: float) -> str:
    """Say a time.

    Parameters
    ----------
    seconds : float
        Not negative.

    Returns
    -------
    str
        Such as ``30 s``, ``2 min 5 s`` or ``1 h 0 min``.
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole // 60 % 60} min"


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    Parameters
    ----------
    words : sequence of str
        At least one.

    Returns
    -------
    str
        Such as ``a, b and c``.
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
