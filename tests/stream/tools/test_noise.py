"""Noisy backgrounds as files: what clients take, what the noise is, and one line for every bad input."""

import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from full_disk import files_no_longer_than
from recordings import read_all, soft_picture

from config.schema import NoiseSettings, VideoSettings
from pipelines.protection.noise import noise_picture
from stream import cli
from stream.sinks.base import SinkError
from stream.sources.video import VideoSource
from stream.tools.noise import VideoPlan, make_noise_video, parse_size, save_noise_picture

PIXELS = NoiseSettings(kind="pixels", probability=300)


@pytest.fixture
def image(tmp_path: Path, rng: np.random.Generator) -> Path:
    path = tmp_path / "beach.png"
    cv2.imwrite(str(path), soft_picture(rng, 66, 96))
    return path


def made(plan: VideoPlan, settings: NoiseSettings = PIXELS) -> tuple[str, ...]:
    return make_noise_video(plan, settings, VideoSettings()).notes


def pictures_of(path: Path) -> np.ndarray:
    return np.array([frame.image for frame in read_all(VideoSource(path))])


@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_a_video_is_what_meeting_clients_take(ending: str, image: Path, tmp_path: Path) -> None:
    out = tmp_path / f"noisy.{ending}"
    made(VideoPlan(str(image), out, duration_s=0.5, rate_hz=30))
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.average_rate) == (96, 66, 30)
        assert sum(1 for _ in container.decode(stream)) == 15
        assert not container.streams.audio
    content = out.read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat"), "the index comes first"


def test_a_lossless_video_has_the_pictures_own_pixels_but_for_the_noise(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "noisy.mkv"
    notes = made(VideoPlan(str(image), out, duration_s=1, rate_hz=25))
    frames = pictures_of(out)
    assert len(frames) == 25
    share = (frames != cv2.imread(str(image))).any(axis=-1).mean(axis=(1, 2))
    assert 0 < share.mean() <= share.max() <= 0.1
    assert any("Zoom takes 480x360 to 1920x1080" in note for note in notes)


def test_a_seed_makes_the_same_file_and_none_another(image: Path, tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", 1), ("b", 1), ("c", None), ("d", None)):
        out = tmp_path / f"{name}.mkv"
        made(VideoPlan(str(image), out, duration_s=0.2, seed=seed))
        contents.append(pictures_of(out).tobytes())
    assert contents[0] == contents[1]
    assert len(set(contents)) == 3


def test_a_size_is_covered_and_not_stretched(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.mkv"
    made(VideoPlan(str(image), out, duration_s=0.04, size=(32, 64)), NoiseSettings())
    shown = pictures_of(out)[0].astype(int)
    wanted = cv2.resize(cv2.imread(str(image)), (64, 44), interpolation=cv2.INTER_AREA)[6:38]
    assert np.abs(shown - wanted).max() <= 1


def test_a_large_or_odd_picture_is_brought_to_what_clients_take(tmp_path: Path, rng: np.random.Generator) -> None:
    large, odd = tmp_path / "large.png", tmp_path / "odd.png"
    cv2.imwrite(str(large), soft_picture(rng, 1500, 2001))
    cv2.imwrite(str(odd), soft_picture(rng, 401, 601))
    notes = made(VideoPlan(str(large), tmp_path / "large.mkv", duration_s=0.03))
    assert pictures_of(tmp_path / "large.mkv").shape == (1, 1080, 1440, 3)
    assert any("large.png is 2001x1500" in note for note in notes)
    assert made(VideoPlan(str(odd), tmp_path / "odd.mkv", duration_s=0.03)) == ()
    assert pictures_of(tmp_path / "odd.mkv").shape == (1, 400, 600, 3)


def test_nothing_but_noise_needs_no_picture(tmp_path: Path) -> None:
    out = tmp_path / "noise.mkv"
    made(VideoPlan("noise", out, duration_s=0.2, size=(48, 64)))
    frames = pictures_of(out)
    assert frames.shape == (6, 48, 64, 3)
    assert frames.std() > 60
    assert 0 < (frames[0] != frames[1]).any(axis=-1).mean() <= 0.1


def test_flashing_is_said(image: Path, tmp_path: Path) -> None:
    flashing = NoiseSettings(kind="frames", keep_light=False)
    notes = made(VideoPlan(str(image), tmp_path / "a.mkv", duration_s=0.1), flashing)
    assert any("flashes, which can harm people" in note for note in notes)


def test_a_noise_picture_is_saved_as_it_is(tmp_path: Path) -> None:
    save_noise_picture(tmp_path / "image_31415.png", (40, 60), 31415)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "image_31415.png")), noise_picture(40, 60, 31415))


@pytest.mark.parametrize("text", ["", "720", "720p", "1280x", "0x0", "8x720", "1280x99999", "-64x64", "64.5x64"])
def test_what_is_no_size_is_said(text: str) -> None:
    with pytest.raises(SinkError, match="write for example 1280x720"):
        parse_size(text)
    assert parse_size("1280x720") == parse_size(" 1280X720 ") == (720, 1280)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["video", "IMAGE", "DIR/a.avi"], ["a.avi", ".mp4"]),
        (["video", "DIR/nowhere.png", "DIR/a.mp4"], ["nowhere.png", "no such file"]),
        (["video", "DIR", "DIR/a.mp4"], ["is a folder"]),
        (["video", "DIR/text.png", "DIR/a.mp4"], ["text.png"]),
        (["video", "IMAGE", "DIR/nowhere/a.mp4"], ["no folder"]),
        (["video", "IMAGE", "DIR/a.mp4", "--size", "641x360"], ["641x360", "640x360"]),
        (["video", "IMAGE", "DIR/a.mp4", "--size", "big"], ["'big'", "1280x720"]),
        (["video", "IMAGE", "DIR/a.mp4", "--probability", "0"], ["noise.probability", "greater than or equal to 1"]),
        (["video", "IMAGE", "DIR/a.mp4", "--motion", "nan"], ["noise.motion"]),
        (["image", "DIR/a.jpg"], ["a.jpg", ".png"]),
        (["image", "DIR/nowhere/a.png"], ["cannot be written"]),
        (["image", "DIR/a.png", "--size", "12"], ["'12'", "1280x720"]),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    arguments: list[str],
    words: list[str],
    image: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "text.png").write_text("no picture")
    named = [text.replace("IMAGE", str(image)).replace("DIR", str(folder)) for text in arguments]
    monkeypatch.setattr(sys, "argv", ["backroom", "noise", *named])
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr().err.strip()
    assert end.value.code == 2
    assert "\n" not in said
    assert all(word in said for word in words), said
    assert [path.name for path in folder.iterdir()] == ["text.png"]


def test_a_full_disk_leaves_no_file_of_the_final_name(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"old")
    with files_no_longer_than(20_000), pytest.raises(SinkError, match=r"out\.mp4 cannot be written"):
        made(VideoPlan(str(image), out, duration_s=4), NoiseSettings(kind="frames", no_noises_frames=0))
    assert out.read_bytes() == b"old"


def test_the_commands_make_both(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, video = tmp_path / "n.png", tmp_path / "n.mp4"
    monkeypatch.setattr(sys, "argv", ["backroom", "noise", "image", str(picture), "--size", "64x48", "--seed", "5"])
    cli.main()
    np.testing.assert_array_equal(cv2.imread(str(picture)), noise_picture(48, 64, 5))
    flags = ["--duration", "0.2", "--noise", "frames", "--no-noises-frames", "2", "--motion", "0.1", "--seed", "5"]
    monkeypatch.setattr(sys, "argv", ["backroom", "noise", "video", str(image), str(video), *flags])
    cli.main()
    assert len(pictures_of(video)) == 6
