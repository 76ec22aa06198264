"""What the loop measures of itself: rates, losses, and how long each stage takes, in bounded memory."""

import math
import threading
from collections import deque
from dataclasses import dataclass, field

# Buckets of a latency histogram: 5 % apart from a microsecond on, so a percentile is right within 5 %.
_LOWEST_S = 1e-6
_STEP = math.log(1.05)
_N_BUCKETS = 400

_RATE_WINDOW = 120


class LatencyHistogram:
    """Distribution of durations; adding costs a logarithm, percentiles are within 5 %. Thread-safe."""

    def __init__(self) -> None:
        self._counts = [0] * _N_BUCKETS
        self._n = 0
        self._lock = threading.Lock()

    def add(self, duration_s: float) -> None:
        """Count one duration.

        Parameters
        ----------
        duration_s : float
            Seconds.
        """
        bucket = math.ceil(math.log(max(duration_s, _LOWEST_S) / _LOWEST_S) / _STEP)
        with self._lock:
            self._counts[min(bucket, _N_BUCKETS - 1)] += 1
            self._n += 1

    def percentile_s(self, share: float) -> float:
        """Return the duration that this share of all durations does not exceed.

        Parameters
        ----------
        share : float
            0 to 1.

        Returns
        -------
        float
            Seconds, at most 5 % too long; 0.0 before the first `add`.
        """
        with self._lock:
            wanted = share * self._n
            passed = 0
            for bucket, count in enumerate(self._counts):
                passed += count
                if passed >= wanted and passed:
                    return _LOWEST_S * math.exp(bucket * _STEP)
        return 0.0


class RateMeter:
    """Events a second over the last few seconds. One thread marks, any reads."""

    def __init__(self) -> None:
        self._moments_s: deque[float] = deque(maxlen=_RATE_WINDOW)

    def mark(self, now_s: float) -> None:
        """Note that an event happened.

        Parameters
        ----------
        now_s : float
            When, in seconds of one clock.
        """
        self._moments_s.append(now_s)

    def rate_hz(self) -> float:
        """Return events a second over the last `_RATE_WINDOW` events; 0.0 with fewer than two."""
        moments = tuple(self._moments_s)
        if len(moments) < 2 or moments[-1] <= moments[0]:
            return 0.0
        return (len(moments) - 1) / (moments[-1] - moments[0])


@dataclass(frozen=True, slots=True)
class LoopStats:
    """A moment of a running loop.

    Attributes
    ----------
    captured, processed, dropped, paused : int
        Frames the source gave; that the pipeline took; that were too late and dropped before the pipeline; that
        came while paused. Once the loop has ended captured = processed + dropped + paused + discarded.
    missed : int
        Frames that the source itself was too late for; not among `captured`.
    discarded : int
        Frames that were under way when the loop was stopped.
    placeholders : int
        Frames among `processed` that stand in for lost ones.
    elapsed_s : float
        Seconds since the first frame.
    rate_hz : float
        Frames processed a second, lately.
    mean_rate_hz : float
        Frames processed a second since the first one.
    latency_ms : dict
        Stage to {"p50", "p99"} in milliseconds: ``read`` (waiting for and taking a frame, live pacing included),
        ``wait`` (in the mailbox), ``process``, ``write NAME`` for each sink, ``total`` (captured to processed),
        ``after`` (what was done once the sinks had the frame).
    sink_dropped : dict
        Sink name to frames that came too late for it.
    """

    captured: int
    processed: int
    dropped: int
    missed: int
    paused: int
    discarded: int
    placeholders: int
    elapsed_s: float
    rate_hz: float
    mean_rate_hz: float
    latency_ms: dict[str, dict[str, float]] = field(default_factory=dict)
    sink_dropped: dict[str, int] = field(default_factory=dict)


class StageTimes:
    """One latency histogram for each stage, made when first used."""

    def __init__(self) -> None:
        self._stages: dict[str, LatencyHistogram] = {}

    def add(self, stage: str, duration_s: float) -> None:
        """Count one duration of a stage.

        Parameters
        ----------
        stage : str
            Name of the stage.
        duration_s : float
            Seconds.
        """
        self._stages.setdefault(stage, LatencyHistogram()).add(duration_s)

    def percentiles_ms(self) -> dict[str, dict[str, float]]:
        """Return {stage: {"p50", "p99"}} in milliseconds, in the order in which stages were first seen."""
        return {
            stage: {
                "p50": round(times.percentile_s(0.5) * 1e3, 3),
                "p99": round(times.percentile_s(0.99) * 1e3, 3),
            }
            for stage, times in list(self._stages.items())
        }
