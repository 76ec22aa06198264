"""The process that attacks live: `pipelines.protection.attack_process` starts it and says why there is one.

It gets out of the way of the camera: one thread, and a priority at which it takes the time that nobody else wants.

What it is sent begins with a header, `REQUEST`: ``F`` a frame, and then output, plate (both (height, width, 3) uint8
BGR) and where the plate is known ((height, width) bool); ``N`` the room is another one; ``L`` a look is wanted now. It
answers each, and says once before that it is ready, by `REPLY` and so many bytes of JSON: ``R`` what it has recovered,
or ``E`` why it has ended, as the last word.
"""

import contextlib
import dataclasses
import json
import os
import struct
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from pipelines.child import open_pipes, read_exactly, write_all

if TYPE_CHECKING:
    from pipelines.protection.attack import Attack, Seen

REQUEST = struct.Struct("<cdII")
"""Kind, time in seconds, height, width."""

REPLY = struct.Struct("<cI")
"""Kind, bytes."""

FRAME, FORGET, LOOK = b"F", b"N", b"L"
RECOVERED, ERROR = b"R", b"E"

NICENESS = 10

_Request = tuple[bytes, "Seen | None"]


def main() -> None:
    """Attack with ``LINES PERSON_MODEL`` until the parent is gone."""
    _step_back()
    requests, replies = open_pipes()
    waiting: SimpleQueue[_Request] = SimpleQueue()
    with contextlib.suppress(BrokenPipeError):
        try:
            # Before anything is loaded, so that it ends with its parent from the first moment on.
            threading.Thread(target=_listen, args=[requests, waiting], daemon=True).start()
            _serve(_prepared(int(sys.argv[1]), sys.argv[2]), waiting, replies)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - the last word, whatever it is
            _reply(replies, ERROR, str(error) or type(error).__name__)


def _step_back() -> None:
    """Leave the processors to the camera; Windows is told so by the parent."""
    if sys.platform != "win32":
        os.nice(NICENESS)


def _prepared(lines: int, person_model: str) -> "Attack":
    import cv2

    from pipelines.crew import Crew
    from pipelines.protection.attack import Attack

    cv2.setNumThreads(1)
    attack = Attack(lines, person_model, Crew(1))  # type: ignore[arg-type] # the parent has checked it
    attack.warm_up()
    return attack


def _serve(attack: "Attack", waiting: "SimpleQueue[_Request]", replies: BinaryIO) -> NoReturn:
    while True:
        _reply(replies, RECOVERED, dataclasses.asdict(attack.recovered))
        kind, seen = waiting.get()
        if seen is not None:
            attack.see(seen)
        elif kind == FORGET:
            attack.forget()
        else:
            attack.look()


def _reply(replies: BinaryIO, kind: bytes, content: object) -> None:
    text = json.dumps(content).encode()
    write_all(replies, REPLY.pack(kind, len(text)), text)


def _listen(requests: BinaryIO, waiting: "SimpleQueue[_Request]") -> None:
    """Read what is sent, in a thread of its own: only so is it heard at once, whatever is worked on, that it ends."""
    try:
        while True:
            kind, pts_s, height, width = REQUEST.unpack(read_exactly(requests, bytearray(REQUEST.size)))
            waiting.put((kind, _read_frame(requests, pts_s, height, width) if kind == FRAME else None))
    finally:
        os._exit(0)


def _read_frame(requests: BinaryIO, pts_s: float, height: int, width: int) -> "Seen":
    import numpy as np

    from pipelines.protection.attack import Seen

    output, plate = (np.empty((height, width, 3), np.uint8) for _ in range(2))
    is_known = np.empty((height, width), np.bool_)
    for array in (output, plate, is_known):
        read_exactly(requests, array.data.cast("B"))
    return Seen(output, plate, is_known, pts_s)
