"""The good pictures of a video file, upright, in BGR, with their times: libav through PyAV.

Frame threads and swscale's bicubic conversion are OpenCV's own settings, so that the pixels equal
`cv2.VideoCapture`'s bit for bit (tested over codecs, sizes, depths, colour tags and rotations), at its speed or
better. Unlike there, times are the container's and damage is told.

Good means: after damage, pictures are left out up to the next key frame, because a decoder fills the gap with
guesses, and guesses would be counted as colours of the room. Damage that still decodes cannot be seen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from pipelines.base import Image

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

_ROTATIONS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    -90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    -180: cv2.ROTATE_180,
}
"""libav's angle, counterclockwise, to OpenCV's code; other angles are left alone."""

_JUMP_S = 1.0
"""Times that run back further than this are a new clock (recordings put end to end) and not jitter."""


class NoVideoError(Exception):
    """The file opened and has no stream of moving pictures; the text names the kind of container."""


class Decoder:
    """The first video stream of a file; a cover picture does not count as one.

    Parameters
    ----------
    path : Path
        The file. Playlists reach other files at most, never the network.
    start_s : float
        Begin with the picture that is shown so many seconds after the first one. Files that cannot be entered in the
        middle are decoded up to there.
    origin : int, optional
        Stamp of the first picture, from a decoder of the same file that began there: some headers say another.

    Attributes
    ----------
    rate_hz : float or None
        Average frames a second, as the container says.
    n_declared : int or None
        How many frames there are, as the container says.
    lasts_s : float
        How long the stream lasts, in seconds, where a tag of the stream says so; otherwise 0.
    tags : dict of str to str
        What the container says about itself and about the stream, by name in capitals.
    n_errors : int
        Damaged places met so far.
    n_before_error : int
        Good pictures before the first of them.
    n_hidden : int
        Frames so far that an edit list takes out of the show: they are decoded for the sake of others only.
    end_s : float
        When the last picture so far stops being shown, in seconds.

    Raises
    ------
    NoVideoError
        If there are no moving pictures in it.
    av.FFmpegError
        If it cannot be opened.
    """

    def __init__(self, path: Path, start_s: float = 0.0, origin: int | None = None) -> None:
        self._container, self._stream = _open(path)
        self._start_s = start_s
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate_hz = float(rate) if rate else None
        self.n_declared = _n_declared(self._container, self._stream)
        self.lasts_s = _lasts_s(self._stream.metadata.get("DURATION", ""))
        tags = {**self._container.metadata, **self._stream.metadata}
        self.tags = {name.upper(): text for name, text in tags.items()}
        self.n_errors = 0
        self.n_before_error = 0
        self.n_hidden = 0
        self.end_s = 0.0
        self._clock = Clock(self._stream.time_base or Fraction(1, 1000), self.rate_hz)
        self._n_good = 0
        self._is_skipping = False
        if start_s > 0.0 and origin is not None:
            self._enter(origin)

    @property
    def origin(self) -> int | None:
        """Stamp of the first picture; None before it, and where pictures bear none."""
        return self._clock.origin

    def pictures(self) -> Iterator[tuple[Image, float]]:
        """Decode the file; to be called once.

        Yields
        ------
        image : ndarray
            (height, width, 3) uint8 BGR, C-contiguous, never written again.
        pts_s : float
            Seconds since the first picture; never decreases.
        """
        from av.video.reformatter import VideoReformatter

        # One for all: a picture's own would set up swscale again each time (a third slower).
        reformatter = VideoReformatter()
        before: tuple[VideoFrame, float] | None = None
        for picture, pts_s in self._decoded():
            if pts_s < self._start_s:
                before = (picture, pts_s)
                continue
            if before is not None and pts_s > self._start_s:
                yield _to_bgr(before[0], reformatter), before[1]
            before = None
            yield _to_bgr(picture, reformatter), pts_s
        if before is not None:
            yield _to_bgr(before[0], reformatter), before[1]

    def _decoded(self) -> Iterator[tuple[VideoFrame, float]]:
        """Yield the good pictures as the decoder gives them, with their times."""
        import av

        for packet in self._packets():
            self.n_hidden += packet is not None and packet.is_discard
            if packet is not None and packet.is_corrupt:  # the half one at the end of a cut-off file
                self._note_damage()
                continue
            try:
                decoded = self._stream.codec_context.decode(packet)
            except av.FFmpegError:
                self._note_damage()
                continue
            for picture in decoded:
                if self._is_good(picture):
                    pts_s = self._clock.pts_s(picture.pts)
                    self.end_s = pts_s + float(picture.duration * self._clock.time_base)
                    yield picture, pts_s

    def close(self) -> None:
        """Close the file; pictures given out stay valid."""
        self._container.close()

    def _enter(self, origin: int) -> None:
        """Go to the last key frame before `start_s`, where the file can be entered."""
        import av

        with contextlib.suppress(av.FFmpegError):
            self._container.seek(origin + int(self._start_s / self._clock.time_base), stream=self._stream)
            self._clock.origin = origin

    def _packets(self) -> Iterator[Packet[VideoStream] | None]:
        """Yield the packets and then None, which makes the decoder give out what it holds back."""
        import av

        try:
            # PyAV ends with an empty packet; an empty one in the middle would end the decoder early.
            yield from (packet for packet in self._container.demux(self._stream) if packet.size)
        except av.FFmpegError:
            self._note_damage()
        yield None

    def _is_good(self, picture: VideoFrame) -> bool:
        if picture.is_corrupt:
            self._note_damage()
            return False
        if self._is_skipping and not picture.key_frame:
            return False
        self._is_skipping = False
        self._n_good += 1
        return True

    def _note_damage(self) -> None:
        self._is_skipping = True
        # A broadcast starts anywhere: what comes before its first key frame is no damage.
        if self._n_good or self._stream.frames:
            self.n_before_error = self.n_before_error if self.n_errors else self._n_good
            self.n_errors += 1


class Clock:
    """From a container's time stamps to seconds since the first one, which never decrease.

    Parameters
    ----------
    time_base : Fraction
        Seconds in one unit of the stamps.
    rate_hz : float or None
        Frames a second, for frames without a stamp.

    Attributes
    ----------
    origin : int or None
        Stamp of the first frame; to be set where the first one to come is a later one.
    """

    def __init__(self, time_base: Fraction, rate_hz: float | None) -> None:
        self.time_base = time_base
        self._period_s = 1.0 / rate_hz if rate_hz else 0.0
        self.origin: int | None = None
        self._last_s: float | None = None

    def pts_s(self, pts: int | None) -> float:
        """Return the time of the next frame.

        Parameters
        ----------
        pts : int or None
            Its stamp; None where it has none.

        Returns
        -------
        float
            Seconds since the first frame.
        """
        due_s = 0.0 if self._last_s is None else self._last_s + self._period_s
        time_s = due_s
        if pts is not None:
            if self.origin is None or self._seconds(pts) < (self._last_s or 0.0) - _JUMP_S:
                self.origin = pts - round(due_s / self.time_base)
            time_s = self._seconds(pts)
        self._last_s = time_s if self._last_s is None else max(time_s, self._last_s)
        return self._last_s

    def _seconds(self, pts: int) -> float:
        # Dividing integers rounds once: 1001 / 30000 and no sum of rounded periods.
        return (pts - (self.origin or 0)) * self.time_base.numerator / self.time_base.denominator


def _open(path: Path) -> tuple[InputContainer, VideoStream]:
    import av

    # Absolute, since "a:b.mp4" names a protocol to libav.
    container = av.open(str(path.resolve()), options={"protocol_whitelist": "file"})
    cover = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & cover]
    if not streams:
        kind = container.format.name
        container.close()
        raise NoVideoError(kind)
    streams[0].thread_type = "FRAME"
    return container, streams[0]


def _n_declared(container: InputContainer, stream: VideoStream) -> int | None:
    if "mp4" in container.format.name:
        # The count in the header knows neither cuts by an edit list nor the fragments of a fragmented file.
        return len(stream.index_entries) or None
    tag = stream.metadata.get("NUMBER_OF_FRAMES", "")
    return stream.frames or (int(tag) if tag.isdecimal() else 0) or None


def _lasts_s(tag: str) -> float:
    """Read Matroska's tag DURATION, such as ``00:01:02.500000000``."""
    parts = tag.split(":")
    try:
        return int(parts[0]) * 3600 + int(parts[1]) * 60 + float(parts[2])
    except (ValueError, IndexError):
        return 0.0


def _to_bgr(picture: VideoFrame, reformatter: VideoReformatter) -> Image:
    """Convert, upright; where rows are dense the array is the libav frame's own memory, kept alive by it."""
    # In this thread: shared out, it waits for the busiest core, and all of them have frames to decode.
    converted = reformatter.reformat(picture, format="bgr24", interpolation="BICUBIC", threads=1)
    plane = converted.planes[0]
    image: Image
    if plane.line_size == 3 * converted.width:
        flat = np.frombuffer(cast("memoryview", plane), np.uint8)
        image = flat.reshape(converted.height, converted.width, 3)
    else:
        image = np.ascontiguousarray(converted.to_ndarray())
    turn = _ROTATIONS.get(picture.rotation)
    return image if turn is None else cast("Image", cv2.rotate(image, turn))
