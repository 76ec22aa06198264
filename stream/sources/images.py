"""A folder of pictures as a recording: one frame a picture, in the order in which people count.

``frame_2`` comes before ``frame_10``. Every picture becomes 8 bits of BGR: grey is repeated, 16 bits are rounded
(a value v becomes v / 257, so that 65535 is 255), a rotation that a camera noted in a JPEG is carried out, and
alpha is dropped: the colour stored under it is kept, never mixed with a background nobody named.

Limits: times are the picture's number over the rate; the real times that `backroom split` noted are read by
`stream.tools.frames`.
"""

import re
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from pipelines.base import Frame, Image
from stream.sources.base import CaptureError, SourceInfo

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
"""Endings of what counts as a picture, in small letters."""


class ImagesSource:
    """The pictures of a folder.

    Parameters
    ----------
    folder : Path
        The folder; what lies in folders within it does not count, nor do hidden files. Or one picture's file.
    rate_hz : float
        Frames a second that the pictures stand for.
    n_skipped : int
        Begin after so many pictures, with the last one at the latest; the times stay those of the whole folder.

    Raises
    ------
    CaptureError
        If the folder cannot be read, holds no picture, or its first one is unreadable.
    """

    def __init__(self, folder: Path, rate_hz: float = 25.0, n_skipped: int = 0) -> None:
        self._folder = folder
        self._paths = [folder] if is_picture(folder) else list_pictures(folder)
        self._rate_hz = rate_hz
        self._n_read = min(n_skipped, len(self._paths) - 1)
        self._first: Image | None = read_picture(self._paths[self._n_read])
        height, width = self._first.shape[:2]
        self._info = SourceInfo(
            name=folder.name or str(folder),
            height=height,
            width=width,
            rate_hz=rate_hz,
            is_live=False,
            n_frames=len(self._paths),
        )

    @property
    def info(self) -> SourceInfo:
        """What the folder holds."""
        return self._info

    @property
    def status(self) -> str:
        """An empty string: a folder has no troubles short of an error."""
        return ""

    @property
    def n_missed(self) -> int:
        """0: every frame is read."""
        return 0

    def at(self, position_s: float) -> Self:
        """Open the same folder at another place.

        Parameters
        ----------
        position_s : float
            Seconds after the first picture; past the end gives the last picture alone.

        Returns
        -------
        ImagesSource
            Open; this one goes on unchanged.

        Raises
        ------
        CaptureError
            If the folder is not there any more.
        """
        return type(self)(self._folder, self._rate_hz, max(int(position_s * self._rate_hz + 1e-6), 0))

    def read(self) -> Frame | None:
        """Read the next picture.

        Returns
        -------
        Frame or None
            The next frame; None after the last, and from then on.

        Raises
        ------
        CaptureError
            If the picture is unreadable or of another size than the first.
        """
        if self._n_read >= len(self._paths):
            return None
        image, self._first = self._first, None
        if image is None:
            image = self._load(self._paths[self._n_read])
        frame = Frame(image, self._n_read / self._rate_hz)
        self._n_read += 1
        return frame

    def close(self) -> None:
        """Let go of the list; frames that were read stay valid."""
        self._paths = []
        self._first = None

    def _load(self, path: Path) -> Image:
        try:
            image = read_picture(path)
            self._check_size(path, image)
        except CaptureError:
            self._paths = []  # the stream ends here
            raise
        return image

    def _check_size(self, path: Path, image: Image) -> None:
        height, width = image.shape[:2]
        if (height, width) != (self._info.height, self._info.width):
            raise CaptureError(
                f"{path} is {width}x{height}, the pictures before it are {self._info.width}x{self._info.height} "
                "and were read; give all one size or move it elsewhere"
            )


def is_picture(path: Path) -> bool:
    """Say whether something is a file whose name is a picture's.

    Parameters
    ----------
    path : Path
        Anything.

    Returns
    -------
    bool
        Whether it may be read as one.
    """
    return path.suffix.lower() in SUFFIXES and path.is_file()


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder in natural order.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    list of Path
        At least one.

    Raises
    ------
    CaptureError
        If the folder cannot be read or holds no picture.
    """
    try:
        paths = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
    except FileNotFoundError:
        raise CaptureError(f"{folder}: no such folder; check the name, and the folder you are in") from None
    except NotADirectoryError:
        raise CaptureError(f"{folder} is a file, wanted a folder of pictures; name the folder") from None
    except OSError as error:
        raise CaptureError(f"{folder} cannot be read ({error.strerror}); check its permissions") from None
    if not paths:
        raise CaptureError(f"{folder} holds no picture; wanted files that end in {', '.join(SUFFIXES)}")
    return sorted(paths, key=lambda path: natural_order(path.name))


def natural_order(name: str) -> tuple[list[str | int], str]:
    """Return a sort key that puts numbers in a name in the order of their values.

    Parameters
    ----------
    name : str
        File name.

    Returns
    -------
    tuple
        Text and numbers in turn, and the name itself to settle ``a1`` against ``a01``.
    """
    # split() gives text and numbers in turn, starting with text: like is compared with like.
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def read_picture(path: Path, *, keep_alpha: bool = False) -> Image:
    """Read one picture as 8 bits of BGR.

    Parameters
    ----------
    path : Path
        The file; any name, since OpenCV's own reader fails on non-ASCII names on some systems.
    keep_alpha : bool
        Give a picture with alpha as BGRA.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR or, as asked for and where there is alpha, (height, width, 4) uint8 BGRA.

    Raises
    ------
    CaptureError
        If the file cannot be read or decoded, or holds neither 8 nor 16 bits a channel.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except FileNotFoundError:
        raise CaptureError(f"{path}: no such file; check the name, and the folder you are in") from None
    except IsADirectoryError:
        raise CaptureError(f"{path} is a folder; name one picture") from None
    except OSError as error:
        raise CaptureError(f"{path} cannot be read ({error.strerror}); check its permissions") from None
    flags = cv2.IMREAD_UNCHANGED if keep_alpha else cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    try:
        picture = cv2.imdecode(data, flags)
    except cv2.error:  # an empty file; the others come back as None
        picture = None
    if picture is None:
        raise CaptureError(
            f"{path} is not a picture that can be read ({data.size} bytes, damaged or of another kind); "
            "make a fresh copy or save it as PNG"
        )
    if picture.dtype not in (np.uint8, np.uint16):
        raise CaptureError(f"{path} holds {picture.dtype} values, wanted 8 or 16 bits; save it as PNG")
    return _to_8_bit_color(picture)


def _to_8_bit_color(picture: np.ndarray) -> Image:
    if picture.dtype == np.uint16:
        picture = ((picture.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(picture)
