"""What is trained in PyTorch is what runs without it, and the calls to learn from are drawn by their number."""

import numpy as np
import pytest

from pipelines.reconstruction.leak import cells, claims
from pipelines.reconstruction.leak.evidence import N_SLOTS
from pipelines.reconstruction.leak.likeness import OBSERVED, WEIGHTS

pytest.importorskip("skimage", reason="training calls are cut from scikit-image's photos: uv run --group judges")
pytest.importorskip("sklearn", reason="training calls are cut from scikit-learn's photos: uv run --group training")

HEIGHT, WIDTH = 32, 48


def test_a_training_call_is_drawn_by_its_number_alone():
    from training_calls import draw_plan

    plans = [draw_plan(number, np.random.default_rng(number)) for number in range(16)]
    assert plans == [draw_plan(number, np.random.default_rng(number)) for number in range(16)]
    assert sum(plan.style == "eroded" for plan in plans) == 4
    assert {plan.style for plan in plans} == {"threshold", "ema", "late", "dilate", "eroded"}
    assert sum(plan.is_people for plan in plans) == 2


def test_what_the_camera_sees_and_the_client_sends_is_mixed_as_the_formulas_say(rng):
    from clients import ALL_PERSON
    from training_calls import see, send

    matte, mask = rng.random((2, HEIGHT, WIDTH), np.float32)
    matte[:4] = 1
    person, room, backdrop = rng.uniform(0, 255, (3, HEIGHT, WIDTH, 3)).astype(np.float32)
    noises = rng.normal(0, 20, HEIGHT * WIDTH * 3).astype(np.float32)
    camera, sent = np.empty((2, HEIGHT, WIDTH, 3), np.uint8)
    leak = np.empty((HEIGHT, WIDTH), np.float32)
    see(matte, person, room, noises, camera)
    send(mask, matte, camera, backdrop, sent, leak)
    a, m = matte[..., np.newaxis], mask[..., np.newaxis]
    seen = np.clip(a * person + (1 - a) * room + noises.reshape(person.shape), 0, 255)
    assert np.abs(camera - seen.astype(np.uint8).astype(int)).max() <= 1  # rounding of the last bit
    mixed = np.clip(m * camera + (1 - m) * backdrop, 0, 255)
    assert np.abs(sent - mixed.astype(np.uint8).astype(int)).max() <= 1
    np.testing.assert_allclose(leak, np.where(matte >= ALL_PERSON, 0, mask * (1 - matte)), rtol=1e-6)


@pytest.fixture
def call(rng):
    """Colours and planes of a call that nobody held."""
    from witness import Witnessed

    owners = np.sort(rng.choice(HEIGHT * WIDTH * N_SLOTS, 2000, replace=False))
    y, x = np.divmod(owners // N_SLOTS, WIDTH)
    planes = [rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(2)]
    rows = rng.normal(size=(2000, claims.N_FEATURES)).astype(np.float32)
    backdrop = rng.uniform(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32)
    known = rng.integers(0, 2, (HEIGHT, WIDTH)).astype(np.float32)
    weights = rng.random((HEIGHT, WIDTH), np.float32)
    return owners, Witnessed(rows, rng.random(2000, np.float32), y, x, backdrop, known, *planes, weights)


def test_the_trained_network_judges_as_its_file_does(call, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: uv run --with torch")
    from learner import Learner, Piece

    owners, call = call
    torch.manual_seed(0)
    learner = Learner([call]).eval()
    truths = (call.room.astype(np.float32), call.reference.astype(np.float32))
    pixels = call.y * WIDTH + call.x
    piece = Piece(call.rows, call.causal_share, pixels, call.backdrop, *truths, call.known, call.weights)
    with torch.no_grad():
        guess, log_odds, colors = learner(learner.batch([piece]), torch.arange(len(owners)))

    network = learner.network()
    embedded, first_guess = network.encode(call.rows)
    gathered = np.zeros((cells.n_channels(network.n_embedded), HEIGHT // 2, WIDTH // 2), np.float32)
    blue = claims.FEATURES.index("blue")
    tints = call.rows[:, blue : blue + 3]
    owners = owners.astype(np.int32)
    cells.gather_cells(owners, embedded, first_guess, tints, call.backdrop, call.known.astype(np.uint8), 0, gathered)
    around = np.empty((len(owners), network.n_context), np.float32)
    cells.look_around(owners, network.context(gathered), WIDTH, around)
    judged, shifts = network.judge(embedded, around)
    np.testing.assert_allclose(first_guess, guess.numpy(), atol=1e-4)
    np.testing.assert_allclose(judged, log_odds.numpy(), atol=1e-3)
    np.testing.assert_allclose((tints + 1) * claims.HALF_RANGE + shifts, colors.numpy(), atol=1e-2)


def test_what_tells_leaks_from_other_frames_of_a_pixel_is_learnt(rng):
    pytest.importorskip("torch")
    from train_likeness import Noted, learn, pairs, prepared

    telling = OBSERVED.index("distance to the backdrop")
    n = 4000
    rows = rng.uniform(0, 60, (n, len(OBSERVED))).astype(np.float32)
    leaks = rng.random(n) < 0.5
    rows[leaks, telling] += 30
    pixels = rng.integers(0, 200, n)
    noted = Noted(rows, pixels, leaks, leaks, np.ones(n, np.float32))
    one, other, _ = drawn = pairs(noted, rng)
    assert set(map(bytes, one)) <= set(map(bytes, rows[leaks]))
    assert set(map(bytes, other)) <= set(map(bytes, rows[~leaks]))
    weights = dict(zip(WEIGHTS, learn([drawn]), strict=True))
    spreads = dict(zip(WEIGHTS, prepared(rows).std(axis=0), strict=True))
    counts = {name: abs(weights[name]) * spreads[name] for name in WEIGHTS}
    assert weights["distance to the backdrop"] > 0
    assert counts.pop("distance to the backdrop") > 5 * max(counts.values())


def test_a_call_with_hardly_a_leak_gives_no_pairs(rng):
    pytest.importorskip("torch")
    from train_likeness import Noted, pairs

    rows = np.zeros((100, len(OBSERVED)), np.float32)
    few = np.arange(100) < 10
    assert all(len(part) == 0 for part in pairs(Noted(rows, np.zeros(100, np.int64), few, few, rows[:, 0]), rng))
