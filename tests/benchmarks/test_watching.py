"""How fast frames are counted and how much memory that takes, beside floors measured in the same run.

Run with ``pytest tests/benchmarks/test_watching.py --benchmark-only -s``; the one over 20,000 frames takes some ten
minutes (leave it out with ``-k "not thousand"``).
"""

import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from pipelines.reconstruction.counts import ColorCounts

HEIGHT, WIDTH = 1080, 1920
MEMORY = 512 << 20  # the default of the profile
NOISE_SIGMA = 2.0
REAL_TIME_HZ = 30.0
MOST_OVER_DECODING = 2.0

DECODE_ONLY = "import cv2, sys\nc = cv2.VideoCapture(sys.argv[1])\nwhile c.read()[0]: pass\n"
WATCH = "from stream.cli import main; main()"


def copy_s(image: np.ndarray) -> float:
    """Return the time of copying a frame, the floor of everything that looks at one."""
    target = image.copy()
    begin_s = time.perf_counter()
    for _ in range(20):
        np.copyto(target, image)
    return (time.perf_counter() - begin_s) / 20


class NoisyCamera:
    """Frames of a still room with fresh sensor noise in every pixel."""

    def __init__(self, sigma: float = NOISE_SIGMA) -> None:
        self.rng = np.random.default_rng(0)
        coarse = self.rng.integers(20, 230, (HEIGHT // 8, WIDTH // 8, 3)).astype(np.uint8)
        self.room = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
        self.noise = self.rng.normal(0, sigma, (HEIGHT + 64, WIDTH + 64, 3)).round().astype(np.int8)

    def frame(self) -> np.ndarray:
        y, x = self.rng.integers(0, 64, 2)
        return cv2.add(self.room, self.noise[y : y + HEIGHT, x : x + WIDTH], dtype=cv2.CV_8U)


class Call:
    """A call at 1080p: a swaying, noisy person, room at the person's border, a backdrop that the codec refreshes."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(1)
        self.camera = NoisyCamera()
        self.backdrop = cv2.GaussianBlur(self.rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8), (0, 0), 20)
        self.shown = self.backdrop.copy()
        self.t = 0

    def frame(self) -> np.ndarray:
        self.t += 1
        self._refresh_blocks(160)  # 2 % of the macroblocks
        x = WIDTH // 2 + int(250 * np.sin(self.t / 40)) + int(60 * np.sin(self.t / 13))
        person = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.ellipse(person, (x, HEIGHT), (380, 620), 0, 180, 360, 1, -1)
        cv2.circle(person, (x, 380), 210, 1, -1)
        call = self.shown.copy()
        seen = self.camera.frame()
        cv2.copyTo(seen, person, call)
        return call

    def _refresh_blocks(self, n: int) -> None:
        for y, x in zip(
            self.rng.integers(0, HEIGHT // 16, n) * 16, self.rng.integers(0, WIDTH // 16, n) * 16, strict=True
        ):
            offset = self.rng.normal(0, 1, 3).round()
            block = self.backdrop[y : y + 16, x : x + 16]
            self.shown[y : y + 16, x : x + 16] = np.clip(block + offset, 0, 255)


def test_every_pixel_of_a_noisy_1080p_frame_is_counted_in_real_time(benchmark: BenchmarkFixture) -> None:
    camera = NoisyCamera()
    counts = ColorCounts(HEIGHT, WIDTH, MEMORY)
    frames = [camera.frame() for _ in range(300)]  # made before, so that only counting is timed
    floor_s = copy_s(frames[0])
    times_s = []

    def count_300() -> None:
        for frame in frames:
            begin_s = time.perf_counter()
            counts.count(frame)
            times_s.append(time.perf_counter() - begin_s)

    benchmark.pedantic(count_300, rounds=1)
    rate_hz = len(times_s) / sum(times_s)
    late_ms = 1e3 * float(np.median(times_s[100:]))
    benchmark.extra_info |= {"rate_hz": rate_hz, "ms_a_frame_late": late_ms}
    copies = late_ms / 1e3 / floor_s
    print(f"\n{rate_hz:.1f} frames/s over the first 300, then {late_ms:.1f} ms a frame = {copies:.0f} copies")
    print(f"{counts.n_bytes_used >> 20} MiB of {MEMORY >> 20}, {counts.n_coarse_px / (HEIGHT * WIDTH):.1%} coarse")
    assert rate_hz >= REAL_TIME_HZ
    assert counts.n_bytes_used <= MEMORY


def test_a_still_frame_costs_little_more_than_reading_it(benchmark: BenchmarkFixture) -> None:
    frame = NoisyCamera().frame()
    counts = ColorCounts(HEIGHT, WIDTH, MEMORY)
    counts.count(frame)
    floor_s = copy_s(frame)
    benchmark.pedantic(counts.count, (frame,), rounds=50, warmup_rounds=5)
    ratio = benchmark.stats.stats.median / floor_s
    benchmark.extra_info["over_copy"] = ratio
    print(f"\n{1e3 * benchmark.stats.stats.median:.2f} ms = {ratio:.2f} copies")


def test_the_whole_command_takes_at_most_twice_the_time_of_decoding_alone(
    benchmark: BenchmarkFixture, shared: Path, tmp_path: Path
) -> None:
    video = str(shared / "data/roomg/sample_01.mp4")
    watch = [sys.executable, "-c", WATCH, "watch", video, "--method", "rarest", "--omg", "20"]
    watch += ["--view", "none", "--out", str(tmp_path / "D")]
    decode = [sys.executable, "-c", DECODE_ONLY, video]
    for command in (watch, decode):  # kernels cached, files in memory
        subprocess.run(command, check=True, capture_output=True)
    pairs = [tuple(seconds_of(command) for command in (watch, decode)) for _ in range(7)]
    watch_s, decode_s = np.median(pairs, axis=0)
    ratio = float(np.median([w / d for w, d in pairs]))
    benchmark.extra_info["over_decoding"] = ratio
    benchmark.pedantic(lambda: None, rounds=1)
    print(f"\nwatch {watch_s:.2f} s, decoding alone {decode_s:.2f} s, ratio {ratio:.2f} (median of 7 pairs)")
    assert ratio <= MOST_OVER_DECODING


def seconds_of(command: list[str]) -> float:
    begin_s = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin_s


@pytest.mark.timeout(3600)
def test_resident_memory_does_not_grow_from_frame_1000_to_frame_20_thousand(benchmark: BenchmarkFixture) -> None:
    call = Call()
    counts = ColorCounts(HEIGHT, WIDTH, MEMORY)
    process = psutil.Process()
    resident: dict[int, int] = {}
    counting_s = 0.0
    for n in range(1, 20_001):
        frame = call.frame()
        begin_s = time.perf_counter()
        counts.count(frame)
        counting_s += time.perf_counter() - begin_s
        if n in (1, 100, 500, 1000, 2000, 5000, 10_000, 20_000):
            resident[n] = process.memory_info().rss >> 20
            print(f"\nframe {n}: {resident[n]} MiB resident, {counts.n_bytes_used >> 20} MiB used", end="")
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info |= {"resident_mib": resident, "ms_a_frame": counting_s / 20}
    print(f"\n{counting_s / 20:.1f} ms a frame, {counts.n_coarse_px / (HEIGHT * WIDTH):.1%} of the pixels coarse")
    assert resident[20_000] <= resident[1000] + 8  # the allocator's own grain
