"""An X server without a screen, and windows of one exact colour on it, for the tests of what is captured."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_STARTS_IN_S = 20.0


@contextmanager
def x_server(width: int = 1280, height: int = 720, *options: str) -> Iterator[str]:
    """Run Xvfb on a display number that is free, and give its DISPLAY; skip where there is no Xvfb.

    The server chooses the number itself (-displayfd): two tests at once cannot take the same.
    """
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("needs the program Xvfb (Debian: apt install xvfb)")
    reads, writes = os.pipe()
    arguments = [
        "-displayfd",
        str(writes),
        "-screen",
        "0",
        f"{width}x{height}x24",
        "-nolisten",
        "tcp",
        "-noreset",
        *options,
    ]
    server = subprocess.Popen([program, *arguments], pass_fds=[writes], stderr=subprocess.DEVNULL)
    os.close(writes)
    try:
        with os.fdopen(reads) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb ended before it took a display number"
        yield f":{number}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(_STARTS_IN_S)


_DUMMY_CONFIGURATION = """
Section "ServerFlags"
  Option "DontVTSwitch" "true"
  Option "AutoAddDevices" "false"
  Option "AutoAddGPU" "false"
EndSection
Section "Device"
  Identifier "device"
  Driver "dummy"
  VideoRam 256000
EndSection
Section "Monitor"
  Identifier "monitor"
  HorizSync 5.0-1000.0
  VertRefresh 5.0-300.0
EndSection
Section "Screen"
  Identifier "screen"
  Device "device"
  Monitor "monitor"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Virtual 1920 1080
  EndSubSection
EndSection
"""

MODE_720P_120 = "131.75 1280 1328 1360 1440 720 723 728 763 +hsync -vsync"
"""1280x720 at 119.91 Hz: pixel clock in MHz, then the totals of lines and frames (`cvt -r 1280 720 120`)."""

MODE_720P_60 = "64.00 1280 1328 1360 1440 720 723 728 741 +hsync -vsync"


@contextmanager
def fast_x_server(folder: Path, mode: str = MODE_720P_120) -> Iterator[str]:
    """Run Xorg with its driver for no screen at all, which tells a refresh rate, and give its DISPLAY; or skip."""
    program, xrandr = shutil.which("Xorg"), shutil.which("xrandr")
    if program is None or xrandr is None or not Path("/usr/lib/xorg/modules/drivers/dummy_drv.so").exists():
        pytest.skip(
            "needs Xorg, its dummy driver and xrandr (Debian: apt install xserver-xorg-core xserver-xorg-video-dummy "
            "x11-xserver-utils)"
        )
    configuration = folder / "xorg.conf"
    configuration.write_text(_DUMMY_CONFIGURATION)
    reads, writes = os.pipe()
    options = ["-displayfd", str(writes), "-noreset", "-nolisten", "tcp", "-logfile", str(folder / "xorg.log")]
    with (folder / "xorg.errors").open("wb") as errors:
        server = subprocess.Popen(
            [program, *options, "-config", str(configuration)], pass_fds=[writes], stdout=errors, stderr=errors
        )
    os.close(writes)
    try:
        with os.fdopen(reads) as answer:
            number = answer.readline().strip()
        if not number:
            pytest.skip(f"Xorg does not start here: {(folder / 'xorg.errors').read_text()[-300:]}")
        display = f":{number}"
        environment = {**os.environ, "DISPLAY": display}
        for arguments in (
            ["--newmode", "wanted", *mode.split()],
            ["--addmode", "DUMMY0", "wanted"],
            ["--output", "DUMMY0", "--mode", "wanted"],
        ):
            subprocess.run([xrandr, *arguments], env=environment, check=True, capture_output=True)
        yield display
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(_STARTS_IN_S)


def add_monitor(name: str, region_px: tuple[int, int, int, int], is_main: bool) -> None:
    """Tell the server of DISPLAY that a part of its desktop is a monitor of its own (RandR 1.5)."""
    import xcffib
    from xcffib import randr

    connection = xcffib.connect(display=os.environ["DISPLAY"])
    extension = connection(randr.key)
    extension.QueryVersion(1, 5).reply()
    atom = connection.core.InternAtom(False, len(name), name).reply().atom
    x, y, width, height = region_px
    monitor = randr.MonitorInfo.synthetic(atom, is_main, False, 0, x, y, width, height, 300, 200, [])
    root = connection.get_setup().roots[connection.pref_screen].root
    extension.SetMonitor(root, monitor, is_checked=True).check()
    connection.disconnect()


class ColorWindow:
    """A window filled with one colour, 0xRRGGBB, without a border, on the server of DISPLAY."""

    def __init__(self, title: str, region_px: tuple[int, int, int, int], color: int) -> None:
        import xcffib
        from xcffib import xproto

        self._xproto = xproto
        self._connection = xcffib.connect(display=os.environ["DISPLAY"])
        self._core: Any = self._connection.core
        screen = self._connection.get_setup().roots[self._connection.pref_screen]
        self.window_id = self._connection.generate_id()
        x, y, width, height = region_px
        visual = (xproto.WindowClass.InputOutput, screen.root_visual, xproto.CW.BackPixel, [color])
        self._core.CreateWindow(screen.root_depth, self.window_id, screen.root, x, y, width, height, 0, *visual)
        self.set_text("WM_NAME", title.encode("latin-1", "replace"))
        self.set_text("_NET_WM_NAME", title.encode())
        self._core.MapWindow(self.window_id)
        self._sync()

    def set_text(self, name: str, value: bytes) -> None:
        """Set a property of 8-bit units."""
        self._change(name, 8, len(value), value)

    def set_cardinals(self, name: str, values: list[int]) -> None:
        """Set a property of 32-bit units."""
        self._change(name, 32, len(values), b"".join(value.to_bytes(4, "little") for value in values))

    def move(self, x: int, y: int) -> None:
        """Put the top left corner elsewhere."""
        self._configure(self._xproto.ConfigWindow.X | self._xproto.ConfigWindow.Y, [x, y])

    def resize(self, width: int, height: int) -> None:
        """Change the size."""
        self._configure(self._xproto.ConfigWindow.Width | self._xproto.ConfigWindow.Height, [width, height])

    def close(self) -> None:
        """Destroy it."""
        self._core.DestroyWindow(self.window_id)
        self._sync()
        self._connection.disconnect()

    def _change(self, name: str, bits: int, n_units: int, value: bytes) -> None:
        atom = self._core.InternAtom(False, len(name), name).reply().atom
        kind = self._xproto.Atom.CARDINAL if bits == 32 else self._xproto.Atom.STRING
        self._core.ChangeProperty(self._xproto.PropMode.Replace, self.window_id, atom, kind, bits, n_units, value)
        self._sync()

    def _configure(self, mask: int, values: list[int]) -> None:
        self._core.ConfigureWindow(self.window_id, mask, values)
        self._sync()

    def _sync(self) -> None:
        self._core.GetInputFocus().reply()
        # The server has taken the request and paints the background with it; a moment lets exposures settle.
        time.sleep(0.02)
