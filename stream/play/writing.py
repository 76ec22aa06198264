"""Sub-frames made on the CPU, one after the other: all of them into a file, or in time to a virtual camera.

The next cycle is encoded by a thread while the sink takes this one. A file gets every period there is; a virtual camera
is a display whose periods a clock counts: what comes too late is left out, the count goes on, and the cycle is broken
as `pipelines.kaleido.schedule` says. A machine on which no cycle is ready in time shows the plain picture of the newest
one: what stood there else would be a single sub-frame, for as long as it takes.

Sub-frames are made once for a picture that stands for several cycles.
"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from pipelines.base import Frame, Image
from pipelines.kaleido.contract import Encoder
from pipelines.kaleido.schedule import CycleClock, Slip
from stream.clock import Clock
from stream.sinks.base import Sink


class Film(Protocol):
    """What is played, see `stream.play.session.PlaySession`."""

    @property
    def n_periods(self) -> int | None:
        """Periods in all; None while that is not known."""

    def picture_at(self, cycle: int) -> Image | None:
        """Give the picture of a cycle; None where it is over."""

    def on_slip(self, slip: Slip) -> None:
        """Take note of periods that came too late."""


@dataclass(slots=True)
class _Cycle:
    number: int
    picture: Image
    strength: float
    subframes: list[Image]
    buffer: list[Image]


class SubframeWriter:
    """Plays a film into a sink.

    Parameters
    ----------
    film : Film
        Asked for the picture of each cycle, from a thread of the writer's.
    encoder : Encoder
        Warmed up for the pictures' size.
    schedule : CycleClock
        Which sub-frame each period shows.
    sink : Sink
        Written from the thread that calls `run`; the caller's to close.
    clock : Clock, optional
        Periods are counted by it; without it every period is written, as fast as can be.
    """

    def __init__(
        self, film: Film, encoder: Encoder, schedule: CycleClock, sink: Sink, clock: Clock | None = None
    ) -> None:
        self._film = film
        self._encoder = encoder
        self._schedule = schedule
        self._sink = sink
        self._clock = clock
        self._n_slots = schedule.n_slots
        self._never = threading.Event()  # a wait is a period long and need not be cut short
        self._buffers: list[list[Image]] = []
        self._made: _Cycle | None = None
        self._plain: tuple[int, Image] | None = None
        self._n_slips = 0
        self.n_written = 0

    def run(self) -> None:
        """Write until the film is over, or ended by somebody.

        Raises
        ------
        SinkError
            If the sink cannot be written.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="encode") as pool:
            ahead = pool.submit(self._make, 0)
            origin_s = self._clock.now_s() if self._clock else 0.0
            vblank = 0
            is_behind = False
            while (cycle := ahead.result()) is not None:
                ahead = pool.submit(self._make, cycle.number + 1)
                n_slips, n_written = self._n_slips, self.n_written
                vblank = self._write_cycle(cycle, origin_s, vblank)
                # Where the cycle after a stall is too late as well nothing would ever be shown.
                if is_behind and self.n_written == n_written and self._is_within(vblank):
                    self._write(self._plain_of(cycle), vblank)
                    vblank += 1
                is_behind = self.n_written == n_written
                if self._n_slips > n_slips:
                    ahead = self._catch_up(pool, ahead, vblank)

    def _write_cycle(self, cycle: _Cycle, origin_s: float, vblank: int) -> int:
        """Write what is still due of a cycle; return the next period."""
        n_periods = self._film.n_periods
        after = (cycle.number + 1) * self._n_slots
        end = after if n_periods is None else min(after, n_periods)
        while vblank < end:
            vblank = self._wait_for(origin_s, vblank)
            if vblank >= end:
                break
            period = self._schedule.at(vblank)
            # The last cycle of a film may not fit, and half of one does not average to its picture.
            is_broken = end < after or period.strength != cycle.strength
            image = self._plain_of(cycle) if is_broken else cycle.subframes[period.slot]
            self._write(image, vblank)
            vblank += 1
        return vblank

    def _write(self, image: Image, vblank: int) -> None:
        self._sink.write(Frame(image, float(vblank / self._schedule.refresh_hz)))
        self.n_written += 1

    def _is_within(self, vblank: int) -> bool:
        n_periods = self._film.n_periods
        return n_periods is None or vblank < n_periods

    def _wait_for(self, origin_s: float, vblank: int) -> int:
        """Wait until a period begins; return the one that does, which is a later one where time has run away."""
        if self._clock is None:
            return vblank
        refresh_hz = float(self._schedule.refresh_hz)
        self._clock.wait_until(origin_s + vblank / refresh_hz, self._never)
        n_missed = int((self._clock.now_s() - origin_s) * refresh_hz) - vblank
        if n_missed > 0:
            self._n_slips += 1
            self._film.on_slip(self._schedule.slip(vblank, n_missed))
        return vblank + max(n_missed, 0)

    def _catch_up(
        self, pool: ThreadPoolExecutor, ahead: "Future[_Cycle | None]", vblank: int
    ) -> "Future[_Cycle | None]":
        """After a slip, make anew what was made for a time or a strength that is no longer."""
        made = ahead.result()
        wanted = vblank // self._n_slots
        if made is None or (made.number >= wanted and made.strength == self._strength(made.number)):
            return ahead
        return pool.submit(self._make, max(wanted, made.number))

    def _strength(self, cycle: int) -> float:
        return self._schedule.at(cycle * self._n_slots).strength

    def _make(self, number: int) -> _Cycle | None:
        picture = self._film.picture_at(number)
        if picture is None:
            return None
        if not self._is_within(number * self._n_slots):
            return None
        strength = self._strength(number)
        made = self._made
        if made is None or made.picture is not picture or made.strength != strength:
            made = self._encode(number, picture, strength)
        else:
            made = replace(made, number=number)
        self._made = made
        self._buffers = [buffer for buffer in self._buffers if buffer is not made.buffer] + [made.buffer]
        return made

    def _encode(self, number: int, picture: Image, strength: float) -> _Cycle:
        buffer = self._buffer(picture)
        if strength > 0:
            self._encoder.encode_cycle(picture, strength, buffer)
            return _Cycle(number, picture, strength, buffer, buffer)
        self._encoder.plain(picture, buffer[0])  # a fraction of the time: who has fallen behind begins with this
        return _Cycle(number, picture, strength, buffer[:1] * self._n_slots, buffer)

    def _buffer(self, picture: Image) -> list[Image]:
        """Return the oldest of three sets of sub-frames: one is written, one made, and one may be made in vain."""
        if len(self._buffers) < 3:
            self._buffers.append([np.empty_like(picture) for _ in range(self._n_slots)])
            return self._buffers[-1]
        return self._buffers[0]

    def _plain_of(self, cycle: _Cycle) -> Image:
        if self._plain is None or self._plain[0] != cycle.number:
            image = np.empty_like(cycle.picture)
            self._encoder.plain(cycle.picture, image)
            self._plain = (cycle.number, image)
        return self._plain[1]
