"""Puts a command together: opens what the flags name, runs the session, and closes everything again."""

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from config.loader import load_profile
from config.reload import ProfileWatcher
from config.schema import Profile
from pipelines.base import Reconstruction
from stream.allocator import keep_freed_frames
from stream.ending import ended_by_signals
from stream.report import results_folder
from stream.request import Request
from stream.sinks.open import open_sink
from stream.sources.base import RegionSource, Source
from stream.sources.open import open_source, recording_identity
from stream.view.base import ViewCommand
from stream.view.open import open_views
from stream.watch import WatchOutcome, WatchPlan, WatchSession

SHORTEST_PART_S = 1.0
"""A part of the screen that is picked at the end of `--duration` is watched at least so long: something comes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRequest(Request):
    """What the person asked `backroom watch` for.

    Attributes
    ----------
    state : Path or None
        State file.
    """

    state: Path | None = None


def run_watch(
    request: WatchRequest,
    make_reconstruction: Callable[[Profile], Reconstruction],
    say: Callable[[str], None],
    on_source: Callable[[Source], None] = lambda _: None,
) -> WatchOutcome:
    """Watch a source until it ends or is stopped; a picked region starts over with that region.

    Parameters
    ----------
    request : WatchRequest
        What to do.
    make_reconstruction : callable
        From the profile to a fresh reconstruction.
    say : callable
        Takes one line for the person, such as the page's address.
    on_source : callable, optional
        Is shown the source once it is open.

    Returns
    -------
    WatchOutcome
        Of the last session.

    Raises
    ------
    ConfigError, CaptureError, PipelineError, SinkError, ViewError
        What went wrong; what was counted before has been saved.
    """
    keep_freed_frames()
    profile = load_profile(request.profile, request.overrides)
    watcher = ProfileWatcher(request.profile, request.overrides)
    with contextlib.ExitStack() as stack:
        source = open_source(request.source, profile)
        stack.callback(source.close)  # closing twice does nothing; the session closes it first if it gets that far
        on_source(source)
        stack.enter_context(results_folder(request.out))
        ending = stack.enter_context(ended_by_signals())
        views = stack.enter_context(open_views(request.view, profile.page, say))
        part = _Part(source, request.state, request.sinks, request.duration_s)
        while True:
            plan = WatchPlan(
                out=request.out,
                state=part.state,
                duration_s=part.duration_s,
                recording=recording_identity(request.source),
                can_pick_region=isinstance(part.source, RegionSource),
            )
            sinks = [open_sink(text, 1 / profile.watch.preview_every_s, profile) for text in part.sinks]
            session = WatchSession(part.source, make_reconstruction(profile), plan, profile, watcher, views, sinks)
            ending.follow(session)
            outcome = session.run()
            if outcome.next_region is None or ending.is_asked:
                return outcome
            profile = session.profile
            part = _next_part(part, outcome.next_region, request, profile, session.elapsed_s)
            stack.callback(part.source.close)
            if part.source.info == source.info:
                part = replace(part, state=request.state)  # back at what the state file was named for: it goes on
            part.announce(say)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one session watches, and where its counts and pictures go."""

    source: Source
    state: Path | None
    sinks: Sequence[str]
    duration_s: float | None

    def announce(self, say: Callable[[str], None]) -> None:
        """Say which files are this part's own."""
        if self.state:
            say(f"counts of {self.source.info.name} are kept in {self.state}")
        for text in self.sinks:
            say(f"the growing room goes to {text}")


def _next_part(part: _Part, command: ViewCommand, request: WatchRequest, profile: Profile, elapsed_s: float) -> _Part:
    from stream.sources.screen import ScreenSource

    source = part.source
    if not isinstance(source, RegionSource):
        raise TypeError(f"{source.info.name} has no regions; it was not to be asked for one")
    target = source.whole_screen() if command.kind == "whole_screen" else source.with_region(command.region_px)
    state = request.state and request.state.with_name(f"{request.state.name}.{target.slug}")
    left_s = None if part.duration_s is None else max(SHORTEST_PART_S, part.duration_s - elapsed_s)
    return _Part(ScreenSource(target, profile.screen), state, [_unused(text) for text in request.sinks], left_s)


def _unused(sink: str) -> str:
    """Return a sink with a number behind its name that no file has: pictures of two sizes do not go into one."""
    kind, _, name = sink.partition(":")
    if kind not in ("file", "images"):
        return sink
    path = Path(name).expanduser()
    numbered = (path.with_stem(f"{path.stem}-{n}") for n in itertools.count(2))
    return f"{kind}:{next(other for other in numbered if not other.exists())}"
