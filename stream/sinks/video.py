"""Recordings to file: ``.mkv`` keeps every bit and every time, ``.mp4`` and ``.mov`` are small and play anywhere.

.. list-table::
   * - ``.mkv``
     - FFV1, lossless: exact pixels, times exact to the nanosecond. Some 0.5 MB a frame at 720p.
   * - ``.mp4``, ``.mov``
     - H.264, 8 bits, 4:2:0, BT.709 in limited range and tagged so; times to 1/90000 s. An odd width or height
       gets one column or row more, a repetition of the last: 4:2:0 has none to spare.

Either is written under a temporary name beside its own, ``call.part.mkv`` for ``call.mkv``, and renamed when it
is finished: a half-written file never stands under the final name, and a file of that name is replaced only
then. After a crash, or a disk that ran full, the temporary ``.mkv`` is still there and plays up to its last
whole frame; a ``.mp4`` or ``.mov`` without its end cannot be read and is removed where the program still can.

Times may vary from frame to frame and start at 0 with the first; two frames of the same time are one unit apart.

Speed on two cores, noisy webcam pictures, frames a second: ``.mkv`` 62 at 720p and 28 at 1080p, ``.mp4`` 102 and
47 (``tests/benchmarks/test_recordings.py``). A live 1080p30 source with a ``.mkv`` sink wants a third core.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.schema import VideoSettings
from pipelines.atomic import new_part_file, put_in_place
from pipelines.base import Frame
from stream.sinks.base import SinkError
from stream.sinks.encoders import H264File, LosslessFile


class VideoSink:
    """A video file.

    Parameters
    ----------
    path : Path
        Its final name; the ending chooses the format.
    rate_hz : float
        Nominal frames a second, for players; the times are the frames' own.
    settings : VideoSettings
        Quality and speed of H.264.
    tags : mapping of str to str, optional
        What a ``.mkv`` is to say of itself beside its times.

    Raises
    ------
    SinkError
        If the ending is another, or the folder is not there.
    """

    def __init__(
        self, path: Path, rate_hz: float, settings: VideoSettings, tags: Mapping[str, str] | None = None
    ) -> None:
        if path.suffix.lower() not in (".mkv", ".mp4", ".mov"):
            raise SinkError(
                f"{path}: {path.suffix or 'a missing ending'} names no video format; end it in .mkv (lossless), "
                ".mp4 or .mov (small)"
            )
        if not path.parent.is_dir():
            raise SinkError(f"{path}: there is no folder {path.parent}; make it first or name another")
        if path.exists() and not path.is_file():
            raise SinkError(f"{path} is not a plain file and cannot be replaced by a video; give another name")
        self._path = path
        self._rate_hz = rate_hz
        self._settings = settings
        self._tags = tags or {}
        self._part = path
        self._recording: LosslessFile | H264File | None = None
        self._is_over = False
        self._is_finished = False
        self._shape: tuple[int, ...] = ()
        self._n_written = 0
        self._first_s = 0.0
        self._last = -1

    @property
    def name(self) -> str:
        """The file."""
        return str(self._path)

    @property
    def is_live(self) -> bool:
        """False: every frame is kept."""
        return False

    def write(self, frame: Frame) -> None:
        """Add one frame.

        Parameters
        ----------
        frame : Frame
            The next one, in order of its time.

        Raises
        ------
        SinkError
            If it cannot be written (disk full), its size differs from the first one's, or the file is closed.
        """
        if self._is_over:
            raise SinkError(f"{self._path} is finished, no frame can be added; record to a new file")
        recording = self._recording or self._open(frame)
        if frame.image.shape != self._shape:
            (height, width), (first_height, first_width) = frame.image.shape[:2], self._shape[:2]
            raise SinkError(
                f"{self._path}: frame {self._n_written} is {width}x{height}, those before it are "
                f"{first_width}x{first_height} and are kept; record each size to a file of its own"
            )
        time = max(round((frame.pts_s - self._first_s) * recording.units_per_s), self._last + 1)
        with self._translated():
            recording.add(frame.image, time)
        self._last = time
        self._n_written += 1

    def close(self) -> None:
        """Finish the file and give it its name; without a frame there is no file.

        Raises
        ------
        SinkError
            If it cannot be finished; an old file of that name is as it was.
        """
        if self._is_over:
            return
        self._is_over = True
        if self._recording is None:
            return
        with self._translated():
            self._recording.finish()
            self._is_finished = True
            put_in_place(self._part, self._path)

    def discard(self) -> None:
        """Give the recording up and remove it; does nothing once it is closed."""
        if self._is_over:
            return
        self._is_over = True
        if self._recording is not None:
            self._recording.abandon()
            self._part.unlink(missing_ok=True)

    def _open(self, frame: Frame) -> LosslessFile | H264File:
        height, width = frame.image.shape[:2]
        self._shape, self._first_s = frame.image.shape, frame.pts_s
        with self._translated():
            self._part = new_part_file(self._path)
            if self._path.suffix.lower() == ".mkv":
                self._recording = LosslessFile(self._part, height, width, self._rate_hz, self._tags)
            else:
                self._recording = H264File(self._part, height, width, self._rate_hz, self._settings)
        return self._recording

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what goes wrong into one `SinkError`, and leave behind what is worth keeping."""
        import av

        try:
            yield
        except (OSError, av.FFmpegError) as error:
            self._is_over = True
            kept = self._give_up()
            raise SinkError(
                f"{self._path} cannot be written ({error.strerror}) after {self._n_written} frames{kept}; "
                "free some space or name another folder"
            ) from None

    def _give_up(self) -> str:
        if self._recording is not None:
            self._recording.abandon()
        if self._is_finished or (self._n_written and isinstance(self._recording, LosslessFile)):
            return f", which are kept in {self._part}"
        if self._part != self._path:
            self._part.unlink(missing_ok=True)
        return ""
