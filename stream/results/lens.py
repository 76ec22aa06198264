"""What the reports on both sides of the lens say alike: how good a copy is, and what nobody can prevent."""

from collections.abc import Mapping
from typing import Any, Final

from pipelines.filming.camera import say_exposure

HONEST: Final = (
    "Averaging whole cycles of a static picture recovers it: the mean is what people see, and no order of sub-frames "
    "can prevent that. It costs a pirate motion, which blurs. Whoever films for long enough, at the right exposure, "
    "what does not move, gets a copy."
)
BLURRED: Final = (
    "Blur is a single frame's: where neighbours stand at different places of the cycle it blends them, as a distant or "
    "unsharp camera does by itself, and what is left is the picture without its detail, moving or not."
)
NOT_SIMULATED: Final = (
    "The simulated cameras stand square before the display, one of their pixels on each of its, and know its clock as "
    "no real one does. A real copy also suffers from lens, moire, reflections, shaking hands, automatic exposure and "
    "white balance. Not simulated either: displays that strobe their light or take time to change, and phones held "
    "upright."
)
FOOTER: Final = "It holds pictures of what was filmed. Backroom sends nothing over any network."
SAID_SCORES: Final = ("PSNR, dB", "SSIM", "wrong colours", "histogram")
_EXACT_DB: Final = 98.9


def say_db(db: float) -> str:
    """Say a PSNR.

    Parameters
    ----------
    db : float
        Up to 99, which stands for equal pictures.

    Returns
    -------
    str
        Such as ``27.3 dB``.
    """
    return "an exact copy" if db >= _EXACT_DB else f"{db:.1f} dB"


def say_quality(db: float) -> str:
    """Say what a PSNR means to who watches the copy.

    Parameters
    ----------
    db : float
        Up to 99.

    Returns
    -------
    str
        One sentence.
    """
    for least, text in (
        (40.0, "From 40 dB on a copy is as good as the original."),
        (28.0, "From 28 dB on a copy can be watched."),
        (20.0, "Between 20 and 28 dB a copy shows what there was, in wrong colours and bands."),
    ):
        if db >= least:
            return text
    return "Below 20 dB a copy is garbage."


def say_code(report: Mapping[str, Any]) -> str:
    """Say how a file of sub-frames is made.

    Parameters
    ----------
    report : mapping
        With its code, slots and refresh rate.

    Returns
    -------
    str
        Such as ``abab, 2 sub-frames a cycle at 120 Hz``.
    """
    code = f"{report['code']}, " if report["code"] else ""
    return f"{code}{report['slots']} sub-frames a cycle at {report['refresh_hz']:g} Hz"


def say_camera(camera: Mapping[str, Any]) -> dict[str, str]:
    """Say how a camera is set.

    Parameters
    ----------
    camera : mapping
        The fields of a `Camera`, its sensor's among them.

    Returns
    -------
    dict of str to str
        What each part is set to.
    """
    sensor = camera["sensor"]
    exposure = say_exposure(camera["exposure_s"])
    noise = (
        f"{sensor['white_electrons']:g} electrons at white, {sensor['read_electrons']:g} of reading"
        if sensor["white_electrons"]
        else "none"
    )
    return {
        "Phone": f"{camera['rate_hz']:g} fps, {exposure}, rolling shutter of {1000 * camera['readout_s']:g} ms",
        "Lens": f"blurs by {camera['blur_px']:g} pixels" if camera["blur_px"] else "sharp",
        "Sensor": f"{'mosaic (Bayer)' if sensor['is_mosaic'] else 'all colours at each pixel'}; noise: {noise}",
        "Clock": f"begins {1000 * camera['phase_s']:g} ms in; frames off by {1000 * camera['jitter_s']:g} ms",
    }


def say_stopped(report: Mapping[str, Any]) -> str:
    """Say how far work on a file had come when somebody ended it.

    Parameters
    ----------
    report : mapping
        Its ``stopped_s`` is None where nobody did.

    Returns
    -------
    str
        Such as ``stopped after 0.67 s of it``, or nothing.
    """
    return "" if report["stopped_s"] is None else f"stopped after {report['stopped_s']:.2f} s of it"


def say_scores(score: Mapping[str, float]) -> tuple[str, ...]:
    """Say the figures that are named in `SAID_SCORES`.

    Parameters
    ----------
    score : mapping of str to float
        The fields of a `CopyScore`.

    Returns
    -------
    tuple of str
        One for each.
    """
    return (
        f"{score['psnr_db']:.1f}",
        f"{score['ssim']:.2f}",
        f"{100 * score['wrong_share']:.0f} %",
        f"{score['histogram']:.2f}",
    )
