"""The method on simulated calls of a real person, with a client's real mistakes and a real codec."""

import cv2
import numpy as np
import pytest
from compiled import IS_COMPILED
from simulated_call import CallPlan, make_call

from config.schema import WatchSettings
from pipelines.base import Frame
from pipelines.reconstruction.leak.pipeline import LeakReconstruction
from pipelines.reconstruction.score import score
from stream.sources.video import VideoSource

N_FRAMES, FEW_FRAMES = 250, 130

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="a whole call takes minutes while the kernels are not compiled")


@pytest.fixture
def watch(shared, tmp_path):
    """Make a call of the given plan and watch it; return the reconstruction and the call's folder."""

    def run(**plan):
        clip = str(shared / "data" / "talking_face_blue_screen.mp4")
        make_call(tmp_path, CallPlan(clip, **{"n_frames": N_FRAMES} | plan))
        source = VideoSource(tmp_path / "call.mp4")
        reconstruction = LeakReconstruction(WatchSettings())
        reconstruction.warm_up(source.info.height, source.info.width, is_live=False)
        while (frame := source.read()) is not None:
            reconstruction.process(Frame(frame.image, frame.pts_s))
        source.close()
        return reconstruction, tmp_path

    return run


def scored(reconstruction, call):
    room, backdrop = (cv2.imread(str(call / f"{name}.png")) for name in ("room", "backdrop"))
    return score(reconstruction.findings().room, room, backdrop, np.load(call / "w.npy"))


def test_a_leaking_call_is_found_out_and_claims_are_right_as_often_as_promised(watch, shared):
    data = shared / "data"
    reconstruction, call = watch(room=str(data / "room_garage.png"), backdrop=str(data / "roomg" / "zoom_vbg.png"))
    result = scored(reconstruction, call)
    assert result.precision >= 0.4
    assert result.recall >= 0.12
    findings = reconstruction.findings()
    assert findings.leaks[findings.room[..., 3] > 0].min() >= 1


def test_a_short_call_with_small_leaks_is_found_out(watch, shared):
    result = scored(*watch(room=str(shared / "data" / "room_bedroom.png"), style="dilate", start=40))
    assert result.precision >= 0.4
    assert result.recall >= 0.03


def test_a_call_that_leaks_nothing_is_not_given_a_room(watch):
    reconstruction, _ = watch(room="drawn:1", style="eroded", start=40)
    assert reconstruction.findings().coverage <= 0.01


def test_a_video_backdrop_is_out_of_reach_and_said(watch):
    reconstruction, _ = watch(room="drawn:1", backdrop="noise", start=40, n_frames=FEW_FRAMES)
    assert reconstruction.findings().coverage == 0
    assert any("out of reach" in line for line in reconstruction.status())


def test_a_blurred_backdrop_is_said(watch, shared):
    reconstruction, _ = watch(
        room=str(shared / "data" / "room_garage.png"), backdrop="blur", start=40, n_frames=FEW_FRAMES
    )
    assert any("looks blurred" in line for line in reconstruction.status())
