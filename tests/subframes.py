"""Small recordings of sub-frames made by code, tagged as `play` tags them."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from pipelines.base import Image
from pipelines.color import codes_from_linear, linear_from_codes

# Displacements that hardly change luminance: along the first, against it, and two other ways.
AWAY = np.array([1.0, -0.4, 1.0], np.float32)
OTHER = np.array([-1.0, -0.2, 1.0], np.float32)
TRIPLE = ((1.0, 0.0), (-0.5, 0.866), (-0.5, -0.866))
ABAB = ((1.0, 0.0), (-1.0, 0.0))


def cycle_of(picture: Image, code: Sequence[tuple[float, float]], strength: float = 0.9) -> list[Image]:
    """Return sub-frames that fuse to a picture."""
    light = linear_from_codes(picture)
    room = np.minimum(light, 1 - light) * np.float32(strength / max(1.0, *(abs(a) + abs(b) for a, b in code)))
    return [codes_from_linear(light + room * (np.float32(a) * AWAY + np.float32(b) * OTHER)) for a, b in code]


def write_subframes(
    path: Path, subframes: Sequence[Image], tags: Mapping[str, str] | None = None, rate: int = 120
) -> Path:
    """Write a lossless file, one frame for each period of the display."""
    with av.open(str(path), "w") as container:
        container.metadata.update(tags or {})
        stream = container.add_stream("ffv1", rate=rate)
        stream.height, stream.width = subframes[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for i, picture in enumerate(subframes):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="bgr0")
            frame.pts, frame.time_base = i, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tags_of(code: str, n_slots: int) -> dict[str, str]:
    """Return the tags that `play` writes."""
    return {"BACKROOM_CODE": code, "BACKROOM_SLOTS": str(n_slots), "BACKROOM_REFRESH_HZ": "120"}
