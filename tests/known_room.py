"""A film for a call's camera, of a person in a room that is known, and the judging of what was found of that room.

The person is a man talking before a blue screen, keyed to an exact matte and set into a photo of a room with webcam
noise, as `bench/calls.py` of the shared footage does; its functions key and fit, so that both make the same scene.
What a real client leaks is not known frame by frame, so that this judge cannot say how much of it was found; it
says whether the room is found where it is more often than by chance.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.color import delta_e_2000, lab_from_bgr

Picture = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Layer = npt.NDArray[np.float32]

ROOM, BACKDROP, PERSON = "room_garage.png", "roomg/zoom_vbg.png", "talking_face_blue_screen.mp4"
# 14 s at the camera's 30 frames a second, then the same backwards: the film loops without a jump.
N_FRAMES = 420
NOISE_CODE_VALUES = 2.0
JPEG_QUALITY = 95
# Soft masks and leaks reach about this far beyond the person; measured on the calls of `chromium_call`.
LEAK_REACH_PX = 48
# CIEDE2000 under which a pixel is a find, as in the shared score.
FOUND = 4.0


@dataclass(frozen=True, slots=True)
class KnownRoom:
    """A scene with its truth.

    Attributes
    ----------
    room, backdrop : ndarray
        (height, width, 3) uint8 BGR: what is behind the person, and what the call shows instead.
    ever_person : ndarray
        (height, width) bool: where the person is in some frame.
    """

    room: Picture
    backdrop: Picture
    ever_person: Mask

    @property
    def far_from_person(self) -> Mask:
        """Where neither the person nor the soft edge of a mask ever comes: (height, width) bool."""
        reach = np.ones((2 * LEAK_REACH_PX + 1,) * 2, np.uint8)
        near = cv2.dilate(self.ever_person.astype(np.uint8), reach)
        return np.equal(near, 0)

    def shares_found(self, found: Picture, claimed: Mask) -> tuple[float, dict[str, float]]:
        """Return how often a claimed pixel shows the room, and how often by chance.

        Parameters
        ----------
        found : ndarray
            (height, width, 3) uint8 BGR, the reconstruction.
        claimed : ndarray
            (height, width) bool, the pixels that it claims.

        Returns
        -------
        right : float
            Share of claimed pixels that look like the room at their own place.
        by_chance : dict of str to float
            The same against the room put wrongly, so that it has the room's colours but not at their places.
        """
        height, width = claimed.shape
        wrong = {
            "mirrored": self.room[:, ::-1],
            "upside down": self.room[::-1],
            "turned": self.room[::-1, ::-1],
            "a quarter to the right": np.roll(self.room, width // 4, axis=1),
            "a sixth down": np.roll(self.room, height // 6, axis=0),
        }
        right = _share_like(found, self.room, claimed)
        return right, {name: _share_like(found, room, claimed) for name, room in wrong.items()}


def color_distance(one: Picture, other: Picture) -> npt.NDArray[np.float64]:
    """Return how different two pictures look, pixel by pixel.

    Parameters
    ----------
    one, other : ndarray
        (height, width, 3) uint8 BGR.

    Returns
    -------
    ndarray
        (height, width) float64, CIEDE2000.
    """
    return np.asarray(delta_e_2000(lab_from_bgr(one), lab_from_bgr(other)), np.float64)


def read_picture(path: Path, flags: int = cv2.IMREAD_COLOR) -> Picture:
    """Read a picture.

    Parameters
    ----------
    path : Path
        A file that OpenCV reads.
    flags : int, optional
        As for `cv2.imread`.

    Returns
    -------
    ndarray
        uint8 BGR, or BGRA with ``cv2.IMREAD_UNCHANGED``.

    Raises
    ------
    FileNotFoundError
        If there is no picture.
    """
    picture = cv2.imread(str(path), flags)
    if picture is None:
        raise FileNotFoundError(path)
    return picture.astype(np.uint8, copy=False)


def shoot(shared: Path, camera: Path, width: int, height: int) -> KnownRoom:
    """Make the film.

    Parameters
    ----------
    shared : Path
        The folder of footage.
    camera : Path
        File to write: JPEG pictures one after the other (``.mjpeg``).
    width, height : int
        Size of the film in pixels.

    Returns
    -------
    KnownRoom
        What the film shows.
    """
    bench, data = _bench_calls(shared), shared / "data"
    room, backdrop = (bench.fit(read_picture(data / name), (width, height)) for name in (ROOM, BACKDROP))
    # Fresh noise for every frame would take longer than all the rest; eight pictures of it repeat unnoticed.
    noise = np.random.default_rng(2015).normal(0, NOISE_CODE_VALUES, (8, height, width, 3)).astype(np.float32)
    person = cv2.VideoCapture(str(data / PERSON))
    ever_person = np.zeros((height, width), bool)
    frames = []
    for t in range(N_FRAMES):
        matte, foreground = bench.key_blue(person.read()[1])
        matte, foreground = _placed(matte, foreground, t, (width, height))
        ever_person |= matte[..., 0] > 0.5
        seen = np.clip(matte * foreground + (1 - matte) * room + noise[t % len(noise)], 0, 255).astype(np.uint8)
        frames.append(cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes())
    person.release()
    camera.write_bytes(b"".join(frames + frames[::-1]))
    return KnownRoom(room, backdrop, ever_person)


def _bench_calls(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_calls", shared / "bench" / "calls.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _placed(matte: Layer, person: Layer, t: int, size: tuple[int, int]) -> tuple[Layer, Layer]:
    """Scale the person to the frame's height, put them in its middle and let them sway."""
    width, height = size
    scale = height / matte.shape[0]
    sway_px = 0.03 * width * (np.sin(t / 40) + 0.4 * np.sin(t / 13))
    x = (width - scale * matte.shape[1]) / 2 + sway_px
    place = np.array([[scale, 0, x], [0, scale, 0]], np.float32)
    matte, person = (cv2.warpAffine(layer, place, size).astype(np.float32) for layer in (matte, person))
    return matte[..., np.newaxis], person


def _share_like(found: Picture, room: Picture, claimed: Mask) -> float:
    return float((color_distance(found, np.ascontiguousarray(room))[claimed] < FOUND).mean())
