"""A Matroska file with one video track of key frames, as small as the format allows and exact to the nanosecond.

Why not libavformat's muxer: it rounds every time to a millisecond, which turns 30 frames a second into steps of
33 and 34 ms. Here one unit is one nanosecond, each frame has a cluster of its own (a block's time counts 16 bits
from its cluster), and every cluster is complete once written: a file whose writer died plays up to there.

The header holds places for what is known at the end: the segment's size, where the index is, the duration. The
number of frames is a tag (``NUMBER_OF_FRAMES``, as mkvmerge writes it), so that a reader can tell how far it is.

References
----------
.. [1] RFC 9559, Matroska Media Container Format Specification, 2024 (element identifiers: section 5).
.. [2] RFC 8794, Extensible Binary Meta Language, 2020 (sizes: section 4; Void: section 11.3.2).
.. [3] RFC 9043, FFV1 Video Coding Format, 2021 (in Matroska: section 4.3.3.4).
"""

import struct
from collections.abc import Iterable, Mapping
from typing import BinaryIO

_CUE_EVERY_NS = 1_000_000_000
_SEEK_ROOM = 120
"""Bytes kept for four entries of the seek head; one takes up to 22."""
_UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
_TRACK = 1


class MatroskaFile:
    """Writes one track.

    Parameters
    ----------
    file : BinaryIO
        Open for writing, at its start; stays the caller's to close.
    codec_id : str
        Matroska's name of the codec, such as ``V_FFV1``.
    codec_private : bytes
        The codec's own header.
    height, width : int
        Size of the pictures, in pixels.
    rate_hz : float
        Nominal frames a second.
    tags : mapping of str to str
        What else the file is to say of itself; written at the end.
    """

    def __init__(
        self,
        file: BinaryIO,
        codec_id: str,
        codec_private: bytes,
        height: int,
        width: int,
        rate_hz: float,
        tags: Mapping[str, str],
    ) -> None:
        self._file = file
        self._frame_ns = round(1e9 / rate_hz)
        self._wanted_tags = dict(tags)
        self._end_ns = 0
        self._n_blocks = 0
        self._cues: list[tuple[int, int]] = []
        file.write(_ebml_header())
        file.write(_bytes_of("18538067") + _UNKNOWN_SIZE)
        self._start = file.tell()
        file.write(_void(_SEEK_ROOM))
        self._info_at = self._here()
        file.write(_info(None))
        self._tracks_at = self._here()
        file.write(_tracks(codec_id, codec_private, height, width, self._frame_ns))
        file.flush()
        self.complete_bytes = file.tell()
        """Up to here the file holds whole frames."""

    def write(self, packet: bytes, time_ns: int) -> None:
        """Add one key frame.

        Parameters
        ----------
        packet : bytes
            The coded frame.
        time_ns : int
            When it is shown, in nanoseconds from the start; more than the one before.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        if not self._cues or time_ns - self._cues[-1][0] >= _CUE_EVERY_NS:
            self._cues.append((time_ns, self._here()))
        # Track 1, 0 ns after the cluster, a key frame, not laced.
        block = _element("A3", b"\x81\x00\x00\x80" + packet)
        self._file.write(_element("1F43B675", _number("E7", time_ns) + block))
        # To the operating system, so that the frame survives this program.
        self._file.flush()
        self.complete_bytes = self._file.tell()
        self._end_ns = time_ns + self._frame_ns
        self._n_blocks += 1

    def finish(self) -> None:
        """Write the index and fill in what the header left open.

        Raises
        ------
        OSError
            If it cannot be written; what was complete stays readable.
        """
        cues_at = self._here()
        self._file.write(_element("1C53BB6B", b"".join(_cue(*cue) for cue in self._cues)))
        tags_at = self._here()
        self._file.write(_tags(self._wanted_tags | {"NUMBER_OF_FRAMES": str(self._n_blocks)}))
        size = self._here()
        self._file.seek(self._start - 8)
        self._file.write(b"\x01" + size.to_bytes(7, "big"))
        seek_head = _seek_head(
            {"1549A966": self._info_at, "1654AE6B": self._tracks_at, "1C53BB6B": cues_at, "1254C367": tags_at}
        )
        self._file.write(seek_head + _void(_SEEK_ROOM - len(seek_head)))
        self._file.write(_info(float(self._end_ns)))
        self._file.flush()

    def _here(self) -> int:
        """Where the next element goes, from the start of the segment's content."""
        return self._file.tell() - self._start


def _bytes_of(identifier: str) -> bytes:
    return bytes.fromhex(identifier)


def _element(identifier: str, content: bytes) -> bytes:
    n_bytes = 1
    # All ones mean "unknown", so that one value less fits in each width.
    while len(content) >= (1 << 7 * n_bytes) - 1:
        n_bytes += 1
    size = (len(content) | 1 << 7 * n_bytes).to_bytes(n_bytes, "big")
    return _bytes_of(identifier) + size + content


def _master(identifier: str, children: Iterable[bytes]) -> bytes:
    return _element(identifier, b"".join(children))


def _number(identifier: str, value: int) -> bytes:
    return _element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _text(identifier: str, value: str) -> bytes:
    return _element(identifier, value.encode())


def _void(n_bytes: int) -> bytes:
    """Fill a place to be overwritten later; `n_bytes` from 2 to 128, its own head included."""
    return _element("EC", bytes(n_bytes - 2))


def _ebml_header() -> bytes:
    return _master(
        "1A45DFA3",
        [
            _number("4286", 1),  # version of EBML
            _number("42F7", 1),  # version needed to read it
            _number("42F2", 4),  # longest identifier
            _number("42F3", 8),  # longest size
            _text("4282", "matroska"),
            _number("4287", 4),  # version of Matroska
            _number("4285", 2),  # version needed to read it
        ],
    )


def _info(duration_ns: float | None) -> bytes:
    # The duration has the length of its place holder: this element is written twice.
    duration = _void(11) if duration_ns is None else _element("4489", struct.pack(">d", duration_ns))
    return _master(
        "1549A966",
        [_number("2AD7B1", 1), duration, _text("4D80", "backroom"), _text("5741", "backroom")],
    )


def _tracks(codec_id: str, codec_private: bytes, height: int, width: int, frame_ns: int) -> bytes:
    video = _master("E0", [_number("9A", 2), _number("B0", width), _number("BA", height)])
    entry = _master(
        "AE",
        [
            _number("D7", _TRACK),
            _number("73C5", _TRACK),  # the track's unique number
            _number("83", 1),  # video
            _number("9C", 0),  # no lacing
            _text("86", codec_id),
            _element("63A2", codec_private),
            _number("23E383", frame_ns),
            video,
        ],
    )
    return _element("1654AE6B", entry)


def _cue(time_ns: int, position: int) -> bytes:
    track = _master("B7", [_number("F7", _TRACK), _number("F1", position)])
    return _master("BB", [_number("B3", time_ns), track])


def _tags(tags: dict[str, str]) -> bytes:
    simple = [_master("67C8", [_text("45A3", name), _text("4487", value)]) for name, value in tags.items()]
    targets = _element("63C0", _number("63C5", _TRACK))
    return _element("1254C367", _master("7373", [targets, *simple]))


def _seek_head(places: dict[str, int]) -> bytes:
    return _master(
        "114D9B74",
        [
            _master("4DBB", [_element("53AB", _bytes_of(identifier)), _number("53AC", position)])
            for identifier, position in places.items()
        ],
    )
