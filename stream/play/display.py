"""A film on a display: the window, its keys, and the sub-frames that a shader makes."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from config.schema import PlaySettings
from pipelines.kaleido.contract import Encoder
from stream.display.library import DisplayError
from stream.display.screening import Screening
from stream.play.session import PlaySession
from stream.sinks.base import SinkError


class DisplayTarget:
    """A monitor taken for a film; all of it is for the program's first thread.

    Parameters
    ----------
    monitor : int or None
        Counted from 1; None is the main one.
    refresh_hz : float
        Periods a second; 0 takes the monitor's word.

    Raises
    ------
    SinkError
        If there is no display, no OpenGL or no such monitor, or it is too slow.
    """

    def __init__(self, monitor: int | None, refresh_hz: float) -> None:
        # Winding opens the film anew, which takes longer than a period lasts.
        self._keys = ThreadPoolExecutor(1, thread_name_prefix="keys")
        self._session: PlaySession | None = None
        with _said_as_a_sinks():
            self._screening = Screening(monitor, refresh_hz=refresh_hz, on_key=self._on_key)

    @property
    def name(self) -> str:
        """As a person would name it, such as ``display 1 (DP-1)``."""
        monitor = self._screening.monitor
        return f"display {monitor.number} ({monitor.name})"

    @property
    def refresh_hz(self) -> float:
        """Periods a second."""
        return self._screening.refresh_hz

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width, in pixels."""
        return self._screening.size_px

    @property
    def warnings(self) -> list[str]:
        """What may spoil it, each a line with the remedy."""
        return self._screening.warnings

    @property
    def n_shown(self) -> int:
        """Sub-frames shown so far, by a film that was broken off too."""
        player = self._screening.player
        return 0 if player is None else player.stats.n_flips

    def play(self, session: PlaySession, encoder: Encoder, settings: PlaySettings) -> None:
        """Play until the film is over, or somebody ends it.

        Parameters
        ----------
        session : PlaySession
            The film.
        encoder : Encoder
            Warmed up; its tables are what the shader works by.
        settings : PlaySettings
            Fade and epsilon.

        Raises
        ------
        SinkError
            If the monitor is unplugged.
        """
        self._session = session
        with _said_as_a_sinks():
            self._screening.play(
                encoder.tables,
                session.picture_at,
                epsilon=settings.epsilon,
                fade_s=settings.fade_s,
                on_slip=session.on_slip,
                on_plain=session.on_plain,
                n_periods=session.n_periods,
            )

    def close(self) -> None:
        """Give the display back; calling it again does nothing."""
        self._keys.shutdown(cancel_futures=True)
        self._screening.close()

    def _on_key(self, key: str) -> None:
        if self._session is not None:
            self._keys.submit(self._session.press, key)


@contextlib.contextmanager
def _said_as_a_sinks() -> Iterator[None]:
    try:
        yield
    except DisplayError as error:
        raise SinkError(f"display: {error}") from None
