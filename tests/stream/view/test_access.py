import re
import socket
from collections.abc import Callable, Iterator

import pytest
from page_client import Answer, Client

from config.schema import PageSettings
from stream.view.page import PageView

GOOD_COMMAND = b'{"kind": "pause"}'


@pytest.fixture(scope="module")
def page() -> Iterator[PageView]:
    """One page for all requests here: refusals leave nothing behind."""
    view = PageView(PageSettings())
    yield view
    view.close()


def assert_bare(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.body == b""
    assert set(answer.headers) <= {"content-length", "connection"}


def raw(port: int, request: bytes) -> bytes:
    """Send bytes as they are and return the whole answer, for requests that no client library would write."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_the_page_is_served_to_who_has_the_token(client: Client) -> None:
    answer = client.get("")
    assert answer.status == 200
    assert b"<title>Backroom</title>" in answer.body


@pytest.mark.parametrize("path", ["page.js", "page.css", "icon.svg", "controls", "pictures/call"])
def test_everything_the_page_needs_is_behind_the_token(client: Client, path: str) -> None:
    assert client.get(path).status in {200, 204}
    assert_bare(client.get("/" + path), 404)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/favicon.ico",
        "/index.html",
        "/{token}",
        "/{token}x/",
        "/{short}/",
        "//{token}/",
        "//{token}/../",
        "/x/../{token}/",
        "/./{token}/",
        "/%2e/{token}/",
        "/{encoded}/",
        "/{token}%2f",
        "/{token}/%2e%2e/",
        "/{token}/..%2fpyproject.toml",
        "/?token={token}",
        "/" + 43 * "A" + "/",
        "/" + 43 * "%C3%A9" + "/",
    ],
)
def test_a_path_without_exactly_the_token_gets_a_bare_404(client: Client, path: str) -> None:
    token = client.token
    path = path.format(token=token, short=token[:-1], encoded=f"%{ord(token[0]):02X}{token[1:]}")
    assert_bare(client.get(path), 404)


@pytest.mark.parametrize(
    "path", ["../", "../page.js", "..", "static/page.js", "page.py", "pictures/", "pictures/../controls"]
)
def test_no_path_behind_the_token_reaches_the_file_system(client: Client, path: str) -> None:
    assert client.get(path).status == 404
    assert client.get(path).body == b""


def test_two_sessions_have_two_tokens_of_256_bits(
    page: PageView, client: Client, make_client: Callable[[], Client]
) -> None:
    other = make_client()
    assert client.token != other.token
    assert min(len(client.token), len(other.token)) >= 43  # base64 of 32 bytes


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost", "[::1]:{port}", ""]
)
def test_a_foreign_host_gets_nothing_even_with_the_token(client: Client, host: str) -> None:
    assert_bare(client.get("", Host=host.format(port=client.port)), 421)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}"])
def test_both_names_of_the_loopback_address_are_good(client: Client, host: str) -> None:
    assert client.get("", Host=host.format(port=client.port)).status == 200


def test_a_request_without_host_gets_nothing(client: Client) -> None:
    assert raw(client.port, f"GET {client.root} HTTP/1.0\r\n\r\n".encode()).startswith(b"HTTP/1.1 421")


@pytest.mark.parametrize(
    "target", ["http://evil.example{root}", "http://127.0.0.1:{port}{root}", "x{root}", "x/{root}"]
)
def test_a_target_that_does_not_start_with_the_token_gets_a_bare_404(client: Client, target: str) -> None:
    target = target.format(root=client.root, port=client.port)
    head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\nConnection: close\r\n\r\n"
    answer = raw(client.port, head.encode())
    assert answer.startswith(b"HTTP/1.1 404")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "null", ""]
)
def test_a_command_from_a_foreign_origin_is_refused(page: PageView, client: Client, origin: str) -> None:
    assert_bare(client.post(GOOD_COMMAND, Origin=origin.format(port=client.port)), 403)
    assert page.take_commands() == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_command_that_the_browser_says_came_from_elsewhere_is_refused(
    page: PageView, client: Client, site: str
) -> None:
    assert_bare(client.post(GOOD_COMMAND, Sec_Fetch_Site=site), 403)
    assert page.take_commands() == []


def test_a_command_from_the_pages_own_origin_is_taken(page: PageView, client: Client) -> None:
    for host in ("127.0.0.1", "localhost"):
        assert (
            client.post(GOOD_COMMAND, Origin=f"http://{host}:{client.port}", Sec_Fetch_Site="same-origin").status == 204
        )
    assert [command.kind for command in page.take_commands()] == ["pause", "pause"]


def test_another_site_may_link_to_the_page_but_not_embed_or_read_it(client: Client) -> None:
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    embed = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}
    assert client.get("", **link).status == 200
    assert_bare(client.get("", **embed), 403)
    assert_bare(client.get("pictures/call", **link), 403)
    assert_bare(client.get("events", **embed), 403)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_a_command_that_a_plain_form_could_send_is_refused(page: PageView, client: Client, media_type: str) -> None:
    assert_bare(client.post(GOOD_COMMAND, Content_Type=media_type), 415)
    assert page.take_commands() == []


def test_reading_never_commands_and_other_methods_do_nothing(page: PageView, client: Client) -> None:
    assert client.get("commands").status == 405
    for method in ("PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"):
        assert client.request(method, "commands").status == 405
    assert page.take_commands() == []


def test_every_answer_forbids_foreign_code_frames_caches_and_referrers(client: Client) -> None:
    for path in ("", "page.js", "controls", "pictures/call"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers


def test_the_page_holds_no_inline_code_or_style_and_no_foreign_address(client: Client) -> None:
    html = client.get("").body.decode()
    assert not re.search(
        r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src=\"page.js\"></script>)|https?:", html
    )


def test_only_the_loopback_interface_listens(page: PageView, client: Client) -> None:
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", client.port), timeout=1)
