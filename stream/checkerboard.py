"""How a room with holes is shown where there is no alpha: unclaimed pixels as a dim checkerboard, never as a find."""

import numpy as np

from pipelines.base import Image

SQUARE_PX = 8
DARK, LIGHT = 40, 56


def over_checkerboard(room: Image) -> Image:
    """Lay a picture with alpha over a checkerboard.

    Parameters
    ----------
    room : ndarray
        (height, width, 4) uint8 BGRA; alpha is 0 or 255.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR, C-contiguous.
    """
    height, width = room.shape[:2]
    odd = (np.arange(height)[:, None] // SQUARE_PX + np.arange(width)[None] // SQUARE_PX) % 2
    board = np.where(odd, LIGHT, DARK).astype(np.uint8)[..., None]
    return np.ascontiguousarray(np.where(room[..., 3:] > 0, room[..., :3], board))
