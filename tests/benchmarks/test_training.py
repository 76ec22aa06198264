"""What is trained in PyTorch is what runs without it, and the calls to learn from are drawn by their number."""

import numpy as np
import pytest

from pipelines.color import delta_e_2000, lab_from_bgr
from pipelines.reconstruction.leak import cells, claims
from pipelines.reconstruction.leak.evidence import N_SLOTS
from pipelines.reconstruction.leak.fusion import Likely
from pipelines.reconstruction.leak.fusion_pass import BASES, FIGURES, Around
from pipelines.reconstruction.leak.likeness import OBSERVED, WEIGHTS
from pipelines.reconstruction.leak.neighbours import MEANS

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


def around(rng, n=300):
    """Return what a pass sees of pixels that nobody showed."""
    return Around(
        rng.uniform(0, 255, (n, len(BASES), 3)).astype(np.float32),
        rng.normal(0, 3, (n, len(MEANS))).astype(np.float32),
        *rng.normal(0, 2, (2, n)).astype(np.float32),
        rng.normal(0, 1, (n, len(FIGURES))).astype(np.float16),
    )


def test_the_trained_pass_mixes_as_its_file_does(rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: uv run --with torch")
    from train_fusion import PassLearner

    torch.manual_seed(0)
    seen = around(rng)
    learner = PassLearner([seen])
    torch.nn.init.normal_(learner.layers["leave"].weight, std=0.05)
    with torch.no_grad():
        colors, log_odds = learner(seen)
    mixed, odds = learner.fusion_pass().mix(seen)
    np.testing.assert_allclose(mixed, colors.numpy().clip(0, 255), atol=2e-2)
    np.testing.assert_allclose(odds, log_odds.numpy(), atol=1e-3)


def test_the_distance_that_is_learnt_from_is_about_ciede2000(rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: uv run --with torch")
    from learner import lab_of
    from train_fusion import delta_e

    truth = rng.integers(0, 256, (2000, 3))
    found = np.clip(truth + rng.normal(0, 8, truth.shape), 0, 255).astype(np.uint8)
    truth = truth.astype(np.uint8)
    about = delta_e(*(lab_of(torch.from_numpy(each.astype(np.float32))) for each in (found, truth))).numpy()
    exact = delta_e_2000(*(lab_from_bgr(each[np.newaxis]) for each in (found, truth)))[0]
    assert np.corrcoef(about, exact)[0, 1] > 0.9
    assert 0.8 < np.median(about / np.hypot(exact, 0.5)) < 1.25


def test_a_pass_learns_to_take_the_base_that_is_right(rng):
    pytest.importorskip("torch", reason="PyTorch is not installed: uv run --with torch")
    from train_fusion import Judged, learn_pass

    seen = around(rng, 4000)
    right, nothing = seen.bases[:, BASES.index("far, alike")], np.zeros((4000, 3), np.float32)
    likely = Likely(np.arange(4000), seen.log_odds, right, seen.figures, nothing)
    ones = np.ones(4000, np.float32)
    call = Judged(likely, (40, 100), ones, right, right, ones)
    mixed, _ = learn_pass([call], [seen], 60, rng).mix(seen)
    untaught, _ = learn_pass([call], [seen], 1, rng).mix(seen)
    assert np.abs(mixed - right).mean() < 0.5 * np.abs(untaught - right).mean()
