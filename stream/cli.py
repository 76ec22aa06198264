"""The command line: declares the commands, turns errors into a line and an exit code, and no more."""

import gc
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from config.loader import ConfigError
from config.schema import CROP_GRAMMAR, SIZE_GRAMMAR
from pipelines.base import PipelineError
from stream import __version__
from stream.cli_options import VIEWS, choice, out_option, override, overrides
from stream.cli_tools import COMMANDS
from stream.sinks.base import SinkError
from stream.sources.base import CaptureError
from stream.startup import swift_start
from stream.view.base import ViewError

EXPECTED_ERRORS = (ConfigError, CaptureError, PipelineError, SinkError, ViewError)

SOURCE_HELP = """
\b
SOURCE is one of
  screen, screen:N           the main monitor, or monitor N, counted from 1
  screen:X,Y,WIDTHxHEIGHT    a region of the desktop, in pixels
  window:TITLE               the window whose title contains TITLE (X11 only)
  camera, camera:N|NAME      the first webcam, or one by number or name
  demo                       a small synthetic call
  FILE                       a recording: every frame, as fast as can be
  FOLDER, PICTURE            pictures, in natural number order, or one

`backroom devices` lists the monitors, windows and cameras there are.
"""

PROTECT_VIEW_HELP = "See what the others see on a page in the browser, in a window, or not at all."
EMITTED = ("protected", "background")
EMIT_HELP = "Send you over the background, or the background alone, without any camera, for another client's settings."
VIEW_HELP = "Watch it grow on a page in the browser, in a window, or not at all."

PLAY_VIEWS = ("page", "none")
PLAY_VIEW_HELP = "Steer it on a page in the browser, on another screen, or by keys alone."
PLAY_TO_HELP = (
    "Where it goes: display[:N], virtual-camera[:DEVICE] or file:PATH.mkv, lossless, a frame for each sub-frame."
)
PLAY_EPILOG = (
    SOURCE_HELP
    + """
\b
Keys, in the film's window and in the terminal:
  space, p                   pause; a paused film stays protected
  left, right, up, down      5 seconds back and on, a minute on and back
  left, right, page up/down  slides of a FOLDER: the one before, the next
  home, q                    to the begin; end
"""
)

START_HELP = """
\b
For a start:
  backroom demo              see what it does; needs nothing
  backroom watch screen      opens a page: drag the region of the call there
  backroom watch call.mp4    a recording
  backroom protect           be a camera in meetings that hides your room
  backroom play film.mkv     a film that people see and cameras do not; needs a display of 120 Hz
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


_profile_option = click.option(
    "--profile",
    default="default",
    metavar="NAME|FILE.yaml",
    help="Shipped profile or a file of your own; read again when it changes.",
)


class _InOrder(click.Group):
    """Lists the commands in the order of their declaration: the one that most people want comes first."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's name
        return list(self.commands)


@click.group(
    cls=_InOrder, epilog=START_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Show what a virtual background gives away. For your own calls, or with consent. All stays on this machine."""


@cli.command(epilog=SOURCE_HELP)
@click.argument("source")
@out_option("Folder for the report, the room and the other pictures.")
@click.option(
    "--to",
    "sinks",
    multiple=True,
    metavar="SINK",
    help="Send the growing room to virtual-camera[:DEVICE], display[:N], file:PATH or images:DIR; may be repeated.",
)
@click.option("--view", type=click.Choice(VIEWS), default="page", show_default=True, help=VIEW_HELP)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="File that keeps the counts; resumed if it exists. A picked region gets one beside it.",
)
@click.option("--duration", "duration_s", type=click.FloatRange(min=0.1), metavar="SECONDS", help="End after so long.")
@_profile_option
@click.option(
    "--backdrop",
    type=click.Path(path_type=Path),
    metavar="IMAGE",
    help="The virtual background's picture, if you have it; method leak uses it where it fits the call.",
)
@override("watch", "method", type=choice("watch", "method"))
@override("watch", "claim", type=float)
@override("watch", "person_model", type=choice("watch", "person_model"))
@override("watch", "omg", type=int)
@override("watch", "memory", metavar="SIZE")
@override("screen", "rate_hz", "--rate", type=float)
@override("page", "port", type=int)
@swift_start()
def watch(
    source: str,
    out: Path,
    sinks: tuple[str, ...],
    view: Any,
    state: Path | None,
    duration_s: float | None,
    backdrop: Path | None,
    profile: str,
    **flags: Any,
) -> None:
    """Reconstruct the room behind a virtual background, live.

    Captures SOURCE until it ends or Ctrl-C, counts every pixel's colours and saves the room that shows through.
    """
    from pipelines.registry import build_reconstruction
    from stream.run import WatchRequest, run_watch
    from stream.summary import summarize

    picture = None
    if backdrop is not None:
        from stream.sources.backdrop import read_backdrop

        picture = read_backdrop(backdrop)
    request = WatchRequest(
        source=source,
        out=out,
        sinks=sinks,
        view=view,
        state=state,
        duration_s=duration_s,
        profile=profile,
        overrides=overrides(flags),
    )
    outcome = run_watch(request, partial(build_reconstruction, backdrop=picture), click.echo)
    click.echo(summarize(outcome, out))


@cli.command(epilog=SOURCE_HELP)
@click.argument("source", required=False)
@click.option(
    "--to",
    "sinks",
    multiple=True,
    metavar="SINK",
    default=("virtual-camera",),
    show_default=True,
    help="Where it goes: virtual-camera[:DEVICE], display[:N], file:PATH or images:DIR; may be repeated.",
)
@click.option("--emit", type=click.Choice(EMITTED), default="protected", show_default=True, help=EMIT_HELP)
@override("protect", "background", metavar="#RRGGBB|IMAGE|VIDEO|noise|blur")
@override("noise", "kind", "--noise", type=choice("noise", "kind"))
@override("protect", "mirror", "--mirror/--no-mirror", default=None)
@override("protect", "crop", metavar=CROP_GRAMMAR)
@override("protect", "size", metavar=SIZE_GRAMMAR)
@override("protect", "rate_hz", "--rate", type=float)
@override("protect", "camera_on", type=choice("protect", "camera_on"))
@click.option(
    "--audit-only",
    metavar="OUTPUT",
    help="Send nothing; measure what another client shows of this camera's room. OUTPUT is its picture, as SOURCE.",
)
@click.option("--view", type=click.Choice(VIEWS), default="page", show_default=True, help=PROTECT_VIEW_HELP)
@out_option("Folder for the report.")
@click.option("--duration", "duration_s", type=click.FloatRange(min=0.1), metavar="SECONDS", help="End after so long.")
@_profile_option
@override("page", "port", type=int)
@swift_start()
def protect(
    source: str | None,
    sinks: tuple[str, ...],
    emit: str,
    audit_only: str | None,
    view: Any,
    out: Path,
    duration_s: float | None,
    profile: str,
    **flags: Any,
) -> None:
    """Be a camera in meetings that hides your room.

    Takes SOURCE (the first webcam unless given), shows you over another background, and sends that to a virtual camera
    to be picked in Zoom, Teams or Meet. Whatever fails shows a placeholder, never the room.
    """
    from pipelines.registry import build_audit, build_meter, build_protection
    from stream.request import Request
    from stream.summary import summarize_audit, summarize_protection

    is_alone = emit == "background"
    request = Request(
        source=source or ("" if is_alone else "camera"),
        out=out,
        sinks=sinks,
        view=view,
        duration_s=duration_s,
        profile=profile,
        overrides=overrides(flags),
    )
    if is_alone and audit_only is not None:
        raise ConfigError("--audit-only sends nothing, so there is nothing to --emit; leave one of them out")
    if is_alone:
        from stream.run_background import run_background

        click.echo(summarize_protection(run_background(request, click.echo).report, out))
        return
    if audit_only is not None:
        from stream.run_audit import run_audit

        audited = run_audit(request, audit_only, build_protection, build_audit, click.echo)
        click.echo(summarize_audit(audited.report, out))
        return
    from stream.run_protect import run_protect

    outcome = run_protect(request, build_protection, click.echo, build_meter)
    click.echo(summarize_protection(outcome.report, out))


@cli.command(epilog=PLAY_EPILOG)
@click.argument("source")
@click.option("--to", "sink", metavar="SINK", default="display", show_default=True, help=PLAY_TO_HELP)
@override("play", "refresh_hz", "--refresh", type=float)
@override("play", "code", type=choice("play", "code"))
@override("play", "strength", type=float)
@override("play", "headroom", type=choice("play", "headroom"))
@override("play", "pattern", type=choice("play", "pattern"))
@override("play", "block_px", type=int)
@override("play", "loop", "--loop/--no-loop", default=None)
@override("play", "audio", "--audio/--no-audio", default=None)
@override("play", "slide_s", type=float)
@override("play", "limit_red", "--limit-red/--no-limit-red", default=None)
@override("play", "seed", type=int)
@click.option("--view", type=click.Choice(PLAY_VIEWS), default="none", show_default=True, help=PLAY_VIEW_HELP)
@out_option("Folder for the report.")
@click.option("--duration", "duration_s", type=click.FloatRange(min=0.1), metavar="SECONDS", help="End after so long.")
@_profile_option
@override("page", "port", type=int)
@swift_start()
def play(
    source: str,
    sink: str,
    view: Any,
    out: Path,
    duration_s: float | None,
    profile: str,
    **flags: Any,
) -> None:
    """Show a film or slides that people see and cameras do not.

    Each picture becomes a cycle of sub-frames on a display of 120 Hz or more: the eye sees their mean, a camera records
    single ones. Averaging whole cycles of a picture that stands still brings it back; nothing can be done about that.
    """
    from pipelines.registry import build_encoder
    from stream.play.run import run_play
    from stream.request import Request
    from stream.summary import summarize_play

    request = Request(
        source=source,
        out=out,
        sinks=(sink,),
        view=view,
        duration_s=duration_s,
        profile=profile,
        overrides=overrides(flags),
    )
    click.echo(summarize_play(run_play(request, build_encoder, click.echo).report, out))


@cli.command()
@out_option("Folder for the report, the room and the other pictures.")
@click.option("--view", type=click.Choice(VIEWS), default="none", show_default=True, help=VIEW_HELP)
@_profile_option
@click.option(
    "--method",
    "watch__method",
    type=choice("watch", "method"),
    default="rarest",
    show_default=True,
    help="How the room is found. The demo's person is drawn and the call is clean, which is what rarest is for.",
)
@override("watch", "omg", type=int)
@swift_start()
def demo(out: Path, view: Any, profile: str, **flags: Any) -> None:
    """Watch a small synthetic call and score what is found.

    The room that the call was made with is known; the score is how much of it was found, and how much that was
    found is right.
    """
    from pipelines.registry import build_reconstruction
    from stream.demo import run_demo

    click.echo(run_demo(out, view, profile, overrides(flags), build_reconstruction, click.echo))


for command in COMMANDS:
    cli.add_command(command)
