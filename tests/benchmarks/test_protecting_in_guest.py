"""What `backroom protect` carries between a real webcam and a real virtual camera, and what Chromium makes of it.

In the guest, whose processors are emulated: the rates are those of an old machine, 30 to 100 times slower at the person
model. So the stream is measured with the real protection and with one that shows nobody. Run with ``pytest
tests/benchmarks/test_protecting_in_guest.py --benchmark-only -s``; five minutes at most.
"""

from shutil import which
from typing import Any

import pytest
from guest import check_apart
from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]


def test_what_the_guest_carries(benchmark: BenchmarkFixture) -> None:
    found = check_apart("carried")
    benchmark.pedantic(lambda: None, rounds=1)
    for name in ("hiding all", "protecting"):
        run: dict[str, Any] = found[name]
        report = run["report"]
        latency_ms = report["latency_ms"]
        write = next(times for stage, times in latency_ms.items() if stage.startswith("write"))
        figures = {
            "seen_hz": round(run["seen_hz"], 1),
            "processed": report["frames"]["processed"],
            "dropped": report["frames"]["dropped"] + report["frames"]["missed"],
            "latency_p50_ms": latency_ms["total"]["p50"] + write["p50"],
            "latency_p99_ms": latency_ms["total"]["p99"] + write["p99"],
        }
        benchmark.extra_info[name] = figures
        print(f"\n640x360, {name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()))
        assert run["code"] == 0
        assert set(run["kinds"]) <= {"protected", "placeholder"}


def test_a_page_in_chromium_shows_the_protected_camera(benchmark: BenchmarkFixture) -> None:
    if which("chromium") is None:
        pytest.skip("needs a Chromium; on Debian: apt-get install chromium")
    found = check_apart("shown_by_chromium")
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info |= {"took_s": found["took_s"]}
    print(f"\nChromium: {found['label']} at {found['width']}x{found['height']}, after {found['took_s']:.0f} s")
    assert found["label"].startswith("Backroom")
    assert (found["width"], found["height"]) == (640, 360)
    assert set(found["kinds"]) <= {"protected", "placeholder"}, "Chromium was shown the webcam itself"
    assert "protected" in found["kinds"]
    assert found["is on"]
    assert found["off after it was closed"]
    assert found["code"] == 0
