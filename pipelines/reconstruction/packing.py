"""Counts out of their tables and into others, as kernels: to save them and to add them up.

Packed, the colours of a band of pixels stand one after the other, each pixel's in the order in which they were first
seen. Arrays only; every function trusts its arguments.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.reconstruction.kernels import open_run
from pipelines.reconstruction.tables import (
    COLOR_BITS,
    COUNT_SHIFT,
    RANK_BITS,
    RANK_SHIFT,
    Tables,
    U,
    Word,
    add_color,
    cell_mask,
    coarsen_table,
    sort_by_rank,
)


@njit(cache=True, nogil=True)
def pack_counts(
    tables: Tables,
    n_frames: Word,
    band: Word,
    band_px: Word,
    n_colors: npt.NDArray[np.uint16],
    coarse_bits: npt.NDArray[np.uint8],
    entries: npt.NDArray[np.uint64],
) -> Word:
    """Copy a band's colours out, in the order in which they were first seen, open runs included.

    Parameters
    ----------
    tables : Tables
        Read (`scratch` is used and left all 0).
    n_frames : int
        Frames counted.
    band, band_px : int
        Number of the band and pixels in a band.
    n_colors, coarse_bits : ndarray
        (pixels of the band,) uint16 and uint8, written.
    entries : ndarray
        (n,) uint64, n at least the colours held plus one for each pixel, written: count << 36 | colour.

    Returns
    -------
    int
        Entries written.
    """
    scratch = tables.scratch[band]
    n_entries = 0
    for k in range(n_colors.size):
        p = band * band_px + k
        entry = tables.meta[p]
        mask = cell_mask((entry >> U(4)) & U(15))
        n = sort_by_rank(tables.slots, entry, scratch)
        run = open_run(tables, p, n_frames)
        if run >> COUNT_SHIFT != U(0):
            at = 0
            while at < n and ((scratch[at] ^ run) & mask) != U(0):
                at += 1
            if at == n:
                scratch[n] = run
                n += 1
            else:
                scratch[at] += run >> COUNT_SHIFT << COUNT_SHIFT
        for rank in range(n):
            entries[n_entries] = scratch[rank] & ~(RANK_BITS << RANK_SHIFT)
            scratch[rank] = U(0)
            n_entries += 1
        n_colors[k] = n
        coarse_bits[k] = (entry >> U(4)) & U(15)
    return n_entries


@njit(cache=True, nogil=True)
def add_counts(
    tables: Tables,
    band: Word,
    band_px: Word,
    n_colors: npt.NDArray[np.uint16],
    coarse_bits: npt.NDArray[np.uint8],
    entries: npt.NDArray[np.uint64],
    largest: Word,
    may_starve: bool,
) -> None:
    """Add packed counts to a band's tables, after the colours that are there.

    Parameters
    ----------
    tables : Tables
        Written. `resume[band]` is where to begin in `entries` and, if the band starved, where to go on.
    band, band_px : int
        Number of the band and pixels in a band.
    n_colors, coarse_bits, entries : ndarray
        As written by `pack_counts`.
    largest, may_starve : int, bool
        As in `tables.add_color`.
    """
    begin = tables.resume[band]
    tables.resume[band] = -1
    k: Word = 0
    for pixel in range(n_colors.size):
        p = band * band_px + pixel
        if k + n_colors[pixel] > begin:
            while (tables.meta[p] >> U(4)) & U(15) < U(coarse_bits[pixel]):
                tables.meta[p] = coarsen_table(tables.slots, tables.bands[band], tables.meta[p], tables.scratch[band])
        for i in range(k, k + np.int64(n_colors[pixel])):
            if i < begin:
                continue
            color, n = entries[i] & COLOR_BITS, entries[i] >> COUNT_SHIFT
            if not add_color(tables, band, p, color, n, largest, may_starve):
                tables.resume[band] = i
                return
        k += np.int64(n_colors[pixel])


@njit(cache=True, nogil=True)
def close_runs(tables: Tables, n_frames: Word, band_px: Word, largest: Word, may_starve: bool) -> None:
    """Put every pixel's open run into its table.

    Parameters
    ----------
    tables : Tables
        Written. `resume` says for each band where to begin and, where a band starved, where to go on.
    n_frames : int
        Frames counted; becomes the start of every run.
    band_px : int
        Pixels in a band.
    largest, may_starve : int, bool
        As in `tables.add_color`.
    """
    for band in range(tables.resume.size):
        begin = tables.resume[band]
        tables.resume[band] = -1
        if begin < 0:
            continue
        first_px = band * band_px
        for p in range(first_px + begin, min(tables.run_start.size, first_px + band_px)):
            run = open_run(tables, p, n_frames)
            n = run >> COUNT_SHIFT
            if n != U(0) and not add_color(tables, band, p, run & COLOR_BITS, n, largest, may_starve):
                tables.resume[band] = p - first_px
                break
            tables.run_start[p] = n_frames
