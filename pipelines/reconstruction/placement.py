"""Where a picture lies in the frames of a call, and the picture drawn there.

A client mirrors its backdrop or not, scales it, perhaps a little more one way than the other, and cuts it to the
frame. It does not turn it: five values say all. Coordinates are continuous, with 0 at the outer edge of the first
pixel, so that a pixel's centre is at its index plus a half, and a place in a frame that is scaled down is the place
in the frame itself times that scale.

Scaling down is by area, as a mean of what falls on a pixel; scaling up and moving are bicubic. A client may do
otherwise (bilinear, sharper, softer): the difference is a few codes at edges, and no movement.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

OPAQUE = 255
_WHOLE = 0.99
"""Least share of a pixel that the picture must cover; the rest is rounding."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Position in the frame = scale * position in the picture, mirrored or not, + offset.

    Attributes
    ----------
    mirrored : bool
        True if the picture is mirrored left to right before all else.
    scale_y, scale_x : float
        Pixels of the frame for each pixel of the picture, above 0.
    offset_y, offset_x : float
        Where the picture's upper left corner lies, in pixels of the frame.
    """

    mirrored: bool
    scale_y: float
    scale_x: float
    offset_y: float
    offset_x: float

    def in_frame_scaled(self, by_y: float, by_x: float) -> "Placement":
        """Return the same place in a frame that is scaled.

        Parameters
        ----------
        by_y, by_x : float
            Height and width of the scaled frame over those of the frame.

        Returns
        -------
        Placement
            Of the same picture.
        """
        return Placement(
            self.mirrored, self.scale_y * by_y, self.scale_x * by_x, self.offset_y * by_y, self.offset_x * by_x
        )

    def of_picture_scaled(self, by_y: float, by_x: float) -> "Placement":
        """Return the place of a picture that is scaled, in the same frame.

        Parameters
        ----------
        by_y, by_x : float
            Height and width of the scaled picture over those of the picture.

        Returns
        -------
        Placement
            In the same frame.
        """
        return replace(self, scale_y=self.scale_y / by_y, scale_x=self.scale_x / by_x)

    def distance_px(self, other: "Placement", frame: tuple[int, int]) -> float:
        """Return how far apart two places put the corners of the frame.

        Parameters
        ----------
        other : Placement
            Of the same picture in the same frame.
        frame : tuple of int
            Its height and width.

        Returns
        -------
        float
            Largest distance along one axis of what the other place shows in a corner of the frame, in pixels of the
            frame; infinite where one is mirrored and the other is not.
        """
        if self.mirrored != other.mirrored:
            return float("inf")
        axes = (
            (frame[0], self.scale_y, self.offset_y, other.scale_y, other.offset_y),
            (frame[1], self.scale_x, self.offset_x, other.scale_x, other.offset_x),
        )
        return max(
            abs((corner - offset) / scale * other_scale + other_offset - corner)
            for length, scale, offset, other_scale, other_offset in axes
            for corner in (0, length)
        )


def resized(picture: Codes | Floats, height: int, width: int) -> Floats:
    """Scale a picture, down by area and up bilinearly.

    Parameters
    ----------
    picture : ndarray
        (any, any) or (any, any, channels) uint8 or float32.
    height, width : int
        Wanted size, at least 1.

    Returns
    -------
    ndarray
        (height, width) or (height, width, channels) float32; of uint8 it holds whole codes.
    """
    is_smaller = height <= picture.shape[0] and width <= picture.shape[1]
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.float32)


@dataclass(frozen=True, slots=True)
class Source:
    """A picture made ready to be drawn at places of about one scale.

    Attributes
    ----------
    picture : ndarray
        (height, width) or (height, width, channels) float32, already mirrored, and scaled down as far as needed.
    opaque : ndarray
        (height, width) float32, 0 to 255: how much of a pixel is known.
    by_y, by_x : float
        Its height and width over those of the picture that placements speak of.
    """

    picture: Floats
    opaque: Floats
    by_y: float
    by_x: float


def prepare(picture: Codes, opaque: Codes, placement: Placement) -> Source:
    """Mirror a picture and scale it down to the scale of a place.

    Parameters
    ----------
    picture : ndarray
        (height, width) or (height, width, channels) uint8.
    opaque : ndarray
        (height, width) uint8, 255 where the picture is known.
    placement : Placement
        Where it is to be drawn.

    Returns
    -------
    Source
        For `draw` at this place and those near it.
    """
    height, width = opaque.shape
    if placement.mirrored:
        picture, opaque = np.ascontiguousarray(picture[:, ::-1]), np.ascontiguousarray(opaque[:, ::-1])
    small_height = max(1, round(height * min(1.0, placement.scale_y)))
    small_width = max(1, round(width * min(1.0, placement.scale_x)))
    small, known = (resized(a, small_height, small_width) for a in (picture, opaque))
    return Source(small, known, small_height / height, small_width / width)


def draw(source: Source, placement: Placement, height: int, width: int) -> tuple[Floats, Mask]:
    """Draw a prepared picture into a frame.

    Parameters
    ----------
    source : Source
        From `prepare`.
    placement : Placement
        Where, of the picture that was prepared.
    height, width : int
        Size of the frame.

    Returns
    -------
    drawn : ndarray
        (height, width) or (height, width, channels) float32; beyond the picture its border goes on.
    is_covered : ndarray
        (height, width) bool: the pixels that the picture covers wholly and where it is opaque.
    """
    place = placement.of_picture_scaled(source.by_y, source.by_x)
    # From the index of a pixel in the frame to the index in the picture; indices are half a pixel off positions.
    to_picture = np.array(
        [
            [1 / place.scale_x, 0, (0.5 - place.offset_x) / place.scale_x - 0.5],
            [0, 1 / place.scale_y, (0.5 - place.offset_y) / place.scale_y - 0.5],
        ]
    )
    size = (width, height)
    drawn = cv2.warpAffine(
        source.picture, to_picture, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    covered = cv2.warpAffine(
        source.opaque, to_picture, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    is_covered: Mask = covered > _WHOLE * OPAQUE
    is_covered &= _within(placement.offset_y, placement.scale_y * source.opaque.shape[0] / source.by_y, height)[:, None]
    is_covered &= _within(placement.offset_x, placement.scale_x * source.opaque.shape[1] / source.by_x, width)
    return drawn.astype(np.float32, copy=False), is_covered


def _within(offset: float, length: float, n_px: int) -> Mask:
    """Say which pixels of a row or column lie wholly between `offset` and `offset + length`."""
    index = np.arange(n_px)
    slack = 1 - _WHOLE
    inside: Mask = (index >= offset - slack) & (index + 1 <= offset + length + slack)
    return inside
