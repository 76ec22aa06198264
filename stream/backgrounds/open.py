"""From what a person writes after ``--background`` to a background."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from config.schema import Profile
from pipelines.base import Image
from pipelines.protection.backgrounds import (
    BLUR_WARNING,
    BackgroundError,
    BlurBackground,
    ColorBackground,
    PictureBackground,
    parse_color,
)
from pipelines.protection.contract import Background
from pipelines.protection.noise import NoiseBackground, NoisyBackground
from stream.backgrounds.video import StreamTime, VideoBackground
from stream.sources.base import CaptureError
from stream.sources.images import SUFFIXES, read_picture

GRAMMAR = "a colour as #RRGGBB | noise | blur | the file of a picture or a video"

BLUR, NOISE = "blur", "noise"


@dataclass(frozen=True, slots=True)
class OpenBackground:
    """A background, and what a person should know of it.

    Attributes
    ----------
    pictures : Background
        The background.
    note : callable
        Returns one line on what is weak or wrong with it at the moment, or an empty string.
    """

    pictures: Background
    note: Callable[[], str] = str


def open_background(profile: Profile, time: StreamTime) -> OpenBackground:
    """Open the background that `protect.background` names, with the noise that the section `noise` asks for.

    Parameters
    ----------
    profile : Profile
        Sections `protect` and `noise`.
    time : StreamTime
        Of the stream that it goes with.

    Returns
    -------
    OpenBackground
        Not warmed up yet.

    Raises
    ------
    BackgroundError
        If there is no such background or it cannot be read.
    """
    if profile.protect.background == NOISE:
        return OpenBackground(NoiseBackground(profile.noise))
    background = _open_plain(profile.protect.background, time)
    if profile.noise.kind == "none" and not profile.noise.motion:
        return background
    return replace(background, pictures=NoisyBackground(background.pictures, profile.noise))


def _open_plain(text: str, time: StreamTime) -> OpenBackground:
    color = parse_color(text)
    if color is not None:
        return OpenBackground(ColorBackground(color))
    if text == BLUR:
        return OpenBackground(BlurBackground(), lambda: BLUR_WARNING)
    return _open_path(Path(text).expanduser(), time)


def _open_path(path: Path, time: StreamTime) -> OpenBackground:
    if not path.is_file():
        what = "is no file" if path.exists() else "no such file or colour"
        raise BackgroundError(f"background {str(path)!r}: {what}; wanted {GRAMMAR}")
    if path.suffix.lower() not in SUFFIXES:
        video = VideoBackground(path, time)
        return OpenBackground(video, lambda: video.note)
    image = _read_picture(path)
    is_see_through = image.shape[2] == 4 and bool((image[..., 3] < 255).any())
    note = f"{path.name} is see-through in places; a plain colour is laid under it" if is_see_through else ""
    return OpenBackground(PictureBackground(path.name, image), lambda: note)


def _read_picture(path: Path) -> Image:
    try:
        picture = read_picture(path, keep_alpha=True)
        # Without alpha it is read once more: a rotation that a camera noted is only carried out then.
        return picture if picture.shape[2] == 4 else read_picture(path)
    except CaptureError as error:
        raise BackgroundError(f"background {error}") from None
