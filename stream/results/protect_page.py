"""The report of a protected camera for a person: what went out, what did not, what of the room showed, what to change.

Every figure comes from report.json. There is no picture in it: neither the person nor the room.
"""

from collections.abc import Mapping
from typing import Any, Final

from stream.results import sentences
from stream.results.advice import EVEN_LIGHT, NO_BLUR, SIT_STILL, THIN_EDGES, TURN_THE_CAMERA, Advice
from stream.results.elements import (
    advice_list,
    document,
    facts,
    limits,
    paragraph,
    say_day,
    say_moment,
    section,
    verdict,
    warnings,
)
from stream.results.sentences import percent, say_duration

FOOTER: Final = (
    "This file holds figures, and no picture of you or of your room. Backroom sends nothing over any network."
)
NO_PROOF: Final = (
    "It is measured against the room as the camera came to know it; what you hid all the time cannot be compared, and "
    "other programs may find what our attack does not."
)
MUCH_DROPPED: Final = 0.02
"""Share of dropped frames from which the machine is taken to be too slow."""

_AUDIT_THE_OTHER: Final = Advice(
    "Measure the program that puts you before it",
    "backroom protect --audit-only tells how much of the room its picture shows. Without --emit, backroom protect puts "
    "you before the same background by itself, and guards the room.",
)
_SEE_TO_FAILURES: Final = Advice(
    "See to what failed",
    "The reasons are above; what could not be made became a placeholder. backroom doctor says what is missing.",
)
_ASK_FOR_LESS: Final = Advice(
    "Ask less of this machine",
    "Frames came faster than they could be protected. --rate 15 or --size 640x360 takes less, and so do fewer programs "
    "beside it; pip install 'backroom[litert]' runs the person model in a fraction of the time.",
)
_MEASURE: Final = Advice(
    "Have it measured",
    "The leak meter was not at work, so nothing could make the mask tighter where it leaks. If it failed, the reason "
    "is above; else set meter.is_on in your profile.",
)
_LET_IT_SEE: Final = Advice(
    "Lean to both sides now and then",
    "Only what the camera has seen of the room beside you can be guarded and measured, and it has seen too little. "
    "Leave the picture for some seconds at the start, with the virtual camera open.",
)
_NOTHING: Final = Advice("Nothing", "No frame failed, and no more of the room showed than your profile allows.")


def build_protect_page(report: Mapping[str, Any]) -> str:
    """Write the report of a protected camera.

    Parameters
    ----------
    report : mapping
        What stands in report.json.

    Returns
    -------
    str
        A whole HTML document.
    """
    what = "The background alone" if _is_alone(report) else "The protected camera"
    name, day = report["source"]["name"], say_day(report["started"])
    return document(
        heading=what,
        title=f"{name}: {what.lower()}",
        subtitle=f"{name}, {day}",
        sections=[part(report) for part in (_lead, _sent, _hidden, _measured, _camera, _limits, _change)],
        footer=f"Made by Backroom {report['backroom']}. {FOOTER}",
    )


def _is_alone(report: Mapping[str, Any]) -> bool:
    return bool(report["emit"] == "background")


def _known(report: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what the leak meter found, if it could compare anything."""
    meter = report["leak_meter"]
    return meter if meter and meter["room_known"] else None


def _is_meter_on(report: Mapping[str, Any]) -> bool:
    return bool(report["leak_meter"] and report["profile"]["meter"]["is_on"])


def _is_over(meter: Mapping[str, Any]) -> bool:
    return any(meter[f"{what}_beyond_chance"] > meter[f"{what}_budget"] for what in ("exposed", "recovered"))


def _lead(report: Mapping[str, Any]) -> str:
    if _is_alone(report):
        return verdict(
            "No camera was opened: the background was sent, and nobody before it.",
            "It hides nothing by itself. What of a room is seen is up to the program that puts somebody before it.",
        )
    meter = _known(report)
    if meter is None:
        return verdict("How much of the room has shown is not known: it could not be measured.", NO_PROOF)
    shown, recovered = percent(meter["exposed_beyond_chance"]), percent(meter["recovered_beyond_chance"])
    allowed = "more than your profile allows" if _is_over(meter) else "within what your profile allows"
    return verdict(
        f"Of the room that is known, {shown} showed at least once, if only for a moment; our own attack recovers "
        f"{recovered} of it. Together that is {allowed}.",
        NO_PROOF,
        is_bad=_is_over(meter),
    )


def _sent(report: Mapping[str, Any]) -> str:
    source, frames, output = report["source"], report["frames"], report["output"]
    made = "at" if source["is_live"] else "made at"
    told = {
        "Source": source["name"],
        "Size": f"{output['width']} \N{MULTIPLICATION SIGN} {output['height']} pixels",
        "Background": report["background"],
        "Length": _length(report),
        "Frames": f"{frames['processed']} {made} {report['rate_hz']:.1f} a second, {_n_lost(report)} dropped",
        "Began": say_moment(report["started"]),
    }
    delay = report["latency_ms"].get("total")
    if delay and source["is_live"] and not _is_alone(report):
        told["Delay"] = f"{delay['p50']:.0f} ms, {delay['p99']:.0f} ms for the slowest of a hundred"
    return section("What the others got", facts(told))


def _length(report: Mapping[str, Any]) -> str:
    source = report["source"]
    if source["is_live"] or not source["rate_hz"]:
        return say_duration(report["elapsed_s"])
    return f"{say_duration(report['frames']['processed'] / source['rate_hz'])} of a recording"


def _n_lost(report: Mapping[str, Any]) -> int:
    return int(report["frames"]["dropped"] + report["frames"]["missed"])


def _hidden(report: Mapping[str, Any]) -> str:
    if not report["placeholders"]:
        return section("Placeholders", paragraph("None: every frame went out as it was meant to."))
    said = {f"“{text}”": f"{n} frames" for text, n in report["placeholders_by_reason"].items()}
    failed = [f"{n} frames failed: {reason}" for reason, n in report["failures_by_reason"].items()]
    intro = paragraph(f"{report['placeholders']} grey pictures went out in the place of frames. What they said:")
    return section("Placeholders", intro, facts(said), warnings(failed) if failed else "")


def _measured(report: Mapping[str, Any]) -> str:
    if _is_alone(report):
        return ""
    title, meter = "What of the room showed", _known(report)
    if meter is None:
        why = "the leak meter was not at work"
        if _is_meter_on(report):
            why = "the camera has seen too little of the room beside you"
        return section(title, paragraph(f"Not measured: {why}."))
    attacked = meter["attacked_frames"]
    told = {
        **sentences.say_exposures(meter),
        "Compared": f"{meter['measured_frames']} frames; attacked {attacked}",
        "Mask": _mask(meter),
    }
    chance = (
        "Shares of the known room. What would be found by chance in a picture that has nothing to do with it is taken "
        f"out: {percent(meter['exposed_chance'])} shown and {percent(meter['recovered_chance'])} recovered. The worst "
        "frame is as it was measured."
    )
    return section(title, facts(told), paragraph(chance))


def _mask(meter: Mapping[str, Any]) -> str:
    n_tightened, steps = meter["tightened"], meter["steps"]
    if not n_tightened:
        return "never had to be made tighter"
    times = "once" if n_tightened == 1 else f"{n_tightened} times"
    return f"made tighter {times}; in the end by {steps} {'step' if steps == 1 else 'steps'}"


def _camera(report: Mapping[str, Any]) -> str:
    if _is_alone(report) or not report["source"]["is_live"]:
        return ""
    camera = report.get("camera")
    if camera is None:
        return section("The camera", paragraph("It was on from the beginning to the end."))
    when = "only while somebody watched" if camera["on"] == "watched" else "always, as asked for"
    told = {"On": when, "Switched on": f"{camera['times_on']} times", "Known by": camera["watching_known_by"]}
    return section("The camera", facts(told))


def _limits(report: Mapping[str, Any]) -> str:
    return limits("What was out of the ordinary", report)


def _change(report: Mapping[str, Any]) -> str:
    return section("What to change", advice_list(advice_for_protection(report)))


def advice_for_protection(report: Mapping[str, Any]) -> list[Advice]:
    """Choose and order the advice for one session.

    Parameters
    ----------
    report : mapping
        What stands in report.json.

    Returns
    -------
    list of Advice
        The most useful first; one that says so where nothing is to be changed.
    """
    meter = _known(report)
    leaks = meter is not None and (_is_over(meter) or meter["tightened"] > 0)
    is_slow = report["source"]["is_live"] and _n_lost(report) > MUCH_DROPPED * max(1, report["frames"]["processed"])
    chosen = {
        _SEE_TO_FAILURES: report["failures"] > 0 or bool(report["ended_by"]),
        NO_BLUR: not _is_alone(report) and report["profile"]["protect"]["background"] == "blur",
        **dict.fromkeys((TURN_THE_CAMERA, SIT_STILL, EVEN_LIGHT, THIN_EDGES), leaks),
        _MEASURE: not _is_alone(report) and not _is_meter_on(report),
        _LET_IT_SEE: not _is_alone(report) and meter is None and _is_meter_on(report),
        _ASK_FOR_LESS: is_slow,
        _AUDIT_THE_OTHER: _is_alone(report),
    }
    return [advice for advice, is_wanted in chosen.items() if is_wanted] or [_NOTHING]
