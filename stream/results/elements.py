"""The pieces that reports for people are made of. All text is escaped here: names of files come from outside."""

import base64
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from string import Template
from typing import Any, Final

import cv2

from pipelines.base import Image
from stream.results.advice import Advice
from stream.view.pictures import shrink_bgr, shrink_bgra

PICTURE_WIDTH_PX: Final = 960
"""Pictures in reports are scaled down to this."""

_BGRA_CHANNELS: Final = 4


def document(*, heading: str, title: str, subtitle: str, sections: Sequence[str], footer: str) -> str:
    """Put a report together: one file that needs nothing else, neither scripts nor a network.

    Parameters
    ----------
    heading, title, subtitle, footer : str
        Text.
    sections : sequence of str
        HTML, from this module.

    Returns
    -------
    str
        A whole HTML document.
    """
    return Template((resources.files("stream.results") / "template.html").read_text("utf-8")).substitute(
        heading=escape(heading),
        title=escape(title),
        subtitle=escape(subtitle),
        sections="\n".join(sections),
        footer=escape(footer),
    )


def section(title: str, *parts: str) -> str:
    """Return a section of a report.

    Parameters
    ----------
    title : str
        Text.
    *parts : str
        HTML; empty ones are left out.

    Returns
    -------
    str
        HTML.
    """
    return f"<section>\n<h2>{escape(title)}</h2>\n" + "\n".join(part for part in parts if part) + "\n</section>"


def verdict(lead: str, more: str, *, is_bad: bool = False) -> str:
    """Return the box at the top.

    Parameters
    ----------
    lead, more : str
        Text: what matters most, and what to make of it.
    is_bad : bool, optional
        Whether something is to be done about it; then the box does not look calm.

    Returns
    -------
    str
        HTML.
    """
    look = "verdict bad" if is_bad else "verdict"
    return f'<div class="{look}"><p class="lead">{escape(lead)}</p>{paragraph(more)}</div>'


def paragraph(text: str) -> str:
    """Return a paragraph.

    Parameters
    ----------
    text : str
        Text.

    Returns
    -------
    str
        HTML.
    """
    return f"<p>{escape(text)}</p>"


def figure(image: Image, alt: str, caption: str, css_class: str = "") -> str:
    """Return a picture, embedded as PNG, with what it shows below.

    Parameters
    ----------
    image : ndarray
        (height, width, 3) uint8 BGR or (height, width, 4) BGRA.
    alt, caption : str
        Text: in the picture's place, and below it.
    css_class : str, optional
        Of the picture: ``checkerboard`` shows through it where it is transparent.

    Returns
    -------
    str
        HTML.
    """
    height, width = image.shape[:2]
    classes = f' class="{css_class}"' if css_class else ""
    picture = f'<img{classes} src="{_embedded(image)}" width="{width}" height="{height}" alt="{escape(alt)}">'
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def facts(pairs: Mapping[str, str]) -> str:
    """Return a list of names and what they are.

    Parameters
    ----------
    pairs : mapping of str to str
        Text to text.

    Returns
    -------
    str
        HTML.
    """
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>' for name, fact in pairs.items())}</dl>"


def warnings(lines: Iterable[str]) -> str:
    """Return lines that a person should read.

    Parameters
    ----------
    lines : iterable of str
        Text.

    Returns
    -------
    str
        HTML.
    """
    return f'<ul class="warn">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'


def limits(title: str, report: Mapping[str, Any]) -> str:
    """Return a section on what degraded or ended a session early; nothing where nothing did.

    Parameters
    ----------
    title : str
        Text.
    report : mapping
        What stands in report.json.

    Returns
    -------
    str
        HTML.
    """
    lines = list(report["notices"])
    if report["ended_by"]:
        lines.append(f"the session ended early: {report['ended_by']}")
    return section(title, warnings(lines)) if lines else ""


def advice_list(chosen: Iterable[Advice]) -> str:
    """Return what to change.

    Parameters
    ----------
    chosen : iterable of Advice
        The most useful first.

    Returns
    -------
    str
        HTML.
    """
    items = "".join(f"<li><h3>{escape(advice.what)}</h3>{paragraph(advice.why)}</li>" for advice in chosen)
    return f'<ol class="advice">{items}</ol>'


def figures(*made: str) -> str:
    """Return pictures side by side, as many as there is room for.

    Parameters
    ----------
    *made : str
        HTML, from `figure`.

    Returns
    -------
    str
        HTML.
    """
    return f'<div class="figures">{"".join(made)}</div>'


def tables(*made: str) -> str:
    """Return tables side by side, as many as there is room for.

    Parameters
    ----------
    *made : str
        HTML, from `table`.

    Returns
    -------
    str
        HTML.
    """
    return f'<div class="tables">{"".join(made)}</div>'


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column names the rows; the others are numbers.

    Parameters
    ----------
    caption : str
        Text: what is in it.
    head : sequence of str
        Text: one for each column.
    rows : iterable of sequence of str
        Text.

    Returns
    -------
    str
        HTML; wider than the window, it scrolls by itself.
    """
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(one)}</td>" for one in others)}</tr>'
        for first, *others in rows
    )
    # Reached by the keyboard too, since it may have to be scrolled.
    box = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
    return (
        f'{box}<table class="numbers"><caption>{escape(caption)}</caption><thead><tr>{names}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def say_day(moment: str) -> str:
    """Say on what day something was.

    Parameters
    ----------
    moment : str
        As ISO 8601 has it.

    Returns
    -------
    str
        Such as ``24 November 2026``.
    """
    day = dt.datetime.fromisoformat(moment)
    return f"{day.day} {day:%B %Y}"


def say_moment(moment: str) -> str:
    """Say when something was.

    Parameters
    ----------
    moment : str
        As ISO 8601 has it, in UTC.

    Returns
    -------
    str
        Such as ``2026-11-24 20:01:10 UTC``.
    """
    return moment.replace("T", " ").replace("+00:00", " UTC")


def _embedded(image: Image) -> str:
    is_bgra = image.shape[2] == _BGRA_CHANNELS
    small = shrink_bgra(image, PICTURE_WIDTH_PX) if is_bgra else shrink_bgr(image, PICTURE_WIDTH_PX)
    _, encoded = cv2.imencode(".png", small)
    return f"data:image/png;base64,{base64.b64encode(encoded.tobytes()).decode()}"
