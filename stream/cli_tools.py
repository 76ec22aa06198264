"""The commands beside `watch`: recordings apart, one pixel, scores, noise, cameras, devices, profiles. No logic."""

import sys
from pathlib import Path
from typing import Any

import click

from stream.cli_options import VIEWS, choice, out_option, override, overrides

_FILE = click.Path(path_type=Path)


@click.group()
def frames() -> None:
    """Take a recording apart into pictures, or put one together."""


@frames.command()
@click.argument("video", type=_FILE)
@click.argument("folder", type=_FILE)
def split(video: Path, folder: Path) -> None:
    """Save every frame of VIDEO as PNG in FOLDER, with its time in frames.json."""
    from stream.tools.frames import split
    from stream.tools.progress import progress_bar

    with progress_bar("split") as progress:
        report = split(video, folder, progress)
    _say_done(report.n_frames, report.notes, folder)


@frames.command()
@click.argument("folder", type=_FILE)
@click.argument("video", type=_FILE)
@click.option("--rate", "rate_hz", type=click.FloatRange(min=0, min_open=True), help="Frames a second; else as noted.")
@click.option("--profile", default="default", metavar="NAME|FILE.yaml", help="Its section `video` is used.")
def join(folder: Path, video: Path, rate_hz: float | None, profile: str) -> None:
    """Put the pictures of FOLDER together: VIDEO.mkv is lossless, VIDEO.mp4 is small."""
    from config.loader import load_profile
    from stream.tools.frames import join
    from stream.tools.progress import progress_bar

    with progress_bar("join") as progress:
        report = join(folder, video, rate_hz, load_profile(profile).video, progress)
    _say_done(report.n_frames, report.notes, video)


@click.command()
@click.argument("video", type=_FILE)
@click.argument("x", type=int)
@click.argument("y", type=int)
@click.option("--out", type=_FILE, help="Save the strip here as PNG: column t is the pixel's colour in frame t.")
@click.option("--from-one", is_flag=True, help="X and Y are counted from 1, as roomg does.")
@click.option("--json", "as_json", is_flag=True, help="Print every colour as JSON instead of a table.")
def pixel(video: Path, x: int, y: int, out: Path | None, from_one: bool, as_json: bool) -> None:
    """Follow one pixel of a recording through its colours.

    Says which colours the pixel in column X, row Y of VIDEO had, how often and when.
    """
    from stream.listing import pixel_json, print_pixel
    from stream.sinks.images import save_png
    from stream.tools.pixel import pixel_over_time
    from stream.tools.progress import progress_bar

    with progress_bar("pixel") as progress:
        history = pixel_over_time(video, x, y, counted_from=int(from_one), progress=progress)
    if out:
        save_png(out, history.strip)
    if as_json:
        click.echo(pixel_json(history))
    else:
        print_pixel(history)


@click.command()
@click.argument("room", type=_FILE)
@click.option("--truth", type=_FILE, required=True, help="The room as it is.")
@click.option("--backdrop", type=_FILE, help="The virtual background; recall and precision need it.")
@click.option("--weights", type=_FILE, help="NumPy file: the largest leak alpha of each pixel.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def score(room: Path, truth: Path, backdrop: Path | None, weights: Path | None, as_json: bool) -> None:
    """Compare a reconstructed room with the real one.

    ROOM is a PNG whose alpha says what is claimed, as `watch` saves it.
    """
    import json

    from stream.listing import print_score, score_values
    from stream.tools.score import score_files

    result = score_files(room, truth, backdrop, weights)
    if as_json:
        click.echo(json.dumps(score_values(result), indent=2))
    else:
        print_score(result)


_seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="The same noise every time, for tests. Who guesses it can take the noise away; without it nobody can.",
)


@click.group()
def noise() -> None:
    """Make virtual backgrounds with noise, for this or another client, that confuse who looks for your room."""


@noise.command("image")
@click.argument("out", type=_FILE)
@click.option("--size", default="1920x1080", show_default=True, metavar="WxH", help="Width and height in pixels.")
@_seed_option
def noise_image(out: Path, size: str, seed: int | None) -> None:
    """Save a picture of nothing but noise as OUT.png."""
    from stream.tools.noise import parse_size, save_noise_picture

    save_noise_picture(out, parse_size(size), seed)
    click.echo(f"noise written to {out}")


@noise.command("video")
@click.argument("image")
@click.argument("out", type=_FILE)
@click.option(
    "--duration",
    "duration_s",
    type=click.FloatRange(min=0, min_open=True, max=3600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Clients play it over and over: the longer, the later it repeats itself.",
)
@click.option(
    "--rate", "rate_hz", type=click.FloatRange(min=1, max=240), default=30.0, show_default=True, help="In Hz."
)
@click.option("--size", metavar="WxH", help="Width and height in pixels, even; else the picture's, up to 1920x1080.")
@click.option(
    "--noise",
    "noise__kind",
    type=choice("noise", "kind"),
    default="pixels",
    show_default=True,
    help="Noise pixels at random places in each frame, whole frames of noise now and then, or none.",
)
@override("noise", "probability", type=int)
@override("noise", "largest_share", type=float)
@override("noise", "no_noises_frames", type=int)
@override("noise", "random_frames", type=int)
@override("noise", "strength", type=float)
@override("noise", "keep_light", "--keep-light/--any-light", default=None)
@override("noise", "motion", type=float)
@override("noise", "motion_frames", type=int)
@_seed_option
@click.option("--profile", default="default", metavar="NAME|FILE.yaml", help="Its sections `noise` and `video` count.")
def noise_video(
    image: str,
    out: Path,
    duration_s: float,
    rate_hz: float,
    size: str | None,
    seed: int | None,
    profile: str,
    **flags: Any,
) -> None:
    """Make a noisy video of the picture IMAGE, to be taken as a virtual background.

    OUT ends in .mp4 or .mov (H.264, which Zoom and others take) or .mkv (lossless). IMAGE may be the word `noise`: then
    there is nothing but noise, and --largest-share and --strength are what matters.
    """
    from config.loader import load_profile
    from stream.tools.noise import VideoPlan, make_noise_video, parse_size
    from stream.tools.progress import progress_bar

    settings = load_profile(profile, overrides(flags))
    plan = VideoPlan(image, out, duration_s, rate_hz, parse_size(size) if size else None, seed)
    with progress_bar("noise") as progress:
        report = make_noise_video(plan, settings.noise, settings.video, progress)
    _say_done(report.n_frames, report.notes, out)


_slots_option = click.option(
    "--slots", "n_slots", type=click.IntRange(min=2, max=64), help="Sub-frames in a cycle; else as the file says."
)
_refresh_option = click.option(
    "--refresh",
    "refresh_hz",
    type=click.FloatRange(min=1, max=1000),
    metavar="HZ",
    help="Of the display; else likewise.",
)
_skip_option = click.option(
    "--skip",
    "skip_s",
    type=click.FloatRange(min=0, max=3600),
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="Leave out the start, in which the modulation fades in.",
)
_readout_option = click.option(
    "--readout",
    "readout_ms",
    type=click.FloatRange(min=0, max=1000),
    default=12.0,
    show_default=True,
    metavar="MS",
    help="Of the rolling shutter, from the first row to the last; 0 for a global one.",
)
_SENSORS = click.Choice(["ideal", "phone"])
_FILM_VIEW_HELP = "See what the phone records beside what people see on a page in the browser, in a window, or not."


@click.command()
@click.argument("video", type=_FILE)
@out_option("Folder for the recording, the control, report.html and report.json.")
@click.option(
    "--rate",
    "rate_hz",
    type=click.FloatRange(min=1, max=1000),
    default=30.0,
    show_default=True,
    help="Frames a second.",
)
@click.option("--exposure", default="1/60", show_default=True, metavar="1/N", help="Of each row, in seconds.")
@_readout_option
@click.option(
    "--scan-out",
    "scan_out_ms",
    type=click.FloatRange(min=0, max=1000),
    metavar="MS",
    help="Of the display, from the first row to the last; else a whole period.",
)
@click.option("--sensor", type=_SENSORS, default="phone", show_default=True, help="With mosaic and noise, or without.")
@click.option(
    "--light",
    "white_electrons",
    type=click.FloatRange(min=10, max=1e6),
    metavar="ELECTRONS",
    help="What a pixel gathers from white: fewer is noisier. 5000 unless given.",
)
@click.option(
    "--blur",
    "blur_px",
    type=click.FloatRange(min=0, max=100),
    default=0.0,
    show_default=True,
    metavar="PX",
    help="Of the lens, in pixels of the display: far away or out of focus.",
)
@click.option(
    "--jitter",
    "jitter_ms",
    type=click.FloatRange(min=0, max=100),
    default=0.0,
    show_default=True,
    metavar="MS",
    help="Standard deviation of when frames begin.",
)
@click.option(
    "--phase",
    "phase_ms",
    type=click.FloatRange(min=0, max=1000),
    default=0.0,
    show_default=True,
    metavar="MS",
    help="When the first frame begins.",
)
@click.option(
    "--codec",
    type=click.Choice(["h264", "lossless"]),
    default="h264",
    show_default=True,
    help="What the recording is written as: .mp4, as phones do, or .mkv.",
)
@click.option(
    "--duration",
    "duration_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Film so much of it, instead of all.",
)
@_skip_option
@_slots_option
@_refresh_option
@click.option("--seed", type=click.IntRange(min=0), default=2015, show_default=True, help="Of noise and jitter.")
@click.option("--view", type=click.Choice(VIEWS), default="page", show_default=True, help=_FILM_VIEW_HELP)
@click.option(
    "--profile", default="default", metavar="NAME|FILE.yaml", help="Its sections `video` and `page` are used."
)
@override("page", "port", type=int)
def film(video: Path, out: Path, view: Any, profile: str, page__port: int | None, **flags: Any) -> None:
    """Film a recording of sub-frames with a simulated phone.

    VIDEO is what `play --to file:OUT.mkv` writes. Writes what the phone would record, what it would record without
    protection, and a page with both beside what people see, and what attacks make of it.
    """
    from config.loader import load_profile
    from stream.filming import film_to, plan_of

    settings = load_profile(profile, overrides({"page__port": page__port}))
    click.echo(film_to(plan_of(video, out, **flags), settings, view, click.echo))


@click.command()
@click.argument("video", type=_FILE)
@click.option("--source", type=_FILE, help="What was played, a picture or a video of the same size: to compare with.")
@out_option("Folder for report.html and report.json.")
@_readout_option
@click.option("--sensor", type=_SENSORS, default="ideal", show_default=True, help="Of all cameras; ideal is kindest.")
@click.option(
    "--white",
    "cd_m2",
    type=click.FloatRange(min=1, max=10000),
    default=200.0,
    show_default=True,
    metavar="CD/M2",
    help="Luminance of the display's white, for the eye model.",
)
@click.option(
    "--jod", "with_jod", is_flag=True, help="Rate what people see by ColorVideoVDP too; needs the extra judge."
)
@_skip_option
@_slots_option
@_refresh_option
def judge(video: Path, out: Path, **flags: Any) -> None:
    """Judge a recording of sub-frames on both sides of the lens.

    VIDEO is what `play --to file:OUT.mkv` writes. Says what cameras of many rates and exposures record of it, which is
    the kindest, what attacks make of that, and what people see.
    """
    from stream.filming import judge_to

    click.echo(judge_to(video, out, **flags))


@click.command()
def devices() -> None:
    """List monitors, windows, cameras and virtual cameras."""
    from stream.devices import list_devices
    from stream.listing import print_devices

    print_devices(list_devices())


@click.command()
@click.option("--monitor", type=click.IntRange(1), metavar="N", help="Counted from 1; the main one unless given.")
@click.option("--refresh", "refresh_hz", type=float, default=0.0, help="Periods a second; else as the display says.")
@click.option("--test-picture", type=_FILE, metavar="FILE.png", help="Write a picture to try `play` on, show nothing.")
def calibrate(monitor: int | None, refresh_hz: float, test_picture: Path | None) -> None:
    """Measure a display for `play`: its gamma by eye, channel by channel, and missed periods by a patch to film."""
    from stream.tools.calibrate import run_calibration

    click.echo("\n".join(run_calibration(monitor, refresh_hz, test_picture, click.echo)))


@click.command()
def doctor() -> None:
    """Say what works here, and what to install for the rest.

    The exit code is 1 if something that `watch` may need does not work.
    """
    from stream.doctor import check
    from stream.listing import print_checks

    sys.exit(print_checks(check()))


@click.group()
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


COMMANDS = (frames, noise, film, judge, calibrate, pixel, score, devices, doctor, profile)


def _say_done(n_frames: int, notes: tuple[str, ...], target: Path) -> None:
    for note in notes:
        click.echo(note, err=True)
    click.echo(f"{n_frames} frames written to {target}")
