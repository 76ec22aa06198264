"""What a pirate may make of a recording: pick a frame, average some, take medians, blur, filter the bands out.

Every attack is given more than a pirate has: the best frame is picked by looking at the truth, averages are made in
linear light of perfectly aligned frames, blur is as wide as suits best, and the notch filter knows the display's and
the camera's clocks. What is left over after them is an upper bound.

**Averaging whole cycles of a static picture recovers it**: no order of sub-frames that fuse for an eye can prevent
that, for the mean is what the eye sees. It costs motion, which blurs. Blurring a frame does the same in space where
neighbours stand at different places of a cycle, and costs detail; a distant or unsharp camera does it by itself.

**Grey recovers it in black and white**: sub-frames leave the luminance of a picture alone, because the eye would see it
change. Whoever keeps the luminance of a single frame and throws its colours away has a black-and-white film.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.base import Image
from pipelines.color import codes_from_linear, linear_from_codes, luminance
from pipelines.filming.camera import Camera, Panel
from pipelines.filming.scores import psnr_db

MEANS = (2, 4, 8)
"""Of how many frames averages are taken, and of as many as a cycle has sub-frames."""
BLURS_PX = (1.0, 2.0, 4.0, 8.0)
"""Widths of a Gaussian that are tried: standard deviations, in pixels."""
LEAST_MEDIAN = 3
"""A median of two is their mean."""
_NOTCH_BINS = 1.5
"""Half the width of a notch: a band's line in the spectrum is as wide as a window without a taper makes it."""


def mean_frame(frames: Sequence[Image]) -> Image:
    """Average frames in linear light.

    Parameters
    ----------
    frames : sequence of ndarray
        uint8 BGR of one shape.

    Returns
    -------
    ndarray
        uint8 of that shape.
    """
    total = np.zeros(frames[0].shape, np.float32)
    for frame in frames:
        total += linear_from_codes(frame)
    return codes_from_linear(total / np.float32(len(frames)))


def median_frame(frames: Sequence[Image]) -> Image:
    """Take the median of each pixel's codes, channel by channel.

    Parameters
    ----------
    frames : sequence of ndarray
        uint8 BGR of one shape.

    Returns
    -------
    ndarray
        uint8 of that shape.
    """
    return np.asarray(np.round(np.median(np.stack(frames), axis=0)), np.uint8)


def blur_frame(frame: Image, truth: Image) -> Image:
    """Blur a frame in linear light, as wide as brings it nearest to the truth.

    Parameters
    ----------
    frame, truth : ndarray
        (height, width, 3) uint8 BGR: what was recorded, and what it should be.

    Returns
    -------
    ndarray
        uint8 of that shape.
    """
    light = linear_from_codes(frame)
    blurred = [codes_from_linear(cv2.GaussianBlur(light, (0, 0), sigma_px)) for sigma_px in BLURS_PX]
    return max(blurred, key=lambda one: psnr_db(one, truth))


def grey_frame(frame: Image) -> Image:
    """Keep the luminance of a picture and throw its colours away.

    Parameters
    ----------
    frame : ndarray
        (height, width, 3) uint8 BGR.

    Returns
    -------
    ndarray
        uint8 of that shape, its three channels alike.
    """
    grey = codes_from_linear(luminance(linear_from_codes(frame)))
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


def notch_rows(frame: Image, camera: Camera, panel: Panel, n_slots: int) -> Image:
    """Take the frequencies of the rolling shutter's bands out of a frame's columns.

    A component of k / n_slots of the refresh rate advances by its own phase while the rows are read out and, the other
    way, while the display scans them: its bands have |readout - scan-out| * k * refresh / n_slots cycles a picture.

    Parameters
    ----------
    frame : ndarray
        (height, width, 3) uint8 BGR.
    camera : Camera
        What recorded it.
    panel : Panel
        What it was held to.
    n_slots : int
        Sub-frames in a cycle.

    Returns
    -------
    ndarray
        uint8 of that shape; the mean of each column stays.
    """
    bands = abs(camera.readout_s - panel.scan_s) * panel.refresh_hz / n_slots * np.arange(1, n_slots)
    spectrum = np.fft.rfft(frame.astype(np.float32), axis=0)
    bins = np.arange(spectrum.shape[0])
    for band in bands:
        is_notched = (np.abs(bins - band) <= _NOTCH_BINS) & (bins > 0)
        spectrum[is_notched] = 0.0
    rows = np.fft.irfft(spectrum, n=frame.shape[0], axis=0)
    return np.clip(np.round(rows), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Copy:
    """What an attack made of a recording, and what it should be.

    Attributes
    ----------
    picture, truth : ndarray
        (height, width, 3) uint8 BGR.
    """

    picture: Image
    truth: Image


def attack(
    frames: Sequence[Image], truths: Sequence[Image], camera: Camera, panel: Panel, n_slots: int
) -> dict[str, Copy]:
    """Try all attacks on a recording.

    Parameters
    ----------
    frames : sequence of ndarray
        Frames that follow each other, (height, width, 3) uint8 BGR.
    truths : sequence of ndarray
        Each as it would be without protection.
    camera : Camera
        What recorded them.
    panel : Panel
        What it was held to.
    n_slots : int
        Sub-frames in a cycle.

    Returns
    -------
    dict of str to Copy
        By the attack's name; means of as many frames as there are.
    """
    pairs = [Copy(frame, truth) for frame, truth in zip(frames, truths, strict=True)]
    middle = len(frames) // 2
    truth = truths[middle]
    copies = {"best frame": max(pairs, key=lambda pair: psnr_db(pair.picture, pair.truth))}
    # As many frames as a cycle has sub-frames: where a camera's clock steps through them, their mean is the picture.
    for n in sorted({*MEANS, n_slots}):
        if n <= len(frames):
            first = max(0, middle - n // 2)
            copies[f"mean of {n}"] = Copy(mean_frame(frames[first : first + n]), truth)
    if len(frames) >= LEAST_MEDIAN:
        copies["median"] = Copy(median_frame(frames), truth)
    copies["blur"] = Copy(blur_frame(frames[middle], truth), truth)
    copies["black and white"] = Copy(grey_frame(frames[middle]), grey_frame(truth))
    copies["row notch"] = Copy(notch_rows(frames[middle], camera, panel, n_slots), truth)
    return copies
