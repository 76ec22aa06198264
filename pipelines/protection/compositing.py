"""Puts the background behind the person, and leaves no light of the room in the person's edge."""

from functools import partial

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.base import Image
from pipelines.crew import bands, shared_crew
from pipelines.protection.contract import Mask
from pipelines.protection.guard import MaskCodes
from pipelines.protection.kernels import compose, soften_edges
from pipelines.protection.plate import Plate

EDGE_PX = 2
"""Width of the person's edge that may hold light of the room, in pixels of the working size."""

FROM_PX = 7
"""The person's colour at the edge is the mean over a square with so many pixels to each side."""


class Compositor:
    """Composes frames judged at one working size. Called from one thread.

    Parameters
    ----------
    height, width : int
        The working size, in pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self._edge = np.zeros((height, width), np.uint8)
        self._person = np.zeros((height, width, 4), np.float32)

    def composed(self, image: Image, mask: Mask, behind: Image, small: Image, shown: MaskCodes, plate: Plate) -> Image:
        """Lay the person over the background.

        Parameters
        ----------
        image, behind : ndarray
            (any, any, 3) uint8 BGR: the camera's frame and the background, of one size.
        mask : ndarray
            Float32 of that size, 0 to 1: the share of the camera.
        small : ndarray
            (height, width, 3) uint8 BGR: the frame at the working size.
        shown : ndarray
            (height, width) uint8, 1 where the camera is shown.
        plate : Plate
            The room at the working size.

        Returns
        -------
        ndarray
            As `image`, new.
        """
        output = behind.copy()
        x, y, width, height = cv2.boundingRect(shown)
        if not width:
            return output
        lines, columns = shown.shape
        top, bottom = max(y - EDGE_PX, 0), min(y + height + EDGE_PX, lines)
        left, right = max(x - EDGE_PX, 0), min(x + width + EDGE_PX, columns)
        part = slice(top, bottom), slice(left, right)
        self._edge[:] = 0
        self._edge[part], self._person[part] = _edge_of(shown[part], small[part])
        down, across = image.shape[0] / lines, image.shape[1] / columns
        first_row, end_row = int(top * down), int(bottom * down)
        columns_px = int(left * across), int(right * across)
        room = plate.colors, plate.seen, plate.light

        def compose_rows(rows: tuple[int, int]) -> None:
            sides = (first_row + rows[0], first_row + rows[1], *columns_px)
            compose(image, mask, sides, behind, output)
            soften_edges(image, mask, sides, self._edge, self._person, behind, *room, output)

        crew = shared_crew()
        crew.run([partial(compose_rows, rows) for rows in bands(end_row - first_row, crew.n_threads)])
        return output


def _edge_of(shown: MaskCodes, image: Image) -> tuple[MaskCodes, npt.NDArray[np.float32]]:
    """Return the person's edge, and the colour that the person has there, times its weight and with it."""
    square = np.ones((2 * EDGE_PX + 1, 2 * EDGE_PX + 1), np.uint8)
    deep = np.asarray(cv2.erode(shown, square), np.uint8)
    edge = np.asarray(cv2.dilate(shown, np.ones((3, 3), np.uint8)), np.uint8) & (1 - deep)
    colors = cv2.merge([*cv2.split(cv2.bitwise_and(image, image, mask=deep)), deep])
    around = cv2.boxFilter(colors, cv2.CV_32F, (2 * FROM_PX + 1, 2 * FROM_PX + 1))
    return edge, np.asarray(around, np.float32)
