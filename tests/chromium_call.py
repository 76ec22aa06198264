"""Holds a real video call with a real virtual background in a real browser, for tests to look at.

A Chromium on an X server of its own takes a film for its camera, replaces the background with a published
product (`calls/README.md`), sends the result as VP8 from one peer connection to another and shows what arrives.
Both ends are on this machine, so the kernel delivers every packet over the loopback interface, and the call works
in a network namespace that has no other (measured; `strace` shows no packet to a stranger, only WebRTC's question
to the kernel which route leads out: a UDP `connect`, which sends nothing).

WebGL runs on Mesa's llvmpipe (`--use-angle=gl`), where SwiftShader takes 44 ms a frame and llvmpipe 6: on two
cores a call of 640x360 keeps the camera's 30 frames a second instead of 12.

Where a part is missing (a program, the npm package) the test is skipped with the reason.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode

import call_page
import psutil
import pytest
from xserver import x_server

TITLE = "Backroom call"
_PROGRESS = re.compile(TITLE + r" (\d+)x(\d+) (\d+) fps (\d+) frames (\d+) lost at (-?\d+),(-?\d+)")

# VP8's first frames are coarse; from this many on the quantiser has settled (measured: 100 to 120).
SETTLED_FRAMES = 120
SCREEN_LEAST_PX = (1280, 720)


class CallError(Exception):
    """The call did not come about: the message says how far it got."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How a call is going, as the page's title says.

    Attributes
    ----------
    width, height : int
        Size of the received video in pixels; 0 before the first frame.
    rate_hz : int
        Frames decoded in the last second.
    n_frames : int
        Frames decoded since the call began.
    n_lost : int
        Frames dropped and packets lost since the call began.
    x, y : int
        Where the page begins on the screen, in pixels.
    """

    width: int
    height: int
    rate_hz: int
    n_frames: int
    n_lost: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Call:
    """A running call.

    Attributes
    ----------
    display : str
        X display that shows it, such as ``:7``.
    x, y, width, height : int
        Where the received video is on that screen, in pixels; nothing else lies within.
    title : str
        What the window's title begins with; the rest changes every second.
    browser : psutil.Process
        The browser's first process.
    """

    display: str
    x: int
    y: int
    width: int
    height: int
    title: str
    browser: psutil.Process

    def progress(self) -> Progress:
        """Return how the call is going now.

        Returns
        -------
        Progress
            As of the last full second.

        Raises
        ------
        CallError
            If the page says that the call failed or its window is gone.
        """
        progress = _progress(self.display)
        if progress is None:
            raise CallError("the call's window is gone; its browser ended")
        return progress

    def processes(self) -> list[psutil.Process]:
        """Return the browser's processes.

        Returns
        -------
        list of psutil.Process
            The first one and all its descendants that are alive.
        """
        return [self.browser, *self.browser.children(recursive=True)]


@contextmanager
def chromium_call(
    clip: Path, backdrop: Path, width: int, height: int, display: str | None = None, patience_s: float = 45.0
) -> Iterator[Call]:
    """Hold a call for as long as the context lasts; skip the test where a part of it is missing.

    Parameters
    ----------
    clip : Path
        What the camera sees, in a loop: ``.mjpeg`` (JPEG pictures one after the other, shown at 30 a second) or
        ``.y4m``.
    backdrop : Path
        Picture for the virtual background; scaled to cover the frame, centred.
    width, height : int
        Size of the clip and of the call in pixels.
    display : str, optional
        X display to use; by default a server is started on a free one and ended with the call.
    patience_s : float, optional
        How long the call may take to come to full size and settle.

    Yields
    ------
    Call
        At full size and settled quality.

    Raises
    ------
    CallError
        If the call does not come about in time.
    """
    package = call_page.installed_package()
    if shutil.which("chromium") is None:
        pytest.skip("needs the program chromium (Debian: apt install chromium)")
    with ExitStack() as stack:
        port = stack.enter_context(call_page.served(package, backdrop))
        screen = display or stack.enter_context(x_server(*map(max, (width, height), SCREEN_LEAST_PX)))
        url = f"http://127.0.0.1:{port}/call.html?{urlencode({'width': width, 'height': height})}"
        browser, log = stack.enter_context(_browser(url, clip, screen))
        progress = _settled(screen, browser, log, (width, height), patience_s)
        yield Call(screen, progress.x, progress.y, width, height, TITLE, psutil.Process(browser.pid))


@contextmanager
def _browser(url: str, clip: Path, display: str) -> Iterator[tuple["subprocess.Popen[bytes]", IO[bytes]]]:
    with (
        tempfile.TemporaryDirectory(prefix="backroom-call-", ignore_cleanup_errors=True) as home,
        (Path(home) / "browser.log").open("w+b") as log,
    ):
        # A session bus, if there is one, is none of a test's business.
        environment = os.environ | {"DISPLAY": display, "HOME": home, "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
        command = ["chromium", *_flags(clip, home), f"--app={url}"]
        browser = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield browser, log
        finally:
            _end(browser)


def _flags(clip: Path, home: str) -> list[str]:
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    camera += [f"--use-file-for-fake-video-capture={clip}"]
    drawing = ["--use-gl=angle", "--use-angle=gl", "--enable-unsafe-swiftshader", "--disable-dev-shm-usage"]
    # Root has no sandbox; the only page that is opened is ours.
    window = ["--no-sandbox", "--kiosk", "--window-position=0,0", f"--user-data-dir={home}/profile", "--no-first-run"]
    window += ["--no-default-browser-check", "--disable-breakpad", "--password-store=basic", "--mute-audio"]
    # An unfocused or covered window must not slow the call down.
    window += ["--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"]
    alone = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"]
    alone += ["--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    alone += ["--allow-loopback-in-peer-connection", "--disable-features=MediaRouter,OptimizationHints,Translate"]
    return camera + drawing + window + alone


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process politely, so that it reaps its children, then whatever is left of its group."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _settled(
    display: str, browser: "subprocess.Popen[bytes]", log: IO[bytes], size: tuple[int, int], patience_s: float
) -> Progress:
    end_s = time.monotonic() + patience_s
    progress = None
    while time.monotonic() < end_s:
        if browser.poll() is not None:
            log.seek(0)
            last = log.read().decode(errors="replace").strip().splitlines()[-1:]
            raise CallError(f"chromium ended with code {browser.returncode}: {''.join(last)}")
        progress = _progress(display)
        if progress and (progress.width, progress.height) == size and progress.n_frames >= SETTLED_FRAMES:
            return progress
        time.sleep(0.2)
    raise CallError(f"no settled call of {size[0]}x{size[1]} within {patience_s:g} s; got as far as {progress}")


def _progress(display: str) -> Progress | None:
    for title in _titles(display):
        if title.startswith(f"{TITLE} failed"):
            raise CallError(title)
        if match := _PROGRESS.match(title):
            return Progress(*map(int, match.groups()))
    return None


def _titles(display: str) -> list[str]:
    import xcffib
    from xcffib import xproto

    connection: Any = xcffib.connect(display=display)  # type: ignore[no-untyped-call] # half of xcffib is untyped
    core = connection.core
    try:
        name = core.InternAtom(False, len("_NET_WM_NAME"), "_NET_WM_NAME").reply().atom
        titles, windows = [], [connection.get_setup().roots[0].root]
        while windows:
            window = windows.pop()
            try:
                found = core.GetProperty(False, window, name, xproto.GetPropertyType.Any, 0, 1024).reply()
                windows += core.QueryTree(window).reply().children
            except xproto.WindowError:  # it was closed between the two questions
                continue
            titles.append(found.value.buf().decode("utf-8", "replace"))
        return titles
    finally:
        connection.disconnect()
