"""Scores from files: the same figures, and one line for files that do not fit."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from recordings import soft_picture

from pipelines.reconstruction.score import score
from stream.sinks.images import save_png
from stream.sources.base import CaptureError
from stream.tools.score import score_files


@pytest.fixture
def files(tmp_path: Path, rng: np.random.Generator) -> dict[str, Path]:
    """A reconstruction, the truth, a backdrop and weights, as files of one size."""
    truth, backdrop = soft_picture(rng, 20, 30), soft_picture(rng, 20, 30)
    alpha = rng.integers(0, 2, (20, 30), dtype=np.uint8) * 255
    save_png(tmp_path / "room.png", np.dstack([truth ^ 3, alpha]))
    save_png(tmp_path / "truth.png", truth)
    save_png(tmp_path / "backdrop.png", backdrop)
    np.save(tmp_path / "w.npy", rng.random((20, 30), np.float32))
    return {name: tmp_path / f"{name}.png" for name in ("room", "truth", "backdrop")} | {"weights": tmp_path / "w.npy"}


def test_figures_are_those_of_the_pictures(files: dict[str, Path]) -> None:
    room, truth, backdrop = (
        cv2.imread(str(files[name]), cv2.IMREAD_UNCHANGED) for name in ("room", "truth", "backdrop")
    )
    expected = score(room, truth, backdrop, np.load(files["weights"]))
    assert expected.recall is not None
    assert 0.3 < expected.coverage < 0.7
    assert score_files(**files) == expected
    assert score_files(files["room"], files["truth"]) == score(room, truth)


def test_a_reconstruction_without_alpha_claims_every_pixel_and_says_so(
    files: dict[str, Path], rng: np.random.Generator
) -> None:
    picture = soft_picture(rng, 20, 30)
    save_png(files["room"], picture)
    found = score_files(**files)
    assert found.coverage == 1.0
    assert found.notes[0] == f"{files['room']} has no alpha: every pixel counts as claimed"
    save_png(files["room"], np.dstack([picture, np.full((20, 30), 255, np.uint8)]))
    again = score_files(**files)
    assert again.notes == found.notes[1:]
    assert again.recall == found.recall


@pytest.mark.parametrize("name", ["truth", "backdrop", "weights"])
def test_another_size_is_one_line_with_both_and_the_remedy(name: str, files: dict[str, Path]) -> None:
    if name == "weights":
        np.save(files[name], np.zeros((40, 60), np.float32))
    else:
        save_png(files[name], np.zeros((40, 60, 3), np.uint8))
    message = rf"{files[name]} is 60x40, {files['room']} is 30x20; name files of one recording, or scale"
    with pytest.raises(CaptureError, match=message):
        score_files(**files)


@pytest.mark.parametrize("name", ["room", "truth", "backdrop", "weights"])
@pytest.mark.parametrize("what", ["missing", "empty", "text"])
def test_an_unreadable_file_is_named(name: str, what: str, files: dict[str, Path]) -> None:
    path = files[name]
    path.unlink()
    if what != "missing":
        path.write_text("" if what == "empty" else "hello")
    with pytest.raises(CaptureError, match=str(path)) as error:
        score_files(**files)
    assert "\n" not in str(error.value)
    assert ";" in str(error.value)


@pytest.mark.parametrize(
    "array",
    [np.zeros((20, 30, 3)), np.zeros((20, 30), int), np.full((20, 30), 1.5), np.full((20, 30), np.nan)],
    ids=["three planes", "integers", "above 1", "not a number"],
)
def test_weights_that_are_none_are_refused(array: np.ndarray, files: dict[str, Path]) -> None:
    np.save(files["weights"], array)
    with pytest.raises(CaptureError, match=r"w\.npy (is not one plane|holds values outside)"):
        score_files(**files)


def test_a_picture_in_grey_is_read_as_color(files: dict[str, Path], rng: np.random.Generator) -> None:
    grey = rng.integers(0, 256, (20, 30), dtype=np.uint8)
    save_png(files["truth"], grey)
    room = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    save_png(files["room"], room)
    assert score_files(files["room"], files["truth"]) == score(room, room[..., :3])
