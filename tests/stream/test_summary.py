"""The last lines of a protected camera."""

from pathlib import Path

from stream.summary import summarize_protection

REPORT = {
    "emit": "protected",
    "frames": {"processed": 1800, "dropped": 2, "missed": 1},
    "rate_hz": 29.97,
    "latency_ms": {"total": {"p50": 21.4, "p99": 43.6}},
    "source": {"is_live": True},
    "placeholders": 0,
    "failures_by_reason": {},
    "leak_meter": None,
    "notices": [],
}


def test_a_good_meeting_takes_two_lines():
    first, last = summarize_protection(REPORT, Path("out")).splitlines()
    assert first == "1800 frames protected at 30.0/s, 3 dropped, 21 ms later than they came (99 %: 44 ms)"
    assert last == "open out/report.html for how it went and what to change; the figures are in out/report.json"


def test_what_went_wrong_and_what_leaked_is_said():
    meter = {"room_known": 0.5, "exposed_beyond_chance": 0.0031, "recovered_beyond_chance": 0.0002}
    bad = {"placeholders": 12, "failures_by_reason": {"no model": 9}, "notices": ["camera lost"], "leak_meter": meter}
    text = summarize_protection(REPORT | bad, Path("out"))
    for line in ("12 of them were placeholders", "9 for: no model", "camera lost", "0.31% showed", "recovers 0.02%"):
        assert line in text
