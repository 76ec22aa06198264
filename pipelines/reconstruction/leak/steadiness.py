"""Whether the backdrop can be told from the room at all: one that moves cannot, a blurred one is the room itself.

A backdrop that moves by itself (a video, noise) is foreground in every frame, also far from any person: the share of
pixels that are surely no person and differ from the chosen backdrop says so. The method then claims nothing.

A blurred backdrop is the room, out of focus: its picture has broad shapes and no detail, while the person has detail.
What shows sharp beside the person is still a leak; that the backdrop itself shows the room is said.
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.reconstruction.leak.observe import count_steady
from pipelines.reconstruction.leak.watcher import SURELY_NO_PERSON, LeakWatcher, Seen

MOVING_SHARE = 0.10
"""Share of surely personless pixels that differ from the backdrop from which on it is said to move. A still backdrop
shows 0 to .03 (codec noise, leaks); a video or noise more than .3."""

MOVING_LONGER_SHARE = 0.05
"""... on the average of a longer time: one that wanders to and fro differs more at times and less at others."""

FIRST_FRAMES = 30
"""Frames until the backdrop is settled enough to be judged."""

FOLLOW = 0.02
"""Share of a new frame in the running figure: the last two seconds count."""

FOLLOW_LONGER = 0.004
"""... and in that of the longer time: the last ten."""

FAR_OUTSIDE = 40.0
"""Distance to the model's person, in units, from which on nothing there is a leak."""

BLURRED_DETAIL = 0.045
"""Share of the contrast that is finer than a hundredth of the height, under which a picture is blurred."""
PLAIN_CONTRAST = 6.0
"""Standard deviation of the broad shapes, in code values, under which a picture is plain and not blurred."""


class Steadiness:
    """Follows how much of the backdrop differs from what it is taken to be."""

    def __init__(self) -> None:
        self.moving_share = 0.0
        self._longer_share = 0.0
        self._n_frames = 0
        self._is_blurred = False

    @property
    def is_moving(self) -> bool:
        """Whether the backdrop moves by itself, so that no leak can be told from it."""
        return self.moving_share > MOVING_SHARE or self._longer_share > MOVING_LONGER_SHARE

    def add(self, seen: Seen, watcher: LeakWatcher) -> None:
        """Take a frame into account.

        Parameters
        ----------
        seen : Seen
            What it showed.
        watcher : LeakWatcher
            That counted it.
        """
        self._n_frames += 1
        if self._n_frames <= FIRST_FRAMES:
            return
        is_empty = (seen.probability <= SURELY_NO_PERSON).view(np.uint8)
        away: npt.NDArray[np.float32] = cv2.distanceTransform(is_empty, cv2.DIST_L2, 3)  # type: ignore[assignment]
        # Unknown counts as foreground: noise has no backdrop.
        n, n_foreground = count_steady(away, np.float32(FAR_OUTSIDE * watcher.unit_px), seen.foreground)
        if n:
            share = n_foreground / n
            of_all = 1 / (self._n_frames - FIRST_FRAMES)
            self.moving_share += max(FOLLOW, of_all) * (share - self.moving_share)
            self._longer_share += max(FOLLOW_LONGER, of_all) * (share - self._longer_share)
        if self._n_frames % 100 == 0:
            self._is_blurred = is_blurred(watcher)

    def status(self) -> list[str]:
        """Say what is out of reach, in one line each."""
        lines = []
        if self.is_moving:
            share = max(self.moving_share, self._longer_share)
            lines.append(
                f"the backdrop moves ({share:.0%} of it differs from frame to frame): a room behind a "
                "video or noise is out of reach of this method, so nothing is claimed"
            )
        if self._is_blurred:
            lines.append(
                "the backdrop looks blurred: if it is the room itself, backdrop.png shows that room, out of focus"
            )
        return lines

    def report(self, watcher: LeakWatcher) -> dict[str, Any]:
        """Return the figures for `report.json`.

        Parameters
        ----------
        watcher : LeakWatcher
            Whose backdrop is looked at.

        Returns
        -------
        dict
            JSON values only.
        """
        return {
            "moves": self.is_moving,
            "moving_share": round(self.moving_share, 4),
            "moving_longer_share": round(self._longer_share, 4),
            "looks_blurred": is_blurred(watcher),
        }


def is_blurred(watcher: LeakWatcher) -> bool:
    """Say whether the known backdrop has broad shapes and no detail.

    Parameters
    ----------
    watcher : LeakWatcher
        Whose backdrop is looked at.

    Returns
    -------
    bool
        False as long as less than a tenth of it is known.
    """
    known = cv2.erode(watcher.known, np.ones((5, 5), np.uint8)) > 0
    if known.mean() < 0.1:
        return False
    grey = cv2.cvtColor(watcher.backdrop, cv2.COLOR_BGR2GRAY)
    weight = (watcher.known > 0).astype(np.float32)
    sigma_px = max(1.0, watcher.height / 100)
    broad = cv2.GaussianBlur(grey * weight, (0, 0), sigma_px) / np.maximum(
        cv2.GaussianBlur(weight, (0, 0), sigma_px), 1e-3
    )
    contrast = float(broad[known].std())
    detail = float(np.abs(grey - broad)[known].mean())
    return contrast > PLAIN_CONTRAST and detail < BLURRED_DETAIL * contrast
