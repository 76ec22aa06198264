"""What counts as exposed: leaks of known size, none, and what only looks like one."""

from collections.abc import Iterator

import numpy as np
import pytest

from pipelines.base import Image
from pipelines.protection.exposure import GRID_LINES, ROOM_CODES, ExposureMeter, Exposures, beyond_chance

HEIGHT, WIDTH = 60, 90
PERSON = slice(30, 60)
MAGENTA = np.array((255, 0, 255), np.uint8)
NOISE_CODES = 2.0
# Noise takes a pixel in a thousand beyond what is taken for room, and a leak has sixty.
OF_NOISE = 0.04


class Scene:
    """A drawn room with a person in the middle third, before a noisy camera, shown over magenta by exact masks."""

    def __init__(self, rng: np.random.Generator, height: int = HEIGHT, width: int = WIDTH) -> None:
        self._rng = rng
        self.room = rng.integers(20, 110, (height, width, 3)).astype(np.uint8)
        self.is_person = np.zeros((height, width), bool)
        self.is_person[height // 4 :, width // 3 : 2 * width // 3] = True
        self.known = ~self.is_person
        self.mask = self.is_person.astype(np.float32)

    def camera(self) -> Image:
        seen = self.room + self._rng.normal(0, NOISE_CODES, self.room.shape)
        seen[self.is_person] = (120, 150, 230)
        return np.clip(seen, 0, 255).astype(np.uint8)

    def output(self, camera: Image) -> Image:
        return np.where(self.mask[..., np.newaxis] > 0, camera, MAGENTA)

    def add(self, meter: ExposureMeter, output: Image | None = None, camera: Image | None = None) -> Exposures:
        camera = self.camera() if camera is None else camera
        shown = self.output(camera) if output is None else output
        return meter.add(camera, shown, self.room, self.known, self.mask)


@pytest.fixture
def scene(rng: np.random.Generator) -> Scene:
    return Scene(rng)


def strips(n: int) -> Iterator[tuple[slice, slice]]:
    """`n` strips of 3 x 20 pixels above the person, one under the other."""
    return ((slice(2 + 3 * i, 5 + 3 * i), slice(40, 60)) for i in range(n))


def test_an_output_without_leaks_exposes_nothing(scene: Scene) -> None:
    meter = ExposureMeter()
    for _ in range(20):
        figures = scene.add(meter)
    assert (figures.once, figures.now, figures.worst, figures.beyond_chance) == (0, 0, 0, 0)
    assert figures.n_frames == 20
    assert figures.room == scene.known.mean()


def test_leaks_of_known_size_are_measured_and_add_up_once(scene: Scene) -> None:
    meter = ExposureMeter()
    n_room = scene.known.sum()
    for n, part in enumerate(strips(3), 1):
        for _ in range(2):  # the same leak again is no new one
            scene.mask[part] = 1
            figures = scene.add(meter)
            scene.mask[part] = 0
            assert figures.once == pytest.approx(60 * n / n_room, rel=OF_NOISE)
            assert figures.now == pytest.approx(60 / n_room, rel=OF_NOISE)
    figures = scene.add(meter)
    assert (figures.now, figures.worst) == (0, pytest.approx(60 / n_room, rel=OF_NOISE))


def test_a_person_is_no_room_though_the_mask_shows_them_all_the_time(scene: Scene) -> None:
    scene.known[:] = True
    meter = ExposureMeter()
    for _ in range(5):
        figures = scene.add(meter)
    assert figures.once == 0
    assert figures.room == (~scene.is_person).mean()


def test_single_pixels_of_a_person_may_have_the_rooms_colour(scene: Scene) -> None:
    scene.known[:] = True
    meter = ExposureMeter()
    camera = scene.camera()
    camera[35:55:4, 40:50:4] = scene.room[35:55:4, 40:50:4]
    assert scene.add(meter, camera=camera).once == 0


def test_a_background_like_the_room_is_no_leak_where_the_mask_hides_it(scene: Scene) -> None:
    meter = ExposureMeter()
    for _ in range(5):
        camera = scene.camera()
        output = np.where(scene.mask[..., np.newaxis] > 0, camera, scene.room)
        figures = scene.add(meter, output, camera)
    assert figures.once == 0


def test_without_a_mask_such_a_background_is_chance_as_far_as_a_mirror_shows_it(rng: np.random.Generator) -> None:
    scene = Scene(rng)
    scene.room[:] = 90
    scene.room[:6] = 30
    meter = ExposureMeter()
    output = np.full_like(scene.room, 90)
    figures = meter.add(scene.camera(), output, scene.room, scene.known)
    assert 0.7 < figures.once < 1 - 6 * WIDTH / scene.known.sum()  # noise takes a few of the grey pixels away
    assert figures.beyond_chance == pytest.approx(0, abs=0.02)


def test_a_mask_that_is_not_obeyed_is_a_leak(scene: Scene) -> None:
    meter = ExposureMeter()
    camera = scene.camera()
    figures = scene.add(meter, camera.copy(), camera)
    assert figures.once == 1
    assert figures.worst == 1


def test_what_was_shown_before_the_room_was_known_is_judged_when_it_is(scene: Scene) -> None:
    meter = ExposureMeter()
    all_known = scene.known.copy()
    scene.known[:] = False
    (part,) = strips(1)
    scene.mask[part] = 1
    assert scene.add(meter).once == 0
    scene.mask[part] = 0
    scene.add(meter)
    scene.known = all_known
    figures = scene.add(meter)
    assert figures.once == pytest.approx(60 / all_known.sum(), rel=0.05)  # noise takes a pixel or two
    assert scene.add(meter).once == pytest.approx(figures.once, rel=0.01)


def test_little_known_room_does_not_make_two_pixels_a_disaster(scene: Scene) -> None:
    scene.known[:] = False
    scene.known[2:10, 40:60] = True
    scene.mask[4:6, 44:54] = 1
    assert ExposureMeter().add(*(camera := scene.camera(), scene.output(camera)), scene.room, scene.known).once == (
        pytest.approx(20 / (0.1 * HEIGHT * WIDTH))
    )


@pytest.mark.parametrize("noise_codes", [0.0, 1.0, 2.0, 3.0])
def test_what_is_room_goes_by_the_cameras_noise(
    noise_codes: float, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.NOISE_CODES", noise_codes)
    scene = Scene(rng)
    for _ in range(3):
        figures = scene.add(ExposureMeter())
    assert figures.room == pytest.approx(scene.known.mean(), rel=0.02)
    camera = scene.camera()
    # A part beyond the noise: seven standard deviations, or 6 codes where there is next to none.
    camera[:, 70:80] = np.clip(camera[:, 70:80].astype(np.int16) + round(7 * noise_codes + 6), 0, 255)
    assert scene.add(ExposureMeter(), camera=camera).room == pytest.approx(figures.room - 10 / WIDTH, abs=0.01)


def test_room_in_other_light_is_not_taken_for_room(scene: Scene) -> None:
    camera = scene.camera()
    scene.room += round(ROOM_CODES[1]) + 10
    scene.mask[:] = 1
    assert scene.add(ExposureMeter(), camera=camera).room == 0


@pytest.mark.parametrize("times", [2, 3])
def test_large_frames_are_measured_on_a_grid_with_the_same_shares(times: int, rng: np.random.Generator) -> None:
    scene = Scene(rng, times * GRID_LINES, times * 96)
    scene.mask[: times * 36, times * 12 : times * 24] = 1
    figures = scene.add(ExposureMeter())
    assert figures.once == pytest.approx(36 * 12 / (scene.known.sum() / times**2), rel=0.02)


def test_another_size_or_another_room_begins_anew(scene: Scene, rng: np.random.Generator) -> None:
    meter = ExposureMeter()
    scene.mask[:] = 1
    assert scene.add(meter).once > 0
    assert Scene(rng, 30, 40).add(meter).once == 0
    scene.add(meter)
    meter.forget()
    scene.mask[:] = 0
    assert scene.add(meter).once == 0


@pytest.mark.parametrize(("share", "chance", "beyond"), [(0.5, 0, 0.5), (0.5, 0.5, 0), (0.2, 0.4, 0), (1, 0.4, 1)])
def test_chance_is_taken_out_of_a_share(share: float, chance: float, beyond: float) -> None:
    assert beyond_chance(share, chance) == pytest.approx(beyond)
