"""Attacks: what they recover and what they cannot, told honestly."""

import cv2
import numpy as np
import pytest
from compiled import sized
from recordings import moving_pictures, soft_picture
from subframes import TRIPLE, cycle_of

from pipelines.color import LUMINANCE_BGR, codes_from_linear, linear_from_codes
from pipelines.filming.attacks import attack, blur_frame, grey_frame, mean_frame, median_frame, notch_rows
from pipelines.filming.camera import Camera, Panel, Recorder
from pipelines.filming.scores import psnr_db
from pipelines.filming.sensor import IDEAL, develop

PANEL = Panel(120.0)
SIZE = sized((60, 44), (24, 12))


def split(picture, rng):
    """Return A and B that fuse to a picture."""
    light = linear_from_codes(picture)
    away = rng.choice([-1.0, 1.0], light.shape) * np.minimum(light, 1 - light)
    return codes_from_linear(light + away), codes_from_linear(light - away)


def record(camera, subframes):
    recorder = Recorder(camera, PANEL, *subframes[0].shape[:2])
    return [develop(light, camera.sensor, np.random.default_rng(0)) for s in subframes for light in recorder.add(s)]


def test_the_mean_of_whole_cycles_recovers_a_static_picture(rng):
    # 24 fps at 120 Hz is 5 sub-frames: frames that follow each other stand at A and at B by turns.
    picture = soft_picture(rng, *SIZE)
    frames = record(Camera(24.0, 1 / 1000, PANEL.scan_s, 0.003, sensor=IDEAL), [*split(picture, rng)] * 12)
    assert psnr_db(frames[0], picture) < 20
    # What is left is the rounding of A and B to codes.
    assert psnr_db(mean_frame(frames[:2]), picture) > 40


def test_as_many_frames_as_a_cycle_has_sub_frames_recover_it_where_the_clocks_step_through_it(rng):
    picture = soft_picture(rng, *SIZE)
    # 30 fps at 120 Hz is 4 sub-frames: one further in a cycle of three.
    camera = Camera(30.0, 1 / 1000, PANEL.scan_s, 0.003, sensor=IDEAL)
    frames = record(camera, cycle_of(picture, TRIPLE) * 12)
    copies = attack(frames, [picture] * len(frames), camera, PANEL, 3)
    assert psnr_db(copies["mean of 3"].picture, picture) > 40
    assert psnr_db(copies["mean of 2"].picture, picture) < 35


def test_grey_recovers_a_black_and_white_picture_of_sub_frames_that_keep_the_luminance(rng):
    light = linear_from_codes(soft_picture(rng, *SIZE)) * np.float32(0.5) + np.float32(0.25)
    picture = codes_from_linear(light)
    blue, green, _ = LUMINANCE_BGR
    away = np.array([1.0, -blue / green, 0.0], np.float32) * np.float32(0.25)
    for subframe in (codes_from_linear(light + away), codes_from_linear(light - away)):
        assert psnr_db(subframe, picture) < 20
        # What is left is the rounding to codes.
        assert psnr_db(grey_frame(subframe), grey_frame(picture)) > 45


def test_a_mean_that_stands_at_one_place_of_the_cycle_recovers_nothing(rng):
    # 30 fps at 120 Hz is 4 sub-frames: every frame sees the same of A B.
    picture = soft_picture(rng, *SIZE)
    frames = record(Camera(30.0, 1 / 1000, PANEL.scan_s, 0.003, sensor=IDEAL), [*split(picture, rng)] * 18)
    assert psnr_db(mean_frame(frames), picture) == pytest.approx(psnr_db(frames[0], picture), abs=0.5)


def test_a_mean_blurs_what_moves(rng):
    pictures = moving_pictures(rng, 12, *SIZE)
    subframes = [subframe for picture in pictures for subframe in split(picture, rng)]
    frames = record(Camera(24.0, 1 / 1000, PANEL.scan_s, 0.003, sensor=IDEAL), subframes)
    assert psnr_db(mean_frame(frames[:2]), pictures[0]) < 30


def test_a_median_takes_what_most_frames_have(rng):
    picture = soft_picture(rng, *SIZE)
    frames = [picture, soft_picture(rng, *SIZE), picture]
    assert np.array_equal(median_frame(frames), picture)


def test_the_notch_takes_out_bands_and_keeps_the_rest():
    height = 240
    camera = Camera(30.0, 1 / 1000, 0.033, sensor=IDEAL)
    panel = Panel(120.0, scan_out_s=0.003)
    # 0.030 s at 60 Hz: 1.8 bands a picture.
    bands = 40 * np.sin(2 * np.pi * 1.8 * np.arange(height) / height)
    truth = np.full((height, 20, 3), 120.0)
    truth[:, 5:8] = 60
    banded = np.round(truth + bands[:, np.newaxis, np.newaxis]).astype(np.uint8)
    found = notch_rows(banded, camera, panel, 2)
    assert psnr_db(found, truth.astype(np.uint8)) > psnr_db(banded, truth.astype(np.uint8)) + 6
    assert abs(float(found[:, 6].mean()) - 60) < 6


def test_all_attacks_are_tried_and_each_is_held_against_its_own_truth(rng):
    pictures = moving_pictures(rng, 8, *SIZE)
    copies = attack([*pictures[:7], 255 - pictures[7]], pictures, Camera(), PANEL, 3)
    assert list(copies) == [
        "best frame",
        "mean of 2",
        "mean of 3",
        "mean of 4",
        "mean of 8",
        "median",
        "blur",
        "black and white",
        "row notch",
    ]
    assert psnr_db(copies["best frame"].picture, copies["best frame"].truth) == 99
    assert all(copy.picture.shape == copy.truth.shape for copy in copies.values())


def test_few_frames_are_attacked_by_what_they_suffice_for(rng):
    picture = soft_picture(rng, *SIZE)
    assert list(attack([picture], [picture], Camera(), PANEL, 2)) == [
        "best frame",
        "blur",
        "black and white",
        "row notch",
    ]


def test_a_blur_blends_neighbours_that_stand_at_different_places_of_the_cycle(rng):
    picture = cv2.GaussianBlur(soft_picture(rng, *SIZE), (0, 0), 6)
    a, b = split(picture, rng)
    checkered = np.where((np.indices(SIZE).sum(axis=0) % 2 == 0)[..., np.newaxis], a, b)
    blurred = blur_frame(checkered, picture)
    assert psnr_db(blurred, picture) > psnr_db(checkered, picture) + 10
