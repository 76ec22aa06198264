"""A video call with a virtual background whose room is known to the pixel: what reconstructions are measured on.

A person (`person_clips`) is set into a room (`scenery`) with a webcam's noise; the person model segments what the
camera saw, as a call's client does; the client (`clients`) makes its mask of that and replaces the rest; H.264 squeezes
the result. A clip that has a plate is used as it is: its own room, its own light and shadows.

The truth, after Weissberg et al., Seeing Through, 2025: the leak alpha of a frame is the applied mask times (1 - true
matte), w is its largest value over time, and what the best frame showed is the reference (1 - w) backdrop + w room.
Where room or backdrop move, `room.png` and `backdrop.png` hold for each pixel the moment of its largest leak.

    uv run python tests/benchmarks/simulated_call.py OUT --clip PERSON.mp4 --room ROOM.png --backdrop drawn:1

writes call.mp4 (what the others see), raw.mkv (what the camera saw, lossless), matte.npz, w.npy, when.npy (the frame of
the largest leak, -1 for none), room.png, backdrop.png, reference.png, meta.json and, where it moves, backdrop.mkv. They
are the files of the scorers beside the project, which work on such a folder.
"""

import argparse
import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import cv2
import numpy as np
from ahead import N_AHEAD, ahead
from clients import ALL_PERSON, STYLES, Client
from person_clips import place, read_person
from scenery import Layer, Picture, Scenery, Still, fit, open_backdrop, open_room

from pipelines.segmentation import Segmenter, open_segmenter

LEAKED_ALPHA = 0.25
# Once in so many frames the sitter sways to and fro, a little one within.
SWAY_SLOW_FRAMES, SWAY_QUICK_FRAMES, SWAY_QUICK_SHARE = 40, 13, 0.4
VERSION = 1


@dataclass(frozen=True, slots=True)
class CallPlan:
    """All that makes a call what it is; two calls of one plan have the same pixels.

    Attributes
    ----------
    clip : str
        Video of the person; one of its frames for each of the call's.
    matte, plate : str or None
        What is known of the clip, see `person_clips`.
    room : str or None
        See `scenery`; None is the plate, with the clip as it is.
    backdrop : str
        See `scenery`.
    style : str
        One of `STYLES`.
    width, height : int
        Pixels.
    rate_hz : float
        Frames a second that the call says it has.
    crf : int
        Quality of H.264, 0 (all) to 51.
    start : int
        First frame of the clip.
    n_frames : int
        Frames, or fewer where the clip ends.
    sway : float
        Sideways movement of the sitter, as a share of the width; not where the clip is used as it is.
    noise : float
        Sigma of the webcam's noise in codes.
    seed : int
        Of the noises.
    """

    clip: str
    matte: str | None = None
    plate: str | None = None
    room: str | None = None
    backdrop: str = "drawn:1"
    style: str = "threshold"
    width: int = 640
    height: int = 360
    rate_hz: float = 25.0
    crf: int = 26
    start: int = 0
    n_frames: int = 750
    sway: float = 0.03
    noise: float = 2.0
    seed: int = 0


class Truth:
    """The largest leak of every pixel so far, and what was behind and before it at that moment."""

    def __init__(self, height: int, width: int) -> None:
        self.weights = np.zeros((height, width), np.float32)
        self.when = np.full((height, width), -1, np.int32)
        self._room: Layer | None = None
        self._backdrop: Layer | None = None

    def note(self, t: int, leak: Layer, room: Layer, backdrop: Layer) -> None:
        """Take one frame's leak alpha, (height, width), and its room and backdrop, (height, width, 3)."""
        if self._room is None or self._backdrop is None:
            self._room, self._backdrop = room.copy(), backdrop.copy()
        larger = leak > self.weights
        self.weights[larger] = leak[larger]
        self.when[larger] = t
        self._room[larger] = room[larger]
        self._backdrop[larger] = backdrop[larger]

    def pictures(self) -> dict[str, Picture]:
        """Return room, backdrop and reference."""
        assert self._room is not None
        assert self._backdrop is not None
        w = self.weights[..., np.newaxis]
        held = {"room": self._room, "backdrop": self._backdrop, "reference": (1 - w) * self._backdrop + w * self._room}
        return {name: np.clip(picture, 0, 255).round().astype(np.uint8) for name, picture in held.items()}


class Recording:
    """A video file that is written frame by frame, in a thread; with a quality H.264 for calls, without lossless FFV1.

    Pictures belong to it once they are written.
    """

    def __init__(self, path: Path, plan: CallPlan, crf: int | None = None) -> None:
        self._container = av.open(str(path), "w")
        rate = Fraction(plan.rate_hz).limit_denominator(1001)
        if crf is None:
            stream = self._container.add_stream("ffv1", rate=rate)
            stream.pix_fmt = "bgr0"
        else:
            options = {"crf": str(crf), "preset": "veryfast", "tune": "zerolatency"}
            stream = self._container.add_stream("libx264", rate=rate, options=options)
            stream.pix_fmt = "yuv420p"
        stream.width, stream.height = plan.width, plan.height
        self._stream = stream
        self._thread = ThreadPoolExecutor(1, "recording")
        self._waiting: deque[Future[None]] = deque()

    def write(self, picture: Picture) -> None:
        if len(self._waiting) == N_AHEAD:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._encode, picture))

    def _encode(self, picture: Picture) -> None:
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        if self._stream.pix_fmt == "bgr0":
            frame = frame.reformat(format="bgr0")
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown()
        try:
            if kind is None:
                for written in self._waiting:
                    written.result()
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()


def make_call(out: Path, plan: CallPlan, segmenter: Segmenter | None = None) -> dict[str, Any]:
    """Make a call, or keep the one that is there if it has the same plan.

    Parameters
    ----------
    out : Path
        Folder to write.
    plan : CallPlan
        What to make.
    segmenter : Segmenter, optional
        The client's person model; OpenCV's back end unless given, which is there on every machine.

    Returns
    -------
    dict
        `meta.json`: plan, frames, leakable (share of pixels with w over .25), whether the backdrop moves.
    """
    made = {"version": VERSION, **asdict(plan)}
    try:
        meta: dict[str, Any] = json.loads((out / "meta.json").read_text("utf-8"))
        if meta["plan"] == made:
            return meta
    except (OSError, ValueError, KeyError):
        pass
    out.mkdir(parents=True, exist_ok=True)
    (out / "meta.json").unlink(missing_ok=True)  # written last: a call that has one is whole
    truth, mattes, backdrop_moves = _write_frames(out, plan, segmenter or open_segmenter("opencv"))
    np.savez_compressed(out / "matte.npz", matte=np.stack(mattes))
    np.save(out / "w.npy", truth.weights)
    np.save(out / "when.npy", truth.when)
    for name, picture in truth.pictures().items():
        cv2.imwrite(str(out / f"{name}.png"), picture)
    leakable = float((truth.weights > LEAKED_ALPHA).mean())
    meta = {"style": plan.style, "frames": len(mattes), "leakable": leakable, "backdrop_moves": backdrop_moves}
    meta["plan"] = made
    (out / "meta.json").write_text(json.dumps(meta, indent=1), "utf-8")
    return meta


def _write_frames(out: Path, plan: CallPlan, segmenter: Segmenter) -> tuple[Truth, list[Picture], bool]:
    backdrop = open_backdrop(plan.backdrop, (plan.width, plan.height), plan.seed + 1)
    client, truth, mattes = Client(plan.style), Truth(plan.height, plan.width), []
    with ExitStack() as files:
        call = files.enter_context(Recording(out / "call.mp4", plan, plan.crf))
        raw = files.enter_context(Recording(out / "raw.mkv", plan))
        moving = None if backdrop.is_still else files.enter_context(Recording(out / "backdrop.mkv", plan))
        frames = files.enter_context(closing(ahead(_camera_frames(plan, backdrop))))
        for t, (matte, camera, room, behind) in enumerate(frames):
            probability = matte if plan.style == "eroded" else segmenter.probability(camera)
            mask = client.mask(probability, matte)
            m = mask[..., np.newaxis]
            raw.write(camera)
            call.write(np.clip(m * camera + (1 - m) * behind, 0, 255).astype(np.uint8))
            if moving is not None:
                moving.write(np.clip(behind, 0, 255).astype(np.uint8))
            leak = np.where(matte >= ALL_PERSON, np.float32(0), mask * (1 - matte))
            truth.note(t, leak, room, behind)
            mattes.append((matte * 255).round().astype(np.uint8))
    return truth, mattes, not backdrop.is_still


def _camera_frames(plan: CallPlan, backdrop: Scenery) -> Iterator[tuple[Layer, Picture, Layer, Layer]]:
    """Yield of each frame the true matte, what the camera saw, the room, and what the client has behind the person."""
    rng = np.random.default_rng(plan.seed)
    for t, (matte, seen, room) in enumerate(islice(_seen_frames(plan), plan.n_frames)):
        noisy = seen + rng.normal(0, plan.noise, seen.shape) if plan.noise else seen
        camera = np.clip(noisy, 0, 255).astype(np.uint8)
        yield matte, camera, room, backdrop.at(t, camera.astype(np.float32))


def _open_room(plan: CallPlan) -> Scenery:
    size = (plan.width, plan.height)
    if plan.room is not None:
        return open_room(plan.room, size)
    if plan.plate is None:
        raise SystemExit("a clip without --plate has no room of its own; name one, such as --room drawn:1")
    return Still(_read_plate(plan), size)


def _read_plate(plan: CallPlan) -> Picture:
    plate = cv2.imread(plan.plate or "")
    if plate is None:
        raise SystemExit(f"{plan.plate} is not a picture; name the plate of the clip, of the clip's size")
    return plate.astype(np.uint8, copy=False)


def _seen_frames(plan: CallPlan) -> Iterator[tuple[Layer, Layer, Layer]]:
    """Yield of each frame the true matte, what a camera without noise sees, and the room; all of the call's size."""
    scenery = _open_room(plan)
    size = (plan.width, plan.height)
    plate = None if plan.plate is None else _read_plate(plan)
    matte_file = None if plan.matte is None else Path(plan.matte)
    people = enumerate(read_person(Path(plan.clip), plan.start, matte_file, plate))
    for t, (matte, colors) in people:
        room = scenery.at(t)
        if plan.room is None:
            codes = fit((matte * 255).round().astype(np.uint8), size)
            yield codes.astype(np.float32) / 255, fit(colors.astype(np.uint8), size).astype(np.float32), room
            continue
        placed, person = place(matte, colors, size, plan.sway * plan.width * sway_at(t))
        a = placed[..., np.newaxis]
        yield placed, a * person + (1 - a) * room, room


def sway_at(t: int) -> float:
    """Return how far to the side the sitter is in a frame, of the plan's sway."""
    return float(np.sin(t / SWAY_SLOW_FRAMES) + SWAY_QUICK_SHARE * np.sin(t / SWAY_QUICK_FRAMES))


def parse_plan(arguments: list[str] | None = None) -> tuple[Path, CallPlan]:
    """Return the folder and the plan that a command line asks for."""
    shared = Path(__file__).resolve().parents[3] / "shared" / "data" / "talking_face_blue_screen.mp4"
    line = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    line.add_argument("out", type=Path, help="folder to write")
    line.add_argument("--clip", default=str(shared), help="video of a person (default: the one beside the project)")
    line.add_argument("--matte", help="mattes of the clip: a grey video, .npz or .npy")
    line.add_argument("--plate", help="picture of the clip's room without anybody")
    line.add_argument("--room", help="picture, video or drawn:N (default: the plate)")
    line.add_argument("--backdrop", default="drawn:1", help="picture, video, drawn:N, noise or blur")
    line.add_argument("--style", choices=STYLES, default="threshold", help="how the client makes its mask")
    line.add_argument("--size", default="640x360", help="width x height of the call")
    line.add_argument(
        "--fps", dest="rate_hz", type=float, default=25.0, help="frames a second that the call says it has"
    )
    line.add_argument("--crf", type=int, default=26, help="quality of H.264, 0 to 51")
    line.add_argument("--start", type=int, default=0, help="first frame of the clip")
    line.add_argument("--frames", dest="n_frames", type=int, default=750, help="frames of the call")
    line.add_argument("--sway", type=float, default=0.03, help="sideways movement, share of the width")
    line.add_argument("--noise", type=float, default=2.0, help="sigma of the webcam's noise in codes")
    line.add_argument("--seed", type=int, default=0, help="of the noises")
    asked = vars(line.parse_args(arguments))
    out, size = asked.pop("out"), asked.pop("size")
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) % 2 == int(height) % 2 == 0):
        line.error(f"--size {size}: write width x height, both even, such as 640x360")
    return out, replace(CallPlan(**asked), width=int(width), height=int(height))


def main() -> None:
    """Make one call."""
    out, plan = parse_plan()
    meta = make_call(out, plan)
    print(f"{out}: {meta['frames']} frames, {meta['leakable']:.1%} of the pixels leaked (w over {LEAKED_ALPHA})")


if __name__ == "__main__":
    main()
