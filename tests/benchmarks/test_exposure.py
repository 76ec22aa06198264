"""The figures of a protected output: against their definitions, and against the scorer beside the project."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_person import drawn_person
from exposure import ExposureCount, frames_of, measure_exposure, shown_mask
from protection_table import MAGENTA, PROTECTIONS, Row, main, measure, protected, table
from recordings import write_video
from scorers import bench
from simulated_call import CallPlan, make_call

HEIGHT, WIDTH, N_FRAMES = 90, 160, 12


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small call of a drawn person."""
    folder = tmp_path_factory.mktemp("calls")
    frames = [drawn_person(HEIGHT, WIDTH, (210, 90, 40), 3 * t) for t in range(N_FRAMES)]
    clip = write_video(folder / "blue.mkv", frames, "ffv1", "bgr0")
    make_call(folder / "call", CallPlan(str(clip), room="drawn:1", width=WIDTH, height=HEIGHT, n_frames=N_FRAMES))
    return folder / "call"


def shown_by(mattes: np.ndarray, frames: list[np.ndarray]) -> list[np.ndarray]:
    """Frames composited over magenta by masks of 0 to 255."""
    shares = mattes[..., np.newaxis] / 255
    return [np.round(m * f + (1 - m) * np.array(MAGENTA)).astype(np.uint8) for m, f in zip(shares, frames, strict=True)]


def test_an_output_of_the_true_masks_shows_next_to_nothing_and_loses_nobody(call: Path) -> None:
    mattes = np.load(call / "matte.npz")["matte"]
    cameras = list(frames_of(call / "raw.mkv"))
    exposure = measure_exposure(cameras, mattes, shown_by(mattes, cameras))
    assert exposure.n_frames == N_FRAMES
    assert exposure.exposed_once == 0
    assert exposure.person_lost < 0.02  # a matte of nine tenths leaves a tenth of magenta
    assert exposure.flicker < 0.5


def test_a_leak_of_known_size_is_measured_exactly() -> None:
    camera = np.full((40, 50, 3), 120, np.uint8)
    matte = np.zeros((40, 50), np.uint8)
    matte[:, 25:] = 255
    count = ExposureCount()
    for t in range(4):
        output = np.where(matte[..., np.newaxis] > 0, camera, np.array(MAGENTA, np.uint8))
        output[10 * t : 10 * t + 5, :5] = camera[10 * t : 10 * t + 5, :5]
        output[:8, 45:] = MAGENTA
        count.add(camera, output, np.full_like(camera, 10), matte)
    figures = count.figures()
    assert (figures.exposed_once, figures.chance, figures.worst_frame) == (4 * 25 / 1000, 0, 25 / 1000)
    assert figures.person_lost == pytest.approx(40 / 1000)


def test_a_mask_that_flickers_by_a_known_share_has_that_flicker() -> None:
    camera = np.full((40, 50, 3), 120, np.uint8)
    matte = np.full((40, 50), 255, np.uint8)
    count = ExposureCount()
    for t in range(3):
        output = camera.copy()
        if t % 2:
            output[:10] = MAGENTA
        count.add(camera, output, camera, matte)
    assert count.figures().flicker == pytest.approx(100 * np.sqrt(1 / 4))


def test_the_shown_mask_is_what_the_output_was_mixed_by(rng: np.random.Generator) -> None:
    camera = rng.integers(0, 200, (30, 40, 3), np.uint8)
    mask = rng.integers(0, 256, (1, 30, 40))
    (output,) = shown_by(mask, [camera])
    found = shown_mask(camera, output, np.array(MAGENTA, np.float32))
    np.testing.assert_allclose(found, mask[0] / 255, atol=0.02)  # codes are whole, and 100 of them apart at least


@pytest.mark.parametrize("protection", PROTECTIONS)
def test_figures_are_those_of_the_scorer_beside_the_project(
    protection: str, call: Path, shared: Path, tmp_path: Path
) -> None:
    pytest.importorskip("skimage", reason="needs scikit-image (uv run --group judges pytest)")
    output = write_video(
        tmp_path / "out.mkv", list(protected(frames_of(call / "raw.mkv"), protection, "default")), "ffv1", "bgr0"
    )
    theirs = bench(shared, "exposure").measure(call, output)
    ours = measure(call, "video", video=output).exposure
    assert ours.n_frames == theirs["frames"] == theirs["expected"]
    for name in ("exposed_once", "chance", "worst_frame", "person_lost"):
        assert getattr(ours, name) == pytest.approx(theirs[name], abs=1e-9), name


def test_the_table_has_every_run_and_the_mean_of_each_protection(call: Path) -> None:
    row = measure(call, "plain.5")
    other = replace(row, exposure=replace(row.exposure, exposed_once=row.exposure.exposed_once + 0.1))
    lines = table([row, other]).splitlines()
    assert len(lines) == 5
    assert lines[-1].startswith(f"| **mean** | plain.5 | {row.exposure.exposed_once + 0.05:.2%} |")


def test_the_command_scores_a_call_and_a_video_of_it(
    call: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["protection_table.py", "--calls", str(call), "--video", str(call / "raw.mkv")])
    main()
    assert "| call | video | 100.00% |" in capsys.readouterr().out
    assert isinstance(measure(call, "plain.9"), Row)
