import threading

import cv2
import numpy as np
import pytest

from config.schema import PageSettings
from pipelines.base import Image
from stream.view import pictures as module
from stream.view.bell import Bell
from stream.view.pictures import LOOK_LASTS_S, Encoded, Pictures, encode, shrink_bgra

JPEG_TOLERANCE = 6  # code values; a flat colour through JPEG at quality 80
ROUNDING = 1  # code values; averages are rounded once


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pictures(clock: Clock) -> Pictures:
    return Pictures(PageSettings(picture_rate_hz=10.0, picture_width_px=64), Bell(), clock)


def flat(value: int, height: int = 36, width: int = 64) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def taken(pictures: Pictures, name: str) -> Encoded:
    encoded = pictures.take(name, 0)
    assert encoded is not None
    return encoded


def decoded(encoded: Encoded) -> Image:
    return np.asarray(cv2.imdecode(np.frombuffer(encoded.body, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


def test_no_picture_is_wanted_while_nobody_looks(pictures: Pictures, clock: Clock) -> None:
    assert not pictures.is_due("call")
    pictures.look("call")
    assert pictures.is_due("call")
    clock.now_s += LOOK_LASTS_S + 0.1
    assert not pictures.is_due("call")


def test_looking_at_one_picture_asks_for_no_other(pictures: Pictures) -> None:
    pictures.is_due("call")
    pictures.is_due("room")
    pictures.look("room")
    assert pictures.is_due("room")
    assert not pictures.is_due("call")


def test_pictures_are_wanted_at_the_profiles_rate(pictures: Pictures, clock: Clock) -> None:
    pictures.is_due("call")
    n_shown = 0
    for _ in range(90):  # three seconds of 30 frames
        pictures.look("call")
        if pictures.is_due("call"):
            pictures.put("call", flat(0))
            n_shown += 1
        clock.now_s += 1 / 30
    assert 22 <= n_shown <= 30  # ten a second, quantised to every third or fourth frame


def test_a_name_that_has_no_place_is_never_wanted_and_never_kept(pictures: Pictures) -> None:
    pictures.put("secret", flat(1))
    assert not pictures.is_due("secret")
    assert pictures.take("secret", 0) is None
    assert pictures.versions() == {}


def test_a_reader_gets_the_newest_picture_and_not_the_ones_between(pictures: Pictures) -> None:
    for value in range(0, 200, 10):
        pictures.put("call", flat(value))
    encoded = taken(pictures, "call")
    assert abs(int(decoded(encoded).mean()) - 190) <= JPEG_TOLERANCE
    assert pictures.take("call", encoded.version) is None


def test_nothing_is_encoded_before_somebody_asks_and_then_once_for_all_readers(
    pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Image] = []

    def counted(image: Image, settings: PageSettings) -> tuple[bytes, str]:
        calls.append(image)
        return encode(image, settings)

    monkeypatch.setattr(module, "encode", counted)
    for value in range(30):
        pictures.put("call", flat(value))
    assert calls == []
    readers = [threading.Thread(target=pictures.take, args=("call", 0)) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(calls) == 1


def test_a_wide_picture_is_scaled_down_and_a_narrow_one_is_not_scaled_up(pictures: Pictures) -> None:
    pictures.put("call", flat(90, height=180, width=320))
    pictures.put("backdrop", flat(90, height=20, width=30))
    assert decoded(taken(pictures, "call")).shape == (36, 64, 3)
    assert decoded(taken(pictures, "backdrop")).shape == (20, 30, 3)


def test_what_the_method_does_not_claim_is_not_in_the_file(pictures: Pictures, rng: np.random.Generator) -> None:
    room = rng.integers(0, 256, (36, 64, 4), dtype=np.uint8)
    room[:, :, 3] = np.where(rng.random((36, 64)) < 0.5, 255, 0)
    pictures.put("room", room)
    encoded = taken(pictures, "room")
    seen = decoded(encoded)
    is_claimed = room[:, :, 3] == 255
    assert encoded.media_type == "image/png"
    assert np.array_equal(seen[is_claimed], room[is_claimed])
    assert not seen[~is_claimed].any()


def test_scaling_mixes_no_unclaimed_colour_into_a_claimed_one(rng: np.random.Generator) -> None:
    room = rng.integers(0, 256, (88, 160, 4), dtype=np.uint8)
    room[:, :, 3] = 0
    room[33:36, 60:62] = (10, 200, 90, 255)
    room[80, 100] = (250, 3, 77, 255)  # a single claimed pixel
    small = shrink_bgra(room, 40).astype(int)
    is_seen = small[:, :, 3] > 0
    assert is_seen.sum() <= 5
    single = small[20, 25]
    assert np.abs(single - (250, 3, 77, 16)).max() <= ROUNDING  # a sixteenth of 255
    others = small[is_seen & (np.arange(len(small))[:, None] < 15)]
    assert np.abs(others[:, :3] - (10, 200, 90)).max() <= ROUNDING
    assert not small[~is_seen].any()


def test_a_fully_claimed_room_is_scaled_like_any_picture(rng: np.random.Generator) -> None:
    room = np.full((120, 192, 4), 255, np.uint8)
    room[:, :, :3] = rng.integers(0, 256, (120, 192, 3), dtype=np.uint8)
    small = shrink_bgra(room, 64)
    plain = cv2.resize(room[:, :, :3], (64, 40), interpolation=cv2.INTER_AREA)
    assert small[:, :, 3].min() == 255
    assert np.abs(small[:, :, :3].astype(int) - plain).max() <= ROUNDING


def test_all_is_taken_when_every_picture_in_sight_was_fetched_in_its_newest_version(
    pictures: Pictures, clock: Clock
) -> None:
    pictures.put("call", flat(1))
    pictures.put("room", flat(1))
    assert pictures.all_taken()  # nobody looks
    pictures.look("call")
    assert not pictures.all_taken()
    pictures.take("call", 0)
    assert pictures.all_taken()
    pictures.put("call", flat(2))
    assert not pictures.all_taken()
    clock.now_s += LOOK_LASTS_S + 0.1
    assert pictures.all_taken()
