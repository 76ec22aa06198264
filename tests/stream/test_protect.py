"""A protected session: what goes to sinks and views, what it obeys, and that no fault of any stage shows the camera."""

import json
import signal
import threading
import time

import cv2
import numpy as np
import pytest
from fakes import FakeSink, FakeView
from protected import BACKGROUND, HEIGHT, WIDTH, BoxProtection, Camera, camera_image, n_camera_pixels

from config.loader import ConfigError, load_profile
from config.reload import ProfileWatcher
from config.schema import CameraSettings, MeterSettings
from pipelines.base import Frame, PipelineError
from pipelines.protection.backgrounds import BackgroundError
from pipelines.protection.meter import LeakMeter
from pipelines.protection.noise import NoisyBackground
from pipelines.protection.pipeline import ProtectionPipeline
from stream.backgrounds.open import OpenBackground, open_background
from stream.panic import panic_keys
from stream.protect import ProtectSession
from stream.sinks.base import SinkError
from stream.sources.base import CaptureError
from stream.sources.camera import CameraSource
from stream.sources.camera_device import FoundCamera
from stream.view.base import ViewCommand

PATIENCE_S = 5.0
BOTH = ("output", "mask")


class EndlessCamera(Camera):
    """Gives the same frame at 50 Hz, live, until the session ends it."""

    def __init__(self, image):
        super().__init__([])
        self.image = image
        self.n_read = 0
        self.is_silent = False

    def read(self):
        time.sleep(0.02)
        while self.is_silent and not self.n_closed:
            time.sleep(0.02)
            return None if self.n_closed else Frame(np.full_like(self.image, 32), self.n_read / 50, True)
        self.n_read += 1
        return Frame(self.image, self.n_read / 50)


@pytest.fixture
def begin(tmp_path):
    """Make a session of a camera with a box protection unless told otherwise; keep what the sinks get."""

    def act(
        camera,
        *,
        fault=None,
        make=None,
        views=(),
        sinks=None,
        profile="default",
        opened=open_background,
        meter=None,
        **flags,
    ):
        overrides = {"protect.background": BACKGROUND, **{key.replace("__", "."): v for key, v in flags.items()}}
        chosen = load_profile(profile, overrides)
        sinks = [FakeSink()] if sinks is None else sinks
        session = ProtectSession(
            camera,
            make or (lambda _, background: BoxProtection(background, fault)),
            opened,
            tmp_path,
            chosen,
            ProfileWatcher(profile, overrides),
            views,
            sinks,
            meter=meter,
        )
        session.sinks = sinks
        return session

    return act


def shown_by(session):
    return [frame for sink in session.sinks for frame in sink.frames]


def report_in(folder):
    return json.loads((folder / "report.json").read_text())


def test_a_recording_goes_out_frame_for_frame_with_its_times(begin, rng, tmp_path):
    images = [camera_image(rng) for _ in range(20)]
    session = begin(Camera(images, is_live=False))
    session.run()
    frames = shown_by(session)
    assert [frame.pts_s for frame in frames] == [i / 25 for i in range(20)]
    for frame, image in zip(frames, images, strict=True):
        assert (frame.image[0, 0] == (0x30, 0x20, 0x10)).all()
        np.testing.assert_array_equal(frame.image[HEIGHT // 2, WIDTH // 2], image[HEIGHT // 2, WIDTH // 2])
    report = report_in(tmp_path)
    assert report["frames"]["processed"] == 20
    assert (report["placeholders"], report["failures"], report["ended_by"]) == (0, 0, None)
    assert report["output"] == {"width": WIDTH, "height": HEIGHT}
    assert set(report["latency_ms"]) >= {"process", "total"}


# --- faults: no frame that goes out, to a sink or a view, has a pixel of the camera


class Brittle:
    """A background that fails in a way of its own."""

    name = "brittle"

    def __init__(self, answer):
        self.answer = answer

    def warm_up(self, height, width):
        pass

    def picture(self, camera, mask):
        return self.answer(camera)

    def close(self):
        pass


def opening(answer):
    def act(profile, time):
        brittle = Brittle(answer)
        is_noisy = profile.noise.kind != "none" or profile.noise.motion
        return OpenBackground(NoisyBackground(brittle, profile.noise) if is_noisy else brittle)

    return act


class Segmenter:
    """A person model that fails in a way of its own."""

    backend = "broken"

    def __init__(self, answer):
        self.answer = answer
        self.n_calls = 0

    def small_probability(self, image):
        self.n_calls += 1
        return np.zeros((256, 256), np.float32) if self.n_calls == 1 else self.answer(image)

    def probability(self, image):
        return cv2.resize(np.asarray(self.small_probability(image), np.float32), image.shape[1::-1])


def with_segmenter(answer):
    return lambda profile, background: ProtectionPipeline(profile, background, Segmenter(answer))


def fail(error):
    def act(*_):
        raise error

    return act


PROTECTION_FAULTS = {
    "segmenter: error": {"make": with_segmenter(fail(cv2.error("forward")))},
    "segmenter: everything is the person": {"make": with_segmenter(lambda _: np.ones((256, 256), np.float32))},
    "segmenter: not a number": {"make": with_segmenter(lambda _: np.full((256, 256), np.nan, np.float32))},
    "segmenter: nothing": {"make": with_segmenter(lambda _: None)},
    "guard: error": {"fault": fail(ValueError("plate"))},
    "protection: the camera's frame": {"fault": lambda frame: [frame]},
    "protection: another size": {"fault": lambda frame: [Frame(frame.image[:10], frame.pts_s)]},
    "background: gone": {"opened": opening(fail(BackgroundError("background beach.mp4 is gone")))},
    "background: bug": {"opened": opening(fail(KeyError("picture")))},
    "background: the camera": {"opened": opening(lambda camera: camera)},
    "noise: another size beneath": {"opened": opening(lambda camera: camera[:5, :5]), "noise__kind": "pixels"},
    "noise: nothing beneath": {"opened": opening(fail(BackgroundError("gone"))), "noise__motion": 0.1},
    "background: another size": {"opened": opening(lambda camera: camera[:5, :5])},
}


@pytest.mark.parametrize("how", PROTECTION_FAULTS.values(), ids=PROTECTION_FAULTS)
def test_no_fault_of_the_protection_shows_a_pixel_of_the_camera(begin, rng, how, tmp_path):
    view = FakeView(wants=BOTH)
    session = begin(Camera([camera_image(rng) for _ in range(5)], is_live=False), views=[view], **how)
    session.run()
    frames = shown_by(session)
    assert len(frames) == 5
    for image in [*(frame.image for frame in frames), *view.pictures["output"]]:
        assert image.shape == (HEIGHT, WIDTH, 3)
        assert n_camera_pixels(image) == 0


@pytest.mark.parametrize("n_good", [0, 3])
def test_a_camera_that_breaks_ends_with_its_error_and_a_report(begin, rng, tmp_path, n_good):
    session = begin(
        Camera([camera_image(rng) for _ in range(n_good)], error=CaptureError("camera broke"), is_live=False)
    )
    with pytest.raises(CaptureError, match="camera broke"):
        session.run()
    assert len(shown_by(session)) == n_good
    assert report_in(tmp_path)["ended_by"] == "CaptureError: camera broke"


def test_a_lost_camera_is_a_placeholder_of_ours_until_it_is_back(begin, rng):
    lost = Frame(camera_image(rng), 0.04, is_placeholder=True)
    camera = Camera([Frame(camera_image(rng), 0.0), lost, Frame(camera_image(rng), 0.08)], is_live=False)
    session = begin(camera)
    session.run()
    assert [frame.is_placeholder for frame in shown_by(session)] == [False, True, False]
    assert n_camera_pixels(shown_by(session)[1].image) == 0


def test_frames_that_change_size_or_are_grey_are_placeholders_of_one_size(begin, rng):
    odd = [camera_image(rng, 24, 64), np.full((HEIGHT, WIDTH), 251, np.uint8)]
    session = begin(Camera([camera_image(rng), *odd, camera_image(rng)], is_live=False))
    session.run()
    assert [frame.is_placeholder for frame in shown_by(session)] == [False, True, True, False]
    assert {frame.image.shape for frame in shown_by(session)} == {(HEIGHT, WIDTH, 3)}


class Device:
    """A webcam as the system gives it: some pictures, one every 20 ms, and then nothing."""

    note = ""
    rate_hz = 30.0

    def __init__(self, *images):
        self.images = list(images)

    def read(self):
        time.sleep(0.02)
        return self.images.pop(0) if self.images else None

    def release(self):
        pass


def test_a_webcam_that_is_grey_unplugged_and_back_at_another_size_keeps_one_size_and_hides_the_gap(begin, rng):
    grey = [np.full((HEIGHT, WIDTH), 251, np.uint8)] * 5
    wide = [camera_image(rng, 24, 64) for _ in range(200)]
    plugged_in = [Device(*grey), Device(*wide)]
    found = FoundCamera(0, "Webcam", "/dev/video0")
    settings = CameraSettings(retry_first_s=0.7)
    camera = CameraSource(None, settings, find=lambda: [found], open_camera=lambda *_: plugged_in.pop(0))
    session = begin(camera)
    thread = run_aside(session)
    frames = session.sinks[0].frames
    wait_until(lambda: frames and not plugged_in and not frames[-1].is_placeholder)
    session.stop()
    thread.join()
    kinds = [frame.is_placeholder for frame in frames]
    assert [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind != before] == [False, True, False]
    assert {frame.image.shape for frame in frames} == {(HEIGHT, WIDTH, 3)}
    assert all(n_camera_pixels(frame.image) == 0 for frame in frames if frame.is_placeholder)
    assert (frames[0].image[HEIGHT // 2, WIDTH // 2] == 251).all(), "grey is made colour"


def test_a_sink_that_fails_ends_the_session_with_its_error_and_shows_nothing_raw(begin, rng, tmp_path):
    def break_off(frame):
        raise SinkError("the virtual camera went away")

    other = FakeSink()
    sinks = [FakeSink(on_write=break_off), other]
    session = begin(EndlessCamera(camera_image(rng)), fault=lambda frame: [frame], sinks=sinks)
    with pytest.raises(SinkError, match="went away"):
        session.run()
    assert all(n_camera_pixels(frame.image) == 0 for frame in other.frames)
    assert "went away" in report_in(tmp_path)["ended_by"]


def test_a_view_that_fails_ends_the_session_and_shows_nothing_raw(begin, rng):
    session = begin(EndlessCamera(camera_image(rng)), views=[FakeView(wants=BOTH, error=RuntimeError("page"))])
    with pytest.raises(RuntimeError, match="page"):
        session.run()
    assert all((frame.image[0, 0] == (0x30, 0x20, 0x10)).all() for frame in shown_by(session))


def test_views_get_output_and_mask_and_neither_camera_nor_room(begin, rng):
    view = FakeView(wants=BOTH)
    begin(Camera([camera_image(rng)] * 3, is_live=False), views=[view]).run()
    assert set(view.pictures) == {"output", "mask"}
    assert set(np.unique(view.pictures["mask"][-1])) == {0, 255}


@pytest.mark.parametrize("error", [PipelineError("no model"), ConfigError("bad")])
def test_what_keeps_a_protection_from_starting_is_raised_before_a_frame_is_read(begin, rng, error):
    with pytest.raises(type(error)):
        begin(Camera([camera_image(rng)]), make=fail(error))


# --- the leak meter


class Meter:
    def __init__(self, error=None):
        self.error = error
        self.seen = []
        self.n_forgotten = self.n_finished = self.n_closed = 0

    def add(self, camera, output, protection, pts_s):
        if self.error is not None:
            raise self.error
        self.seen.append((camera, output, pts_s))
        protection.tighten(len(self.seen))

    def forget_room(self):
        self.n_forgotten += 1

    def apply(self, profile, protection):
        return []

    def shown_share(self):
        return 0.001 * len(self.seen)

    def figures(self):
        return [("Exposed once", "0.10 %", False)]

    def notices(self):
        return ["over budget"]

    def report(self):
        return {"room_known": 0.0, "exposed_once": 0.001, "finished": self.n_finished}

    def finish(self):
        self.n_finished += 1

    def close(self):
        self.n_closed += 1


def test_the_meter_gets_each_protected_frame_and_its_camera_and_no_placeholder(begin, rng, tmp_path):
    images = [camera_image(rng) for _ in range(3)]
    lost = Frame(camera_image(rng), 0.12, is_placeholder=True)
    meter, view = Meter(), FakeView(wants=BOTH)
    session = begin(Camera([*images, lost], is_live=False), views=[view], meter=meter)
    session.run()
    assert [pts_s for *_, pts_s in meter.seen] == [0.0, 0.04, 0.08]
    for (camera, output, _), image, frame in zip(meter.seen, images, shown_by(session), strict=False):
        np.testing.assert_array_equal(camera, image)
        assert output is frame.image
    assert (meter.n_finished, meter.n_closed) == (1, 1)
    report = report_in(tmp_path)
    assert report["leak_meter"] == {"room_known": 0.0, "exposed_once": 0.001, "finished": 1}
    assert "over budget" in report["notices"]
    assert view.numbers[-1]["coverage_over_time"][-1][1] == 0.003
    assert ["Exposed once", "0.10 %", False] in json.loads(json.dumps(view.numbers[-1]["figures"]))


def test_what_the_protection_does_after_each_frame_is_done_before_the_meter_looks_at_it(begin, rng):
    class Counting(Meter):
        def add(self, camera, output, protection, pts_s):
            self.seen.append(protection.n_after)

    meter = Counting()
    begin(Camera([camera_image(rng)] * 3, is_live=False), meter=meter).run()
    assert meter.seen == [1, 2, 3]


def test_a_meter_that_fails_is_said_and_the_camera_goes_on(begin, rng, tmp_path):
    session = begin(Camera([camera_image(rng)] * 3, is_live=False), meter=Meter(ValueError("metering")))
    session.run()
    assert [frame.is_placeholder for frame in shown_by(session)] == [False] * 3
    report = report_in(tmp_path)
    assert report["leak_meter"] is None
    assert any("leak meter failed" in line for line in report["notices"])


def test_a_leak_over_the_budget_tightens_the_mask_and_is_said(begin, rng, tmp_path):
    class Leaky(BoxProtection):
        """Knows the room, and shows a strip of it until it is told to be tighter."""

        told = 0

        def process(self, frame):
            self.plate = frame.image
            self.is_plate_known[:8] = True
            self.mask[:2] = 0 if self.told else 1
            return super().process(frame)

        def tighten(self, steps):
            self.told = steps

    view = FakeView(wants=BOTH)
    image = camera_image(rng)
    meter = LeakMeter(MeterSettings(attacks_hz=0), is_live=False)
    session = begin(Camera([image] * 3, is_live=False), make=lambda _, behind: Leaky(behind), views=[view], meter=meter)
    session.run()
    leaks = [n_camera_pixels(frame.image[:2]) for frame in shown_by(session)]
    assert leaks[0] > 0
    assert leaks[1:] == [0, 0]
    report = report_in(tmp_path)
    assert report["leak_meter"]["steps"] == 1
    assert any(line.startswith("leak meter: ") and "the mask is 1 step tighter" in line for line in report["notices"])
    assert view.numbers[-1]["coverage_over_time"][-1][1] > 0.005


# --- what it obeys


def run_aside(session):
    thread = threading.Thread(target=session.run)
    thread.start()
    return thread


def wait_until(is_so):
    until_s = time.monotonic() + PATIENCE_S
    while not is_so() and time.monotonic() < until_s:
        time.sleep(0.005)
    assert is_so()


def test_a_pause_hides_within_a_frame_and_resuming_shows_again(begin, rng):
    session = begin(EndlessCamera(camera_image(rng)))
    thread = run_aside(session)
    frames = session.sinks[0].frames
    wait_until(lambda: len(frames) > 2)
    session.pause(True)
    n_before = len(frames)
    wait_until(lambda: len(frames) > n_before + 5)
    # One may have been on its way to the sink.
    assert all(frame.is_placeholder for frame in frames[n_before + 2 :])
    session.pause(False)
    wait_until(lambda: not frames[-1].is_placeholder)
    session.stop()
    thread.join()


def test_a_pause_of_a_camera_that_stands_still_sends_its_placeholder_all_the_same(begin, rng):
    camera = EndlessCamera(camera_image(rng))
    camera.read_one = camera.read
    session = begin(camera)
    stuck = threading.Event()
    camera.read = lambda: camera.read_one() if camera.n_read < 3 else stuck.wait(PATIENCE_S) and None
    thread = run_aside(session)
    frames = session.sinks[0].frames
    wait_until(lambda: len(frames) == 3)
    session.pause(True)
    wait_until(lambda: frames[-1].is_placeholder)
    time.sleep(0.25)
    assert len(frames) == 4, "once is enough"
    stuck.set()
    session.stop()
    thread.join()


def test_commands_of_a_view_are_obeyed(begin, rng):
    forgotten = []

    def make(profile, background):
        protection = BoxProtection(background)
        protection.forget_room = lambda: forgotten.append(1)
        return protection

    view = FakeView(
        [
            (lambda n: n["state"] == "running", ViewCommand("pause")),
            (lambda n: n["state"] == "paused", ViewCommand("reset")),
            (lambda n: "forgotten" in n["message"], ViewCommand("settings", settings={"protect.mirror": True})),
            (lambda n: n["message"] == "settings changed", ViewCommand("save")),
            (lambda n: "save" in n["message"], ViewCommand("resume")),
            (lambda n: n["state"] == "running", ViewCommand("stop")),
        ]
    )
    begin(EndlessCamera(camera_image(rng)), make=make, views=[view]).run()
    assert view.script == []
    assert view.numbers[-1]["state"] == "ended"
    assert view.numbers[-1]["settings"]["protect.mirror"] is True
    assert len(forgotten) == 2  # asked for, and by the mirror: every pixel is another place of the room


def test_a_background_changes_while_running_and_a_bad_one_leaves_the_last(begin, rng, tmp_path):
    view = FakeView(
        [
            (lambda n: n["frames"] > 2, ViewCommand("settings", settings={"protect.background": "#0000ff"})),
            (
                lambda n: n["message"] == "background: #0000ff",
                ViewCommand("settings", settings={"protect.background": str(tmp_path / "gone.png")}),
            ),
            (lambda n: "gone.png" in n["message"], ViewCommand("stop")),
        ]
    )
    session = begin(EndlessCamera(camera_image(rng)), views=[view])
    session.run()
    assert view.script == []
    assert "last good background stays" in next(n for n in view.numbers if "gone.png" in n["message"])["message"]
    assert view.numbers[-1]["settings"]["protect.background"] == "#0000ff"
    frames = shown_by(session)
    assert not any(frame.is_placeholder for frame in frames)
    assert (frames[0].image[0, 0] == (0x30, 0x20, 0x10)).all()
    assert (frames[-1].image[0, 0] == (255, 0, 0)).all()
    assert report_in(tmp_path)["background"] == "#0000ff"


def test_a_profile_that_goes_bad_while_running_leaves_the_last_good_one(begin, rng, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("protect:\n  pause_text: away\n")
    view = FakeView([(lambda n: any("mine.yaml" in line for line in n["notices"]), ViewCommand("stop"))])
    session = begin(EndlessCamera(camera_image(rng)), views=[view], profile=str(mine))
    thread = run_aside(session)
    wait_until(lambda: session.sinks[0].frames)
    mine.write_text("protect:\n  crop: everywhere\n  pause_text: 5\n")
    thread.join(PATIENCE_S)
    assert view.numbers[-1]["settings"]["protect.pause_text"] == "away"
    assert not any(frame.is_placeholder for frame in shown_by(session))


def test_a_part_outside_the_picture_is_refused_while_running(begin, rng):
    view = FakeView(
        [
            (lambda n: n["frames"] > 2, ViewCommand("settings", settings={"protect.crop": "0,0,9999x9999"})),
            (lambda n: "9999x9999" in n["message"], ViewCommand("stop")),
        ]
    )
    session = begin(EndlessCamera(camera_image(rng)), views=[view])
    session.run()
    assert view.numbers[-1]["settings"]["protect.crop"] == ""
    assert {frame.image.shape for frame in shown_by(session)} == {(HEIGHT, WIDTH, 3)}


def test_mirror_part_size_and_rate_shape_what_goes_out(begin, rng):
    image = camera_image(rng)
    flags = {"protect__mirror": True, "protect__crop": "0,0,32x24", "protect__size": "64x48", "protect__rate_hz": 12.5}
    session = begin(Camera([image] * 9, is_live=False), **flags)
    session.run()
    assert [frame.pts_s for frame in shown_by(session)] == [i / 12.5 for i in range(5)]
    expected = cv2.resize(image[:24, :32], (64, 48), interpolation=cv2.INTER_CUBIC)[:, ::-1]
    np.testing.assert_array_equal(shown_by(session)[0].image[24, 32], expected[24, 32])


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs the signals of POSIX")
def test_a_signal_hides_and_another_shows_again(begin, rng):
    session = begin(EndlessCamera(camera_image(rng)))
    with panic_keys(session):
        signal.raise_signal(signal.SIGUSR1)
        assert session.is_paused
        signal.raise_signal(signal.SIGUSR1)
        assert session.is_paused
        signal.raise_signal(signal.SIGUSR2)
        assert not session.is_paused
