"""The video source: OpenCV's pixels, the container's times, and what is said of files that are not whole."""

import contextlib
import http.server
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from full_disk import without_permission
from recordings import (
    frames_of,
    frames_until_end,
    moving_pictures,
    read_all,
    read_by_opencv,
    soft_picture,
    write_video,
)

from config.schema import VideoSettings
from pipelines.base import Frame, Image
from stream.sinks.video import VideoSink
from stream.sources.base import CaptureError
from stream.sources.decoder import Clock
from stream.sources.video import VideoSource

SIZES = [(48, 64), (47, 65), (50, 66)]

FORMATS = [
    # codec, pixel format, ending, may the size be odd
    ("libx264", "yuv420p", "mp4", False),
    ("libx264", "yuv422p", "mp4", False),
    ("libx264", "yuv444p", "mkv", True),
    ("libx264", "yuv420p10le", "mp4", False),
    ("libx264", "gray", "mp4", True),
    ("ffv1", "bgr0", "mkv", True),
    ("ffv1", "bgra", "mkv", True),
    ("ffv1", "yuv420p", "mkv", True),
    ("ffv1", "yuva420p", "mkv", True),
    ("ffv1", "gray", "mkv", True),
    ("ffv1", "gray16le", "mkv", True),
    ("ffv1", "gbrp10le", "mkv", True),
    ("mjpeg", "yuvj420p", "avi", True),
    ("mjpeg", "yuvj422p", "avi", True),
    ("mpeg4", "yuv420p", "avi", True),
    ("libvpx", "yuv420p", "webm", True),
    ("libvpx-vp9", "yuv420p", "webm", True),
    ("rawvideo", "bgr24", "avi", True),
    ("rawvideo", "yuv420p", "avi", True),
    ("png", "rgba", "mov", True),
    ("gif", "bgr8", "gif", True),
]

TAGS = [
    # AVCOL_SPC_* and AVCOL_RANGE_*: BT.709, BT.601 (625 and 525 lines), SMPTE 240M, BT.2020; limited and full.
    (colorspace, color_range)
    for colorspace in (1, 5, 6, 7, 9)
    for color_range in (1, 2)
]


def assert_equals_opencv(path: Path, n_frames: int) -> None:
    ours = read_all(VideoSource(path))
    theirs = read_by_opencv(path)
    assert len(ours) == len(theirs) == n_frames
    for i, (frame, image) in enumerate(zip(ours, theirs, strict=True)):
        np.testing.assert_array_equal(frame.image, image, err_msg=f"frame {i}")


@pytest.mark.parametrize(("codec", "pix_fmt", "ending", "may_be_odd"), FORMATS)
def test_pixels_equal_opencvs(
    codec: str, pix_fmt: str, ending: str, may_be_odd: bool, tmp_path: Path, rng: np.random.Generator
) -> None:
    for height, width in SIZES:
        if may_be_odd or not (height % 2 or width % 2):
            pictures = moving_pictures(rng, 4, height, width)
            path = write_video(tmp_path / f"{width}x{height}.{ending}", pictures, codec, pix_fmt)
            assert_equals_opencv(path, 4)


@pytest.mark.parametrize(("colorspace", "color_range"), TAGS)
def test_pixels_equal_opencvs_under_every_color_tag(
    colorspace: int, color_range: int, tmp_path: Path, rng: np.random.Generator
) -> None:
    pictures = moving_pictures(rng, 2, 48, 64)
    path = write_video(tmp_path / "a.mp4", pictures, colorspace=colorspace, color_range=color_range)
    assert_equals_opencv(path, 2)


@pytest.mark.parametrize("rotation", [90, 180, 270, 45])
def test_a_rotated_recording_stands_as_in_opencv(rotation: int, tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_video(tmp_path / "a.mp4", moving_pictures(rng, 2, 48, 64), rotation=rotation)
    source = VideoSource(path)
    size = (64, 48) if rotation in (90, 270) else (48, 64)
    assert (source.info.height, source.info.width) == size
    source.close()
    assert_equals_opencv(path, 2)


@pytest.mark.parametrize("name", ["roomg/sample_01.mp4", "talking_face_blue_screen.mp4", "people_one_by_one.mp4"])
def test_real_footage_equals_opencvs(name: str, shared: Path) -> None:
    path = shared / "data" / name
    source = VideoSource(path)
    for i, image in enumerate(read_by_opencv(path, n_most=30)):
        frame = source.read()
        assert frame is not None
        np.testing.assert_array_equal(frame.image, image, err_msg=f"frame {i}")
    source.close()


def test_frames_outlive_the_source_and_later_frames(tmp_path: Path, rng: np.random.Generator) -> None:
    pictures = moving_pictures(rng, 30, 48, 64)
    path = write_video(tmp_path / "a.mkv", pictures, "ffv1", "bgr0")
    for frame, picture in zip(read_all(VideoSource(path)), pictures, strict=True):
        np.testing.assert_array_equal(frame.image, picture)


def test_dense_rows_are_not_copied(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_video(tmp_path / "a.mkv", moving_pictures(rng, 2, 48, 64), "ffv1", "bgr0")
    frame = VideoSource(path).read()
    assert frame is not None
    owner = frame.image
    while isinstance(owner, np.ndarray):
        owner = owner.base
    assert isinstance(owner.obj if isinstance(owner, memoryview) else owner, av.video.plane.VideoPlane)


# Times.


def test_times_are_the_containers_to_the_last_bit(tmp_path: Path, rng: np.random.Generator) -> None:
    rate = Fraction(30000, 1001)
    path = write_video(tmp_path / "a.mp4", moving_pictures(rng, 40, 48, 64), rate=rate)
    frames = read_all(VideoSource(path))
    assert [frame.pts_s for frame in frames] == [i * 1001 / 30000 for i in range(40)]


def test_uneven_times_are_kept(tmp_path: Path, rng: np.random.Generator) -> None:
    times_s = [0.0, 0.1, 0.11, 0.5, 2.0, 2.25]
    path = tmp_path / "a.mkv"
    sink = VideoSink(path, 25.0, VideoSettings())
    for picture, time_s in zip(moving_pictures(rng, 6, 48, 64), times_s, strict=True):
        sink.write(Frame(picture, 17.0 + time_s))
    sink.close()
    # The sum 17.0 + t and its difference round in the last bit of 17.0.
    assert [frame.pts_s for frame in read_all(VideoSource(path))] == pytest.approx(times_s, abs=1e-8)


def test_frames_without_a_time_follow_at_the_nominal_rate(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_video(tmp_path / "a.264", moving_pictures(rng, 10, 48, 64), container_format="h264")
    source = VideoSource(path)
    assert source.info.rate_hz == 25.0
    assert source.info.n_frames is None
    times_s = [frame.pts_s for frame in read_all(source)]
    assert times_s == pytest.approx([i / 25 for i in range(10)])


def test_the_clock_goes_on_where_recordings_were_put_end_to_end() -> None:
    clock = Clock(Fraction(1, 10), rate_hz=10.0)
    stamps = [100, 101, None, 103, 50, 51, 52]
    assert [clock.pts_s(stamp) for stamp in stamps] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_the_clock_waits_where_stamps_jitter_backwards() -> None:
    clock = Clock(Fraction(1, 10), rate_hz=10.0)
    assert [clock.pts_s(stamp) for stamp in [0, 2, 1, 3]] == pytest.approx([0, 0.2, 0.2, 0.3])


# What the container says.


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.mp4", {"movflags": "frag_keyframe"}),
        ("a.mov", {}),
        ("a.avi", {}),
    ],
)
def test_the_number_of_frames_is_told(
    name: str, options: dict[str, str], tmp_path: Path, rng: np.random.Generator
) -> None:
    path = write_video(tmp_path / name, moving_pictures(rng, 30, 48, 64), options={"g": "7"}, container_options=options)
    source = VideoSource(path)
    assert source.info.n_frames == 30
    assert source.info.rate_hz == 25.0
    assert not source.info.is_live
    assert len(read_all(source)) == 30
    assert source.status == ""


@pytest.mark.parametrize(("ending", "b_frames"), [("mp4", "2"), ("mkv", "2"), ("avi", "0")])
@pytest.mark.parametrize("start_s", [0.04, 0.5, 1.0, 1.17, 1.999])
def test_a_recording_entered_in_the_middle_gives_the_same_frames_from_there(
    ending: str, b_frames: str, start_s: float, tmp_path: Path, rng: np.random.Generator
) -> None:
    path = tmp_path / f"a.{ending}"
    write_video(path, moving_pictures(rng, 50, 48, 64), options={"g": "12", "bf": b_frames})
    with contextlib.closing(VideoSource(path)) as source:
        whole = list(frames_until_end(source))
        entered = read_all(source.at(start_s))
    first = max(i for i, frame in enumerate(whole) if frame.pts_s <= start_s)
    assert [frame.pts_s for frame in entered] == [frame.pts_s for frame in whole[first:]]
    for frame, same in zip(entered, whole[first:], strict=True):
        np.testing.assert_array_equal(frame.image, same.image)


def test_a_recording_entered_past_its_end_gives_its_last_frame(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "a.mp4"
    write_video(path, moving_pictures(rng, 10, 48, 64))
    with contextlib.closing(VideoSource(path)) as source:
        whole, entered = list(frames_until_end(source)), read_all(source.at(99.0))
    assert [frame.pts_s for frame in entered] == [whole[-1].pts_s]
    np.testing.assert_array_equal(entered[0].image, whole[-1].image)


def test_a_recording_that_is_left_early_is_not_called_damaged(tmp_path: Path, rng: np.random.Generator) -> None:
    source = VideoSource(write_video(tmp_path / "a.mp4", moving_pictures(rng, 30, 48, 64)))
    for _ in range(5):
        assert source.read() is not None
    source.close()
    assert source.read() is None
    assert source.status == ""


def test_frames_that_a_trim_hides_are_not_missed(tmp_path: Path, rng: np.random.Generator) -> None:
    whole = write_video(tmp_path / "whole.mp4", moving_pictures(rng, 60, 48, 64), options={"g": "20"})
    path = tmp_path / "trimmed.mp4"
    with av.open(str(whole)) as given, av.open(str(path), "w") as trimmed:
        stream = trimmed.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size:
                assert packet.pts is not None
                assert packet.dts is not None
                assert packet.time_base is not None
                second = round(1 / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - second, packet.dts - second, stream
                trimmed.mux(packet)
    source = VideoSource(path)
    expected = [frame.image for frame in read_all(VideoSource(whole))][25:]
    for frame, image in zip(read_all(source), expected, strict=True):
        np.testing.assert_array_equal(frame.image, image)
    assert source.status == ""


def test_a_cover_picture_is_not_the_video(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        cover = container.add_stream("png", rate=1)
        cover.height, cover.width, cover.pix_fmt = 20, 20, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.mux(cover.encode(av.VideoFrame.from_ndarray(soft_picture(rng, 20, 20), format="rgb24")))
        for picture in moving_pictures(rng, 5, 48, 64):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    frames = read_all(VideoSource(path))
    assert [frame.image.shape for frame in frames] == [(48, 64, 3)] * 5


@pytest.mark.parametrize("name", ["räume 100%d.mp4", "a:b.mp4", "-x.mp4", "#1?.mp4"])
def test_any_name_will_do(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    written = write_video(tmp_path / "a.mp4", moving_pictures(rng, 2, 48, 64))
    assert len(read_all(VideoSource(written.rename(tmp_path / name)))) == 2


# Files that are not what they should be.


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("Dear diary,\n" * 100)


def folder(path: Path) -> None:
    path.mkdir()


def nothing(path: Path) -> None:
    assert not path.exists()


def sound_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.planes[0].update(bytes(4096))
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def without_index(path: Path) -> None:
    write_video(path, moving_pictures(np.random.default_rng(0), 30, 48, 64))
    path.write_bytes(path.read_bytes()[:-100])


def undecodable(path: Path) -> None:
    write_video(path, moving_pictures(np.random.default_rng(0), 5, 48, 64))
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start : data.index(b"moov") - 4] = bytes(data.index(b"moov") - 4 - start)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (nothing, "no such file; check"),
        (folder, "is a folder; name"),
        (empty, "is empty \\(0 bytes\\); copy"),
        (text, "not a video that can be read .*; wanted"),
        (sound_only, "has no video in it .*; name"),
        (without_index, "index \\(moov\\) is missing.*; rebuild"),
        (undecodable, "not one frame can be decoded; make"),
    ],
)
def test_a_file_without_frames_is_one_line_with_the_remedy(
    make: Callable[[Path], None], what: str, tmp_path: Path
) -> None:
    path = tmp_path / "call.mp4"
    make(path)
    with pytest.raises(CaptureError, match=what) as error:
        VideoSource(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_may_not_be_read_is_one_line_with_the_remedy(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_video(tmp_path / "call.mp4", moving_pictures(rng, 2, 48, 64))
    with without_permission(path), pytest.raises(CaptureError, match=r"denied\); check its permissions"):
        VideoSource(path)


def read_to_the_error(path: Path) -> tuple[list[Frame], str]:
    """Return the frames that came before the error, and its text; the end is the end from then on."""
    source = VideoSource(path)
    frames: list[Frame] = []
    with pytest.raises(CaptureError) as error:
        frames.extend(frames_until_end_into(source, frames))
    assert source.read() is None
    assert source.read() is None
    source.close()
    assert "\n" not in str(error.value)
    return frames, str(error.value)


def frames_until_end_into(source: VideoSource, frames: list[Frame]) -> list[Frame]:
    for frame in frames_until_end(source):
        frames.append(frame)  # noqa: PERF402 - what came before the error is wanted
    return []


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "options", "of"),
    [
        ("a.mp4", "libx264", "yuv420p", {"movflags": "faststart"}, " of 60"),
        ("a.avi", "mjpeg", "yuvj420p", {}, " of 60"),
        ("a.mkv", "libx264", "yuv420p", {}, ""),
        ("a.webm", "libvpx", "yuv420p", {}, ""),
    ],
)
def test_a_cut_off_file_gives_all_its_good_frames_and_then_says_so(
    name: str,
    codec: str,
    pix_fmt: str,
    options: dict[str, str],
    of: str,
    tmp_path: Path,
    rng: np.random.Generator,
) -> None:
    path = write_video(tmp_path / name, moving_pictures(rng, 60, 144, 192), codec, pix_fmt, container_options=options)
    # By time: where frames are coded out of order, the last ones before the cut have gaps between them.
    whole = {frame.pts_s: frame.image for frame in read_all(VideoSource(path))}
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    frames, message = read_to_the_error(path)
    assert 1 < len(frames) < 60
    assert f"{len(frames)}{of} frames were read and are kept; the file ends early" in message
    for frame in frames:
        np.testing.assert_array_equal(frame.image, whole[frame.pts_s])


def test_damage_in_the_middle_costs_frames_up_to_the_next_key_frame_only(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    path = write_video(tmp_path / "a.mp4", moving_pictures(rng, 60, 144, 192), options={"g": "10", "bf": "0"})
    whole = read_all(VideoSource(path))
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        assert [packet.is_keyframe for packet in packets[:11]] == [True] + [False] * 9 + [True]
        start = packets[12].pos
        assert start is not None
    data = bytearray(path.read_bytes())
    data[start : start + 4] = b"\xff\xff\xff\xff"  # the length of a unit, far too long
    path.write_bytes(data)
    frames, message = read_to_the_error(path)
    assert "52 of 60 frames were read and are kept; it is damaged in 1 place(s), the first after 12 frames" in message
    for frame, original in zip(frames, whole[:12] + whole[20:], strict=True):
        np.testing.assert_array_equal(frame.image, original.image)
        assert frame.pts_s == original.pts_s


def test_a_matroska_file_that_loses_its_thread_says_so(tmp_path: Path, rng: np.random.Generator) -> None:
    path = write_video(tmp_path / "a.mkv", moving_pictures(rng, 100, 48, 64))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    frames, message = read_to_the_error(path)
    assert 1 <= len(frames) < 100
    assert f"{len(frames)} frames were read and are kept" in message
    assert message.endswith("make a fresh copy of the recording")


def test_a_size_that_changes_is_named_with_the_frame_and_the_remedy(tmp_path: Path, rng: np.random.Generator) -> None:
    small = write_video(tmp_path / "s.264", moving_pictures(rng, 4, 48, 64), container_format="h264")
    large = write_video(tmp_path / "l.264", moving_pictures(rng, 4, 96, 128), container_format="h264")
    path = tmp_path / "call.264"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    frames, message = read_to_the_error(path)
    assert len(frames) == 4
    assert "frame 4 (the first is 0) is 128x96, those before it are 64x48 and are kept" in message
    assert "scale=128:96" in message


def test_a_playlist_never_reaches_the_network(tmp_path: Path) -> None:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a.ts"
        path = tmp_path / "call.m3u8"
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n")
        with pytest.raises(CaptureError):
            VideoSource(path)
        server.shutdown()
    assert asked == []


def test_a_crashed_recording_is_no_error(tmp_path: Path, rng: np.random.Generator) -> None:
    pictures: list[Image] = moving_pictures(rng, 5, 48, 64)
    sink = VideoSink(tmp_path / "call.mkv", 25.0, VideoSettings())
    for frame in frames_of(pictures):
        sink.write(frame)
    source = VideoSource(tmp_path / "call.part.mkv")
    assert source.info.n_frames is None
    for frame, picture in zip(read_all(source), pictures, strict=True):
        np.testing.assert_array_equal(frame.image, picture)
    sink.close()
