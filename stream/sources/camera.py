"""A webcam as a source that survives its camera.

One thread of its own opens the camera, reads it and tries again after a loss, because OpenCV may block for ten
seconds in a read (a v4l2loopback whose writer stopped) or in an open. `read` takes the newest picture or, within a
second, a placeholder; `close` leaves a blocked thread to end by itself. After a loss the same camera is looked
for by its name, so that it is found in another port, and no other camera steps in for it. The same holds after a
rest, for which the camera is let go.

Limits: the frames keep the size of the first one. A camera that comes back at another size is scaled, with black
bars where the shape differs, and `status` says so.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from config.schema import CameraSettings
from pipelines.base import Frame, Image
from stream.sources.base import CaptureError, SourceInfo
from stream.sources.camera_device import CameraDevice, FoundCamera, choose_camera, find_cameras
from stream.sources.fitting import letterbox, to_bgr
from stream.sources.placeholder import draw_placeholder

_FIRST_PICTURE_S = 8.0
"""Longest wait for the first picture: slow webcams take four seconds, a dead loopback never gives one."""

_SILENCE_S = 0.9
"""A camera that gives nothing for so long is taken for lost: `read` returns within a second."""

_PLACEHOLDER_EVERY_S = 0.5
"""Time between two placeholders while the camera is lost: two a second, so that whoever watches sees it live."""

_CLOSE_S = 1.0
"""Longest wait for the camera's thread; blocked in OpenCV, it lets the camera go when OpenCV returns."""

_LOST = "camera lost, trying again"
_OPENING = "the camera is being opened"


class OpenCamera(Protocol):
    """What `CameraSource` needs of an open camera; see `CameraDevice`."""

    note: str
    rate_hz: float

    def read(self) -> Image | None:
        """Wait for the next picture; None where there is none."""

    def release(self) -> None:
        """Let go of the camera."""


class CameraSource:
    """A live source of a webcam's pictures, see `stream.sources.base.RestingSource`.

    Parameters
    ----------
    target : int, str or None
        Index, device file, or part of a name; None takes the first camera.
    settings : CameraSettings
        Wanted size, rate and format, and the waits between tries after a loss.
    find : callable
        Lists the cameras.
    open_camera : callable
        Opens one, or raises CaptureError.
    first_picture_s : float
        Longest wait for the first picture, in seconds.

    Raises
    ------
    CaptureError
        If there is no such camera, or it cannot be opened or gives no picture in time.
    """

    def __init__(
        self,
        target: int | str | None,
        settings: CameraSettings,
        *,
        find: Callable[[], Sequence[FoundCamera]] = find_cameras,
        open_camera: Callable[[FoundCamera, CameraSettings], OpenCamera] = CameraDevice,
        first_picture_s: float = _FIRST_PICTURE_S,
    ) -> None:
        self._settings = settings
        self._find = find
        self._open_camera = open_camera
        found = find()
        self._camera = choose_camera(target, found)
        self._has_twin = sum(camera.name == self._camera.name and not camera.trouble for camera in found) > 1
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        # Below: shared with the camera's thread, under the condition.
        self._newest: tuple[Image, float] | None = None
        self._size: tuple[int, int] | None = None
        self._rate_hz = settings.rate_hz
        self._loss = ""
        self._note = ""
        self._rest = ""
        self._is_opening = False
        self._failure: BaseException | None = None
        self._is_read = False
        self._is_silent = False
        self._n_missed = 0
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()
        self._info = self._wait_for_the_first_picture(first_picture_s)
        self._given_s = self._last_pts_s = time.perf_counter()
        self._placeholder_text = ""
        self._placeholder = self._placeholder_of_now()

    @property
    def info(self) -> SourceInfo:
        """What the source is; does not change while it is open."""
        return self._info

    @property
    def n_missed(self) -> int:
        """Pictures that a newer one replaced before `read` took them."""
        return self._n_missed

    @property
    def status(self) -> str:
        """One line on what is wrong at the moment, or an empty string; may be read from any thread."""
        with self._changed:
            if self._rest:
                return self._rest
            if self._loss:
                return f"{_LOST} ({self._loss})"
            if self._is_opening:
                return _OPENING
            if self._is_silent:
                return f"{_LOST} (it gives no pictures)"
            return self._note

    @property
    def absence(self) -> str:
        """What a placeholder says; may be read from any thread."""
        return self._rest or (_OPENING if self._is_opening and not self._loss else _LOST)

    def read(self) -> Frame | None:
        """Wait for the next picture, a second at most.

        Returns
        -------
        Frame or None
            The newest picture, or a placeholder while the camera is lost or rests; None once closed.

        Raises
        ------
        CaptureError
            If the camera's thread failed for another reason than the camera.
        """
        with self._changed:
            self._is_read = True
            while not self._stopping.is_set():
                if self._failure is not None:
                    raise CaptureError(f"{self._info.name}: {self._failure}") from self._failure
                if self._newest is not None:
                    (image, pts_s), self._newest = self._newest, None
                    return self._give(image, pts_s, is_placeholder=False)
                is_away = self._rest or self._is_opening or self._loss or self._is_silent
                left_s = self._given_s + (_PLACEHOLDER_EVERY_S if is_away else _SILENCE_S) - time.perf_counter()
                if left_s <= 0:
                    self._is_silent = True
                    return self._give(self._placeholder_of_now(), time.perf_counter(), is_placeholder=True)
                self._changed.wait(left_s)
        return None

    def close(self) -> None:
        """Let go of the camera, within a second; calling it again does nothing."""
        with self._changed:
            self._stopping.set()
            self._changed.notify_all()
        self._thread.join(_CLOSE_S)

    def rest(self, reason: str) -> None:
        """Let the camera go, or take it again; returns at once.

        Parameters
        ----------
        reason : str
            Why it rests; empty takes the camera again.
        """
        with self._changed:
            self._is_opening = not reason and (bool(self._rest) or self._is_opening)
            self._rest = reason
            if reason:
                self._newest, self._loss = None, ""
            self._changed.notify_all()

    def _give(self, image: Image, pts_s: float, is_placeholder: bool) -> Frame:
        self._is_silent = is_placeholder
        self._given_s = time.perf_counter()
        # A picture read just before a placeholder was given may arrive after it.
        self._last_pts_s = max(pts_s, self._last_pts_s)
        return Frame(image, self._last_pts_s, is_placeholder)

    def _placeholder_of_now(self) -> Image:
        text = self.absence
        if text != self._placeholder_text:
            self._placeholder = draw_placeholder(self._info.height, self._info.width, text)
            self._placeholder_text = text
        return self._placeholder

    def _wait_for_the_first_picture(self, longest_s: float) -> SourceInfo:
        with self._changed:
            self._changed.wait_for(lambda: self._size or self._loss or self._failure, longest_s)
            size, loss, failure = self._size, self._loss, self._failure
        if size is not None:
            name = f"camera {self._camera.name or self._camera.index} ({size[1]}x{size[0]})"
            return SourceInfo(name, size[0], size[1], self._rate_hz, is_live=True)
        self.close()
        if failure is not None:
            raise CaptureError(f"camera {self._camera}: {failure}") from failure
        raise CaptureError(
            loss
            or f"camera {self._camera}: no picture in {longest_s:g} s; unplug it and plug it in again, "
            "or, if it is a virtual camera, start the program that writes to it"
        )

    def _run(self) -> None:
        try:
            waits_s = self._waits()
            while not self._stopping.is_set():
                n_pictures = self._read_until_lost()
                if self._size is None:
                    return
                if n_pictures:
                    waits_s = self._waits()
                self._wait(next(waits_s))
        except BaseException as error:  # noqa: BLE001 - `read` raises it in the caller's thread
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _wait(self, longest_s: float) -> None:
        """Wait before the next try; a rest ends when it ends, and the try follows at once."""
        with self._changed:
            self._changed.wait_for(lambda: self._rest or self._stopping.is_set(), longest_s)
            self._changed.wait_for(lambda: not self._rest or self._stopping.is_set())

    def _waits(self) -> Iterator[float]:
        wait_s = self._settings.retry_first_s
        while True:
            yield min(wait_s, self._settings.retry_longest_s)
            wait_s *= 2

    def _read_until_lost(self) -> int:
        n_pictures = 0
        try:
            device = self._open_camera(self._find_again(), self._settings)
        except CaptureError as error:
            self._lose(str(error))
            return n_pictures
        try:
            while not (self._stopping.is_set() or self._rest):
                image = device.read()
                if image is None:
                    self._lose("it stopped giving pictures")
                    break
                self._put(to_bgr(image), time.perf_counter(), device)
                n_pictures += 1
        except ValueError as error:
            self._lose(str(error))
        finally:
            device.release()
        return n_pictures

    def _find_again(self) -> FoundCamera:
        there = [camera for camera in self._find() if camera.name == self._camera.name]
        if self._has_twin:
            there = [camera for camera in there if camera.path == self._camera.path]
        there.sort(key=lambda camera: (bool(camera.trouble), camera.path != self._camera.path, camera.index))
        if not there:
            raise CaptureError(f"{self._camera.name!r} is not plugged in")
        if there[0].trouble:
            raise CaptureError(there[0].trouble)
        return there[0]

    def _put(self, image: Image, pts_s: float, device: OpenCamera) -> None:
        height, width = image.shape[:2]
        size = self._size or (height, width)
        note = device.note
        if (height, width) != size:
            image = letterbox(image, *size)
            note = f"the camera gives {width}x{height} now, scaled to the {size[1]}x{size[0]} of before"
        with self._changed:
            if self._rest:
                return
            if self._size is None:
                self._size, self._rate_hz = size, device.rate_hz
            self._is_opening = False
            self._n_missed += self._is_read and self._newest is not None
            self._newest = (image, pts_s)
            self._loss, self._note = "", note
            self._changed.notify_all()

    def _lose(self, reason: str) -> None:
        with self._changed:
            # What a camera says that was let go is no loss.
            self._loss = "" if self._rest else reason
            self._changed.notify_all()
