"""The feed: which picture belongs to a moment, ends, loops, seeking, and sources that are late or break."""

import contextlib
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from counted_source import Counted, CountedStream, number, steady
from recordings import moving_pictures, write_video

from stream.play.feed import AHEAD, Feed
from stream.sources.video import VideoSource


@pytest.mark.parametrize("rate_hz", [24.0, 25.0, 30.0, 30000 / 1001, 50.0, 60.0, 240.0])
def test_each_moment_gets_the_newest_frame_that_has_begun(rate_hz: float) -> None:
    n = 100
    with contextlib.closing(Feed(Counted(steady(n, rate_hz)), is_patient=True)) as feed:
        moments_s = [k / 40 for k in range(int(n / rate_hz * 40))]
        seen = [number(feed.picture_at(moment_s)) for moment_s in moments_s]
    assert seen == [min(int(moment_s * rate_hz + 1e-5), n - 1) for moment_s in moments_s]


def test_uneven_times_are_followed() -> None:
    with contextlib.closing(Feed(Counted([0.0, 0.5, 0.52, 3.0]), is_patient=True)) as feed:
        assert [number(feed.picture_at(s)) for s in (0.0, 0.49, 0.5, 0.53, 2.9, 3.0)] == [0, 0, 1, 2, 2, 3]


def test_the_end_is_that_of_the_last_frame_and_known_ahead() -> None:
    with contextlib.closing(Feed(Counted(steady(10, 10.0)), is_patient=True)) as feed:
        assert number(feed.picture_at(0.0, until_s=0.5)) == 0
        assert feed.ends_s is None
        assert number(feed.picture_at(0.9, until_s=1.1)) == 9
        assert feed.ends_s == pytest.approx(1.0)
        assert number(feed.picture_at(0.999)) == 9
        assert feed.picture_at(1.0) is None


def test_a_writer_may_ask_for_more_frames_ahead_than_the_queue_holds() -> None:
    n = 5 * AHEAD
    with contextlib.closing(Feed(Counted(steady(n, 1000.0)), is_patient=True)) as feed:
        assert number(feed.picture_at(0.0, until_s=1.0)) == 0
        assert feed.ends_s == pytest.approx(n / 1000)


def test_a_loop_goes_on_where_the_recording_ends() -> None:
    with contextlib.closing(Feed(Counted(steady(4, 4.0)), is_patient=True, is_looped=True)) as feed:
        assert [number(feed.picture_at(0.25 * k)) for k in range(10)] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
        assert feed.position_s == pytest.approx(0.25)
        assert feed.ends_s is None


def test_seeking_goes_forward_and_back() -> None:
    first = Counted(steady(100, 10.0))
    with contextlib.closing(Feed(first, is_patient=True)) as feed:
        assert number(feed.picture_at(0.0)) == 0
        feed.go_on_with(feed.enter(5.05))
        assert number(feed.picture_at(5.05)) == 50
        assert number(feed.picture_at(5.1)) == 51
        feed.go_on_with(feed.enter(0.2))
        assert number(feed.picture_at(0.2)) == 2
        assert feed.position_s == pytest.approx(0.2)
    deadline_s = time.monotonic() + 10
    while not first.is_closed:  # by the thread that read it, when it is done with a frame
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


def test_the_last_picture_stays_until_the_new_place_is_decoded() -> None:
    gate = threading.Event()
    gate.set()
    feed = Feed(Counted(steady(100, 10.0)), is_patient=False)
    with contextlib.closing(feed):
        shown = number(feed.picture_at(0.0))
        gate.clear()
        feed.go_on_with(Counted(steady(100, 10.0), gate=gate, first=90))
        assert number(feed.picture_at(9.0)) == shown
        assert feed.n_late == 0
        gate.set()
        while (now := number(feed.picture_at(9.0))) == shown:
            pass
        assert now is not None
        assert now >= 90


def test_a_display_goes_on_with_the_last_picture_where_decoding_is_late() -> None:
    gate = threading.Event()
    gate.set()
    with contextlib.closing(Feed(Counted(steady(100, 10.0), gate=gate), is_patient=False)) as feed:
        assert number(feed.picture_at(0.0)) == 0
        gate.clear()
        while not feed._reader.is_behind(5.0):
            shown = number(feed.picture_at(5.0))
        n_late = feed.n_late
        assert number(feed.picture_at(5.0)) == shown
        assert feed.n_late == n_late + 1
        gate.set()


def test_a_live_source_gives_its_newest_frame_whatever_the_moment() -> None:
    gate = threading.Event()
    source = CountedStream(steady(3, 10.0), is_live=True, gate=gate)
    with contextlib.closing(Feed(source, is_patient=False)) as feed:
        gate.set()
        while feed._reader.ends_s is None:
            assert number(feed.picture_at(1e6)) in (0, 1, 2, None)
        assert feed.picture_at(0.0) is None
        assert not feed.can_seek


def test_what_breaks_a_source_is_told_after_its_last_good_frame() -> None:
    source = Counted(steady(3, 10.0), breaks=True)
    with contextlib.closing(Feed(source, is_patient=True)) as feed:
        assert [number(feed.picture_at(0.1 * k)) for k in range(4)] == [0, 1, 2, None]
        assert "make a fresh copy" in str(feed.error)
    assert source.is_closed


def test_a_feed_closes_while_its_thread_waits_for_room() -> None:
    source = Counted(steady(1000, 10.0))
    feed = Feed(source, is_patient=False)
    feed.picture_at(0.0)
    feed.close()
    feed.close()
    assert source.is_closed


def test_a_real_recording_is_followed_looped_and_entered(tmp_path: Path, rng: np.random.Generator) -> None:
    pictures = moving_pictures(rng, 12, 48, 64)
    path = write_video(tmp_path / "a.mp4", pictures, rate=24)
    with contextlib.closing(VideoSource(path)) as source:
        frames = [source.read() for _ in pictures]
    with contextlib.closing(Feed(VideoSource(path), is_patient=True, is_looped=True)) as feed:
        for k in range(40):
            wanted = frames[int(k / 40 * 24 + 1e-5) % 12]
            assert wanted is not None
            np.testing.assert_array_equal(feed.picture_at(k / 40), wanted.image)
        feed.go_on_with(feed.enter(0.25))
        wanted = frames[6]
        assert wanted is not None
        np.testing.assert_array_equal(feed.picture_at(0.25), wanted.image)
