"""The sound of a film: decoded by PyAV in a thread, played by PortAudio (sounddevice) in its own.

The sound is the clock: what is heard cannot be shifted unnoticed, pictures can. `position_s` is what leaves the
loudspeaker now, the device's latency taken off, and `stream.play.transport` holds the pictures to it.

Limits: two channels; more are mixed down by libav. Needs the extra ``audio``.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from av.container import InputContainer

Samples = npt.NDArray[np.float32]
"""(n, 2) float32, -1 to 1."""

CHANNELS = 2
RATE_HZ = 48_000
"""What every device takes, and what films have."""

AHEAD_S = 0.5
"""Sound that is decoded ahead."""

REMEDY = "pip install 'backroom[audio]', and on Debian apt install libportaudio2"


class SoundError(Exception):
    """There is no sound: the message says why and the remedy. A film is played without it."""


class Device(Protocol):
    """What plays. `fill` is called from a thread of its own until `close`, and must not wait."""

    @property
    def latency_s(self) -> float:
        """From `fill` to the loudspeaker, in seconds."""

    def close(self) -> None:
        """Stop calling; calling it again does nothing."""


OpenDevice = Callable[[Callable[[Samples], None]], Device]
"""Takes what fills (n, 2) float32 with the next samples; gives a running device; raises `SoundError`."""


class Sound:
    """Plays a file's first sound track.

    Parameters
    ----------
    path : Path
        The film.
    volume : float
        0 to 1.
    open_device : callable, optional
        For tests; PortAudio's default device otherwise.

    Raises
    ------
    SoundError
        If the file has no sound, or there is nothing to play it with.
    """

    def __init__(self, path: Path, volume: float, open_device: OpenDevice | None = None) -> None:
        self._path = path
        self.volume = volume
        self._changed = threading.Condition()
        self._blocks: deque[Samples] = deque()
        self._n_waiting = 0
        self._place = 0  # samples played since the film's begin
        self._is_paused = True
        self._is_closed = False
        self._round = 0
        self._has_ended = False
        self.n_gaps = 0
        _open_track(path).close()
        self._device = (open_device or open_default_device)(self._fill)
        self._thread = self._start(0.0)

    @property
    def position_s(self) -> float | None:
        """Place in the film that is heard now, in seconds; None while it is paused or its track is over."""
        with self._changed:
            if self._is_paused or (self._has_ended and not self._n_waiting):
                return None
            return max(self._place / RATE_HZ - self._device.latency_s, 0.0)

    def pause(self, paused: bool) -> None:
        """Be silent, or go on.

        Parameters
        ----------
        paused : bool
            False goes on.
        """
        with self._changed:
            self._is_paused = paused

    def seek(self, position_s: float) -> None:
        """Go on from another place of the film.

        Parameters
        ----------
        position_s : float
            Seconds from its begin.
        """
        with self._changed:
            self._round += 1
            self._changed.notify_all()
        self._thread.join()
        self._thread = self._start(position_s)

    def close(self) -> None:
        """Be silent for good; calling it again does nothing."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()
        self._device.close()

    def _start(self, position_s: float) -> threading.Thread:
        with self._changed:
            self._blocks.clear()
            self._n_waiting = 0
            self._has_ended = False
            self._place = round(position_s * RATE_HZ)
            thread = threading.Thread(
                target=self._decode, args=(position_s, self._round), name="decode sound", daemon=True
            )
        thread.start()
        return thread

    def _decode(self, position_s: float, round_: int) -> None:
        import av

        # Damage ends the sound, and the film goes on without: its pictures say what is wrong with the file.
        with contextlib.suppress(av.FFmpegError, SoundError), contextlib.closing(_open_track(self._path)) as track:
            for block in _blocks(track, position_s):
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._is_closed or self._round != round_ or self._n_waiting < AHEAD_S * RATE_HZ
                    )
                    if self._is_closed or self._round != round_:
                        return
                    self._blocks.append(block)
                    self._n_waiting += len(block)
        with self._changed:
            self._has_ended = True

    def _fill(self, out: Samples) -> None:
        out[:] = 0.0
        with self._changed:
            if self._is_paused or self._is_closed:
                return
            n = 0
            while n < len(out) and self._blocks:
                block = self._blocks.popleft()
                part = block[: len(out) - n]
                out[n : n + len(part)] = part
                n += len(part)
                if len(part) < len(block):
                    self._blocks.appendleft(block[len(part) :])
            self._n_waiting -= n
            self._place += n
            self.n_gaps += n < len(out) and not self._has_ended
            self._changed.notify_all()
        out *= self.volume


def open_default_device(fill: Callable[[Samples], None]) -> Device:
    """Open the system's default loudspeaker.

    Parameters
    ----------
    fill : callable
        Fills (n, 2) float32 with the next samples, without waiting.

    Returns
    -------
    Device
        Running.

    Raises
    ------
    SoundError
        If sounddevice or PortAudio is not installed, or there is no device.
    """
    try:
        import sounddevice
    except ImportError:
        raise SoundError(f"no sound: the package sounddevice is not installed; {REMEDY}") from None
    except OSError:
        raise SoundError(f"no sound: PortAudio is not installed; {REMEDY}") from None
    try:
        return _PortAudio(sounddevice, fill)
    except sounddevice.PortAudioError as error:
        reason = " ".join(str(error).split())
        raise SoundError(f"no sound: there is no device to play it ({reason}); plug one in and start again") from None


class _PortAudio:
    def __init__(self, sounddevice: Any, fill: Callable[[Samples], None]) -> None:
        def callback(out: Samples, _n: int, _time: Any, _status: Any) -> None:
            fill(out)

        self._stream = sounddevice.OutputStream(
            samplerate=RATE_HZ, channels=CHANNELS, dtype="float32", callback=callback
        )
        self._stream.start()

    @property
    def latency_s(self) -> float:
        return float(self._stream.latency)

    def close(self) -> None:
        self._stream.close()


def _open_track(path: Path) -> "InputContainer":
    import av

    try:
        container = av.open(str(path.resolve()), options={"protocol_whitelist": "file"})
    except (av.FFmpegError, OSError) as error:
        raise SoundError(f"no sound: {path} cannot be opened ({error.strerror}); check the file") from None
    if not container.streams.audio:
        container.close()
        raise SoundError(f"{path} has no sound")
    return container


def _blocks(container: "InputContainer", position_s: float) -> Iterator[Samples]:
    """Yield the samples from a place on; silence where the track has a hole or begins late."""
    import av

    track = container.streams.audio[0]
    origin_s = _origin_s(container)
    if position_s > 0.0 and track.time_base:
        container.seek(int((origin_s + position_s) / track.time_base), stream=track)
    to_floats = av.AudioResampler(format="flt", layout="stereo", rate=RATE_HZ)
    due = round(position_s * RATE_HZ)
    for frame in container.decode(track):
        begins_s = float((frame.pts or 0) * (frame.time_base or Fraction(1, 1))) - origin_s
        for converted in to_floats.resample(frame):
            samples = converted.to_ndarray().astype(np.float32, copy=False).reshape(-1, CHANNELS)
            begin = round(begins_s * RATE_HZ)
            begins_s += len(samples) / RATE_HZ
            if begin > due + RATE_HZ // 50:
                yield np.zeros((begin - due, CHANNELS), np.float32)
                due = begin
            samples = samples[max(due - begin, 0) :]
            if len(samples):
                due += len(samples)
                yield samples


def _origin_s(container: "InputContainer") -> float:
    """When the first picture is shown, on the container's clock: the film's time begins there."""
    for stream in container.streams.video:
        if stream.start_time is not None and stream.time_base is not None:
            return float(stream.start_time * stream.time_base)
    return 0.0
