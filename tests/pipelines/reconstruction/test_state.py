"""State files: whole or not there, checked when read, and as good as the counts they hold."""

import json
import os
import struct

import numpy as np
import pytest
from compiled import sized

from config.schema import WatchSettings
from pipelines.base import Frame, PipelineError
from pipelines.reconstruction.rarest import RarestReconstruction
from pipelines.reconstruction.state import MAGIC, VERSION

SETTINGS = WatchSettings(memory=8 << 20)


def watched(frames, height=20, width=30):
    reconstruction = RarestReconstruction(SETTINGS)
    reconstruction.warm_up(height, width, is_live=True)
    for i, image in enumerate(frames):
        reconstruction.process(Frame(image, i / 25))
    return reconstruction


@pytest.fixture
def frames(rng):
    palette = rng.integers(0, 256, (12, 3), dtype=np.uint8)
    return [palette[rng.integers(0, 12, (20, 30))] for _ in range(40)]


@pytest.fixture
def state(tmp_path, frames):
    path = tmp_path / "call.state"
    watched(frames).save(path, {"recordings": {"a": 40}})
    return path


def test_a_resumed_session_ends_as_if_it_had_never_stopped(tmp_path, frames):
    path = tmp_path / "call.state"
    watched(frames[:17]).save(path, {"note": 1})
    resumed = watched([])
    assert resumed.resume(path) == {"note": 1}
    for image in frames[17:]:
        resumed.process(Frame(image, 0.0))
    whole = watched(frames)
    assert resumed.n_frames == whole.n_frames == 40
    for mine, theirs in zip(resumed.counts.packed_bands(), whole.counts.packed_bands(), strict=True):
        np.testing.assert_array_equal(mine.entries, theirs.entries)
    np.testing.assert_array_equal(resumed.findings().room, whole.findings().room)


def test_an_empty_state_can_be_saved_and_resumed(tmp_path, frames):
    path = tmp_path / "empty.state"
    watched([]).save(path, {})
    resumed = watched([])
    resumed.resume(path)
    resumed.process(Frame(frames[0], 0.0))
    assert resumed.n_frames == 1


def test_saving_leaves_nothing_beside_the_file(state):
    assert list(state.parent.iterdir()) == [state]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[:-9], "damaged"),
        (lambda b: b[:200] + bytes([b[200] ^ 1]) + b[201:], "damaged"),
        (lambda _: b"", "not a state file"),
        (lambda _: b"hello, I am a text file of some length\n", "not a state file"),
        (lambda b: b[:10], "not a state file"),
        (lambda b: MAGIC + struct.pack("<I", VERSION + 1) + b[20:], f"got version {VERSION + 1}, wanted {VERSION}"),
        (lambda b: b[:24] + b"x" + b[25:], "damaged"),
    ],
)
def test_a_bad_state_is_refused_with_a_reason_and_the_counts_stay(state, frames, damage, message):
    state.write_bytes(damage(state.read_bytes()))
    present = watched(frames[:5])
    with pytest.raises(PipelineError, match=message):
        present.resume(state)
    assert present.n_frames == 5
    assert present.counts.colors_of(3, 3) == watched(frames[:5]).counts.colors_of(3, 3)


def test_a_state_of_another_size_names_both_sizes(state):
    with pytest.raises(PipelineError, match="holds counts of 30x20 frames, the source gives 40x20"):
        watched([], 20, 40).resume(state)


def test_a_state_of_another_method_is_refused(state):
    content = state.read_bytes()
    length = struct.unpack_from("<I", content, 20)[0]
    header = json.loads(content[24 : 24 + length])
    changed = json.dumps({**header, "method": "leak"}).encode()
    state.write_bytes(content[:20] + struct.pack("<I", len(changed)) + changed + content[24 + length :])
    with pytest.raises(PipelineError, match="counted by method 'leak'"):
        watched([]).resume(state)


def test_a_missing_folder_is_one_line_that_names_the_remedy(tmp_path, frames):
    with pytest.raises(PipelineError, match="--state") as error:
        watched(frames[:2]).save(tmp_path / "no" / "such" / "x.state", {})
    assert "\n" not in str(error.value)


def test_a_full_disk_leaves_the_old_state_intact(state, frames, monkeypatch):
    before = state.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PipelineError, match=r"No space left on device.*the file from before is intact"):
        watched(frames[:3]).save(state, {})
    assert state.read_bytes() == before
    assert list(state.parent.iterdir()) == [state]


def test_a_coarse_state_is_resumed_at_the_same_coarseness(tmp_path, rng):
    noise = [rng.integers(0, 256, (16, 128, 3), dtype=np.uint8) for _ in range(sized(260, 120))]
    settings = WatchSettings(memory=1 << 20)
    first = RarestReconstruction(settings)
    first.warm_up(16, 128, is_live=True)
    for image in noise:
        first.process(Frame(image, 0.0))
    assert not first.report()["exact"]
    first.save(tmp_path / "s", {})
    second = RarestReconstruction(settings)
    second.warm_up(16, 128, is_live=True)
    second.resume(tmp_path / "s")
    (mine,), (theirs,) = (list(r.counts.packed_bands()) for r in (first, second))
    np.testing.assert_array_equal(mine.coarse_bits, theirs.coarse_bits)
    np.testing.assert_array_equal(mine.entries, theirs.entries)
