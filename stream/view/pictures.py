"""The newest picture of each name, scaled and encoded when somebody asks for it.

The session hands over references and goes on; a reader's request encodes, in a thread of the view, and every
reader of the same picture shares the result. There is one place per name, so a slow reader gets the newest
picture and never a backlog. Nothing is written to disk.

A picture with alpha is sent as PNG and its colours are wiped where alpha is 0: what the method does not claim
must not be seen by chance, neither in the file nor mixed into its neighbours by the scaling.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from config.schema import PageSettings
from pipelines.base import Image
from stream.view.bell import Bell

NAMES: Final = ("call", "room", "backdrop", "coverage", "confidence", "leaks", "output", "mask", "seen", "control")
"""Pictures that a page may ask for; a session offers those of them that it has."""

LOOK_LASTS_S: Final = 2.5
"""A look counts this long: the page renews it every second, so one late renewal does no harm."""

_BGRA_CHANNELS: Final = 4
_PNG_FASTEST: Final = [cv2.IMWRITE_PNG_COMPRESSION, 1]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture ready to be sent.

    Attributes
    ----------
    version : int
        Grows with every picture of any name.
    body : bytes
        The encoded file.
    media_type : str
        ``image/jpeg`` or ``image/png``.
    """

    version: int
    body: bytes
    media_type: str


@dataclass(slots=True)
class _Slot:
    image: Image | None = None
    version: int = 0
    shown_at_s: float = -np.inf
    looked_at_s: float = -np.inf
    taken_version: int = 0
    encoded: Encoded | None = None
    encoding: threading.Lock = field(default_factory=threading.Lock)


class Pictures:
    """One place per name between the session's thread, the server's and those that encode.

    Parameters
    ----------
    settings : PageSettings
        Rate, width and quality of the pictures.
    bell : Bell
        Rung when there is a new picture or a new name.
    clock : callable
        Monotonic seconds; given by tests.
    """

    def __init__(self, settings: PageSettings, bell: Bell, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._bell = bell
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: dict[str, _Slot] = {}
        self._version = 0

    def is_due(self, name: str) -> bool:
        """Say whether somebody looks at that name and its last picture is old enough; notes that it is on offer.

        Parameters
        ----------
        name : str
            One of `NAMES`; any other is never due.

        Returns
        -------
        bool
            True if `put` should be called now.
        """
        if name not in NAMES:
            return False
        now_s = self._clock()
        with self._lock:
            is_new = name not in self._slots
            slot = self._slots.setdefault(name, _Slot())
            is_old = now_s - slot.shown_at_s >= 1.0 / self._settings.picture_rate_hz
            is_due = is_old and self._is_looked_at(slot, now_s)
        if is_new:
            self._bell.ring()
        return is_due

    def put(self, name: str, image: Image) -> None:
        """Put a picture in the place of the last one of that name.

        Parameters
        ----------
        name : str
            One of `NAMES`; a picture of any other name is left out.
        image : ndarray
            (height, width, 3) BGR or (height, width, 4) BGRA uint8; never written again by the caller.
        """
        if name not in NAMES:
            return
        with self._lock:
            self._version += 1
            slot = self._slots.setdefault(name, _Slot())
            slot.image, slot.version, slot.shown_at_s = image, self._version, self._clock()
        self._bell.ring()

    def look(self, name: str) -> None:
        """Note that somebody looks at that name now.

        Parameters
        ----------
        name : str
            One of `NAMES`, on offer or not yet.
        """
        with self._lock:
            slot = self._slots.get(name)
            if slot is not None:
                slot.looked_at_s = self._clock()

    def versions(self) -> dict[str, int]:
        """Return the newest version of every name on offer; 0 where no picture was shown yet."""
        with self._lock:
            return {name: slot.version for name, slot in self._slots.items()}

    def all_taken(self) -> bool:
        """Say whether every picture that somebody looks at has been taken in its newest version."""
        now_s = self._clock()
        with self._lock:
            looked_at = [slot for slot in self._slots.values() if self._is_looked_at(slot, now_s)]
        return all(slot.taken_version == slot.version for slot in looked_at)

    def take(self, name: str, after_version: int) -> Encoded | None:
        """Return the newest picture, encoding it unless another reader already did; blocks meanwhile.

        Parameters
        ----------
        name : str
            One of `NAMES`.
        after_version : int
            The version that the reader has; 0 for none.

        Returns
        -------
        Encoded or None
            None if there is nothing newer.
        """
        with self._lock:
            slot = self._slots.get(name)
        if slot is None:
            return None
        with slot.encoding:
            with self._lock:
                image, version, encoded = slot.image, slot.version, slot.encoded
            if image is None or version <= after_version:
                return None
            if encoded is None or encoded.version != version:
                encoded = Encoded(version, *encode(image, self._settings))
            with self._lock:
                slot.encoded, slot.taken_version = encoded, version
        return encoded

    @staticmethod
    def _is_looked_at(slot: _Slot, now_s: float) -> bool:
        return now_s - slot.looked_at_s <= LOOK_LASTS_S


def encode(image: Image, settings: PageSettings) -> tuple[bytes, str]:
    """Scale a picture down to the page's width and encode it.

    Parameters
    ----------
    image : ndarray
        (height, width, 3) BGR or (height, width, 4) BGRA uint8.
    settings : PageSettings
        Width and JPEG quality.

    Returns
    -------
    body : bytes
        JPEG without, PNG with alpha.
    media_type : str
        Its media type.
    """
    if image.shape[2] == _BGRA_CHANNELS:
        _, body = cv2.imencode(".png", shrink_bgra(image, settings.picture_width_px), _PNG_FASTEST)
        return body.tobytes(), "image/png"
    small = shrink_bgr(image, settings.picture_width_px)
    _, body = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality])
    return body.tobytes(), "image/jpeg"


def shrink_bgr(image: Image, width_px: int) -> Image:
    """Scale a picture down to a width by averaging; a narrower one stays as it is.

    Parameters
    ----------
    image : ndarray
        (height, width, 3) uint8.
    width_px : int
        Greatest width in pixels.

    Returns
    -------
    ndarray
        (height', width', 3) uint8, width' <= `width_px`.
    """
    if image.shape[1] <= width_px:
        return image
    return np.asarray(cv2.resize(image, _shrunk_size(image, width_px), interpolation=cv2.INTER_AREA), np.uint8)


def shrink_bgra(image: Image, width_px: int) -> Image:
    """Scale a picture with alpha down to a width; colours are weighted by alpha and wiped where it is 0.

    Parameters
    ----------
    image : ndarray
        (height, width, 4) BGRA uint8, colours not multiplied by alpha.
    width_px : int
        Greatest width in pixels.

    Returns
    -------
    ndarray
        (height', width', 4) BGRA uint8; a pixel of which a ninth was opaque has alpha 28 and that ninth's colour.
    """
    alpha = image[:, :, 3]
    if image.shape[1] <= width_px:
        return np.asarray(cv2.copyTo(image, alpha), np.uint8)
    # 16 bits: in 8, the colour of a single claimed pixel would drown in rounding.
    opaque = cv2.merge([alpha, alpha, alpha, np.full_like(alpha, 255)])
    weighted = cv2.multiply(image, opaque, dtype=cv2.CV_16U)
    small = cv2.resize(weighted, _shrunk_size(image, width_px), interpolation=cv2.INTER_AREA).astype(np.float32)
    weight = small[:, :, 3:] / 255
    colors = np.divide(small[:, :, :3], weight, out=np.zeros_like(small[:, :, :3]), where=weight > 0)
    return np.ascontiguousarray(np.rint(np.concatenate([colors, weight], axis=2)).clip(0, 255).astype(np.uint8))


def _shrunk_size(image: Image, width_px: int) -> tuple[int, int]:
    height, width = image.shape[:2]
    return width_px, max(1, round(height * width_px / width))
