"""Scores: the judge's own numbers on a real call, the slow twins', and what is said where a figure is missing."""

import dataclasses
import importlib.util
import math
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import reference
from recordings import soft_picture

from pipelines.base import Image
from pipelines.reconstruction.score import Score, reference_of, score
from pipelines.reconstruction.similarity import ms_ssim

# The same definition in double precision in another order of operations.
TOLERANCE = 1e-9
# The leak figures sum float32 weights.
WEIGHTS_TOLERANCE = 1e-6

HEIGHT, WIDTH = 23, 31


def make_scene(
    rng: np.random.Generator, height: int = HEIGHT, width: int = WIDTH
) -> tuple[Image, Image, Image, np.ndarray]:
    """Return a reconstruction that is right, half right and wrong in places, truth, backdrop and weights."""
    truth, backdrop = soft_picture(rng, height, width), soft_picture(rng, height, width)
    weights = np.clip(rng.normal(0.3, 0.4, (height, width)), 0, 1).astype(np.float32)
    shown = reference_of(truth, backdrop, weights)
    which = rng.integers(0, 4, (height, width, 1))
    found = np.select([which == 0, which == 1, which == 2], [truth, shown, backdrop], soft_picture(rng, height, width))
    found = np.clip(found + rng.integers(-6, 7, found.shape), 0, 255)
    alpha = rng.choice([0, 1, 255], (height, width), p=[0.3, 0.1, 0.6])
    return np.dstack([found, alpha]).astype(np.uint8), truth, backdrop, weights


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short call with a known room, made by the judges' own program."""
    bench = Path(__file__).resolve().parents[4] / "shared" / "bench"
    if not bench.is_dir():
        pytest.skip("needs ../shared, which is not here")
    folder = tmp_path_factory.mktemp("call")
    program = [sys.executable, str(bench / "calls.py"), str(folder), "--frames", "12"]
    subprocess.run(program, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("claim", ["some", "all", "none"])
def test_leak_figures_equal_the_judges_on_their_own_call(
    claim: str, call: Path, shared: Path, rng: np.random.Generator
) -> None:
    pytest.importorskip("skimage", reason="needs scikit-image (uv run --group judges pytest)")
    spec = importlib.util.spec_from_file_location("judge", shared / "bench" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    judge = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(judge)
    truth, backdrop, shown = (cv2.imread(str(call / f"{n}.png")) for n in ("room", "backdrop", "reference"))
    weights = np.load(call / "w.npy")
    np.testing.assert_array_equal(reference_of(truth, backdrop, weights), shown)
    which = rng.integers(0, 3, (*truth.shape[:2], 1))
    found = np.select([which == 0, which == 1], [truth, shown], backdrop)
    found = np.clip(found + rng.integers(-9, 10, found.shape), 0, 255).astype(np.uint8)
    alpha = {"some": rng.integers(0, 2, truth.shape[:2]), "all": 1, "none": 0}[claim]
    room = np.dstack([found, np.broadcast_to(alpha, truth.shape[:2])]).astype(np.uint8)
    theirs = judge.score(found, room[..., 3], call)
    ours = dataclasses.asdict(score(room, truth, backdrop, weights))
    assert {name: ours[name] for name in theirs} == pytest.approx(theirs, abs=TOLERANCE)


def test_leak_figures_equal_their_slow_twin(rng: np.random.Generator) -> None:
    scene = make_scene(rng)
    found = score(*scene)
    expected = reference.leak_figures(*scene)
    assert all(0.1 < figure < 0.95 for figure in expected)
    assert (found.recall, found.precision, found.vader) == pytest.approx(expected, abs=WEIGHTS_TOLERANCE)
    assert found.coverage == (scene[0][..., 3] > 0).mean()


def test_error_figures_equal_their_slow_twin(rng: np.random.Generator) -> None:
    room, truth, *_ = make_scene(rng)
    room[5:15, :12, :3] = 255 - truth[5:15, :12]  # a patch of errors, some at the border of the picture
    room[5:15, :12, 3] = 255
    found = score(room, truth)
    expected = reference.error_figures(room, truth)
    assert 0 < expected[2] < expected[1] < 1
    assert (found.age, found.peps, found.pceps, found.psnr_db) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("share", [1.0, 0.6, 0.02])
def test_ms_ssim_equals_its_slow_twin(share: float, rng: np.random.Generator) -> None:
    height, width = 176, 179  # odd at three of the scales
    truth = cv2.cvtColor(soft_picture(rng, height, width), cv2.COLOR_BGR2GRAY).astype(np.float64)
    found = np.clip(cv2.GaussianBlur(truth, (0, 0), 2) + rng.normal(0, 12, truth.shape), 0, 255)
    claimed = rng.random(truth.shape) < share
    expected = reference.ms_ssim(found, truth, claimed)
    assert 0.3 < expected < 0.99
    assert ms_ssim(found, truth, claimed) == pytest.approx(expected, abs=TOLERANCE)


def test_ms_ssim_does_not_look_at_what_is_not_claimed(rng: np.random.Generator) -> None:
    truth = cv2.cvtColor(soft_picture(rng, 200, 240), cv2.COLOR_BGR2GRAY).astype(np.float64)
    found = truth + rng.normal(0, 9, truth.shape)
    claimed = np.zeros(truth.shape, bool)
    claimed[20:150, 30:170] = True
    other = np.where(claimed, found, rng.uniform(0, 255, truth.shape))
    value = ms_ssim(found, truth, claimed)
    assert ms_ssim(other, truth, claimed) == value
    assert ms_ssim(truth, truth, claimed) == pytest.approx(1.0)
    assert value is not None
    assert value < 0.99


def test_an_opposite_structure_counts_as_none(rng: np.random.Generator) -> None:
    truth = rng.uniform(0, 255, (180, 180))
    assert ms_ssim(255 - truth, truth, np.ones(truth.shape, bool)) == 0.0


def test_the_truth_itself_has_the_best_figures(rng: np.random.Generator) -> None:
    _, truth, backdrop, weights = make_scene(rng, 180, 200)
    room = np.dstack([truth, np.full(truth.shape[:2], 255, np.uint8)])
    found = score(room, truth, backdrop, weights)
    assert found.ms_ssim == pytest.approx(1.0)
    assert dataclasses.replace(found, ms_ssim=1.0, vader=None) == Score(
        1.0, 1.0, 1.0, None, 0.0, 0.0, 0.0, 1.0, math.inf, ()
    )


@pytest.mark.parametrize(("has_backdrop", "has_weights"), [(False, False), (True, False), (False, True)])
def test_without_backdrop_or_weights_nothing_is_invented(
    has_backdrop: bool, has_weights: bool, rng: np.random.Generator
) -> None:
    room, truth, backdrop, weights = make_scene(rng, 180, 200)
    found = score(room, truth, backdrop if has_backdrop else None, weights if has_weights else None)
    whole = score(room, truth, backdrop, weights)
    assert (found.recall, found.precision, found.vader) == (None, None, None)
    assert dataclasses.replace(whole, recall=None, precision=None, vader=None, notes=found.notes) == found
    (note,) = found.notes
    assert ("backdrop" in note) == (not has_backdrop)
    assert ("w.npy" in note) == (not has_weights)


def test_where_nothing_is_claimed_nothing_is_judged(rng: np.random.Generator) -> None:
    room, truth, backdrop, weights = make_scene(rng, 180, 200)
    room[..., 3] = 0
    found = score(room, truth, backdrop, weights)
    assert (found.recall, found.precision, found.coverage) == (0.0, 0.0, 0.0)
    assert (found.age, found.peps, found.pceps, found.ms_ssim, found.psnr_db) == (None,) * 5
    assert found.vader is not None
    assert found.vader > 0
    assert found.notes == ("AGE, pEPs, pCEPs, MS-SSIM and PSNR judge claimed pixels, and none is claimed",)


def test_where_nothing_leaked_recall_is_not_defined(rng: np.random.Generator) -> None:
    room, truth, backdrop, weights = make_scene(rng)
    found = score(room, truth, backdrop, weights * 0)
    assert (found.recall, found.vader) == (None, None)
    assert found.precision is not None
    assert "nothing leaked" in found.notes[0]


def test_a_small_picture_has_no_ms_ssim_and_says_so(rng: np.random.Generator) -> None:
    room, truth, *_ = make_scene(rng, 160, 300)
    found = score(room, truth)
    assert found.ms_ssim is None
    assert "MS-SSIM needs 161x161 pixels" in found.notes[-1]
