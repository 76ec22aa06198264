"""A page under test, a client of it, and figures to show on it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from page_client import Client

from config.schema import PageSettings
from stream.view.page import PageView


@pytest.fixture
def page() -> Iterator[PageView]:
    view = PageView(PageSettings(picture_rate_hz=60.0, picture_width_px=64))
    yield view
    view.close()


@pytest.fixture
def client(page: PageView) -> Client:
    return Client(page)


@pytest.fixture
def numbers() -> dict[str, Any]:
    """A session's figures, every key of the contract."""
    return {
        "source": "screen 1",
        "width": 640,
        "height": 360,
        "is_live": True,
        "can_pick_region": True,
        "state": "running",
        "elapsed_s": 12.5,
        "frames": 375,
        "dropped": 2,
        "rate_hz": 29.9,
        "latency_ms": {"capture": {"p50": 1.5, "p99": 4.0}},
        "coverage": 0.125,
        "coverage_over_time": [[0.0, 0.0], [12.0, 0.125]],
        "memory_bytes": 64 << 20,
        "exact": True,
        "notices": [],
        "message": "",
        "settings": {"watch.omg": 20, "watch.preview_every_s": 0.5},
    }


@pytest.fixture
def make_client() -> Iterator[Callable[[], Client]]:
    """More pages than one, each closed at the end."""
    views: list[PageView] = []

    def make() -> Client:
        views.append(PageView(PageSettings()))
        return Client(views[-1])

    yield make
    for view in views:
        view.close()
