"""The video sink: exact .mkv, faithful .mp4, and what stands on the disk when things go wrong."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from full_disk import files_no_longer_than, without_permission
from recordings import frames_of, moving_pictures, read_all, read_by_opencv, soft_picture

from config.schema import VideoSettings
from pipelines.base import Frame, Image
from stream.sinks.base import SinkError
from stream.sinks.video import VideoSink
from stream.sources.video import VideoSource

SETTINGS = VideoSettings()

# Half a nanosecond, and the rounding of the float that holds it.
MKV_TOLERANCE_S = 0.6e-9
# Half of 1/90000 s.
MP4_TOLERANCE_S = 5.6e-6
# Flat colours through 8-bit BT.709 in limited range and back: 219 luma codes for 256, chroma likewise.
# A wrong matrix would be off by 10 to 40, a wrong range by 16, values cut instead of rounded by up to 4.
FLAT_TOLERANCE = 2
# What H.264 at crf 18 keeps of soft pictures; half resolution chroma takes the most.
H264_PSNR_DB = 30.0


def record(path: Path, frames: list[Frame], rate_hz: float = 25.0, settings: VideoSettings = SETTINGS) -> None:
    write_all(VideoSink(path, rate_hz, settings), frames)


def write_all(sink: VideoSink, frames: list[Frame]) -> None:
    for frame in frames:
        sink.write(frame)
    sink.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("height", "width"), [(48, 64), (47, 65), (1, 1), (3, 700)])
def test_mkv_keeps_every_bit(height: int, width: int, tmp_path: Path, rng: np.random.Generator) -> None:
    pictures = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(4)]
    pictures += [np.full((height, width, 3), value, np.uint8) for value in (0, 255)]
    path = tmp_path / "a.mkv"
    record(path, frames_of(pictures))
    for frame, picture in zip(read_all(VideoSource(path)), pictures, strict=True):
        np.testing.assert_array_equal(frame.image, picture)
    for image, picture in zip(read_by_opencv(path), pictures, strict=True):
        np.testing.assert_array_equal(image, picture)


@pytest.mark.parametrize(("ending", "tolerance_s"), [("mkv", MKV_TOLERANCE_S), ("mp4", MP4_TOLERANCE_S)])
def test_times_are_kept_and_start_at_zero(
    ending: str, tolerance_s: float, tmp_path: Path, rng: np.random.Generator
) -> None:
    times_s = np.cumsum([0.0, 1001 / 30000, 1 / 30, 1 / 144, 0.5, 7.0, 1 / 25, 3600.0])
    frames = [Frame(p, t) for p, t in zip(moving_pictures(rng, 8, 48, 64), times_s, strict=True)]
    path = tmp_path / f"a.{ending}"
    record(path, frames)
    read = [frame.pts_s for frame in read_all(VideoSource(path))]
    assert read == pytest.approx(times_s, rel=0, abs=tolerance_s)


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_steady_recording_has_its_rate_length_and_number_of_frames(
    ending: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    path = tmp_path / f"a.{ending}"
    record(path, frames_of(moving_pictures(rng, 60, 48, 64), rate_hz=30.0, start_s=1000.0), rate_hz=30.0)
    source = VideoSource(path)
    assert source.info.rate_hz == pytest.approx(30.0, rel=1e-4)
    assert source.info.n_frames == 60
    source.close()
    with av.open(str(path)) as container:
        assert container.duration == pytest.approx(2_000_000, abs=1)  # microseconds


def test_an_mkv_says_of_itself_what_it_is_told(tmp_path: Path, rng: np.random.Generator) -> None:
    frames = [Frame(picture, 0.0) for picture in moving_pictures(rng, 1, 16, 16)]
    write_all(VideoSink(tmp_path / "a.mkv", 30.0, SETTINGS, {"BACKROOM_CODE": "abab"}), frames)
    with av.open(str(tmp_path / "a.mkv")) as container:
        tags = container.streams.video[0].metadata
    assert (tags["BACKROOM_CODE"], tags["NUMBER_OF_FRAMES"]) == ("abab", "1")


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_frames_of_one_time_are_one_unit_apart(ending: str, tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / f"a.{ending}"
    record(path, [Frame(picture, 5.0) for picture in moving_pictures(rng, 4, 48, 64)])
    times_s = [frame.pts_s for frame in read_all(VideoSource(path))]
    unit_s = 1e-9 if ending == "mkv" else 1 / 90000
    assert times_s == pytest.approx([0, unit_s, 2 * unit_s, 3 * unit_s])


def test_mkv_can_be_entered_anywhere(tmp_path: Path, rng: np.random.Generator) -> None:
    pictures = moving_pictures(rng, 200, 48, 64)
    record(tmp_path / "a.mkv", frames_of(pictures))
    with av.open(str(tmp_path / "a.mkv")) as container:
        stream = container.streams.video[0]
        container.seek(int(5.5 / stream.time_base), stream=stream)
        assert len(stream.index_entries) == 8  # one a second
        frame = next(container.decode(stream))
        assert frame.time == 5.0
        np.testing.assert_array_equal(frame.to_ndarray(format="bgr24"), pictures[125])


@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_h264_keeps_colors_where_they_are(ending: str, tmp_path: Path) -> None:
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (40, 200, 90), (128, 128, 128)]
    path = tmp_path / f"a.{ending}"
    pictures: list[Image] = [np.full((48, 64, 3), color, np.uint8) for color in colors]
    record(path, frames_of(pictures), settings=VideoSettings(h264_crf=1))
    for read in (read_by_opencv(path), [frame.image for frame in read_all(VideoSource(path))]):
        for image, color in zip(read, colors, strict=True):
            assert np.abs(image.astype(int) - color).max() <= FLAT_TOLERANCE, color


def test_h264_says_which_colors_it_has(tmp_path: Path, rng: np.random.Generator) -> None:
    record(tmp_path / "a.mp4", frames_of(moving_pictures(rng, 2, 48, 64)))
    with av.open(str(tmp_path / "a.mp4")) as container:
        codec = container.streams.video[0].codec_context
        assert codec.name == "h264"
        assert codec.pix_fmt == "yuv420p"
        assert (codec.colorspace, codec.color_primaries, codec.color_trc) == (1, 1, 1)  # BT.709
        assert codec.color_range == av.video.reformatter.ColorRange.MPEG


def test_an_odd_size_gets_a_repeated_column_and_row(tmp_path: Path, rng: np.random.Generator) -> None:
    picture = cv2.GaussianBlur(soft_picture(rng, 47, 65), (0, 0), 3)
    record(tmp_path / "a.mp4", frames_of([picture] * 3))
    image = read_all(VideoSource(tmp_path / "a.mp4"))[-1].image
    assert image.shape == (48, 66, 3)
    padded = cv2.copyMakeBorder(picture, 0, 1, 0, 1, cv2.BORDER_REPLICATE)
    assert cv2.PSNR(padded, image) > H264_PSNR_DB


def test_the_settings_reach_the_encoder(tmp_path: Path, rng: np.random.Generator) -> None:
    frames = frames_of(moving_pictures(rng, 20, 96, 128))
    sizes = {}
    for crf in (10, 40):
        record(tmp_path / f"{crf}.mp4", frames, settings=VideoSettings(h264_crf=crf))
        sizes[crf] = (tmp_path / f"{crf}.mp4").stat().st_size
    assert sizes[10] > 2 * sizes[40]
    record(tmp_path / "slow.mp4", frames, settings=VideoSettings(h264_preset="slow"))
    assert b"subme=8" in (tmp_path / "slow.mp4").read_bytes()  # x264 notes its options in the stream


# The file's life.


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_the_name_appears_with_the_finished_file_only(ending: str, tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / f"call.{ending}"
    path.write_bytes(b"the old one")
    sink = VideoSink(path, 25.0, SETTINGS)
    for frame in frames_of(moving_pictures(rng, 5, 48, 64)):
        sink.write(frame)
        assert path.read_bytes() == b"the old one"
    assert names(tmp_path) == [f"call.{ending}", f"call.part.{ending}"]
    sink.close()
    assert names(tmp_path) == [f"call.{ending}"]
    assert len(read_all(VideoSource(path))) == 5


def test_an_mkv_plays_up_to_where_its_program_was_killed(tmp_path: Path) -> None:
    program = """
        import sys
        from pathlib import Path
        import numpy as np
        from config.schema import VideoSettings
        from pipelines.base import Frame
        from stream.sinks.video import VideoSink

        sink = VideoSink(Path(sys.argv[1]), 25.0, VideoSettings())
        for i in range(1000):
            sink.write(Frame(np.full((48, 64, 3), i % 256, np.uint8), i / 25))
            print(i, flush=True)
            if i == 19:
                sys.stdin.read()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "call.mkv")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert process.stdout is not None
    assert process.stdin is not None
    for _ in range(20):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    assert names(tmp_path) == ["call.part.mkv"]
    frames = read_all(VideoSource(tmp_path / "call.part.mkv"))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == list(range(20))


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_full_disk_is_one_line_and_the_old_file_stays(ending: str, tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / f"call.{ending}"
    path.write_bytes(b"the old one")
    frames = [Frame(rng.integers(0, 256, (96, 128, 3), dtype=np.uint8), i / 25) for i in range(100)]
    sink = VideoSink(path, 25.0, SETTINGS)
    with files_no_longer_than(300_000), pytest.raises(SinkError, match="free some space") as error:
        write_all(sink, frames)
    sink.close()
    assert "\n" not in str(error.value)
    assert path.read_bytes() == b"the old one"
    if ending == "mp4":
        assert names(tmp_path) == ["call.mp4"]
        return
    part = tmp_path / "call.part.mkv"
    assert f"which are kept in {part}" in str(error.value)
    kept = read_all(VideoSource(part))
    assert f"after {len(kept)} frames" in str(error.value)
    for frame, original in zip(kept, frames, strict=False):
        np.testing.assert_array_equal(frame.image, original.image)


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_disk_that_is_full_from_the_start_leaves_nothing(
    ending: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    sink = VideoSink(tmp_path / f"call.{ending}", 25.0, SETTINGS)
    with files_no_longer_than(20), pytest.raises(SinkError, match="free some space"):
        write_all(sink, frames_of(moving_pictures(rng, 60, 96, 128)))
    assert names(tmp_path) == []


def test_a_finished_file_that_cannot_be_renamed_is_kept(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "call.mp4"
    sink = VideoSink(path, 25.0, SETTINGS)
    for frame in frames_of(moving_pictures(rng, 5, 48, 64)):
        sink.write(frame)
    path.mkdir()
    part = tmp_path / "call.part.mp4"
    with pytest.raises(SinkError, match=f"5 frames, which are kept in {part}"):
        sink.close()
    assert len(read_all(VideoSource(part))) == 5


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    VideoSink(tmp_path / "call.mkv", 25.0, SETTINGS).close()
    assert names(tmp_path) == []


def test_a_closed_file_takes_no_frame(tmp_path: Path, rng: np.random.Generator) -> None:
    sink = VideoSink(tmp_path / "call.mkv", 25.0, SETTINGS)
    frame = Frame(soft_picture(rng, 48, 64), 0.0)
    sink.write(frame)
    sink.close()
    with pytest.raises(SinkError, match=r"is finished.*; record to a new file"):
        sink.write(frame)


@pytest.mark.parametrize("name", ["call.avi", "call.webm", "call", "call.MKV.txt"])
def test_another_ending_is_refused_with_those_that_work(name: str, tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"names no video format; end it in \.mkv .*\.mp4 or \.mov"):
        VideoSink(tmp_path / name, 25.0, SETTINGS)


def test_the_ending_may_be_in_capitals(tmp_path: Path, rng: np.random.Generator) -> None:
    for name in ("a.MKV", "b.Mp4"):
        record(tmp_path / name, frames_of(moving_pictures(rng, 2, 48, 64)))
        assert len(read_all(VideoSource(tmp_path / name))) == 2


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"there is no folder .*/out; make it first"):
        VideoSink(tmp_path / "out" / "call.mkv", 25.0, SETTINGS)


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "call.mkv").mkdir()
    with pytest.raises(SinkError, match="not a plain file"):
        VideoSink(tmp_path / "call.mkv", 25.0, SETTINGS)


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path: Path, rng: np.random.Generator) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    sink = VideoSink(folder / "call.mkv", 25.0, SETTINGS)
    with without_permission(folder), pytest.raises(SinkError, match=r"denied\) after 0 frames; "):
        sink.write(Frame(soft_picture(rng, 48, 64), 0.0))
