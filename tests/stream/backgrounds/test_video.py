"""Background videos: decoded by another process, looped, paced by the stream, and nothing shown when it fails."""

import subprocess
import sys
import time

import numpy as np
import pytest

from config.schema import VideoSettings
from pipelines.base import Frame
from pipelines.protection.backgrounds import BackgroundError
from stream.backgrounds.video import StreamTime, VideoBackground, decoder_command
from stream.sinks.video import VideoSink

HEIGHT, WIDTH = 18, 32
NOTHING = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
NOBODY = np.zeros((HEIGHT, WIDTH), np.float32)
VALUES = (20, 90, 160)
PATIENCE_S = 20.0
"""For processes on a busy machine."""


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Three plain pictures, ten a second, larger than they are wanted."""
    path = tmp_path_factory.mktemp("video") / "waves.mkv"
    sink = VideoSink(path, 10.0, VideoSettings())
    for i, value in enumerate(VALUES):
        sink.write(Frame(np.full((2 * HEIGHT, 3 * WIDTH, 3), value, np.uint8), i / 10))
    sink.close()
    return path


@pytest.fixture
def begin():
    """Make backgrounds that are closed at the end."""
    made = []

    def act(path, time_of_stream, **more):
        made.append(VideoBackground(path, time_of_stream, **more))
        return made[-1]

    yield act
    for background in made:
        background.close()
        background.close()


def value_at(background, stream, now_s):
    stream.now_s = now_s
    shown = background.picture(NOTHING, NOBODY)
    assert shown.shape == (HEIGHT, WIDTH, 3)
    assert (shown == shown[0, 0, 0]).all()
    return int(shown[0, 0, 0])


def test_pictures_come_when_they_are_due_and_the_video_starts_over(video, begin):
    stream = StreamTime(is_live=False)
    background = begin(video, stream)
    background.warm_up(HEIGHT, WIDTH)
    seen = [value_at(background, stream, 7 + i / 20) for i in range(14)]
    np.testing.assert_allclose(seen, np.repeat([*VALUES, *VALUES, VALUES[0]], 2), atol=1)
    assert background.note == ""


def test_live_nothing_is_waited_for_and_a_long_pause_is_not_caught_up_with(video, begin):
    stream = StreamTime(is_live=True)
    background = begin(video, stream)
    background.warm_up(HEIGHT, WIDTH)
    first = value_at(background, stream, 0.0)
    before_s = time.monotonic()
    after_pause = [value_at(background, stream, 600 + i / 1000) for i in range(50)]
    assert time.monotonic() - before_s < 1.0
    assert first == VALUES[0]
    assert len(set(after_pause)) <= 2, "one picture, not six hundred seconds of them"


@pytest.mark.parametrize("content", [b"", b"I am not a video.\n" * 50, b"RIFF\0\0\0\0AVI LIST" + bytes(500)])
def test_a_corrupt_video_is_one_line_at_the_start(tmp_path, begin, content):
    path = tmp_path / "waves.avi"
    path.write_bytes(content)
    with pytest.raises(BackgroundError, match=r"background .*waves\.avi") as raised:
        begin(path, StreamTime()).warm_up(HEIGHT, WIDTH)
    assert "\n" not in str(raised.value)


def test_a_damaged_end_is_said_and_the_good_part_goes_round(video, begin, tmp_path):
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(video.read_bytes()[: video.stat().st_size * 4 // 5])
    stream = StreamTime(is_live=False)
    background = begin(cut, stream)
    background.warm_up(HEIGHT, WIDTH)
    seen = {value_at(background, stream, i / 10) for i in range(8)}
    assert seen <= set(VALUES)
    assert "cut.mkv" in background.note


def python(code):
    return lambda path, height, width: [sys.executable, "-c", code]


GOOD_ONCE = f"""
import os, sys, time
from stream.backgrounds.child import FRAME, HEADER
size = {HEIGHT * WIDTH * 3}
sys.stdout.buffer.write(HEADER.pack(FRAME, 0.0, size) + bytes([50]) * size)
sys.stdout.buffer.flush()
"""


def test_a_crash_at_the_start_is_one_line(video, begin):
    background = begin(video, StreamTime(), command=python("import os; os.abort()"))
    with pytest.raises(BackgroundError, match="its decoder crashed; make a fresh copy"):
        background.warm_up(HEIGHT, WIDTH)


def test_a_hang_at_the_start_is_one_line(video, begin):
    background = begin(video, StreamTime(), command=python("import time; time.sleep(60)"), start_s=0.3)
    with pytest.raises(BackgroundError, match=r"no picture in 0\.3 s"):
        background.warm_up(HEIGHT, WIDTH)


@pytest.mark.parametrize("fault", ["os.abort()", "time.sleep(60)"], ids=["crash", "hang"])
def test_a_decoder_that_fails_while_running_gives_nothing_until_another_one_is_there(video, begin, tmp_path, fault):
    is_seen = tmp_path / "seen"
    wait = f"while not os.path.exists({str(is_seen)!r}): time.sleep(0.01)\n"
    commands = [python(GOOD_ONCE + wait + fault), decoder_command]
    stream = StreamTime()

    def command(*wanted):
        return (commands.pop(0) if commands else decoder_command)(*wanted)

    background = begin(
        video,
        stream,
        command=command,
        patience_s=0.5,
        retry_s=[0.1],
    )
    background.warm_up(HEIGHT, WIDTH)
    assert value_at(background, stream, 0.0) == 50
    is_seen.touch()
    until_s, n_failed, shown = time.monotonic() + PATIENCE_S, 0, 50
    while shown == 50 and time.monotonic() < until_s:
        time.sleep(0.02)
        try:
            shown = value_at(background, stream, stream.now_s + 0.02)
        except BackgroundError:
            n_failed += 1
    assert shown in VALUES
    assert n_failed > 0


def test_the_process_ends_with_the_background(video, begin):
    background = begin(video, StreamTime())
    background.warm_up(HEIGHT, WIDTH)
    process = background._player._process
    background.close()
    assert process.returncode is not None


def test_the_process_ends_with_its_parent(video):
    command = decoder_command(video, HEIGHT, WIDTH)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.read(10)
        process.stdin.close()
        # It is held up by a pipe that nobody reads, and ends all the same.
        assert process.wait(PATIENCE_S) == 0
