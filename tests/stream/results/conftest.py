"""Findings of both kinds, and the report of a session about them."""

import numpy as np
import pytest

from pipelines.base import Findings
from stream.results.figures import figures_of

HEIGHT, WIDTH = 90, 150


@pytest.fixture
def leak_findings(rng):
    """A block at the top left is claimed: half of it nearly sure and seen often, half doubtful and seen once."""
    room = rng.integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
    room[..., 3] = 0
    room[:30, :40, 3] = 255
    confidence = np.zeros((HEIGHT, WIDTH), np.uint8)
    leaks = np.zeros((HEIGHT, WIDTH), np.uint16)
    confidence[:30, :20], leaks[:30, :20] = 240, 12
    confidence[:30, 20:40], leaks[:30, 20:40] = 80, 1
    backdrop = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return Findings(room, backdrop, 1200 / (HEIGHT * WIDTH), confidence, leaks)


@pytest.fixture
def rarest_findings(leak_findings):
    return Findings(leak_findings.room, leak_findings.backdrop, leak_findings.coverage)


@pytest.fixture
def no_findings(leak_findings):
    room = leak_findings.room.copy()
    room[..., 3] = 0
    nothing = np.zeros((HEIGHT, WIDTH))
    return Findings(room, leak_findings.backdrop, 0.0, nothing.astype(np.uint8), nothing.astype(np.uint16))


@pytest.fixture
def report_of():
    """Say what stands in report.json for findings."""

    def make(findings, **changes):
        return {
            "backroom": "0.1.0",
            "started": "2026-11-24T20:01:10+00:00",
            "ended_by": None,
            "source": {
                "name": "call.mp4",
                "width": WIDTH,
                "height": HEIGHT,
                "rate_hz": 25.0,
                "is_live": False,
                "n_frames": 750,
            },
            "frames": {
                "counted": 750,
                "captured": 750,
                "processed": 750,
                "dropped": 0,
                "missed": 0,
                "placeholders": 0,
                "skipped_as_counted_before": 0,
            },
            "elapsed_s": 20.0,
            "coverage": findings.coverage,
            "method": "rarest" if findings.confidence is None else "leak",
            "notices": [],
            **figures_of(findings),
            **changes,
        }

    return make
