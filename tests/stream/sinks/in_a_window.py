"""What the display sink's tests run in a process of its own: the windows' thread lives as long.

Prints one JSON object; DISPLAY is the test's server.
"""

import json
import threading
import time
from typing import Any

import numpy as np
import xcffib
from xcffib import xproto

from pipelines.base import Frame
from stream.sinks.base import SinkError
from stream.sinks.display import DisplaySink
from stream.sources.screen_grab import ScreenGrabber
from stream.sources.screen_target import ScreenTarget
from stream.sources.x11 import WindowTree

HEIGHT, WIDTH = 240, 320
COLOR = (30, 160, 220)


def frame(height: int = HEIGHT, width: int = WIDTH) -> Frame:
    image = np.full((height, width, 3), COLOR, np.uint8)
    return Frame(image, time.perf_counter())


def show(sink: DisplaySink, n_frames: int = 10) -> None:
    for _ in range(n_frames):
        sink.write(frame())
        time.sleep(0.02)


def seen() -> dict[str, Any]:
    """Where windows of the sink's title are, and the colour in the middle of the screen's picture of one."""
    tree = WindowTree()
    places = [window.region_px for window in tree.windows() if window.title == "Backroom"]
    tree.close()
    if not places:
        return {"places": []}
    with ScreenGrabber(ScreenTarget(region_px=places[0]), with_cursor=False) as grabber:
        picture = grabber.grab(places[0])
    middle = picture[picture.shape[0] // 2, picture.shape[1] // 2].tolist()
    return {"places": places, "middle": middle, "share": float((picture == COLOR).all(axis=2).mean())}


def shown(sink: DisplaySink, patience_s: float = 5.0) -> dict[str, Any]:
    """Go on showing until the screen has it: on a busy machine the window's first painting may come late."""
    end_s = time.perf_counter() + patience_s
    while True:
        show(sink)
        picture = seen()
        if picture.get("share") == 1.0 or time.perf_counter() > end_s:
            return picture


def close_by_hand() -> None:
    """Ask the window to close, as a title bar's button does."""
    connection = xcffib.connect()
    core: Any = connection.core
    tree = WindowTree()
    window_id = tree.find("Backroom").window_id
    tree.close()
    protocols, delete = (
        core.InternAtom(False, len(name), name).reply().atom for name in ("WM_PROTOCOLS", "WM_DELETE_WINDOW")
    )
    union = xproto.ClientMessageData.synthetic([delete, 0, 0, 0, 0], "I" * 5)
    event = xproto.ClientMessageEvent.synthetic(32, window_id, protocols, union)
    core.SendEvent(False, window_id, 0, event.pack())
    connection.flush()
    core.GetInputFocus().reply()
    connection.disconnect()


def in_thread(report: dict[str, Any], key: str) -> None:
    def session() -> None:
        sink = DisplaySink(None)
        report[key] = shown(sink)
        sink.close()
        sink.close()

    thread = threading.Thread(target=session, daemon=True)
    thread.start()
    thread.join(15.0)
    report[f"{key} ended"] = not thread.is_alive()


def main() -> None:
    report: dict[str, Any] = {}
    in_thread(report, "first")
    report["after close"] = seen()
    in_thread(report, "second")
    sink = DisplaySink(1)
    report["on monitor 1"] = shown(sink)
    try:
        sink.write(frame(HEIGHT + 2))
    except SinkError as error:
        report["other size"] = str(error)
    report["is closed before"] = sink.is_closed
    close_by_hand()
    show(sink)
    report["is closed after"] = sink.is_closed
    report["after closing by hand"] = seen()
    sink.close()
    try:
        DisplaySink(2).write(frame())
    except SinkError as error:
        report["no such monitor"] = str(error)
    large = DisplaySink(1)
    large.write(frame(2000, 3000))
    time.sleep(0.1)
    large.write(frame(2000, 3000))
    report["larger than the monitor"] = seen()
    large.close()
    print(json.dumps(report))


main()
