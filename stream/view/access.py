"""Who may reach the live page: the gate in front of every request.

The page shows a person's call, so it is served to the person who started it and to nobody else, not even to
other programs' pages in the same browser. Four checks, each against one attack:

* the `Host` header must name the loopback address: a foreign site whose DNS name was re-bound to 127.0.0.1
  arrives with its own name there;
* the first part of the path must be the token: other users of the machine and other pages do not know it;
* `Origin` and `Sec-Fetch-Site`, where the browser sends them, must be the page's own: a page elsewhere that
  somehow learned the token still cannot press a button;
* commands are POSTs of JSON, which no plain HTML form can send.

A refusal has no body and no header that would tell a stranger what listens here. Limits: the token is part of the
address, so it is in the browser's history and on the screen; a program that runs as the same person can read it
there.
"""

import re
import secrets
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_BYTES: Final = 32
"""Random bytes in a token: 256 bits, twice what guessing could never reach."""

_HTTP_PORT: Final = 80
_PLAIN_PATH: Final = re.compile(rb"[A-Za-z0-9/._-]*")

_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)

HEADERS: Final = {
    "content-security-policy": "; ".join(_POLICY),
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
}
"""Sent with every answer that passed the gate."""


def new_token() -> str:
    """Return a token that nobody can guess.

    Returns
    -------
    str
        43 characters of the URL-safe base64 alphabet, from the system's source of randomness.
    """
    return secrets.token_urlsafe(TOKEN_BYTES)


class Access:
    """ASGI application that lets a request through to another one or refuses it with an empty answer.

    Parameters
    ----------
    app : ASGIApp
        What is behind the gate; sees paths without the token.
    token : str
        First part of every good path.
    port : int
        TCP port that the server listens on, as it stands in `Host` and `Origin`.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token.encode("ascii")
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        if port == _HTTP_PORT:  # browsers leave the default port out
            self._hosts |= {"127.0.0.1", "localhost"}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request.

        Parameters
        ----------
        scope, receive, send : Scope, Receive, Send
            As ASGI defines them; only HTTP is let through.
        """
        headers = Headers(scope=scope)
        path = self._path_behind_token(scope["raw_path"])
        status = self._refusal(scope["method"], path, headers)
        if status is not None:
            await Response(status_code=status)(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app({**scope, "path": path, "root_path": ""}, receive, send_guarded)

    def _path_behind_token(self, raw_path: bytes) -> str | None:
        """Return the path after the token, or None; the raw path, so that no encoding hides a slash or a dot."""
        before, _, path = raw_path.partition(b"/")
        token, slash, rest = path.partition(b"/")
        known = secrets.compare_digest(token, self._token)
        if not known or before or not slash or not _PLAIN_PATH.fullmatch(rest):
            return None
        return "/" + rest.decode("ascii")

    def _refusal(self, method: str, path: str | None, headers: Headers) -> int | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return 421
        if path is None:
            return 404
        if method == "GET":
            return self._refusal_to_read(path, headers)
        return self._refusal_to_command(headers) if method == "POST" else 405

    def _refusal_to_read(self, path: str, headers: Headers) -> int | None:
        site = headers.get("sec-fetch-site", "none")
        # A link in a web-based terminal or notebook opens the page from elsewhere; nothing else may.
        is_link = path == "/" and headers.get("sec-fetch-mode") == "navigate"
        return None if site in {"none", "same-origin"} or is_link else 403

    def _refusal_to_command(self, headers: Headers) -> int | None:
        origins = headers.getlist("origin")
        if any(origin not in self._origins for origin in origins):
            return 403
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return 403
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        return None if media_type == "application/json" else 415
