"""How `backroom protect` is put together: which cameras rest while nobody watches."""

from pathlib import Path

import numpy as np
import pytest
from scripted_camera import WEBCAM, EndlessCamera, Port

from config.schema import CameraSettings, Profile
from stream.run_protect import _on_demand
from stream.sinks.open import open_sink
from stream.sources.base import Source
from stream.sources.camera import CameraSource
from stream.sources.images import ImagesSource
from stream.sources.on_demand import OnDemandSource


@pytest.fixture
def camera():
    picture = np.zeros((48, 64, 3), np.uint8)
    source = CameraSource(0, CameraSettings(), find=lambda: (WEBCAM,), open_camera=Port(EndlessCamera(picture)))
    yield source
    source.close()


def put_together(source: Source, *sinks: str) -> Source:
    return _on_demand(source, [open_sink(text, 30.0, Profile()) for text in sinks], Profile())


@pytest.mark.parametrize("sinks", [("virtual-camera",), ("virtual-camera:/dev/video10", "virtual-camera:Second")])
def test_a_webcam_for_virtual_cameras_alone_rests_while_nobody_watches(camera: CameraSource, sinks: tuple) -> None:
    source = put_together(camera, *sinks)
    assert isinstance(source, OnDemandSource)
    source.close()


@pytest.mark.parametrize("sinks", [(), ("file:a.mkv",), ("virtual-camera", "file:a.mkv"), ("display",)])
def test_a_webcam_that_is_recorded_or_shown_as_well_stays_on(camera: CameraSource, sinks: tuple) -> None:
    assert put_together(camera, *sinks) is camera


def test_what_has_no_light_stays_on(tmp_path: Path) -> None:
    from pipelines.base import Frame
    from stream.sinks.images import ImagesSink

    ImagesSink(tmp_path).write(Frame(np.zeros((48, 64, 3), np.uint8), 0.0))
    source = ImagesSource(tmp_path, 25.0)
    assert put_together(source, "virtual-camera") is source
    source.close()
