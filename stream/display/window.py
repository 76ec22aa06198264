"""One window with an OpenGL context: opened, drawn in, and closed by the thread that has GLFW.

A window is drawn hidden, put in its place and only then shown, so that no empty frame is seen elsewhere. Nothing waits
for the server to say that it is on the screen: whoever owns it draws again when `is_damaged` says that parts were lost.

Exclusive means GLFW's fullscreen with the monitor's own mode: on X11 the compositor steps aside, on Windows the driver
flips. Where nobody can promise that (XWayland, macOS) `warnings` says so.
"""

import logging
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from stream.display.library import (
    OPENGL_REMEDIES,
    DisplayError,
    OpenGLLoader,
    last_trouble,
    let_go_of_glfw,
    take_glfw,
)
from stream.display.monitors import DisplayMonitor, monitors_of
from stream.sources.x11 import is_wayland

if TYPE_CHECKING:
    import moderngl

_log = logging.getLogger(__name__)

_OPENGL = (3, 3)
"""The oldest version that has all that the shaders use; macOS and software drawing have it too."""

_KEYS = {
    "SPACE": "space",
    "ESCAPE": "escape",
    "ENTER": "enter",
    "KP_ENTER": "enter",
    "TAB": "tab",
    "BACKSPACE": "backspace",
    "LEFT": "left",
    "RIGHT": "right",
    "UP": "up",
    "DOWN": "down",
    "PAGE_UP": "page up",
    "PAGE_DOWN": "page down",
    "HOME": "home",
    "END": "end",
    "F11": "f11",
}
"""What keys without a letter are called, by GLFW's name."""


class Window:
    """A window, see the module. All calls come from one thread, which has GLFW as long as the window is open.

    Parameters
    ----------
    title : str
        Of the window.
    height, width : int
        Of what is drawn, in pixels; a fullscreen window takes the monitor's.
    monitor : DisplayMonitor or None
        Where it stands, in the middle; None leaves the place to the desktop. Fullscreen needs one.
    is_fullscreen : bool
        Whether it takes the whole monitor.
    waits_for_vblank : bool
        Whether `flip` waits until the monitor begins the next period, where the system does that.
    takes_focus : bool
        Whether keys go to it as soon as it is there.
    is_shown : bool
        Whether it appears on the screen; False is for finding out what OpenGL there is.
    on_key : callable, optional
        Called from `handle_events` with the name of a key that was pressed: a character such as ``q``, or ``space``,
        ``escape``, ``left``, ``right``, ``up``, ``down``, ``enter`` and so on.

    Raises
    ------
    DisplayError
        If there is no display or no OpenGL, or another thread has windows.
    """

    def __init__(
        self,
        title: str,
        height: int,
        width: int,
        monitor: DisplayMonitor | None = None,
        *,
        is_fullscreen: bool = False,
        waits_for_vblank: bool = False,
        takes_focus: bool = True,
        is_shown: bool = True,
        on_key: Callable[[str], None] | None = None,
    ) -> None:
        self.monitor = monitor
        self.warnings: list[str] = []
        self.is_damaged = True
        self._have_monitors_changed = False
        self._is_fullscreen = is_fullscreen
        self._on_key = on_key
        self._glfw = take_glfw()
        self._handle: Any = None
        try:
            self._open(title, height, width, takes_focus)
            self.context: moderngl.Context = self._make_context()
            self._glfw.swap_interval(1 if waits_for_vblank else 0)
            if is_shown:
                self._show()
        except BaseException:
            self.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether it can be drawn in: not closed by its owner."""
        return self._handle is not None

    @property
    def is_asked_to_close(self) -> bool:
        """Whether the person wants it closed: the owner's to do."""
        return self._handle is not None and bool(self._glfw.window_should_close(self._handle))

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of what can be drawn, in pixels of the monitor; 0 while it is minimised."""
        width, height = self._glfw.get_framebuffer_size(self._handle)
        return int(height), int(width)

    @property
    def is_drawn_in_software(self) -> bool:
        """Whether OpenGL runs on the processor, as far as its name tells."""
        name = str(self.context.info["GL_RENDERER"]).lower()
        return any(software in name for software in ("llvmpipe", "softpipe", "swiftshader", "software"))

    def make_current(self) -> None:
        """Let the thread's OpenGL calls go to this window; `flip` and drawing need it where there are several."""
        self._glfw.make_context_current(self._handle)

    def flip(self) -> None:
        """Show what was drawn."""
        self._glfw.swap_buffers(self._handle)

    def handle_events(self) -> None:
        """Take what the system has to say, for all windows of the thread: keys, closing, damage."""
        self._glfw.poll_events()

    def glx_handles(self, extension: str) -> tuple[int, int, Callable[[str], int]] | None:
        """Return what calls of a GLX extension need.

        Parameters
        ----------
        extension : str
            Its name.

        Returns
        -------
        tuple or None
            The X display, the drawable and what finds a function's address; None where the extension is not there.
        """
        if not self._glfw.extension_supported(extension):
            return None
        display, drawable = int(self._glfw.get_x11_display() or 0), int(self._glfw.get_glx_window(self._handle))
        if not display or not drawable:
            return None
        return display, drawable, OpenGLLoader(self._glfw).load_opengl_function

    def has_lost_its_monitor(self) -> bool:
        """Say whether the window's monitor is gone; asks the system only after it has told of a change."""
        if self.monitor is None or not self._have_monitors_changed:
            return False
        self._have_monitors_changed = False
        return all(found.name != self.monitor.name for found in monitors_of(self._glfw))

    def close(self) -> None:
        """Close the window and let go of GLFW; calling it again does nothing."""
        glfw, self._handle, handle = self._glfw, None, self._handle
        if handle is not None:
            glfw.destroy_window(handle)
        if glfw is not _LET_GO:
            self._glfw = _LET_GO
            let_go_of_glfw()

    def _open(self, title: str, height: int, width: int, takes_focus: bool) -> None:
        glfw = self._glfw
        glfw.default_window_hints()
        for hint, value in (
            (glfw.CLIENT_API, glfw.OPENGL_API),
            (glfw.CONTEXT_VERSION_MAJOR, _OPENGL[0]),
            (glfw.CONTEXT_VERSION_MINOR, _OPENGL[1]),
            (glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE),
            (glfw.OPENGL_FORWARD_COMPAT, True),
            (glfw.RED_BITS, 8),
            (glfw.GREEN_BITS, 8),
            (glfw.BLUE_BITS, 8),
            (glfw.DEPTH_BITS, 0),
            (glfw.STENCIL_BITS, 0),
            (glfw.VISIBLE, False),
            (glfw.FOCUSED, takes_focus),
            (glfw.FOCUS_ON_SHOW, takes_focus),
            (glfw.AUTO_ICONIFY, False),
        ):
            glfw.window_hint(hint, value)
        handle, (x, y, monitor_width, monitor_height) = self._monitor_handle()
        if self._is_fullscreen:
            # The mode that the monitor has: another one would darken it for seconds and move the desktop's windows.
            mode = glfw.get_video_mode(handle)
            glfw.window_hint(glfw.REFRESH_RATE, mode.refresh_rate)
            width, height = monitor_width, monitor_height
        last_trouble()
        self._handle = glfw.create_window(width, height, title, handle if self._is_fullscreen else None, None)
        if not self._handle:
            self._handle = None
            remedy = OPENGL_REMEDIES.get(sys.platform, "update the system")
            raise DisplayError(f"no window with OpenGL {_OPENGL[0]}.{_OPENGL[1]} ({last_trouble()}); {remedy}")
        if not self._is_fullscreen and handle is not None:
            glfw.set_window_pos(self._handle, x + (monitor_width - width) // 2, y + (monitor_height - height) // 2)
        glfw.set_window_refresh_callback(self._handle, self._note_damage)
        glfw.set_key_callback(self._handle, self._note_key)
        glfw.set_monitor_callback(self._note_monitors)

    def _monitor_handle(self) -> tuple[Any, tuple[int, int, int, int]]:
        if self.monitor is None:
            return None, (0, 0, 0, 0)
        handles = self._glfw.get_monitors()
        if self.monitor.number > len(handles):
            raise DisplayError(f"monitor {self.monitor.number} is gone; plug it in, or name another one")
        return handles[self.monitor.number - 1], self.monitor.region_px

    def _make_context(self) -> "moderngl.Context":
        import moderngl

        self.make_current()
        loader: Any = OpenGLLoader(self._glfw)
        try:
            return moderngl.create_context(context=loader)
        except Exception as error:  # noqa: BLE001 - moderngl raises bare Exception
            remedy = OPENGL_REMEDIES.get(sys.platform, "update the system")
            raise DisplayError(f"OpenGL cannot be used ({error}); {remedy}") from None

    def _show(self) -> None:
        self.context.clear()
        self.flip()
        self._glfw.show_window(self._handle)
        self._glfw.poll_events()
        if self._is_fullscreen:
            self.warnings.extend(self._what_is_not_exclusive())
        for warning in self.warnings:
            _log.warning("%s", warning)

    def _what_is_not_exclusive(self) -> list[str]:
        assert self.monitor is not None  # noqa: S101 - `_open` has its handle
        found = []
        if sys.platform == "darwin" or (sys.platform == "linux" and is_wayland()):
            found.append(
                "the display cannot be had exclusively on this system, whose compositor may repeat or drop pictures; "
                + ("use an X11 session" if sys.platform == "linux" else "close other windows")
            )
        if self.size_px != self.monitor.region_px[3:1:-1]:
            height, width = self.size_px
            found.append(f"the window has {width}x{height} pixels, not the monitor's; switch the desktop's scaling off")
        if self.monitor.can_vary:
            found.append(
                f"the monitor {self.monitor.name} may vary its refresh rate; switch that (VRR, FreeSync, G-Sync) off"
            )
        if self.is_drawn_in_software:
            found.append("OpenGL draws in software here and may miss periods; install the graphics card's driver")
        return found

    def _note_damage(self, _handle: Any) -> None:
        self.is_damaged = True

    def _note_monitors(self, _monitor: Any, _event: int) -> None:
        self._have_monitors_changed = True

    def _note_key(self, _handle: Any, key: int, scancode: int, action: int, _modifiers: int) -> None:
        if action == self._glfw.RELEASE or self._on_key is None:
            return
        name = _key_names(self._glfw).get(key) or self._glfw.get_key_name(key, scancode)
        if name:
            self._on_key(str(name))


_LET_GO = ModuleType("glfw that was let go")
"""Stands for GLFW in a closed window."""


def _key_names(glfw: ModuleType) -> dict[int, str]:
    return {getattr(glfw, f"KEY_{name}"): called for name, called in _KEYS.items()}
