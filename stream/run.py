"""Puts a command together: opens what the flags name, runs the session, and closes everything again."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from config.loader import load_profile
from config.reload import ProfileWatcher
from config.schema import Profile
from pipelines.base import Reconstruction
from stream.allocator import keep_freed_frames
from stream.report import results_folder
from stream.sinks.open import open_sink
from stream.sources.base import RegionSource, Source
from stream.sources.open import open_source, recording_identity
from stream.view.base import View, ViewCommand
from stream.watch import WatchOutcome, WatchPlan, WatchSession


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What the person asked `backroom watch` for.

    Attributes
    ----------
    source : str
        SOURCE as written.
    out : Path
        Folder for the results.
    sinks : sequence of str
        What stands after each ``--to``.
    view : {'page', 'window', 'none'}
        Who shows it.
    state : Path or None
        State file.
    duration_s : float or None
        When to end.
    profile : str
        Name or file of the profile.
    overrides : dict
        Dotted key to value, from flags.
    """

    source: str
    out: Path
    sinks: Sequence[str] = ()
    view: Literal["page", "window", "none"] = "none"
    state: Path | None = None
    duration_s: float | None = None
    profile: str = "default"
    overrides: dict[str, Any] | None = None


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
    overrides = request.overrides or {}
    profile = load_profile(request.profile, overrides)
    watcher = ProfileWatcher(request.profile, overrides)
    with contextlib.ExitStack() as stack:
        source = open_source(request.source, profile)
        stack.callback(source.close)  # closing twice does nothing; the session closes it first if it gets that far
        on_source(source)
        stack.enter_context(results_folder(request.out))
        views = stack.enter_context(_views(request, profile, say))
        while True:
            plan = WatchPlan(
                out=request.out,
                state=request.state,
                duration_s=request.duration_s,
                recording=recording_identity(request.source),
                can_pick_region=isinstance(source, RegionSource),
            )
            sinks = [open_sink(text, 1 / profile.watch.preview_every_s, profile) for text in request.sinks]
            session = WatchSession(source, make_reconstruction(profile), plan, profile, watcher, views, sinks)
            with _stopped_by_signals(session.stop):
                outcome = session.run()
            if outcome.next_region is None or not isinstance(source, RegionSource):
                return outcome
            profile = session.profile
            source = _other_region(source, outcome.next_region, profile)


def _other_region(source: RegionSource, command: ViewCommand, profile: Profile) -> Source:
    from stream.sources.screen import ScreenSource

    target = source.whole_screen() if command.kind == "whole_screen" else source.with_region(command.region_px)
    return ScreenSource(target, profile.screen)


@contextlib.contextmanager
def _views(request: WatchRequest, profile: Profile, say: Callable[[str], None]) -> Iterator[list[View]]:
    with contextlib.ExitStack() as stack:
        views: list[View] = []
        if request.view == "page":
            from stream.view.page import PageView

            page = PageView(profile.page)
            say(f"live page: {page.url}")
            views.append(page)
        elif request.view == "window":
            from stream.view.window import WindowView

            views.append(WindowView(profile.page))
        if sys.stderr.isatty():
            from rich.console import Console

            from stream.terminal import TerminalView

            views.append(TerminalView(Console(stderr=True)))
        for view in views:
            stack.callback(view.close)
        yield views


@contextlib.contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """End cleanly and save on Ctrl-C and SIGTERM; a second Ctrl-C ends at once."""

    def obey(number: int, _frame: object) -> None:
        stop()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, obey) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
