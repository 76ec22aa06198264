"""The command line: declares commands and flags, turns errors into one line and an exit code, and nothing else."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from config.loader import ConfigError
from config.schema import Profile
from pipelines.base import PipelineError
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
    try:
        cli(standalone_mode=False)
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
@click.version_option(package_name="backroom")
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
@click.option("--state", type=click.Path(path_type=Path), help="File that keeps the counts; resumed if it exists.")
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


@cli.group()
def frames() -> None:
    """Take a video apart into pictures, or put one together."""


@cli.command()
def devices() -> None:
    """List monitors, windows, cameras and virtual cameras."""
    from stream.devices import list_devices
    from stream.listing import print_devices

    print_devices(list_devices())


@cli.command()
def doctor() -> None:
    """Say what works on this machine and what to install for the rest."""
    from stream.doctor import check
    from stream.listing import print_checks

    sys.exit(print_checks(check()))


@cli.group()
def profile() -> None:
    """Show the profiles and the schema that they follow."""


@profile.command("list")
def profile_list() -> None:
    """List the shipped profiles."""
    from config.loader import shipped_profiles

    click.echo("\n".join(shipped_profiles()))


@profile.command("show")
@click.argument("name", default="default")
def profile_show(name: str) -> None:
    """Print profile NAME with every value that is in force."""
    import yaml

    from config.loader import load_profile

    click.echo(yaml.safe_dump(load_profile(name).model_dump(mode="json"), sort_keys=False), nl=False)


@profile.command("check")
@click.argument("file")
def profile_check(file: str) -> None:
    """Validate a profile FILE."""
    from config.loader import load_profile

    load_profile(file)
    click.echo(f"{file}: good")


@profile.command("schema")
def profile_schema() -> None:
    """Print the JSON schema of a profile, for editors."""
    from config.loader import json_schema

    click.echo(json_schema(), nl=False)
