"""Makes docs/demo.png, the picture of the README: `uv run python docs/make_demo_picture.py`."""

import tempfile
from pathlib import Path

import cv2
import numpy as np

from pipelines.registry import build_reconstruction
from stream.checkerboard import over_checkerboard
from stream.demo import run_demo
from stream.sources.demo import DemoSource

SHOWN_FRAME = 62
GAP_PX = 8


def main() -> None:
    """Run the demo and lay call, finding and truth side by side."""
    with tempfile.TemporaryDirectory() as folder:
        run_demo(Path(folder), "none", "default", {"watch.method": "rarest"}, build_reconstruction, lambda _: None)
        found = cv2.imread(str(Path(folder) / "room.png"), cv2.IMREAD_UNCHANGED)
    source = DemoSource()
    frames = [source.read() for _ in range(SHOWN_FRAME)]
    call = frames[-1].image
    gap = np.full((call.shape[0], GAP_PX, 3), 255, np.uint8)
    picture = np.hstack([call, gap, over_checkerboard(found), gap, source.room])
    cv2.imwrite(str(Path(__file__).with_name("demo.png")), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


main()
