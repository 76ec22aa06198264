"""The live page's HTTP server: fixed routes behind `access.Access`, run by uvicorn in a thread of its own.

No path of a request ever reaches the file system: the page's own files are read once, by name, at the start.
"""

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import resources
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from stream.view.access import Access
from stream.view.base import ViewCommand, ViewError
from stream.view.bell import Bell
from stream.view.commands import MAX_BODY_BYTES, parse_command
from stream.view.controls import CommandError, describe_controls
from stream.view.events import stream_events
from stream.view.figures import Figures
from stream.view.pictures import NAMES, Pictures

LOOPBACK: Final = "127.0.0.1"

_STATIC: Final = resources.files("stream.view") / "static"
_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_BODY_WAIT_S: Final = 5.0
_GRACE_S: Final = 0.5
_ENCODERS: Final = 2


class PageRoutes:
    """What the page fetches and sends.

    Parameters
    ----------
    bell : Bell
        Rung at every change of the other two.
    figures : Figures
        Newest figures.
    pictures : Pictures
        Newest pictures.
    accept : callable
        Takes a good command; False if nobody fetched the last ones for so long that there is no room.
    """

    def __init__(self, bell: Bell, figures: Figures, pictures: Pictures, accept: Callable[[ViewCommand], bool]) -> None:
        self._bell = bell
        self._figures = figures
        self._pictures = pictures
        self._accept = accept
        self._encoders = ThreadPoolExecutor(_ENCODERS, thread_name_prefix="page-encoder")
        self._is_closing = threading.Event()

    def app(self) -> Starlette:
        """Return the routes as an application, without the gate in front."""
        app = Starlette(
            routes=[
                *_static_routes(),
                Route("/controls", _fixed(json.dumps(describe_controls()).encode(), "application/json")),
                Route("/events", self._events),
                Route("/pictures/{name}", self._picture),
                Route("/commands", self._command, methods=["POST"]),
            ],
            exception_handlers={404: _bare, 405: _bare},
        )
        app.router.redirect_slashes = False
        return app

    def close(self) -> None:
        """Let every open event stream say its last word and end."""
        self._is_closing.set()
        self._bell.ring()

    def join(self) -> None:
        """Wait for the pictures that are being encoded; called after the server ended."""
        self._encoders.shutdown(wait=True, cancel_futures=True)

    async def _events(self, _: Request) -> Response:
        events = stream_events(self._bell, self._figures, self._pictures, self._is_closing.is_set)
        return StreamingResponse(events, media_type="text/event-stream")

    async def _picture(self, request: Request) -> Response:
        name, after = request.path_params["name"], request.query_params.get("after", "0")
        if name not in NAMES or not (after.isascii() and after.isdecimal()):
            return Response(status_code=404)
        self._pictures.look(name)
        loop = asyncio.get_running_loop()
        encoded = await loop.run_in_executor(self._encoders, self._pictures.take, name, int(after))
        if encoded is None:
            return Response(status_code=204)
        headers = {"x-picture-version": str(encoded.version)}
        return Response(encoded.body, media_type=encoded.media_type, headers=headers)

    async def _command(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(_BODY_WAIT_S):
                body = await _read_body(request)
        except TimeoutError:
            return Response(status_code=408)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return _line(413, f"a command is at most {MAX_BODY_BYTES} bytes long")
        try:
            command = parse_command(body, self._figures.numbers())
        except CommandError as error:
            return _line(400, str(error))
        if not self._accept(command):
            return _line(503, "the session is busy and has not taken the last commands; try again")
        return Response(status_code=204)


class PageServer:
    """A bound port, then a server thread on it.

    Parameters
    ----------
    port : int
        TCP port on 127.0.0.1; 0 takes any free one.

    Attributes
    ----------
    port : int
        The port that was bound.

    Raises
    ------
    ViewError
        If the port cannot be bound.
    """

    def __init__(self, port: int) -> None:
        try:
            self._socket = socket.create_server((LOOPBACK, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise ViewError(
                f"page: port {port} of {LOOPBACK} cannot be used ({reason}); choose another, or 0 for any free one"
            ) from None
        self.port: int = self._socket.getsockname()[1]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._is_running = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, routes: PageRoutes, token: str) -> None:
        """Serve from now on.

        Parameters
        ----------
        routes : PageRoutes
            What to serve.
        token : str
            First part of every good path.
        """
        config = uvicorn.Config(
            Access(routes.app(), token, self.port),
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            limit_concurrency=64,
        )
        target = partial(asyncio.run, self._serve(uvicorn.Server(config)))
        self._thread = threading.Thread(target=target, name="page-server", daemon=True)
        self._thread.start()
        self._is_running.wait()

    def stop(self) -> None:
        """End the server and its thread, also under open connections; at most about a second."""
        if self._thread is None or self._loop is None:
            self._socket.close()
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None

    async def _serve(self, server: uvicorn.Server) -> None:
        self._loop = asyncio.get_running_loop()
        serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        stopping = asyncio.create_task(self._stopping.wait())
        self._is_running.set()
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await asyncio.wait({serving}, timeout=_GRACE_S)
        # Who has not read its answer by now would hold the server up for ever.
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        stopping.cancel()
        await serving


def _static_routes() -> list[Route]:
    routes = []
    for file in _STATIC.iterdir():
        suffix = "." + file.name.rpartition(".")[2]
        path = "/" if file.name == "index.html" else f"/{file.name}"
        routes.append(Route(path, _fixed(file.read_bytes(), _MEDIA_TYPES[suffix])))
    return routes


def _fixed(body: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:  # a plain function would start a thread of anyio's
        return Response(body, media_type=media_type)

    return answer


async def _bare(_: Request, error: Exception) -> Response:
    return Response(status_code=getattr(error, "status_code", 404))


def _line(status: int, text: str) -> Response:
    return Response(text, status_code=status, media_type="text/plain")


async def _read_body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is longer than any command."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return body
