"""Frames as numbered PNG files: exact pixels, one file a frame, ``frame_000001.png`` and on.

Each file is whole or not there (`pipelines.atomic`); after a crash the folder holds every frame up to then.

Limits: times are not in the pictures; `stream.tools.frames` notes them beside. More than 999,999 frames get
longer numbers, which `ImagesSource` still reads in order.
"""

from pathlib import Path

import cv2

from pipelines.atomic import write_atomically
from pipelines.base import Frame, Image
from stream.sinks.base import SinkError

_FIRST = "frame_*.png"


class ImagesSink:
    """A folder of PNG files, one a frame.

    Parameters
    ----------
    folder : Path
        Where they go; made at the first frame if it is not there.

    Raises
    ------
    SinkError
        If the folder already holds frames (they would mix with the new ones), or is a file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._n_written = 0
        self._shape: tuple[int, ...] = ()
        if folder.exists() and not folder.is_dir():
            raise SinkError(f"{folder} is a file, wanted a folder for the pictures; give another name")
        if next(folder.glob(_FIRST), None) is not None:
            raise SinkError(f"{folder} already holds frames ({_FIRST}); empty it or name another folder")

    @property
    def name(self) -> str:
        """The folder."""
        return str(self._folder)

    @property
    def is_live(self) -> bool:
        """False: every frame is kept."""
        return False

    def write(self, frame: Frame) -> None:
        """Save one frame.

        Parameters
        ----------
        frame : Frame
            The next one; its time is not kept.

        Raises
        ------
        SinkError
            If it cannot be saved, or its size differs from the first one's.
        """
        if not self._n_written:
            self._open(frame.image)
        elif frame.image.shape != self._shape:
            (height, width), (first_height, first_width) = frame.image.shape[:2], self._shape[:2]
            raise SinkError(
                f"{self._folder}: frame {self._n_written} is {width}x{height}, those before it are "
                f"{first_width}x{first_height} and are kept; write each size to a folder of its own"
            )
        path = self._folder / f"frame_{self._n_written + 1:06d}.png"
        # Waiting for the disk at every frame would cost more than encoding it.
        save_png(path, frame.image, durable=False)
        self._n_written += 1

    def close(self) -> None:
        """Nothing is left to do: every frame is in its file."""

    def _open(self, image: Image) -> None:
        self._shape = image.shape
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SinkError(
                f"folder {self._folder} cannot be made ({error.strerror}); name one that can be written to"
            ) from None


def save_png(path: Path, image: Image, *, durable: bool = True) -> None:
    """Save a picture as PNG, whole or not at all.

    Parameters
    ----------
    path : Path
        File to write or replace; any name.
    image : ndarray
        (height, width, 3) uint8 BGR or (height, width, 4) uint8 BGRA.
    durable : bool
        Wait until the disk has it.

    Raises
    ------
    SinkError
        If it cannot be written; an old file of that name is as it was.
    """
    _, data = cv2.imencode(".png", image)
    try:
        write_atomically(path, data.tobytes(), durable=durable)
    except OSError as error:
        raise SinkError(
            f"{path} cannot be written ({error.strerror}); free some space or name another folder"
        ) from None
