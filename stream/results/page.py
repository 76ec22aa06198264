"""The report for a person: one HTML file that needs nothing else, neither scripts nor a network.

`template.html` beside this module is the frame and the look, `sentences` and `advice` are what it says, `elements` the
pieces of every report, and here the parts are put together. All text is escaped in `elements` and in what is left of
them here: names of files and windows come from outside. The pictures are embedded.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from pipelines.base import Findings
from stream.results import sentences
from stream.results.advice import advice_for, looks_blurred
from stream.results.elements import (
    advice_list,
    document,
    facts,
    figure,
    paragraph,
    say_day,
    say_moment,
    section,
    verdict,
    warnings,
)
from stream.results.figures import BAND_EDGES, EPISODE_CLASSES
from stream.results.maps import BAND_COLORS, EPISODE_COLORS, band_label, draw_confidence, draw_leaks, episode_label

CONSENT: Final = (
    "Use Backroom on your own calls, or on those of people who have agreed to it. Looking into somebody's home without "
    "their consent is a wrong, and in many places a crime. This file shows parts of a room: keep it as you would keep "
    "a photograph of it. Backroom sends nothing anywhere."
)
NO_PROOF: Final = (
    "This is no proof that nothing leaked: a longer call shows more, "
    "and other programs may find what this one does not."
)
_BAND_WORDS: Final = ("hardly more than a guess", "doubtful", "likely", "nearly sure")


def build_page(findings: Findings, report: Mapping[str, Any]) -> str:
    """Write the report of a session.

    Parameters
    ----------
    findings : Findings
        At full size.
    report : mapping
        What stands in report.json: every figure on the page comes from there.

    Returns
    -------
    str
        A whole HTML document.
    """
    parts = (_verdict, _found, _sure, _where, _limits, _change, _watched)
    name = report["source"]["name"]
    return document(
        heading="What the virtual background gave away",
        title=f"{name}: what the virtual background gave away",
        subtitle=f"{name}, {say_day(report['started'])}",
        sections=[part(findings, report) for part in parts],
        footer=f"Made by Backroom {report['backroom']}. {CONSENT}",
    )


def _verdict(findings: Findings, report: Mapping[str, Any]) -> str:
    more = NO_PROOF
    if findings.coverage:
        more = sentences.say_score(report.get("score")) or sentences.MEASURED[report["method"]].in_short
    return verdict(sentences.say_coverage(report["coverage"]), more)


def _found(findings: Findings, report: Mapping[str, Any]) -> str:
    where = sentences.say_where(report["found_where"])
    alt = f"The room as far as it was found. {where}" if where else "A checkerboard: nothing was found."
    caption = (
        "The room as Backroom put it together. Checkerboard: not found, so not shown. Left and right are as in this "
        "picture; many programs show you your own picture mirrored."
    )
    unseen = "" if findings.confidence is None else " Black where it was never seen, as behind a person who sits still."
    backdrop = figure(findings.backdrop, "The virtual background.", f"The virtual background.{unseen}")
    room = figure(findings.room, alt, caption, "checkerboard")
    return section("What was found", f'<div class="pair">{room}{backdrop}</div>')


def _sure(findings: Findings, report: Mapping[str, Any]) -> str:
    said = paragraph(sentences.say_sureness(report["method"], report.get("confidence")))
    measured = paragraph(sentences.MEASURED[report["method"]].in_full)
    confidence = draw_confidence(findings)
    if confidence is None or not findings.coverage:
        return section("How sure that is", said, measured)
    labels = [f"{band_label(i)}: {_BAND_WORDS[i]}" for i in range(len(BAND_EDGES) - 1)]
    shares = [band["share"] for band in report["confidence"]["bands"]]
    table = _key("Sure of a pixel", labels, BAND_COLORS, shares)
    picture = figure(confidence, "Map of how sure each find is; the table has the figures.", "How sure each find is.")
    return section("How sure that is", said, measured, f'<div class="pair">{picture}{table}</div>')


def _where(findings: Findings, report: Mapping[str, Any]) -> str:
    where = paragraph(sentences.say_where(report["found_where"]) or "Nothing was found, so there is no place to name.")
    leaks = draw_leaks(findings)
    if leaks is None or not findings.coverage:
        return section("Where", where)
    often = paragraph(sentences.say_episodes(report["episodes"]))
    labels = [episode_label(first, last) for first, last in EPISODE_CLASSES]
    shares = [one["share"] for one in report["episodes"]["classes"]]
    table = _key("Separate moments", labels, EPISODE_COLORS, shares)
    picture = figure(
        leaks,
        "Map of where the room leaked and how often; the text and the table have the figures.",
        "Where the room leaked and how often, over the darkened virtual background.",
    )
    return section("Where, and how often", where, often, f'<div class="pair">{picture}{table}</div>')


def _limits(findings: Findings, report: Mapping[str, Any]) -> str:
    frames = report["frames"]
    lines = list(report["notices"])
    n_lost = frames["dropped"] + frames["missed"]
    if n_lost:
        lines.append(
            f"{n_lost} of {frames['captured'] + frames['missed']} frames came faster than they could be counted"
        )
    if frames["placeholders"]:
        lines.append(f"the camera was lost for {frames['placeholders']} frames")
    if report["ended_by"]:
        lines.append(f"the session ended early: {report['ended_by']}")
    if not lines:
        return section("What limits this result", paragraph("Nothing out of the ordinary was met."))
    more = "" if findings.coverage or looks_blurred(report) else paragraph(NO_PROOF)
    return section("What limits this result", warnings(lines), more)


def _change(_: Findings, report: Mapping[str, Any]) -> str:
    return section("What to change", advice_list(advice_for(report)))


def _watched(_: Findings, report: Mapping[str, Any]) -> str:
    source, frames = report["source"], report["frames"]
    n_lost = frames["dropped"] + frames["missed"]
    told = {
        "Watched": source["name"],
        "Size": f"{source['width']} \N{MULTIPLICATION SIGN} {source['height']} pixels",
        "Length": _length(report),
        "Frames": f"{frames['counted']} counted, {n_lost} dropped",
        "Began": say_moment(report["started"]),
        "Method": f"{report['method']}, Backroom {report['backroom']}",
    }
    return section("What was watched", facts(told))


def _length(report: Mapping[str, Any]) -> str:
    source = report["source"]
    if source["is_live"]:
        return f"{sentences.say_duration(report['elapsed_s'])}, live"
    if not source["rate_hz"]:
        return "pictures without times"
    n_frames = report["frames"]["processed"] + report["frames"]["skipped_as_counted_before"]
    return f"{sentences.say_duration(n_frames / source['rate_hz'])} of a recording"


def _key(title: str, labels: Sequence[str], colors: Sequence[str], shares: Sequence[float]) -> str:
    rows = "".join(
        f'<tr><td><span class="swatch" style="background: {color}"></span>{escape(label)}</td>'
        f'<td class="number">{escape(sentences.whole_percent(share))}</td></tr>'
        for label, color, share in zip(labels, colors, shares, strict=True)
    )
    head = f'<tr><th scope="col">{escape(title)}</th><th scope="col">Share of what was found</th></tr>'
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
