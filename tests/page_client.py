"""A plain HTTP client of the live page, which sends exactly what a test says."""

import http.client
import json
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

CLIENT_TIMEOUT_S = 5.0  # loopback answers in milliseconds; a hang must not hold the suite up


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Addressed(Protocol):
    @property
    def url(self) -> str: ...


class Client:
    """Requests to a page; paths are relative to its address unless they start with a slash."""

    def __init__(self, page: Addressed) -> None:
        parts = urlsplit(page.url)
        self.port = parts.port or 0
        self.root = parts.path
        self.token = parts.path.strip("/")

    def request(self, method: str, path: str, body: bytes | None = None, /, **headers: str) -> Answer:
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
        headers = {"Content_Type": "application/json", **headers}
        return self.request("POST", "commands", body, **headers)

    def open_events(self) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CLIENT_TIMEOUT_S)
        connection.request("GET", self.root + "events")
        return connection, connection.getresponse()
