"""The process that decodes a background video and writes its pictures, fitted, to its standard output, round and round.

It is a process of its own because decoders of strange files crash and hang, and a camera must not do so with them. It
ends with its parent: its standard input is closed then.

Each message is a header, `HEADER`, and so many bytes: ``F`` a picture, (height, width, 3) uint8 BGR, and when it is
due in seconds since the first; ``N`` a line on what is wrong with the file; ``E`` the same as the last word.
"""

import contextlib
import os
import struct
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from pipelines.child import open_pipes, write_all

HEADER = struct.Struct("<cdI")
FRAME, NOTE, ERROR = b"F", b"N", b"E"

USUAL_RATE_HZ = 25.0
"""For videos that do not say how long their last picture is shown."""


def main() -> None:
    """Play ``PATH HEIGHT WIDTH`` until the parent is gone."""
    requests, out = open_pipes()
    threading.Thread(target=_end_with_the_parent, args=[requests], daemon=True).start()
    path, height, width = sys.argv[1:]
    with contextlib.suppress(BrokenPipeError):
        try:
            play(Path(path), int(height), int(width), out)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - the last word, whatever it is
            _write(out, ERROR, 0.0, str(error).encode() or type(error).__name__.encode())


def play(path: Path, height: int, width: int, out: BinaryIO) -> None:
    """Write the pictures of a video, again and again.

    Parameters
    ----------
    path : Path
        The video.
    height, width : int
        Size of the pictures to be written.
    out : file
        Unbuffered.

    Raises
    ------
    CaptureError
        If there is not one good picture in it.
    BrokenPipeError
        When nobody reads any more.
    """
    from pipelines.protection.backgrounds import cover
    from stream.sources.base import CaptureError
    from stream.sources.video import VideoSource

    start_s, said = 0.0, ""
    while True:
        source = VideoSource(path)
        period_s = 1 / (source.info.rate_hz or USUAL_RATE_HZ)
        next_s = start_s
        with contextlib.closing(source):
            try:
                while (frame := source.read()) is not None:
                    next_s = start_s + frame.pts_s + period_s
                    _write(out, FRAME, start_s + frame.pts_s, cover(frame.image, height, width).data.cast("B"))
            except CaptureError as error:
                if next_s == start_s:
                    raise
                if str(error) != said:
                    said = str(error)
                    _write(out, NOTE, 0.0, said.encode())
        start_s = next_s


def _write(out: BinaryIO, kind: bytes, due_s: float, content: bytes | memoryview) -> None:
    write_all(out, HEADER.pack(kind, due_s, len(content)), content)


def _end_with_the_parent(requests: BinaryIO) -> None:
    requests.read()
    os._exit(0)
