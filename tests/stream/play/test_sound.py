"""The sound of a film: the right samples at the right time, gaps, seeking, and what is said where there is none."""

import contextlib
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from recordings import moving_pictures, write_video

from stream.play.sound import RATE_HZ, Samples, Sound, SoundError, open_default_device

LATENCY_S = 0.05


class HandDevice:
    """A device whose clock is the test: `play` takes so many samples."""

    latency_s = LATENCY_S

    def __init__(self, fill: Callable[[Samples], None]) -> None:
        self._fill = fill
        self.is_closed = False

    def play(self, n: int) -> Samples:
        out = np.empty((n, 2), np.float32)
        self._fill(out)
        return out

    def close(self) -> None:
        self.is_closed = True


@contextlib.contextmanager
def sound_of(path: Path, volume: float = 1.0):
    devices = []

    def open_device(fill):
        devices.append(HandDevice(fill))
        return devices[-1]

    sound = Sound(path, volume, open_device)
    try:
        yield sound, devices[0]
    finally:
        sound.close()
        assert devices[0].is_closed


def wait_until_decoded(sound: Sound, n: int) -> None:
    end_s = time.monotonic() + 10.0
    while sound._n_waiting < n and not sound._has_ended and time.monotonic() < end_s:
        time.sleep(0.005)


def film(path: Path, seconds: float = 3.0, begins_s: float = 0.0, rate_hz: int = RATE_HZ) -> Path:
    """A film whose sound is a ramp to the left and its negative to the right: each sample tells its time."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 32, 32, "yuv420p"
        track = container.add_stream("pcm_s32le", rate=rate_hz)
        track.layout = "stereo"
        for i in range(int(10 * seconds)):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="bgr24")
            picture.pts, picture.time_base = i, Fraction(1, 10)
            container.mux(pictures.encode(picture))
        container.mux(pictures.encode(None))
        times_s = np.arange(int(seconds * rate_hz)) / rate_hz
        for begin in range(0, len(times_s), rate_hz // 10):
            part = times_s[begin : begin + rate_hz // 10] / 100
            both = np.stack([part, -part], axis=1).reshape(1, -1) * (2**31 - 1)
            block = av.AudioFrame.from_ndarray(both.astype(np.int32), format="s32", layout="stereo")
            block.sample_rate, block.time_base = rate_hz, Fraction(1, rate_hz)
            block.pts = begin + round(begins_s * rate_hz)
            container.mux(track.encode(block))
        container.mux(track.encode(None))
    return path


def times_heard_s(samples: Samples) -> np.ndarray:
    return samples[:, 0] * 100


def test_the_samples_are_the_films_left_and_right(tmp_path: Path) -> None:
    with sound_of(film(tmp_path / "a.mkv")) as (sound, device):
        sound.pause(False)
        wait_until_decoded(sound, 9600)
        heard = device.play(9600)
    np.testing.assert_allclose(times_heard_s(heard), np.arange(9600) / RATE_HZ, atol=1e-4)
    np.testing.assert_array_equal(heard[:, 0], -heard[:, 1])


def test_another_rate_is_resampled(tmp_path: Path) -> None:
    with sound_of(film(tmp_path / "a.mkv", rate_hz=44_100)) as (sound, device):
        sound.pause(False)
        wait_until_decoded(sound, 9600)
        heard = times_heard_s(device.play(9600))
    np.testing.assert_allclose(heard[1000:], np.arange(1000, 9600) / RATE_HZ, atol=2e-3)


def test_the_position_is_what_is_heard_now(tmp_path: Path) -> None:
    with sound_of(film(tmp_path / "a.mkv")) as (sound, device):
        assert sound.position_s is None
        sound.pause(False)
        wait_until_decoded(sound, 9600)
        device.play(9600)
        assert sound.position_s == pytest.approx(0.2 - LATENCY_S)
        sound.pause(True)
        assert not device.play(480).any()
        assert sound.position_s is None
        sound.pause(False)
        assert sound.position_s == pytest.approx(0.2 - LATENCY_S)


@pytest.mark.parametrize("place_s", [0.0, 0.55, 1.7])
def test_seeking_hits_the_sample(place_s: float, tmp_path: Path) -> None:
    with sound_of(film(tmp_path / "a.mkv")) as (sound, device):
        sound.pause(False)
        wait_until_decoded(sound, 4800)
        device.play(4800)
        sound.seek(place_s)
        wait_until_decoded(sound, 4800)
        heard = times_heard_s(device.play(4800))
        assert sound.position_s == pytest.approx(max(place_s + 0.1 - LATENCY_S, 0))
    np.testing.assert_allclose(heard, place_s + np.arange(4800) / RATE_HZ, atol=1e-4)


def test_a_track_that_begins_late_is_silent_until_then(tmp_path: Path) -> None:
    with sound_of(film(tmp_path / "a.mkv", begins_s=0.5)) as (sound, device):
        sound.pause(False)
        wait_until_decoded(sound, RATE_HZ // 2)
        assert not device.play(RATE_HZ // 2).any()
        wait_until_decoded(sound, 4800)
        np.testing.assert_allclose(times_heard_s(device.play(4800)), np.arange(4800) / RATE_HZ, atol=1e-3)


def test_the_end_is_silence_and_no_gap(tmp_path: Path) -> None:
    with sound_of(film(tmp_path / "a.mkv", seconds=0.3)) as (sound, device):
        sound.pause(False)
        wait_until_decoded(sound, 1 << 20)
        device.play(RATE_HZ)
        assert sound.position_s is None
        assert sound.n_gaps == 0


def test_sound_that_is_not_decoded_in_time_is_a_gap_that_is_counted(tmp_path: Path) -> None:
    with sound_of(film(tmp_path / "a.mkv")) as (sound, device):
        sound.pause(False)
        wait_until_decoded(sound, 9600)
        device.play(2 * RATE_HZ)
        assert sound.n_gaps == 1


def test_the_volume_scales(tmp_path: Path) -> None:
    with sound_of(film(tmp_path / "a.mkv"), volume=0.25) as (sound, device):
        sound.pause(False)
        wait_until_decoded(sound, 9600)
        heard = device.play(9600)
    np.testing.assert_allclose(times_heard_s(heard), np.arange(9600) / RATE_HZ / 4, atol=1e-4)


def test_a_film_without_sound_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", moving_pictures(np.random.default_rng(0), 3, 32, 32))
    with pytest.raises(SoundError, match=r"a\.mkv has no sound"):
        Sound(path, 1.0, HandDevice)


def test_without_the_library_or_a_device_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(SoundError, match=r"pip install 'backroom\[audio\]'"):
        open_default_device(lambda out: None)

    class Silent:
        class PortAudioError(Exception):
            pass

        @staticmethod
        def OutputStream(**_: object) -> None:  # noqa: N802 - sounddevice's name
            raise Silent.PortAudioError("Error querying device -1")

    monkeypatch.setitem(sys.modules, "sounddevice", Silent)
    with pytest.raises(SoundError, match="there is no device to play it"):
        open_default_device(lambda out: None)
