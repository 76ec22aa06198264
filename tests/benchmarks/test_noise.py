"""How fast noise is drawn, beside the copy of a frame measured in the same run; and the table of what it is worth.

Run the speeds with ``pytest tests/benchmarks/test_noise.py --benchmark-only -s``. Both are times of the processor, on
which other programs have little effect; noise is drawn in one thread.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calls import Call
from drawn_person import drawn_person
from noise_table import (
    METHODS,
    NO_PICTURE,
    IdealCall,
    Row,
    attack,
    measured,
    medians,
    noisy_call,
    table,
    without_outliers,
)
from pytest_benchmark.fixture import BenchmarkFixture
from recordings import write_video
from scenery import draw_backdrop
from simulated_call import CallPlan

from config.schema import NoiseSettings
from pipelines.base import Frame
from pipelines.protection.noise import NoiseBackground, NoiseMaker
from stream.sources.demo import DemoSource

HEIGHT, WIDTH, RATE_HZ = 1080, 1920, 60.0
N_FRAMES = 300
TINY_FRAMES = 16
EVERY = "every frame"


def copy_s(image: np.ndarray) -> float:
    """Return the time of copying a frame, the floor of everything that makes one."""
    target = image.copy()
    begin_s = time.process_time()
    for _ in range(100):
        np.copyto(target, image)
    return (time.process_time() - begin_s) / 100


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "pixels"},
        {"kind": "pixels", "probability": 100_000},
        {"kind": "frames"},
        {"motion": 0.05},
        {"kind": "pixels", "motion": 0.05},
        None,
    ],
    ids=["pixels", "pixels as many as itonv", "frames", "motion", "pixels and motion", "nothing but noise"],
)
def test_noise_at_1080p_is_drawn_faster_than_60_frames_a_second(
    benchmark: BenchmarkFixture, asked: dict[str, Any] | None
) -> None:
    picture = draw_backdrop(1, (WIDTH, HEIGHT))
    if asked is None:
        background = NoiseBackground(NoiseSettings())
        background.warm_up(HEIGHT, WIDTH)
        draw, given = background.picture, (picture, np.zeros((HEIGHT, WIDTH), np.float32))
    else:
        maker = NoiseMaker(NoiseSettings(**asked))
        maker.warm_up(HEIGHT, WIDTH)
        draw, given = maker.shown, (picture,)
    floor_s = copy_s(picture)

    def make_all() -> None:
        for _ in range(N_FRAMES):
            draw(*given)

    benchmark.pedantic(make_all, rounds=3, warmup_rounds=1)
    frame_s = benchmark.stats.stats.median / N_FRAMES
    benchmark.extra_info |= {"rate_hz": 1 / frame_s, "over_copy": frame_s / floor_s}
    print(f"\n{1e3 * frame_s:.2f} ms a frame, {1 / frame_s:.0f} frames/s, {frame_s / floor_s:.1f} copies")
    assert frame_s < 1 / RATE_HZ


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> CallPlan:
    """A small call of a drawn person whose client is a frame late."""
    frames = [drawn_person(90, 160, (210, 90, 40), 3 * t) for t in range(TINY_FRAMES)]
    clip = write_video(tmp_path_factory.mktemp("clip") / "blue.mkv", frames, "ffv1", "bgr0")
    return CallPlan(str(clip), room="drawn:1", style="late", width=160, height=90, crf=10, n_frames=TINY_FRAMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calls")


@pytest.mark.parametrize("method", METHODS[1:])
def test_a_call_before_noise_is_attacked_and_scored(method: str, plan: CallPlan, folder: Path) -> None:
    row = attack(Call(noisy_call(folder, plan, "noise pixels")), "late", "noise pixels", method, EVERY)
    assert (row.style, row.method, row.n_frames) == ("late", method, TINY_FRAMES)
    assert 0 <= row.coverage <= 1
    assert row.recall is not None


def test_noise_pixels_take_from_the_rule_what_it_finds_without_them(plan: CallPlan, folder: Path) -> None:
    clean, noisy = (measured(folder, plan, name, ["rarest-60"], [EVERY])[0] for name in ("no noise", "noise pixels"))
    assert noisy.recall < 0.7 * clean.recall
    assert noisy.precision < 0.7 * clean.precision


def test_an_attacker_drops_the_noisy_frames_and_no_others(plan: CallPlan, folder: Path) -> None:
    call = Call(noisy_call(folder, plan, "noise pixels as itonv"))
    kept = [round(frame.pts_s * plan.rate_hz) for frame in without_outliers(call)]
    assert set(range(TINY_FRAMES)) - set(kept) == {0, 6, 12}
    assert len(list(without_outliers(Call(noisy_call(folder, plan, NO_PICTURE))))) == TINY_FRAMES


def test_medians_keep_what_two_frames_show_and_drop_what_one_does() -> None:
    call = IdealCall("no noise", 6)
    call._frames = [Frame(np.full((2, 2, 3), code, np.uint8), t / 25) for t, code in enumerate((9, 9, 200, 9, 70, 70))]
    assert [(frame.pts_s, int(frame.image[0, 0, 0])) for frame in medians(call)] == [
        (1 / 25, 9),
        (2 / 25, 9),
        (3 / 25, 70),
        (4 / 25, 70),
    ]


def test_the_ideal_call_is_the_demo_but_for_its_background() -> None:
    plain, noisy = IdealCall("no noise", 3), IdealCall("noise pixels", 3)
    demo = DemoSource()
    for shown, other in zip(plain.frames(), noisy.frames(), strict=True):
        drawn = demo.read()
        assert drawn is not None
        np.testing.assert_array_equal(shown.image, drawn.image)
        assert 0 < (other.image != drawn.image).any(axis=-1).mean() < 0.1
    again = IdealCall("noise pixels", 3)
    np.testing.assert_array_equal([f.image for f in noisy.frames()], [f.image for f in again.frames()])


def test_the_table_has_a_line_for_each_background_and_a_column_for_each_method() -> None:
    rows = [
        Row("late", "no noise", "rarest-60", EVERY, 9, 0.25, 0.5, 1.0),
        Row("late", "no noise", "leak", EVERY, 9, None, 0.0, 0.0),
        Row("late", "no noise", "rarest-60", "medians of three frames", 7, 0.125, 0.5, 1.0),
    ]
    assert table(rows).splitlines() == [
        "| call | background | attacker takes | rarest-60 | leak |",
        "|---|---|---|---|---|",
        "| late | no noise | every frame | .250 at .500 | - at .000 |",
        "| late | no noise | medians of three frames | .125 at .500 | - |",
    ]
