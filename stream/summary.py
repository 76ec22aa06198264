"""The few lines at the end of a session."""

from pathlib import Path

from stream.report import ROOM
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
