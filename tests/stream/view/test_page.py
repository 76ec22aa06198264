import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from page_client import Client

from config.schema import PageSettings
from pipelines.base import Image
from stream.view.base import ViewError
from stream.view.events import FIGURES_EVERY_S
from stream.view.page import PageView

Numbers = dict[str, Any]

STOP_S = 2.0  # what the contract of the page allows
PAGE_THREADS = ("page-", "AnyIO", "asyncio")


def picture(value: int, size: tuple[int, int] = (36, 64)) -> Image:
    return np.full((*size, 3), value, np.uint8)


def page_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(PAGE_THREADS)]


def read_event(response: http.client.HTTPResponse) -> tuple[str, Any]:
    """Return the next event as (name, data)."""
    name = ""
    while True:
        line = response.readline().decode().rstrip("\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            return name, json.loads(line.removeprefix("data: "))


def read_until(response: http.client.HTTPResponse, wanted: str) -> Any:
    return next(data for name, data in iter(lambda: read_event(response), None) if name == wanted)


@pytest.fixture
def events(client: Client) -> Iterator[http.client.HTTPResponse]:
    connection, response = client.open_events()
    yield response
    response.close()
    connection.close()


def test_figures_arrive_as_the_session_gave_them(
    page: PageView, events: http.client.HTTPResponse, numbers: Numbers
) -> None:
    page.show_numbers(numbers)
    assert read_until(events, "figures") == numbers


def test_a_page_that_opens_later_gets_the_present_figures_at_once(
    page: PageView, client: Client, numbers: Numbers
) -> None:
    page.show_numbers(numbers)
    connection, response = client.open_events()
    assert read_until(response, "figures") == numbers
    connection.close()


def test_figures_come_at_most_five_times_a_second_and_the_newest_wins(
    page: PageView, events: http.client.HTTPResponse, numbers: Numbers
) -> None:
    started_s = time.monotonic()
    frames: list[int] = []
    for n in range(100):
        page.show_numbers({**numbers, "frames": n})
        time.sleep(0.01)
    while not frames or frames[-1] != 99:
        frames.append(read_until(events, "figures")["frames"])
    assert len(frames) <= (time.monotonic() - started_s) / FIGURES_EVERY_S + 1
    assert frames == sorted(frames)


def test_figures_that_json_cannot_say_are_an_error_of_the_session(page: PageView, numbers: Numbers) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        page.show_numbers({**numbers, "rate_hz": float("nan")})


def test_a_silent_session_still_sends_a_heartbeat(
    monkeypatch: pytest.MonkeyPatch, events: http.client.HTTPResponse
) -> None:
    monkeypatch.setattr("stream.view.events.HEARTBEAT_S", 0.1)
    read_until(events, "pictures")
    assert read_until(events, "heartbeat") == {}


def test_new_pictures_are_announced_with_their_version_and_fetched_by_name(
    page: PageView, client: Client, events: http.client.HTTPResponse
) -> None:
    assert not page.wants_picture("call")
    while read_until(events, "pictures") != {"call": 0}:
        pass
    assert client.get("pictures/call").status == 204
    assert page.wants_picture("call")
    page.show_picture("call", picture(120))
    version = read_until(events, "pictures")["call"]
    answer = client.get(f"pictures/call?after={version - 1}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-picture-version"] == str(version)
    assert answer.body.startswith(b"\xff\xd8")
    assert client.get(f"pictures/call?after={version}").status == 204


@pytest.mark.parametrize(
    "path", ["pictures/passwd", "pictures/call?after=-1", "pictures/call?after=x", "pictures/call?after="]
)
def test_a_picture_that_does_not_exist_is_a_bare_404(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status, answer.body) == (404, b"")


def test_a_slow_reader_gets_the_newest_and_holds_nobody_up(
    page: PageView, client: Client, rng: np.random.Generator
) -> None:
    page.wants_picture("call")
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        slow.connect(("127.0.0.1", client.port))
        slow.sendall(f"GET {client.root}events HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode())
        longest_call_s = 0.0
        for n in range(50):
            before_s = time.monotonic()
            page.show_picture("call", rng.integers(0, 256, (36, 64, 3), dtype=np.uint8))
            page.show_numbers({"frames": n, "filling": "x" * 1_000_000})
            longest_call_s = max(longest_call_s, time.monotonic() - before_s)
            time.sleep(0.02)
        assert longest_call_s < 0.3  # a reader that blocked the session would block it for ever
        answers = [client.get("pictures/call?after=0") for _ in range(3)]
        assert {answer.headers["x-picture-version"] for answer in answers} == {"50"}
        frames = frames_read_until(slow, 49)
    assert len(frames) <= 10  # of fifty: those between were never queued


def frames_read_until(connection: socket.socket, last: int) -> list[int]:
    """Return the frame counts in the figures that arrive, until the last one."""
    text = ""
    while f'"frames":{last},' not in text:
        text += connection.recv(1 << 20).decode()
    return [int(part.partition(",")[0]) for part in text.split('"frames":')[1:]]


def test_closing_sends_the_last_figures_and_says_goodbye(page: PageView, client: Client, numbers: Numbers) -> None:
    page.show_numbers(numbers)
    connection, response = client.open_events()
    assert read_until(response, "figures") == numbers
    ended = {**numbers, "state": "ended", "message": "saved to out/"}
    page.show_numbers(ended)  # sooner than the next figures are due
    page.close()
    rest = [read_event(response) for _ in range(2)]
    assert rest == [("figures", ended), ("bye", {})]
    assert response.read().strip() == b""
    connection.close()


def test_a_page_may_fetch_the_last_picture_while_the_view_closes(page: PageView, client: Client) -> None:
    page.wants_picture("room")
    connection, response = client.open_events()
    client.get("pictures/room")
    page.show_picture("room", picture(7))
    closing = threading.Thread(target=page.close)
    closing.start()
    read_until(response, "bye")
    time.sleep(0.3)  # a page that is still showing the one before
    assert client.get("pictures/room").status == 200
    closing.join()
    connection.close()


def test_stopping_under_open_streams_is_quick_and_leaves_no_thread(
    client: Client, page: PageView, rng: np.random.Generator
) -> None:
    assert page_threads()
    page.wants_picture("call")
    page.show_picture("call", rng.integers(0, 256, (36, 64, 3), dtype=np.uint8))
    streams = [client.open_events() for _ in range(4)]
    client.get("pictures/call")
    stuck = []
    for request in (
        b"GET %sevents HTTP/1.1\r\n",
        b"POST %scommands HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n",
        b"",
    ):
        connection = socket.create_connection(("127.0.0.1", client.port), timeout=5)
        if request:
            connection.sendall(request % client.root.encode() + f"Host: 127.0.0.1:{client.port}\r\n\r\n".encode())
        stuck.append(connection)
    for n in range(20):  # fills the buffers of the readers that do not read
        page.show_numbers({"frames": n, "filling": "x" * 500_000})
        time.sleep(0.01)
    started_s = time.monotonic()
    page.close()
    assert time.monotonic() - started_s < STOP_S
    assert page_threads() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", client.port), timeout=1)
    for opened in (*stuck, *(part for stream in streams for part in reversed(stream))):
        opened.close()


def test_closing_again_and_from_several_threads_does_nothing_more(page: PageView) -> None:
    closers = [threading.Thread(target=page.close) for _ in range(4)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join(STOP_S)
    assert page_threads() == []
    page.close()


def test_showing_after_the_end_does_nothing(page: PageView, numbers: Numbers) -> None:
    page.close()
    page.show_numbers(numbers)
    page.show_picture("call", picture(1))
    assert page.take_commands() == []


def test_a_port_in_use_is_named_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ViewError, match=rf"port {port} of 127\.0\.0\.1 cannot be used.*choose another, or 0"):
            PageView(PageSettings(port=port))
    assert page_threads() == []


def test_a_chosen_port_is_the_one_in_the_address_and_free_again_afterwards() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for _ in range(2):
        view = PageView(PageSettings(port=port))
        assert view.url.startswith(f"http://127.0.0.1:{port}/")
        view.close()
