"""A source's pictures by the time at which they are to be shown, decoded ahead by a thread.

A player asks for the picture of a moment; a source gives frames one after the other. Here the two meet: frames wait
in a short queue, and the one that is asked for is the newest that has begun by then, so that constant, variable and
odd frame rates are all alike. At its end a recording may begin anew: time then simply goes on.
"""

import math
import threading
from collections import deque
from typing import Protocol, runtime_checkable

import cv2
import numpy as np

from pipelines.base import Frame, Image
from stream.sources.base import CaptureError, Source, SourceInfo

AHEAD = 6
"""Frames that are decoded ahead: a tenth to a quarter of a second, 36 MB at 1080p."""

EARLY_S = 1e-6
"""Times are sums of fractions; a frame that is due may seem a hair late."""


@runtime_checkable
class Enterable(Protocol):
    """A recording that can be opened at any place."""

    def at(self, position_s: float) -> Source:
        """Open it again so many seconds after its first frame; the times stay those of the recording."""


class Feed:
    """Gives pictures by time. Not locked: the session is; what is read of it may be read from any thread.

    Parameters
    ----------
    source : Source
        Open; the feed closes it.
    is_patient : bool
        Whether `picture_at` waits for frames that are not decoded yet: where a file is written. A display goes on with
        the picture that it has, and the frame that came too late is counted.
    is_looped : bool
        Whether a recording begins anew at its end.
    size_px : tuple of int, optional
        Height and width that pictures are scaled to, by the thread that decodes them.
    """

    def __init__(
        self,
        source: Source,
        *,
        is_patient: bool,
        is_looped: bool = False,
        size_px: tuple[int, int] | None = None,
    ) -> None:
        self.info: SourceInfo = source.info
        self._size_px = size_px
        self._source = source
        self._is_patient = is_patient
        self._is_looped = is_looped and isinstance(source, Enterable)
        self._is_entering = False
        self._reader = _Reader(source, self._again, size_px)
        self._image: Image | None = None
        self._shown_s = 0.0
        self._n_late = 0

    @property
    def can_seek(self) -> bool:
        """Whether it can be wound: recordings only."""
        return isinstance(self._source, Enterable)

    @property
    def n_late(self) -> int:
        """Pictures asked for whose frame was not decoded yet."""
        return self._n_late

    @property
    def position_s(self) -> float:
        """Place in the recording of the picture given last, in seconds."""
        return self._shown_s - self._reader.offset_at(self._shown_s)

    @property
    def ends_s(self) -> float | None:
        """When the last frame stops being shown, on the scale of `picture_at`; None while that is not known."""
        return self._reader.ends_s

    @property
    def error(self) -> CaptureError | None:
        """What ended the source early; its good frames are given before."""
        return self._reader.error

    @property
    def status(self) -> str:
        """What is wrong with the source at the moment, or an empty string."""
        return self._source.status

    def picture_at(self, moment_s: float, until_s: float | None = None) -> Image | None:
        """Give the picture of a moment.

        Parameters
        ----------
        moment_s : float
            Seconds since the first frame; must not go back but by `go_on_with`.
        until_s : float, optional
            Whoever writes a file asks so far ahead: on return, an end before that is known.

        Returns
        -------
        ndarray or None
            (height, width, 3) uint8 BGR, not to be written to; None past the end.
        """
        reader = self._reader
        if self.info.is_live:
            return self._newest(reader)
        if self._image is None or self._is_patient:
            reader.wait_for(max(moment_s, until_s or 0.0))
        elif reader.is_behind(moment_s):
            self._n_late += not self._is_entering
        frame = reader.take(moment_s + EARLY_S, is_first=self._image is None or self._is_entering)
        if frame is not None:
            self._image, self._shown_s = frame.image, frame.pts_s
            self._is_entering = False
        ends_s = reader.ends_s
        return self._image if ends_s is None or moment_s < ends_s - EARLY_S else None

    def _newest(self, reader: "_Reader") -> Image | None:
        if self._image is None:
            reader.wait_for(-1.0)
        frame = reader.take(math.inf, is_first=True)
        if frame is not None:
            self._image = frame.image
        return None if reader.ends_s is not None else self._image

    @property
    def rounds_s(self) -> float:
        """Seconds of the earlier rounds of a loop, up to the picture given last."""
        return self._reader.offset_at(self._shown_s)

    def enter(self, position_s: float) -> Source:
        """Open the recording at another place, for `go_on_with`; takes a while.

        Parameters
        ----------
        position_s : float
            Seconds after the first frame.

        Returns
        -------
        Source
            Open.

        Raises
        ------
        CaptureError
            If it cannot be opened any more, or is none that can be entered.
        """
        if not isinstance(self._source, Enterable):
            raise CaptureError(f"{self.info.name} is not a recording and cannot be wound")
        return self._source.at(position_s)

    def go_on_with(self, source: Source) -> None:
        """Give pictures of another source of the same recording from now on; returns at once.

        Parameters
        ----------
        source : Source
            From `enter`; the feed closes it. The picture given last stays until its first one is there.
        """
        old, self._reader = self._reader, _Reader(source, self._again, self._size_px)
        self._source = source
        self._is_entering = True
        old.leave()

    def close(self) -> None:
        """Stop decoding and close the source; calling it again does nothing."""
        self._reader.close()

    def _again(self, source: Source) -> Source | None:
        return source.at(0.0) if self._is_looped and isinstance(source, Enterable) else None


def fitted(height: int, width: int, room_px: tuple[int, int]) -> tuple[int, int]:
    """Return how large a picture is where it fills a display in its own shape.

    Parameters
    ----------
    height, width : int
        Of the picture, in pixels.
    room_px : tuple of int
        Height and width of the display.

    Returns
    -------
    tuple of int
        Height and width; at least one of them is the display's.
    """
    scale = min(room_px[0] / height, room_px[1] / width)
    return max(1, min(room_px[0], round(height * scale))), max(1, min(room_px[1], round(width * scale)))


def scaled(image: Image, size_px: tuple[int, int]) -> Image:
    """Scale a picture: areas where it becomes smaller, a cubic where it becomes larger.

    Parameters
    ----------
    image : ndarray
        (any height, any width, 3) uint8 BGR.
    size_px : tuple of int
        Wanted height and width.

    Returns
    -------
    ndarray
        Of that size; `image` itself where it has it.
    """
    if image.shape[:2] == size_px:
        return image
    is_smaller = size_px[0] < image.shape[0]
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size_px[::-1], interpolation=how), np.uint8)


class _Reader:
    """The thread that reads ahead, and its queue."""

    def __init__(self, source: Source, again: "_Again", size_px: tuple[int, int] | None) -> None:
        self._source = source
        self._size_px = size_px
        self._again = again
        self._offsets_s = [0.0]
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._last_s = self._wanted_s = -1.0
        self._interval_s = 0.0
        self.ends_s: float | None = None
        self.error: CaptureError | None = None
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    def offset_at(self, moment_s: float) -> float:
        """Seconds of the earlier rounds of a loop that lie before a moment."""
        return max(offset_s for offset_s in self._offsets_s if offset_s <= moment_s + EARLY_S)

    def wait_for(self, moment_s: float) -> None:
        """Wait until a frame after that moment is there, or there are no more."""
        with self._changed:
            self._wanted_s = moment_s
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.ends_s is not None or self._last_s > moment_s)

    def take(self, moment_s: float, *, is_first: bool) -> Frame | None:
        """Take the newest frame up to a moment, or else, if it is the first, the oldest there is."""
        taken = None
        with self._changed:
            while self._frames and (self._frames[0].pts_s <= moment_s or (is_first and taken is None)):
                taken = self._frames.popleft()
            if taken is not None:
                self._changed.notify_all()
        return taken

    def is_behind(self, moment_s: float) -> bool:
        with self._changed:
            return self.ends_s is None and not self._frames and self._last_s < moment_s - self._interval_s

    def leave(self) -> None:
        """Stop soon."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def close(self) -> None:
        self.leave()
        self._thread.join()

    def _run(self) -> None:
        source = self._source
        try:
            while (following := self._read_through(source)) is not None:
                source.close()
                source = following
        except CaptureError as error:
            self.error = error
        finally:
            source.close()
            with self._changed:
                self.ends_s = self._end_s()
                self._changed.notify_all()

    def _read_through(self, source: Source) -> Source | None:
        """Read a source to its end; return what follows it."""
        is_live = source.info.is_live
        offset_s = self._offsets_s[-1]
        while (frame := source.read()) is not None:
            image = frame.image if self._size_px is None else scaled(frame.image, self._size_px)
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or is_live or self._has_room())
                if self._is_closed:
                    return None
                if is_live:
                    self._frames.clear()
                moment_s = frame.pts_s + offset_s
                self._interval_s = moment_s - self._last_s if moment_s > self._last_s >= 0.0 else self._interval_s
                self._last_s = moment_s
                self._frames.append(Frame(image, moment_s))
                self._changed.notify_all()
        following = self._again(source)
        if following is not None:
            self._offsets_s.append(self._end_s())
        return following

    def _has_room(self) -> bool:
        return len(self._frames) < AHEAD or self._last_s <= self._wanted_s

    def _end_s(self) -> float:
        rate_hz = self._source.info.rate_hz
        return max(self._last_s, 0.0) + (1.0 / rate_hz if rate_hz else self._interval_s)


class _Again(Protocol):
    def __call__(self, source: Source) -> Source | None:
        """Open what comes after the end of a source; None where nothing does."""
