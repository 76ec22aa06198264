"""A display taken for a film: opened, played on once or more, given back.

    screening = Screening(monitor=2)             # says what is wrong with the display before anything is decoded
    tables = ...                                 # made for screening.size_px and screening.refresh_hz
    stats = screening.play(tables, ...)          # until the pictures end, a key or another thread stops it
    screening.close()

All of it from one thread, which no window may be open beside (`stream.display.library`); on macOS the program's first.
"""

import logging
from collections.abc import Callable
from typing import Final

from pipelines.kaleido.contract import Tables
from pipelines.kaleido.schedule import LEAST_HZ, Slip
from stream.display.library import DisplayError, glfw_in_use
from stream.display.monitors import DisplayMonitor, find_monitor, monitors_of
from stream.display.player import Drawer, PictureAt, Player, PlayStats
from stream.display.subframes import SubframeDrawer
from stream.display.urgency import COMMON, REMEDY, urgent_drawing
from stream.display.vblank import Vblanks, choose_vblanks
from stream.display.window import Window

_log = logging.getLogger(__name__)

TITLE: Final = "Backroom: play"


class Screening:
    """A window to play in, see the module.

    Parameters
    ----------
    monitor : int or None
        Counted from 1; None is the main one.
    refresh_hz : float
        Periods a second, where the display's own word is not to be taken; 0 asks the display.
    size_px : tuple of int, optional
        Height and width of a window on the desktop, for a look; fullscreen without.
    on_key : callable, optional
        Called between two periods with the name of a key, see `Window`; to be quick.
    vblanks : callable, optional
        For tests: makes the count of periods.

    Attributes
    ----------
    priority : str
        Over other programs, while it plays: see `stream.display.urgency`.

    Raises
    ------
    DisplayError
        If there is no display, no OpenGL or no such monitor, or it shows too few periods a second.
    """

    def __init__(
        self,
        monitor: int | None,
        *,
        refresh_hz: float = 0.0,
        size_px: tuple[int, int] | None = None,
        on_key: Callable[[str], None] | None = None,
        vblanks: Callable[[Window, float], Vblanks] = choose_vblanks,
    ) -> None:
        with glfw_in_use() as glfw:
            self.monitor = find_monitor(monitors_of(glfw), monitor)
            self.refresh_hz = checked_rate_hz(self.monitor, refresh_hz)
            self._window = Window(
                TITLE,
                *(size_px or (0, 0)),
                self.monitor,
                is_fullscreen=size_px is None,
                waits_for_vblank=True,
                on_key=on_key,
            )
        self._player: Player | None = None
        self._is_stopped = False
        with urgent_drawing() as self.priority:
            _log.info("the film's priority over other programs: %s", self.priority)
        try:
            self._vblanks = vblanks(self._window, self.refresh_hz)
        except BaseException:
            self._window.close()
            raise

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of what can be shown, in pixels."""
        return self._window.size_px

    @property
    def warnings(self) -> list[str]:
        """What may spoil it, each a line with the remedy."""
        # A graphics card needs little of the processor for a period.
        is_held_up = self.priority == COMMON and self._window.is_drawn_in_software
        return [*self._window.warnings, *([REMEDY] if is_held_up else [])]

    @property
    def counted(self) -> str:
        """How periods are counted."""
        return self._vblanks.how

    @property
    def player(self) -> Player | None:
        """Who plays, or played last: its figures and position may be read from any thread."""
        return self._player

    def play(
        self,
        tables: Tables,
        picture_at: PictureAt,
        *,
        epsilon: int,
        fade_s: float,
        on_slip: Callable[[Slip], None] = lambda _slip: None,
        on_plain: Callable[[int], None] = lambda _n_periods: None,
        n_periods: int | None = None,
    ) -> PlayStats:
        """Play until the pictures end, the window is closed, or `stop` is called.

        Parameters
        ----------
        tables : Tables
            What the encoder works by, for pictures no larger than `size_px`.
        picture_at : callable
            See `stream.display.player.PictureAt`.
        epsilon : int
            By how many codes a pixel may change and keep its axes.
        fade_s : float
            How long the modulation rises at the start and after a slip.
        on_slip : callable, optional
            Called with each missed flip.
        on_plain : callable, optional
            Called where a cycle is plain because its sub-frames were not ready, see `Player`.
        n_periods : int, optional
            Periods in all, where known.

        Returns
        -------
        PlayStats
            The figures.

        Raises
        ------
        DisplayError
            If the pictures do not fit, or the monitor is unplugged.
        """
        try:
            drawer = SubframeDrawer(self._window.context, tables, epsilon, self.size_px, 1 / self.refresh_hz)
        except ValueError as error:
            raise DisplayError(str(error)) from None
        return self.play_drawn(
            drawer,
            tables.code.n_slots,
            picture_at,
            fade_s=fade_s,
            on_slip=on_slip,
            on_plain=on_plain,
            n_periods=n_periods,
        )

    def play_drawn(
        self,
        drawer: Drawer,
        n_slots: int,
        picture_at: PictureAt,
        *,
        fade_s: float,
        on_slip: Callable[[Slip], None] = lambda _slip: None,
        on_plain: Callable[[int], None] = lambda _n_periods: None,
        n_periods: int | None = None,
    ) -> PlayStats:
        """Play what something else draws, such as a page for calibration.

        Parameters
        ----------
        drawer : Drawer
            Draws in `context`.
        n_slots : int
            Periods of a cycle.
        picture_at : callable
            As in `play`.
        fade_s : float
            As in `play`.
        on_slip : callable, optional
            As in `play`.
        on_plain : callable, optional
            As in `play`.
        n_periods : int, optional
            As in `play`.

        Returns
        -------
        PlayStats
            The figures.

        Raises
        ------
        DisplayError
            If the monitor is unplugged.
        """
        self._player = Player(
            drawer,
            self._vblanks,
            n_slots,
            self.refresh_hz,
            fade_s,
            picture_at,
            on_slip=on_slip,
            on_plain=on_plain,
            is_wanted=self._is_wanted,
            n_periods=n_periods,
        )
        with urgent_drawing():
            return self._player.run()

    @property
    def window(self) -> Window:
        """The window, for who draws in it."""
        return self._window

    def stop(self) -> None:
        """End playing soon, and begin none any more; may be called from any thread or signal handler."""
        self._is_stopped = True

    def close(self) -> None:
        """Give the display back; calling it again does nothing."""
        self._window.close()

    def _is_wanted(self) -> bool:
        self._window.handle_events()
        if self._window.has_lost_its_monitor():
            raise DisplayError(
                f"the monitor {self.monitor.name} was unplugged or switched off while playing; "
                "plug it in and start again"
            )
        return not self._is_stopped and not self._window.is_asked_to_close


def checked_rate_hz(monitor: DisplayMonitor, wanted_hz: float) -> float:
    """Return the periods a second that a monitor is played on with.

    Parameters
    ----------
    monitor : DisplayMonitor
        The one.
    wanted_hz : float
        What the profile says; 0 takes the monitor's word.

    Returns
    -------
    float
        At least `LEAST_HZ`.

    Raises
    ------
    DisplayError
        If it is less, or nobody knows.
    """
    rate_hz = wanted_hz or monitor.refresh_hz
    if rate_hz <= 0:
        raise DisplayError(f"the monitor {monitor.name} does not tell its refresh rate; set play.refresh_hz")
    if rate_hz < LEAST_HZ:
        raise DisplayError(
            f"the monitor {monitor.name} shows {rate_hz:.4g} pictures a second, wanted {LEAST_HZ:.0f} or more, or the "
            "sub-frames would flicker; choose a quicker mode in the system's settings, or another monitor"
        )
    return rate_hz
