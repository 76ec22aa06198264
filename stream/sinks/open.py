"""From what a person writes after ``--to`` to a sink."""

from pathlib import Path

from config.schema import Profile
from stream.sinks.base import Sink, SinkError

GRAMMAR = "virtual-camera[:DEVICE] | display[:N] | file:PATH.mkv|.mp4 | images:DIR"


def open_sink(text: str, rate_hz: float, profile: Profile) -> Sink:
    """Make the sink that ``--to`` names; it opens its device or file with the first frame.

    Parameters
    ----------
    text : str
        As in `GRAMMAR`.
    rate_hz : float
        Nominal frames a second to come.
    profile : Profile
        Its section for video files.

    Returns
    -------
    Sink
        Not open yet.

    Raises
    ------
    SinkError
        If there is no such sink.
    """
    kind, colon, rest = text.partition(":")
    if kind == "virtual-camera" and (rest or not colon):
        from stream.sinks.virtual_camera import VirtualCameraSink

        return VirtualCameraSink(rest or None, rate_hz)
    if kind == "display" and (rest.isdecimal() or not colon):
        from stream.sinks.display import DisplaySink

        return DisplaySink(int(rest) if rest else None)
    if kind == "file" and rest:
        from stream.sinks.video import VideoSink

        return VideoSink(Path(rest).expanduser(), rate_hz, profile.video)
    if kind == "images" and rest:
        from stream.sinks.images import ImagesSink

        return ImagesSink(Path(rest).expanduser())
    raise SinkError(f"--to {text}: no such sink; wanted {GRAMMAR}")
