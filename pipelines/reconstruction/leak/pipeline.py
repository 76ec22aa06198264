"""The method `leak`: the backdrop is what stays, the room is what comes back at the person's border.

`watcher` gathers the backdrop of every pixel and evidence of what else it showed, `claims` says how likely each of
those colours is the room's, `fusion` brings each nearer to what its neighbours agree on, and here it is decided what is
claimed: pixels whose candidate is likelier than `watch.claim` in a call that surely leaks, only the likely ones in a
call that may not leak at all, and none where the backdrop moves by itself (see `steadiness`).

The room is worked out at the working size (see `watcher`) and enlarged to the frames' size.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from config.schema import WatchSettings
from pipelines.base import Findings, Frame, Image, PipelineError, check_size
from pipelines.crew import Crew
from pipelines.reconstruction.contract import OTHER_SIZE_REMEDY, keep_until_restart
from pipelines.reconstruction.leak.candidates import Candidates
from pipelines.reconstruction.leak.fusion import warm_up as warm_up_fusion
from pipelines.reconstruction.leak.known import KnownBackdrop
from pipelines.reconstruction.leak.observe import count_steady
from pipelines.reconstruction.leak.saving import load_watcher, save_watcher
from pipelines.reconstruction.leak.steadiness import Steadiness
from pipelines.reconstruction.leak.watcher import LeakWatcher
from pipelines.segmentation import Segmenter, open_segmenter

METHOD = "leak"

SURE_FIND = 0.2
SURE_SHARE = 0.02
CAUTIOUS_CLAIM = 0.5
"""A call is taken to leak where at least `SURE_SHARE` of its pixels are finds of confidence `SURE_FIND`. Where it is
not, nothing less likely than `CAUTIOUS_CLAIM` is claimed: in calls that leak nothing, unsure finds come up all the
same (docs/reconstruction.md has the figures)."""

FEW_FRAMES = 50
"""Below this nothing is claimed: what the backdrop is cannot be told yet."""

WAITED_S = 0.0015
"""A live frame that comes so soon after the one before was done had been waiting for that."""


class LeakReconstruction:
    """The `Reconstruction` of method ``leak``; `process` gives no frames out, the session asks for findings.

    Parameters
    ----------
    settings : WatchSettings
        What is claimed, the person model, the working size.
    backdrop : ndarray, optional
        (any, any, 3) uint8 BGR or (any, any, 4) BGRA: the virtual background's picture, where it is known.
    crew : Crew, optional
        Threads that share a frame; those of the process unless given.
    """

    def __init__(self, settings: WatchSettings, backdrop: Image | None = None, crew: Crew | None = None) -> None:
        self.settings = settings
        self._crew = crew
        self._height = self._width = 0
        self._is_live = False
        self._done_s = 0.0
        self._segmenter: Segmenter | None = None
        self._candidates: Candidates | None = None
        self._steadiness = Steadiness()
        self._known = None if backdrop is None else KnownBackdrop(backdrop)

    @property
    def watcher(self) -> LeakWatcher:
        """The counts; there from `warm_up` on."""
        return self._sized().watcher

    @property
    def n_frames(self) -> int:
        """Frames counted so far, those of a resumed state included."""
        return self._candidates.watcher.n_frames if self._candidates else 0

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        """Load the person model, allocate, and compile, or load, the kernels.

        Parameters
        ----------
        height, width : int
            Size of the frames to come, in pixels.
        is_live : bool
            Memory is claimed before the first frame, not when it is needed.

        Raises
        ------
        PipelineError
            If the person model is missing or damaged.
        """
        if self.settings.person_model != "none":
            self._segmenter = open_segmenter(self.settings.person_model)
        _warm_up_kernels(self._segmenter, self._crew)
        self._height, self._width = height, width
        self._is_live = is_live
        self._take(self._empty_watcher())

    def process(self, frame: Frame) -> Sequence[Frame]:
        """Count a frame; a placeholder is left out.

        Parameters
        ----------
        frame : Frame
            Of the size given to `warm_up`.

        Returns
        -------
        sequence of Frame
            Always empty.

        Raises
        ------
        PipelineError
            If the frame has another size.
        """
        watcher = self.watcher
        check_size(frame, self._height, self._width, OTHER_SIZE_REMEDY)
        if not frame.is_placeholder:
            # A recording's frames always wait, and may.
            frames_wait = self._is_live and time.perf_counter() - self._done_s < WAITED_S
            seen = watcher.count(frame.image)
            # Both only read what was counted.
            watcher.crew.run(
                [
                    lambda: self._sized().refresh_some(frames_wait=frames_wait),
                    lambda: self._steadiness.add(seen, watcher),
                ]
            )
            if self._known is not None:
                self._known.try_to_align(watcher)
            self._done_s = time.perf_counter()
        return ()

    def flush(self) -> Sequence[Frame]:
        """End the stream; nothing is held back."""
        return ()

    def findings(self, step_px: int = 1, *, is_preview: bool = False) -> Findings:
        """Say what is claimed.

        Parameters
        ----------
        step_px : int
            Look at every `step_px`-th row and column only.
        is_preview : bool
            True shows the candidates as they were judged in the last seconds; otherwise all are judged anew, which
            takes one or two seconds.

        Returns
        -------
        Findings
            Alpha of the room is 255 where it is claimed; other pixels have the likeliest colour that was seen beside
            the backdrop, or the backdrop's.
        """
        candidates = self._sized()
        watcher = candidates.watcher
        if not is_preview:
            candidates.refresh()
        rows, columns = -(-self._height // step_px), -(-self._width // step_px)
        confidence = candidates.confidence()
        if self._is_out_of_reach or watcher.n_frames < FEW_FRAMES:
            confidence = np.zeros_like(confidence)
        is_claimed = confidence >= self._least_confidence(confidence)
        color = np.where(candidates.is_there[..., None], candidates.color, watcher.backdrop)
        alpha = _enlarged(is_claimed.astype(np.uint8) * 255, rows, columns)
        return Findings(
            np.dstack([_enlarged_colors(color, is_claimed, rows, columns), alpha]),
            _resized(watcher.backdrop, rows, columns).round().clip(0, 255).astype(np.uint8),
            float(np.count_nonzero(alpha) / alpha.size),
            _enlarged((confidence * 255).round().astype(np.uint8), rows, columns),
            _enlarged(np.where(is_claimed, candidates.episodes, 0).clip(0, 65535).astype(np.uint16), rows, columns),
        )

    def reset(self) -> None:
        """Forget every frame; the size stays."""
        self._take(self._empty_watcher())

    def apply(self, settings: WatchSettings) -> Sequence[str]:
        """Take a changed threshold at once; everything else stays until a restart.

        Parameters
        ----------
        settings : WatchSettings
            The changed section of the profile.

        Returns
        -------
        sequence of str
            One line for each change that was left alone.
        """
        waiting = ("method", "person_model", "work_height_px")
        self.settings, left_alone = keep_until_restart(self.settings, settings, waiting)
        return left_alone

    def status(self) -> Sequence[str]:
        """Say what limits the result: a smaller picture, no person model, a moving backdrop, one that does not fit."""
        lines = []
        if self._candidates is not None and self.watcher.height < self._height:
            lines.append(
                f"frames of {self._width}x{self._height} are worked on at {self.watcher.width}x{self.watcher.height}, "
                "to keep up with a live call (watch.work_height_px); the room is enlarged from that"
            )
        if self._segmenter is None and self._candidates is not None:
            lines.append("the person model is off: the person is told from the room by colours and recurrence alone")
        if self._candidates is not None and self._candidates.is_put_off:
            lines.append("this machine is busy: the room shown meanwhile is older, the counts and the result are not")
        if self._candidates is not None and self.watcher.n_left_out:
            lines.append(
                "frames left out, for they differ from the backdrop nearly everywhere, as noise in it does: "
                f"{self.watcher.n_left_out}"
            )
        lines.extend(self._steadiness.status())
        if self._known is not None:
            lines.extend(self._known.status())
        return lines

    def report(self) -> dict[str, Any]:
        """Return what the method has to say for `report.json`."""
        candidates = self._sized()
        watcher = candidates.watcher
        return {
            "method": METHOD,
            "claim": self.settings.claim,
            "claimed_from": self._least_confidence(candidates.confidence()),
            "person_model": self._segmenter.backend if self._segmenter else "none",
            "worked_at": {"width": watcher.width, "height": watcher.height},
            "backdrop_known": round(float(watcher.known.mean()), 6),
            "frames_left_out": watcher.n_left_out,
            "backdrop": self._steadiness.report(watcher),
            "backdrop_picture": self._known.report() if self._known else None,
            "state_bytes": watcher.n_bytes,
            "memory_used_bytes": watcher.n_bytes + watcher.n_work_bytes + candidates.n_bytes,
        }

    def save(self, path: Path, extra: dict[str, Any], *, durable: bool = True) -> None:
        """Write the counts atomically.

        Parameters
        ----------
        path : Path
            File to write or replace.
        extra : dict
            JSON values to keep beside the counts.
        durable : bool
            Wait until the disk has it.

        Raises
        ------
        PipelineError
            If it cannot be written; an older file is intact.
        """
        save_watcher(path, (self._height, self._width), self.watcher, METHOD, extra, durable=durable)

    def resume(self, path: Path) -> dict[str, Any]:
        """Load counts in place of the present ones.

        Parameters
        ----------
        path : Path
            File written by `save`.

        Returns
        -------
        dict
            The `extra` that was saved.

        Raises
        ------
        PipelineError
            If it is not a state, damaged, or of another version, method or size; the present counts are intact.
        """
        empty = self._empty_watcher()
        extra = load_watcher(path, (self._height, self._width), empty, METHOD)
        self._take(empty)
        return extra

    def _least_confidence(self, confidence: npt.NDArray[np.float32]) -> float:
        """Return from which confidence on a pixel is claimed."""
        surely_leaks = np.mean(confidence >= SURE_FIND) >= SURE_SHARE
        return self.settings.claim if surely_leaks else max(self.settings.claim, CAUTIOUS_CLAIM)

    @property
    def _is_out_of_reach(self) -> bool:
        return self._steadiness.is_moving

    def _sized(self) -> Candidates:
        if self._candidates is None:
            raise PipelineError("the reconstruction has no size yet; call warm_up first")
        return self._candidates

    def _empty_watcher(self) -> LeakWatcher:
        watcher = LeakWatcher(self._height, self._width, self.settings.work_height_px, self._segmenter, self._crew)
        if self._is_live:
            watcher.claim_memory()
        return watcher

    def _take(self, watcher: LeakWatcher) -> None:
        self._candidates = Candidates(watcher)
        self._steadiness = Steadiness()
        if self._known is not None:
            self._known.forget()


def _warm_up_kernels(segmenter: Segmenter | None, crew: Crew | None) -> None:
    """Run everything once on a few pixels, so that the first real frame is not late."""
    watcher = LeakWatcher(32, 32, 32, segmenter, crew)
    rng = np.random.default_rng(0)
    for _ in range(3):
        seen = watcher.count(rng.integers(0, 256, (32, 32, 3), np.uint8))
    count_steady(seen.depth, np.float32(1), seen.foreground)
    Candidates(watcher).refresh()
    warm_up_fusion()


def _resized(image: npt.NDArray[Any], rows: int, columns: int) -> npt.NDArray[Any]:
    if image.shape[:2] == (rows, columns):
        return image
    way = cv2.INTER_AREA if rows < image.shape[0] else cv2.INTER_LINEAR
    return cv2.resize(image, (columns, rows), interpolation=way)


def _enlarged(values: npt.NDArray[Any], rows: int, columns: int) -> npt.NDArray[Any]:
    if values.shape[:2] == (rows, columns):
        return values
    return cv2.resize(values, (columns, rows), interpolation=cv2.INTER_NEAREST)


def _enlarged_colors(
    color: npt.NDArray[np.float32], is_claimed: npt.NDArray[np.bool_], rows: int, columns: int
) -> Image:
    """Enlarge smoothly within what is claimed, so that no unclaimed colour flows into a find."""
    if color.shape[:2] == (rows, columns):
        return color.round().clip(0, 255).astype(np.uint8)
    share = is_claimed.astype(np.float32)
    claimed = _resized(color * share[..., None], rows, columns)
    weight = _resized(share, rows, columns)[..., None]
    plain = _enlarged(color, rows, columns)
    mixed = np.where(weight > 0.25, claimed / np.maximum(weight, 0.25), plain)
    is_find = _enlarged(is_claimed.astype(np.uint8), rows, columns)[..., None] > 0
    return np.where(is_find, mixed, plain).round().clip(0, 255).astype(np.uint8)
