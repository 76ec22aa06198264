"""From what ``--view`` says to the views of a session."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Literal

from config.schema import PageSettings
from stream.view.base import View

ViewKind = Literal["page", "window", "none"]
SessionKind = Literal["watch", "protect", "background", "audit", "play", "film"]


@contextlib.contextmanager
def open_views(
    kind: ViewKind, settings: PageSettings, say: Callable[[str], None], session: SessionKind = "watch"
) -> Iterator[list[View]]:
    """Open the view that was asked for and, in a terminal, its line; close them again.

    Parameters
    ----------
    kind : {'page', 'window', 'none'}
        Who shows the session.
    settings : PageSettings
        Of page and window.
    say : callable
        Takes the page's address.
    session : {'watch', 'protect', 'background', 'audit', 'play', 'film'}
        What is shown.

    Yields
    ------
    list of View
        The views.

    Raises
    ------
    ViewError
        If one cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        views: list[View] = []
        if kind == "page":
            from stream.view.page import PageView

            page = PageView(settings)
            say(f"live page: {page.url}")
            views.append(page)
        elif kind == "window":
            from stream.view.window import LAYOUTS, WindowView

            views.append(WindowView(settings, LAYOUTS[session]))
        if sys.stderr.isatty():
            from rich.console import Console

            from stream.terminal import TerminalView

            views.append(TerminalView(Console(stderr=True)))
        for view in views:
            stack.callback(view.close)
        yield views
