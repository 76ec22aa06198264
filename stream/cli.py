"""The command line: declares `watch` and `demo`, turns errors into one line and an exit code, and nothing else."""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from config.loader import ConfigError
from config.schema import Profile
from pipelines.base import PipelineError
from stream import __version__
from stream.cli_tools import COMMANDS
from stream.sinks.base import SinkError
from stream.sources.base import CaptureError
from stream.view.base import ViewError

Command = TypeVar("Command", bound=Callable[..., Any])

EXPECTED_ERRORS = (ConfigError, CaptureError, PipelineError, SinkError, ViewError)

SOURCE_HELP = """
\b
SOURCE is one of
  screen, screen:N             the whole screen, or monitor N (from 1)
  screen:X,Y,WIDTHxHEIGHT      a region of it
  window:TITLE                 a window whose title contains TITLE (X11)
  camera, camera:N, camera:NAME
  demo                         a small synthetic call
  FILE                         a recording
  FOLDER                       pictures, in natural number order
"""


def main() -> None:
    """Run the command line; expected errors become one line on standard error and exit code 2."""
    debug = "--debug" in sys.argv
    # Read by OpenCV when it is loaded: a camera that went silent holds a thread for 2 s instead of 10.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # what is wrong is said once, in our own words
    try:
        cli(standalone_mode=False)
        # What is alive now ends with the process; looking for garbage in it first takes a tenth of a second.
        gc.freeze()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except EXPECTED_ERRORS as error:
        if debug:
            raise
        click.echo(f"backroom: {error}", err=True)
        sys.exit(2)


def _setting(section: str, key: str) -> str:
    """Return the description of a profile field, its one home."""
    model = Profile.model_fields[section].annotation
    field = model.model_fields[key]  # type: ignore[union-attr] # sections are models
    return " ".join((field.description or "").split()) + f" [profile: {section}.{key}]"


def _override(section: str, key: str, *names: str, **more: Any) -> Callable[[Command], Command]:
    return click.option(
        *(names or (f"--{key.replace('_', '-')}",)), f"{section}__{key}", help=_setting(section, key), **more
    )


def _overrides(flags: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in flags.items() if value is not None}


_profile_option = click.option(
    "--profile",
    default="default",
    metavar="NAME|FILE.yaml",
    help="Shipped profile or a file of your own; read again when it changes.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Show what a virtual background gives away. For your own calls, or with consent. All stays on this machine."""


@cli.command(epilog=SOURCE_HELP)
@click.argument("source")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder for room.png, backdrop.png and report.json.",
)
@click.option(
    "--to",
    "sinks",
    multiple=True,
    metavar="SINK",
    help="Send the growing room to virtual-camera[:DEVICE], display[:N], file:PATH or images:DIR; may be repeated.",
)
@click.option(
    "--view", type=click.Choice(["page", "window", "none"]), default="page", show_default=True, help="Live view."
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="File that keeps the counts; resumed if it exists. A picked region gets one beside it.",
)
@click.option(
    "--duration", "duration_s", type=click.FloatRange(min=0.1), metavar="SECONDS", help="End after so many seconds."
)
@_profile_option
@_override("watch", "method", type=click.Choice(["rarest"]))
@_override("watch", "omg", type=int)
@_override("watch", "memory", metavar="SIZE")
@_override("screen", "rate_hz", "--rate", type=float)
@_override("page", "port", type=int)
def watch(
    source: str,
    out: Path,
    sinks: tuple[str, ...],
    view: Any,
    state: Path | None,
    duration_s: float | None,
    profile: str,
    **flags: Any,
) -> None:
    """Reconstruct the room behind a virtual background from SOURCE, live."""
    from pipelines.registry import build_reconstruction
    from stream.run import WatchRequest, run_watch
    from stream.summary import summarize

    request = WatchRequest(source, out, sinks, view, state, duration_s, profile, _overrides(flags))
    outcome = run_watch(request, build_reconstruction, click.echo)
    click.echo(summarize(outcome, out))


@cli.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder for room.png, backdrop.png and report.json.",
)
@click.option(
    "--view", type=click.Choice(["page", "window", "none"]), default="none", show_default=True, help="Live view."
)
@_profile_option
@_override("watch", "omg", type=int)
def demo(out: Path, view: Any, profile: str, **flags: Any) -> None:
    """Reconstruct the room of a small synthetic call and score the result against the room that it was made with."""
    from pipelines.registry import build_reconstruction
    from stream.demo import run_demo

    click.echo(run_demo(out, view, profile, _overrides(flags), build_reconstruction, click.echo))


for command in COMMANDS:
    cli.add_command(command)
