"""Puts `backroom protect --emit background` together: the noisy background alone, for another client's settings.

No camera is opened, listed or even imported: frames come from `stream.sources.blank`, and what the session's protection
shows in them is the background. Pause, views, changes while it runs and the report are those of a protected camera.
"""

import contextlib
from collections.abc import Callable, Sequence

from config.loader import ConfigError, load_profile
from config.reload import ProfileWatcher
from config.schema import Profile, parse_size
from pipelines.protection.alone import BackgroundAlone
from pipelines.protection.backgrounds import BackgroundError
from stream.allocator import keep_freed_frames
from stream.backgrounds.open import BLUR, OpenBackground, open_background
from stream.backgrounds.video import StreamTime
from stream.protect import ProtectOutcome, ProtectSession
from stream.request import Request
from stream.run_session import run_session
from stream.sinks.base import Sink
from stream.sinks.open import open_sink
from stream.sources.blank import BlankSource
from stream.view.base import View

NAME = "background alone, no camera"

OF_A_CAMERA = {"protect.crop": "", "protect.mirror": False}
"""Settings of a camera's picture as they are without one, whatever the profile says."""


def run_background(request: Request, say: Callable[[str], None]) -> ProtectOutcome:
    """Send the background alone until its time is over or it is stopped.

    Parameters
    ----------
    request : Request
        What to do; its source is empty.
    say : callable
        Takes one line for the person, such as the page's address.

    Returns
    -------
    ProtectOutcome
        How it went.

    Raises
    ------
    ConfigError, PipelineError, SinkError, ViewError
        What went wrong.
    """
    _refuse_what_needs_a_camera(request)
    keep_freed_frames()
    overrides = request.overrides | OF_A_CAMERA
    profile = load_profile(request.profile, overrides)
    watcher = ProfileWatcher(request.profile, overrides)
    rate_hz = profile.protect.rate_hz or profile.camera.rate_hz
    sinks = [open_sink(text, rate_hz, profile) for text in request.sinks]
    _ask_for_a_duration(request, sinks)
    with contextlib.closing(_open_blank(profile, rate_hz, sinks, request.duration_s)) as source:

        def make_session(views: Sequence[View]) -> ProtectSession:
            return ProtectSession(
                source,
                lambda _, background: BackgroundAlone(background),
                open_without_a_room,
                request.out,
                profile,
                watcher,
                views,
                sinks,
                request.duration_s if source.info.is_live else None,
            )

        return run_session(request, profile, make_session, say, "background")


def open_without_a_room(profile: Profile, time: StreamTime) -> OpenBackground:
    """Open the background that `protect.background` names, see `open_background`.

    Parameters
    ----------
    profile : Profile
        Sections `protect` and `noise`.
    time : StreamTime
        Of the stream that it goes with.

    Returns
    -------
    OpenBackground
        Not warmed up yet.

    Raises
    ------
    BackgroundError
        If there is no such background, or it is made of the room.
    """
    if profile.protect.background == BLUR:
        raise BackgroundError(
            "background blur: it is the room itself, and --emit background opens no camera; take a colour as #RRGGBB, "
            "noise, or the file of a picture or a video"
        )
    return open_background(profile, time)


def _refuse_what_needs_a_camera(request: Request) -> None:
    if request.source:
        raise ConfigError(f"SOURCE {request.source}: --emit background opens no source; leave it out")
    if request.overrides.get("protect.crop"):
        raise ConfigError(
            "--crop: --emit background has no camera's picture to take a part of; leave it out, or give --size"
        )


def _ask_for_a_duration(request: Request, sinks: Sequence[Sink]) -> None:
    endless = [text for text, sink in zip(request.sinks, sinks, strict=True) if not sink.is_live]
    if endless and request.duration_s is None:
        raise ConfigError(f"--to {endless[0]}: a background has no end of its own; say how long with --duration 10")


def _open_blank(profile: Profile, rate_hz: float, sinks: Sequence[Sink], duration_s: float | None) -> BlankSource:
    """Return frames at the clock's pace where somebody looks on, and as fast as can be where only files are made."""
    width, height = parse_size(profile.protect.size) or (profile.camera.width, profile.camera.height)
    is_recording = bool(sinks) and duration_s is not None and not any(sink.is_live for sink in sinks)
    n_frames = max(1, round((duration_s or 0) * rate_hz)) if is_recording else None
    return BlankSource(NAME, height, width, rate_hz, n_frames)
