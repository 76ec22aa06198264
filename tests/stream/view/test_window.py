import os
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from config.schema import PageSettings
from stream.view import window
from stream.view.base import ViewError
from stream.view.none import NoView
from stream.view.window import WindowView, check_display, compose

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks for an X display, which only Linux has")

# In a process of its own: Qt would keep the thread that touched it first, and aborts where it finds no display.
SESSION = """
    import sys, threading, time
    import numpy as np
    import xcffib, xcffib.xproto, xcffib.xtest
    from config.schema import PageSettings
    from stream.view.base import ViewError
    from stream.view.window import TITLE, WindowView

    def window_named(connection, wanted, parent):
        for child in connection.core.QueryTree(parent).reply().children:
            name = connection.core.GetProperty(
                False, child, xcffib.xproto.Atom.WM_NAME, xcffib.xproto.GetPropertyType.Any, 0, 99).reply()
            if bytes(name.value.buf()).decode() == wanted:
                return child
            if (found := window_named(connection, wanted, child)) is not None:
                return found
        return None

    def press(connection, keycode):
        for event in (2, 3):  # press, release
            connection(xcffib.xtest.key).FakeInput(event, keycode, 0, 0, 0, 0, 0)
        connection.flush()

    view = WindowView(PageSettings(picture_width_px=160))
    view.show_picture("call", np.full((90, 160, 3), (10, 20, 200), np.uint8))
    view.show_numbers({"state": "running"})
    connection = xcffib.connect()
    root = connection.setup.roots[0].root
    shown = window_named(connection, TITLE, root)
    connection.core.SetInputFocus(xcffib.xproto.InputFocus.PointerRoot, shown, 0)
    asked = []
    for keycode in (39, 27, 65, 65, 24):  # s, r, space, space, q on Xvfb's keyboard
        until_s = time.monotonic() + 5
        n_asked = len(asked)
        press(connection, keycode)
        while len(asked) == n_asked and time.monotonic() < until_s:
            time.sleep(0.02)
            asked += [command.kind for command in view.take_commands()]
    time.sleep(0.2)
    pixel = connection.core.GetImage(2, root, 40, 40, 1, 1, 0xFFFFFFFF).reply().data.buf()
    try:
        WindowView(PageSettings())
        second = "opened"
    except ViewError:
        second = "refused"
    view.close()
    view.close()
    print(*asked, list(bytes(pixel)[:3]), second, [thread.name for thread in threading.enumerate()], sep="|")
"""


def run_session(display):
    environment = {**os.environ, "DISPLAY": display}
    code = textwrap.dedent(SESSION)
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def xvfb():
    """An X server of its own; gives its display."""
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("needs Xvfb; on Debian: apt-get install xvfb")
    command = [program, "-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        yield f":{server.stdout.readline().strip()}"
        server.terminate()


@pytest.mark.screen
def test_keys_become_commands_the_call_is_shown_and_closing_leaves_no_thread(xvfb):
    done = run_session(xvfb)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "save|reset|pause|resume|stop|[10, 20, 200]|refused|['MainThread']"


@on_linux
@pytest.mark.parametrize("display", ["", ":9999"])
def test_without_a_display_opening_is_an_error_and_never_an_abort(display):
    done = run_session(display)
    assert done.returncode == 1  # an abort by Qt would be a signal
    assert "ViewError: window: " in done.stderr
    assert "use the page instead" in done.stderr


@on_linux
def test_a_display_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":9999")
    with pytest.raises(ViewError, match="no display answers at DISPLAY=:9999"):
        check_display()


def test_macos_is_told_to_use_the_page(monkeypatch):
    monkeypatch.setattr(window.sys, "platform", "darwin")
    with pytest.raises(ViewError, match="use the page instead"):
        WindowView(PageSettings())


def test_call_and_room_stand_side_by_side_at_one_height():
    call = np.full((180, 320, 3), (1, 2, 3), np.uint8)
    room = np.full((45, 80, 4), (90, 80, 70, 255), np.uint8)  # a preview has fewer pixels
    shown = compose({"call": call, "room": room}, {}, 160)
    assert shown.shape[1] == 320
    assert (shown[:90, :160] == (1, 2, 3)).all()
    assert (shown[:90, 160:] == (90, 80, 70)).all()


def test_what_is_not_claimed_is_a_checkerboard_whatever_its_colour():
    room = np.full((90, 160, 4), (0, 255, 0, 0), np.uint8)
    room[:, :80, 3] = 255
    pane = compose({"room": room}, {}, 160)[:90, 160:]
    assert (pane[:, :80] == (0, 255, 0)).all()
    greys = np.unique(pane[:, 80:].reshape(-1, 3), axis=0)
    assert len(greys) == 2
    assert (greys.min(axis=1) == greys.max(axis=1)).all()


def test_every_figure_that_changes_changes_the_lines_below():
    call = {"call": np.zeros((90, 160, 3), np.uint8)}
    numbers = {"state": "running", "coverage": 0.1, "rate_hz": 30.0, "dropped": 0, "notices": [], "message": ""}
    shown = compose(call, numbers, 480)
    changes = [
        {"state": "paused"},
        {"coverage": 0.2},
        {"rate_hz": 2.0},
        {"dropped": 9},
        {"notices": ["é"]},
        {"message": "x"},
    ]
    for change in changes:
        assert not np.array_equal(compose(call, {**numbers, **change}, 480), shown), change


def test_no_view_wants_nothing_and_asks_for_nothing(numbers):
    view = NoView()
    assert not view.wants_picture("call")
    view.show_picture("call", np.zeros((2, 2, 3), np.uint8))
    view.show_numbers(numbers)
    assert list(view.take_commands()) == []
    view.close()
