"""The attack's process with a reconstruction that does what the third word of its command says.

It claims as many pixels, from the first row on, as the latest frame's time says.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pipelines.base import Findings, Frame
from pipelines.protection import attack, attack_child
from pipelines.segmentation import Backend

LONG_S = 120.0


def fake_command(does: str, gate: Path | None = None) -> Callable[[int, Backend], list[str]]:
    """Return how to start it; `gate` is a file that it waits for where `does` is ``wait``."""
    return lambda lines, model: [sys.executable, "-P", __file__, str(lines), model, does, str(gate)]


class FakeReconstruction:
    def __init__(self, settings: object, crew: object = None) -> None:
        self.n_frames = 0
        self.does, self.gate = sys.argv[3], Path(sys.argv[4])

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        self.n_frames, self.size = 0, (height, width)
        if self.does == "hang at the start":
            time.sleep(LONG_S)

    def process(self, frame: Frame) -> Sequence[Frame]:
        self.n_frames += 1
        self.latest = frame
        if self.does == "fail":
            raise RuntimeError("no more memory")
        if self.does == "crash":
            os.abort()
        if self.does == "hang":
            time.sleep(LONG_S)
        while self.does == "wait" and not self.gate.exists():
            time.sleep(0.01)
        return ()

    def findings(self) -> Findings:
        alpha = np.zeros(self.size, np.uint8)
        alpha.ravel()[: int(self.latest.pts_s)] = 255
        room = np.dstack([self.latest.image, alpha])
        return Findings(room, room[..., :3], 0.0)


if __name__ == "__main__":
    attack.LeakReconstruction = FakeReconstruction  # type: ignore[assignment,misc]
    attack_child.main()
