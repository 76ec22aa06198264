"""A page for the display itself: what its gamma really is, and whether periods follow each other as they should.

A square is filled with checks. Half of them hold pixels that alternate between nothing and all of one channel, each
against its neighbours, so that the check as a whole gives half the light in every period; the other half hold one
steady code. Where both look the same from a distance, that code gives half the light:

    (code / 255) ** gamma = 1 / 2

The sub-frames are made for sRGB, whose code for half the light is 187.5. A panel that is far from it shows the mean of
two sub-frames lighter or darker than their picture.

The patch in the corner is white in one period and black in the next: filmed in slow motion, or held against a light
sensor, it shows a period that was missed.
"""

import math
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from pipelines.base import Image
from stream.display.player import PlayStats
from stream.display.screening import Screening

if TYPE_CHECKING:
    import moderngl

CHANNELS: Final = ("blue", "green", "red")
"""In the order of B, G, R."""

SRGB_HALF: Final = 187.516
"""The sRGB code, of 255, for half the light (IEC 61966-2-1, equation 6)."""

FAR_OFF: Final = 0.15
"""Difference of gamma from which a person should do something: 5 % of the light in the middle."""

_N_CHECKS: Final = 8
_STEPS: Final = {"up": 1, "down": -1, "page up": 8, "page down": -8}
_FORWARD: Final = ("tab", "enter", "right", "space")
_BACK: Final = ("left", "backspace")
_END: Final = ("escape", "q")
_KEYS: Final = "up/down: lighter, darker (page up/down: faster)   right: next colour   q: done"

_COVER: Final = """
#version 330 core
void main() {
    gl_Position = vec4(vec2((gl_VertexID << 1) & 2, gl_VertexID & 2) * 2.0 - 1.0, 0.0, 1.0);
}
"""

_PAGE: Final = """
#version 330 core
uniform sampler2D text;
uniform ivec2 size;
uniform ivec4 square;  // left, top, side, side of a check
uniform int corner;    // side of the patch at the bottom right
uniform int slot;      // -1: nothing alternates
uniform int channel;   // of red, green, blue
uniform float steady;
out vec4 color;
void main() {
    ivec2 at = ivec2(int(gl_FragCoord.x), size.y - 1 - int(gl_FragCoord.y)), inside = at - square.xy;
    color = texelFetch(text, at, 0);
    if (all(greaterThanEqual(at, size - corner)))
        color = vec4(vec3(slot < 0 ? 0.5 : float(slot)), 1.0);
    if (all(greaterThanEqual(inside, ivec2(0))) && all(lessThan(inside, ivec2(square.z)))) {
        ivec2 check = inside / square.w;
        float level = steady;
        if (((check.x + check.y) & 1) == 1 && slot >= 0)
            level = float((inside.x + inside.y + slot) & 1);
        color = vec4(0.0, 0.0, 0.0, 1.0);
        color[channel] = level;
    }
}
"""


class Calibration:
    """What the person has set; `press` is given to the `Screening` as its `on_key`."""

    def __init__(self) -> None:
        self.codes = [round(SRGB_HALF)] * 3
        self.channel = 1
        self.is_over = False
        self._was_seen = [False] * 3

    def press(self, key: str) -> None:
        """Take a key.

        Parameters
        ----------
        key : str
            Its name, see `Window`.
        """
        if key in _STEPS:
            self.codes[self.channel] = min(254, max(1, self.codes[self.channel] + _STEPS[key]))
            self._was_seen[self.channel] = True
        elif key in _FORWARD:
            self.channel = (self.channel + 1) % 3
        elif key in _BACK:
            self.channel = (self.channel - 1) % 3
        elif key in _END:
            self.is_over = True

    @property
    def gammas(self) -> tuple[float, float, float]:
        """Gamma of the panel for B, G, R, as the codes have it."""
        blue, green, red = (math.log(0.5) / math.log(code / 255.0) for code in self.codes)
        return blue, green, red

    def report(self) -> list[str]:
        """Return lines for the person: the readings, and what to do about them."""
        srgb = math.log(0.5) / math.log(SRGB_HALF / 255.0)
        lines = [
            f"panel gamma {name}: {gamma:.2f} (code {code} gives half the light)" + ("" if seen else ", not changed")
            for name, gamma, code, seen in zip(CHANNELS, self.gammas, self.codes, self._was_seen, strict=True)
        ]
        far = [name for name, gamma in zip(CHANNELS, self.gammas, strict=True) if abs(gamma - srgb) > FAR_OFF]
        if far:
            lines.append(
                f"{' and '.join(far)} far from sRGB, which reads {srgb:.2f}: sub-frames will not add up to their "
                "picture; choose the monitor's sRGB mode, and switch its contrast and energy-saving modes off"
            )
        else:
            lines.append(f"close to sRGB, which reads {srgb:.2f}: nothing to do")
        return lines

    def page(self, height: int, width: int) -> Image:
        """Return what stands around the square.

        Parameters
        ----------
        height, width : int
            Of the display, in pixels.

        Returns
        -------
        ndarray
            (height, width, 3) uint8 BGR.
        """
        image = np.zeros((height, width, 3), np.uint8)
        name, code = CHANNELS[self.channel], self.codes[self.channel]
        scale = max(0.4, height / 1400)
        lines = (f"{name}: {code}   make the checks vanish, seen from a distance", _KEYS)
        for n, line in enumerate(lines, start=1):
            place = (int(0.02 * width), int(n * 0.05 * height))
            cv2.putText(image, line, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (150, 150, 150), 1, cv2.LINE_AA)
        return image


class CalibrationDrawer:
    """Draws the page; see `stream.display.player.Drawer`.

    Parameters
    ----------
    context : moderngl.Context
        Current, of the window.
    size_px : tuple of int
        Height and width of the window.
    calibration : Calibration
        What is shown.
    """

    n_parts = 1

    def __init__(self, context: "moderngl.Context", size_px: tuple[int, int], calibration: Calibration) -> None:
        height, width = size_px
        self._context, self._calibration = context, calibration
        self._viewport = (0, 0, width, height)
        self._texts = [context.texture((width, height), 3, alignment=1) for _ in range(2)]
        for text in self._texts:
            text.swizzle = "BGR1"
        program: Any = context.program(vertex_shader=_COVER, fragment_shader=_PAGE)
        self._program: Any = program
        self._triangle = context.vertex_array(program, [])
        # An even side holds as many pixels of one phase as of the other.
        check = max(2, int(0.7 * min(height, width)) // (2 * _N_CHECKS) * 2)
        side = check * _N_CHECKS
        program["size"].value = (width, height)
        program["square"].value = ((width - side) // 2, (height - side) // 2 + height // 20, side, check)
        program["corner"].value = max(1, height // 10)

    def load(self, where: int, picture: Image, part: int, n_parts: int) -> None:  # noqa: ARG002 - one part
        """Take a page, see `Drawer.load`.

        Parameters
        ----------
        where : int
            For which of the two cycles.
        picture : ndarray
            (height, width, 3) uint8 BGR.
        part, n_parts : int
            All of it.
        """
        self._texts[where].write(picture)

    def render(self, where: int, strength: float, part: int, n_parts: int) -> None:
        """Do nothing: the page is made while it is shown.

        Parameters
        ----------
        where : int
            Not needed.
        strength : float
            Not needed.
        part, n_parts : int
            Not needed.
        """

    def show(self, where: int, slot: int) -> None:
        """Draw the page of one of the two periods, see `Drawer.show`.

        Parameters
        ----------
        where : int
            Which of the two cycles.
        slot : int
            Which period.
        """
        self._draw(where, slot)

    def show_plain(self, where: int) -> None:
        """Draw the page without alternation, see `Drawer.show_plain`.

        Parameters
        ----------
        where : int
            Which of the two cycles.
        """
        self._draw(where, -1)

    def finish(self) -> None:
        """Wait until all of that is done."""
        self._context.finish()

    def _draw(self, where: int, slot: int) -> None:
        self._context.screen.use()
        self._context.screen.viewport = self._viewport
        self._texts[where].use(0)
        self._program["text"].value = 0
        self._program["slot"].value = slot
        self._program["channel"].value = 2 - self._calibration.channel
        self._program["steady"].value = self._calibration.codes[self._calibration.channel] / 255.0
        self._triangle.render(vertices=3)


def calibrate(screening: Screening, calibration: Calibration) -> PlayStats:
    """Show the page until the person is done.

    Parameters
    ----------
    screening : Screening
        Opened with the calibration's `press` as its `on_key`.
    calibration : Calibration
        Holds the readings afterwards.

    Returns
    -------
    PlayStats
        Among them the periods that were missed, which the corner's patch shows too.

    Raises
    ------
    DisplayError
        If the monitor is unplugged.
    """
    height, width = screening.size_px
    drawer = CalibrationDrawer(screening.window.context, (height, width), calibration)
    shown: tuple[int, int] | None = None
    page: Image | None = None

    def page_at(_cycle: int) -> Image | None:
        nonlocal shown, page
        state = (calibration.channel, calibration.codes[calibration.channel])
        if page is None or state != shown:
            shown, page = state, calibration.page(height, width)
        return None if calibration.is_over else page

    return screening.play_drawn(drawer, 2, page_at, fade_s=0.0)


def make_test_picture(height: int, width: int) -> Image:
    """Make a picture to play that shows what the modulation does to colours, greys and fine lines.

    Parameters
    ----------
    height, width : int
        Pixels.

    Returns
    -------
    ndarray
        (height, width, 3) uint8 BGR: bars at full and half light, ramps of grey and of each channel, lines one to four
        pixels wide.
    """
    rows = np.arange(height) * 5 // height
    x = np.arange(width)
    bars = np.array(
        [
            (255, 255, 255),
            (0, 255, 255),
            (255, 255, 0),
            (0, 255, 0),
            (255, 0, 255),
            (0, 0, 255),
            (255, 0, 0),
            (0, 0, 0),
        ],
        np.uint8,
    )
    ramp = (x * 255 // max(1, width - 1)).astype(np.uint8)
    image = np.zeros((height, width, 3), np.uint8)
    image[rows == 0] = bars[x * len(bars) // width]
    image[rows == 1] = np.where(bars == 0, 64, 188).astype(np.uint8)[x * len(bars) // width]
    image[rows == 2] = ramp[:, None]
    thirds = x * 3 // width
    image[rows == 3] = np.where(thirds[:, None] == np.arange(3), ((x * 3 * 255 // width) % 255)[:, None], 40)
    line_px = 1 + x * 4 // width
    image[rows == 4] = np.where((x // line_px) % 2 == 0, 210, 60)[:, None]
    return image
