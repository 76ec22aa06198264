"""Puts `backroom protect` together: opens what the flags name, runs the session, and closes everything again."""

import contextlib
from collections.abc import Callable, Sequence

from config.loader import load_profile
from config.reload import ProfileWatcher
from config.schema import Profile
from pipelines.protection.contract import Background, Protection
from stream.allocator import keep_freed_frames
from stream.backgrounds.open import open_background
from stream.consumers.choose import HasDevice, SinkConsumers
from stream.metering import Meter
from stream.protect import ProtectOutcome, ProtectSession
from stream.request import Request
from stream.run_session import run_session
from stream.sinks.base import Sink
from stream.sinks.open import open_sink
from stream.sources.base import RestingSource, Source
from stream.sources.on_demand import OnDemandSource
from stream.sources.open import open_source
from stream.switching import swift_switching
from stream.view.base import View

USUAL_RATE_HZ = 30.0
"""Told to sinks where the source does not know its own."""


def run_protect(
    request: Request,
    make_protection: Callable[[Profile, Background], Protection],
    say: Callable[[str], None],
    make_meter: Callable[[Profile, bool], Meter] | None = None,
) -> ProtectOutcome:
    """Protect a source until it ends or is stopped.

    Parameters
    ----------
    request : Request
        What to do.
    make_protection : callable
        From the profile and a background to a protection.
    say : callable
        Takes one line for the person, such as the page's address.
    make_meter : callable, optional
        From the profile, and whether the source is live, to what measures leaks.

    Returns
    -------
    ProtectOutcome
        How it went.

    Raises
    ------
    ConfigError, CaptureError, PipelineError, SinkError, ViewError
        What went wrong.
    """
    keep_freed_frames()
    profile = load_profile(request.profile, request.overrides)
    watcher = ProfileWatcher(request.profile, request.overrides)
    with contextlib.ExitStack() as stack:
        stack.enter_context(swift_switching())
        source = open_source(request.source, profile)
        stack.callback(source.close)
        rate_hz = source.info.rate_hz or USUAL_RATE_HZ
        if profile.protect.rate_hz:
            rate_hz = min(rate_hz, profile.protect.rate_hz)
        sinks = [open_sink(text, rate_hz, profile) for text in request.sinks]
        source = _on_demand(source, sinks, profile)
        stack.callback(source.close)

        def make_session(views: Sequence[View]) -> ProtectSession:
            return ProtectSession(
                source,
                make_protection,
                open_background,
                request.out,
                profile,
                watcher,
                views,
                sinks,
                request.duration_s,
                make_meter and make_meter(profile, source.info.is_live),
            )

        return run_session(request, profile, make_session, say)


def _on_demand(source: Source, sinks: Sequence[Sink], profile: Profile) -> Source:
    """Let a camera rest while nobody watches, where it can and where all that is made of it goes to watchers."""
    virtual_cameras = [sink for sink in sinks if isinstance(sink, HasDevice)]
    if not isinstance(source, RestingSource) or len(virtual_cameras) < max(len(sinks), 1):
        return source
    return OnDemandSource(source, SinkConsumers(virtual_cameras), profile.protect)
