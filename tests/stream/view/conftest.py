"""A page under test and a plain HTTP client that sends exactly what a test says."""

import http.client
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from config.schema import PageSettings
from stream.view.page import PageView

CLIENT_TIMEOUT_S = 5.0  # loopback answers in milliseconds; a hang must not hold the suite up


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """Requests to a page; paths are relative to its address unless they start with a slash."""

    def __init__(self, page: PageView) -> None:
        parts = urlsplit(page.url)
        self.port = parts.port or 0
        self.root = parts.path
        self.token = parts.path.strip("/")

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CLIENT_TIMEOUT_S)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path if path.startswith("/") else self.root + path, body, named)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, **headers)

    def post(self, command: Any, **headers: str) -> Answer:
        body = command if isinstance(command, bytes) else json.dumps(command).encode()
        return self.request("POST", "commands", body, **{"Content_Type": "application/json", **headers})

    def open_events(self) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CLIENT_TIMEOUT_S)
        connection.request("GET", self.root + "events")
        return connection, connection.getresponse()


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
