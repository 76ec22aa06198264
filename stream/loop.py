"""The capture loop: any source, one pipeline, any sinks.

    capture thread --mailbox--> the caller's thread: pipeline --mailbox--> a thread for each sink

A live source drops frames that come too soon for the pipeline (and counts them), a file waits. The same holds
between the pipeline and each sink: a live sink gets the newest frame, a file sink every one, and makes the rest
wait. A file shown on a live sink is paced by its own time stamps.

An error in any stage ends all of them; every thread is joined and the error is raised in the caller's thread.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence

from pipelines.base import Frame, Pipeline
from stream.clock import Clock, MonotonicClock, Pacer
from stream.mailbox import Closed, Mailbox
from stream.sinks.base import Sink
from stream.sources.base import Source
from stream.stats import LoopStats, RateMeter, StageTimes

TICK_S = 0.1
"""The caller's `on_tick` runs at least this often, frames or not."""


class Loop:
    """Runs a source through a pipeline into sinks until the stream ends or `stop` is called.

    Parameters
    ----------
    source : Source
        Read from a thread of its own and closed at the end.
    pipeline : Pipeline
        Already warmed up; called from the thread that calls `run`.
    sinks : sequence of Sink
        Each written and closed in a thread of its own.
    on_tick : callable, optional
        Called from `run`'s thread about every `TICK_S` seconds, between two frames.
    most_waiting : int
        How many live frames may wait while the pipeline is busy. One, the newest, where a late picture is worthless;
        more where frames are only counted, and a stall of the machine should lose none.
    clock : Clock, optional
        For tests.
    after_frame : callable, optional
        Called from `run`'s thread after a frame's outputs were handed to the sinks: what may wait until then.
    """

    def __init__(
        self,
        source: Source,
        pipeline: Pipeline,
        sinks: Sequence[Sink] = (),
        on_tick: Callable[[], None] = lambda: None,
        most_waiting: int = 1,
        clock: Clock | None = None,
        after_frame: Callable[[], None] | None = None,
    ) -> None:
        self.source = source
        self.pipeline = pipeline
        self._on_tick = on_tick
        self._after_frame = after_frame
        self._clock: Clock = clock or MonotonicClock()
        self._is_live = source.info.is_live
        self._stop = threading.Event()
        self._paused = threading.Event()
        self._error: BaseException | None = None
        self._error_lock = threading.Lock()
        self._inbox: Mailbox[tuple[Frame, float]] = (
            Mailbox("newest_wins", most_waiting) if self._is_live else Mailbox("block")
        )
        self._outlets = [_Outlet(sink, self._fail) for sink in sinks]
        self._pacer = Pacer(self._clock) if not self._is_live and any(sink.is_live for sink in sinks) else None
        self._times = StageTimes()
        self._rate = RateMeter()
        self._captured = self._processed = self._paused_count = self._discarded = self._placeholders = 0
        self._first_s: float | None = None
        self._last_s = 0.0

    def stop(self) -> None:
        """End the stream soon; may be called from any thread or signal handler."""
        self._stop.set()

    @property
    def n_captured(self) -> int:
        """Frames that the source has given so far."""
        return self._captured

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called or a stage failed."""
        return self._stop.is_set()

    @property
    def is_paused(self) -> bool:
        """Whether frames are let go unseen (live) or the source waits (files)."""
        return self._paused.is_set()

    def pause(self, paused: bool) -> None:
        """Let live frames go unseen, or make a file wait.

        Parameters
        ----------
        paused : bool
            False goes on.
        """
        if paused:
            self._paused.set()
        else:
            self._paused.clear()

    def stats(self) -> LoopStats:
        """Return what was measured so far."""
        elapsed_s = self._last_s - self._first_s if self._first_s is not None else 0.0
        return LoopStats(
            captured=self._captured,
            processed=self._processed,
            dropped=self._inbox.n_dropped,
            missed=self.source.n_missed,
            paused=self._paused_count,
            discarded=self._discarded,
            placeholders=self._placeholders,
            elapsed_s=elapsed_s,
            rate_hz=self._rate.rate_hz(),
            mean_rate_hz=(self._processed - 1) / elapsed_s if elapsed_s > 0 else 0.0,
            latency_ms=self._times.percentiles_ms() | {f"write {o.sink.name}": o.latency_ms() for o in self._outlets},
            sink_dropped={o.sink.name: o.inbox.n_dropped for o in self._outlets if o.sink.is_live},
        )

    def run(self) -> LoopStats:
        """Run until the stream ends, `stop` is called, or a stage fails.

        Returns
        -------
        LoopStats
            The final figures.

        Raises
        ------
        CaptureError, PipelineError, SinkError
            What ended the stream; frames before it were processed and the sinks finished.
        """
        capture = threading.Thread(target=self._capture, name="capture", daemon=True)
        for outlet in self._outlets:
            outlet.start()
        capture.start()
        try:
            self._process_all()
            self.send(self.pipeline.flush())
        except BaseException as error:  # noqa: BLE001 - raised again below, after every thread has ended
            self._fail(error)
        finally:
            self._stop.set()
            self._inbox.close()
            capture.join()
            self._discarded += self._inbox.discard()
            for outlet in self._outlets:
                outlet.finish()
        if self._error is not None:
            raise self._error
        return self.stats()

    def _fail(self, error: BaseException) -> None:
        with self._error_lock:
            if self._error is None:
                self._error = error
        self._stop.set()

    def _capture(self) -> None:
        try:
            with contextlib.closing(self.source):
                while not self._stop.is_set():
                    begin_s = self._clock.now_s()
                    frame = self.source.read()
                    if frame is None:
                        break
                    if self._pacer:
                        self._pacer.wait_for(frame.pts_s, self._stop)
                    self._times.add("read", self._clock.now_s() - begin_s)
                    self._hand_over(frame)
        except Closed:
            self._discarded += 1
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            # what was captured before is still processed: the error follows after the last good frame
            with self._error_lock:
                self._error = self._error or error
        finally:
            self._inbox.close()

    def _hand_over(self, frame: Frame) -> None:
        self._captured += 1
        while self._paused.is_set() and not self._stop.is_set():
            if self._is_live:
                self._paused_count += 1
                return
            self._stop.wait(TICK_S)
        self._inbox.put((frame, self._clock.now_s()))

    def _process_all(self) -> None:
        next_tick_s = 0.0
        while not self._stop.is_set():
            item = self._inbox.get(TICK_S)
            if item is not None:
                self._process(*item)
            elif self._inbox.is_finished:
                return
            now_s = self._clock.now_s()
            if now_s >= next_tick_s:
                next_tick_s = now_s + TICK_S
                self._on_tick()

    def _process(self, frame: Frame, captured_s: float) -> None:
        begin_s = self._clock.now_s()
        if self._first_s is None:
            self._first_s = begin_s
        outputs = self.pipeline.process(frame)
        end_s = self._last_s = self._clock.now_s()
        self._processed += 1
        self._placeholders += frame.is_placeholder
        self._times.add("wait", begin_s - captured_s)
        self._times.add("process", end_s - begin_s)
        self._times.add("total", end_s - captured_s)
        self._rate.mark(end_s)
        self.send(outputs)
        if self._after_frame is not None:
            begin_s = self._clock.now_s()
            self._after_frame()
            self._times.add("after", self._clock.now_s() - begin_s)

    def send(self, frames: Sequence[Frame]) -> None:
        """Hand frames to every sink; from `run`'s thread, `on_tick` included.

        Parameters
        ----------
        frames : sequence of Frame
            In order of their times.
        """
        for frame in frames:
            for outlet in self._outlets:
                outlet.send(frame)


class _Outlet:
    """A sink, its mailbox and its thread."""

    def __init__(self, sink: Sink, fail: Callable[[BaseException], None]) -> None:
        self.sink = sink
        self.inbox: Mailbox[Frame] = Mailbox("newest_wins" if sink.is_live else "block")
        self._fail = fail
        self._times = StageTimes()
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def send(self, frame: Frame) -> None:
        with contextlib.suppress(Closed):  # the sink failed: its error is on its way
            self.inbox.put(frame)

    def finish(self) -> None:
        self.inbox.close()
        self._thread.join()

    def latency_ms(self) -> dict[str, float]:
        return self._times.percentiles_ms().get("write", {"p50": 0.0, "p99": 0.0})

    def _run(self) -> None:
        clock = MonotonicClock()
        try:
            with contextlib.closing(self.sink):
                while not self.inbox.is_finished:
                    frame = self.inbox.get()
                    if frame is not None:
                        begin_s = clock.now_s()
                        self.sink.write(frame)
                        self._times.add("write", clock.now_s() - begin_s)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self.inbox.discard()
            self._fail(error)
