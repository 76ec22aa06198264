"""Sub-frames of the graphics card (software's, here) against a slow twin of the formula, pixel by pixel."""

from collections.abc import Iterator

import numpy as np
import pytest
from xserver import x_server

from config.schema import PlaySettings
from pipelines.base import Image
from pipelines.color import codes_from_linear, to_linear
from pipelines.kaleido.codes import CODES
from pipelines.kaleido.contract import Code, Pattern, Tables
from pipelines.kaleido.pipeline import KaleidoEncoder, make_curves
from stream.display.subframes import SubframeDrawer
from stream.display.window import Window

HEIGHT, WIDTH = 61, 83
EPSILON = 5

F = np.float32

MOST_ELSEWHERE = 1e-4
"""Share of values that may differ at all: a card that fuses a product and a sum rounds a few to the other side."""


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    with x_server(320, 240) as display:
        monkeypatch.setenv("DISPLAY", display)
        window = Window("sub-frames", HEIGHT, WIDTH)
        yield window
        window.close()


def made_tables(code: Code, rng: np.random.Generator, delta: float) -> Tables:
    pattern = Pattern(
        rng.integers(0, code.n_slots, (HEIGHT, WIDTH), np.uint8),
        rng.integers(0, 256, (HEIGHT, WIDTH), np.uint8),
        rng.integers(-1, 2, (HEIGHT, WIDTH), np.int8),
    )
    axes = rng.uniform(-0.3, 0.3, (16, 16, 16, 6, 3)).astype(np.float32)
    d = np.stack([a * axes[..., i, :] + b * axes[..., i + 1, :] for i in (0, 2) for a, b in code.chroma])
    axes[..., 4, :], axes[..., 5, :] = 1 / np.maximum(1e-6, [-d, d]).max(axis=1)
    shown = (0.1 + 0.8 * to_linear(np.arange(256) / 255.0)).astype(np.float32)
    return Tables(code, shown, axes, delta, pattern)


def nearest(light: np.ndarray, limits: np.ndarray) -> Image:
    return np.searchsorted(np.unique(limits), np.clip(light, F(0), F(1)), side="right").astype(np.uint8)


def split(picture: Image, chosen_for: Image, tables: Tables, strength: float) -> list[Image]:
    """Make a cycle as the contract has it, for whole pictures at once, in single precision."""
    curves = make_curves(tables)
    n, pattern = tables.code.n_slots, tables.pattern
    v = tables.shown[picture]
    b, g, r = (chosen_for[..., c] // (256 // tables.axes.shape[0]) for c in range(3))
    *both, per_fall, per_rise = np.moveaxis(tables.axes[b, g, r], 2, 0)
    p, q = np.where(pattern.luma_sign[..., None] < 0, both[-2:], both[:2])
    gain = (pattern.gain.astype(F) * F(1 / 255))[..., None]
    room = np.minimum(curves.fall[picture] * per_fall, curves.rise[picture] * per_rise).min(axis=2, keepdims=True)
    gain = np.minimum(gain, room)
    p, q = gain * p, gain * q
    brightest = v.max(axis=2, keepdims=True)
    delta = F(tables.delta)
    room = np.where(brightest * (F(1) + delta) > 1, F(1) / brightest - F(1), delta)
    pollution = room * pattern.luma_sign.astype(F)[..., None]
    rest = F(n) * v
    codes = []
    for (along_p, along_q), luma in zip(tables.code.chroma[:-1], tables.code.luma[:-1], strict=True):
        by_p, by_q = F(along_p) * F(strength), F(along_q) * F(strength)
        shifted = v * (F(1) + F(luma) * F(strength) * pollution) + by_p * p + by_q * q
        codes.append(nearest(shifted, curves.limits))
        rest = rest - curves.light[codes[-1]]
    codes.append(nearest(rest, curves.limits))
    stacked = np.stack(codes)
    y, x = np.indices(pattern.phase.shape)
    return [stacked[(slot + pattern.phase.astype(int)) % n, y, x] for slot in range(n)]


def load(drawer: SubframeDrawer, where: int, picture: Image) -> None:
    for part in range(5):
        drawer.load(where, picture, part, 5)


def read_cycle(drawer: SubframeDrawer, where: int, strength: float, n_slots: int) -> list[Image]:
    for part in range(n_slots):
        drawer.render(where, strength, part, n_slots)
    return [drawer.read(where, slot) for slot in range(n_slots)]


@pytest.mark.screen
@pytest.mark.parametrize("name", CODES)
def test_sub_frames_are_the_formulas(window: Window, name: str, rng: np.random.Generator) -> None:
    code = CODES[name]
    tables = made_tables(code, rng, 0.04 if any(code.luma) else 0.0)
    drawer = SubframeDrawer(window.context, tables, EPSILON, window.size_px)
    picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    chosen_for = picture
    for turn, strength in enumerate((1.0, 0.3, 1.0)):
        load(drawer, turn % 2, picture)
        got = read_cycle(drawer, turn % 2, strength, code.n_slots)
        expected = split(picture, chosen_for, tables, strength)
        for mine, theirs in zip(got, expected, strict=True):
            far = np.abs(mine.astype(int) - theirs)
            assert far.max() <= 1
            assert (far > 0).mean() <= MOST_ELSEWHERE
        # The next picture is a little off: colours keep their axes unless they went farther than epsilon.
        moved = np.clip(picture.astype(int) + rng.integers(-8, 9, picture.shape), 0, 255).astype(np.uint8)
        is_far = np.abs(moved.astype(int) - chosen_for).max(axis=2, keepdims=True) > EPSILON
        picture, chosen_for = moved, np.where(is_far, moved, chosen_for)


@pytest.mark.screen
def test_without_room_to_move_all_sub_frames_are_the_picture_within_a_code(
    window: Window, rng: np.random.Generator
) -> None:
    tables = made_tables(CODES["triple"], rng, 0.0)
    tables.pattern.gain[:] = 0
    drawer = SubframeDrawer(window.context, tables, EPSILON, window.size_px)
    picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    load(drawer, 0, picture)
    plain = codes_from_linear(tables.shown)[picture]
    for subframe in read_cycle(drawer, 0, 1.0, 3):
        assert np.abs(subframe.astype(int) - plain).max() <= 1


@pytest.mark.screen
def test_what_is_shown_is_the_sub_frame_or_the_plain_picture_the_right_way_up(
    window: Window, rng: np.random.Generator
) -> None:
    tables = made_tables(CODES["abba"], rng, 0.02)
    drawer = SubframeDrawer(window.context, tables, EPSILON, window.size_px)
    picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    load(drawer, 1, picture)
    cycle = read_cycle(drawer, 1, 0.7, 4)

    def on_screen() -> Image:
        raw = np.frombuffer(window.context.screen.read(components=3, alignment=1), np.uint8)
        return raw.reshape(HEIGHT, WIDTH, 3)[::-1, :, ::-1]

    drawer.show(1, 2)
    np.testing.assert_array_equal(on_screen(), cycle[2])
    drawer.show_plain(1)
    np.testing.assert_array_equal(on_screen(), codes_from_linear(tables.shown)[picture])


@pytest.mark.screen
@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("headroom", ["adaptive", "compressed"])
def test_the_card_and_the_processor_make_the_same_film(
    window: Window, name: str, headroom: str, rng: np.random.Generator
) -> None:
    code = CODES[name]
    settings = PlaySettings.model_validate({"headroom": headroom, "epsilon": EPSILON, "pattern": "smooth", "seed": 3})
    encoder = KaleidoEncoder(settings, code, 0.03)
    encoder.warm_up(HEIGHT, WIDTH)
    drawer = SubframeDrawer(window.context, encoder.tables, EPSILON, window.size_px)
    picture = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    expected = [np.empty_like(picture) for _ in range(code.n_slots)]
    for turn, strength in enumerate((0.1, 0.5, 1.0, 1.0)):
        encoder.encode_cycle(picture, strength, expected)
        load(drawer, turn % 2, picture)
        for mine, theirs in zip(read_cycle(drawer, turn % 2, strength, code.n_slots), expected, strict=True):
            far = np.abs(mine.astype(int) - theirs)
            assert far.max() <= 1
            assert (far > 0).mean() <= MOST_ELSEWHERE
        picture = np.clip(picture.astype(int) + rng.integers(-8, 9, picture.shape), 0, 255).astype(np.uint8)
