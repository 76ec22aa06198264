"""The shelter: every fault becomes a placeholder without a pixel of the camera, and the next good frame is shown."""

import cv2
import numpy as np
import pytest
from protected import HEIGHT, WIDTH, BoxProtection, camera_image, n_camera_pixels

from config.schema import ProtectSettings
from pipelines.base import Frame, PipelineError
from pipelines.protection.backgrounds import BackgroundError, ColorBackground
from stream.framing import Framing
from stream.shelter import FAILED, LOST, NO_BACKGROUND, Shelter


def sheltered(fault=None, **settings):
    chosen = ProtectSettings(**settings)
    protection = BoxProtection(ColorBackground((48, 32, 16)), fault)
    shelter = Shelter(protection, Framing(chosen, HEIGHT, WIDTH), chosen.pause_text)
    shelter.warm_up(HEIGHT, WIDTH, is_live=True)
    return shelter


def only(frames):
    (frame,) = frames
    return frame


def raising(error):
    def fault(frame):
        raise error

    return fault


def with_one_pixel_changed(frame):
    image = frame.image.copy()
    image[1, 1] = 0
    return [Frame(image, frame.pts_s)]


FAULTS = {
    "the model fails": raising(PipelineError("the model failed")),
    "a bug": raising(IndexError("list index out of range")),
    "no memory": raising(MemoryError()),
    "an error of OpenCV": raising(cv2.error("bad argument")),
    "no background": raising(BackgroundError("background /home/anna/beach.mp4 is gone")),
    "no frame": lambda frame: [],
    "two frames": lambda frame: [frame, frame],
    "the camera's own frame": lambda frame: [frame],
    "a view of the camera's frame": lambda frame: [Frame(frame.image[::-1][::-1], frame.pts_s)],
    "a copy of the camera's frame": lambda frame: [Frame(frame.image.copy(), frame.pts_s)],
    "all but a copy": with_one_pixel_changed,
    "another size": lambda frame: [Frame(cv2.resize(frame.image, (32, 24)), frame.pts_s)],
    "another type": lambda frame: [Frame(frame.image.astype(np.float32), frame.pts_s)],
    "grey": lambda frame: [Frame(frame.image[..., 2].copy(), frame.pts_s)],
    "alpha": lambda frame: [Frame(np.dstack([frame.image, frame.image[..., 0]]), frame.pts_s)],
    "nothing at all": lambda frame: None,
    "no array": lambda frame: [Frame(None, frame.pts_s)],
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_becomes_a_placeholder_and_the_next_good_frame_is_shown(fault, rng):
    shelter = sheltered(fault)
    image = camera_image(rng)
    for _ in range(2):
        shown = only(shelter.process(Frame(image, 1.0)))
        assert shown.is_placeholder
        assert shown.image.shape == (HEIGHT, WIDTH, 3)
        assert n_camera_pixels(shown.image) == 0
        assert shelter.camera is None
    assert shelter.failures.total() == shelter.n_placeholders == 2
    assert any("placeholders are shown" in line for line in shelter.status())
    shelter.protection.fault = None
    shown = only(shelter.process(Frame(image, 2.0)))
    assert not shown.is_placeholder
    assert n_camera_pixels(shown.image) > 0
    assert shelter.status() == []
    assert shelter.report()["failures"] == 2


def test_a_placeholder_says_what_is_wrong_in_words_of_our_own(monkeypatch, rng):
    said = []
    monkeypatch.setattr(
        "stream.shelter.draw_placeholder", lambda h, w, text: said.append(text) or np.zeros((h, w, 3), np.uint8)
    )
    shelter = sheltered(FAULTS["no background"])
    shelter.process(Frame(camera_image(rng), 0.0))
    shelter.protection.fault = FAULTS["a bug"]
    shelter.process(Frame(camera_image(rng), 0.0))
    shelter.process(Frame(camera_image(rng), 0.0, is_placeholder=True))
    assert said == [NO_BACKGROUND, FAILED, LOST]
    assert not any("anna" in text for text in said)


def test_a_fault_in_the_check_itself_shows_nothing(monkeypatch, rng):
    shelter = sheltered()
    monkeypatch.setattr(shelter, "_checked", raising(RuntimeError("check")))
    assert n_camera_pixels(only(shelter.process(Frame(camera_image(rng), 0.0))).image) == 0


@pytest.mark.parametrize(
    "image",
    [
        np.full((HEIGHT, WIDTH), 251, np.uint8),
        np.full((HEIGHT, WIDTH, 4), 251, np.uint8),
        np.full((HEIGHT // 2, WIDTH, 3), 251, np.uint8),
        np.full((HEIGHT, WIDTH, 3), 251, np.uint16),
    ],
    ids=["grey", "alpha", "another size", "16 bits"],
)
def test_a_picture_that_no_camera_should_give_becomes_a_placeholder_of_the_streams_size(image):
    shelter = sheltered()
    shown = only(shelter.process(Frame(image, 0.0)))
    assert shown.is_placeholder
    assert shown.image.shape == (HEIGHT, WIDTH, 3)
    assert shown.image.dtype == np.uint8


def test_a_lost_camera_gets_a_placeholder_of_ours(rng):
    shelter = sheltered()
    shown = only(shelter.process(Frame(camera_image(rng), 0.0, is_placeholder=True)))
    assert shown.is_placeholder
    assert n_camera_pixels(shown.image) == 0
    assert shelter.failures.total() == 0


def test_a_pause_hides_the_frame_under_way_too(rng):
    shelter = sheltered()
    shelter.protection.fault = lambda frame: shelter.pause(True) or [Frame(np.zeros_like(frame.image), 0.0)]
    assert only(shelter.process(Frame(camera_image(rng), 0.0))).is_placeholder
    shelter.protection.fault = None
    assert only(shelter.process(Frame(camera_image(rng), 0.0))).is_placeholder
    shelter.pause(False)
    assert not only(shelter.process(Frame(camera_image(rng), 0.0))).is_placeholder


def test_what_a_protection_holds_back_is_not_shown_at_the_end(rng):
    shelter = sheltered()
    shelter.protection.flush = lambda: [Frame(camera_image(rng), 0.0)]
    assert shelter.flush() == ()
    shelter.protection.flush = raising(RuntimeError("at the end"))
    assert shelter.flush() == ()


def test_what_fails_after_a_frame_is_counted_and_the_next_one_is_protected(rng):
    shelter = sheltered()
    shelter.process(Frame(camera_image(rng), 0.0))
    shelter.protection.after_frame = lambda: raising(MemoryError())(None)
    shelter.after_frame()
    assert shelter.report()["failures_by_reason"] == {"MemoryError": 1}
    assert not only(shelter.process(Frame(camera_image(rng), 0.1))).is_placeholder


def test_placeholders_are_counted_by_what_they_say(rng):
    shelter = sheltered(raising(ValueError("bug")))
    for _ in range(2):
        shelter.process(Frame(camera_image(rng), 0.0))
    shelter.pause(True)
    shelter.process(Frame(camera_image(rng), 0.0))
    report = shelter.report()
    assert report["placeholders_by_reason"] == {FAILED: 2, "paused": 1}
    assert (report["placeholders"], report["failures_by_reason"]) == (3, {"ValueError": 2})


def test_a_protection_is_asked_how_it_is_only_once_it_is_ready():
    class Unready(BoxProtection):
        def status(self):
            return [str(self.mask.shape)]

    settings = ProtectSettings()
    shelter = Shelter(Unready(ColorBackground((48, 32, 16))), Framing(settings, HEIGHT, WIDTH), "paused")
    assert shelter.status() == []
    shelter.warm_up(HEIGHT, WIDTH, is_live=True)
    assert shelter.status() == [f"({HEIGHT}, {WIDTH})"]


def test_without_a_camera_a_black_background_is_shown_and_nothing_is_kept_for_the_meter():
    settings, black = ProtectSettings(), np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    protection = BoxProtection(ColorBackground((0, 0, 0)), lambda frame: [Frame(frame.image.copy(), frame.pts_s)])
    shelter = Shelter(protection, Framing(settings, HEIGHT, WIDTH), "paused", has_camera=False)
    shelter.warm_up(HEIGHT, WIDTH, is_live=True)
    frame = only(shelter.process(Frame(black, 0.0)))
    assert not frame.is_placeholder
    assert shelter.camera is None


def test_a_protection_that_cannot_start_ends_before_the_first_frame():
    shelter = sheltered()
    shelter.protection.warm_up = lambda *_, **__: raising(PipelineError("no model"))(None)
    with pytest.raises(PipelineError, match="no model"):
        shelter.warm_up(HEIGHT, WIDTH, is_live=True)


def test_what_was_protected_is_kept_for_the_meter(rng):
    shelter = sheltered(mirror=True)
    image = camera_image(rng)
    shelter.process(Frame(image, 0.0))
    np.testing.assert_array_equal(shelter.camera, image[:, ::-1])
