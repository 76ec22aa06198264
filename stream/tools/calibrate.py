"""`backroom calibrate`: a display's gamma, whether its periods follow each other, and a picture to try it on."""

from collections.abc import Callable
from pathlib import Path

import cv2

from pipelines.atomic import write_atomically
from stream.display.calibration import Calibration, calibrate, make_test_picture
from stream.display.caution import tell_caution_once
from stream.display.library import DisplayError
from stream.display.screening import Screening
from stream.ending import ended_by_signals
from stream.sinks.base import SinkError


def run_calibration(
    monitor: int | None,
    refresh_hz: float,
    test_picture: Path | None,
    say: Callable[[str], None],
) -> list[str]:
    """Show the page until the person is done or a signal comes, or write the test picture.

    Parameters
    ----------
    monitor : int or None
        Counted from 1; None is the main one.
    refresh_hz : float
        Periods of the display a second; 0 takes its word.
    test_picture : Path, optional
        Write a picture of the display's size there, and show nothing.
    say : callable
        Takes one line for the person.

    Returns
    -------
    list of str
        Lines for the person: what was found.

    Raises
    ------
    SinkError
        If the display cannot be had, or the picture not be written.
    """
    calibration = Calibration()
    with ended_by_signals() as ending:
        try:
            screening = Screening(monitor, refresh_hz=refresh_hz, on_key=calibration.press)
        except DisplayError as error:
            raise SinkError(f"display: {error}") from None
        try:
            if test_picture is not None:
                return [_write(test_picture, screening.size_px)]
            tell_caution_once(say)
            ending.follow(screening)
            stats = calibrate(screening, calibration)
        except DisplayError as error:
            raise SinkError(f"display: {error}") from None
        finally:
            screening.close()
        stopped = ["stopped before you were done; what was set until then:"] if ending.is_asked else []
    missed = f"{stats.n_missed} periods missed of {stats.n_flips}, {stats.rate_hz:.1f} flips a second"
    return [*screening.warnings, *stopped, *calibration.report(), missed]


def _write(path: Path, size_px: tuple[int, int]) -> str:
    if path.suffix.lower() != ".png":
        raise SinkError(f"{path}: wanted a name that ends in .png")
    _, encoded = cv2.imencode(".png", make_test_picture(*size_px))
    try:
        write_atomically(path, encoded.tobytes())
    except OSError as error:
        raise SinkError(f"{path} cannot be written ({error.strerror}); name another folder") from None
    return f"written to {path}; show it by: backroom play {path}"
