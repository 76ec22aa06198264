"""What every session has to say of its stream, while it runs and in its report."""

import datetime as dt
from dataclasses import asdict
from typing import Any

from stream import __version__
from stream.sources.base import SourceInfo
from stream.stats import LoopStats


def stream_numbers(info: SourceInfo, stats: LoopStats) -> dict[str, Any]:
    """Return the figures of a stream for views.

    Parameters
    ----------
    info : SourceInfo
        Where the frames come from.
    stats : LoopStats
        What the loop measured so far.

    Returns
    -------
    dict of str to Any
        JSON values, see `View.show_numbers`.
    """
    return {
        "source": info.name,
        "width": info.width,
        "height": info.height,
        "is_live": info.is_live,
        "captured": stats.captured,
        "n_frames": info.n_frames,
        "dropped": stats.dropped + stats.missed,
        "rate_hz": round(stats.rate_hz, 2),
        "latency_ms": stats.latency_ms,
    }


def stream_report(
    info: SourceInfo, started: dt.datetime, stats: LoopStats, ended_by: str | None, *, is_final: bool
) -> dict[str, Any]:
    """Return what a report says of a stream.

    Parameters
    ----------
    info : SourceInfo
        Where the frames came from.
    started : datetime
        With a time zone.
    stats : LoopStats
        What the loop measured.
    ended_by : str or None
        The error that ended it.
    is_final : bool
        False for a report on the way.

    Returns
    -------
    dict of str to Any
        JSON values.
    """
    return {
        "backroom": __version__,
        "started": started.isoformat(timespec="seconds"),
        "ended": dt.datetime.now(dt.UTC).isoformat(timespec="seconds") if is_final else None,
        "ended_by": ended_by,
        "source": asdict(info),
        "frames": {
            "captured": stats.captured,
            "processed": stats.processed,
            "dropped": stats.dropped,
            "missed": stats.missed,
            "paused": stats.paused,
            "discarded": stats.discarded,
            "placeholders": stats.placeholders,
        },
        "elapsed_s": round(stats.elapsed_s, 3),
        "rate_hz": round(stats.mean_rate_hz, 2),
        "latency_ms": stats.latency_ms,
        "sink_dropped": stats.sink_dropped,
    }
