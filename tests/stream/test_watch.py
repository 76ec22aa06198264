"""A session: what it counts, saves, resumes, shows and obeys, and what it leaves behind when something fails."""

import json
import threading
import time

import cv2
import numpy as np
import pytest
from fakes import FakeSink, FakeSource, FakeView, picture

from config.loader import load_profile
from config.reload import ProfileWatcher
from pipelines.base import PipelineError
from pipelines.reconstruction.leak.pipeline import LeakReconstruction
from pipelines.reconstruction.rarest import RarestReconstruction
from stream.sinks.base import SinkError
from stream.sources.base import CaptureError
from stream.view.base import ViewCommand
from stream.watch import WatchPlan, WatchSession

FAST = {"watch.method": "rarest", "watch.memory": "4MiB", "watch.preview_every_s": 0.05, "watch.save_every_s": 0.5}


def session(tmp_path, source, *, views=(), sinks=(), overrides=None, profile="default", **plan):
    flags = {**FAST, **(overrides or {})}
    settings = load_profile(profile, flags)
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    return WatchSession(
        source,
        RarestReconstruction(settings.watch),
        WatchPlan(out=out, **plan),
        settings,
        ProfileWatcher(profile, flags),
        views,
        sinks,
    )


def report_of(tmp_path):
    return json.loads((tmp_path / "out" / "report.json").read_text())


CALL = [picture(10)] * 6 + [picture(200)] + [picture(10)] * 3


def test_a_recording_leaves_room_backdrop_and_report(tmp_path):
    session(tmp_path, FakeSource(CALL)).run()
    room = cv2.imread(str(tmp_path / "out/room.png"), cv2.IMREAD_UNCHANGED)
    backdrop = cv2.imread(str(tmp_path / "out/backdrop.png"), cv2.IMREAD_UNCHANGED)
    assert (room == (200, 200, 200, 255)).all()
    assert (backdrop == 10).all()
    report = report_of(tmp_path)
    assert report["frames"]["counted"] == report["frames"]["processed"] == 10
    assert report["coverage"] == 1.0
    assert report["exact"] is True
    assert report["ended_by"] is None
    assert report["profile"]["watch"]["memory"] == 4 << 20
    assert report["coverage_over_time"][-1][1] == 1.0


def test_room_alpha_is_zero_where_no_colour_beat_the_threshold(tmp_path):
    session(tmp_path, FakeSource([picture(10), picture(10), picture(12)])).run()
    room = cv2.imread(str(tmp_path / "out/room.png"), cv2.IMREAD_UNCHANGED)
    assert (room == (12, 12, 12, 0)).all()


def test_a_source_that_breaks_keeps_what_was_read_and_raises(tmp_path):
    with pytest.raises(CaptureError, match="cut off"):
        session(tmp_path, FakeSource(CALL, error=CaptureError("cut off")), state=tmp_path / "s").run()
    assert report_of(tmp_path)["frames"]["counted"] == 10
    assert report_of(tmp_path)["ended_by"] == "CaptureError: cut off"
    assert (tmp_path / "s").exists()


def test_a_frame_of_another_size_keeps_what_was_counted_and_raises(tmp_path):
    with pytest.raises(PipelineError, match="a frame is 7x4, the stream began as 6x4"):
        session(tmp_path, FakeSource([*CALL, picture(1, 4, 7)])).run()
    assert report_of(tmp_path)["frames"]["counted"] == 10


def test_without_a_frame_nothing_is_written(tmp_path):
    with pytest.raises(PipelineError, match="no frame came"):
        session(tmp_path, FakeSource([])).run()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_state_too_large_for_the_bound_is_refused_before_the_source_is_read(tmp_path):
    source = FakeSource([picture(0, 720, 1280)])
    with pytest.raises(PipelineError, match="raise --memory"):
        session(tmp_path, source).run()
    assert (source.n_read, source.n_closed) == (0, 1)


def test_a_session_resumed_from_its_state_equals_one_that_never_stopped(tmp_path, rng):
    frames = [rng.integers(0, 3, (4, 6, 3), dtype=np.uint8) * 100 for _ in range(30)]
    for part, name in ((frames[:11], "a"), (frames[11:], "b")):
        session(tmp_path, FakeSource(part), state=tmp_path / "s", recording=name).run()
    in_two = cv2.imread(str(tmp_path / "out/room.png"), cv2.IMREAD_UNCHANGED)
    assert report_of(tmp_path)["frames"]["counted"] == 30
    session(tmp_path, FakeSource(frames)).run()
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "out/room.png"), cv2.IMREAD_UNCHANGED), in_two)


def test_frames_of_a_recording_that_the_state_has_counted_are_skipped_and_said(tmp_path):
    with pytest.raises(CaptureError):
        session(tmp_path, FakeSource(CALL[:4], error=CaptureError("x")), state=tmp_path / "s", recording="call").run()
    session(tmp_path, FakeSource(CALL), state=tmp_path / "s", recording="call").run()
    report = report_of(tmp_path)
    assert report["frames"]["counted"] == 10
    assert report["frames"]["skipped_as_counted_before"] == 4
    session(tmp_path, FakeSource(CALL), state=tmp_path / "s", recording="call").run()
    assert report_of(tmp_path)["frames"]["counted"] == 10


def test_the_state_is_saved_while_the_session_runs(tmp_path):
    state = tmp_path / "s"
    seen = []
    source = FakeSource([picture(i % 7) for i in range(300)], is_live=True, period_s=0.005)
    view = FakeView([(lambda _: seen.append(state.exists()), None)])
    session(tmp_path, source, views=[view], state=state).run()
    assert not seen[0]
    assert seen[-2] is True


def test_a_full_disk_is_shown_while_running_and_an_error_at_the_end_and_the_old_state_stays(tmp_path, monkeypatch):
    state = tmp_path / "s"
    session(tmp_path, FakeSource(CALL), state=state).run()
    before = state.read_bytes()
    view = FakeView()
    running = session(
        tmp_path,
        FakeSource([picture(i % 9) for i in range(300)], is_live=True, period_s=0.005),
        views=[view],
        state=state,
    )

    def full(*_, **__):
        raise PipelineError("state s: cannot be written (No space left on device)")

    monkeypatch.setattr(RarestReconstruction, "save", full)
    with pytest.raises(PipelineError, match="No space left"):
        running.run()
    assert state.read_bytes() == before
    assert any("No space left" in line for numbers in view.numbers for line in numbers["notices"])
    assert report_of(tmp_path)["frames"]["counted"] > 10


def test_placeholders_are_neither_counted_nor_claimed(tmp_path):
    class Lossy(FakeSource):
        def read(self):
            frame = super().read()
            if frame is not None and self.n_read in (3, 4):
                return type(frame)(picture(255), frame.pts_s, is_placeholder=True)
            return frame

    session(tmp_path, Lossy([picture(10)] * 8)).run()
    report = report_of(tmp_path)
    assert report["frames"]["placeholders"] == 2
    assert report["frames"]["counted"] == 6
    assert report["coverage"] == 0.0


def endless(n=4000, period_s=0.004):
    return FakeSource([picture(10 if i % 5 else 200) for i in range(n)], is_live=True, period_s=period_s)


def test_a_view_pauses_and_goes_on(tmp_path):
    view = FakeView(
        [
            (lambda n: n["frames"] > 5, ViewCommand("pause")),
            (lambda n: n["state"] == "paused", ViewCommand("resume")),
            (lambda n: n["state"] == "running", ViewCommand("stop")),
        ]
    )
    outcome = session(tmp_path, endless(), views=[view]).run()
    assert outcome.stats.paused > 0
    assert view.numbers[-1]["state"] == "ended"
    assert view.script == []


def test_a_view_resets_the_counts(tmp_path):
    view = FakeView(
        [
            (lambda n: n["frames"] > 60, ViewCommand("reset")),
            (lambda n: n["frames"] < 60, ViewCommand("stop")),
        ]
    )
    session(tmp_path, endless(), views=[view]).run()
    assert view.script == []


def test_a_view_saves_results_while_the_session_runs(tmp_path):
    report = tmp_path / "out/report.json"
    view = FakeView(
        [
            (lambda n: n["frames"] > 5, ViewCommand("save")),
            (lambda _: report.exists() and json.loads(report.read_text())["ended"] is None, ViewCommand("stop")),
        ]
    )
    session(tmp_path, endless(), views=[view]).run()
    assert view.script == []
    assert report_of(tmp_path)["ended"] is not None


def test_a_slider_changes_the_threshold_and_a_bad_value_is_refused_in_words(tmp_path):
    view = FakeView(
        [
            (lambda n: n["coverage"] == 1.0, ViewCommand("settings", settings={"watch.omg": 9999})),
            (lambda n: "watch.omg is 9999" in n["message"], ViewCommand("settings", settings={"watch.memory": 1})),
            (lambda n: "cannot be changed" in n["message"], ViewCommand("settings", settings={"watch.omg": 700})),
            (lambda n: n["coverage"] == 0.0 and n["settings"]["watch.omg"] == 700, ViewCommand("stop")),
        ]
    )
    outcome = session(tmp_path, endless(), views=[view]).run()
    assert view.script == []
    assert outcome.report["omg"] == 700


def test_a_changed_profile_file_is_taken_up_while_running(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("watch:\n  omg: 20\n")

    def change(numbers):
        path.write_text("watch:\n  omg: 600\n# changed\n")
        return True

    view = FakeView(
        [
            (lambda n: n["coverage"] == 1.0 and change(n), ViewCommand("settings")),
            (lambda n: n["coverage"] == 0.0, ViewCommand("stop")),
        ]
    )
    session(tmp_path, endless(), views=[view], profile=str(path)).run()
    assert view.script == []


def test_a_picked_region_ends_the_session_and_is_handed_to_the_caller(tmp_path):
    region = ViewCommand("region", region_px=(1, 1, 3, 2))
    view = FakeView([(lambda n: n["frames"] > 3, region)])
    outcome = session(tmp_path, endless(), views=[view], can_pick_region=True).run()
    assert outcome.next_region == region
    assert "ended" not in {numbers["state"] for numbers in view.numbers}


@pytest.mark.parametrize("region_px", [(3, 0, 4, 2), (0, 3, 2, 2), (-1, 0, 3, 2), (0, 0, 0, 2)])
def test_a_region_of_an_older_larger_picture_is_refused_in_words_and_ends_nothing(tmp_path, region_px):
    view = FakeView(
        [
            (lambda n: n["frames"] > 3, ViewCommand("region", region_px=region_px)),
            (lambda n: "not inside the picture of 6x4" in n["message"], ViewCommand("stop")),
        ]
    )
    assert session(tmp_path, endless(), views=[view], can_pick_region=True).run().next_region is None
    assert view.script == []


def test_a_stop_counts_more_than_a_region_picked_just_before(tmp_path):
    class Both(FakeView):
        def take_commands(self):
            return [ViewCommand("whole_screen"), ViewCommand("stop")] if super().take_commands() else []

    view = Both([(lambda n: n["frames"] > 3, ViewCommand("stop"))])
    outcome = session(tmp_path, endless(), views=[view], can_pick_region=True).run()
    assert outcome.next_region is None
    assert view.numbers[-1]["state"] == "ended"


def test_a_region_is_not_picked_where_the_source_has_none(tmp_path):
    view = FakeView(
        [
            (lambda n: n["frames"] > 3, ViewCommand("region", region_px=(1, 1, 3, 2))),
            (lambda n: n["frames"] > 100, ViewCommand("stop")),
        ]
    )
    assert session(tmp_path, endless(), views=[view]).run().next_region is None


def test_pictures_go_to_the_view_that_wants_them(tmp_path):
    looking, away = FakeView(wants={"call", "room"}), FakeView()
    session(tmp_path, FakeSource(CALL * 5, period_s=0.01), views=[looking, away]).run()
    assert looking.pictures["call"][0].shape == (4, 6, 3)
    assert looking.pictures["room"][-1].shape == (4, 6, 4)
    assert away.pictures == {}


def test_settings_and_pictures_are_those_of_the_method(tmp_path):
    view = FakeView(wants={"room", "backdrop", "confidence", "leaks"})
    session(tmp_path, FakeSource(CALL * 5, period_s=0.01), views=[view]).run()
    assert set(view.pictures) == {"room", "backdrop"}
    assert "watch.omg" in view.numbers[-1]["settings"]
    assert "watch.claim" not in view.numbers[-1]["settings"]
    assert view.numbers[-1]["exact"] is True


def test_the_method_leak_shows_how_sure_and_how_often_and_leaves_its_pictures(tmp_path):
    frames = [picture(10, 36, 48)] * 60
    view = FakeView(wants={"room", "backdrop", "confidence", "leaks"})
    flags = {**FAST, "watch.method": "leak", "watch.person_model": "none"}
    settings = load_profile("default", flags)
    (tmp_path / "out").mkdir()
    plan = WatchPlan(out=tmp_path / "out")
    watcher = ProfileWatcher("default", flags)
    outcome = WatchSession(
        FakeSource(frames, period_s=0.01), LeakReconstruction(settings.watch), plan, settings, watcher, [view]
    ).run()
    assert view.pictures["confidence"][-1].shape == view.pictures["leaks"][-1].shape == (36, 48, 3)
    assert "watch.claim" in view.numbers[-1]["settings"]
    assert "watch.omg" not in view.numbers[-1]["settings"]
    assert view.numbers[-1]["exact"] is None
    assert outcome.files == ["report.html", "room.png", "leaks.png", "confidence.png", "backdrop.png", "report.json"]
    assert outcome.report["confidence"]["mean"] is None, "nothing leaks here"


def test_sinks_get_the_growing_room_with_holes_that_look_like_holes(tmp_path):
    sink = FakeSink()
    frames = [picture(10)] * 40 + [picture(200)] + [picture(10)] * 40
    session(tmp_path, FakeSource(frames), sinks=[sink], overrides={"watch.preview_every_s": 0.4}).run()
    assert len(sink.frames) == 9  # 81 frames at 25 a second, one room each 0.4 s
    assert set(np.unique(sink.frames[0].image)) <= {40, 56}
    assert (sink.frames[-1].image == 200).all()


def test_a_sink_that_fails_ends_the_session_and_the_results_are_saved(tmp_path):
    def fail(_):
        raise SinkError("broken")

    with pytest.raises(SinkError, match="broken"):
        session(tmp_path, endless(), sinks=[FakeSink(on_write=fail)]).run()
    assert report_of(tmp_path)["ended_by"] == "SinkError: broken"


def test_duration_ends_a_live_session(tmp_path):
    begin_s = time.perf_counter()
    session(tmp_path, endless(), duration_s=0.5).run()
    assert 0.4 < time.perf_counter() - begin_s < 5


def test_stop_saves_everything(tmp_path):
    running = session(tmp_path, endless(), state=tmp_path / "s")
    threading.Timer(0.3, running.stop).start()
    running.run()
    assert report_of(tmp_path)["frames"]["counted"] > 0
    assert (tmp_path / "s").exists()


def test_every_frame_of_a_live_session_is_accounted_for(tmp_path):
    running = session(tmp_path, endless(300, 0.001))
    frames = running.run().report["frames"]
    assert frames["captured"] == 300
    assert frames["captured"] == frames["processed"] + frames["dropped"] + frames["paused"] + frames["discarded"]
    assert frames["counted"] == frames["processed"]
