"""The loops over the pixels that get noise. Arrays only.

What a noisy pixel shows is looked up: row, the code that the picture has there; column, eight random bits. The tables
are those of `pipelines.protection.noise.colors`.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

WORDS_PER_PIXEL = 2
"""One for the place, one for the colour."""


@njit(cache=True, nogil=True)
def scatter(
    order: npt.NDArray[np.uint32],
    first: int,
    words: npt.NDArray[np.uint32],
    table: npt.NDArray[np.uint8],
    ground: npt.NDArray[np.uint8],
    out: npt.NDArray[np.uint8],
) -> None:
    """Give noise to the next pixels of a random order.

    The order is made as it is used, by the steps of Fisher and Yates from `first` on, so that no frame has to wait for
    millions of pixels to be shuffled. Numbers of 32 bits fall a little unevenly on places that are no power of two:
    by one part in 2,000 at 1080p.

    Parameters
    ----------
    order : ndarray
        (n_pixels,) uint32: the pixels, those before `first` used up; written.
    first : int
        Where the next one stands; `first` + n is at most n_pixels.
    words : ndarray
        (2 n,) uint32, random.
    table : ndarray
        (256, 256) uint8.
    ground : ndarray
        (n_pixels, 3) uint8: the picture without noise.
    out : ndarray
        (n_pixels, 3) uint8: only the n pixels are written.
    """
    n = words.size // WORDS_PER_PIXEL
    # First all places, then all colours: in a loop over both each pixel waits for the memory of the one before.
    for i in range(n):
        here = first + i
        there = here + ((np.int64(words[2 * i]) * (order.size - here)) >> 32)
        pixel = order[there]
        order[there] = order[here]
        order[here] = pixel
    for i in range(n):
        pixel = order[first + i]
        bits = np.int64(words[2 * i + 1])
        for channel in range(3):
            out[pixel, channel] = table[ground[pixel, channel], (bits >> (8 * channel)) & 255]


@njit(cache=True, nogil=True)
def replace(
    octets: npt.NDArray[np.uint8],
    table: npt.NDArray[np.uint8],
    ground: npt.NDArray[np.uint8],
    out: npt.NDArray[np.uint8],
) -> None:
    """Give noise to every pixel.

    Parameters
    ----------
    octets : ndarray
        (n,) uint8, random.
    table : ndarray
        (256, 256) uint8.
    ground : ndarray
        (n,) uint8: the picture's codes.
    out : ndarray
        (n,) uint8, written.
    """
    for i in range(out.size):
        out[i] = table[ground[i], octets[i]]
