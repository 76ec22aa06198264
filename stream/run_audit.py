"""Puts `backroom protect --audit-only` together: opens both streams, runs the session, and closes everything again."""

import contextlib
from collections.abc import Callable

from config.loader import ConfigError, load_profile
from config.schema import Profile
from pipelines.protection.backgrounds import ColorBackground
from pipelines.protection.contract import Background, Protection
from stream.allocator import keep_freed_frames
from stream.audit import Auditor, AuditOutcome, AuditSession
from stream.ending import ended_by_signals
from stream.report import results_folder
from stream.request import Request
from stream.sources.open import open_source
from stream.view.open import open_views


def run_audit(
    request: Request,
    output: str,
    make_protection: Callable[[Profile, Background], Protection],
    make_audit: Callable[[Profile, bool], Auditor],
    say: Callable[[str], None],
) -> AuditOutcome:
    """Measure what another client shows of a webcam's room.

    Parameters
    ----------
    request : Request
        What to do; its source is the webcam.
    output : str
        The client's picture, as SOURCE is written.
    make_protection : callable
        From the profile and a background to what learns the room.
    make_audit : callable
        From the profile, and whether the streams are live, to what measures.
    say : callable
        Takes one line for the person, such as the page's address.

    Returns
    -------
    AuditOutcome
        How it went.

    Raises
    ------
    ConfigError, CaptureError, PipelineError, SinkError, ViewError
        What went wrong.
    """
    keep_freed_frames()
    profile = load_profile(request.profile, request.overrides)
    with contextlib.ExitStack() as stack:
        source = open_source(output, profile)
        stack.callback(source.close)
        with contextlib.closing(open_source(request.source, profile)) as camera:
            if camera.info.is_live != source.info.is_live:
                live, recorded = (request.source, output) if camera.info.is_live else (output, request.source)
                raise ConfigError(
                    f"--audit-only {output}: {live} is live and {recorded} is a recording; take two live sources, or "
                    "two recordings of the same time"
                )
        stack.enter_context(results_folder(request.out))
        ending = stack.enter_context(ended_by_signals())
        views = stack.enter_context(open_views(request.view, profile.page, say, "audit"))
        session = AuditSession(
            source,
            lambda: open_source(request.source, profile),
            make_protection(profile, ColorBackground((0, 0, 0))),
            make_audit(profile, source.info.is_live),
            request.out,
            views,
            request.duration_s,
        )
        ending.follow(session)
        return session.run()
