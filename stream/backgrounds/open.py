"""From what a person writes after ``--background`` to a background."""

from pathlib import Path

from config.schema import Profile
from pipelines.base import Image
from pipelines.protection.backgrounds import (
    BackgroundError,
    BlurBackground,
    ColorBackground,
    PictureBackground,
    parse_color,
)
from pipelines.protection.contract import Background
from stream.sources.base import CaptureError
from stream.sources.images import SUFFIXES, read_picture

GRAMMAR = "#RRGGBB | noise | blur | a picture | a video"


def open_background(profile: Profile) -> Background:
    """Open the background that `protect.background` names, with the noise that the section `noise` asks for.

    Parameters
    ----------
    profile : Profile
        Sections `protect` and `noise`.

    Returns
    -------
    Background
        Not warmed up yet.

    Raises
    ------
    BackgroundError
        If there is no such background or it cannot be read.
    """
    text = profile.protect.background
    color = parse_color(text)
    if color is not None:
        return ColorBackground(color)
    if text == "blur":
        return BlurBackground()
    path = Path(text).expanduser()
    if text.startswith("#") or not path.exists():
        raise BackgroundError(f"background {text!r}: no such colour or file; wanted {GRAMMAR}")
    return PictureBackground(path.name, _read_picture(path))


def _read_picture(path: Path) -> Image:
    try:
        return read_picture(path, keep_alpha=path.suffix.lower() in SUFFIXES)
    except CaptureError as error:
        raise BackgroundError(f"background {error}") from None
