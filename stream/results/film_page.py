"""The preview of what a phone records: beside what people see, frame after frame, and what can be made of it.

Every figure comes from report.json.
"""

from collections.abc import Mapping
from typing import Any

from stream.results.elements import document, facts, figure, figures, paragraph, section, table, verdict
from stream.results.lens import (
    BLURRED,
    FOOTER,
    HONEST,
    NOT_SIMULATED,
    SAID_SCORES,
    say_camera,
    say_code,
    say_db,
    say_quality,
    say_scores,
    say_stopped,
)
from stream.results.sentences import percent
from stream.tools.film import Filmed


def build_film_page(filmed: Filmed) -> str:
    """Write the preview of what a phone would record.

    Parameters
    ----------
    filmed : Filmed
        The pictures and the figures.

    Returns
    -------
    str
        A whole HTML document.
    """
    report = filmed.report
    name, camera = report["video"], report["camera"]["name"]
    score = report["score"]
    best = max(report["attacks"], key=lambda attack: report["attacks"][attack]["psnr_db"])
    best_db = report["attacks"][best]["psnr_db"]
    lead = (
        f"A phone at {camera} records {say_db(score['psnr_db'])}, with {percent(score['wrong_share'])} of the pixels "
        "in another colour than people see."
    )
    more = f"The attack that does best, {best}, makes {say_db(best_db)} of it. {say_quality(best_db)}"
    middle = len(filmed.frames) // 2
    pictures = figures(
        figure(filmed.seen, "What people see.", "What people see: the mean light of each cycle."),
        figure(filmed.frames[middle], "A recorded frame.", "What the phone records at that moment."),
        figure(filmed.control, "A frame recorded without protection.", "What it records of an unprotected display."),
    )
    following = figures(
        *(figure(frame, f"Recorded frame {i}.", f"Frame {i}") for i, frame in enumerate(filmed.frames[:4], 1))
    )
    attacked = figures(*(_attack_figure(attack, filmed, report) for attack in _shown_attacks(report)))
    rows = [("recording", *say_scores(score)), ("unprotected", *say_scores(report["control"]))]
    rows += [(attack, *say_scores(found)) for attack, found in report["attacks"].items()]
    return document(
        heading="What a phone records",
        title=f"{name}: what a phone records",
        subtitle=f"{name}, filmed by a simulated phone at {camera}",
        sections=[
            verdict(lead, more),
            section("The recording, beside what people see", pictures),
            section("Frames that follow each other", following),
            section(
                "What can be made of it",
                attacked,
                table("Against what people see", ("copy", *SAID_SCORES), rows),
                paragraph(HONEST),
                paragraph(BLURRED),
            ),
            section("How it was filmed", facts(_film_facts(report)), paragraph(NOT_SIMULATED)),
        ],
        footer=f"Made by Backroom {report['backroom']}. {FOOTER}",
    )


def _film_facts(report: Mapping[str, Any]) -> dict[str, str]:
    first, end = report["scored_s"]
    recorded = f"{report['frames']} frames, {'lossless' if report['codec'] == 'lossless' else 'H.264'}"
    return {
        "File": report["video"],
        "Order": say_code(report),
        **say_camera(report["camera"]),
        "Recorded": "; ".join(filter(None, (recorded, say_stopped(report)))),
        "Scored": f"{first:.2f} to {end:.2f} s, {report['scored_frames'][1] - report['scored_frames'][0]} frames",
    }


def _shown_attacks(report: Mapping[str, Any]) -> list[str]:
    """Return the attacks whose pictures are shown: the best mean and the others."""
    attacks = report["attacks"]
    means = [name for name in attacks if name.startswith("mean of")]
    best = max(means, key=lambda name: attacks[name]["psnr_db"], default=None)
    return [name for name in attacks if name == best or name not in means]


def _attack_figure(name: str, filmed: Filmed, report: Mapping[str, Any]) -> str:
    db = report["attacks"][name]["psnr_db"]
    return figure(filmed.copies[name].picture, f"What the attack {name} makes of it.", f"{name}: {say_db(db)}.")
