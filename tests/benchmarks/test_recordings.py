"""How fast recordings are read and written: read against OpenCV, written against real time at 30 frames a second.

Run with ``pytest tests/benchmarks/test_recordings.py --benchmark-only``; the ratios are in the column of extra
figures (``--benchmark-json``) and on the screen (``-s``).
"""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from recordings import frames_of, frames_until_end, read_by_opencv

from config.schema import VideoSettings
from stream.sinks.video import VideoSink
from stream.sources.video import VideoSource

N_ROUNDS = 5
REAL_TIME_HZ = 30.0
SIZES = {"720p": (720, 1280), "1080p": (1080, 1920)}


def fastest_s(run: Callable[[], None]) -> float:
    start_s = time.perf_counter()
    run()
    return time.perf_counter() - start_s


def test_roomgs_sample_is_read_as_fast_as_by_opencv(benchmark: BenchmarkFixture, shared: Path) -> None:
    path = shared / "data/roomg/sample_01.mp4"

    def ours() -> None:
        source = VideoSource(path)
        assert sum(1 for _ in frames_until_end(source)) == 608
        source.close()

    def opencvs() -> None:
        capture = cv2.VideoCapture(str(path))
        while capture.read()[0]:
            pass

    # In turn, so that both see the same machine.
    floor_s = min(fastest_s(opencvs) for _ in range(N_ROUNDS) if fastest_s(ours))
    benchmark.pedantic(ours, rounds=N_ROUNDS)
    ratio = floor_s / benchmark.stats.stats.min
    benchmark.extra_info["speed_over_opencv"] = ratio
    print(f"\n{608 / benchmark.stats.stats.min:.0f} frames/s, {ratio:.2f} times OpenCV's speed")
    assert ratio > 1.0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_recording_in_real_time(
    ending: str, size: str, benchmark: BenchmarkFixture, tmp_path: Path, shared: Path
) -> None:
    height, width = SIZES[size]
    pictures = read_by_opencv(shared / "data/webcam_real_room.mp4", n_most=60)
    frames = frames_of([webcam_like(picture, height, width) for picture in pictures], REAL_TIME_HZ)

    def record() -> None:
        sink = VideoSink(tmp_path / f"a.{ending}", REAL_TIME_HZ, VideoSettings())
        for frame in frames:
            sink.write(frame)
        sink.close()

    benchmark.pedantic(record, rounds=3, warmup_rounds=1)
    rate_hz = len(frames) / benchmark.stats.stats.min
    benchmark.extra_info["speed_over_real_time"] = rate_hz / REAL_TIME_HZ
    n_bytes = (tmp_path / f"a.{ending}").stat().st_size / len(frames)
    print(f"\n{ending} {size}: {rate_hz:.0f} frames/s, {n_bytes / 1e3:.0f} kB a frame")


def webcam_like(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Enlarge, and add the noise that a webcam of that size would have and a lossless file must store."""
    large = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    noise = np.random.default_rng(0).normal(0, 1.0, large.shape[:2]).round().astype(np.int16)
    return np.clip(large + noise[..., np.newaxis], 0, 255).astype(np.uint8)
