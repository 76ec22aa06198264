"""Per-pixel colour tables in one block of memory: the storage below the colour counts.

Every pixel owns one open-addressing hash table of 4, 16, 32, ... 4096 slots, so that a colour is found in one step
however many a pixel has shown (Knuth, The Art of Computer Programming 3, 6.4: multiplicative hashing, linear
probing). A slot is one uint64:

    bits 0-23 colour (B, G, R)   bits 24-35 rank, the order of first appearance   bits 36-63 count; 0 = empty

and a pixel's entry in `meta` is one uint64 too:

    bits 0-3 log2 of the capacity   bits 4-7 coarse bits   bits 8-23 colours held   bits 24-63 first slot

Pixels are grouped in bands of rows. A band allocates from its own region and its own free lists (by powers of
two, larger blocks are split), so that bands can be worked on in parallel without locks.

When memory is used up a full table is made coarser instead of larger: `bits` low bits of each channel are
dropped, colours that fall into one cell are counted as one and bear the name of the one seen first. Counts stay
exact counts of those cells, so tables of different coarseness can still be added up.

Every function trusts its arguments; arrays only.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

U = np.uint64

Word = Any
"""An integer inside a kernel: numba mixes Python's and numpy's freely, their stubs do not."""

SMALLEST_LOG2_CAPACITY = 2
"""Every pixel has a first table at a fixed place: of four slots where memory is scarce, ..."""

SECOND_LOG2_CAPACITY = 4
"""... else of sixteen, which is also what outgrows four. Larger ones are allocated."""

LARGEST_LOG2_CAPACITY = 12
"""4096 slots, the ranks that 12 bits can name."""

COLOR_BITS = U(0xFFFFFF)
RANK_SHIFT = U(24)
RANK_BITS = U(0xFFF)
COUNT_SHIFT = U(36)
SIZE_SHIFT = U(8)
SIZE_BITS = U(0xFFFF)
START_SHIFT = U(24)
ONE_COLOR = U(1 << 8)

# 2^32 divided by the golden ratio (Knuth): neighbouring colours land far apart.
HASH_FACTOR = U(2654435761)
HASH_BITS = U(0xFFFFFFFF)

# Columns of a band's row in `bands`: its region, then one free-list head for each log2 capacity.
REGION_NEXT, REGION_END = 0, 1
N_BAND_COLUMNS = LARGEST_LOG2_CAPACITY + 1


class Tables(NamedTuple):
    """The arrays of all pixels, as kernels take them.

    Attributes
    ----------
    last : ndarray
        (n_pixels * 3,) uint8, BGR of each pixel in the last frame.
    run_start : ndarray
        (n_pixels,) int32, number of the frame since which the pixel has shown that colour; frames before it are
        in the table, frames from it on are not yet.
    meta : ndarray
        (n_pixels,) uint64, where and how large each table is (see module).
    slots : ndarray
        (n_slots,) uint64, the tables' memory; slots 0 to 7 belong to nobody.
    bands : ndarray
        (n_bands, N_BAND_COLUMNS) int64, region and free lists of each band.
    resume : ndarray
        (n_bands,) int64, pixel of the band at which a kernel stopped for want of memory; -1 = band done.
    scratch : ndarray
        (n_bands, 4096) uint64, all 0 between calls; room to sort one table by rank.
    first_end : int
        First tables lie in the slots before this one; they are never given to another pixel.
    """

    last: npt.NDArray[np.uint8]
    run_start: npt.NDArray[np.int32]
    meta: npt.NDArray[np.uint64]
    slots: npt.NDArray[np.uint64]
    bands: npt.NDArray[np.int64]
    resume: npt.NDArray[np.int64]
    scratch: npt.NDArray[np.uint64]
    first_end: int


@njit(cache=True, nogil=True, inline="always")
def cell_mask(bits: Word) -> Word:
    """Return the mask that keeps of a 24-bit colour what counts at this coarseness.

    Parameters
    ----------
    bits : uint64
        Low bits of each channel that are dropped, 0 to 8.

    Returns
    -------
    uint64
        24-bit mask.
    """
    channel = (U(255) << bits) & U(255)
    return channel | channel << U(8) | channel << U(16)


@njit(cache=True, nogil=True, inline="always")
def home_slot(cell: Word, log2_capacity: Word) -> Word:
    """Return the slot of its table, counted from 0, where a cell is looked for first.

    Parameters
    ----------
    cell : uint64
        Masked colour.
    log2_capacity : uint64
        2 to 12.

    Returns
    -------
    uint64
        0 to 2**log2_capacity - 1.
    """
    return ((cell * HASH_FACTOR) & HASH_BITS) >> (U(32) - log2_capacity)


@njit(cache=True, nogil=True, inline="always")
def most_colors(log2_capacity: Word) -> Word:
    """Return how many colours a table takes before it must grow: all of four slots, 7/8 of larger ones.

    Parameters
    ----------
    log2_capacity : uint64
        2 to 12.

    Returns
    -------
    uint64
        Number of colours.
    """
    capacity = U(1) << log2_capacity
    return capacity if log2_capacity <= U(2) else capacity - (capacity >> U(3))


@njit(cache=True, nogil=True)
def release_block(slots: npt.NDArray[np.uint64], band: npt.NDArray[np.int64], start: Word, log2_size: Word) -> None:
    """Put a block on its band's free list; its first slot links to the next free one.

    Parameters
    ----------
    slots : ndarray
        As in `Tables`; written.
    band : ndarray
        (N_BAND_COLUMNS,) int64, the band's row of `Tables.bands`; written.
    start, log2_size : int
        The block's first slot and the base-2 logarithm of its size in slots.
    """
    slots[start] = U(band[log2_size])
    band[log2_size] = start


@njit(cache=True, nogil=True)
def take_block(slots: npt.NDArray[np.uint64], band: npt.NDArray[np.int64], log2_size: Word, largest: Word) -> Word:
    """Allocate an empty block: recycled, else new, else split off a larger free one.

    Parameters
    ----------
    slots : ndarray
        As in `Tables`; the block is cleared.
    band : ndarray
        (N_BAND_COLUMNS,) int64, the band's row of `Tables.bands`; written.
    log2_size : int
        Base-2 logarithm of the size in slots, 4 to 12.
    largest : int
        Blocks over 2**largest slots are not cut from new memory, only recycled.

    Returns
    -------
    int
        First slot, or 0 if the band has no such block.
    """
    size = 1 << log2_size
    start = band[log2_size]
    if start != 0:
        band[log2_size] = np.int64(slots[start])
        slots[start : start + size] = U(0)
        return start
    if log2_size > largest:
        return 0
    start = band[REGION_NEXT]
    if start + size <= band[REGION_END]:
        band[REGION_NEXT] = start + size
        return start
    for larger in range(log2_size + 1, LARGEST_LOG2_CAPACITY + 1):
        start = band[larger]
        if start != 0:
            band[larger] = np.int64(slots[start])
            for half in range(larger - 1, log2_size - 1, -1):
                release_block(slots, band, start + (1 << half), half)
            slots[start : start + size] = U(0)
            return start
    return 0


@njit(cache=True, nogil=True)
def retire_region(slots: npt.NDArray[np.uint64], band: npt.NDArray[np.int64]) -> None:
    """Put what is left of a band's region on its free lists, so that it can be given a new one.

    Parameters
    ----------
    slots : ndarray
        As in `Tables`; written.
    band : ndarray
        (N_BAND_COLUMNS,) int64, the band's row of `Tables.bands`; written.
    """
    start, end = band[REGION_NEXT], band[REGION_END]
    for log2_size in range(LARGEST_LOG2_CAPACITY, SECOND_LOG2_CAPACITY - 1, -1):
        while end - start >= 1 << log2_size:
            release_block(slots, band, start, log2_size)
            start += 1 << log2_size
    band[REGION_NEXT] = band[REGION_END]


@njit(cache=True, nogil=True)
def sort_by_rank(slots: npt.NDArray[np.uint64], meta: Word, scratch: npt.NDArray[np.uint64]) -> Word:
    """Lay a table's colours out in the order in which they were first seen.

    Parameters
    ----------
    slots : ndarray
        As in `Tables`; read.
    meta : uint64
        The pixel's entry of `Tables.meta`.
    scratch : ndarray
        (4096,) uint64; slot of rank r is written to place r. The caller clears what was written.

    Returns
    -------
    int
        Number of colours; ranks run from 0 to that, without gaps.
    """
    start = np.int64(meta >> START_SHIFT)
    for i in range(start, start + (1 << np.int64(meta & U(15)))):
        slot = slots[i]
        if slot != U(0):
            scratch[np.int64((slot >> RANK_SHIFT) & RANK_BITS)] = slot
    return np.int64((meta >> SIZE_SHIFT) & SIZE_BITS)


@njit(cache=True, nogil=True)
def grow_table(
    slots: npt.NDArray[np.uint64], band: npt.NDArray[np.int64], meta: Word, largest: Word, first_end: Word
) -> Word:
    """Move a table into a larger block: the next power of two, or from the first table to sixteen slots.

    Parameters
    ----------
    slots : ndarray
        As in `Tables`; written.
    band : ndarray
        (N_BAND_COLUMNS,) int64, the band's row of `Tables.bands`; written.
    meta : uint64
        The pixel's entry of `Tables.meta`.
    largest : int
        As in `take_block`.
    first_end : int
        As in `Tables`.

    Returns
    -------
    uint64
        The new entry, or 0 if there is no such block and nothing changed.
    """
    log2_capacity = np.int64(meta & U(15))
    if log2_capacity >= LARGEST_LOG2_CAPACITY:
        return U(0)
    # The first table gives way to one of four times its size: most pixels that pass four colours pass seven.
    log2_grown: Word = max(log2_capacity + 1, SECOND_LOG2_CAPACITY)
    new = take_block(slots, band, log2_grown, largest)
    if new == 0:
        return U(0)
    old = np.int64(meta >> START_SHIFT)
    mask = cell_mask((meta >> U(4)) & U(15))
    last_slot = U((1 << log2_grown) - 1)
    for i in range(old, old + (1 << log2_capacity)):
        slot = slots[i]
        if slot != U(0):
            k = home_slot(slot & mask, U(log2_grown))
            while slots[U(new) + k] != U(0):
                k = (k + U(1)) & last_slot
            slots[U(new) + k] = slot
    if old >= first_end:
        release_block(slots, band, old, log2_capacity)
    return meta & U(0xFFFFF0) | U(log2_grown) | U(new) << START_SHIFT


@njit(cache=True, nogil=True)
def coarsen_table(
    slots: npt.NDArray[np.uint64],
    band: npt.NDArray[np.int64],
    meta: Word,
    scratch: npt.NDArray[np.uint64],
) -> Word:
    """Drop one more low bit of each channel and add up the colours that fall together.

    Where three quarters of a table become free its upper half goes back to the band.

    Parameters
    ----------
    slots : ndarray
        As in `Tables`; written.
    band : ndarray
        (N_BAND_COLUMNS,) int64, the band's row of `Tables.bands`; written.
    meta : uint64
        The pixel's entry of `Tables.meta`, coarse bits below 8.
    scratch : ndarray
        (4096,) uint64, all 0, and again afterwards.

    Returns
    -------
    uint64
        The new entry.
    """
    meta = rebuild_table(slots, meta + (U(1) << U(4)), meta & U(15), scratch)
    log2_capacity = meta & U(15)
    n_cells = (meta >> SIZE_SHIFT) & SIZE_BITS
    if log2_capacity > U(SECOND_LOG2_CAPACITY) and n_cells << U(2) <= U(1) << log2_capacity:
        meta = rebuild_table(slots, meta, log2_capacity - U(1), scratch)
        half = np.int64(log2_capacity) - 1
        release_block(slots, band, np.int64(meta >> START_SHIFT) + (1 << half), half)
    return meta


@njit(cache=True, nogil=True)
def rebuild_table(
    slots: npt.NDArray[np.uint64],
    meta: Word,
    log2_capacity: Word,
    scratch: npt.NDArray[np.uint64],
) -> Word:
    """Fill a table anew at its place: for another coarseness, or into its lower part.

    Parameters
    ----------
    slots : ndarray
        As in `Tables`; written.
    meta : uint64
        The pixel's entry of `Tables.meta`, with the coarse bits that the table is to have.
    log2_capacity : uint64
        What the table is to have, at most what it has, enough for its colours.
    scratch : ndarray
        (4096,) uint64, all 0, and again afterwards.

    Returns
    -------
    uint64
        The new entry; ranks run without gaps again.
    """
    n_colors = sort_by_rank(slots, meta, scratch)
    start = meta >> START_SHIFT
    slots[np.int64(start) : np.int64(start) + (1 << np.int64(meta & U(15)))] = U(0)
    mask = cell_mask((meta >> U(4)) & U(15))
    last_slot = (U(1) << log2_capacity) - U(1)
    n_cells = U(0)
    for rank in range(n_colors):
        slot = scratch[rank]
        scratch[rank] = U(0)
        k = home_slot(slot & mask, log2_capacity)
        while slots[start + k] != U(0) and ((slots[start + k] ^ slot) & mask) != U(0):
            k = (k + U(1)) & last_slot
        if slots[start + k] == U(0):
            slots[start + k] = slot >> COUNT_SHIFT << COUNT_SHIFT | n_cells << RANK_SHIFT | slot & COLOR_BITS
            n_cells += U(1)
        else:
            slots[start + k] += slot >> COUNT_SHIFT << COUNT_SHIFT
    return start << START_SHIFT | n_cells << SIZE_SHIFT | meta & U(0xF0) | log2_capacity


@njit(cache=True, nogil=True)
def add_color(tables: Tables, band: Word, pixel: Word, color: Word, n: Word, largest: Word, may_starve: bool) -> bool:
    """Add `n` frames of a colour to a pixel's table, growing it, or coarsening it when memory is used up.

    Parameters
    ----------
    tables : Tables
        Written.
    band, pixel : int
        Number of the band and of the pixel in it, counted over the whole picture.
    color : uint64
        24-bit colour.
    n : uint64
        Frames, at least 1.
    largest : int
        As in `take_block`.
    may_starve : bool
        Whether to give up when the band has no block left, so that the caller can give it one.

    Returns
    -------
    bool
        False if it gave up; then nothing changed.
    """
    slots = tables.slots
    row = tables.bands[band]
    while True:
        meta = tables.meta[pixel]
        start = meta >> START_SHIFT
        log2_capacity = meta & U(15)
        mask = cell_mask((meta >> U(4)) & U(15))
        last_slot = (U(1) << log2_capacity) - U(1)
        k = home_slot(color & mask, log2_capacity)
        n_probes = U(0)
        while n_probes <= last_slot and slots[start + k] != U(0):
            if ((slots[start + k] ^ color) & mask) == U(0):
                slots[start + k] += n << COUNT_SHIFT
                return True
            k = (k + U(1)) & last_slot
            n_probes += U(1)
        n_colors = (meta >> SIZE_SHIFT) & SIZE_BITS
        if n_colors < most_colors(log2_capacity):
            slots[start + k] = n << COUNT_SHIFT | n_colors << RANK_SHIFT | color
            tables.meta[pixel] = meta + ONE_COLOR
            return True
        grown = grow_table(slots, row, meta, largest, tables.first_end)
        if grown == U(0) and may_starve and log2_capacity < U(largest):
            return False
        if grown == U(0):
            grown = coarsen_table(slots, row, meta, tables.scratch[band])
        tables.meta[pixel] = grown
