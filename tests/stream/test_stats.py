"""What the loop measures of itself."""

import numpy as np
import pytest

from stream.stats import LatencyHistogram, RateMeter, StageTimes


def test_percentiles_are_right_within_five_percent(rng):
    durations_s = rng.lognormal(-5, 1.5, 20_000)
    histogram = LatencyHistogram()
    for duration_s in durations_s:
        histogram.add(duration_s)
    for share in (0.01, 0.5, 0.9, 0.99):
        true_s = np.quantile(durations_s, share)
        assert true_s * 0.99 <= histogram.percentile_s(share) <= true_s * 1.06  # a bucket, and the sample's own grain


def test_percentiles_before_the_first_duration_are_zero():
    assert LatencyHistogram().percentile_s(0.99) == 0.0


@pytest.mark.parametrize("duration_s", [0.0, 1e-9, 3600.0 * 24])
def test_extreme_durations_have_a_bucket(duration_s):
    histogram = LatencyHistogram()
    histogram.add(duration_s)
    assert histogram.percentile_s(0.5) > 0


def test_rate_is_that_of_the_last_events():
    meter = RateMeter()
    assert meter.rate_hz() == 0.0
    for i in range(1000):
        meter.mark(i / 10 if i < 500 else 50 + (i - 500) / 60)
    assert meter.rate_hz() == pytest.approx(60)


def test_stages_appear_in_the_order_in_which_they_were_seen():
    times = StageTimes()
    for stage in ("read", "wait", "process", "read"):
        times.add(stage, 0.010)
    assert list(times.percentiles_ms()) == ["read", "wait", "process"]
    assert times.percentiles_ms()["read"]["p50"] == pytest.approx(10, rel=0.05)
