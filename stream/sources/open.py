"""From what a person writes for SOURCE to an open source."""

from pathlib import Path

from config.schema import Profile
from stream.sources.base import CaptureError, Source

GRAMMAR = (
    "screen | screen:N | screen:X,Y,WIDTHxHEIGHT | window:TITLE | camera | camera:N | camera:NAME | demo | "
    "a video file | a picture | a folder of pictures"
)

LIVE_KINDS = ("screen", "window", "camera")

PICTURE_FOLDER_RATE_HZ = 25.0
"""A folder of pictures has no time of its own."""


def open_source(text: str, profile: Profile, folder_rate_hz: float = PICTURE_FOLDER_RATE_HZ) -> Source:
    """Open what SOURCE names.

    Parameters
    ----------
    text : str
        As in `GRAMMAR`. A file that is named like a device is meant as ``./screen``.
    profile : Profile
        Its sections for screens and cameras.
    folder_rate_hz : float
        Pictures a second that a folder stands for.

    Returns
    -------
    Source
        Open; the caller closes it, or the loop it is given to.

    Raises
    ------
    CaptureError
        If there is no such source or it cannot be opened.
    """
    kind, _, rest = text.partition(":")
    if kind in ("screen", "window"):
        from stream.sources.screen import ScreenSource, parse_screen

        return ScreenSource(parse_screen(text), profile.screen)
    if kind == "camera":
        from stream.sources.camera import CameraSource

        return CameraSource(int(rest) if rest.isdecimal() else rest or None, profile.camera)
    if text == "demo":
        from stream.sources.demo import DemoSource

        return DemoSource()
    return _open_path(text, folder_rate_hz)


def recording_identity(text: str) -> str:
    """Tell one recording from another across runs.

    Parameters
    ----------
    text : str
        SOURCE as the person wrote it.

    Returns
    -------
    str
        Name, size and time of change of a file, name and number of entries of a folder; empty for live sources,
        which never come again.
    """
    if text == "demo":
        return "demo"
    path = Path(text).expanduser()
    if text.partition(":")[0] in LIVE_KINDS or not path.exists():
        return ""
    stat = path.stat()
    size = sum(1 for _ in path.iterdir()) if path.is_dir() else stat.st_size
    return f"{path.name}|{size}|{stat.st_mtime_ns}"


def _open_path(text: str, folder_rate_hz: float) -> Source:
    path = Path(text).expanduser()
    from stream.sources.images import ImagesSource, is_picture

    if path.is_dir() or is_picture(path):
        return ImagesSource(path, folder_rate_hz)
    if not path.exists():
        raise CaptureError(f"source {text!r}: no such file or folder; wanted {GRAMMAR}")
    from stream.sources.video import VideoSource

    return VideoSource(path)
