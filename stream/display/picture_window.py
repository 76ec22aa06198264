"""A window that shows one picture after the other, pixel for pixel; for sinks and the plain view.

A window of the picture's size shows its pixels as they are. Where it is larger or smaller (the monitor has no room, or
the person changed it) the picture keeps its shape, scaled by OpenGL, on black.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from pipelines.base import Image
from stream.display.library import glfw_in_use
from stream.display.monitors import DisplayMonitor, find_monitor, monitors_of
from stream.display.thread import in_display_thread, leave, look_after
from stream.display.window import Window

_ROOM_SHARE = 0.9
"""Share of the monitor that a new window takes at most: title bar and panels need the rest."""

_VERTEX = """
#version 330 core
out vec2 place;
void main() {  // one triangle that covers the window
    vec2 corner = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
    place = vec2(corner.x, 1.0 - corner.y);
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}
"""

_FRAGMENT = """
#version 330 core
uniform sampler2D picture;
in vec2 place;
out vec4 color;
void main() {
    color = vec4(texture(picture, place).rgb, 1.0);
}
"""


class PictureWindow:
    """Shows pictures; may be used from any thread, its work is done in the thread of the windows.

    Parameters
    ----------
    title : str
        Of the window.
    height, width : int
        Of the pictures to come; the window is smaller where the monitor is.
    monitor : int or None
        Monitor in whose middle it stands, counted from 1; None leaves the place to the desktop.
    takes_focus : bool
        Whether keys go to it as soon as it is there.
    on_key : callable, optional
        Called from the thread of the windows with the name of a key, see `Window`.

    Raises
    ------
    DisplayError
        If there is no display, no OpenGL or no such monitor.
    """

    def __init__(
        self,
        title: str,
        height: int,
        width: int,
        monitor: int | None = None,
        *,
        takes_focus: bool = False,
        on_key: Callable[[str], None] | None = None,
    ) -> None:
        self._is_closed = False
        self._texture: Any = None
        in_display_thread(partial(self._open, title, (height, width), monitor, takes_focus, on_key))

    @property
    def is_closed(self) -> bool:
        """True once `close` was called or the person has closed it."""
        return self._is_closed

    def show(self, image: Image) -> bool:
        """Show a picture; returns when its array is no longer needed.

        Parameters
        ----------
        image : ndarray
            (height, width, 3) uint8 BGR.

        Returns
        -------
        bool
            False if the window is closed.
        """
        return not self._is_closed and in_display_thread(partial(self._show, image))

    def close(self) -> None:
        """Close the window; calling it again does nothing."""
        if not self._is_closed:
            in_display_thread(self._close)

    def tend(self) -> None:
        """Handle events, paint again, close where the person asked to; from the thread of the windows."""
        self._window.handle_events()
        if self._window.is_asked_to_close:
            self._close()
        elif self._window.is_damaged:
            self._paint()

    def _open(
        self,
        title: str,
        size: tuple[int, int],
        number: int | None,
        takes_focus: bool,
        on_key: Callable[[str], None] | None,
    ) -> None:
        with glfw_in_use() as glfw:
            monitor = find_monitor(monitors_of(glfw), number)
            self._window = Window(
                title,
                *_fitted(size, monitor),
                monitor if number is not None else None,
                takes_focus=takes_focus,
                on_key=on_key,
            )
        program = self._window.context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self._triangle = self._window.context.vertex_array(program, [])
        look_after(self)

    def _show(self, image: Image) -> bool:
        if not self._is_closed:
            self._upload(image)
            self._paint()
            self.tend()
        return not self._is_closed

    def _upload(self, image: Image) -> None:
        height, width = image.shape[:2]
        self._window.make_current()
        if self._texture is None or self._texture.size != (width, height):
            if self._texture is not None:
                self._texture.release()
            self._texture = self._window.context.texture((width, height), 3, alignment=1)
            self._texture.swizzle = "BGR1"
        self._texture.write(np.ascontiguousarray(image))

    def _paint(self) -> None:
        self._window.is_damaged = False
        room_height, room_width = self._window.size_px
        if self._texture is None or not room_height or not room_width:
            return
        window, texture = self._window, self._texture
        window.make_current()
        width, height = texture.size
        scale = min(room_width / width, room_height / height)
        shown_width, shown_height = max(1, round(width * scale)), max(1, round(height * scale))
        nearest, linear, between_levels = 0x2600, 0x2601, 0x2703
        if (shown_height, shown_width) == (height, width):
            texture.filter = (nearest, nearest)
        else:
            texture.build_mipmaps()
            texture.filter = (between_levels, linear)
        window.context.screen.use()
        window.context.viewport = (0, 0, room_width, room_height)
        window.context.clear()
        left, top = (room_width - shown_width) // 2, (room_height - shown_height) // 2
        window.context.viewport = (left, top, shown_width, shown_height)
        texture.use(0)
        self._triangle.render(vertices=3)
        window.flip()

    def _close(self) -> None:
        self._is_closed = True
        leave(self)
        self._window.close()


def _fitted(size: tuple[int, int], monitor: DisplayMonitor) -> tuple[int, int]:
    height, width = size
    _, _, monitor_width, monitor_height = monitor.region_px
    scale = min(1.0, _ROOM_SHARE * monitor_width / width, _ROOM_SHARE * monitor_height / height)
    return max(1, round(height * scale)), max(1, round(width * scale))
