"""The session in a terminal: a progress bar for recordings, one live line for everything else."""

import contextlib
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from stream.bookkeeping import PASSING_MESSAGES
from stream.view.none import NoView

HINTS = {
    "watch": "Ctrl-C ends and saves",
    "protect": "space or p hides you at once and shows you again; Ctrl-C ends",
    "background": "space or p shows a placeholder and the background again; Ctrl-C ends",
    "audit": "Ctrl-C ends and writes the report",
    "play": "space pauses, arrows wind, q ends",
}
"""By kind of session."""

_BAR_COLUMNS = 20
_WIDE_COLUMNS = 100
"""From here on the line has room for the latency."""


class TerminalView(NoView):
    """Shows a session's figures on the terminal's last line; takes no commands; keys and signals go past it.

    A terminal that goes away while the session runs (a closed window, a lost connection) ends the view and nothing
    else: counts and results are worth more than a line.

    Parameters
    ----------
    console : Console
        Where to write, standard error as a rule.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task_id: Any = None
        self._kind = ""
        self._notices: set[str] = set()
        self._message = ""
        self._is_gone = False

    def show_numbers(self, numbers: dict[str, Any]) -> None:
        """Bring the line up to date; new notices and messages are printed above it and stay.

        Parameters
        ----------
        numbers : dict
            As in `View.show_numbers`.
        """
        if self._is_gone:
            return
        try:
            self._show(numbers)
        except OSError:
            self._is_gone = True

    def close(self) -> None:
        """Take the line away: the summary follows, or the error."""
        progress, self._progress = self._progress, None
        if progress is not None:
            with contextlib.suppress(OSError):
                progress.stop()

    def _show(self, numbers: dict[str, Any]) -> None:
        is_wide = self._console.width >= _WIDE_COLUMNS
        what = numbers["message"] if numbers["message"] in PASSING_MESSAGES else ""
        figures = _figures(numbers, is_wide=is_wide) if numbers["frames"] else what
        line = {"completed": numbers["captured"], "description": numbers["state"], "figures": figures}
        kind = "waiting" if not numbers["frames"] else "live" if numbers["is_live"] else "recording"
        if self._progress is None or kind != self._kind:
            self._start(kind, numbers, line)
        self._say_what_is_new(numbers)
        if self._progress is not None:
            self._progress.update(self._task_id, **line)

    def _start(self, kind: str, numbers: dict[str, Any], line: dict[str, Any]) -> None:
        if not self._kind and numbers["is_live"]:
            self._console.print(Text(HINTS.get(numbers["session"], ""), "dim"))
        self.close()
        self._kind = kind
        self._progress = Progress(*_columns(kind), console=self._console, transient=True)
        self._task_id = self._progress.add_task(total=None if numbers["is_live"] else numbers["n_frames"], **line)
        self._progress.start()

    def _say_what_is_new(self, numbers: dict[str, Any]) -> None:
        for line in numbers["notices"]:
            if line not in self._notices:
                self._notices.add(line)
                self._console.print(Text(line, "yellow"))
        message = numbers["message"]
        if message != self._message and message not in PASSING_MESSAGES:
            self._console.print(Text(message, "dim"))
        self._message = message


class _FiguresColumn(ProgressColumn):
    """The session's own figures, which a plain text column would take for markup; cut rather than wrapped."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True, overflow="ellipsis"))

    def render(self, task: Task) -> Text:
        return Text(str(task.fields["figures"]))


def _columns(kind: str) -> tuple[ProgressColumn, ...]:
    state = TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=len("starting")))
    if kind == "recording":
        left = (TimeRemainingColumn(), TextColumn("left"))
        return (state, BarColumn(_BAR_COLUMNS), MofNCompleteColumn(), *left, _FiguresColumn())
    return (SpinnerColumn(), state, *([TimeElapsedColumn()] if kind == "live" else []), _FiguresColumn())


def _figures(numbers: dict[str, Any], *, is_wide: bool) -> str:
    parts = [f"{numbers['rate_hz']:.1f}/s"]
    if numbers["is_live"]:
        parts = [f"{numbers['frames']} frames", *parts, f"{numbers['dropped']} dropped"]
    if numbers["coverage"] is not None:
        parts.append(f"coverage {numbers['coverage']:.1%}")
    if numbers["exact"] is False:
        parts.append("approximate")
    total = numbers["latency_ms"].get("total")
    if numbers["is_live"] and is_wide and total:
        parts.append(f"{total['p50']:.0f} ms behind (99 %: {total['p99']:.0f} ms)")
    return "  ".join(parts)
