"""The capture loop: everything arrives, losses are counted, and no stage can hang or hide an error."""

import threading
import time

import pytest
from fakes import FakeSink, FakeSource, PassOn, picture

from pipelines.base import Frame, PipelineError
from stream.loop import Loop
from stream.sinks.base import SinkError
from stream.sources.base import CaptureError

SOON_S = 3.0
"""An error must be back in the caller by then."""


@pytest.fixture(autouse=True)
def _no_thread_is_left_behind():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def frames(n):
    return [picture(i % 256) for i in range(n)]


def values(sink):
    return [int(frame.image[0, 0, 0]) for frame in sink.frames]


def test_every_frame_of_a_file_reaches_every_sink_in_order():
    slow = FakeSink(on_write=lambda _: time.sleep(0.002))
    fast = FakeSink(name="other")
    stats = Loop(FakeSource(frames(60)), PassOn(), [slow, fast]).run()
    assert values(slow) == values(fast) == list(range(60))
    assert (stats.captured, stats.processed, stats.dropped, stats.discarded) == (60, 60, 0, 0)


def test_a_live_source_drops_what_the_pipeline_cannot_take_and_counts_it():
    source = FakeSource(frames(100), is_live=True, period_s=0.002)
    pipeline = PassOn(lambda _: time.sleep(0.02))
    stats = Loop(source, pipeline).run()
    assert stats.dropped > 50
    assert stats.captured == 100 == stats.processed + stats.dropped + stats.discarded
    assert stats.processed == pipeline.n_processed


def test_a_stall_loses_no_frame_where_some_may_wait():
    stalls = iter([0.15] + 99 * [0.0])
    pipeline = PassOn(lambda _: time.sleep(next(stalls)))
    stats = Loop(FakeSource(frames(30), is_live=True, period_s=0.04), pipeline, most_waiting=5).run()
    assert (stats.processed, stats.dropped) == (30, 0)


def test_the_last_frame_of_a_live_source_is_processed():
    seen = []
    pipeline = PassOn(lambda frame: (time.sleep(0.01), seen.append(int(frame.image[0, 0, 0]))))
    Loop(FakeSource(frames(30), is_live=True, period_s=0.001), pipeline).run()
    assert seen[-1] == 29


def test_a_slow_live_sink_gets_the_newest_and_does_not_hold_up_the_others():
    slow = FakeSink(is_live=True, on_write=lambda _: time.sleep(0.05), name="slow")
    fast = FakeSink(name="fast")
    stats = Loop(FakeSource(frames(60), is_live=True, period_s=0.005), PassOn(), [slow, fast]).run()
    assert len(fast.frames) == stats.processed
    assert stats.sink_dropped == {"slow": stats.processed - len(slow.frames)}
    assert stats.sink_dropped["slow"] > 10


def test_a_sink_is_opened_used_and_closed_by_one_thread():
    sink = FakeSink()
    Loop(FakeSource(frames(5)), PassOn(), [sink]).run()
    assert len(sink.threads) == 1
    assert threading.get_ident() not in sink.threads
    assert sink.n_closed == 1


def test_a_file_on_a_live_sink_is_paced_by_its_own_time_stamps():
    begin_s = time.perf_counter()
    Loop(FakeSource(frames(11)), PassOn(), [FakeSink(is_live=True)]).run()
    assert time.perf_counter() - begin_s >= 0.38  # ten intervals of 40 ms, less the grain of the clock


def test_a_file_alone_is_not_paced():
    begin_s = time.perf_counter()
    Loop(FakeSource(frames(50)), PassOn(), [FakeSink()]).run()
    assert time.perf_counter() - begin_s < 1.0  # at its own rate it would take two seconds


def test_what_may_wait_is_done_after_the_sinks_have_the_frame():
    sink, n_handed_over = FakeSink(), []
    loop = Loop(FakeSource(frames(5)), PassOn(), [sink], after_frame=lambda: n_handed_over.append(sent()))

    def sent():
        until_s = time.monotonic() + 2.0
        while len(sink.frames) <= len(n_handed_over) and time.monotonic() < until_s:
            time.sleep(0.001)
        return len(sink.frames)

    stats = loop.run()
    assert n_handed_over == [1, 2, 3, 4, 5]
    assert "after" in stats.latency_ms


def test_what_the_pipeline_held_back_is_flushed_to_the_sinks():
    pipeline, sink = PassOn(), FakeSink()
    pipeline.last = [Frame(picture(99), 9.0)]
    Loop(FakeSource(frames(2)), pipeline, [sink]).run()
    assert values(sink) == [0, 1, 99]
    assert pipeline.n_flushed == 1


def test_a_source_error_comes_after_every_good_frame_was_processed_and_sinks_are_finished():
    source = FakeSource(frames(20), error=CaptureError("gone"))
    sink = FakeSink(on_write=lambda _: time.sleep(0.002))
    pipeline = PassOn()
    with pytest.raises(CaptureError, match="gone"):
        Loop(source, pipeline, [sink]).run()
    assert values(sink) == list(range(20))
    assert (source.n_closed, sink.n_closed, pipeline.n_flushed) == (1, 1, 1)


def raise_at(n, error):
    calls = []

    def act(*_):
        calls.append(1)
        if len(calls) >= n:
            raise error

    return act


@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize("stage", ["process", "write", "sink close", "tick", "source"])
def test_an_error_in_any_stage_ends_all_of_them_soon(stage, is_live):
    errors = {
        "process": PipelineError("p"),
        "write": SinkError("w"),
        "sink close": SinkError("c"),
        "tick": ValueError("t"),
    }
    error = errors.get(stage, CaptureError("s"))
    endless = [picture(0)] * 100_000 if stage not in ("source", "sink close") else frames(5)
    source = FakeSource(endless, is_live=is_live, period_s=0.001, error=error if stage == "source" else None)
    pipeline = PassOn(raise_at(3, error) if stage == "process" else lambda _: None)
    sink = FakeSink(
        on_write=raise_at(3, error) if stage == "write" else lambda _: None,
        on_close=raise_at(1, error) if stage == "sink close" else lambda: None,
    )
    other = FakeSink(name="other", on_write=lambda _: time.sleep(0.001))
    begin_s = time.perf_counter()
    with pytest.raises(type(error), match=str(error)):
        Loop(source, pipeline, [sink, other], raise_at(1, error) if stage == "tick" else lambda: None).run()
    assert time.perf_counter() - begin_s < SOON_S
    assert source.n_closed == 1
    assert sink.n_closed == other.n_closed == 1


@pytest.mark.parametrize("is_live", [True, False])
def test_stop_ends_an_endless_stream_soon_and_every_frame_is_accounted_for(is_live):
    source = FakeSource([picture(0)] * 100_000, is_live=is_live, period_s=0.001)
    loop = Loop(source, PassOn(lambda _: time.sleep(0.003)), [FakeSink()])
    threading.Timer(0.2, loop.stop).start()
    begin_s = time.perf_counter()
    stats = loop.run()
    assert time.perf_counter() - begin_s < SOON_S
    assert stats.captured == stats.processed + stats.dropped + stats.discarded
    assert source.n_closed == 1


def test_while_paused_live_frames_go_unseen_and_are_counted():
    source = FakeSource(frames(120), is_live=True, period_s=0.004)
    pipeline = PassOn()
    loop = Loop(source, pipeline)
    threading.Timer(0.1, loop.pause, [True]).start()
    threading.Timer(0.3, loop.pause, [False]).start()
    stats = loop.run()
    assert 15 < stats.paused < 100
    assert stats.captured == 120 == stats.processed + stats.dropped + stats.paused


def test_while_paused_a_file_waits_and_loses_nothing():
    pipeline = PassOn()
    loop = Loop(FakeSource(frames(40), period_s=0.002), pipeline)
    loop.pause(True)
    threading.Timer(0.3, loop.pause, [False]).start()
    begin_s = time.perf_counter()
    stats = loop.run()
    assert time.perf_counter() - begin_s > 0.28
    assert stats.processed == 40
    assert stats.paused == 0


def test_ticks_go_on_while_no_frame_comes():
    ticks = []
    source = FakeSource(frames(2), is_live=True, period_s=0.5)
    Loop(source, PassOn(), on_tick=lambda: ticks.append(1)).run()
    assert len(ticks) >= 5


def test_latencies_name_every_stage_and_sink():
    stats = Loop(FakeSource(frames(10)), PassOn(lambda _: time.sleep(0.005)), [FakeSink(name="a")]).run()
    assert set(stats.latency_ms) == {"read", "wait", "process", "total", "write a"}
    assert 4.5 < stats.latency_ms["process"]["p50"] < 50
    assert stats.latency_ms["total"]["p99"] >= stats.latency_ms["process"]["p50"]
