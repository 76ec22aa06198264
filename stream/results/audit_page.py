"""The report of `backroom protect --audit-only` for a person: what another client showed, and what to change.

Every figure comes from report.json. Its one picture is of the room, where the client showed it: those who were in the
call have seen that.
"""

from collections.abc import Mapping
from typing import Any, Final

from pipelines.base import Image
from stream.results import sentences
from stream.results.advice import EVEN_LIGHT, SIT_STILL, THIN_EDGES, TURN_THE_CAMERA, Advice
from stream.results.elements import (
    advice_list,
    document,
    facts,
    figure,
    limits,
    paragraph,
    say_day,
    say_moment,
    section,
    verdict,
)
from stream.results.sentences import percent, say_duration

FOOTER: Final = (
    "This file shows parts of your room: keep it as you would keep a photograph of it. Backroom sends nothing over any "
    "network."
)
NO_PROOF: Final = (
    "It is measured against the room as the webcam came to know it; other programs may find what our attack does not."
)
NOT_MEASURED: Final = "No frame of the other program could be measured."
CAPTION: Final = (
    "Your room where the other program showed it at least once. Checkerboard: never shown, or not known. Specks may be "
    "chance: there its background has the room's colour."
)

_USE_BACKROOM: Final = Advice(
    "Let Backroom put you before the background",
    "backroom protect makes a camera that hides the room by itself and measures what it shows; pick it in the other "
    "program, and switch that program's own background off.",
)
_RECORD_TOGETHER: Final = Advice(
    "Record both at the same time, with yourself in the picture",
    "Both recordings must begin within a second, or both streams be live, and the webcam's must be the one that the "
    "other program uses. Move your head and hands: by that the two are found in each other.",
)
_STEP_ASIDE: Final = Advice(
    "Let the webcam see more of the room",
    "Only what it has seen beside you can be compared, and that is little here. Leave the picture for some seconds, or "
    "lean to both sides.",
)
_MEASURE_LONGER: Final = Advice(
    "Measure a longer call",
    "What was measured shows nothing beyond chance. A longer call, with more light or less, shows more: ten minutes as "
    "you usually hold them.",
)
LITTLE_KNOWN: Final = 0.2
"""Share of the picture up to which the known room is too little."""


def build_audit_page(report: Mapping[str, Any], shown: Image | None) -> str:
    """Write the report of an audit.

    Parameters
    ----------
    report : mapping
        What stands in report.json.
    shown : ndarray or None
        (height, width, 4) uint8 BGRA: the room, opaque where it was shown; None where nothing was measured.

    Returns
    -------
    str
        A whole HTML document.
    """
    name, what = report["source"]["name"], "What the other program gave away"
    parts = [
        _lead(report),
        _where(report, shown),
        _measured(report),
        _limits(report),
        _change(report),
        _compared(report),
    ]
    return document(
        heading=what,
        title=f"{name}: {what[0].lower()}{what[1:]}",
        subtitle=f"{name}, {say_day(report['started'])}",
        sections=[part for part in parts if part],
        footer=f"Made by Backroom {report['backroom']}. {FOOTER}",
    )


def _is_measured(audit: Mapping[str, Any]) -> bool:
    return bool(audit["measured_frames"] and audit["room_known"])


def _is_over(audit: Mapping[str, Any]) -> bool:
    return any(audit[f"{what}_beyond_chance"] > audit[f"{what}_budget"] for what in ("exposed", "recovered"))


def _lead(report: Mapping[str, Any]) -> str:
    audit = report["audit"]
    if not _is_measured(audit):
        return verdict(f"{NOT_MEASURED} How much of the room it showed is not known.", "The reason is below.")
    shown, recovered = percent(audit["exposed_beyond_chance"]), percent(audit["recovered_beyond_chance"])
    would = "more than" if _is_over(audit) else "within what"
    return verdict(
        f"Of the room that is known, the other program showed {shown} at least once, if only for a moment; our own "
        f"attack recovers {recovered} of it. That is {would} your profile allows a camera of Backroom's.",
        NO_PROOF,
        is_bad=_is_over(audit),
    )


def _where(report: Mapping[str, Any], shown: Image | None) -> str:
    audit = report["audit"]
    if shown is None or not _is_measured(audit):
        return ""
    title = "What it showed"
    if not audit["exposed_once"]:
        return section(title, paragraph("Nothing of the known room was shown."))
    where = sentences.say_where(audit["shown_where"])
    alt = f"The room where it was shown. {where}"
    return section(title, paragraph(where), figure(shown, alt, CAPTION, "checkerboard main"))


def _measured(report: Mapping[str, Any]) -> str:
    audit = report["audit"]
    if not _is_measured(audit):
        return ""
    attacked = audit["attacked_frames"]
    told = {
        **sentences.say_exposures(audit),
        "Compared": f"{audit['measured_frames']} of {report['frames']['processed']} frames; attacked {attacked}",
        "Its picture is yours": audit["registered"] or "not any more",
    }
    chance = (
        "Shares of the known room. A virtual background may have the room's colour; what would be found in a picture "
        f"that has nothing to do with it is taken out: {percent(audit['exposed_chance'])} shown and "
        f"{percent(audit['recovered_chance'])} recovered. The worst frame is as it was measured."
    )
    return section("How much", facts(told), paragraph(chance))


def _limits(report: Mapping[str, Any]) -> str:
    return limits("What limits this result", report)


def _compared(report: Mapping[str, Any]) -> str:
    source, camera = report["source"], report["camera"]
    told = {"The other program": _stream(source)}
    if camera:
        told["The webcam"] = _stream(camera)
    length = report["elapsed_s"]
    if not source["is_live"] and source["rate_hz"]:
        length = report["frames"]["processed"] / source["rate_hz"]
    told["Length"] = say_duration(length) + (", live" if source["is_live"] else " of a recording")
    told["Began"] = say_moment(report["started"])
    return section("What was compared", facts(told))


def _stream(info: Mapping[str, Any]) -> str:
    return f"{info['name']}, {info['width']} \N{MULTIPLICATION SIGN} {info['height']} pixels"


def _change(report: Mapping[str, Any]) -> str:
    return section("What to change", advice_list(advice_for_audit(report)))


def advice_for_audit(report: Mapping[str, Any]) -> list[Advice]:
    """Choose and order the advice for one audit.

    Parameters
    ----------
    report : mapping
        What stands in report.json.

    Returns
    -------
    list of Advice
        The most useful first; never none.
    """
    audit = report["audit"]
    if not _is_measured(audit):
        return [_RECORD_TOGETHER]
    leaks = audit["exposed_beyond_chance"] > 0 or audit["recovered_beyond_chance"] > 0
    chosen = {
        **dict.fromkeys((_USE_BACKROOM, TURN_THE_CAMERA, SIT_STILL, EVEN_LIGHT, THIN_EDGES), leaks),
        _MEASURE_LONGER: not leaks,
        _STEP_ASIDE: audit["room_known"] < LITTLE_KNOWN,
    }
    return [advice for advice, is_wanted in chosen.items() if is_wanted]
