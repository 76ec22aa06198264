"""A backdrop whose picture the person gave: aligned to the call, and used where the call itself does not show it.

The alignment runs a few times, each time on more of the call, until it is good or the tries are used up; it takes
about a second, which costs a live session some frames (they are counted as dropped). A poor alignment is never
used, and said.
"""

from typing import Any

import numpy as np

from pipelines.base import Image
from pipelines.reconstruction.alignment import Alignment, align_backdrop
from pipelines.reconstruction.leak.watcher import LeakWatcher

TRIES_AT_FRAMES = (60, 240, 900, 3600)


class KnownBackdrop:
    """Brings a picture to the call once enough of the call's own backdrop is known.

    Parameters
    ----------
    picture : ndarray
        (any, any, 3) uint8 BGR or (any, any, 4) BGRA; what is not fully opaque counts as unknown.
    """

    def __init__(self, picture: Image) -> None:
        self._picture = picture
        self._alignment: Alignment | None = None
        self._n_tries = 0

    @property
    def is_used(self) -> bool:
        """Whether the picture was found in the call."""
        return self._alignment is not None and self._alignment.is_good

    def forget(self) -> None:
        """Forget the alignment; the picture stays."""
        self._alignment = None
        self._n_tries = 0

    def try_to_align(self, watcher: LeakWatcher) -> None:
        """Align if it is time for it, and give the watcher the picture if that went well.

        Parameters
        ----------
        watcher : LeakWatcher
            Its backdrop is the evidence; gets `fixed_backdrop`.
        """
        is_due = self._n_tries < len(TRIES_AT_FRAMES) and watcher.n_frames >= TRIES_AT_FRAMES[self._n_tries]
        if self.is_used or not is_due:
            return
        self._n_tries += 1
        shown = np.ascontiguousarray(watcher.backdrop.round().clip(0, 255).astype(np.uint8))
        self._alignment = align_backdrop(self._picture, shown, watcher.known > 0)
        if self._alignment.is_good:
            watcher.fix_backdrop(self._alignment.picture, self._alignment.is_valid)

    def status(self) -> list[str]:
        """Say in one line that the picture is not used, or nothing."""
        if self.is_used:
            return []
        if self._alignment is None:
            return ["--backdrop: the picture is aligned as soon as enough of the call's backdrop was seen"]
        return [f"--backdrop is not used: {self._alignment.message}"]

    def report(self) -> dict[str, Any]:
        """Return what the alignment found; JSON values only."""
        return {"used": self.is_used, **(self._alignment.report() if self._alignment else {})}
