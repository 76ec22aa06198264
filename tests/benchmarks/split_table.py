"""How true the light of a pair is to the picture: the paper's construction beside ours.

    uv run python tests/benchmarks/split_table.py

Both split pictures into pairs of 8-bit sub-frames without luminance pollution. What the eye sees of a pair is the mean
of its light (Talbot and Plateau); how far that lies from the picture is given in CIELAB (dE76) and CIEDE2000, and how
far the two sub-frames lie from each other, which is what a camera gets, in CIEDE2000. Colours: a grid of every
fifteenth code in each channel, and, where the footage is there, two real pictures.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from calls import DATA

from config.schema import PlaySettings
from pipelines.base import Image
from pipelines.color import delta_e_2000, lab_from_bgr, linear_from_codes, to_encoded
from pipelines.kaleido.contract import Code
from pipelines.kaleido.paper import split_by_chromaticity
from pipelines.kaleido.pipeline import KaleidoEncoder

ABAB = Code("abab", ((1, 0), (-1, 0)), (1, -1))
SMALL = (240, 135)


def grid_of_colors() -> Image:
    codes = np.arange(0, 256, 15, np.uint8)
    return np.stack(np.meshgrid(codes, codes, codes, indexing="ij"), axis=-1).reshape(len(codes), -1, 3)


def real_pictures() -> Iterator[tuple[str, Image]]:
    if not DATA.is_dir():
        return
    yield "a room", cv2.resize(cv2.imread(str(DATA / "room_bedroom.png")), SMALL, interpolation=cv2.INTER_AREA)
    has_frame, frame = cv2.VideoCapture(str(DATA / "webcam_real_room.mp4")).read()
    assert has_frame
    yield "a webcam's still", cv2.resize(frame, SMALL, interpolation=cv2.INTER_AREA)


def split_in_linear_light(picture: Image) -> tuple[Image, Image]:
    encoder = KaleidoEncoder(PlaySettings(luminance_delta=0.0), ABAB, 0.0)
    encoder.warm_up(*picture.shape[:2])
    first, second = np.empty_like(picture), np.empty_like(picture)
    encoder.encode_cycle(picture, 1.0, (first, second))
    return first, second


def figures(picture: Image, first: Image, second: Image) -> list[float]:
    """Return median and 95th percentile of dE76 and of CIEDE2000 of the fused light, and the median between the two."""
    mean = (linear_from_codes(first).astype(np.float64) + linear_from_codes(second)) / 2
    wanted, seen = lab_from_bgr(picture / 255.0), lab_from_bgr(to_encoded(mean))
    apart = delta_e_2000(lab_from_bgr(first), lab_from_bgr(second))
    rows = (np.linalg.norm(seen - wanted, axis=-1), delta_e_2000(seen, wanted))
    return [*(float(np.percentile(row, share)) for row in rows for share in (50, 95)), float(np.median(apart))]


def main() -> None:
    print("| colours | split | dE76 median | 95 % | CIEDE2000 median | 95 % | A from B |")
    print("|---|---|---|---|---|---|---|")
    for name, picture in (("all", grid_of_colors()), *real_pictures()):
        for how, pair in (
            ("paper", split_by_chromaticity(picture, 0.0)),
            ("linear light", split_in_linear_light(picture)),
        ):
            print(f"| {name} | {how} | " + " | ".join(f"{figure:.2f}" for figure in figures(picture, *pair)) + " |")


if __name__ == "__main__":
    main()
