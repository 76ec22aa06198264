"""Calls to learn from: as different as code can make them from one man, a few passers-by, and a dozen of photos.

What a call is made of is drawn by its number alone: client, person (a man before a blue screen, or, in every eighth
call, people of a fixed camera), the person's size, place, movement, colours and, in some, a pattern laid on clothes and
face; room and backdrop (drawn ones, and cuts of photos with other colours); the webcam's noise; the codec's
quality. Every fourth call leaks nothing.

The photos are those that scikit-image and scikit-learn ship with and one beside the project. The rooms and backdrops
of the table (`calls.py`) are not among them, so that it stays a fair test, and of the passers-by only the seconds
that the table does not show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import skimage
import sklearn
from clients import ALL_PERSON, STYLES, Client
from numba import njit
from person_clips import read_person
from scenery import Layer, Picture, Size, draw_backdrop, draw_room
from simulated_call import CallPlan, Recording, Truth, sway_at

from pipelines.segmentation import open_segmenter

SIZE: Size = (640, 360)
LEAK_ALPHA = 0.4
"""A frame whose leak alpha is over this shows the room rather than the backdrop."""
SEED = 7000
SKIMAGE, SKLEARN = Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets" / "images"
SKIMAGE_PHOTOS = (
    *("astronaut.png", "brick.png", "chelsea.png", "coffee.png", "grass.png", "hubble_deep_field.jpg"),
    *("motorcycle_left.png", "rocket.jpg", "ihc.png", "gravel.png"),
)
SKLEARN_PHOTOS = ("china.jpg", "flower.jpg")
MAN_FRAMES, PEOPLE_FRAMES = 1438, 1394
PEOPLE_FROM = 750
"""The table's call shows the passers-by before this frame."""
PEOPLE_LARGER = 1.15
NOISE_FRAMES = 4
"""So many frames of noise are drawn, and each of a call's begins somewhere in them: drawing all takes longer than
segmenting."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What a call is made of.

    Attributes
    ----------
    style : str
        The client.
    is_people : bool
        Passers-by instead of the man.
    start, n_frames : int
        Part of the clip.
    crf : int
        Quality of H.264.
    noise : float
        Sigma of the webcam's noise in codes.
    scale, shift, sway : float
        Height of the clip as a share of the frame's, place and sideways movement as shares of the width.
    is_mirrored, is_recolored, is_patterned : bool
        What is done to the person.
    """

    style: str
    is_people: bool
    start: int
    n_frames: int
    crf: int
    noise: float
    scale: float
    shift: float
    sway: float
    is_mirrored: bool
    is_recolored: bool
    is_patterned: bool


def draw_plan(number: int, rng: np.random.Generator) -> TrainingPlan:
    """Draw the plan of a call; all four clients come up alike, and every fourth call leaks nothing."""
    leaks_nothing, is_people = number % 4 == 3, number % 8 == 1
    n_frames = int(rng.integers(350, 751))
    n_frames = min(n_frames, 600) if is_people else n_frames
    first, end = (PEOPLE_FROM, PEOPLE_FRAMES) if is_people else (0, MAN_FRAMES)
    return TrainingPlan(
        "eroded" if leaks_nothing else STYLES[(number + number // 4) % 4],
        is_people,
        int(rng.integers(first, end - n_frames + 1)),
        n_frames,
        int(rng.integers(22, 30)),
        float(rng.uniform(0.5, 3)),
        float(rng.uniform(0.6, 1.05)),
        float(rng.uniform(-0.15, 0.15)),
        float(rng.uniform(0, 0.06)),
        bool(rng.random() < 0.5),
        bool(rng.random() < 0.65),
        bool(rng.random() < 0.3),
    )


def make_training_call(out: Path, number: int, data: Path) -> None:
    """Make a call, or keep the one that is there.

    Parameters
    ----------
    out : Path
        Folder to write: call.mp4, room.png, reference.png and truth.npz: `leaks`, packed bits of which pixels leaked
        by more than `LEAK_ALPHA` in each frame, and `w`.
    number : int
        Which call.
    data : Path
        Folder of footage.
    """
    if (out / "truth.npz").exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED + number)
    plan = draw_plan(number, rng)
    room, backdrop = (_draw_scenery(rng, is_room, data) for is_room in (True, False))
    segmenter, client, truth, leaks = open_segmenter(), Client(plan.style), Truth(*SIZE[::-1]), []
    call = CallPlan("", width=SIZE[0], height=SIZE[1])
    noises = np.float32(plan.noise) * rng.standard_normal(NOISE_FRAMES * 3 * SIZE[0] * SIZE[1], dtype=np.float32)
    leak = np.empty(SIZE[::-1], np.float32)
    with Recording(out / "call.mp4", call, plan.crf) as recording:
        for t, (matte, person) in enumerate(_people(plan, rng, data)):
            camera, sent = np.empty((2, *SIZE[::-1], 3), np.uint8)
            see(matte, person, room, noises[rng.integers(noises.size - camera.size) :], camera)
            probability = matte if plan.style == "eroded" else segmenter.probability(camera)
            send(client.mask(probability, matte), matte, camera, backdrop, sent, leak)
            recording.write(sent)
            truth.note(t, leak, room, backdrop)
            leaks.append(np.packbits(leak > LEAK_ALPHA))
    for name, picture in truth.pictures().items():
        cv2.imwrite(str(out / f"{name}.png"), picture)
    np.savez(out / "truth.npz", leaks=np.stack(leaks), w=truth.weights)


@njit(cache=True, nogil=True)
def see(
    matte: Layer, person: Layer, room: Layer, noises: npt.NDArray[np.float32], camera: npt.NDArray[np.uint8]
) -> None:
    """Write what a camera sees: the person before the room, and its noise."""
    i = 0
    for y in range(matte.shape[0]):
        for x in range(matte.shape[1]):
            a = matte[y, x]
            for c in range(3):
                seen = a * person[y, x, c] + (np.float32(1) - a) * room[y, x, c] + noises[i]
                camera[y, x, c] = np.uint8(min(max(seen, np.float32(0)), np.float32(255)))
                i += 1


@njit(cache=True, nogil=True)
def send(mask: Layer, matte: Layer, camera: Picture, backdrop: Layer, sent: npt.NDArray[np.uint8], leak: Layer) -> None:
    """Write what the client sends, and how much of it is the room's."""
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            m = mask[y, x]
            leak[y, x] = np.float32(0) if matte[y, x] >= ALL_PERSON else m * (np.float32(1) - matte[y, x])
            for c in range(3):
                mixed = m * np.float32(camera[y, x, c]) + (np.float32(1) - m) * backdrop[y, x, c]
                sent[y, x, c] = np.uint8(min(max(mixed, np.float32(0)), np.float32(255)))


def _people(plan: TrainingPlan, rng: np.random.Generator, data: Path) -> Iterator[tuple[Layer, Layer]]:
    """Yield matte and colours of each frame, of the call's size."""
    if plan.is_people:
        plate = cv2.imread(str(data / "people_one_by_one_plate.png"))
        assert plate is not None
        clip = read_person(data / "people_one_by_one.mp4", plan.start, None, plate.astype(np.uint8, copy=False))
    else:
        clip = read_person(data / "talking_face_blue_screen.mp4", plan.start)
    order = rng.permutation(3) if plan.is_recolored and not plan.is_people else np.arange(3)
    gain = rng.uniform(0.7, 1.2, 3) if plan.is_recolored else np.ones(3)
    gamma = rng.uniform(0.7, 1.4) if plan.is_recolored else 1.0
    codes = np.arange(256) / 255
    worn_as = np.clip(255 * codes[:, np.newaxis] ** gamma * gain, 0, 255).astype(np.float32)[np.newaxis]
    mix = rng.uniform(0.25, 0.6)
    pattern = _cut(_photo(rng, data), rng).astype(np.float32) if plan.is_patterned else None
    height = PEOPLE_LARGER * max(plan.scale, 1 / PEOPLE_LARGER) if plan.is_people else plan.scale
    for t, (matte, colors) in zip(range(plan.n_frames), clip, strict=False):
        way = -1 if plan.is_mirrored else 1
        worn = np.ascontiguousarray(cv2.LUT(colors.astype(np.uint8), worn_as)[..., order][:, ::way], np.float32)
        if pattern is not None:
            worn = cv2.addWeighted(worn, 1 - mix, cv2.resize(pattern, worn.shape[1::-1]), mix, 0)
        to_and_fro = plan.sway * sway_at(t)
        x_px = SIZE[0] * (to_and_fro + (0 if plan.is_people else plan.shift))
        yield _placed(matte[:, ::way], worn, height, float(x_px))


def _placed(matte: Layer, colors: Layer, height: float, x_px: float) -> tuple[Layer, Layer]:
    """Stand a person on the frame's lower edge, `height` times as high as the frame."""
    scale = SIZE[1] * height / matte.shape[0]
    left, top = (SIZE[0] - scale * matte.shape[1]) / 2 + x_px, SIZE[1] - scale * matte.shape[0] + 0.5
    move = np.array([[scale, 0, left], [0, scale, top]], np.float32)
    layers = (np.ascontiguousarray(layer, np.float32) for layer in (matte, colors))
    placed_matte, placed = (cv2.warpAffine(layer, move, SIZE, flags=cv2.INTER_LINEAR) for layer in layers)
    return placed_matte.astype(np.float32, copy=False), placed.astype(np.float32, copy=False)


def _draw_scenery(rng: np.random.Generator, is_room: bool, data: Path) -> Layer:
    """Draw a room or a backdrop: a cut of a photo, or one drawn by code; both with other colours."""
    if rng.random() < 0.5:
        return _recolored(_cut(_photo(rng, data), rng), rng)
    number = int(rng.integers(100, 10000))
    return _recolored((draw_room if is_room else draw_backdrop)(number, SIZE), rng)


def _photo(rng: np.random.Generator, data: Path) -> Picture:
    photos = [
        *(SKIMAGE / name for name in SKIMAGE_PHOTOS),
        *(SKLEARN / name for name in SKLEARN_PHOTOS),
        data / "people_one_by_one_plate.png",
    ]
    photo = cv2.imread(str(photos[rng.integers(len(photos))]))
    assert photo is not None
    return photo.astype(np.uint8, copy=False)


def _cut(photo: Picture, rng: np.random.Generator) -> Picture:
    """Cut a part of the frame's shape out of a photo, and mirror it half of the time."""
    height, width = photo.shape[:2]
    cut_width = min(width, height * SIZE[0] / SIZE[1]) * rng.uniform(0.55, 1)
    cut_height = cut_width * SIZE[1] / SIZE[0]
    x, y = rng.uniform(0, width - cut_width), rng.uniform(0, height - cut_height)
    part = photo[int(y) : int(y + cut_height), int(x) : int(x + cut_width)]
    part = np.ascontiguousarray(part[:, ::-1] if rng.random() < 0.5 else part)
    way = cv2.INTER_AREA if cut_height > SIZE[1] else cv2.INTER_CUBIC
    return cv2.resize(part, SIZE, interpolation=way).astype(np.uint8, copy=False)


def _recolored(picture: Picture, rng: np.random.Generator) -> Layer:
    """Change the order of the channels, the light of each, and the contrast; each only some of the time."""
    colors = picture.astype(np.float32)
    if rng.random() < 0.5:
        colors = colors[..., rng.permutation(3)]
    gain = rng.uniform(0.75, 1.15, 3) if rng.random() < 0.6 else np.ones(3)
    gamma = rng.uniform(0.75, 1.35) if rng.random() < 0.5 else 1.0
    return np.clip(255 * (colors / 255) ** gamma * gain, 0, 255).astype(np.float32)
