"""The table: every method on a small call, the means, and the command itself."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from calls import COLUMNS, FOUR, METHODS, N_ASIDE, Call, Result, aside_calls, measure, standard_calls, table
from clients import STYLES
from drawn_person import drawn_person
from recordings import write_video
from simulated_call import CallPlan, make_call

N_FRAMES = 8


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small call of a drawn person whose client is a frame late."""
    folder = tmp_path_factory.mktemp("calls")
    frames = [drawn_person(90, 160, (210, 90, 40), 6 * t) for t in range(N_FRAMES)]
    clip = write_video(folder / "blue.mkv", frames, "ffv1", "bgr0")
    plan = CallPlan(str(clip), room="drawn:1", style="late", width=160, height=90, crf=10, n_frames=N_FRAMES)
    make_call(folder / "late", plan)
    make_call(folder / "eroded", replace(plan, style="eroded"))
    make_call(folder / "noise", replace(plan, backdrop="noise"))
    return folder / "late"


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_measured(method: str, call: Path) -> None:
    result = measure(call, method)
    assert (result.call, result.method, result.n_frames) == ("late", method, N_FRAMES)
    assert all(0 <= getattr(result, name) <= 1 for name in COLUMNS)
    assert result.ms_a_frame > 0
    assert result.decoding_ms_a_frame > 0


def test_the_oracle_finds_more_than_the_mean_and_is_more_often_right(call: Path) -> None:
    oracle, mean = measure(call, "oracle"), measure(call, "mean")
    assert mean.coverage == 1
    for name in ("recall", "precision"):
        assert getattr(oracle, name) > getattr(mean, name) + 0.2


@pytest.mark.parametrize("method", ["mean", "oracle", "sabra"])
def test_where_nothing_leaked_there_is_no_recall(method: str, call: Path) -> None:
    result = measure(call.parent / "eroded", method)
    assert (result.recall, result.vader) == (None, None)
    assert "| eroded | " + method + " | - | " in table([result])


def test_a_moving_backdrop_is_known_frame_by_frame(call: Path) -> None:
    noisy = Call(call.parent / "noise")
    at = noisy.backdrop_at()
    first, second = at(0), at(1)
    assert (first != second).any()
    still = Call(call).backdrop_at()
    assert still(0) is still(5)
    assert measure(call.parent / "noise", "sabra").coverage < 0.5


def test_the_table_ends_with_the_mean_of_the_four_styles() -> None:
    results = [
        Result(style, method, share, share / 2, 0.5, None if style == "ema" else 0.4, 10.0, 2.0, 100)
        for style, share in zip(FOUR, (0.1, 0.2, 0.3, 0.4), strict=True)
        for method in ("mean", "oracle")
    ]
    lines = table(results).splitlines()
    assert len(lines) == 2 + 8 + 2
    assert lines[-1] == "| **mean of four** | oracle | .250 | .125 | .500 | .300 | 10.0 | 5.0 |"
    assert "mean of four" not in table(results[:-2])


def test_the_standard_calls_differ_in_room_backdrop_and_start() -> None:
    plans = standard_calls(Path("data"))
    four = [plans[style] for style in FOUR]
    assert [plan.style for plan in four] == list(FOUR)
    for name in ("room", "backdrop", "start"):
        assert len({getattr(plan, name) for plan in four}) == len(FOUR)
    assert {"eroded", "people"} < set(plans)


def test_the_mean_is_that_of_the_styles_however_many_calls_each_has() -> None:
    shares = {"threshold-1": 0.1, "threshold-2": 0.3, "ema-1": 0.2, "late-1": 0.4, "dilate-1": 0.6, "eroded-1": 0.9}
    results = [Result(call, "leak", share, share, share, share, 10.0, 2.0, 100) for call, share in shares.items()]
    assert table(results).splitlines()[-1].startswith("| **mean of four** | leak | .350 | .350 | .350 | .350 |")


def test_the_calls_kept_aside_have_four_of_each_style_and_none_of_the_tables_calls() -> None:
    plans = aside_calls(Path("data"))
    assert len(plans) == N_ASIDE
    assert [sum(plan.style == style for plan in plans.values()) for style in STYLES] == [4] * len(STYLES)
    assert all(plan.room != plan.backdrop for plan in plans.values())
    seen = {(plan.room, plan.backdrop, plan.start) for plan in standard_calls(Path("data")).values()}
    mixes = {(plan.room, plan.backdrop, plan.start) for plan in plans.values()}
    assert len(mixes) == N_ASIDE
    assert not mixes & seen


def test_the_command_prints_the_table_and_writes_it_as_json(call: Path, tmp_path: Path) -> None:
    program = [sys.executable, str(Path(__file__).with_name("calls.py")), "--calls", str(call)]
    program += ["--methods", "mean", "oracle", "--jobs", "2", "--json", str(tmp_path / "t.json")]
    said = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    assert "| late | oracle | " in said
    results = [Result(**held) for held in json.loads((tmp_path / "t.json").read_text())]
    assert table(results) in said
    missing = subprocess.run(
        [*program[:3], str(tmp_path), "--methods", "mean"], check=False, capture_output=True, text=True
    )
    assert missing.returncode != 0
    assert "room.png is missing" in missing.stderr
