"""Whether a video file is all there, read off the outermost boxes of its container.

libavformat reads a file that was cut off to its last byte and then reports a plain end, so that half of a
recording looks like a shorter recording. The three families of containers that recordings come in say at
their outermost level how long they are; only that level is looked at here. It raises no false alarm: boxes
that were never closed (a recorder that crashed) say nothing, and neither does any other kind of file.

References
----------
.. [1] ISO/IEC 14496-12:2022, ISO base media file format, section 4.2 (boxes of MP4 and MOV).
.. [2] RFC 8794, Extensible Binary Meta Language, sections 4 and 5 (the integers of Matroska and WebM).
.. [3] Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0, 1991 (RIFF, for AVI).
"""

import io
from dataclasses import dataclass
from typing import BinaryIO

_EBML_HEADER = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_BMFF_FIRST = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp")


@dataclass(frozen=True, slots=True)
class Outline:
    """What the outermost boxes say.

    Attributes
    ----------
    size_bytes : int
        Size of the file.
    declared_bytes : int or None
        How long the file should be; None where it does not say.
    lacks_index : bool
        True for an MP4 or MOV without the whole of the box (``moov``) that tells where its frames are.
    """

    size_bytes: int
    declared_bytes: int | None = None
    lacks_index: bool = False

    @property
    def is_cut(self) -> bool:
        """True if bytes are missing at the end."""
        return self.declared_bytes is not None and self.declared_bytes > self.size_bytes


def read_outline(file: BinaryIO) -> Outline:
    """Walk the outermost boxes of a video file.

    Parameters
    ----------
    file : BinaryIO
        The file, open for reading; its position is moved.

    Returns
    -------
    Outline
        What the boxes say; nothing but the size for a container of another kind.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if head[4:8] in _BMFF_FIRST:
        return _walk_bmff(file, size)
    if head[:4] == b"RIFF":
        return Outline(size, _riff_end(head))
    if head[:4] == _EBML_HEADER:
        return Outline(size, _segment_end(file))
    return Outline(size)


def _walk_bmff(file: BinaryIO, size: int) -> Outline:
    position, kinds = 0, set()
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # 0 is "to the end of the file", anything else is damage
            length = size - position
        position += length
        if position <= size:
            kinds.add(head[4:8])
    return Outline(size, position, lacks_index=b"moov" not in kinds)


def _riff_end(head: bytes) -> int | None:
    # A recorder that died, or one that streams, leaves 0 or all ones.
    length = int.from_bytes(head[4:8], "little")
    return None if length in (0, 0xFFFFFFFF) else length + 8


def _segment_end(file: BinaryIO) -> int | None:
    file.seek(4)
    header = _read_size(file)
    if header is None:
        return None
    file.seek(header, io.SEEK_CUR)
    if file.read(4) != _SEGMENT:
        return None
    length = _read_size(file)
    return None if length is None else file.tell() + length


def _read_size(file: BinaryIO) -> int | None:
    """Read an EBML element size; None for "unknown", which is all ones."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    n_bytes = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(n_bytes - 1), "big") & ((1 << 7 * n_bytes) - 1)
    return None if value == (1 << 7 * n_bytes) - 1 else value
