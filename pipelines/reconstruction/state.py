"""Colour counts on disk: saved atomically, checked when they are read.

Layout, little-endian: 16 bytes magic; uint32 version; uint32 length of the header; the header (JSON: height, width,
n_frames, method, extra); the method's counts; uint32 CRC-32 of everything before it. The counts of `rarest`: for each
band of rows the number of entries as uint64, then n_colors (uint16), coarse_bits (uint8) and entries (uint64) as in
`counts.PackedBand`.

Only used slots are written, so a file is as large as what the pixels showed, not as the memory bound.
"""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from pipelines.atomic import replacing
from pipelines.base import PipelineError
from pipelines.reconstruction.counts import BAND_ROWS, ColorCounts, PackedBand

MAGIC = b"backroom counts\n"
VERSION = 1
_HEAD = struct.Struct("<16sII")
_LARGEST_HEADER = 1 << 20


@dataclass(frozen=True, slots=True)
class StateHeader:
    """What a state file says of itself.

    Attributes
    ----------
    height, width : int
        Size of the frames in pixels.
    n_frames : int
        Frames counted.
    method : str
        Name of the method that counted.
    extra : dict
        JSON values that the session keeps with the counts.
    """

    height: int
    width: int
    n_frames: int
    method: str
    extra: dict[str, Any]


def save_counts(path: Path, counts: ColorCounts, method: str, extra: dict[str, Any], *, durable: bool = True) -> None:
    """Write counts to a file, which replaces an older one only when it is complete.

    Parameters
    ----------
    path : Path
        File to write or replace.
    counts : ColorCounts
        Not changed.
    method : str
        Name of the method that counted.
    extra : dict
        JSON values to keep with them.
    durable : bool
        Wait until the disk has it, so that it outlives a power cut and not only a kill.

    Raises
    ------
    PipelineError
        If it cannot be written; an older file is intact.
    """
    write_state(
        path, StateHeader(counts.height, counts.width, counts.n_frames, method, extra), _parts(counts), durable=durable
    )


def _parts(counts: ColorCounts) -> Iterator[bytes | memoryview]:
    for band in counts.packed_bands():
        yield struct.pack("<Q", band.entries.size)
        yield band.n_colors.data
        yield band.coarse_bits.data
        yield band.entries.data


def write_state(path: Path, header: StateHeader, parts: Iterable[bytes | memoryview], *, durable: bool = True) -> None:
    """Write a state file of any method, which replaces an older one only when it is complete.

    Parameters
    ----------
    path : Path
        File to write or replace.
    header : StateHeader
        What the file says of itself.
    parts : iterable of bytes
        The counts.
    durable : bool
        Wait until the disk has it, so that it outlives a power cut and not only a kill.

    Raises
    ------
    PipelineError
        If it cannot be written; an older file is intact.
    """
    text = json.dumps(asdict(header)).encode()
    try:
        with replacing(path, durable=durable) as file:
            out = _SummedWriter(file)
            out.write(_HEAD.pack(MAGIC, VERSION, len(text)))
            out.write(text)
            for part in parts:
                out.write(part)
            file.write(struct.pack("<I", out.checksum))
    except OSError as error:
        raise PipelineError(
            f"state {path}: cannot be written ({error.strerror}); the file from before is intact; "
            "free some space or name another file with --state"
        ) from error


def load_counts(path: Path, height: int, width: int, method: str, memory_bytes: int) -> tuple[ColorCounts, StateHeader]:
    """Read counts back.

    Parameters
    ----------
    path : Path
        File written by `save_counts`.
    height, width : int
        Size that the frames to come have.
    method : str
        Method that is to go on counting.
    memory_bytes : int
        Memory bound for the counts.

    Returns
    -------
    counts : ColorCounts
        As they were saved, unless the memory bound is smaller now.
    header : StateHeader
        What the file says of itself.

    Raises
    ------
    PipelineError
        If it is not a state file, damaged, or of another version, method or size.
    """
    header, content = read_state(path, height, width, method)
    counts = ColorCounts(height, width, memory_bytes)
    counts.add(header.n_frames, _bands(content, 0, height, width))
    return counts, header


def read_state(path: Path, height: int, width: int, method: str) -> tuple[StateHeader, npt.NDArray[np.uint8]]:
    """Read a state file of any method and check it.

    Parameters
    ----------
    path : Path
        File written by `write_state`.
    height, width : int
        Size that the frames to come have.
    method : str
        Method that is to go on counting.

    Returns
    -------
    header : StateHeader
        What the file says of itself.
    content : ndarray
        (bytes,) uint8: the counts as they were written; read only.

    Raises
    ------
    PipelineError
        If it is not a state file, damaged, or of another version, method or size.
    """
    try:
        content = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
    except OSError as error:
        raise PipelineError(
            f"state {path}: cannot be read ({error.strerror}); name another file with --state"
        ) from error
    header, offset = _read_header(path, content)
    _check_header(path, header, height, width, method)
    if content.size < offset + 4 or zlib.crc32(content[:-4].data) != int(content[-4:].view("<u4")[0]):
        raise PipelineError(f"state {path}: damaged (checksum is wrong); remove it or name another file with --state")
    return header, content[offset:-4]


class _SummedWriter:
    """Writes to a file and keeps the checksum of what it wrote."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.checksum = 0

    def write(self, content: bytes | memoryview) -> None:
        self.checksum = zlib.crc32(content, self.checksum)
        self._file.write(content)


def _read_header(path: Path, content: npt.NDArray[np.uint8]) -> tuple[StateHeader, int]:
    not_a_state = PipelineError(f"state {path}: not a state file of backroom; name another file with --state")
    if content.size < _HEAD.size:
        raise not_a_state
    magic, version, length = _HEAD.unpack(content[: _HEAD.size].tobytes())
    if magic != MAGIC:
        raise not_a_state
    if version != VERSION:
        raise PipelineError(
            f"state {path}: got version {version}, wanted {VERSION}; "
            "go on with the version of backroom that wrote it, or name another file with --state"
        )
    end = _HEAD.size + length
    try:
        return StateHeader(**json.loads(content[_HEAD.size : min(end, _LARGEST_HEADER)].tobytes())), end
    except (ValueError, TypeError):
        raise PipelineError(
            f"state {path}: damaged (header unreadable); remove it or name another file with --state"
        ) from None


def _check_header(path: Path, header: StateHeader, height: int, width: int, method: str) -> None:
    if (header.height, header.width) != (height, width):
        raise PipelineError(
            f"state {path}: holds counts of {header.width}x{header.height} frames, the source gives {width}x{height}; "
            "give the source that size or name another file with --state"
        )
    if header.method != method:
        raise PipelineError(
            f"state {path}: was counted by method {header.method!r}, not {method!r}; "
            "use that method or name another file with --state"
        )


def _bands(content: npt.NDArray[np.uint8], offset: int, height: int, width: int) -> Iterator[PackedBand]:
    for first_row in range(0, height, BAND_ROWS):
        n_pixels = min(BAND_ROWS, height - first_row) * width
        n_entries = int(np.frombuffer(content, "<u8", 1, offset)[0])
        n_colors = np.frombuffer(content, "<u2", n_pixels, offset + 8)
        coarse_bits = np.frombuffer(content, "<u1", n_pixels, offset + 8 + 2 * n_pixels)
        # a copy: entries need not lie on an 8-byte boundary in the file, and kernels expect that they do
        entries = np.frombuffer(content, "<u8", n_entries, offset + 8 + 3 * n_pixels).copy()
        yield PackedBand(n_colors.copy(), coarse_bits.copy(), entries)
        offset += 8 + 3 * n_pixels + 8 * n_entries
