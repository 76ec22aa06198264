"""roomg's rule, online: the most frequent colour is the backdrop, the rarest that is far from it is the room.

Exact, ties included, as long as the colour counts are (see `counts`). The rule itself knows nothing of people:
on a real call most of what it claims is the person's own rare colours. It is here because it is the seed, the
oracle, and what everything better is compared with.

References
----------
satoki, "roomg", 2020.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from config.schema import WatchSettings
from pipelines.base import Findings, Frame, Image, PipelineError, check_size
from pipelines.reconstruction.contract import OTHER_SIZE_REMEDY, keep_until_restart
from pipelines.reconstruction.counts import ColorCounts
from pipelines.reconstruction.kernels import BATCH_FRAMES
from pipelines.reconstruction.state import load_counts, save_counts

METHOD = "rarest"


class RarestReconstruction:
    """The `Reconstruction` of method ``rarest``; `process` gives no frames out, the session asks for findings.

    Parameters
    ----------
    settings : WatchSettings
        Threshold and memory bound.
    """

    def __init__(self, settings: WatchSettings) -> None:
        self.settings = settings
        self._counts: ColorCounts | None = None
        self._waiting: list[Image] = []
        self._batch_frames = 1

    @property
    def counts(self) -> ColorCounts:
        """The colour counts of every frame so far; there from `warm_up` on."""
        return self._count_waiting()

    @property
    def n_frames(self) -> int:
        """Frames counted so far, those of a resumed state included."""
        return (self._counts.n_frames if self._counts else 0) + len(self._waiting)

    def warm_up(self, height: int, width: int, *, is_live: bool) -> None:
        """Allocate the counts and compile, or load, the kernels.

        Parameters
        ----------
        height, width : int
            Size of the frames to come, in pixels.
        is_live : bool
            False counts several frames at once, which is quicker but keeps some waiting.

        Raises
        ------
        PipelineError
            If the memory bound is too small for that size.
        """
        counts = ColorCounts(height, width, self.settings.memory)
        counts.claim_first_tables()
        self._replace(counts)
        self._batch_frames = 1 if is_live else BATCH_FRAMES
        _compile_kernels(is_live=is_live)

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
        counts = self._sized()
        check_size(frame, counts.height, counts.width, OTHER_SIZE_REMEDY)
        if not frame.is_placeholder:
            self._waiting.append(frame.image)
            if len(self._waiting) >= self._batch_frames:
                self._count_waiting()
        return ()

    def flush(self) -> Sequence[Frame]:
        """End the stream; nothing is held back."""
        return ()

    def findings(self, step_px: int = 1, *, is_preview: bool = False) -> Findings:  # noqa: ARG002 - quick at any time
        """Apply the rule to what was counted.

        Parameters
        ----------
        step_px : int
            Look at every `step_px`-th row and column only.
        is_preview : bool
            Makes no difference.

        Returns
        -------
        Findings
            Alpha of the room is 255 where a colour passed the threshold.
        """
        return self.counts.findings(self.settings.omg, step_px)

    def reset(self) -> None:
        """Forget every frame; the size stays."""
        self._waiting.clear()
        old = self.counts
        self._replace(ColorCounts(old.height, old.width, self.settings.memory))

    def apply(self, settings: WatchSettings) -> Sequence[str]:
        """Take a changed threshold at once; the memory bound stays until a restart.

        Parameters
        ----------
        settings : WatchSettings
            The changed section of the profile.

        Returns
        -------
        sequence of str
            One line for each change that was left alone.
        """
        self.settings, left_alone = keep_until_restart(self.settings, settings, ("memory", "method"))
        return left_alone

    def status(self) -> Sequence[str]:
        """Say whether counts are no longer exact."""
        counts = self.counts
        if counts.is_exact:
            return ()
        share = counts.n_coarse_px / (counts.height * counts.width)
        bound = f"memory of {counts.memory_bytes >> 20} MiB is used up"
        return (f"counts are approximate for {share:.1%} of the pixels: {bound} (raise --memory)",)

    def report(self) -> dict[str, Any]:
        """Return threshold, exactness and memory for `report.json`."""
        counts = self.counts
        n_coarse_px = counts.n_coarse_px
        return {
            "method": METHOD,
            "omg": self.settings.omg,
            "exact": n_coarse_px == 0,
            "coarse_pixels": n_coarse_px,
            "memory_bound_bytes": counts.memory_bytes,
            "memory_used_bytes": counts.n_bytes_used,
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
        save_counts(path, self.counts, METHOD, extra, durable=durable)

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
        old = self.counts
        counts, header = load_counts(path, old.height, old.width, METHOD, self.settings.memory)
        self._replace(counts)
        return header.extra

    def close(self) -> None:
        """End the threads of the counts."""
        if self._counts:
            self._counts.close()

    def _sized(self) -> ColorCounts:
        if self._counts is None:
            raise PipelineError("the reconstruction has no size yet; call warm_up first")
        return self._counts

    def _count_waiting(self) -> ColorCounts:
        counts = self._sized()
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            counts.count(*waiting)
        return counts

    def _replace(self, counts: ColorCounts) -> None:
        self.close()
        self._counts = counts


def _compile_kernels(*, is_live: bool) -> None:
    """Run the kernels once on a few pixels, so that no real frame is late; a recording waits for those of the state."""
    small = ColorCounts(1, 8, 1 << 20, n_workers=1)
    for value in (0, 60, 120, 180, 240, 0):
        small.count(np.full((1, 8, 3), value, np.uint8))
    small.findings(0)
    if is_live:
        small.merged(small).close()
    small.close()
