"""The reconstruction by roomg's rule: the seed's own result, settings while running, what it reports."""

import cv2
import numpy as np
import pytest
from compiled import sized

from config.schema import WatchSettings
from pipelines.base import Frame, PipelineError, Reconstruction
from pipelines.reconstruction.rarest import RarestReconstruction


def started(height=6, width=8, **settings):
    reconstruction = RarestReconstruction(WatchSettings(**{"memory": 4 << 20, **settings}))
    reconstruction.warm_up(height, width, is_live=True)
    return reconstruction


def flat(value, height=6, width=8):
    return Frame(np.full((height, width, 3), value, np.uint8), 0.0)


def test_it_is_a_reconstruction():
    assert isinstance(started(), Reconstruction)


def test_room_equals_roomgs_own_picture_for_its_own_video(shared):
    # The rule knows no neighbours: a part of the picture, here a busy one, is right by itself.
    part = sized(np.s_[:, :], np.s_[496:512, 936:960])
    capture = cv2.VideoCapture(str(shared / "data/roomg/sample_01.mp4"))
    reconstruction = started(*np.empty((1080, 1920))[part].shape, memory=512 << 20)
    while True:
        is_there, image = capture.read()
        if not is_there:
            break
        reconstruction.process(Frame(np.ascontiguousarray(image[part]), 0.0))
    wanted = cv2.imread(str(shared / "data/roomg/sample_01_room.png"))
    assert reconstruction.n_frames == 608
    assert reconstruction.report()["exact"]
    np.testing.assert_array_equal(reconstruction.findings().room[..., :3], wanted[part])


def test_a_colour_beyond_the_threshold_is_claimed_and_one_at_it_is_not():
    reconstruction = started(omg=30)
    for value in (100, 100, 100, 110):  # sums differ by exactly 30
        reconstruction.process(flat(value))
    found = reconstruction.findings()
    assert not found.room[..., 3].any()
    assert (found.room[..., :3] == 110).all()
    reconstruction.apply(WatchSettings(omg=29, memory=4 << 20))
    assert (reconstruction.findings().room[..., 3] == 255).all()


def test_memory_cannot_change_while_running_and_says_so():
    reconstruction = started()
    assert reconstruction.apply(WatchSettings(omg=5, memory=8 << 20)) == ["watch.memory changes at the next start"]
    assert reconstruction.settings.omg == 5
    assert reconstruction.settings.memory == 4 << 20


def test_placeholders_are_not_counted():
    reconstruction = started()
    reconstruction.process(flat(10))
    reconstruction.process(Frame(flat(200).image, 0.1, is_placeholder=True))
    assert reconstruction.n_frames == 1
    assert not reconstruction.findings().room[..., 3].any()


def test_reset_forgets_every_frame():
    reconstruction = started()
    for value in (10, 10, 200):
        reconstruction.process(flat(value))
    reconstruction.reset()
    assert reconstruction.n_frames == 0
    reconstruction.process(flat(50))
    assert (reconstruction.findings().backdrop == 50).all()


def test_a_frame_of_another_size_names_both():
    reconstruction = started()
    with pytest.raises(PipelineError, match="a frame is 9x6, the stream began as 8x6"):
        reconstruction.process(flat(1, 6, 9))


def test_inexact_counts_are_reported_never_silent(rng):
    reconstruction = started(16, 128, memory=1 << 20)
    for _ in range(sized(260, 120)):
        reconstruction.process(Frame(rng.integers(0, 256, (16, 128, 3), dtype=np.uint8), 0.0))
    report = reconstruction.report()
    assert report["exact"] is False
    assert report["coarse_pixels"] > 0
    assert "approximate" in reconstruction.status()[0]
    assert "--memory" in reconstruction.status()[0]
