"""Puts `backroom play` together: opens what the flags name, plays, and closes everything again."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.loader import ConfigError, load_profile
from config.schema import PlaySettings, Profile
from pipelines.kaleido.codes import Choice, choose_code
from pipelines.kaleido.contract import Code, Encoder
from pipelines.kaleido.eye import luminance_delta
from pipelines.kaleido.schedule import CycleClock
from stream.allocator import keep_freed_frames
from stream.clock import MonotonicClock
from stream.ending import ended_by_signals
from stream.keys import keys_pressed
from stream.play.feed import Feed
from stream.play.keys import KeyNames
from stream.play.session import PlaySession, Showing
from stream.play.sound import Sound, SoundError
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
from stream.view.open import open_views

USUAL_REFRESH_HZ = 120.0
"""Where no display says its own."""

LEAST_REFRESH_HZ = 100.0
"""Under this the alternation is seen, and may harm people with photosensitive epilepsy."""

CALL_RATE_HZ = 60.0

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
    if where.partition(":")[0] == "display":
        raise SinkError("display: not there yet")
    refresh_hz = _checked_refresh(profile.play.refresh_hz or USUAL_REFRESH_HZ, where)
    with contextlib.ExitStack() as stack:
        source = open_source(request.source, profile, _slides_rate_hz(profile.play))
        stack.callback(source.close)
        slide_s = _slide_s(source, profile.play, where)
        choice = choose_code(profile.play.code, refresh_hz, source.info.rate_hz)
        delta = _delta(profile.play, choice.code, refresh_hz)
        sink = _open_sink(where, refresh_hz, profile, choice.code)
        encoder = make_encoder(profile, choice.code, delta)
        encoder.warm_up(source.info.height, source.info.width)
        stack.enter_context(results_folder(request.out))
        session = _session(request, profile, source, sink, choice, delta, refresh_hz, slide_s)
        stack.callback(session.close)
        say(f"code {choice.code.name}: {choice.reason}")
        ending = stack.enter_context(ended_by_signals())
        views = stack.enter_context(open_views(request.view, profile.page, say, "play"))
        schedule = CycleClock(choice.code.n_slots, refresh_hz, profile.play.fade_s)
        writer = SubframeWriter(session, encoder, schedule, sink, MonotonicClock() if sink.is_live else None)
        ending.follow(session)
        return _play(stack, session, writer, sink, views, request.out)


def _play(
    stack: contextlib.ExitStack,
    session: PlaySession,
    writer: SubframeWriter,
    sink: Sink,
    views: Any,
    out: Path,
) -> PlayOutcome:
    names = KeyNames(session.press)
    stack.enter_context(keys_pressed(names.take))
    error: BaseException | None = None
    try:
        with shown_by(views, session):
            writer.run()
            sink.close()
        error = session.error
    except BaseException as raised:
        error = raised
        with contextlib.suppress(SinkError):
            sink.close()
        raise
    finally:
        report = session.report(f"{type(error).__name__}: {error}" if error is not None else None)
        report["play"]["subframes"] = writer.n_written
        write_report(out, report)
    if error is not None:
        raise error
    return PlayOutcome(report)


def _checked_refresh(refresh_hz: float, where: str) -> float:
    if refresh_hz < LEAST_REFRESH_HZ:
        raise ConfigError(
            f"{where}: {refresh_hz:g} Hz is too slow; under {LEAST_REFRESH_HZ:g} Hz people see the sub-frames flicker, "
            "which can harm some; use a display of 120 Hz or more, or give --refresh 120 for a file"
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


def _delta(settings: PlaySettings, code: Code, refresh_hz: float) -> float:
    if settings.luminance_delta is not None:
        return settings.luminance_delta if any(code.luma) else 0.0
    return luminance_delta(code, refresh_hz, settings.screen_cd_m2)


def _open_sink(where: str, refresh_hz: float, profile: Profile, code: Code) -> Sink:
    kind, _, rest = where.partition(":")
    if kind == "file" and rest.lower().endswith(".mkv"):
        tags = {
            "BACKROOM_CODE": code.name,
            "BACKROOM_SLOTS": str(code.n_slots),
            "BACKROOM_REFRESH_HZ": f"{refresh_hz:g}",
        }
        return VideoSink(Path(rest).expanduser(), refresh_hz, profile.video, tags)
    return open_sink(where, refresh_hz, profile)


def _session(
    request: Request,
    profile: Profile,
    source: Source,
    sink: Sink,
    choice: Choice,
    delta: float,
    refresh_hz: float,
    slide_s: float | None,
) -> PlaySession:
    notices = [*choice.warnings, *_warnings(request.sinks[0], source, profile.play)]
    sound = None
    if sink.is_live and profile.play.audio and isinstance(source, VideoSource):
        try:
            sound = Sound(Path(request.source).expanduser(), profile.play.volume)
        except SoundError as error:
            notices.append(str(error))
    showing = Showing(sink.name, refresh_hz, choice.code.name, choice.code.n_slots, delta, notices)
    feed = Feed(source, is_patient=not sink.is_live, is_looped=profile.play.loop)
    is_manual = slide_s is not None and not profile.play.slide_s
    transport = Transport(choice.code.n_slots / refresh_hz, is_paused=is_manual)
    return PlaySession(feed, transport, showing, sound, slide_s, request.duration_s)


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
