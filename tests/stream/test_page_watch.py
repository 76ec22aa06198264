"""`backroom watch screen:... --view page`: the real command on a real screen, used through its page.

Most tests speak plain HTTP, as the page does (`watch_command`); the last one is a person with a browser.
"""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from browser import chromium
from number_window import number_window
from page_client import Client
from watch_command import BACKROOM, PATIENCE_S, WatchCommand, watch_command
from xserver import x_server

from config.schema import WatchSettings
from pipelines.reconstruction.rarest import RarestReconstruction

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.screen

DESKTOP_PX = (960, 540)
WIDTH, HEIGHT = 640, 360
SOURCE = f"screen:0,0,{WIDTH}x{HEIGHT}"
ENDS_WITHIN_S = 5.0


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A desktop whose left top is a window that changes all the time, as this process's own."""
    with x_server(*DESKTOP_PX) as display, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", display)
        patch.delenv("XDG_SESSION_TYPE", raising=False)
        with number_window(tmp_path_factory.mktemp("window") / "shown.npy", (0, 0), (WIDTH, HEIGHT)):
            yield


@pytest.fixture
def command(screen: None, tmp_path: Path) -> Iterator[WatchCommand]:
    """The command, counting."""
    with watch_command(SOURCE, tmp_path / "out") as started:
        started.wait_for_frames()
        yield started


def size_of(path: Path) -> tuple[int, int]:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image.shape[1], image.shape[0]


def assert_ended_well(command: WatchCommand) -> dict[str, Any]:
    code, text, errors = command.finish()
    assert (code, errors) == (0, "")
    assert "frames counted" in text
    files = ["backdrop.png", "report.html", "report.json", "room.png"]
    assert sorted(path.name for path in command.out.iterdir()) == files
    report = command.report()
    assert report["ended"] is not None
    assert report["ended_by"] is None
    frames = report["frames"]
    assert frames["captured"] == sum(frames[key] for key in ("processed", "dropped", "paused", "discarded"))
    size = (report["source"]["width"], report["source"]["height"])
    assert size_of(command.out / "room.png") == size_of(command.out / "backdrop.png") == size
    return report


def test_figures_and_pictures_move_until_the_page_stops_the_session(command: WatchCommand) -> None:
    before = command.figures
    call, room = command.picture("call"), command.picture("room")
    assert (call.shape, room.shape) == ((HEIGHT, WIDTH, 3), (HEIGHT, WIDTH, 4))
    assert np.ptp(command.picture("call").astype(int) - call) > 100, "the patch has moved on"
    after = command.wait_for(lambda figures: len(figures["coverage_over_time"]) >= 2)
    assert after["frames"] > before["frames"]
    assert after["elapsed_s"] > before["elapsed_s"]
    assert after["rate_hz"] > 5.0
    assert set(after["latency_ms"]) >= {"read", "process", "total"}
    assert (after["source"], after["is_live"]) == (f"screen region 0,0 ({WIDTH}x{HEIGHT})", True)
    command.send("stop")
    ended = command.wait_for(lambda figures: figures["state"] == "ended")
    assert ended["message"] == f"saved to {command.out}"
    assert command.read_to_the_end()[-2:] == ["bye", ""]
    assert assert_ended_well(command)["frames"]["counted"] == ended["frames"]


def test_with_a_wrong_token_nothing_is_shown_and_nothing_obeyed(command: WatchCommand) -> None:
    stranger = Client(command)
    stranger.root = f"/{command.client.token[:-1]}{'A' if command.client.token[-1] != 'A' else 'B'}/"
    answers = [stranger.get(path) for path in ("", "events", "pictures/call", "controls", "page.js")]
    answers.append(stranger.post({"kind": "stop"}))
    assert [(answer.status, answer.body) for answer in answers] == [(404, b"")] * len(answers)
    command.wait_for_frames(10)
    assert command.process.poll() is None


def test_pause_stops_the_count_and_resume_goes_on(command: WatchCommand) -> None:
    command.send("pause")
    paused = command.wait_for(lambda figures: figures["state"] == "paused")
    later = command.wait_for(lambda figures: figures["elapsed_s"] > paused["elapsed_s"] + 0.5)
    assert (later["state"], later["frames"]) == ("paused", paused["frames"])
    command.send("resume")
    running = command.wait_for_frames()
    assert running["state"] == "running"
    command.send("stop")
    assert assert_ended_well(command)["frames"]["paused"] >= 5


def test_a_setting_of_the_page_is_in_force_in_what_is_saved_while_running_and_at_the_end(command: WatchCommand) -> None:
    assert command.figures["settings"]["watch.omg"] != 77
    command.send("settings", settings={"watch.omg": 77})
    command.wait_for(lambda figures: figures["settings"]["watch.omg"] == 77)
    assert not command.out.joinpath("report.json").exists()
    command.send("save")
    command.wait_for(lambda figures: figures["message"].startswith("saved to"))
    saved = command.report()
    assert (saved["omg"], saved["ended"]) == (77, None)
    assert size_of(command.out / "room.png") == (WIDTH, HEIGHT)
    command.wait_for_frames(10)
    command.send("stop")
    ended = assert_ended_well(command)
    assert (ended["omg"], ended["profile"]["watch"]["omg"]) == (77, 77)
    assert ended["frames"]["counted"] >= saved["frames"]["counted"] + 10


def test_a_region_narrows_the_source_and_the_whole_screen_comes_back(command: WatchCommand) -> None:
    command.send("settings", settings={"watch.omg": 55})
    for kind, region_px, size, name in (
        ("region", [100, 20, 400, 300], (400, 300), "screen region 100,20 (400x300)"),
        ("region", [30, 40, 120, 80], (120, 80), "screen region 130,60 (120x80)"),
        ("whole_screen", None, DESKTOP_PX, "screen 1 (960x540)"),
        ("region", [10, 20, 301, 203], (301, 203), "screen region 10,20 (301x203)"),
    ):
        n_before = command.wait_for_frames(20)["frames"]
        command.send(kind, **({"region_px": region_px} if region_px else {}))
        figures = command.wait_for(lambda figures: (figures["width"], figures["height"]) == size)  # noqa: B023
        assert figures["source"] == name
        assert figures["frames"] < n_before, "a region starts over"
        assert figures["state"] != "ended"
        command.wait_for(lambda figures: figures["state"] == "running" and figures["frames"] > 0)
    outside = command.client.post({"kind": "region", "region_px": [300, 0, 20, 20]})
    assert (outside.status, b"301x203" in outside.body) == (400, True)
    command.send("stop")
    report = assert_ended_well(command)
    assert (report["source"]["width"], report["source"]["height"]) == (301, 203)
    assert report["omg"] == 55


def test_a_stop_right_behind_a_region_is_not_lost(command: WatchCommand) -> None:
    command.send("region", region_px=[10, 20, 100, 50])
    command.send("stop")
    assert_ended_well(command)


def test_each_region_has_files_of_its_own_and_all_end_in_the_given_time(screen: None, tmp_path: Path) -> None:
    state, pictures = tmp_path / "s", tmp_path / "pictures"
    flags = ("--state", str(state), "--to", f"images:{pictures}", "--duration", "3")
    with watch_command(SOURCE, tmp_path / "out", *flags) as command:
        command.wait_for(lambda figures: figures["elapsed_s"] > 1.0 and figures["frames"] > 0)
        begin_s = time.monotonic()
        command.send("region", region_px=[10, 20, 100, 50])
        assert_ended_well(command)
        # 2 s are left; two starts and ends take some more.
        assert time.monotonic() - begin_s < 2.0 + ENDS_WITHIN_S
    sizes = {state: (WIDTH, HEIGHT), tmp_path / "s.screen-10,20,100x50": (100, 50)}
    for path, (width, height) in sizes.items():
        assert counts_in(path, height, width).n_frames > 0
    for folder, size in ((pictures, (WIDTH, HEIGHT)), (tmp_path / "pictures-2", (100, 50))):
        assert {size_of(path) for path in folder.iterdir()} == {size}


@pytest.mark.parametrize("moment", ["running", "paused", "region"])
def test_sigterm_ends_cleanly_while_the_page_is_open(command: WatchCommand, moment: str) -> None:
    command.picture("call")
    if moment == "paused":
        command.send("pause")
        command.wait_for(lambda figures: figures["state"] == "paused")
    if moment == "region":
        command.send("region", region_px=[10, 20, 100, 50])
    begin_s = time.monotonic()
    command.process.send_signal(signal.SIGTERM)
    assert command.read_to_the_end()[-2:] == ["bye", ""]
    assert_ended_well(command)
    assert time.monotonic() - begin_s < ENDS_WITHIN_S


def test_sigterm_before_the_first_frame_says_that_nothing_was_written(screen: None, tmp_path: Path) -> None:
    with watch_command(SOURCE, tmp_path / "out") as command:
        command.process.send_signal(signal.SIGTERM)
        code, text, errors = command.finish()
    if code == 0:  # it was quicker with its first frame than the signal
        assert "frames counted" in text
        return
    assert (code, text) == (2, "")
    assert "stopped before the first frame" in errors
    assert len(errors.splitlines()) == 1
    assert not command.out.exists()


# --- a session that is killed and resumed


def counts_in(state: Path, height: int = HEIGHT, width: int = WIDTH) -> RarestReconstruction:
    resumed = RarestReconstruction(WatchSettings())
    resumed.warm_up(height, width, is_live=False)
    resumed.resume(state)
    return resumed


def test_a_live_state_survives_kill_9_and_is_counted_on(screen: None, tmp_path: Path) -> None:
    save_every_s, rate_hz = 0.5, 30.0
    profile = tmp_path / "mine.yaml"
    profile.write_text(f"watch:\n  save_every_s: {save_every_s}\nscreen:\n  rate_hz: {rate_hz}\n")
    state = tmp_path / "s"
    flags = ("--state", str(state), "--profile", str(profile))
    with watch_command(SOURCE, tmp_path / "out", *flags, "--duration", "5") as command:
        killed = command.wait_for(lambda figures: figures["elapsed_s"] > 2.5)
        command.process.kill()
        command.process.wait(PATIENCE_S)
    n_saved = counts_in(state).n_frames
    # Saved at most one interval, a tick and the saving itself ago; the figures are a quarter of a second old.
    assert n_saved >= killed["frames"] - (save_every_s + 0.5) * rate_hz
    words = [
        "watch",
        SOURCE,
        "--method",
        "rarest",
        "--view",
        "none",
        "--out",
        str(tmp_path / "out"),
        *flags,
        "--duration",
        "2.5",
    ]
    ended = subprocess.run([*BACKROOM, *words], capture_output=True, text=True, timeout=PATIENCE_S + 2.5, check=False)
    assert ended.returncode == 0, ended.stderr
    frames = command.report()["frames"]
    assert frames["processed"] > 10
    assert frames["counted"] == n_saved + frames["processed"]
    whole = counts_in(state)
    assert whole.n_frames == frames["counted"]
    for y, x in ((8, 8), (HEIGHT // 2 + 5, 300), (HEIGHT - 1, WIDTH - 1)):
        assert sum(n for *_, n in whole.counts.colors_of(y, x)) == frames["counted"]
    assert not list(tmp_path.glob(".*")), "nothing half-written is left beside the state"


# --- a person with a browser

PIXELS = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, canvas.height, data.reduce((a, b) => (31 * a + b) | 0, 0)];
}"""


def wait_until(page: "Page", is_so: Any) -> None:
    """Poll from here: the page's policy forbids the evaluation of text, Playwright's polling included."""
    until_s = time.monotonic() + PATIENCE_S
    while not is_so() and time.monotonic() < until_s:
        page.wait_for_timeout(20)
    assert is_so()


@pytest.mark.browser
def test_a_person_sees_the_call_move_and_drags_a_region(command: WatchCommand, tmp_path: Path) -> None:
    complaints: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("console", lambda message: complaints.extend([message.text] if message.type == "error" else []))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(command.url)
        call, frames = page.locator("#call"), page.locator("#frames")
        page.locator("#call-waiting").wait_for(state="hidden")
        first, n_first = call.evaluate(PIXELS), frames.inner_text()
        assert first[:2] == [WIDTH, HEIGHT]
        wait_until(page, lambda: call.evaluate(PIXELS) != first and frames.inner_text() != n_first)
        page.screenshot(path=tmp_path / "before.png")
        box = call.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 3 / 4, box["y"] + box["height"] * 3 / 4, steps=5)
        page.mouse.up()
        page.get_by_role("button", name="Use this region").click()
        size = f"{WIDTH // 2}\N{MULTIPLICATION SIGN}{HEIGHT // 2}"
        page.locator("#source").filter(has_text=size).wait_for()
        wait_until(page, lambda: call.evaluate(PIXELS)[:2] == [WIDTH // 2, HEIGHT // 2])
        wait_until(page, lambda: page.locator("#state").inner_text() == "running")
        assert page.locator("#ended").is_hidden()
        page.screenshot(path=tmp_path / "after.png")
        page.get_by_role("button", name="Stop…").click()
        page.get_by_role("button", name="Save and end").click()
        page.locator("#ended").filter(has_text="saved to").wait_for()
        page.screenshot(path=tmp_path / "ended.png")
    report = assert_ended_well(command)
    assert (report["source"]["width"], report["source"]["height"]) == (WIDTH // 2, HEIGHT // 2)
    assert complaints == []
