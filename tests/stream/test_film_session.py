"""What a person sees while `backroom film` films, and how they end it: a faked view, plain HTTP, and Chromium."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser import chromium
from compiled import sized
from fakes import FakeView
from recordings import soft_picture
from subframes import TRIPLE, cycle_of, tags_of
from watch_command import WatchCommand, page_command

from config.schema import VideoSettings
from pipelines.base import Frame, Image
from pipelines.filming.camera import Camera
from pipelines.filming.scores import psnr_db
from pipelines.filming.sensor import IDEAL
from stream.film_session import FilmSession
from stream.sinks.video import VideoSink
from stream.sources.base import CaptureError
from stream.tools.film import FilmPlan
from stream.view.base import ViewCommand

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZE = sized((45, 61), (17, 19))
SHORT_S = 0.9
LONG_S = sized(60.0, 30.0)
"""So long to film that a test can look at it, and end it."""


@pytest.fixture
def picture(rng: np.random.Generator) -> Image:
    return soft_picture(rng, *SIZE)


def recording_of(picture: Image, path: Path, seconds: float) -> Path:
    """Write sub-frames as `play` does: the file says how many there are."""
    sink = VideoSink(path, 120.0, VideoSettings(), tags_of("triple", 3))
    cycle = cycle_of(picture, TRIPLE)
    for n in range(round(40 * seconds) * 3):
        sink.write(Frame(cycle[n % 3], n / 120))
    sink.close()
    return path


class _Looker(FakeView):
    """Wants every picture, and asks for what it is told to after so many frames."""

    def __init__(self, asks: dict[int, str] | None = None) -> None:
        super().__init__(wants=("output", "seen", "control"))
        self._asks = dict(asks or {})
        self._n_turns = 0

    def take_commands(self) -> list[ViewCommand]:
        self._n_turns += 1
        kind: Any = self._asks.pop(self._n_turns, None)
        return [ViewCommand(kind)] if kind else []

    def figure(self, name: str) -> str:
        return str(next(text for title, text, _ in self.numbers[-1]["figures"] if title == name))


def plan_of(path: Path, out: Path, **more: Any) -> FilmPlan:
    out.mkdir()
    return FilmPlan(path, out, Camera(exposure_s=1 / 250, sensor=IDEAL), codec="lossless", **more)


def test_what_is_recorded_stands_beside_what_people_see_with_the_psnr_so_far(picture: Image, tmp_path: Path) -> None:
    view = _Looker()
    plan = plan_of(recording_of(picture, tmp_path / "a.mkv", SHORT_S), tmp_path / "D", skip_s=0.2)
    filmed = FilmSession(plan, [view]).run(VideoSettings())
    n_frames = filmed.report["frames"]
    assert {name: len(shown) for name, shown in view.pictures.items()} == dict.fromkeys(
        ("output", "seen", "control"), n_frames
    )
    pairs = list(zip(view.pictures["output"], view.pictures["seen"], strict=True))[plan.first_scored :]
    errors = [10 ** (-psnr_db(*pair) / 10) for pair in pairs]
    assert view.figure("PSNR so far") == f"{-10 * np.log10(np.mean(errors)):.1f} dB"
    assert view.figure("Unprotected") == "an exact copy"
    assert view.figure("Phone") == "30 fps, 1/250 s, rolling shutter of 12 ms"
    assert view.figure("Order") == "triple, 3 sub-frames a cycle at 120 Hz"
    first, last = view.numbers[0], view.numbers[-1]
    assert first["session"] == "film"
    assert (first["state"], first["frames"]) == ("running", 0)
    assert first["n_frames"] == pytest.approx(n_frames, abs=1)
    assert (last["state"], last["message"], last["frames"]) == ("ended", f"saved to {plan.out}", n_frames)
    assert filmed.report["stopped_s"] is None


def test_no_figure_is_shown_of_the_start_in_which_the_modulation_fades_in(picture: Image, tmp_path: Path) -> None:
    view = _Looker({10: "stop"})
    plan = plan_of(recording_of(picture, tmp_path / "a.mkv", SHORT_S), tmp_path / "D", skip_s=0.5)
    with pytest.raises(
        CaptureError, match=r"stopped after 0.33 s of it.*wants 0.067 s after the first 0.5 s, and nothing was written"
    ):
        FilmSession(plan, [view]).run(VideoSettings())
    assert view.figure("PSNR so far") == "-"
    assert view.numbers[-1]["state"] == "ended"
    assert "stopped after 0.33 s" in view.numbers[-1]["message"]
    assert list(plan.out.iterdir()) == []


def test_a_phone_that_is_stopped_leaves_what_it_has_filmed(picture: Image, tmp_path: Path) -> None:
    view = _Looker({20: "stop"})
    plan = plan_of(recording_of(picture, tmp_path / "a.mkv", SHORT_S), tmp_path / "D", skip_s=0.5)
    report = FilmSession(plan, [view]).run(VideoSettings()).report
    assert (report["frames"], report["stopped_s"]) == (20, pytest.approx(20 / 30, abs=1e-3))
    assert report["scored_frames"] == [15, 20]
    assert "stopped after 0.67 s of it" in (plan.out / "report.html").read_text()


def test_a_paused_phone_waits_and_goes_on_where_it_was(picture: Image, tmp_path: Path) -> None:
    view = _Looker({5: "pause", 7: "save", 9: "resume"})
    plan = plan_of(recording_of(picture, tmp_path / "a.mkv", SHORT_S), tmp_path / "D")
    report = FilmSession(plan, [view]).run(VideoSettings()).report
    assert report["frames"] == len(view.pictures["output"])
    states = [(numbers["state"], numbers["frames"], numbers["message"]) for numbers in view.numbers]
    assert ("paused", 5, "paused") in states
    assert ("paused", 5, "filming knows no save") in states
    assert ("running", 5, "running") in states


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    picture = soft_picture(np.random.default_rng(2015), *SIZE)
    return recording_of(picture, tmp_path_factory.mktemp("long") / "long.mkv", LONG_S)


@pytest.fixture
def command(long_recording: Path, tmp_path: Path) -> Iterator[WatchCommand]:
    """The command on a long recording, paused after some frames."""
    with page_command(["film", str(long_recording)], tmp_path / "D") as started:
        started.wait_for(lambda figures: figures["frames"] > 20)
        started.send("pause")
        started.wait_for(lambda figures: figures["state"] == "paused")
        yield started


def test_the_commands_page_shows_it_and_ends_it(command: WatchCommand) -> None:
    assert command.figures["session"] == "film"
    assert command.figures["n_frames"] == round(LONG_S * 30)
    command.client.get("pictures/output")
    command.client.get("pictures/seen")
    command.send("resume")
    assert command.picture("output").shape == command.picture("seen").shape == (*SIZE, 3)
    command.send("stop")
    assert "bye" in command.read_to_the_end()
    assert command.figures["state"] == "ended"
    code, text, errors = command.finish()
    assert code == 0, errors
    assert text.startswith("stopped after ")
    assert command.report()["stopped_s"] > 20 / 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_film_and_what_was_filmed_is_kept(command: WatchCommand, number: int) -> None:
    command.process.send_signal(number)
    code, text, errors = command.finish()
    assert (code, errors) == (0, "")
    assert text.startswith("stopped after ")
    assert sorted(path.name for path in command.out.iterdir()) == [
        "control.mp4",
        "recording.mp4",
        "report.html",
        "report.json",
    ]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_person_sees_both_pictures_and_the_camera_in_every_window(command: WatchCommand, scheme: Any) -> None:
    with chromium() as browser:
        page: Page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 900})
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(command.url)
        for heading in ("What the phone records", "What people see"):
            page.get_by_role("heading", name=heading).wait_for()
        page.get_by_label("Without protection").check()
        page.get_by_text("The same phone before a display that shows the picture steadily.").wait_for()
        page.locator("#figure-psnr-so-far", has_text="dB").wait_for()
        assert page.locator("#figure-phone").inner_text() == "30 fps, 1/60 s, rolling shutter of 12 ms"
        for of_others in ("Dropped", "Coverage", "Latency", "Save now", "Reset…", "Begin"):
            assert not any(each.is_visible() for each in page.get_by_text(of_others, exact=True).all()), of_others
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("p")  # a radio button has the focus, which is no typing
        page.locator("#call-waiting").wait_for(state="hidden")
        page.locator("#room-waiting").wait_for(state="hidden")
        page.keyboard.press("p")
        page.get_by_role("button", name="Go on (p)").wait_for()
        page.get_by_role("button", name="Stop…").click()
        page.get_by_role("button", name="End", exact=True).click()
        page.locator("#ended").wait_for()
    assert complaints == []
