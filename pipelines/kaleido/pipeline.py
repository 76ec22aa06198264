"""Pictures to cycles of sub-frames, on the CPU: allocates once and keeps what a cycle needs to know of the one before.

Each pixel's axes are those of the colour that it had when it last changed by more than `epsilon` codes: the axes of
neighbouring colours differ little as a rule, and much now and then, and noise of the film must not make a pixel's
sub-frames jump from cycle to cycle.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from config.schema import PlaySettings
from pipelines.base import Image
from pipelines.color import codes_from_linear, to_linear
from pipelines.crew import bands, shared_crew
from pipelines.kaleido.contract import Code, Floats32, Tables
from pipelines.kaleido.gamut import N_BINS, bounded_delta, build_axes, room_of_codes, shown_light
from pipelines.kaleido.kernels import N_CELLS, Curves, Places, look_up_rows, split_rows
from pipelines.kaleido.patterns import make_pattern

LITTLE_CODES = 10
"""A pixel none of whose sub-frames differs from the picture by so many codes in any channel is as good as plain."""

N_SAMPLED = 20_000
"""Pixels that the share without headroom is measured on."""


class KaleidoEncoder:
    """Makes cycles of sub-frames; see `contract.Encoder`.

    Parameters
    ----------
    settings : PlaySettings
        How.
    code : Code
        The order of the sub-frames.
    delta : float
        Relative amplitude of the luminance pollution where the settings leave it open: what the eye does not see.

    Attributes
    ----------
    share_reused : float
        Share of the last picture's pixels that kept the axes that they had.
    """

    def __init__(self, settings: PlaySettings, code: Code, delta: float) -> None:
        self._settings = settings
        self._code = code
        self._wanted_delta = delta if settings.luminance_delta is None else settings.luminance_delta
        self._tables: Tables | None = None
        self.share_reused = 0.0

    @property
    def tables(self) -> Tables:
        """What it works by; the profile's strength is in the axes and in delta."""
        if self._tables is None:
            raise RuntimeError("the tables are made by warm_up, which was not called")
        return self._tables

    def warm_up(self, height: int, width: int) -> None:
        """Allocate and compile for pictures of this size."""
        settings, code = self._settings, self._code
        shown = shown_light(settings.headroom, settings.compressed_low, settings.compressed_high)
        delta = bounded_delta(code, self._wanted_delta, limit_red=settings.limit_red)
        axes = build_axes(
            code,
            shown,
            delta=delta,
            epsilon=settings.epsilon,
            limit_red=settings.limit_red,
            exchange=settings.exchange,
            n_bins=N_BINS,
        )
        axes[..., :-2, :] *= np.float32(settings.strength)
        pattern = make_pattern(
            settings.pattern,
            height,
            width,
            code.n_slots,
            block_px=settings.block_px,
            edge_px=settings.block_edge_px,
            seed=settings.seed,
        )
        self._tables = Tables(code, shown, axes, delta * settings.strength, pattern)
        self._curves = make_curves(self._tables)
        self._places = Places(pattern.phase, pattern.gain, pattern.luma_sign)
        self._plain_codes = codes_from_linear(shown)
        self._order = np.array([(*c, luma) for c, luma in zip(code.chroma, code.luma, strict=True)], np.float32)
        self._chosen_for = np.zeros((height, width, 3), np.uint8)
        self._is_first = True
        self._bands = bands(height, 8 * shared_crew().n_threads)
        empty = np.empty((height, width, 3), np.uint8)
        self._split(empty, 1.0, (empty,) * code.n_slots, [(0, 0)])
        look_up_rows(empty, self._plain_codes, (0, 0), empty)

    def encode_cycle(self, picture: Image, strength: float, subframes: Sequence[Image]) -> None:
        """Make the sub-frames of one cycle."""
        if strength <= 0:
            self.plain(picture, subframes[0])
            for subframe in subframes[1:]:
                np.copyto(subframe, subframes[0])
            return
        n_new = self._split(picture, strength, tuple(subframes), self._bands)
        self._is_first = False
        self.share_reused = 1 - n_new / (picture.shape[0] * picture.shape[1])

    def plain(self, picture: Image, subframe: Image) -> None:
        """Make the picture as it is to be seen without modulation."""
        if self._settings.headroom == "adaptive":
            np.copyto(subframe, picture)
            return
        table = self._plain_codes
        shared_crew().run([partial(look_up_rows, picture, table, rows, subframe) for rows in self._bands])

    def status(self, picture: Image) -> Sequence[str]:
        """Return a line for everything that protects less than it could."""
        lines = []
        if self.tables.delta < self._wanted_delta * self._settings.strength and any(self._code.luma):
            lines.append(
                f"luminance pollution {self.tables.delta:.1%} in place of {self._wanted_delta:.1%}, so that saturated "
                "red does not alternate (limit_red)"
            )
        share = self.share_unprotected(picture)
        if share >= 0.005:
            remedy = "; headroom: compressed protects them too" if self._settings.headroom == "adaptive" else ""
            lines.append(f"{share:.0%} of the picture is too dark or too bright to hide{remedy}")
        return lines

    def share_unprotected(self, picture: Image) -> float:
        """Return the share of a picture's pixels that cameras see much as they are, measured on a sample.

        Parameters
        ----------
        picture : ndarray
            (height, width, 3) uint8 BGR.

        Returns
        -------
        float
            0 to 1.
        """
        height, width = picture.shape[:2]
        step = max(1, int(np.sqrt(height * width / N_SAMPLED)))
        colors = picture[::step, ::step].reshape(-1, 3)
        bins = colors // (256 // self.tables.axes.shape[0])
        axes = self.tables.axes[bins[:, 0], bins[:, 1], bins[:, 2]]
        chroma = np.array(self._code.chroma, np.float32)
        room = np.minimum(self._curves.fall[colors] * axes[:, -2], self._curves.rise[colors] * axes[:, -1])
        d = np.einsum("ka,nac->knc", chroma, axes[:, :2]) * np.minimum(1, room.min(axis=1))[:, np.newaxis]
        light = self.tables.shown[colors] + d
        differs = np.abs(codes_from_linear(light).astype(np.int16) - self._plain_codes[colors])
        return float(np.mean(differs.max(axis=(0, 2)) < LITTLE_CODES))

    def _split(
        self, picture: Image, strength: float, subframes: tuple[Image, ...], parts: Sequence[tuple[int, int]]
    ) -> int:
        epsilon = -1 if self._is_first else self._settings.epsilon
        order = tuple(tuple(step) for step in self._order * np.float32(min(strength, 1.0)))
        axes, delta = self.tables.axes, np.float32(self.tables.delta)
        given = (picture, self._curves, axes, order, delta, self._places, epsilon)
        new = shared_crew().run([partial(split_rows, *given, rows, self._chosen_for, subframes) for rows in parts])
        return sum(new)


def make_curves(tables: Tables) -> Curves:
    """Make the tables between codes and light that the kernel takes.

    Parameters
    ----------
    tables : Tables
        What light is to be seen, and what the luminance pollution takes of its room.

    Returns
    -------
    Curves
        For a display with the transfer function of sRGB.
    """
    light = to_linear(np.arange(256) / 255.0).astype(np.float32)
    exact = np.append(to_linear(np.maximum(np.arange(256) - 0.5, 0.0) / 255.0), 2.0)
    limits = _rounded_up(exact)
    edges = np.arange(N_CELLS + 1, dtype=np.float32) / np.float32(N_CELLS)
    shown = tables.shown
    fall, rise = room_of_codes(tables.code, shown, tables.delta)
    rests = np.float32(2) * shown[:, np.newaxis] - light
    cells, seconds = _nearest(edges, limits), _nearest(np.clip(rests, 0, 1), limits)
    return Curves(shown, fall, rise, light, cells, limits[cells.astype(np.intp) + 1], seconds)


def _nearest(light: Floats32, limits: Floats32) -> npt.NDArray[np.uint8]:
    return (np.searchsorted(limits, light, side="right") - 1).astype(np.uint8)


def _rounded_up(values: npt.NDArray[np.float64]) -> Floats32:
    nearest = values.astype(np.float32)
    return np.where(nearest < values, np.nextafter(nearest, np.float32(np.inf)), nearest)
