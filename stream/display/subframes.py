"""Makes the sub-frames of a cycle on the graphics card, as `pipelines.kaleido.kernels` makes them on the processor.

    picture --(axes kept or chosen)--> all sub-frames of a cycle, once --> one of them, each period

The rules are those of `pipelines.kaleido.contract`: rounded to codes, the last one from what the rounded others leave.
Everything that decides on a code is a table made on the processor, so that both come to the same one: light of a code,
the code nearest to light. Sums of floats may differ in their last bit where a card fuses a product and a sum, so that a
pixel in some ten thousands falls on the other side of a limit; its cycle still adds up.

Colours are B, G, R inside, as in the arrays; row 0 of a texture is the picture's bottom, as the window counts them, so
that a sub-frame as large as the window is copied and not drawn: in software that takes a quarter less.
"""

import math
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipelines.base import Image
from pipelines.color import codes_from_linear
from pipelines.kaleido.contract import Tables
from pipelines.kaleido.kernels import N_CELLS
from pipelines.kaleido.pipeline import make_curves

if TYPE_CHECKING:
    import moderngl

_MOST_SLOTS: Final = 8
"""Pictures that OpenGL 3.3 draws at once, at least."""

_PART_SHARE: Final = 0.2
"""Of a period, that loading and making one part of a cycle take together."""

_MOST_PARTS: Final = 64

_COVER: Final = """
#version 330 core
void main() {  // one triangle that covers all
    gl_Position = vec4(vec2((gl_VertexID << 1) & 2, gl_VertexID & 2) * 2.0 - 1.0, 0.0, 1.0);
}
"""

_CHOOSE: Final = """
#version 330 core
uniform usampler2D picture, chosen_for;
uniform sampler2D plain;
uniform int epsilon;
layout(location = 0) out uvec4 chosen;
layout(location = 1) out vec4 shown;
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    ivec3 code = ivec3(texelFetch(picture, at, 0).xyz), base = ivec3(texelFetch(chosen_for, at, 0).xyz);
    ivec3 far = abs(code - base);
    chosen = uvec4(max(far.x, max(far.y, far.z)) > epsilon ? code : base, 0);
    for (int c = 0; c < 3; c++)
        shown[2 - c] = texelFetch(plain, ivec2(code[c], 0), 0).x;
    shown.w = 1.0;
}
"""

_SPLIT: Final = """
#version 330 core
const int N = {n_slots};
const int N_ROWS = {n_rows};
const float N_CELLS = {n_cells}.0;
uniform usampler2D picture, chosen_for, places;
uniform sampler2D shown;  // light of a code, what it may lose, what it may gain
uniform sampler2D cells;  // code, least light of the next one, light of the code, light of the next one
uniform sampler3D axes;
uniform vec3 order[N - 1];  // the last follows from the others
uniform float delta;
uniform int shift;
{outputs}

vec2 nearest(float light) {{  // code and its light
    float inside = clamp(light, 0.0, 1.0);
    vec4 cell = texelFetch(cells, ivec2(int(inside * N_CELLS), 0), 0);
    return inside >= cell.y ? vec2(cell.x + 1.0, cell.w) : cell.xz;
}}

void main() {{
    ivec2 at = ivec2(gl_FragCoord.xy);
    ivec3 code = ivec3(texelFetch(picture, at, 0).xyz);
    ivec3 bin = ivec3(texelFetch(chosen_for, at, 0).xyz) >> shift;
    uvec3 place = texelFetch(places, at, 0).xyz;
    vec3 rows[N_ROWS];  // p and q for either sign, 1 over the most that is lost and gained by them
    for (int i = 0; i < N_ROWS; i++)
        rows[i] = texelFetch(axes, ivec3(N_ROWS * bin.z + i, bin.y, bin.x), 0).xyz;
    float gain = float(place.y) * (1.0 / 255.0);
    vec3 v;
    for (int c = 0; c < 3; c++) {{
        vec3 light = texelFetch(shown, ivec2(code[c], 0), 0).xyz;
        v[c] = light.x;
        gain = min(gain, min(light.y * rows[N_ROWS - 2][c], light.z * rows[N_ROWS - 1][c]));
    }}
    int first = place.z == 0u ? N_ROWS - 4 : 0;
    vec3 p = gain * rows[first], q = gain * rows[first + 1];
    float brightest = max(v.x, max(v.y, v.z));
    float pollution = brightest * (1.0 + delta) > 1.0 ? 1.0 / brightest - 1.0 : delta;
    pollution *= float(int(place.z) - 1);
    vec3 codes[N];
    vec3 rest = float(N) * v;
    for (int k = 0; k < N - 1; k++) {{
        vec3 light = v * (1.0 + order[k].z * pollution) + order[k].x * p + order[k].y * q;
        for (int c = 0; c < 3; c++) {{
            vec2 found = nearest(light[c]);
            codes[k][c] = found.x;
            rest[c] -= found.y;
        }}
    }}
    for (int c = 0; c < 3; c++)
        codes[N - 1][c] = nearest(rest[c]).x;
    int phase = int(place.x);
    {assignments}
}}
"""

_SHOW: Final = """
#version 330 core
uniform sampler2D subframe;
uniform ivec2 corner;  // of the picture in the window
out vec4 color;
void main() {
    color = texelFetch(subframe, ivec2(gl_FragCoord.xy) - corner, 0);
}
"""


class SubframeDrawer:
    """Keeps two cycles on the graphics card; see `stream.display.player.Drawer`.

    Parameters
    ----------
    context : moderngl.Context
        Current, of the window.
    tables : Tables
        What the encoder works by.
    epsilon : int
        By how many codes a pixel may change and keep its axes.
    size_px : tuple of int
        Height and width of the window: the picture stands in its middle, pixel for pixel.
    period_s : float
        Of the display: work is done in parts of a small share of it.

    Attributes
    ----------
    n_parts : int
        In which a picture is loaded, and its sub-frames are made.

    Raises
    ------
    ValueError
        If the picture is larger than the window, or a cycle has more sub-frames than OpenGL can draw at once.
    """

    def __init__(
        self,
        context: "moderngl.Context",
        tables: Tables,
        epsilon: int,
        size_px: tuple[int, int],
        period_s: float = 1 / 120,
    ) -> None:
        self._context = context
        self._height, self._width = tables.pattern.phase.shape
        self._n_slots = tables.code.n_slots
        if self._n_slots > _MOST_SLOTS:
            raise ValueError(f"a cycle of {self._n_slots} sub-frames, wanted {_MOST_SLOTS} at most")
        self._order = np.array(
            [(*chroma, luma) for chroma, luma in zip(tables.code.chroma, tables.code.luma, strict=True)], np.float32
        )
        self._size_px = size_px
        self._epsilon = epsilon
        self._chosen = 0
        self._is_first = True
        self._place_in_window()
        self._make_textures(tables)
        self._make_programs(tables)
        self.n_parts = self._warm_up(period_s)

    def load(self, where: int, picture: Image, part: int, n_parts: int) -> None:
        """Take a part of a picture, see `Drawer.load`.

        Parameters
        ----------
        where : int
            For which of the two cycles.
        picture : ndarray
            (height, width, 3) uint8 BGR; no longer needed after the last part.
        part, n_parts : int
            Which part, from 0, of how many: bands of rows.
        """
        band = first, n_rows = self._band(part, n_parts)
        rows = np.ascontiguousarray(picture[::-1][first : first + n_rows])
        self._pictures[where].write(rows, viewport=(0, first, self._width, n_rows))
        target = 1 - self._chosen
        self._aim_at(self._loads[where][target], band)
        # The first picture's colours are chosen whatever stands there.
        self._choose.program["epsilon"].value = -1 if self._is_first else self._epsilon
        self._use(self._choose, picture=self._pictures[where], chosen_for=self._bases[self._chosen], plain=self._plain)
        if part == n_parts - 1:
            self._chosen = target
            self._is_first = False

    def render(self, where: int, strength: float, part: int, n_parts: int) -> None:
        """Make a part of a cycle's sub-frames, see `Drawer.render`.

        Parameters
        ----------
        where : int
            Which of the two cycles.
        strength : float
            Above 0, to 1.
        part, n_parts : int
            Which part, from 0, of how many: bands of rows.
        """
        self._aim_at(self._cycles[where], self._band(part, n_parts))
        self._split.program["order"].write((self._order[:-1] * np.float32(strength)).tobytes())
        self._use(
            self._split,
            picture=self._pictures[where],
            chosen_for=self._bases[self._chosen],
            places=self._places,
            cells=self._cells,
            shown=self._shown,
            axes=self._axes,
        )

    def show(self, where: int, slot: int) -> None:
        """Draw a sub-frame in the window, see `Drawer.show`.

        Parameters
        ----------
        where : int
            Which of the two cycles.
        slot : int
            Which sub-frame, in the order of time.
        """
        self._show_texture(self._subframes[where][slot])

    def show_plain(self, where: int) -> None:
        """Draw the picture without modulation, see `Drawer.show_plain`.

        Parameters
        ----------
        where : int
            Which of the two cycles.
        """
        self._show_texture(self._plain_pictures[where])

    def finish(self) -> None:
        """Wait until all of that is done."""
        self._context.finish()

    def read(self, where: int, slot: int) -> Image:
        """Read a sub-frame back, for tests and for who wants to look.

        Parameters
        ----------
        where : int
            Which of the two cycles; all of its parts are made.
        slot : int
            Which sub-frame.

        Returns
        -------
        ndarray
            (height, width, 3) uint8 BGR.
        """
        raw = np.frombuffer(self._subframes[where][slot].read(), np.uint8)
        return np.ascontiguousarray(raw.reshape(self._height, self._width, 4)[::-1, :, 2::-1])

    def _place_in_window(self) -> None:
        room_height, room_width = self._size_px
        if self._height > room_height or self._width > room_width:
            raise ValueError(
                f"a picture of {self._width}x{self._height} for a display of {room_width}x{room_height}; "
                "make it smaller before it is encoded"
            )
        left, below = (room_width - self._width) // 2, (room_height - self._height) // 2
        self._viewport = (left, below, self._width, self._height)
        self._corner = (left, below)
        self._fills_window = (self._height, self._width) == self._size_px

    def _make_textures(self, tables: Tables) -> None:
        size = (self._width, self._height)
        pattern = tables.pattern
        places = np.dstack([pattern.phase, pattern.gain, (pattern.luma_sign.astype(np.int16) + 1).astype(np.uint8)])
        curves = make_curves(tables)
        n_bins, _, _, n_rows, _ = tables.axes.shape
        self._shift = 8 - (n_bins.bit_length() - 1)
        self._pictures = [self._texture(size, 3, None, "u1") for _ in range(2)]
        self._bases = [self._texture(size, 4, bytes(4 * size[0] * size[1]), "u1") for _ in range(2)]
        self._plain_pictures = [self._texture(size, 4, None, "f1") for _ in range(2)]
        self._loads = [
            [self._context.framebuffer([base, plain]) for base in self._bases] for plain in self._plain_pictures
        ]
        self._subframes = [[self._texture(size, 4, None, "f1") for _ in range(self._n_slots)] for _ in range(2)]
        self._cycles = [self._context.framebuffer(subframes) for subframes in self._subframes]
        self._places = self._texture(size, 3, places[::-1], "u1")
        self._copied = {
            texture: self._context.framebuffer([texture])
            for texture in (*self._plain_pictures, *self._subframes[0], *self._subframes[1])
        }
        codes = curves.cells.astype(np.intp)
        following = np.minimum(codes + 1, 255)
        light_of_both = curves.light[codes], curves.light[following]
        steps = np.column_stack([codes.astype(np.float32), curves.limits, *light_of_both])
        self._cells = self._texture((N_CELLS + 1, 1), 4, steps, "f4")
        rooms = np.column_stack([curves.shown, curves.fall, curves.rise])
        self._shown = self._texture((256, 1), 3, rooms, "f4")
        self._plain = self._texture((256, 1), 1, codes_from_linear(tables.shown), "f1")
        self._axes = self._context.texture3d(
            (n_rows * n_bins, n_bins, n_bins), 3, np.ascontiguousarray(tables.axes, np.float32).tobytes(), dtype="f4"
        )
        self._axes.filter = (_NEAREST, _NEAREST)

    def _make_programs(self, tables: Tables) -> None:
        outputs = "\n".join(f"layout(location = {slot}) out vec4 subframe_{slot};" for slot in range(self._n_slots))
        assignments = "\n    ".join(
            f"subframe_{slot} = vec4(codes[({slot} + phase) % N].zyx / 255.0, 1.0);" for slot in range(self._n_slots)
        )
        split = _SPLIT.format(
            n_slots=self._n_slots,
            n_rows=tables.axes.shape[3],
            n_cells=N_CELLS,
            outputs=outputs,
            assignments=assignments,
        )
        self._choose = self._program(_CHOOSE)
        self._split = self._program(split, delta=tables.delta, shift=self._shift)
        self._show = self._program(_SHOW, corner=self._corner)

    def _warm_up(self, period_s: float) -> int:
        """Draw everything once, as drivers compile a program when it first draws; return how many parts to work in."""
        self._draw_all()
        begin_s = time.perf_counter()
        self._draw_all()
        whole_s = time.perf_counter() - begin_s
        self._is_first = True
        return min(_MOST_PARTS, math.ceil(whole_s / (_PART_SHARE * period_s)))

    def _draw_all(self) -> None:
        self.load(0, np.zeros((self._height, self._width, 3), np.uint8), 0, 1)
        self.render(0, 1.0, 0, 1)
        self.show_plain(0)
        self.show(0, 0)
        self.finish()

    def _texture(self, size: tuple[int, int], n_channels: int, content: Any, kind: str) -> "moderngl.Texture":
        raw = np.ascontiguousarray(content).tobytes() if isinstance(content, np.ndarray) else content
        texture = self._context.texture(size, n_channels, raw, alignment=1, dtype=kind)
        texture.filter = (_NEAREST, _NEAREST)
        return texture

    def _program(self, fragment: str, **uniforms: Any) -> Any:
        program: Any = self._context.program(vertex_shader=_COVER, fragment_shader=fragment)
        for name, value in uniforms.items():
            if name in program:
                program[name].value = value
        return self._context.vertex_array(program, [])

    def _use(self, drawn: Any, **textures: Any) -> None:
        for unit, (name, texture) in enumerate(textures.items()):
            if name in drawn.program:
                texture.use(unit)
                drawn.program[name].value = unit
        drawn.render(vertices=3)

    def _band(self, part: int, n_parts: int) -> tuple[int, int]:
        first, end = self._height * part // n_parts, self._height * (part + 1) // n_parts
        return first, end - first

    def _aim_at(self, buffer: "moderngl.Framebuffer", band: tuple[int, int]) -> None:
        buffer.use()
        buffer.viewport = (0, band[0], self._width, band[1])

    def _show_texture(self, texture: "moderngl.Texture") -> None:
        screen = self._context.screen
        if self._fills_window:
            self._context.copy_framebuffer(screen, self._copied[texture])
            return
        screen.use()
        screen.viewport = (0, 0, self._size_px[1], self._size_px[0])
        self._context.clear()
        screen.viewport = self._viewport
        self._use(self._show, subframe=texture)


_NEAREST: Final = 0x2600
