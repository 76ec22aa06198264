"""How long a known backdrop takes to be aligned, right and wrong ones, beside scaling its picture once.

Run with ``pytest tests/benchmarks/test_aligning.py --benchmark-only -s``.
"""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from backdrops import make_backdrop, place, random_placement, show
from pytest_benchmark.fixture import BenchmarkFixture

from pipelines.reconstruction.alignment import align_backdrop

MOST_S_AT_720P = 1.0


@pytest.mark.parametrize("is_right", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize("height", [360, 720, 1080])
def test_aligning_takes_less_than_a_second(
    height: int, is_right: bool, benchmark: BenchmarkFixture, rng: np.random.Generator, tmp_path: Path
) -> None:
    width = height * 16 // 9
    picture = make_backdrop("clouds", rng, 1080, 1920)
    placed = place(picture, random_placement(rng, (1080, 1920), (height, width)), height, width)
    shown = show(rng, placed, tmp_path, share_wrong=0.2)
    given = picture if is_right else make_backdrop("shapes", rng, 1080, 1920)
    alignment = benchmark.pedantic(
        align_backdrop, (given, shown.call, shown.trusted), rounds=5, warmup_rounds=1, iterations=1
    )
    assert alignment.is_good == is_right
    begin_s = time.perf_counter()
    cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    took_s = benchmark.stats.stats.median
    print(
        f"\n{height}p {took_s:.2f} s, {took_s / (time.perf_counter() - begin_s):.0f} times one scaling of the picture"
    )
    if height <= 720:
        assert took_s < MOST_S_AT_720P
