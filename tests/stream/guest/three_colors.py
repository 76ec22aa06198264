"""An encoder whose sub-frames are known by their colour: the real one takes a minute to compile in emulation.

All three of a cycle fuse to the picture, near enough; black and white stay what they are.
"""

from collections.abc import Sequence

import numpy as np

from pipelines.base import Image
from pipelines.kaleido.contract import Code, Pattern, Tables

STEP = 60
"""By how many codes one channel of a grey sub-frame goes up; the others go down by half as many."""


class ThreeColors:
    """See `pipelines.kaleido.contract.Encoder`."""

    def __init__(self, code: Code) -> None:
        self._code = code

    def warm_up(self, height: int, width: int) -> None:
        shape = (height, width)
        pattern = Pattern(np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), np.zeros(shape, np.int8))
        nothing = np.zeros((1, 1, 1, 2, 3), np.float32)
        self.tables = Tables(self._code, np.linspace(0, 1, 256, dtype=np.float32), nothing, 0.0, pattern)

    def encode_cycle(self, picture: Image, strength: float, subframes: Sequence[Image]) -> None:
        room = np.minimum(picture, 255 - picture) / 127.0
        for slot, subframe in enumerate(subframes):
            step = np.full(3, -STEP * strength / 2)
            step[slot % 3] = STEP * strength
            np.copyto(subframe, picture + room * step, casting="unsafe")

    def plain(self, picture: Image, out: Image) -> None:
        out[:] = picture

    def status(self, picture: Image) -> Sequence[str]:
        return ()
