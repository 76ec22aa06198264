"""Tables for the terminal: devices, the doctor's findings, a pixel's colours, a score."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.reconstruction.score import Score
from stream.devices import Devices
from stream.doctor import Check
from stream.tools.pixel import PixelHistory

MOST_COLORS = 40
"""Rows of a pixel's colour table; a noisy pixel has hundreds."""

_UNWRAPPED_COLUMNS = 4000

_LEGEND = "no: does not work yet, with the remedy below it; -: is not there, and only matters if you want to use it"

_SIGNS = {True: Text("ok", "green"), False: Text("no", "red"), None: Text("-", "dim")}


def print_devices(devices: Devices) -> None:
    """Print what can be captured and shown on, each with what to write for it.

    Parameters
    ----------
    devices : Devices
        What was found.
    """
    place = "{2}x{3} at {0},{1}".format
    monitors = [(f"screen:{m.number}", m.name, place(*m.region_px)) for m in devices.monitors]
    windows = [(f"window:{w.title}", "", place(*w.region_px)) for w in devices.windows]
    cameras = [(f"camera:{c.index}", c.name, c.trouble or c.path) for c in devices.cameras]
    virtual = [(f"virtual-camera:{v.device}", v.name, v.trouble) for v in devices.virtual_cameras]
    listed = {"monitors": monitors, "windows": windows, "cameras": cameras, "virtual_cameras": virtual}
    console = _console()
    for kind, rows in listed.items():
        console.print(Text(kind.replace("_", " "), "bold"))
        reason = devices.reasons.get(kind)  # type: ignore[call-overload] # the keys are the fields' names
        if reason or not rows:
            line = Text(reason or "none", "yellow" if reason else "dim")
            console.print(Padding(line, (0, 0, 0, 1), expand=False))
            continue
        table = Table(box=None, show_header=False, pad_edge=True)
        for row in rows:
            table.add_row(*(Text(cell, overflow="fold") for cell in row))
        console.print(table)


def print_checks(checks: Iterable[Check]) -> int:
    """Print the doctor's findings.

    Parameters
    ----------
    checks : iterable of Check
        What was looked at.

    Returns
    -------
    int
        Exit code: 1 if something does not work that something needs, else 0.
    """
    console = _console()
    table = Table(box=None, show_header=False)
    is_well = True
    for check in checks:
        is_well = is_well and check.ok is not False
        detail = Text(check.detail, overflow="fold")
        if check.remedy:
            detail.append(f"\n{check.remedy}", "dim")
        table.add_row(_SIGNS[check.ok], check.name, detail)
    console.print(table)
    console.print(Text(_LEGEND, "dim"))
    return 0 if is_well else 1


def print_pixel(history: PixelHistory) -> None:
    """Print a pixel's colours, the most frequent first.

    Parameters
    ----------
    history : PixelHistory
        What the pixel showed.
    """
    table = Table(box=None)
    for name in ("colour", "B", "G", "R", "frames", "share", "first", "last"):
        table.add_column(name, justify="right")
    for color in history.colors[:MOST_COLORS]:
        patch = Text("   ", f"on {color.hex}").append(f" {color.hex}", "default on default")
        numbers = (color.blue, color.green, color.red, color.n_frames)
        seen = (f"{color.share:.2%}", str(color.first_frame), str(color.last_frame))
        table.add_row(patch, *map(str, numbers), *seen)
    console = Console(highlight=False)
    console.print(table)
    if len(history.colors) > MOST_COLORS:
        console.print(f"and {len(history.colors) - MOST_COLORS} rarer colours (all of them with --json)")


def pixel_json(history: PixelHistory) -> str:
    """Return a pixel's colours as JSON text.

    Parameters
    ----------
    history : PixelHistory
        What the pixel showed.

    Returns
    -------
    str
        A list of objects, the most frequent colour first.
    """
    return json.dumps([asdict(color) | {"hex": color.hex} for color in history.colors], indent=2)


def score_values(score: Score) -> dict[str, Any]:
    """Return a score as JSON values: an infinite PSNR (equal pictures) becomes the text ``inf``.

    Parameters
    ----------
    score : Score
        The figures.

    Returns
    -------
    dict
        Field to value.
    """
    values = asdict(score)
    return {key: "inf" if isinstance(value, float) and math.isinf(value) else value for key, value in values.items()}


def print_score(score: Score) -> None:
    """Print a score, one figure a line, and why figures are missing.

    Parameters
    ----------
    score : Score
        The figures.
    """
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=None, show_header=False)
    for name, value in score_values(score).items():
        if name != "notes":
            table.add_row(name, "-" if value is None else f"{value:.4f}" if isinstance(value, float) else value)
    console.print(table)
    for note in score.notes:
        console.print(Text(note, "dim"))


def _console() -> Console:
    """Return the console of standard output; a file or a pipe has no width, so that nothing is wrapped there."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNWRAPPED_COLUMNS
    return console
