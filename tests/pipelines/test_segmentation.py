"""The person model: both back ends on drawn and real pictures, what results are, and what is said without the file."""

import builtins
import importlib.util
import time
import timeit
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from compiled import IS_COMPILED
from drawn_person import drawn_person

from pipelines import segmentation
from pipelines.base import Image, PipelineError
from pipelines.segmentation import SMALL_PX, Backend, OpenCVSegmenter, Segmenter, open_segmenter, read_model

# Measured: 4e-5 to 1e-4, the order of the sums of a network in single precision.
BACKENDS_AGREE = 2e-3
HAS_LITERT = importlib.util.find_spec("ai_edge_litert") is not None

needs_litert = pytest.mark.skipif(not HAS_LITERT, reason="needs LiteRT (uv run --extra litert pytest)")


@pytest.fixture(scope="module", params=["opencv", pytest.param("litert", marks=needs_litert)])
def segmenter(request: pytest.FixtureRequest) -> Segmenter:
    return open_segmenter(request.param)


def real_picture(shared: Path) -> Image:
    capture = cv2.VideoCapture(str(shared / "data/webcam_real_room.mp4"))
    is_there, picture = capture.read()
    capture.release()
    assert is_there
    return picture.astype(np.uint8, copy=False)


@pytest.mark.parametrize(("height", "width"), [(720, 1280), (97, 53), (1, 1)])
def test_every_pixel_has_a_probability(segmenter: Segmenter, height: int, width: int) -> None:
    found = segmenter.probability(drawn_person(max(height, 64), max(width, 64))[:height, :width].copy())
    assert found.shape == (height, width)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert 0 <= found.min() <= found.max() <= 1


def test_a_drawn_person_is_found_and_a_wall_is_none(segmenter: Segmenter) -> None:
    found = segmenter.probability(drawn_person(360, 640))
    assert found[144, 320] > 0.8  # the face
    assert found[340, 320] > 0.6  # the shirt
    assert found[:300, :120].max() < 0.2
    assert found[:300, -120:].max() < 0.2


def test_a_real_person_is_found_in_a_real_room(segmenter: Segmenter, shared: Path) -> None:
    picture = real_picture(shared)
    found = segmenter.probability(picture)
    assert found.shape == picture.shape[:2]
    assert 0.1 < (found > 0.5).mean() < 0.7
    assert ((found < 0.1) | (found > 0.9)).mean() > 0.8
    column = found.shape[1] // 2
    assert found[-20:, column - 60 : column + 60].mean() > 0.8


def test_opencv_gives_what_all_layers_of_the_network_give() -> None:
    net = cv2.dnn.readNetFromTFLite(np.frombuffer(read_model(), np.uint8))
    segmenter = OpenCVSegmenter(read_model())
    rng = np.random.default_rng(3)
    for image in (drawn_person(360, 640), rng.integers(0, 256, (256, 256, 3), np.uint8)):
        net.setInput(cv2.dnn.blobFromImage(image, 1 / 255, (SMALL_PX, SMALL_PX), swapRB=True))
        np.testing.assert_allclose(segmenter.small_probability(image), net.forward()[0, 0], rtol=0, atol=1e-6)


@pytest.mark.skipif(not IS_COMPILED, reason="is about speed")
def test_opencv_runs_no_layer_in_vain() -> None:
    net = cv2.dnn.readNetFromTFLite(np.frombuffer(read_model(), np.uint8))
    segmenter = OpenCVSegmenter(read_model())
    image = drawn_person(256, 256)

    def run_all() -> None:
        net.setInput(cv2.dnn.blobFromImage(image, 1 / 255, (SMALL_PX, SMALL_PX), swapRB=True))
        net.forward()

    def shortest_s(work: Callable[[], object]) -> float:
        return min(timeit.repeat(work, number=1, repeat=12, timer=time.thread_time))

    n_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        assert shortest_s(lambda: segmenter.small_probability(image)) < 0.75 * shortest_s(run_all)  # about half
    finally:
        cv2.setNumThreads(n_threads)


def test_the_large_mask_is_the_small_one_enlarged(segmenter: Segmenter) -> None:
    image = drawn_person(180, 320)
    small = segmenter.small_probability(image)
    assert small.shape == (SMALL_PX, SMALL_PX)
    assert small.dtype == np.float32
    large = segmenter.probability(image)
    np.testing.assert_array_equal(large, cv2.resize(small, (320, 180), interpolation=cv2.INTER_LINEAR))


def test_a_result_is_the_callers_and_the_image_too(segmenter: Segmenter) -> None:
    image = drawn_person(180, 320)
    before = image.copy()
    kept = segmenter.small_probability(image)
    copy = kept.copy()
    other = segmenter.small_probability(np.ascontiguousarray(image[:, ::-1] // 2))
    assert (other != copy).any()
    np.testing.assert_array_equal(kept, copy)
    other[:] = 7  # results may be written to
    np.testing.assert_array_equal(segmenter.small_probability(image), copy)
    np.testing.assert_array_equal(image, before)


def test_the_small_mask_takes_no_memory_of_the_frames_size(segmenter: Segmenter) -> None:
    image = drawn_person(1080, 1920)
    segmenter.small_probability(image)
    tracemalloc.start()
    for _ in range(3):
        segmenter.small_probability(image)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # At most the network's input, what is kept of its layers, its output and a copy of each; a mask of the frame would
    # be 8.3 MB.
    assert peak_bytes < 2 * 4 * SMALL_PX**2 * (3 + 4 + 1)


@needs_litert
def test_both_back_ends_agree(shared: Path) -> None:
    one, other = open_segmenter("opencv"), open_segmenter("litert", n_threads=2)
    for image in (drawn_person(360, 640), real_picture(shared)):
        np.testing.assert_allclose(one.probability(image), other.probability(image), rtol=0, atol=BACKENDS_AGREE)


def test_auto_takes_the_quicker_back_end_that_is_there() -> None:
    assert open_segmenter().backend == ("litert" if HAS_LITERT else "opencv")
    assert set(get_args(Backend)) == {"auto", "opencv", "litert"}


def test_without_litert_auto_goes_on_and_litert_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    really_import = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.startswith("ai_edge_litert"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return really_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert open_segmenter("auto").backend == "opencv"
    with pytest.raises(PipelineError, match=r"litert.*pip install 'backroom\[litert\]'.*opencv") as caught:
        open_segmenter("litert")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("backend", get_args(Backend))
def test_a_missing_model_is_never_passed_over(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segmentation, "files", lambda package: tmp_path / package)
    with pytest.raises(PipelineError, match=r"selfie_segmentation.tflite cannot be read.*reinstall") as caught:
        open_segmenter(backend)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_model_is_never_run(damage: str, tmp_path: Path) -> None:
    model = bytearray(read_model())
    model[len(model) // 2] ^= 1
    kept = {"cut": model[:-1], "changed": model, "empty": b""}[damage]
    path = tmp_path / "model.tflite"
    path.write_bytes(kept)
    with pytest.raises(PipelineError, match=rf"is damaged: got {len(kept)} bytes.*wanted 9ee168ec7c8f.*reinstall"):
        read_model(path)


def test_opencv_gives_what_the_calls_beside_the_project_are_made_with(shared: Path) -> None:
    spec = importlib.util.spec_from_file_location("bench_calls", shared / "bench" / "calls.py")
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    picture = real_picture(shared)
    theirs = bench.Segmenter(str(shared / "models/selfie_segmentation.tflite"))(picture)
    np.testing.assert_allclose(OpenCVSegmenter(read_model()).probability(picture), theirs, rtol=0, atol=1e-6)
