"""Shows a film's figures while it is played, and hears what its views ask for, in a thread beside the film's own."""

import contextlib
import threading
from collections.abc import Iterator, Sequence

from stream.play.session import PlaySession
from stream.view.base import View, ViewCommand

TICK_S = 0.25


@contextlib.contextmanager
def shown_by(views: Sequence[View], session: PlaySession) -> Iterator[None]:
    """Keep views up to date while the block runs.

    Parameters
    ----------
    views : sequence of View
        Who looks; the caller's to close.
    session : PlaySession
        What is played.

    Yields
    ------
    None
        While they are shown.
    """
    ended = threading.Event()

    def run() -> None:
        message = ""
        while not ended.wait(TICK_S):
            message = _show(views, session, message)
            for view in views:
                for command in view.take_commands():
                    _obey(command, session)

    thread = threading.Thread(target=run, name="views", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for view in views:
            view.show_numbers(session.numbers() | {"state": "ended"})


def _show(views: Sequence[View], session: PlaySession, message: str) -> str:
    """Show the present state, and each message since the last time; return the newest."""
    messages = session.take_messages() or (message,)
    if not views:
        return messages[-1]
    numbers, picture = session.numbers(), session.picture
    for view in views:
        for line in messages:
            view.show_numbers(numbers | {"message": line})
        if picture is not None and view.wants_picture("output"):
            view.show_picture("output", picture)
    return messages[-1]


def _obey(command: ViewCommand, session: PlaySession) -> None:
    match command.kind:
        case "pause" | "resume":
            session.pause(command.kind == "pause")
        case "key":
            session.press(command.key)
        case "stop":
            session.stop()
        case _:
            pass  # the page offers no other for a film
