"""Sources, sinks and pipelines that do as a test tells them."""

import json
import threading
import time
from collections.abc import Callable, Iterable

import numpy as np

from pipelines.base import Frame
from stream.sources.base import SourceInfo


def picture(value: int, height: int = 4, width: int = 6) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


class FakeSource:
    """Gives frames of a list, at a rate if it is live; fails at a frame if told to."""

    def __init__(
        self,
        images: Iterable[np.ndarray],
        *,
        is_live: bool = False,
        period_s: float = 0.0,
        error: Exception | None = None,
        name: str = "fake",
    ) -> None:
        self.images = list(images)
        height, width = self.images[0].shape[:2] if self.images else (4, 6)
        self.info = SourceInfo(name, height, width, 25.0, is_live, None if is_live else len(self.images))
        self.status = ""
        self.n_missed = 0
        self.period_s = period_s
        self.error = error
        self.n_read = 0
        self.n_closed = 0
        self.close_thread: threading.Thread | None = None

    def read(self) -> Frame | None:
        if self.period_s:
            time.sleep(self.period_s)
        if self.n_read == len(self.images):
            if self.error:
                raise self.error
            return None
        self.n_read += 1
        return Frame(self.images[self.n_read - 1], (self.n_read - 1) / 25.0)

    def close(self) -> None:
        self.n_closed += 1
        self.close_thread = threading.current_thread()


class FakeSink:
    """Keeps what it is given; does `on_write` first."""

    def __init__(
        self,
        *,
        is_live: bool = False,
        on_write: Callable[[Frame], None] = lambda _: None,
        on_close: Callable[[], None] = lambda: None,
        name: str = "fake",
    ) -> None:
        self.name = name
        self.is_live = is_live
        self.on_write = on_write
        self.on_close = on_close
        self.frames: list[Frame] = []
        self.threads: set[int] = set()
        self.n_closed = 0

    def write(self, frame: Frame) -> None:
        self.threads.add(threading.get_ident())
        self.on_write(frame)
        self.frames.append(frame)

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.n_closed += 1
        self.on_close()


class PassOn:
    """The pipeline that changes nothing; does `on_process` first."""

    def __init__(self, on_process: Callable[[Frame], None] = lambda _: None) -> None:
        self.on_process = on_process
        self.n_processed = 0
        self.last: list[Frame] = []
        self.n_flushed = 0

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        pass

    def process(self, frame: Frame) -> list[Frame]:
        self.on_process(frame)
        self.n_processed += 1
        return [frame]

    def flush(self) -> list[Frame]:
        self.n_flushed += 1
        return self.last


class FakeView:
    """Keeps what it is shown, or raises; gives commands when a condition on the numbers holds."""

    def __init__(self, script=(), wants=(), error=None):
        self.script = list(script)
        self.wants = set(wants)
        self.error = error
        self.pictures = {}
        self.numbers = []
        self.ready = []

    def wants_picture(self, name):
        return name in self.wants

    def show_picture(self, name, image):
        if self.error is not None:
            raise self.error
        self.pictures.setdefault(name, []).append(image)

    def show_numbers(self, numbers):
        json.dumps(numbers, allow_nan=False)  # JSON values only, as the contract says
        self.numbers.append(numbers)
        if self.script and self.script[0][0](numbers):
            self.ready.append(self.script.pop(0)[1])

    def take_commands(self):
        commands, self.ready = self.ready, []
        return commands

    def close(self):
        pass
