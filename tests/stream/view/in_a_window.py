"""A window view on the X server of DISPLAY, worked by keys and closed by hand; prints what came of it as JSON.

Run in a process of its own: Xlib ends the process where its server goes.
"""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import xcffib
import xcffib.xproto
import xcffib.xtest

from config.schema import PageSettings
from stream.view.window import TITLE, WindowView

KEYCODES = {"s": 39, "r": 27, "v": 55, "space": 65, "q": 24}  # of the keyboard that Xvfb has
PRESS, RELEASE = 2, 3
PATIENCE_S = 5.0

connection: Any = xcffib.connect()  # type: ignore[no-untyped-call]
core = connection.core
xproto: Any = xcffib.xproto
root = connection.setup.roots[0].root


def windows(parent: Any = root) -> Iterator[int]:
    for child in core.QueryTree(parent).reply().children:
        name = core.GetProperty(False, child, xproto.Atom.WM_NAME, 0, 0, 99).reply()
        is_shown = core.GetWindowAttributes(child).reply().map_state == xcffib.xproto.MapState.Viewable
        if is_shown and bytes(name.value.buf()).decode() == TITLE:
            yield child
        yield from windows(child)


def asked(view: WindowView) -> list[str]:
    """Return what was asked for, as soon as there is something."""
    until_s = time.monotonic() + PATIENCE_S
    while not (commands := view.take_commands()) and time.monotonic() < until_s:
        time.sleep(0.01)
    return [command.kind for command in commands]


def press(view: WindowView, key: str) -> list[str]:
    send(key)
    return asked(view)


def send(key: str) -> None:
    core.SetInputFocus(xproto.InputFocus.PointerRoot, next(windows()), 0)
    for event in (PRESS, RELEASE):
        connection(xcffib.xtest.key).FakeInput(event, KEYCODES[key], 0, 0, 0, 0, 0)
    connection.flush()


def wait_until_wanted(view: WindowView, name: str) -> bool:
    until_s = time.monotonic() + PATIENCE_S
    while not (is_wanted := view.wants_picture(name)) and time.monotonic() < until_s:
        time.sleep(0.01)
    return is_wanted


def color_at(x: int, y: int) -> list[int]:
    return list(bytes(core.GetImage(2, root, x, y, 1, 1, 0xFFFFFFFF).reply().data.buf())[:3])


def color_once_it_is(x: int, y: int, wanted: list[int]) -> list[int]:
    """Return the colour as soon as it is the wanted one, or what it is when patience ends."""
    until_s = time.monotonic() + PATIENCE_S
    while (color := color_at(x, y)) != wanted and time.monotonic() < until_s:
        time.sleep(0.01)
    return color


def close_by_hand() -> None:
    atoms = [core.InternAtom(False, len(name), name).reply().atom for name in ("WM_PROTOCOLS", "WM_DELETE_WINDOW")]
    data = xproto.ClientMessageData.synthetic([atoms[1], 0, 0, 0, 0], "IIIII")
    event = xproto.ClientMessageEvent.synthetic(32, next(windows()), atoms[0], data)
    core.SendEvent(False, next(windows()), 0, event.pack())
    connection.flush()


report: dict[str, Any] = {}
view = WindowView(PageSettings(picture_width_px=160, picture_rate_hz=60))
report["wanted"] = [name for name in ("call", "room", "backdrop") if view.wants_picture(name)]
view.show_picture("call", np.full((90, 160, 3), (10, 20, 200), np.uint8))
view.show_picture("room", np.full((90, 160, 4), (200, 20, 10, 255), np.uint8))
view.show_numbers({"state": "running"})
report["leaks wanted"] = view.wants_picture("leaks")
send("v")
report["backdrop wanted after v"] = wait_until_wanted(view, "backdrop")
send("v")  # no confidence here, so it is the leaks' turn
report["leaks wanted after v"] = wait_until_wanted(view, "leaks")
view.show_picture("leaks", np.full((90, 160, 3), (50, 60, 70), np.uint8))
report["leaks"] = color_once_it_is(240, 40, [50, 60, 70])
send("v")
report["room wanted again"] = wait_until_wanted(view, "room")
report["keys"] = [press(view, key) for key in ("s", "r", "space", "space", "q")]
report["call"], report["room"] = color_once_it_is(40, 40, [10, 20, 200]), color_once_it_is(240, 40, [200, 20, 10])
view.close()
view.close()
report["wanted after close"] = view.wants_picture("call")
report["open after close"] = len(list(windows()))

second = WindowView(PageSettings(picture_width_px=160))
report["open again"] = len(list(windows()))
close_by_hand()
report["closed by hand"] = asked(second)
second.show_picture("call", np.zeros((90, 160, 3), np.uint8))
time.sleep(0.2)
report["open after closing by hand"] = len(list(windows()))
second.close()
report["threads"] = [thread.name for thread in threading.enumerate() if thread.name.startswith("window-view")]
print(json.dumps(report))
