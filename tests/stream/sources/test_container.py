"""Whether a file is all there is read off its outermost boxes, and never guessed."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import moving_pictures, write_video

from stream.sources.container import Outline, read_outline

KINDS = {
    "mp4, index last": ("a.mp4", "libx264", "yuv420p", {}),
    "mp4, index first": ("a.mp4", "libx264", "yuv420p", {"movflags": "faststart"}),
    "mp4, fragments": ("a.mp4", "libx264", "yuv420p", {"movflags": "frag_keyframe"}),
    "mov": ("a.mov", "libx264", "yuv420p", {}),
    "mkv": ("a.mkv", "ffv1", "bgr0", {}),
    "webm": ("a.webm", "libvpx", "yuv420p", {}),
    "avi": ("a.avi", "mjpeg", "yuvj420p", {}),
}


def outline_of(data: bytes) -> Outline:
    return read_outline(io.BytesIO(data))


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_is_seen_at_every_length_and_a_whole_file_is_never_called_cut(
    kind: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    name, codec, pix_fmt, options = KINDS[kind]
    path = write_video(tmp_path / name, moving_pictures(rng, 8, 48, 64), codec, pix_fmt, container_options=options)
    data = path.read_bytes()
    whole = outline_of(data)
    assert not whole.is_cut
    assert not whole.lacks_index
    assert not outline_of(data + b"\0\0\0").is_cut
    for n_bytes in (len(data) - 1, len(data) * 3 // 4, len(data) // 2):
        cut = outline_of(data[:n_bytes])
        # Between two fragments a fragmented file ends well.
        assert cut.is_cut or cut.lacks_index or "fragments" in kind


def test_an_index_that_was_never_written_is_missed(tmp_path: Path, rng: np.random.Generator) -> None:
    data = write_video(tmp_path / "a.mp4", moving_pictures(rng, 8, 48, 64)).read_bytes()
    assert outline_of(data[: data.rindex(b"moov") - 4]).lacks_index


def test_boxes_that_a_dead_recorder_left_open_say_nothing() -> None:
    unknown = bytes.fromhex("1a45dfa380 18538067 01ffffffffffffff") + bytes(100)
    assert not outline_of(unknown).is_cut
    assert outline_of(unknown).declared_bytes is None
    assert not outline_of(b"RIFF\0\0\0\0AVI " + bytes(100)).is_cut


@given(st.binary(max_size=200), st.sampled_from([b"", b"\0\0\0\x18ftyp", b"RIFF", b"\x1a\x45\xdf\xa3"]))
def test_any_bytes_are_walked_to_an_end(data: bytes, head: bytes) -> None:
    assert outline_of(head + data).size_bytes == len(head + data)
