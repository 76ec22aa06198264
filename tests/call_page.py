"""The page of `chromium_call`: its npm package, installed once outside the checkout, and its little server."""

import fcntl
import http.server
import mimetypes
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

PAGE = Path(__file__).with_name("calls")
PACKAGE = "node_modules/@twilio/video-processors/dist/build"


def installed_package() -> Path:
    """Install the npm package outside the checkout if it is not there yet; skip the test where that fails.

    Returns
    -------
    Path
        The folder with the package's code, wasm and model.
    """
    folder = Path(os.environ.get("BACKROOM_CALL_CACHE") or Path.home() / ".cache" / "backroom-call")
    lock = (PAGE / "package-lock.json").read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "install.lock").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        done = folder / "installed-lock.json"
        if not (done.is_file() and done.read_bytes() == lock and (folder / PACKAGE).is_dir()):
            _npm_ci(folder)
            done.write_bytes(lock)
    return folder / PACKAGE


def _npm_ci(folder: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip(f"needs npm once, to install tests/calls/package.json into {folder} (Debian: apt install npm)")
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(PAGE / name, folder / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = next((line for line in str(error.stderr).splitlines() if line.startswith("npm error")), error)
        pytest.skip(f"`npm ci` in {folder} failed ({said}); run it there by hand")


class _Files(http.server.BaseHTTPRequestHandler):
    """Serves the page, the package's own files and the backdrop, and nothing else of this machine."""

    def __init__(self, package: Path, backdrop: Path, *connection: object) -> None:
        self.package, self.backdrop = package, backdrop
        super().__init__(*connection)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = self._file(urlsplit(self.path).path)
        if path is None:
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", mimetypes.guess_type(path.name)[0] or "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, path: str) -> Path | None:
        if path == "/backdrop":
            return self.backdrop
        folder, _, name = path.rpartition("/")
        home = {"": PAGE, "/package": self.package}.get(folder)
        return home / name if home and name and (home / name).is_file() else None

    def log_message(self, *_: object) -> None:
        """Keep the tests' output free of requests."""


@contextmanager
def served(package: Path, backdrop: Path) -> Iterator[int]:
    """Serve the page on a free port of the loopback interface.

    Parameters
    ----------
    package : Path
        The folder that `installed_package` returned.
    backdrop : Path
        Picture for the virtual background.

    Yields
    ------
    int
        The port.
    """
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, package, backdrop))
    thread = threading.Thread(target=server.serve_forever, name="call page")
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
