"""The two kinds of video file that `stream.sinks.video` writes: FFV1 in Matroska, H.264 in MP4 or MOV.

FFV1 with the pixel format ``bgr0`` takes B, G and R as they are. H.264 gets BT.709 luma and chroma in limited
range at every size, and says so in its header: a reader that guessed by size (BT.601 below 720 lines) would shift
saturated greens by more than ten code values.

References
----------
.. [1] RFC 9043, FFV1 Video Coding Format, 2021.
.. [2] ITU-T H.264 (08/2021), Annex E (colour description in the video usability information).
.. [3] ITU-R BT.709-6, 2015, items 3 and 4 (luma, chroma and their ranges).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from config.schema import VideoSettings
from pipelines.base import Image
from stream.sinks.matroska import MatroskaFile

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_NS_PER_S = 1_000_000_000
_SLICED_PX = 4
"""Narrower pictures cannot be cut into 4 by 4 slices."""


class LosslessFile:
    """FFV1 in Matroska; readable up to its last whole frame at any moment.

    Parameters
    ----------
    path : Path
        File to write over.
    height, width : int
        Size of the pictures, in pixels.
    rate_hz : float
        Nominal frames a second.
    tags : mapping of str to str
        What else the file is to say of itself.

    Raises
    ------
    OSError
        If the file cannot be written.
    """

    units_per_s = _NS_PER_S

    def __init__(self, path: Path, height: int, width: int, rate_hz: float, tags: Mapping[str, str]) -> None:
        import av

        codec = av.CodecContext.create("ffv1", "w")
        codec.width, codec.height, codec.pix_fmt = width, height, "bgr0"
        codec.time_base = Fraction(1, self.units_per_s)
        # Slices are coded in parallel: 16 keep as many cores busy, for 1 % more bytes than 4.
        # Every frame is a key frame: a reader may start anywhere, and damage costs one frame.
        codec.options = {"g": "1"} | ({"level": "3", "slices": "16"} if min(height, width) >= _SLICED_PX else {})
        codec.thread_type = "SLICE"
        codec.open()
        self._codec = codec
        self._path = path
        self._file = path.open("wb")
        try:
            extradata = codec.extradata or b""
            self._matroska = MatroskaFile(self._file, "V_FFV1", extradata, height, width, rate_hz, tags)
        except OSError:
            self._close_quietly()
            raise

    def add(self, image: Image, time: int) -> None:
        """Add a frame.

        Parameters
        ----------
        image : ndarray
            (height, width, 3) uint8 BGR, C-contiguous; copied.
        time : int
            Nanoseconds from the start; more than the one before.

        Raises
        ------
        OSError, av.FFmpegError
            If it cannot be coded or written.
        """
        picture = _as_bgr0(image)
        picture.pts = time
        self._write(picture)

    def finish(self) -> None:
        """Write the end of the file and close it.

        Raises
        ------
        OSError, av.FFmpegError
            If it cannot be written.
        """
        self._write(None)
        self._matroska.finish()
        self._file.close()

    def abandon(self) -> None:
        """Close the file as it is, whole frames only; never raises."""
        self._close_quietly()
        with contextlib.suppress(OSError):
            os.truncate(self._path, self._matroska.complete_bytes)

    def _write(self, picture: VideoFrame | None) -> None:
        for packet in self._codec.encode(picture):
            self._matroska.write(bytes(packet), packet.pts or 0)

    def _close_quietly(self) -> None:
        # What is still in Python's buffer raises once more where the disk is full.
        with contextlib.suppress(OSError):
            self._file.close()


class H264File:
    """H.264 in MP4 or MOV; readable once finished.

    Parameters
    ----------
    path : Path
        File to write over; its ending is the format's name.
    height, width : int
        Size of the pictures, in pixels; an odd one is padded by one.
    rate_hz : float
        Nominal frames a second.
    settings : VideoSettings
        Quality and speed.

    Raises
    ------
    OSError, av.FFmpegError
        If the file cannot be written.
    """

    units_per_s = 90_000

    def __init__(self, path: Path, height: int, width: int, rate_hz: float, settings: VideoSettings) -> None:
        import av
        from av.video.reformatter import (
            ColorPrimaries,
            ColorRange,
            Colorspace,
            ColorTrc,
            Interpolation,
            VideoReformatter,
        )

        self._pad_px = (height % 2, width % 2)
        self._reformatter = VideoReformatter()
        self._matrix, self._range = Colorspace.ITU709, ColorRange.MPEG
        # Without exact rounding every luma and chroma value is cut down to the next lower one: white turns yellow.
        self._filter = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INP
        # The index goes to the front, as programs want it that read the file while it comes (or take no other).
        index_first = {"movflags": "+faststart"}
        self._container = av.open(str(path), "w", format=path.suffix[1:].lower(), options=index_first)
        # Frames in the order of their times: with B-frames the muxer loses the duration of the last ones.
        options = {"crf": str(settings.h264_crf), "preset": settings.h264_preset, "bf": "0"}
        rate = Fraction(rate_hz).limit_denominator(1001)
        self._stream = self._container.add_stream("libx264", rate=rate, options=options)
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = Fraction(1, self.units_per_s)
        codec = self._stream.codec_context
        codec.time_base = Fraction(1, self.units_per_s)
        codec.colorspace, codec.color_range = self._matrix, self._range
        codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709

    def add(self, image: Image, time: int) -> None:
        """Add a frame.

        Parameters
        ----------
        image : ndarray
            (height, width, 3) uint8 BGR, C-contiguous; not needed any more on return.
        time : int
            In 1/90000 s from the start; more than the one before.

        Raises
        ------
        OSError, av.FFmpegError
            If it cannot be coded or written.
        """
        import av

        down, right = self._pad_px
        if down or right:
            image = cast("Image", cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_REPLICATE))
        picture = self._reformatter.reformat(
            av.VideoFrame.from_numpy_buffer(image, format="bgr24"),
            format="yuv420p",
            dst_colorspace=self._matrix,
            dst_color_range=self._range,
            interpolation=self._filter,
        )
        picture.pts, picture.time_base = time, Fraction(1, self.units_per_s)
        self._container.mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Write the end of the file and close it.

        Raises
        ------
        OSError, av.FFmpegError
            If it cannot be written.
        """
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abandon(self) -> None:
        """Close the file as it is; never raises."""
        import av

        with contextlib.suppress(OSError, av.FFmpegError):
            self._container.close()


def _as_bgr0(image: Image) -> VideoFrame:
    """Copy a picture into a libav frame of four bytes a pixel, at the price of one pass over the memory."""
    import av

    height, width = image.shape[:2]
    picture = av.VideoFrame(width, height, "bgr0")
    plane = picture.planes[0]
    rows = np.frombuffer(cast("memoryview", plane), np.uint8).reshape(height, plane.line_size)
    target = rows[:, : 4 * width].reshape(height, width, 4)
    cv2.cvtColor(image, cv2.COLOR_BGR2BGRA, dst=target)
    return picture
