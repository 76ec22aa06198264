"""The session in a terminal: a progress bar for recordings, one live line for everything else."""

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
from rich.text import Text

from stream.view.none import NoView


class TerminalView(NoView):
    """Shows a session's figures on the terminal's last line; takes no commands (Ctrl-C ends and saves).

    Parameters
    ----------
    console : Console
        Where to write, standard error as a rule.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task_id: Any = None
        self._notices: set[str] = set()
        self._message = ""

    def show_numbers(self, numbers: dict[str, Any]) -> None:
        """Bring the line up to date; new notices and messages are printed above it and stay.

        Parameters
        ----------
        numbers : dict
            As in `View.show_numbers`.
        """
        if self._progress is None:
            self._progress = _progress(self._console, is_live=numbers["is_live"])
            total = None if numbers["is_live"] else numbers["n_frames"]
            self._task_id = self._progress.add_task("", total=total, figures="")
            self._progress.start()
        for line in numbers["notices"]:
            if line not in self._notices:
                self._notices.add(line)
                self._progress.console.print(f"[yellow]{line}[/yellow]", highlight=False)
        if numbers["message"] != self._message:
            self._message = numbers["message"]
            self._progress.console.print(f"[dim]{self._message}[/dim]", highlight=False)
        self._progress.update(
            self._task_id,
            completed=numbers["captured"],
            description=numbers["state"],
            figures=_figures(numbers),
        )

    def close(self) -> None:
        """Leave the last line as it stands."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


class _FiguresColumn(ProgressColumn):
    """The session's own figures, which a plain text column would take for markup."""

    def render(self, task: Task) -> Text:
        return Text(str(task.fields["figures"]))


def _progress(console: Console, *, is_live: bool) -> Progress:
    text = TextColumn("{task.description}")
    if is_live:
        return Progress(SpinnerColumn(), text, TimeElapsedColumn(), _FiguresColumn(), console=console)
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), _FiguresColumn())
    return Progress(*columns, console=console)


def _figures(numbers: dict[str, Any]) -> str:
    parts = [f"{numbers['frames']} frames", f"{numbers['rate_hz']:.1f}/s"]
    if numbers["is_live"]:
        parts.append(f"{numbers['dropped']} dropped")
        total = numbers["latency_ms"].get("total")
        if total:
            parts.append(f"{total['p50']:.0f}/{total['p99']:.0f} ms p50/p99")
    if numbers["coverage"] is not None:
        parts.append(f"coverage {numbers['coverage']:.1%}")
    if not numbers["exact"]:
        parts.append("approximate")
    return "  ".join(parts)
