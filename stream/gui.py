"""The one thread that OpenCV's windows live in.

Qt, which draws OpenCV's windows on Linux, belongs to the first thread that touched it for as long as the process
lives: a call from any other thread waits for that one to handle events, and waits for ever once it has ended.
So everything that opens a window goes through here, and a second window works after the first one's owner is gone.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from stream.sources.x11 import why_no_display

_Result = TypeVar("_Result")


def in_gui_thread(work: Callable[[], _Result]) -> _Result:
    """Run something in the thread of the windows, and wait for it.

    Parameters
    ----------
    work : callable
        Calls OpenCV's window functions; it must not wait for anything else.

    Returns
    -------
    Any
        What `work` returns.

    Raises
    ------
    Exception
        What `work` raises.
    """
    return _executor().submit(work).result()


def why_no_windows() -> str:
    """Say why OpenCV cannot open a window here; asked first, because Qt ends the process by abort().

    Returns
    -------
    str
        One line with the remedy; empty where windows work.
    """
    import cv2

    system: str = sys.platform
    if system == "darwin":
        return "macOS gives windows to the main thread only, which is busy; use the live page instead"
    if cv2.currentUIFramework() == "" and system == "linux":
        return "this OpenCV is built without windows; install opencv-python in place of opencv-python-headless"
    if system != "linux":
        return ""
    # OpenCV's wheel brings Qt's X11 plug-in alone: a desktop that asks for Wayland's would make Qt abort.
    os.environ["QT_QPA_PLATFORM"] = "xcb"
    return why_no_display()


@cache
def _executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="windows")
