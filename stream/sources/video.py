"""Recordings: every frame of a video file, exact pixels, exact times; a damaged file says that it is.

`stream.sources.decoder` says how the pixels come about. What is delivered is good, and a file that is damaged
or cut off ends in a `CaptureError` after its last good frame, because half of a recording otherwise looks like
a shorter recording.

Limits: the size is the first frame's and may not change. Alpha is dropped (the colour under it is kept), more
than 8 bits are rounded to 8, a mirror in the rotation metadata is ignored, as OpenCV does. MPEG-TS, raw
streams and GIF do not say how long they are: cut-off ones just end.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pipelines.base import Frame, Image
from stream.sources.base import CaptureError, SourceInfo
from stream.sources.container import Outline, read_outline
from stream.sources.decoder import Decoder, NoVideoError

_LOST_S = 1.0
"""A stream that ends this much before its own tag says so is damaged; less is how muxers round its last frame."""


class VideoSource:
    """Frames of a video file, in order, none left out.

    Parameters
    ----------
    path : Path
        The file; anything that libav reads, animated GIF included.
    start_s : float
        Begin with the frame that is shown so many seconds after the first one; the times stay those of the file.
    origin : int, optional
        See `stream.sources.decoder.Decoder`.

    Raises
    ------
    CaptureError
        If there is no such file, or no video in it that can be decoded.
    """

    def __init__(self, path: Path, start_s: float = 0.0, origin: int | None = None) -> None:
        self._name = str(path)
        self._path = path
        self._begins_later = start_s > 0.0
        self._outline = _look_at(path)
        self._decoder = _open(path, self._outline, start_s, origin)
        self._pictures: Iterator[tuple[Image, float]] = self._decoder.pictures()
        self._pending = next(self._pictures, None)
        if self._pending is None:
            self._decoder.close()
            raise _unreadable(path, self._outline, "not one frame can be decoded; make a fresh copy")
        height, width = self._pending[0].shape[:2]
        self._info = SourceInfo(
            path.name,
            height,
            width,
            self._decoder.rate_hz,
            is_live=False,
            n_frames=self._decoder.n_declared,
        )
        self._n_read = 0
        self._is_over = False
        self._has_ended = False

    @property
    def info(self) -> SourceInfo:
        """What the file is; `n_frames` is the container's word, None where it gives none (WebM, MPEG-TS)."""
        return self._info

    @property
    def tags(self) -> dict[str, str]:
        """What the file says about itself, by name in capitals."""
        return self._decoder.tags

    @property
    def status(self) -> str:
        """What is damaged so far or, at the end, did not come out of the file; or an empty string."""
        if self._decoder.n_errors:
            return (
                f"{self._name} is damaged in {self._decoder.n_errors} place(s) so far; frames are skipped up to "
                "the next key frame"
            )
        is_short = self._n_read + self._decoder.n_hidden < (self._info.n_frames or 0)
        if self._has_ended and is_short and not self._begins_later:
            return f"{self._count()}; the others are damaged or hold no picture of their own"
        return ""

    @property
    def n_missed(self) -> int:
        """0: every frame is read."""
        return 0

    def at(self, position_s: float) -> Self:
        """Open the same file at another place.

        Parameters
        ----------
        position_s : float
            Seconds after the first frame; past the end gives the last frame alone.

        Returns
        -------
        VideoSource
            Open; this one goes on unchanged.

        Raises
        ------
        CaptureError
            If the file is not there any more.
        """
        return type(self)(self._path, max(position_s, 0.0), self._decoder.origin)

    def read(self) -> Frame | None:
        """Decode the next frame.

        Returns
        -------
        Frame or None
            The next frame; None at the end, and from then on.

        Raises
        ------
        CaptureError
            After the last good frame, if some were damaged or the file is cut off; where the size changes.
        """
        picture, self._pending = self._pending or next(self._pictures, None), None
        if picture is None:
            self._end()
            return None
        image, pts_s = picture
        if image.shape != (self._info.height, self._info.width, 3):
            self._stop()
            raise CaptureError(self._size_message(image))
        self._n_read += 1
        return Frame(image, pts_s)

    def close(self) -> None:
        """Close the file; frames that were read stay valid."""
        self._stop()
        self._decoder.close()

    def _stop(self) -> None:
        self._is_over = True
        self._pending = None
        self._pictures = iter(())

    def _end(self) -> None:
        if self._is_over:
            return
        self._is_over = self._has_ended = True
        problem = self._problem()
        if problem:
            raise CaptureError(f"{self._count()} and are kept; {problem}")

    def _count(self) -> str:
        of = f"of {self._info.n_frames} " if self._info.n_frames else ""
        return f"{self._name}: {self._n_read} {of}frames were read"

    def _problem(self) -> str:
        """Say what is surely wrong with the file, and the remedy; an empty string if nothing is."""
        outline, decoder = self._outline, self._decoder
        if outline.is_cut:
            return (
                f"the file ends early, at {outline.size_bytes} of {outline.declared_bytes} bytes; copy it again "
                "from where it came from"
            )
        if decoder.n_errors:
            return (
                f"it is damaged in {decoder.n_errors} place(s), the first after {decoder.n_before_error} "
                "frames; make a fresh copy of the recording"
            )
        if decoder.end_s < decoder.lasts_s - _LOST_S:
            return (
                f"they end at {decoder.end_s:.2f} s of {decoder.lasts_s:.2f} s, the rest is damaged; make a "
                "fresh copy of the recording"
            )
        return ""

    def _size_message(self, image: Image) -> str:
        new_height, new_width = image.shape[:2]
        height, width = self._info.height, self._info.width
        wide, high = max((width, height), (new_width, new_height), key=lambda size: size[0] * size[1])
        return (
            f"{self._name}: frame {self._n_read} (the first is 0) is {new_width}x{new_height}, those before it "
            f"are {width}x{height} and are kept; give all one size first, such as by: "
            f"ffmpeg -i {self._name} -vf scale={wide}:{high} -c:v ffv1 one_size.mkv"
        )


def _look_at(path: Path) -> Outline:
    try:
        with path.open("rb") as file:
            outline = read_outline(file)
    except FileNotFoundError:
        raise CaptureError(f"{path}: no such file; check the name, and the folder you are in") from None
    except IsADirectoryError:
        raise CaptureError(f"{path} is a folder; name one video file, or read it as a folder of pictures") from None
    except OSError as error:
        raise CaptureError(f"{path} cannot be read ({error.strerror}); check its permissions") from None
    if not outline.size_bytes:
        raise CaptureError(f"{path} is empty (0 bytes); copy it again from where it came from")
    return outline


def _open(path: Path, outline: Outline, start_s: float, origin: int | None) -> Decoder:
    import av

    try:
        return Decoder(path, start_s, origin)
    except NoVideoError as error:
        raise CaptureError(f"{path} has no video in it (a {error} file); name a recording with pictures") from None
    except (av.FFmpegError, OSError) as error:
        reason = f"not a video that can be read ({error.strerror}); wanted a recording such as .mp4 or .mkv"
        raise _unreadable(path, outline, reason) from None


def _unreadable(path: Path, outline: Outline, reason: str) -> CaptureError:
    if outline.lacks_index:
        reason = (
            "its index (moov) is missing, the recorder was stopped before it wrote it; rebuild it with a repair "
            "tool such as untrunc, and record .mkv, which needs no index"
        )
    return CaptureError(f"{path}: {reason}")
