"""A known backdrop found in what a call shows of it: right to a fraction of a pixel, and refused where it is not it."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from backdrops import DETAILED, TEXTURES, Shown, make_backdrop, place, random_placement, show, slope_miss_px
from compiled import IS_COMPILED

from config.schema import WatchSettings
from pipelines.base import Frame, Image
from pipelines.reconstruction.alignment import Alignment, align_backdrop
from pipelines.reconstruction.placement import Placement, draw, prepare
from pipelines.reconstruction.rarest import RarestReconstruction
from pipelines.reconstruction.tint import fit_tint, tinted

# Right to the eye and to a difference: a third of a pixel moves an edge of 100 codes by 30.
GEOMETRY_PX = 0.3
# Single blocks of a codec are off by more than a mapping of colours can be: judged on means of 16 by 16 pixels.
COLOR_CODES = 2.0
BLOCK_PX = 16

HEIGHT, WIDTH = 216, 384
PHOTOS = ("roomg/zoom_vbg.png", "room_garage.png", "room_bedroom.png")


def color_error(found: Image, truth: Image, where: npt.NDArray[np.bool_]) -> float:
    """Return the mean absolute difference of blocks, in codes: codec noise is averaged away, a wrong colour is not."""
    difference = np.where(where[..., np.newaxis], found.astype(np.float32) - truth, 0)
    return float(np.abs(cv2.blur(difference, (BLOCK_PX, BLOCK_PX)))[where].mean())


def check_right(alignment: Alignment, shown: Shown, *, color_codes: float = COLOR_CODES) -> None:
    assert alignment.is_good, alignment.message
    assert alignment.is_valid.all()
    right = shown.trusted & ~shown.person
    assert color_error(alignment.picture, shown.clean, right) <= color_codes
    assert alignment.agreement.fitting_mean <= 7


def shown_texture(kind: str, seed: int, folder: Path, share_wrong: float) -> tuple[Image, Placement, Shown]:
    rng = np.random.default_rng([seed, TEXTURES.index(kind)])
    height = int(rng.choice([120, 240, 480, 720]))  # scales of the picture from .3 to 3
    picture = make_backdrop(kind, rng, height, round(height * rng.choice([4 / 3, 3 / 2, 16 / 9])))
    placement = random_placement(rng, picture.shape[:2], (HEIGHT, WIDTH))
    return picture, placement, show(rng, place(picture, placement, HEIGHT, WIDTH), folder, share_wrong=share_wrong)


@pytest.mark.parametrize("share_wrong", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", DETAILED)
def test_a_random_crop_is_found_to_a_fraction_of_a_pixel(
    kind: str, seed: int, share_wrong: float, tmp_path: Path
) -> None:
    picture, placement, shown = shown_texture(kind, seed, tmp_path, share_wrong)
    alignment = align_backdrop(picture, shown.call, shown.trusted)
    check_right(alignment, shown)
    assert alignment.placement.mirrored == placement.mirrored
    assert slope_miss_px(picture, placement, alignment.placement, HEIGHT, WIDTH) <= GEOMETRY_PX


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["soft", "gradient", "plain"])
def test_a_picture_without_detail_is_right_wherever_it_lies(kind: str, seed: int, tmp_path: Path) -> None:
    picture, _, shown = shown_texture(kind, seed, tmp_path, 0.0)
    alignment = align_backdrop(picture, shown.call, shown.trusted)
    check_right(alignment, shown)
    # Behind the person too, where it was never seen.
    assert color_error(alignment.picture, shown.clean, shown.person) <= 2 * COLOR_CODES


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_is_found_in_a_call(name: str, shared: Path, rng: np.random.Generator, tmp_path: Path) -> None:
    picture = cv2.imread(str(shared / "data" / name))
    assert picture is not None
    placement = random_placement(rng, picture.shape[:2], (360, 640))
    shown = show(rng, place(picture, placement, 360, 640), tmp_path, share_wrong=0.2)
    alignment = align_backdrop(picture, shown.call, shown.trusted)
    check_right(alignment, shown)
    assert slope_miss_px(picture, placement, alignment.placement, 360, 640) <= GEOMETRY_PX


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", TEXTURES)
def test_another_picture_is_refused(kind: str, seed: int, tmp_path: Path) -> None:
    _, _, shown = shown_texture(kind, seed, tmp_path, 0.2 * seed)
    rng = np.random.default_rng([seed, 99])
    for other in TEXTURES[seed::2]:
        if other == kind == "gradient":
            continue  # one soft gradient can be another one, cut and tinted
        wrong = make_backdrop(other, rng, 240, 426)
        if other == kind == "plain":
            wrong[:] = 255 - shown.clean[0, 0]
        alignment = align_backdrop(wrong, shown.call, shown.trusted)
        assert not alignment.is_good, f"{other}: {alignment.message} {alignment.agreement}"


def test_photos_are_not_taken_for_each_other(shared: Path, rng: np.random.Generator, tmp_path: Path) -> None:
    photos = {name: cv2.imread(str(shared / "data" / name)) for name in PHOTOS}
    for name, picture in photos.items():
        placement = random_placement(rng, picture.shape[:2], (HEIGHT, WIDTH))
        shown = show(rng, place(picture, placement, HEIGHT, WIDTH), tmp_path, share_wrong=0.2)
        for other, wrong in photos.items():
            if other != name:
                assert not align_backdrop(wrong, shown.call, shown.trusted).is_good


def test_a_call_with_nothing_to_trust_is_refused_with_the_reason(rng: np.random.Generator) -> None:
    picture = make_backdrop("shapes", rng, 90, 160)
    alignment = align_backdrop(picture, picture, np.zeros((90, 160), bool))
    assert not alignment.is_good
    assert "too little of the backdrop is known yet (0 trusted pixels" in alignment.message
    assert "\n" not in alignment.message
    json.dumps(alignment.report(), allow_nan=False)


def test_bars_beside_a_picture_that_is_fitted_in_are_not_valid(rng: np.random.Generator, tmp_path: Path) -> None:
    picture = make_backdrop("shapes", rng, 240, 320)
    bar = (WIDTH - HEIGHT * 4 // 3) // 2
    placed = place(picture, Placement(False, HEIGHT / 240, HEIGHT / 240, 0.0, float(bar)), HEIGHT, WIDTH)
    placed[:, :bar], placed[:, -bar:] = 0, 0
    shown = show(rng, placed, tmp_path, share_wrong=0.0)
    alignment = align_backdrop(picture, shown.call, shown.trusted)
    assert alignment.is_good, alignment.message
    columns = np.flatnonzero(alignment.is_valid.all(axis=0))
    # A column or a row at the border may be covered by a part of a pixel.
    assert abs(columns[0] - bar) <= 1
    assert abs(columns[-1] - (WIDTH - bar - 1)) <= 1
    assert not alignment.is_valid[:, : bar - 1].any()


def test_see_through_parts_are_not_valid(rng: np.random.Generator, tmp_path: Path) -> None:
    picture = make_backdrop("shapes", rng, 2 * HEIGHT, 2 * WIDTH)
    placed = place(picture, Placement(False, 0.5, 0.5, 0.0, 0.0), HEIGHT, WIDTH)
    placed[:50, :80] = 0
    shown = show(rng, placed, tmp_path, share_wrong=0.0)
    opaque = np.full(picture.shape[:2], 255, np.uint8)
    opaque[:100, :160] = 128
    alignment = align_backdrop(np.dstack([picture, opaque]), shown.call, shown.trusted)
    assert alignment.is_good, alignment.message
    assert not alignment.is_valid[:49, :79].any()
    assert alignment.is_valid[52:-1, 1:-1].all()
    assert alignment.is_valid[1:-1, 82:-1].all()


@pytest.mark.parametrize("size", [(16, 2000), (2000, 16), (16, 16), (1, 1)])
def test_a_picture_of_any_shape_gets_a_verdict(size: tuple[int, int], rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    call = make_backdrop("shapes", rng, 90, 160)
    assert not align_backdrop(picture, call, np.ones((90, 160), bool)).is_good
    assert not align_backdrop(np.dstack([picture, np.zeros(size, np.uint8)]), call, np.ones((90, 160), bool)).is_good


def test_a_usual_call_is_found_exactly(rng: np.random.Generator) -> None:
    # Mirrored, scaled down to half by area, not compressed: nothing is left to differ but rounding.
    picture = make_backdrop("clouds", rng, 2 * HEIGHT, 2 * WIDTH)
    call = cv2.resize(np.ascontiguousarray(picture[:, ::-1]), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    alignment = align_backdrop(picture, call.astype(np.uint8), np.ones((HEIGHT, WIDTH), bool))
    assert alignment.is_good
    assert alignment.placement.mirrored
    half = Placement(True, 0.5, 0.5, 0, 0)
    assert alignment.placement.distance_px(half, (HEIGHT, WIDTH)) == pytest.approx(0, abs=0.02)
    assert alignment.agreement.residual_mean < 0.6
    assert alignment.agreement.residual_p90 <= 1
    assert alignment.message.startswith("backdrop aligned: mirrored, scale 0.500x0.500")


def test_the_same_pictures_give_the_same_alignment(rng: np.random.Generator, tmp_path: Path) -> None:
    picture, _, shown = shown_texture("shapes", 1, tmp_path, 0.2)
    one, other = (align_backdrop(picture, shown.call, shown.trusted) for _ in range(2))
    np.testing.assert_array_equal(one.picture, other.picture)
    assert one.placement == other.placement


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.7])
def test_a_picture_is_drawn_where_a_client_draws_it(scale: float, rng: np.random.Generator) -> None:
    picture = make_backdrop("soft", rng, 150, 200)
    placement = Placement(True, scale, scale * 1.02, -3.3, 5.7)
    drawn, is_covered = draw(prepare(picture, np.full((150, 200), 255, np.uint8), placement), placement, 60, 90)
    wanted = place(picture, placement, 60, 90)
    # Bicubic against bilinear on a soft picture; half a code is rounding.
    assert np.abs(drawn - wanted)[is_covered].max() < 3
    assert np.abs(drawn - wanted)[is_covered].mean() < 0.5
    assert not is_covered[:, :5].any()
    assert is_covered[20, 30 if scale < 1 else 80]


def test_places_scale_with_frame_and_picture() -> None:
    place_in = Placement(False, 2.0, 3.0, 10.0, -6.0)
    halved = place_in.in_frame_scaled(0.5, 0.5).of_picture_scaled(2, 2)
    assert halved == Placement(False, 0.5, 0.75, 5.0, -3.0)
    assert place_in.distance_px(place_in, (20, 20)) == 0
    assert place_in.distance_px(Placement(True, 2.0, 3.0, 10.0, -6.0), (20, 20)) == float("inf")
    assert place_in.distance_px(Placement(False, 2.0, 3.0, 13.0, -6.0), (20, 20)) == pytest.approx(3)


def test_a_mapping_of_colors_is_found_in_spite_of_a_person(rng: np.random.Generator) -> None:
    there = rng.uniform(20, 230, (4000, 3)).astype(np.float32)
    true = np.array([[0.95, 0.04, 0.0, 3], [0.02, 0.97, 0.03, -4], [0.0, 0.05, 0.96, 2]])
    seen = (there @ true[:, :3].T + true[:, 3] + rng.normal(0, 2, there.shape)).astype(np.float32)
    seen[:1200] = rng.uniform(0, 255, (1200, 3))
    tint = fit_tint(there, seen)
    right = there[1200:]
    assert np.abs(right @ tint[:, :3].T + tint[:, 3] - (right @ true[:, :3].T + true[:, 3])).mean() < 0.5
    np.testing.assert_array_equal(tinted(there[np.newaxis], np.eye(3, 4)), there.round().astype(np.uint8)[np.newaxis])


@pytest.mark.skipif(not IS_COMPILED, reason="counting a whole call takes minutes while the kernels are not compiled")
def test_the_backdrop_of_a_real_call_is_aligned(shared: Path, tmp_path: Path) -> None:
    original = cv2.imread(str(shared / "data" / PHOTOS[0]))
    assert original is not None
    # The client was given a mirrored cut of the picture, and covers the frame with it.
    top, left = 40, 130
    cut = np.ascontiguousarray(original[:, ::-1][top : top + 640, left : left + 1100])
    cv2.imwrite(str(tmp_path / "cut.png"), cut)
    program = [sys.executable, str(shared / "bench" / "calls.py"), str(tmp_path), "--frames", "75"]
    subprocess.run([*program, "--backdrop", str(tmp_path / "cut.png")], check=True, capture_output=True)

    reconstruction = RarestReconstruction(WatchSettings())
    capture = cv2.VideoCapture(str(tmp_path / "call.mp4"))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    capture.release()
    reconstruction.warm_up(*frames[0].shape[:2], is_live=False)
    for i, frame in enumerate(frames):
        reconstruction.process(Frame(frame, i / 25))
    evidence = reconstruction.findings().backdrop
    far = np.abs(np.stack(frames[::5]).astype(np.int16) - evidence).max(axis=3) > 12
    trusted = far.mean(axis=0) < 0.2
    alignment = align_backdrop(original, evidence, trusted)

    truth = cv2.imread(str(tmp_path / "backdrop.png"))
    assert truth is not None
    scale = max(640 / 1100, 360 / 640)
    true = Placement(True, scale, scale, -scale * top - (round(scale * 640) - 360) // 2, -scale * left)
    miss_px = slope_miss_px(original, true, alignment.placement, 360, 640)
    assert alignment.is_good, alignment.message
    assert miss_px <= GEOMETRY_PX
    # Against what the client drew, so that the codec's own shift of colours counts too (measured: 2.0).
    assert color_error(alignment.picture, truth.astype(np.uint8), np.ones((360, 640), bool)) <= 1.5 * COLOR_CODES
    assert not align_backdrop(cv2.imread(str(shared / "data" / PHOTOS[1])), evidence, trusted).is_good
