"""Orders of sub-frames that tests take: along one axis, around a triangle, and eight steps with luminance."""

import math

from pipelines.kaleido.contract import Code

ABAB = Code("abab", ((1, 0), (-1, 0)), (1, -1))
ABBA = Code("abba", ((1, 0), (-1, 0), (-1, 0), (1, 0)), (1, -1, 1, -1))
TRIPLE = Code("triple", ((1, 0), (-0.5, 0.8660254), (-0.5, -0.8660254)), (0, 0, 0))
EIGHT = Code(
    "eight",
    tuple((math.cos(math.pi * k * 3 / 4), math.sin(math.pi * k * 3 / 4)) for k in range(8)),
    (1, -1) * 4,
)
CODES = {code.name: code for code in (ABAB, ABBA, TRIPLE, EIGHT)}
