"""The few lines at the end of a session."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stream.report import PAGE, REPORT, ROOM
from stream.watch import WatchOutcome

NOTES = {ROOM: f"{ROOM} (alpha = claimed)"}


def summarize(outcome: WatchOutcome, out: Path) -> str:
    """Say how a session went.

    Parameters
    ----------
    outcome : WatchOutcome
        Of the session.
    out : Path
        Folder that holds the results.

    Returns
    -------
    str
        A few lines, no newline at the end.
    """
    report, frames = outcome.report, outcome.report["frames"]
    n_lost = frames["dropped"] + frames["missed"]
    lines = [f"{frames['counted']} frames counted at {report['rate_hz']:.1f}/s, {n_lost} dropped"]
    if "exact" in report:
        lines[0] += f", counts are {'exact' if report['exact'] else 'approximate'}"
    if frames["skipped_as_counted_before"]:
        lines.append(f"{frames['skipped_as_counted_before']} frames skipped: the state had counted them before")
    lines.extend(report["notices"])
    lines.append(f"{report['coverage']:.1%} of the picture is claimed to be the room")
    page, *others = outcome.files
    lines.append(f"open {out / page} for what was found, how sure that is and what to change")
    lines.append(f"beside it: {', '.join(NOTES.get(name, name) for name in others)}")
    return "\n".join(lines)


def summarize_audit(report: Mapping[str, Any], out: Path) -> str:
    """Say what another client has shown.

    Parameters
    ----------
    report : mapping
        What stands in report.json.
    out : Path
        Folder that holds it.

    Returns
    -------
    str
        A few lines, no newline at the end.
    """
    audit = report["audit"]
    lines = [f"{audit['measured_frames']} of {report['frames']['processed']} frames of the other client measured"]
    if audit["measured_frames"]:
        lines += [
            f"its picture is the camera's, {audit['registered']}",
            f"{audit['exposed_beyond_chance']:.2%} of the known room has shown at least once, chance taken out",
            f"{audit['recovered_beyond_chance']:.2%} of it could be recovered by our own attack",
        ]
    return "\n".join(
        [
            *lines,
            *report["notices"],
            f"open {out / PAGE} for what showed and what to change; the figures are in {out / REPORT}",
        ]
    )


def summarize_protection(report: Mapping[str, Any], out: Path) -> str:
    """Say how a protected camera did.

    Parameters
    ----------
    report : mapping
        What stands in report.json.
    out : Path
        Folder that holds it.

    Returns
    -------
    str
        A few lines, no newline at the end.
    """
    frames = report["frames"]
    n_lost = frames["dropped"] + frames["missed"]
    is_alone = report["emit"] == "background"
    what = "frames of the background sent" if is_alone else "frames protected"
    lines = [f"{frames['processed']} {what} at {report['rate_hz']:.1f}/s, {n_lost} dropped"]
    total = report["latency_ms"].get("total")
    if total and report["source"]["is_live"] and not is_alone:
        lines[0] += f", {total['p50']:.0f} ms later than they came (99 %: {total['p99']:.0f} ms)"
    if report["placeholders"]:
        lines.append(f"{report['placeholders']} of them were placeholders")
    lines.extend(f"{n} for: {reason}" for reason, n in report["failures_by_reason"].items())
    meter = report["leak_meter"]
    if meter and meter["room_known"]:
        shown, recovered = meter["exposed_beyond_chance"], meter["recovered_beyond_chance"]
        lines.append(
            f"of the room that it knows, {shown:.2%} showed at least once; our own attack recovers {recovered:.2%}"
        )
    lines.extend(report["notices"])
    lines.append(f"open {out / PAGE} for how it went and what to change; the figures are in {out / REPORT}")
    return "\n".join(lines)


def summarize_play(report: Mapping[str, Any], out: Path) -> str:
    """Say how a film was played.

    Parameters
    ----------
    report : mapping
        What stands in report.json.
    out : Path
        Folder that holds it.

    Returns
    -------
    str
        A few lines, no newline at the end.
    """
    play = report["play"]
    shown = f"{play['subframes']} sub-frames in {play['cycles']} cycles to {play['where']}"
    how = f"{play['refresh_hz']:g} Hz, code {play['code']}, {play['n_slips']} slips"
    return "\n".join([f"{shown}, {how}", *report["notices"], f"the figures are in {out / REPORT}"])
