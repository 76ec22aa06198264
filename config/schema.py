"""What a person may tune: one frozen model per section of a profile, the only home of defaults and ranges.

A profile is a YAML file with these sections; a flag of the command line overrides its field. Every number has
its unit in its name and its reason in its description, which is also the help text of the flag and of the JSON
schema that editors read.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def parse_bytes(value: Any) -> Any:
    """Turn ``512 MiB``, ``2G`` or a plain number into bytes; units are powers of 1024.

    Parameters
    ----------
    value : Any
        Text or number; anything else is returned as it is, for the schema to refuse.

    Returns
    -------
    Any
        Bytes as int where `value` was understood.

    Raises
    ------
    ValueError
        If the text is not a number with an optional unit.
    """
    if not isinstance(value, str):
        return value
    text = value.strip().lower().removesuffix("ib").removesuffix("b").strip()
    unit = _UNITS.get(text[-1:], 0)
    try:
        return int(float(text[:-1]) * unit) if unit else int(text)
    except (ValueError, OverflowError):
        raise ValueError(f"not a size: {value!r}; write for example 512MiB or 2G") from None


Bytes = Annotated[int, BeforeValidator(parse_bytes, json_schema_input_type=int | str)]


CROP_GRAMMAR = "X,Y,WIDTHxHEIGHT"
SIZE_GRAMMAR = "WIDTHxHEIGHT"


def parse_crop(text: str) -> tuple[int, int, int, int] | None:
    """Read a part of a picture.

    Parameters
    ----------
    text : str
        ``X,Y,WIDTHxHEIGHT`` in pixels, or nothing.

    Returns
    -------
    tuple of int or None
        x, y, width, height; None for all of the picture.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if not text.strip():
        return None
    found = re.fullmatch(r"\s*(\d+),(\d+),(\d+)x(\d+)\s*", text)
    if not found or "0" in (found[3], found[4]):
        raise ValueError(f"wanted {CROP_GRAMMAR} in pixels of the camera, such as 160,90,960x540, or nothing")
    x, y, width, height = map(int, found.groups())
    return x, y, width, height


def parse_size(text: str) -> tuple[int, int] | None:
    """Read the size of a picture.

    Parameters
    ----------
    text : str
        ``WIDTHxHEIGHT`` in pixels, or nothing.

    Returns
    -------
    tuple of int or None
        Width and height; None for whatever size there is.

    Raises
    ------
    ValueError
        If it is something else, or a side is not from 16 to 7680.
    """
    if not text.strip():
        return None
    found = re.fullmatch(r"\s*(\d+)x(\d+)\s*", text)
    if not found or not all(16 <= int(side) <= 7680 for side in found.groups()):
        raise ValueError(f"wanted {SIZE_GRAMMAR} of 16 to 7680 pixels, such as 1280x720, or nothing")
    return int(found[1]), int(found[2])


def _checked_by(parse: Callable[[str], object]) -> AfterValidator:
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


Crop = Annotated[str, _checked_by(parse_crop)]
Size = Annotated[str, _checked_by(parse_size)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class ScreenSettings(_Section):
    """How a screen, a region of it or a window is captured."""

    rate_hz: float = Field(default=30.0, ge=0.1, le=240.0)
    """Frames captured a second. Calls send 15 to 30; more finds nothing new."""

    cursor: bool = False
    """Whether the mouse pointer is in the picture; it would be counted as room colours."""


class CameraSettings(_Section):
    """How a webcam is opened. The camera may give something near; what it gives is shown."""

    width: int = Field(default=1280, ge=16, le=7680)
    """Wanted width in pixels."""

    height: int = Field(default=720, ge=16, le=4320)
    """Wanted height in pixels."""

    rate_hz: float = Field(default=30.0, ge=1.0, le=240.0)
    """Wanted frames a second."""

    fourcc: str = Field(default="MJPG", min_length=4, max_length=4)
    """Wanted pixel format; MJPG is the only one that USB 2 carries at 720p30."""

    retry_first_s: float = Field(default=0.5, ge=0.05, le=60.0)
    """Wait before a lost camera is tried again for the first time, in seconds; doubles each time."""

    retry_longest_s: float = Field(default=8.0, ge=0.05, le=600.0)
    """Longest wait between two tries, in seconds."""


class VideoSettings(_Section):
    """How video files are written (.mkv is lossless FFV1, .mp4 is H.264)."""

    h264_crf: int = Field(default=18, ge=0, le=51)
    """Constant rate factor of H.264: 0 is lossless, 18 looks the same, 51 is worst."""

    h264_preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "veryfast"
    """Speed against size of H.264."""


class WatchSettings(_Section):
    """The reconstruction of the room (`backroom watch`)."""

    method: Literal["leak", "rarest"] = "leak"
    """How the room is found: `leak` tells it from the person on real calls, `rarest` is roomg's rule, exact."""

    claim: float = Field(default=0.2, ge=0.02, le=0.99)
    """Method leak: how likely a colour must be the room's to be claimed in a call that surely leaks, 0 to 1; in others
    only what is likelier than .5 is claimed. Lower finds more, and more that is wrong."""

    person_model: Literal["auto", "opencv", "litert", "none"] = "auto"
    """Method leak: what runs the person model; `auto` takes LiteRT where it is installed, `none` goes without."""

    work_height_px: int = Field(default=360, ge=32, le=2160)
    """Method leak: frames with more lines are worked on at this height; 360 keeps 30 frames a second on two cores."""

    omg: int = Field(default=20, ge=0, le=765)
    """Method rarest: how far the sum B+G+R of a colour must lie from the backdrop's to be taken for room, in codes."""

    memory: Bytes = Field(default=512 << 20, ge=1 << 20, le=1 << 40)
    """Method rarest: memory for the colour counts, in bytes or as text such as 512MiB. Past it colours are counted
    coarser, and the report says so."""

    save_every_s: float = Field(default=8.0, ge=0.5, le=9.0)
    """Seconds between two saves of the state file; under 10, so that no more than 10 s are ever lost."""

    preview_every_s: float = Field(default=0.5, ge=0.05, le=60.0)
    """Seconds between two looks at the growing room (page, window, sinks, coverage over time)."""


class MaskSettings(_Section):
    """Where a protected camera shows the person (`backroom protect`)."""

    person_model: Literal["auto", "opencv", "litert"] = "auto"
    """What runs the person model; `auto` takes LiteRT where it is installed."""

    looks: Literal["auto", "both", "in_turn"] = "auto"
    """The person is looked for straight and mirrored: both at every frame, or in turn, which takes half the time and
    lets a little more through; `auto` takes turns where a live picture would not be in time, with OpenCV."""

    least_probability: float = Field(default=0.9, ge=0.05, le=0.999)
    """How likely a pixel must be the person's to be shown where the room behind is not known, 0 to 1. Lower shows more
    of the person, and of the room. Where the room is known the guard judges by how far a pixel differs from it."""

    rim_px: float = Field(default=1.0, ge=0.0, le=20.0)
    """What is taken off the person's edge where the room behind is not known, in pixels at 360 lines."""

    work_height_px: int = Field(default=360, ge=90, le=2160)
    """Frames with more lines are judged at this height; 360 keeps 30 frames a second on two cores."""


class NoiseSettings(_Section):
    """Noise in virtual backgrounds (`backroom noise`, `backroom protect`)."""

    kind: Literal["none", "pixels", "frames"] = "none"
    """Noise pixels at random places, whole frames of noise now and then, or none. Noisy frames can be dropped by who
    looks for them; noise pixels, in every frame, cannot."""

    probability: int = Field(default=20_000, ge=1, le=1 << 26)
    """Noise pixels: after each of them the frame is complete with a chance of one in so many, as in roomg's `itonv`. A
    noisy frame has so many less one on average: 20,000 are 1 % of a 1080p picture and 9 % of 640x360. `itonv` has
    100,000, which makes snow of it."""

    largest_share: float = Field(default=0.1, gt=0.0, le=1.0)
    """Noise pixels: the largest share of a frame that gets them, whatever the probability says. At .1 random colours
    change the light of a place by no more than 13 cd/m2 on a screen of 200; ITU-R BT.1702, and the Harding test that
    goes by it, see a flash from 20 on."""

    no_noises_frames: int | None = Field(default=None, ge=0, le=100_000)
    """Clean frames after each noisy one, as in roomg's `itonv` (5 there). Unless given, 0 for noise pixels, since even
    grain disturbs less than bursts of it, and nobody can drop what is in every frame; 30 for noise frames, which keeps
    them under two a second at 60 frames a second: ITU-R BT.1702 lets no more than three flashes a second pass."""

    random_frames: int | None = Field(default=None, ge=0, le=100_000)
    """And so many more clean frames at most, drawn anew each time: noisy frames that come like clockwork are dropped
    like clockwork. Unless given, as many as `no_noises_frames`."""

    strength: float = Field(default=1.0, ge=0.0, le=1.0)
    """How far noise goes from the picture's own colours, 0 to 1. Less is easier on the eye and on the codec, and hides
    less: what differs from the backdrop by less than the attacker's threshold is no noise to the attacker."""

    keep_light: bool = True
    """Noise frames: draw colours about the picture's own, so that no part of it gets brighter or darker by more than
    ITU-R BT.1702 lets pass; fine noise of even brightness is no flash (WCAG 2.2, 2.3.1, note on balanced patterns).
    False draws any colours, as roomg's `randpxs`: the whole picture flashes, which can harm people."""

    motion: float = Field(default=0.0, ge=0.0, le=0.25)
    """How far the background wanders about, irregularly, as a share of its size; 0 is not at all. It is enlarged by as
    much to twice that, so that no border shows."""

    motion_frames: int = Field(default=60, ge=10, le=100_000)
    """Frames between two changes of where the background wanders to, on average; fewer is livelier."""

    @property
    def clean_frames(self) -> int:
        """Clean frames after each noisy one: as asked for, or what suits the kind."""
        if self.no_noises_frames is not None:
            return self.no_noises_frames
        return 30 if self.kind == "frames" else 0

    @property
    def random_frames_at_most(self) -> int:
        """Further clean frames at most: as asked for, or what suits the constant."""
        return self.clean_frames if self.random_frames is None else self.random_frames


class ProtectSettings(_Section):
    """The protected camera (`backroom protect`)."""

    background: str = Field(default="#38434f", min_length=1)
    """What stands in the room's place: a colour as #RRGGBB, `noise`, `blur`, or a picture's or video's file."""

    mirror: bool = False
    """Whether left and right are exchanged, as in a mirror; the background stays as it is."""

    crop: Crop = ""
    """Part of the camera's picture to use, as X,Y,WIDTHxHEIGHT in its pixels; empty for all of it."""

    size: Size = ""
    """Size of what goes out, as WIDTHxHEIGHT in pixels; empty for that of the camera's picture or its part."""

    rate_hz: float = Field(default=0.0, ge=0.0, le=240.0)
    """Most frames a second that go out; 0 for as many as come in."""

    pause_text: str = Field(default="paused", max_length=60, pattern=r"^[ -~]*$")
    """What the picture says that stands in while the camera is paused; ASCII."""

    camera_on: Literal["watched", "always"] = "watched"
    """When the camera is on: only while somebody watches the virtual camera, or from the start to the end."""

    camera_off_after_s: float = Field(default=5.0, ge=0.0, le=600.0)
    """Seconds from the last reader's leaving until the camera is off; a client that changes its settings leaves for one
    or two."""


class MeterSettings(_Section):
    """The leak meter: how much of the room a protected camera shows, and what follows from it (`backroom protect`)."""

    is_on: bool = True
    """Whether what goes out is measured at all; without it nothing tightens the mask."""

    exposed_budget: float = Field(default=0.015, ge=0.0, le=1.0)
    """Share of the known room that may show at least once in a session, beyond chance; each further such share makes
    the mask one step tighter. Up to 1.5 % is scattered edges; a tighter mask costs hair and shoulders."""

    recovered_budget: float = Field(default=0.002, ge=0.0, le=1.0)
    """Share of the known room that our own attack may recover, beyond chance; each further such share makes the mask
    one step tighter. It finds less than shows, so this is smaller than `exposed_budget`."""

    most_steps: int = Field(default=4, ge=0, le=16)
    """How many steps the mask may be tightened, each one pixel at 360 lines all around the person; 0 only measures.
    Four are as much of the hair as most people will give."""

    relax_after_s: float = Field(default=60.0, ge=1.0, le=3600.0)
    """Seconds without leaks after which one step is taken back; doubles each time that proved too early."""

    attacks_hz: float = Field(default=5.0, ge=0.0, le=60.0)
    """Frames a second that the attack looks at; 0 goes without it. Leaks last several frames, and five cost little."""

    attack_lines: int = Field(default=180, ge=32, le=1080)
    """The attack works on pictures of this height, in pixels: a quarter of the time that 360 would take."""


class PlaySettings(_Section):
    """A film or slides that people see and cameras do not (`backroom play`)."""

    code: Literal["auto", "abab", "abba", "triple", "quad", "star"] = "auto"
    """Order of the sub-frames; `auto` takes the best for the display's rate. `star` shows 24 frames a second evenly at
    120 Hz and leaves no exposure up to 1/30 s a perfect copy, but hides less from the others (docs/kaleido.md)."""

    refresh_hz: float = Field(default=0.0, ge=0.0, le=1000.0)
    """Periods of the display a second; 0 asks the display."""

    strength: float = Field(default=1.0, ge=0.0, le=1.0)
    """How far the sub-frames go from the picture, 1 being as far as the display's colours allow."""

    headroom: Literal["adaptive", "compressed"] = "adaptive"
    """White and black leave no room for sub-frames: `adaptive` leaves them unprotected, `compressed` shows all of the
    picture in a smaller range of light, which protects them too and is paler."""

    compressed_low: float = Field(default=0.16, ge=0.0, le=0.5)
    """compressed: linear light that black is shown at, white of the display being 1."""

    compressed_high: float = Field(default=0.84, ge=0.5, le=1.0)
    """compressed: linear light that white is shown at."""

    pattern: Literal["mixed", "region", "random", "smooth"] = "mixed"
    """How neighbouring places differ: most blocks in step and the others at random, so that blur does not undo it;
    blocks in a fixed pattern; any pixel at random; or at random and smoothed."""

    block_px: int = Field(default=2, ge=1, le=512)
    """Side of the blocks, in pixels."""

    block_edge_px: float = Field(default=0.0, ge=0.0, le=64.0)
    """Width over which the modulation of a block fades towards its edges, in pixels; 0 is a hard edge."""

    epsilon: int = Field(default=2, ge=0, le=32)
    """A pixel whose colour changed by no more code values since its directions were chosen keeps them, so that noise of
    the film does not make the sub-frames jump."""

    luminance_delta: float | None = Field(default=None, ge=0.0, le=0.2)
    """Relative amplitude of the luminance pollution; null takes what the eye model calls invisible."""

    exchange: float = Field(default=0.0, ge=0.0, le=1.0)
    """Luminance that every second pixel gains while its neighbours lose as much, as a share of what its colour has or
    lacks to white, whichever is less; of orders of three colours and more. A resting eye blurs it away."""

    screen_cd_m2: float = Field(default=200.0, ge=10.0, le=4000.0)
    """Luminance of the display's white, for the eye model."""

    limit_red: bool = True
    """Whether the modulation of saturated red is bounded: its alternation is the kind most dangerous to people with
    photosensitive epilepsy (ITU-R BT.1702)."""

    fade_s: float = Field(default=0.25, ge=0.0, le=5.0)
    """How long the modulation takes to reach its strength at the start and after a slip; a sudden start is seen."""

    seed: int = Field(default=0, ge=0, lt=1 << 63)
    """Of the patterns drawn at random; 0 draws anew at each start."""

    loop: bool = False
    """Whether the source starts again at its end."""

    slide_s: float = Field(default=0.0, ge=0.0, le=86400.0)
    """A folder of pictures: seconds that each is shown; at 0 each stays until a key."""

    audio: bool = True
    """Whether the sound of a file is played with it, where the display shows it."""

    volume: float = Field(default=1.0, ge=0.0, le=1.0)
    """Of the sound."""


class PageSettings(_Section):
    """The live page, on the loopback interface only."""

    port: int = Field(default=0, ge=0, le=65535)
    """TCP port of the live page; 0 takes any free one."""

    picture_rate_hz: float = Field(default=8.0, ge=0.2, le=60.0)
    """Pictures of the call sent to the page each second."""

    picture_width_px: int = Field(default=640, ge=64, le=3840)
    """Pictures on the page are scaled down to this width."""

    jpeg_quality: int = Field(default=80, ge=10, le=100)
    """Quality of the pictures on the page; saved files are never JPEG."""


class Profile(_Section):
    """One profile: a section for each part of the program, every field with a default."""

    screen: ScreenSettings = ScreenSettings()
    camera: CameraSettings = CameraSettings()
    video: VideoSettings = VideoSettings()
    watch: WatchSettings = WatchSettings()
    mask: MaskSettings = MaskSettings()
    noise: NoiseSettings = NoiseSettings()
    protect: ProtectSettings = ProtectSettings()
    meter: MeterSettings = MeterSettings()
    play: PlaySettings = PlaySettings()
    page: PageSettings = PageSettings()
