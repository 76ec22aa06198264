"""One session of `backroom play`: which picture each cycle shows, what keys and pages ask for, and how it went.

Whoever shows sub-frames (a display, a virtual camera, a file) pulls: it asks for the picture of a cycle, and tells of
flips that came too late. Everything else comes from other threads and is done between two cycles.
"""

import datetime as dt
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipelines.base import Image
from pipelines.kaleido.schedule import Slip
from stream import __version__
from stream.clock import Clock, MonotonicClock
from stream.play.feed import Feed
from stream.play.sound import Sound
from stream.play.transport import Transport
from stream.sources.base import CaptureError

_TO_THE_BEGIN = -1e9

STEPS_S = {"right": 5.0, "left": -5.0, "up": 60.0, "down": -60.0, "home": _TO_THE_BEGIN}
"""How far keys wind a film, in seconds."""

SLIDE_STEPS = {"home": _TO_THE_BEGIN} | {
    **dict.fromkeys(("right", "down", "space", "page down"), 1),
    **dict.fromkeys(("left", "up", "page up"), -1),
}
"""How far keys go in slides; presenters' remotes send page up and page down."""

MOST_SLIPS = 1000
"""Slips that are kept for the report; the count goes on."""

WINDOW_S = 2.0
MOST_BROKEN = 0.5
"""Share of the periods of `WINDOW_S` that may be missed or plain. A display that loses more shows the film as it is,
for every camera to record: it is hidden until the display has kept step for as long."""

HIDING = "the display cannot keep step, so that cameras could record the film: it is hidden until it does"

WRAP_S = 0.5
"""A film's place goes back by more than this where it begins anew."""


@dataclass(slots=True)
class Showing:
    """How the film is shown, for the report.

    Attributes
    ----------
    where : str
        Such as ``display 1`` or a file.
    refresh_hz : float
        Periods of the display a second.
    code : str
        Order of the sub-frames.
    n_slots : int
        Sub-frames in a cycle.
    delta : float
        Relative amplitude of the luminance pollution.
    notices : list of str
        What degrades, or should be known.
    """

    where: str
    refresh_hz: float
    code: str
    n_slots: int
    delta: float
    notices: list[str]


class PlaySession:
    """Answers for a film; every method is for any thread.

    Parameters
    ----------
    feed : Feed
        The film's pictures; the session closes it.
    transport : Transport
        Where it stands.
    showing : Showing
        How it is shown.
    sound : Sound, optional
        The session closes it.
    slide_s : float, optional
        The source is a folder of slides, one after so many seconds of the feed's time.
    duration_s : float, optional
        End after so many seconds.
    judge : callable, optional
        From a picture of the film to what it protects less than it could, a line each.
    clock : Clock, optional
        For tests.
    """

    def __init__(
        self,
        feed: Feed,
        transport: Transport,
        showing: Showing,
        sound: Sound | None = None,
        slide_s: float | None = None,
        duration_s: float | None = None,
        judge: Callable[[Image], Sequence[str]] = lambda _picture: (),
        clock: Clock | None = None,
    ) -> None:
        self.showing = showing
        self._judge = judge
        self._clock: Clock = clock or MonotonicClock()
        self._feed = feed
        self._transport = transport
        self._sound = sound
        self._slide_s = slide_s
        self._duration_s = duration_s
        self._lock = threading.Lock()
        self._is_stopped = threading.Event()
        self._cycle_s = showing.n_slots / showing.refresh_hz
        self._n_cycles = 0
        self._n_slips = self._n_missed = self._n_plain = 0
        self._slips: deque[Slip] = deque(maxlen=MOST_SLIPS)
        self._broken: deque[tuple[float, int]] = deque()
        self._hidden_until_s = -math.inf
        self._n_hidden = 0
        self._black: Image | None = None
        self._messages: list[str] = []
        self._place_s = 0.0
        self._image: Image | None = None
        self._began = dt.datetime.now(dt.UTC)
        self._began_s = time.monotonic()
        if sound is not None:
            sound.pause(transport.is_paused)

    @property
    def is_paused(self) -> bool:
        """Whether the film stands still; it stays protected meanwhile."""
        with self._lock:
            return self._transport.is_paused

    @property
    def is_stopped(self) -> bool:
        """Whether somebody ended it."""
        return self._is_stopped.is_set()

    @property
    def is_live(self) -> bool:
        """Whether the source goes on whether it is shown or not."""
        return self._feed.info.is_live

    @property
    def n_periods(self) -> int | None:
        """Periods that the film fills; None while its end is not known."""
        ends_s = self._feed.ends_s
        if self._duration_s is not None:
            ends_s = self._duration_s if ends_s is None else min(ends_s, self._duration_s)
        return None if ends_s is None else round(ends_s * self.showing.refresh_hz)

    @property
    def picture(self) -> Image | None:
        """What is shown now, as people see it."""
        return self._image

    def picture_at(self, cycle: int) -> Image | None:
        """Give the source's picture for a cycle; called by whoever shows it, in the order of cycles.

        Parameters
        ----------
        cycle : int
            Its number.

        Returns
        -------
        ndarray or None
            (height, width, 3) uint8 BGR, not to be written to; None where the film is over or was ended.
        """
        if self._is_stopped.is_set() or self._is_over(cycle):
            return None
        with self._lock:
            moment_s = self._transport.moment_s(cycle)
            image = self._feed.picture_at(moment_s, moment_s + self._cycle_s)
            self._n_cycles = self._n_cycles if image is None else cycle + 1
            self._keep_step_with_the_sound(moment_s)
            if image is not None and self._clock.now_s() < self._hidden_until_s:
                image = self._black = np.zeros_like(image) if self._black is None else self._black
            self._image = image if image is not None else self._image
        return image

    def on_slip(self, slip: Slip) -> None:
        """Take note of flips that came too late.

        Parameters
        ----------
        slip : Slip
            When, how many, and how long the plain picture is shown after it.
        """
        with self._lock:
            self._n_slips += 1
            self._n_missed += slip.n_missed
            self._slips.append(slip)
            self._hide_if_broken(slip.n_missed + slip.n_plain)
            self._messages.append(
                f"period {slip.vblank}: {slip.n_missed} flip(s) came too late; "
                f"{slip.n_plain} period(s) plain, then the modulation rises again"
            )

    def on_plain(self, n_periods: int) -> None:
        """Take note of a cycle that was shown plain because its sub-frames were not ready.

        Parameters
        ----------
        n_periods : int
            Of the display.
        """
        with self._lock:
            self._n_plain += n_periods
            self._hide_if_broken(n_periods)

    def take_messages(self) -> Sequence[str]:
        """Return what happened since the last call, a line each, oldest first."""
        with self._lock:
            messages, self._messages = self._messages, []
        return messages

    def pause(self, paused: bool) -> None:
        """Stand still, or go on.

        Parameters
        ----------
        paused : bool
            False goes on.
        """
        with self._lock:
            self._transport.pause(paused)
            if self._sound is not None:
                self._sound.pause(paused)

    def seek(self, position_s: float) -> None:
        """Go to another place of a recording; a place it has not is the nearest it has.

        Parameters
        ----------
        position_s : float
            Seconds from its begin.
        """
        if not self._feed.can_seek:
            self._say("a live source cannot be wound")
            return
        position_s = self._within(position_s)
        try:
            source = self._feed.enter(position_s)
        except CaptureError as error:
            self._say(str(error))
            return
        with self._lock:
            self._feed.go_on_with(source)
            self._transport.seek(position_s)
            self._place_s = position_s
        if self._sound is not None:
            self._sound.seek(position_s)

    def press(self, key: str) -> None:
        """Obey a key, of the display's window or of the terminal.

        Parameters
        ----------
        key : str
            A character, or ``space``, ``left``, ``right``, ``up``, ``down``, ``page up``, ``page down``, ``home``,
            ``escape``.
        """
        here_s = self._feed.position_s
        if key in ("q", "escape"):
            self.stop()
        elif self._slide_s is not None:
            if key in SLIDE_STEPS:
                self.seek((round(here_s / self._slide_s) + SLIDE_STEPS[key]) * self._slide_s)
        elif key in ("space", "p"):
            self.pause(not self.is_paused)
        elif key in STEPS_S:
            self.seek(here_s + STEPS_S[key])

    def stop(self) -> None:
        """End soon."""
        self._is_stopped.set()

    def close(self) -> None:
        """Let go of the film and its sound; calling it again does nothing."""
        if self._sound is not None:
            self._sound.close()
        self._feed.close()

    @property
    def error(self) -> CaptureError | None:
        """What is wrong with the source, whose good frames were shown."""
        return self._feed.error

    def notices(self) -> list[str]:
        """Say in a line each what degrades at the moment."""
        late, gaps = self._feed.n_late, 0 if self._sound is None else self._sound.n_gaps
        lines = [*self.showing.notices, self._feed.status]
        if late:
            lines.append(f"decoding was too late for {late} cycle(s): the picture before stayed")
        if gaps:
            lines.append(f"the sound had {gaps} gap(s): decoding was too late")
        if self._n_slips:
            lines.append(f"{self._n_slips} slip(s): flips came too late, {self._n_missed} period(s) in all")
        if self._n_plain:
            lines.append(f"sub-frames were not ready in time for {self._n_plain} period(s), which were plain")
        if self._image is not None and self._image is not self._black:
            lines.extend(self._judge(self._image))
        if self._n_hidden:
            lines.append(f"{HIDING} ({self._n_hidden} times so far)")
        return [line for line in lines if line]

    def numbers(self) -> dict[str, Any]:
        """Return the figures for views, see `View.show_numbers`."""
        info, position_s = self._feed.info, self._feed.position_s
        elapsed_s = time.monotonic() - self._began_s
        length_s = info.n_frames / info.rate_hz if info.n_frames and info.rate_hz else None
        place = f"{_clock(position_s)} of {_clock(length_s)}" if length_s else _clock(position_s)
        state = "ended" if self.is_stopped else "paused" if self.is_paused else "running"
        return {
            "session": "play",
            "source": info.name,
            "width": info.width,
            "height": info.height,
            "is_live": info.is_live,
            "can_pick_region": False,
            "state": state,
            "elapsed_s": round(elapsed_s, 1),
            "frames": self._n_cycles,
            "captured": round(position_s * (info.rate_hz or 0.0)),
            "n_frames": info.n_frames,
            "dropped": self._n_missed,
            "rate_hz": round(self._n_cycles / elapsed_s, 2) if elapsed_s > 0 else 0.0,
            "latency_ms": {},
            "coverage": None,
            "coverage_over_time": [],
            "memory_bytes": 0,
            "exact": None,
            "notices": self.notices(),
            "message": "",
            "settings": {},
            "figures": [
                ["Place", place, False],
                ["Code", f"{self.showing.code}, {self.showing.refresh_hz:g} Hz", False],
                ["Slips", str(self._n_slips), self._n_slips > 0],
            ],
        }

    def report(self, ended_by: str | None) -> dict[str, Any]:
        """Return what stands in report.json.

        Parameters
        ----------
        ended_by : str or None
            The error that ended it.

        Returns
        -------
        dict of str to Any
            JSON values.
        """
        return {
            "backroom": __version__,
            "started": self._began.isoformat(timespec="seconds"),
            "ended": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "ended_by": ended_by,
            "source": asdict(self._feed.info),
            "play": {
                **{key: value for key, value in asdict(self.showing).items() if key != "notices"},
                "cycles": self._n_cycles,
                "late_pictures": self._feed.n_late,
                "sound_gaps": 0 if self._sound is None else self._sound.n_gaps,
                "n_slips": self._n_slips,
                "missed_periods": self._n_missed,
                "plain_periods": self._n_plain,
                "times_hidden": self._n_hidden,
                "slips": [
                    {"vblank": slip.vblank, "missed": slip.n_missed, "plain": slip.n_plain} for slip in self._slips
                ],
            },
            "elapsed_s": round(time.monotonic() - self._began_s, 3),
            "notices": self.notices(),
        }

    def _is_over(self, cycle: int) -> bool:
        n_periods = self.n_periods if self._duration_s is not None else None
        return n_periods is not None and cycle * self.showing.n_slots >= n_periods

    def _hide_if_broken(self, n_periods: int) -> None:
        now_s = self._clock.now_s()
        self._broken.append((now_s, n_periods))
        while self._broken[0][0] < now_s - WINDOW_S:
            self._broken.popleft()
        if sum(n for _, n in self._broken) > MOST_BROKEN * WINDOW_S * self.showing.refresh_hz:
            if now_s >= self._hidden_until_s:
                self._messages.append(HIDING)
                self._n_hidden += 1
            self._hidden_until_s = now_s + WINDOW_S

    def _say(self, line: str) -> None:
        with self._lock:
            self._messages.append(line)

    def _within(self, position_s: float) -> float:
        info = self._feed.info
        last_s = (info.n_frames - 1) / info.rate_hz if info.n_frames and info.rate_hz else position_s
        return max(0.0, min(position_s, last_s))

    def _keep_step_with_the_sound(self, moment_s: float) -> None:
        place_s, before_s = self._feed.position_s, self._place_s
        self._place_s = place_s
        if self._sound is None or self._transport.is_paused:
            return
        if place_s < before_s - WRAP_S:  # the film began anew
            self._sound.seek(place_s)
            return
        heard_s = self._sound.position_s
        if heard_s is not None:
            self._transport.follow(heard_s - (moment_s - self._feed.rounds_s))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
