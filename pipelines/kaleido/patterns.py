"""How the modulation differs from place to place: the paper's three variants, and a mixture.

Neighbouring places stand at different sub-frames of the same cycle, so that whatever moment a camera takes it has all
of them side by side, and no two rows of a rolling shutter agree. The luminance pollution alternates from place to place
too: the light of a larger area stays the same at every moment, and the eye, which adds light over some arc minutes,
has less to see.

References
----------
.. [1] L. Zhang et al., Kaleido, MobiCom 2015, section 4.3: chessboard pattern, random pixels, and both smoothed.
"""

from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.kaleido.contract import Pattern

Planes = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int8]]


DRAWN_SHARE = 0.5
"""Of the blocks of a mixture, those whose phase is drawn at random."""


def make_pattern(
    kind: Literal["mixed", "region", "random", "smooth"],
    height: int,
    width: int,
    n_slots: int,
    *,
    block_px: int,
    edge_px: float,
    seed: int,
) -> Pattern:
    """Make a pattern.

    Parameters
    ----------
    kind : {'mixed', 'region', 'random', 'smooth'}
        Most blocks in step and the others at random, blocks in a fixed order, any pixel at random, or patches at
        random, about as large as blocks.
    height, width : int
        Pixels.
    n_slots : int
        Sub-frames in a cycle.
    block_px : int
        Side of the blocks; pixels at random have none.
    edge_px : float
        Width over which the modulation fades towards where the phase changes; 0 for a hard edge. Mixed blocks and
        pixels at random have hard edges.
    seed : int
        Of what is drawn at random; 0 draws anew.

    Returns
    -------
    Pattern
        For pictures of this size.
    """
    if kind == "mixed":
        phase, sign = _mixture(height, width, n_slots, block_px, np.random.default_rng(seed or None))
    elif kind == "region":
        phase, sign = _blocks(height, width, n_slots, block_px)
    elif kind == "random":
        phase, sign = _pixels(height, width, n_slots, np.random.default_rng(seed or None))
    else:
        phase, sign = _patches(height, width, n_slots, block_px, np.random.default_rng(seed or None))
    gain = np.full((height, width), 255, np.uint8)
    if edge_px > 0 and kind not in ("mixed", "random"):
        gain = _soft_edges(phase, n_slots, edge_px)
    return Pattern(phase, gain, sign)


def _blocks(height: int, width: int, n_slots: int, block_px: int) -> Planes:
    """Give blocks that share a side phases one apart.

    The phase goes up for n blocks and down for n: all the way up it would be a wave, which stands still for an eye
    that moves along. Where n is even the phases alone make a chessboard of the luminance; else rows alternate.
    """
    down, across = np.arange(height)[:, np.newaxis] // block_px, np.arange(width) // block_px
    phase = (_up_and_down(down, n_slots) + _up_and_down(across, n_slots)) % n_slots
    is_negative = (down * (n_slots % 2)) % 2 + np.zeros_like(phase)
    return phase.astype(np.uint8), (1 - 2 * is_negative).astype(np.int8)


def _up_and_down(number: npt.NDArray[np.int64], top: int) -> npt.NDArray[np.int64]:
    return np.minimum(number % (2 * top), 2 * top - number % (2 * top))


def _mixture(height: int, width: int, n_slots: int, block_px: int, rng: np.random.Generator) -> Planes:
    """Draw a phase for a share of the blocks and leave the others in step.

    What a blurred or distant camera sees is the mean of neighbours. With all phases alike often it is the picture; here
    it keeps the displacement of those in step, and the others break up what structure is left.
    """
    size = -(-height // block_px), -(-width // block_px)
    phase = np.where(rng.random(size) < DRAWN_SHARE, rng.integers(0, n_slots, size), 0).astype(np.uint8)
    sign = 1 - 2 * ((np.arange(height)[:, np.newaxis] + np.arange(width)) % 2)
    return _enlarged(phase, height, width, block_px), sign.astype(np.int8)


def _enlarged(plane: npt.NDArray[Any], height: int, width: int, block_px: int) -> npt.NDArray[Any]:
    return np.ascontiguousarray(plane.repeat(block_px, axis=0).repeat(block_px, axis=1)[:height, :width])


def _pixels(height: int, width: int, n_slots: int, rng: np.random.Generator) -> Planes:
    phase = rng.integers(0, n_slots, (height, width), np.uint8)
    return phase, (2 * rng.integers(0, 2, (height, width), np.int8) - 1).astype(np.int8)


def _patches(height: int, width: int, n_slots: int, block_px: int, rng: np.random.Generator) -> Planes:
    """Draw smooth noise in two dimensions, whose angle is the phase, and a third that is the luminance's sign."""
    noise = rng.standard_normal((height, width, 3), np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), max(0.5, block_px / 2), borderType=cv2.BORDER_REFLECT)
    turn = np.arctan2(smooth[..., 0], smooth[..., 1]) / (2 * np.pi) + 0.5
    phase = np.minimum((turn * n_slots).astype(np.uint8), n_slots - 1).astype(np.uint8)
    return phase, np.where(smooth[..., 2] < 0, -1, 1).astype(np.int8)


def _soft_edges(phase: npt.NDArray[np.uint8], n_slots: int, edge_px: float) -> npt.NDArray[np.uint8]:
    """Return a gain that rises with the distance to where the phase changes, half a pixel from the last centre."""
    gain = np.zeros(phase.shape, np.float32)
    for one in range(n_slots):
        inside = (phase == one).astype(np.uint8)
        if inside.all():
            return np.full(phase.shape, 255, np.uint8)
        distance = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        gain += np.clip((distance - 0.5) / edge_px, 0, 1) * inside
    return np.round(255 * gain).astype(np.uint8)
