"""`backroom` with a protection that shows nobody: the real one takes seconds a frame in emulation, and a minute to
compile.

What is shown is then the background everywhere, and every other part is the real one.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from config.schema import Profile
from pipelines import registry
from pipelines.base import Frame
from pipelines.protection.contract import Background
from stream.cli import main


class HidingAll:
    """See `pipelines.protection.contract.Protection`."""

    def __init__(self, background: Background) -> None:
        self._background = background

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        self.plate = np.zeros((height, width, 3), np.uint8)
        self.is_plate_known = np.zeros((height, width), np.bool_)
        self.mask = np.zeros((height, width), np.float32)
        self._background.warm_up(height, width)

    def process(self, frame: Frame) -> Sequence[Frame]:
        return [Frame(self._background.picture(frame.image, self.mask).copy(), frame.pts_s)]

    def flush(self) -> Sequence[Frame]:
        return ()

    def after_frame(self) -> None:
        pass

    def set_background(self, background: Background) -> None:
        self._background = background

    def tighten(self, steps: int) -> None:
        pass

    def forget_room(self) -> None:
        pass

    def apply(self, profile: Profile) -> Sequence[str]:
        return ()

    def status(self) -> Sequence[str]:
        return ()

    def report(self) -> dict[str, Any]:
        return {"person_model": "none"}


if __name__ == "__main__":
    registry.build_protection = lambda profile, background: HidingAll(background)
    main()
