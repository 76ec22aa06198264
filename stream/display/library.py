"""GLFW, loaded where it is first used, and the one thread that it belongs to.

GLFW may be called from one thread only: on macOS from the program's first, elsewhere from the one that initialised it.
So it is initialised by the thread that opens the first window and let go with the last one; until then any other
thread is refused, with one line. After that another thread may have it.

Limits: on Linux windows are X11's, XWayland's in a Wayland session: Wayland tells no program where its windows are.
"""

import contextlib
import ctypes
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from stream.sources.x11 import why_no_display

OPENGL_REMEDIES = {
    "linux": "install the display's driver, or for drawing in software: sudo apt install libgl1 libgl1-mesa-dri "
    "(Debian and Ubuntu)",
    "win32": "install the driver of the graphics card",
}
"""What makes OpenGL work, by `sys.platform`."""

_LIBRARIES_REMEDY = "install libX11, libXrandr, libXi, libXcursor and libXinerama (Debian: sudo apt install libx11-6 \
libxrandr2 libxi6 libxcursor1 libxinerama1)"


class DisplayError(Exception):
    """A window cannot be opened or used: the message names what, and the remedy after the last semicolon."""


class _Owner:
    """Who has GLFW: how many times it was taken, and by which thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.n_uses = 0
        self.thread_id = 0
        self.trouble = ""


_OWNER = _Owner()


def load_glfw() -> ModuleType:
    """Import GLFW's binding; what GLFW complains about is kept for the next error, and never printed.

    Returns
    -------
    module
        ``glfw``, not yet initialised.

    Raises
    ------
    DisplayError
        If it is not installed or does not load.
    """
    known = sys.modules.get("glfw")
    if known is not None:
        return known
    try:
        with _own_library():
            import glfw
    except ImportError as error:
        raise DisplayError(f"GLFW cannot be loaded ({error}); pip install --force-reinstall glfw") from None
    glfw.set_error_callback(_note_trouble)
    return glfw


@contextlib.contextmanager
def _own_library() -> Iterator[None]:
    """Name the wheel's library for X11: looking for one starts a Python for each that there is, 0.15 s a piece."""
    found = importlib.util.find_spec("glfw")
    folders = found.submodule_search_locations if found is not None else None
    path = Path(next(iter(folders or ["."]))) / "x11" / "libglfw.so"
    if "PYGLFW_LIBRARY" in os.environ or not path.is_file():
        yield
        return
    os.environ["PYGLFW_LIBRARY"] = str(path)
    try:
        yield
    finally:
        del os.environ["PYGLFW_LIBRARY"]


def _note_trouble(code: int, description: Any) -> None:
    # Bytes, whatever the binding's stub says.
    text = description.decode(errors="replace") if isinstance(description, bytes) else str(description)
    _OWNER.trouble = text.strip().rstrip(".") or f"error {code:#x}"


def last_trouble() -> str:
    """Return what GLFW complained about last, and forget it."""
    trouble, _OWNER.trouble = _OWNER.trouble, ""
    return trouble or "no reason given"


def why_no_windows() -> str:
    """Say why no window can be opened here, as far as that is known without opening one.

    Returns
    -------
    str
        One line with the remedy; empty where windows work.
    """
    if importlib.util.find_spec("glfw") is None:
        return "the package glfw is missing; pip install glfw"
    if importlib.util.find_spec("moderngl") is None:
        return "the package moderngl is missing; pip install moderngl (needs a C compiler where it has no wheel)"
    return why_no_display() if sys.platform == "linux" else ""


@contextlib.contextmanager
def glfw_in_use() -> Iterator[ModuleType]:
    """Have GLFW for the time of a block; it is let go at the end unless a window is open.

    Yields
    ------
    module
        ``glfw``, initialised.

    Raises
    ------
    DisplayError
        If there is no display, or another thread has it.
    """
    glfw = take_glfw()
    try:
        yield glfw
    finally:
        let_go_of_glfw()


def take_glfw() -> ModuleType:
    """Initialise GLFW, or count one more user of it; to be followed by `let_go_of_glfw`.

    Returns
    -------
    module
        ``glfw``, initialised.

    Raises
    ------
    DisplayError
        If there is no display, or another thread has it.
    """
    problem = why_no_windows()
    if problem:
        raise DisplayError(problem)
    if sys.platform == "darwin" and threading.current_thread() is not threading.main_thread():
        raise DisplayError("macOS gives windows to the main thread only, which is busy; use the live page instead")
    glfw = load_glfw()
    with _OWNER.lock:
        if _OWNER.n_uses == 0:
            _initialise(glfw)
            _OWNER.thread_id = threading.get_ident()
        elif _OWNER.thread_id != threading.get_ident():
            raise DisplayError("another part of this program has windows open; close those first")
        _OWNER.n_uses += 1
    return glfw


def _initialise(glfw: ModuleType) -> None:
    last_trouble()
    if sys.platform == "linux" and hasattr(glfw, "PLATFORM_X11"):
        glfw.init_hint(glfw.PLATFORM, glfw.PLATFORM_X11)
    if not glfw.init():
        raise DisplayError(f"windows do not work here ({last_trouble()}); {_LIBRARIES_REMEDY}")


def let_go_of_glfw() -> None:
    """Count one user of GLFW less; with the last one it ends."""
    with _OWNER.lock:
        _OWNER.n_uses -= 1
        if _OWNER.n_uses == 0:
            load_glfw().terminate()


class OpenGLLoader:
    """Finds OpenGL's functions through GLFW, whichever way the window got its context (GLX, EGL, WGL, CGL)."""

    def __init__(self, glfw: ModuleType) -> None:
        self._glfw = glfw

    def load_opengl_function(self, name: str) -> int:
        """Return a function's address, 0 where there is none.

        Parameters
        ----------
        name : str
            Such as ``glClear``.
        """
        return ctypes.cast(self._glfw.get_proc_address(name), ctypes.c_void_p).value or 0

    load = load_opengl_function

    def release(self) -> None:
        """Nothing: the window owns the context."""
