"""What every session of `backroom protect` needs around it: the folder of its results, signals, views and keys.

No source is opened or imported here: a background that is sent alone needs none (`stream.run_background`).
"""

from collections.abc import Callable, Sequence

from config.schema import Profile
from stream.ending import ended_by_signals
from stream.panic import panic_keys
from stream.protect import ProtectOutcome, ProtectSession
from stream.report import results_folder
from stream.request import Request
from stream.view.base import View
from stream.view.open import SessionKind, open_views


def run_session(
    request: Request,
    profile: Profile,
    make_session: Callable[[Sequence[View]], ProtectSession],
    say: Callable[[str], None],
    kind: SessionKind = "protect",
) -> ProtectOutcome:
    """Run a session until it ends or is stopped by a view, a key or a signal.

    Parameters
    ----------
    request : Request
        Where results go and who looks.
    profile : Profile
        Section `page`.
    make_session : callable
        From the open views to the session.
    say : callable
        Takes one line for the person, such as the page's address.
    kind : {'protect', 'background'}
        What views show.

    Returns
    -------
    ProtectOutcome
        How it went.

    Raises
    ------
    ConfigError, CaptureError, PipelineError, SinkError, ViewError
        What went wrong.
    """
    with (
        results_folder(request.out),
        ended_by_signals() as ending,
        open_views(request.view, profile.page, say, kind) as views,
    ):
        session = make_session(views)
        with panic_keys(session):
            ending.follow(session)
            return session.run()
