"""Puts `backroom play` together: opens what the flags name, plays, and closes everything again."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from config.loader import ConfigError, load_profile
from config.schema import PlaySettings, Profile
from pipelines.kaleido.codes import choose_code
from pipelines.kaleido.contract import Code, Encoder
from pipelines.kaleido.eye import luminance_delta
from pipelines.kaleido.schedule import LEAST_HZ, CycleClock
from stream.allocator import keep_freed_frames
from stream.clock import MonotonicClock
from stream.display.caution import tell_caution_once
from stream.ending import ended_by_signals
from stream.keys import keys_pressed
from stream.play.display import DisplayTarget
from stream.play.feed import Feed, fitted
from stream.play.keys import KeyNames
from stream.play.session import PlaySession, Showing
from stream.play.sound import Sound, SoundError
from stream.play.tags import tags_of
from stream.play.ticker import shown_by
from stream.play.transport import Transport
from stream.play.writing import SubframeWriter
from stream.report import results_folder, write_report
from stream.request import Request
from stream.sinks.base import Sink, SinkError
from stream.sinks.open import open_sink
from stream.sinks.video import VideoSink
from stream.sources.base import Source
from stream.sources.images import ImagesSource
from stream.sources.open import open_source
from stream.sources.video import VideoSource
from stream.startup import start_is_over
from stream.view.base import View
from stream.view.open import open_views

USUAL_REFRESH_HZ = 120.0
"""Where no display says its own."""

MakeEncoder = Callable[[Profile, Code, float], Encoder]


@dataclass(slots=True)
class PlayOutcome:
    """How a film was played.

    Attributes
    ----------
    report : dict
        What stands in report.json.
    """

    report: dict[str, Any]


def run_play(request: Request, make_encoder: MakeEncoder, say: Callable[[str], None]) -> PlayOutcome:
    """Play a film until it is over or somebody ends it.

    Parameters
    ----------
    request : Request
        What to do; it has one sink.
    make_encoder : callable
        From the profile, a code and the luminance pollution's amplitude to an encoder.
    say : callable
        Takes one line for the person.

    Returns
    -------
    PlayOutcome
        How it went; the report has been written.

    Raises
    ------
    ConfigError, CaptureError, PipelineError, SinkError, ViewError
        What went wrong; after a damaged film's last good frame, with the report written.
    """
    keep_freed_frames()
    profile = load_profile(request.profile, request.overrides)
    (where,) = request.sinks
    with contextlib.ExitStack() as stack:
        ending = stack.enter_context(ended_by_signals())  # first: the start takes seconds, and the display is had early
        display = _open_display(stack, where, profile.play, say)
        refresh_hz = display.refresh_hz if display else _checked_refresh(profile.play.refresh_hz, where)
        source = open_source(request.source, profile, _slides_rate_hz(profile.play))
        stack.callback(source.close)
        slide_s = _slide_s(source, profile.play, where)
        choice = choose_code(profile.play.code, refresh_hz, source.info.rate_hz)
        delta = luminance_delta(choice.code, refresh_hz, profile.play.screen_cd_m2)
        size_px = (source.info.height, source.info.width)
        size_px = fitted(*size_px, display.size_px) if display else size_px
        encoder = make_encoder(profile, choice.code, delta)
        encoder.warm_up(*size_px)
        stack.enter_context(results_folder(request.out))
        target = display or _open_sink(where, refresh_hz, profile, choice.code)
        is_live = isinstance(target, DisplayTarget) or target.is_live
        notices = [*choice.warnings, *_warnings(where, source, profile.play), *(display.warnings if display else ())]
        sound = _sound(request.source, source, profile.play, notices) if is_live else None
        feed = Feed(source, is_patient=not is_live, is_looped=profile.play.loop, size_px=size_px)
        is_manual = slide_s is not None and not profile.play.slide_s
        transport = Transport(choice.code.n_slots / refresh_hz, is_paused=is_manual)
        showing = Showing(target.name, refresh_hz, choice.code.name, choice.code.n_slots, encoder.tables.delta, notices)
        session = PlaySession(feed, transport, showing, sound, slide_s, request.duration_s, encoder.status)
        stack.callback(session.close)
        say(f"code {choice.code.name}: {choice.reason}")
        views = stack.enter_context(open_views(request.view, profile.page, say, "play"))
        ending.follow(session)
        stack.enter_context(keys_pressed(KeyNames(session.press).take))
        play, n_shown = _shower(target, session, encoder, profile.play)
        return _play(play, n_shown, session, views, request.out)


def _shower(
    target: "DisplayTarget | Sink", session: PlaySession, encoder: Encoder, settings: PlaySettings
) -> tuple[Callable[[], None], Callable[[], int]]:
    """Return what plays to the end, and what tells how many sub-frames were shown, also after an error."""
    if isinstance(target, DisplayTarget):
        return partial(target.play, session, encoder, settings), lambda: target.n_shown
    # What is live goes on whether it is written or not: a file of it counts its periods by the clock too.
    clock = MonotonicClock() if target.is_live or session.is_live else None
    schedule = CycleClock(session.showing.n_slots, session.showing.refresh_hz, settings.fade_s)
    writer = SubframeWriter(session, encoder, schedule, target, clock)
    return partial(_write, writer, target), lambda: writer.n_written


def _write(writer: SubframeWriter, target: Sink) -> None:
    try:
        writer.run()
    except BaseException:
        with contextlib.suppress(SinkError):
            target.close()
        raise
    target.close()


def _play(
    play: Callable[[], None], n_shown: Callable[[], int], session: PlaySession, views: Sequence[View], out: Path
) -> PlayOutcome:
    error: BaseException | None = None
    start_is_over()
    try:
        with shown_by(views, session):
            play()
        error = session.error
    except BaseException as raised:
        error = raised
        raise
    finally:
        report = session.report(f"{type(error).__name__}: {error}" if error is not None else None)
        report["play"]["subframes"] = n_shown()
        write_report(out, report)
    if error is not None:
        raise error
    return PlayOutcome(report)


def _open_display(
    stack: contextlib.ExitStack, where: str, settings: PlaySettings, say: Callable[[str], None]
) -> "DisplayTarget | None":
    kind, colon, rest = where.partition(":")
    if kind != "display" or not (rest.isdecimal() or not colon):
        return None
    tell_caution_once(say)
    display = DisplayTarget(int(rest) if rest else None, settings.refresh_hz)
    stack.callback(display.close)
    return display


def _checked_refresh(wanted_hz: float, where: str) -> float:
    refresh_hz = wanted_hz or USUAL_REFRESH_HZ
    if refresh_hz < LEAST_HZ:
        raise ConfigError(
            f"--to {where}: {refresh_hz:g} Hz is too slow; under {LEAST_HZ:g} Hz people see the sub-frames flicker, "
            "which can harm some; give --refresh 120 or more"
        )
    return refresh_hz


def _slides_rate_hz(settings: PlaySettings) -> float:
    return 1.0 / settings.slide_s if settings.slide_s else 1.0


def _slide_s(source: Source, settings: PlaySettings, where: str) -> float | None:
    """Return how long a slide is on the feed's time; None where the source is none of slides."""
    if not isinstance(source, ImagesSource):
        return None
    if not settings.slide_s and where.startswith(("file:", "images:")):
        raise ConfigError(
            f"--to {where}: a folder of pictures has no time of its own, and a file no keys; say how long each is "
            "shown, such as --slide-s 5"
        )
    return settings.slide_s or 1.0


def _open_sink(where: str, refresh_hz: float, profile: Profile, code: Code) -> Sink:
    kind, _, rest = where.partition(":")
    if kind == "file" and rest.lower().endswith(".mkv"):
        return VideoSink(Path(rest).expanduser(), refresh_hz, profile.video, tags_of(code, refresh_hz))
    return open_sink(where, refresh_hz, profile)


def _sound(film: str, source: Source, settings: PlaySettings, notices: list[str]) -> Sound | None:
    if not settings.audio or not isinstance(source, VideoSource):
        return None
    try:
        return Sound(Path(film).expanduser(), settings.volume)
    except SoundError as error:
        notices.append(str(error))
        return None


def _warnings(where: str, source: Source, settings: PlaySettings) -> list[str]:
    lines = []
    kind, _, rest = where.partition(":")
    if kind == "file" and not rest.lower().endswith(".mkv"):
        lines.append(f"{rest} is compressed, which blurs sub-frames into each other; end it in .mkv to keep them")
    if kind == "virtual-camera":
        lines.append(
            "a virtual camera halves the resolution of colours, and calls send 30 frames a second at most: others see "
            "single sub-frames, as a camera would"
        )
    if settings.headroom == "compressed":
        lines.append(
            f"the picture is shown between {settings.compressed_low:.0%} and {settings.compressed_high:.0%} of the "
            "display's light: paler, and protected in white and black too"
        )
    if source.info.is_live and kind == "file":
        lines.append("a live source is recorded as it comes; what is not encoded in time is left out")
    return lines
