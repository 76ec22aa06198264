"""The camera: the slow twin's light, and cases whose answer is known beforehand."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from compiled import sized
from recordings import soft_picture

from pipelines.base import PipelineError
from pipelines.color import codes_from_linear, linear_from_codes
from pipelines.filming.camera import Camera, Panel, Recorder
from pipelines.filming.sensor import IDEAL, develop

HEIGHT, WIDTH = sized((24, 31), (12, 5))
PANEL = Panel(120.0)
ABAB = Camera(30.0, 1 / 60, 0.012, sensor=IDEAL)
# float32 light that is summed over some sub-frames.
TOLERANCE = 1e-5


def film(camera, subframes, panel=PANEL):
    """Return the light of all frames."""
    recorder = Recorder(camera, panel, *subframes[0].shape[:2])
    return [light for subframe in subframes for light in recorder.add(subframe)]


def pictures_of(camera, subframes, panel=PANEL):
    chance = np.random.default_rng(1)
    return [develop(light, camera.sensor, chance) for light in film(camera, subframes, panel)]


def pair(rng, height=HEIGHT, width=WIDTH):
    """Return two different sub-frames, and what they fuse to."""
    a, b = (soft_picture(rng, height, width) for _ in range(2))
    return a, b, codes_from_linear((linear_from_codes(a) + linear_from_codes(b)) / 2)


@pytest.mark.parametrize("exposure_s", [1 / 30, 1 / 77, 1 / 1000])
@pytest.mark.parametrize("readout_s", [0.0, 0.003, 0.012])
@pytest.mark.parametrize("phase_s", [0.0, 0.0041])
def test_light_is_that_of_the_slow_twin(rng, exposure_s, readout_s, phase_s):
    subframes = [soft_picture(rng, HEIGHT, WIDTH) for _ in range(9)]
    (light, *_) = film(Camera(24.0, exposure_s, readout_s, phase_s), subframes)
    start_s = phase_s + max(0.0, PANEL.scan_s - readout_s)
    slow = reference.recorded(subframes, PANEL.period_s, PANEL.scan_s, exposure_s, readout_s, start_s)
    np.testing.assert_allclose(light, slow, atol=TOLERANCE)


@pytest.mark.parametrize("exposure_s", [1 / 30, 1 / 100, 1 / 1000])
def test_a_steady_picture_records_itself_exactly(rng, exposure_s):
    picture = soft_picture(rng, HEIGHT, WIDTH)
    frames = pictures_of(replace(ABAB, exposure_s=exposure_s, jitter_s=0.001), [picture] * 12)
    assert len(frames) >= 2
    assert all(np.array_equal(frame, picture) for frame in frames)


@pytest.mark.parametrize("phase_s", [0.0, 0.001, 0.007])
def test_an_exposure_of_a_whole_cycle_records_the_plain_picture(rng, phase_s):
    a, b, fused = pair(rng)
    for frame in pictures_of(replace(ABAB, phase_s=phase_s), [a, b] * 6):
        assert np.abs(frame.astype(int) - fused).max() <= 1


def test_a_short_exposure_records_one_sub_frame(rng):
    a, b, _ = pair(rng)
    # Display and camera scan alike, so that no row sees another sub-frame than the first.
    camera = replace(ABAB, exposure_s=1 / 1000, readout_s=PANEL.scan_s, phase_s=0.002)
    frames = pictures_of(camera, [a, b] * 6)
    assert np.array_equal(frames[0], a)
    later = pictures_of(replace(camera, phase_s=0.002 + PANEL.period_s), [a, b] * 6)
    assert np.array_equal(later[0], b)


def test_bands_of_the_rolling_shutter_lie_at_the_rows_that_the_clocks_say():
    a, b = np.zeros((120, 4, 3), np.uint8), np.full((120, 4, 3), 255, np.uint8)
    panel = Panel(120.0, scan_out_s=0.0)  # all rows change at once
    camera = Camera(30.0, 1 / 120000, 1 / 30, sensor=IDEAL)  # 4 periods long, exposed for a hundredth of one
    (frame, *_) = pictures_of(camera, [a, b] * 6, panel)
    # Row y is exposed y / 120 * 4 periods after the first: 30 rows of each sub-frame.
    assert [frame[y, 0, 0] for y in (0, 28, 31, 58, 61, 88, 91, 118)] == [0, 0, 255, 255, 0, 0, 255, 255]


def test_a_display_that_is_scanned_as_fast_as_the_camera_reads_shows_no_bands(rng):
    a, b = np.zeros((40, 4, 3), np.uint8), np.full((40, 4, 3), 200, np.uint8)
    for frame in pictures_of(Camera(30.0, 1 / 250, PANEL.scan_s, 0.006, sensor=IDEAL), [a, b] * 8):
        assert np.ptp(frame) == 0


def test_frames_come_at_the_cameras_rate(rng):
    subframes = [soft_picture(rng, HEIGHT, WIDTH)] * 120
    for rate_hz in (24.0, 30.0, 60.0):
        # The last ones are not complete when the second is over.
        assert rate_hz - 3 <= len(film(Camera(rate_hz, 1 / 100), subframes)) <= rate_hz


def test_jitter_is_that_of_the_seed_and_bounded(rng):
    a, b, _ = pair(rng)
    camera = replace(ABAB, exposure_s=1 / 250, jitter_s=0.002)
    lights = [np.array(film(replace(camera, seed=seed), [a, b] * 20)) for seed in (1, 1, 2)]
    assert np.array_equal(lights[0], lights[1])
    assert not np.array_equal(lights[0], lights[2])


@pytest.mark.parametrize(
    ("camera", "word"),
    [(Camera(60.0, 1 / 30), "exposure"), (Camera(120.0, 1 / 250, 0.02), "readout"), (Camera(jitter_s=0.01), "jitter")],
)
def test_a_camera_that_cannot_be_is_refused(camera, word):
    with pytest.raises(PipelineError, match=word):
        Recorder(camera, PANEL, HEIGHT, WIDTH)
