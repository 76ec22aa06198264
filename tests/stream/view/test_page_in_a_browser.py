"""The page as a person uses it: a real Chromium on a session that is faked by a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pytest
from browser import chromium
from page_client import Client

from config.schema import PageSettings
from stream.results.maps import BAND_COLORS, EPISODE_COLORS
from stream.view.base import ViewCommand
from stream.view.page import PageView

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    OpenPage = Callable[..., Page]

pytestmark = pytest.mark.browser

HEIGHT, WIDTH = 270, 480
FOREIGN = "foreign.example"
SOON_MS = 5000  # what a person would wait for an answer to a click
LOST_MS = 15000  # three missed heartbeats, then some

PIXELS = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return { width: canvas.width, height: canvas.height, hash: data.reduce((a, b) => (31 * a + b) | 0, 0),
           opaque: data.filter((_, n) => n % 4 === 3 && data[n] > 0).length };
}"""


class FakeSession:
    """What a session does to its view, in a thread: a bar that moves, a room that grows, figures that count."""

    def __init__(self, **settings: Any) -> None:
        self.view = PageView(PageSettings(**{"picture_rate_hz": 20.0, "picture_width_px": 240, **settings}))
        self.commands: list[ViewCommand] = []
        self.maps: tuple[str, ...] = ()
        self.figures: dict[str, Any] = {
            "source": f"screen 1 ({WIDTH}x{HEIGHT})",
            "width": WIDTH,
            "height": HEIGHT,
            "is_live": True,
            "can_pick_region": True,
            "state": "running",
            "elapsed_s": 0.0,
            "frames": 0,
            "dropped": 1,
            "rate_hz": 30.0,
            "latency_ms": {"capture": {"p50": 1.25, "p99": 4.5}},
            "coverage": 0.0,
            "coverage_over_time": [],
            "memory_bytes": 3 << 20,
            "exact": True,
            "notices": [],
            "message": "",
            "settings": {"watch.omg": 20, "watch.preview_every_s": 0.5},
        }
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-session", daemon=True)

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self.view.close()

    def wait_for(self, command: Any) -> None:
        until_s = time.monotonic() + SOON_MS / 1000
        while command not in self.commands and time.monotonic() < until_s:
            time.sleep(0.01)
        assert command in self.commands

    def _run(self) -> None:
        while not self._stopping.wait(0.02):
            self._obey()
            if self.figures["state"] == "running":
                self._show_a_frame()
            self.view.show_numbers(self.figures)

    def _obey(self) -> None:
        for command in self.view.take_commands():
            self.commands.append(command)
            states = {"pause": "paused", "resume": "running", "stop": "ended"}
            self.figures["state"] = states.get(command.kind, self.figures["state"])
            self.figures["settings"] |= command.settings
            if command.kind == "stop":
                self.figures["message"] = "saved to out/call-1/"

    def _show_a_frame(self) -> None:
        n = self.figures["frames"] = self.figures["frames"] + 1
        self.figures["elapsed_s"] = n / 50
        self.figures["coverage"] = min(1.0, n / 1000)
        self.figures["coverage_over_time"].append([n / 50, self.figures["coverage"]])
        if self.view.wants_picture("call"):
            frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            frame[:, n * 8 % WIDTH :][:, :20] = (40, 220, 250)
            self.view.show_picture("call", frame)
        if self.view.wants_picture("room"):
            room = np.full((HEIGHT, WIDTH, 4), 120, np.uint8)
            room[:, :, 3] = 0
            room[: HEIGHT // 2, : WIDTH // 2, 3] = 255
            self.view.show_picture("room", room)
        if self.view.wants_picture("backdrop"):
            self.view.show_picture("backdrop", np.full((HEIGHT, WIDTH, 3), 200, np.uint8))
        for name in self.maps:
            if self.view.wants_picture(name):
                self.view.show_picture(name, np.full((HEIGHT, WIDTH, 3), 80, np.uint8))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1") as started:
        yield started


@pytest.fixture
def session() -> Iterator[FakeSession]:
    fake = FakeSession()
    yield fake
    fake.stop()


@pytest.fixture
def complaints() -> list[str]:
    """Errors on the console and exceptions that nobody caught, of every page that was opened."""
    return []


@pytest.fixture
def open_page(browser: Browser, complaints: list[str]) -> Iterator[OpenPage]:
    """Open an address in a fresh window."""
    contexts = []

    def open_it(url: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SOON_MS)
        page.on("console", lambda message: complaints.extend([message.text] if message.type == "error" else []))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        return page

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture
def refused_status(browser: Browser) -> Callable[[str], int]:
    """Go to an address whose answer is so empty that Chromium counts it as a failure; return its status."""

    def go(url: str) -> int:
        context = browser.new_context()
        page = context.new_page()
        statuses: list[int] = []
        page.on("response", lambda response: statuses.append(response.status))
        with pytest.raises(Exception, match="ERR_HTTP_RESPONSE_CODE_FAILURE"):
            page.goto(url)
        context.close()
        assert len(statuses) == 1
        return statuses[0]

    return go


@pytest.fixture
def page(session: FakeSession, open_page: OpenPage) -> Page:
    """The page of a running session, with its first pictures shown."""
    shown = open_page(session.start().view.url)
    shown.locator("#call-waiting").wait_for(state="hidden")
    shown.locator("#room-waiting").wait_for(state="hidden")
    return shown


def pixels(page: Page, canvas: str) -> Any:
    return page.locator(canvas).evaluate(PIXELS)


def wait_for_text(page: Page, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).wait_for()


def wait_until(page: Page, is_so: Callable[[], bool]) -> None:
    """Poll from here: the page's policy forbids the evaluation of text, Playwright's polling included."""
    until_s = time.monotonic() + SOON_MS / 1000
    while not is_so() and time.monotonic() < until_s:
        page.wait_for_timeout(20)
    assert is_so()


def box_of_call(page: Page) -> Any:
    return page.locator("#call").bounding_box()


def on_screen(box: Any, x: int, y: int) -> tuple[float, float]:
    """Return where a pixel of the source is in the window."""
    return box["x"] + box["width"] * x / WIDTH, box["y"] + box["height"] * y / HEIGHT


def press_tab_until(page: Page, selector: str, n_most: int = 40) -> None:
    for _ in range(n_most):
        page.keyboard.press("Tab")
        if page.locator(selector).evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"no number of tabs reaches {selector}")


def test_pictures_and_figures_move_and_nothing_complains(page: Page, complaints: list[str]) -> None:
    first, first_frames = pixels(page, "#call"), page.locator("#frames").inner_text()
    wait_until(page, lambda: page.locator("#frames").inner_text() != first_frames)
    page.wait_for_timeout(300)
    assert pixels(page, "#call")["hash"] != first["hash"]
    assert (first["width"], first["height"]) == (240, 135)
    assert page.locator("#coverage").inner_text().endswith(" %")
    wait_for_text(page, "#source", "screen 1 · 480\N{MULTIPLICATION SIGN}270 · live")
    wait_for_text(page, "#latency", "capture")
    assert page.locator("#plot path.curve").count() == 1
    assert "Coverage" in str(page.locator("#plot svg").get_attribute("aria-label"))
    assert complaints == []


def test_unclaimed_pixels_are_see_through_and_the_overlay_marks_the_claimed_ones(page: Page) -> None:
    room = pixels(page, "#room")
    assert room["opaque"] / (room["width"] * room["height"]) == pytest.approx(0.25, abs=0.02)
    assert page.locator("#call-mark").is_hidden()
    page.get_by_label("Mark what is found").check()
    page.wait_for_timeout(300)
    assert pixels(page, "#call-mark")["opaque"] == room["opaque"]


def test_the_backdrop_takes_the_rooms_place_when_it_is_chosen(page: Page) -> None:
    page.get_by_label("Backdrop").check()
    wait_for_text(page, "#room-title", "Backdrop")
    page.wait_for_timeout(400)
    shown = pixels(page, "#room")
    assert shown["opaque"] == shown["width"] * shown["height"]


def test_maps_are_offered_only_where_the_method_has_them(session: FakeSession, page: Page) -> None:
    choice = page.locator("#room-choice")
    assert choice.get_by_role("radio").count() == 2
    session.maps = ("confidence", "leaks")
    page.get_by_label("How often").wait_for()
    assert choice.get_by_role("radio").count() == 4


@pytest.mark.parametrize(("name", "title"), [("confidence", "How sure"), ("leaks", "How often")])
def test_a_map_takes_the_rooms_place_with_the_key_to_its_colours_by_keyboard(
    session: FakeSession, page: Page, name: str, title: str, complaints: list[str]
) -> None:
    session.maps = (name,)
    page.get_by_label(title).wait_for()
    assert page.locator(f"#{name}-key").is_hidden()
    press_tab_until(page, "#room-choice input:checked")
    page.keyboard.press("ArrowLeft")  # from the first choice round to the last
    wait_for_text(page, "#room-title", title)
    page.locator(f"#{name}-key").wait_for()
    assert page.locator("#room-key").is_hidden()
    wait_until(page, lambda: pixels(page, "#room")["opaque"] == pixels(page, "#room")["width"] * 135)
    assert "darkened backdrop" in str(page.locator("#room").get_attribute("aria-label"))
    page.keyboard.press("ArrowRight")
    wait_for_text(page, "#room-title", "Room")
    assert complaints == []


def test_the_keys_have_the_colours_of_the_maps(page: Page) -> None:
    for css_class, colors in (("band", BAND_COLORS), ("times", EPISODE_COLORS)):
        for n, color in enumerate(colors, start=1):
            shown = page.locator(f".{css_class}-{n}").evaluate("element => getComputedStyle(element).backgroundColor")
            assert shown == f"rgb({int(color[1:3], 16)}, {int(color[3:5], 16)}, {int(color[5:7], 16)})"


def test_a_method_that_does_not_count_exactly_has_no_figure_for_that(session: FakeSession, page: Page) -> None:
    assert page.locator("#counts").is_visible()
    session.figures["exact"] = None
    page.locator("#counts").wait_for(state="hidden")


def test_pause_reaches_the_session_and_the_page_says_paused(session: FakeSession, page: Page) -> None:
    page.get_by_role("button", name="Pause").click()
    wait_for_text(page, "#state", "paused")
    assert session.commands == [ViewCommand("pause")]
    page.get_by_role("button", name="Resume").click()
    wait_for_text(page, "#state", "running")
    page.get_by_role("button", name="Save now").click()
    session.wait_for(ViewCommand("save"))


def test_reset_asks_once_before_it_forgets(session: FakeSession, page: Page) -> None:
    page.get_by_role("button", name="Reset…").click()
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Reset…").click()
    page.keyboard.press("Escape")
    assert page.locator("#question").is_hidden()
    assert session.commands == []
    page.get_by_role("button", name="Reset…").click()
    page.get_by_role("button", name="Start over").click()
    session.wait_for(ViewCommand("reset"))
    assert len(session.commands) == 1


def test_a_moved_slider_changes_the_setting_within_the_schemas_range(session: FakeSession, page: Page) -> None:
    slider = page.get_by_label("omg", exact=True)
    assert (slider.get_attribute("min"), slider.get_attribute("max")) == ("0", "765")
    slider.focus()
    page.keyboard.press("ArrowRight")
    session.wait_for(ViewCommand("settings", settings={"watch.omg": 21}))
    page.keyboard.press("End")
    session.wait_for(ViewCommand("settings", settings={"watch.omg": 765}))
    assert page.get_by_label("omg, as a number").input_value() == "765"


def test_a_setting_out_of_range_is_refused_where_it_was_typed(session: FakeSession, page: Page) -> None:
    number = page.get_by_label("preview every, s, as a number")
    number.fill("61")
    page.keyboard.press("Enter")
    wait_for_text(page, "#settings .refused", "watch.preview_every_s is 61; input should be less than or equal to 60")
    assert number.input_value() == "0.5"
    assert session.commands == []


def test_a_setting_that_the_session_changes_shows_on_the_page(session: FakeSession, page: Page) -> None:
    session.figures["settings"] = {**session.figures["settings"], "watch.omg": 300}
    wait_until(page, lambda: page.get_by_label("omg", exact=True).input_value() == "300")


def test_a_dragged_region_arrives_in_pixels_of_the_source(session: FakeSession, page: Page) -> None:
    box = box_of_call(page)
    page.mouse.move(*on_screen(box, 400, 200))
    page.mouse.down()
    page.mouse.move(*on_screen(box, 200, 100))
    page.mouse.move(*on_screen(box, 40, 20), steps=4)
    page.mouse.up()
    assert page.locator("#region-rect").is_visible()
    wait_for_text(page, "#region-label", "360 \N{MULTIPLICATION SIGN} 180 px at (40, 20)")
    assert session.commands == []
    page.get_by_role("button", name="Use this region").click()
    session.wait_for(ViewCommand("region", region_px=(40, 20, 360, 180)))
    assert page.locator("#region-rect").is_hidden()
    page.get_by_role("button", name="Whole screen").click()
    session.wait_for(ViewCommand("whole_screen"))


def test_a_drag_over_the_edge_ends_at_the_edge_and_escape_cancels_it(session: FakeSession, page: Page) -> None:
    box = box_of_call(page)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 300, box["y"] + box["height"] + 300, steps=3)
    wait_for_text(
        page, "#region-label", f"{WIDTH // 2} \N{MULTIPLICATION SIGN} {HEIGHT // 2} px at ({WIDTH // 2}, {HEIGHT // 2})"
    )
    page.keyboard.press("Escape")
    page.mouse.up()
    assert page.locator("#region-rect").is_hidden()
    assert page.get_by_role("button", name="Use this region").is_disabled()
    assert session.commands == []


def test_a_recording_offers_no_region(session: FakeSession, page: Page) -> None:
    session.figures["can_pick_region"] = False
    page.locator("#region").wait_for(state="hidden")
    page.mouse.move(400, 300)
    page.mouse.down()
    page.mouse.move(500, 400)
    page.mouse.up()
    assert page.locator("#region-rect").is_hidden()


def test_pause_and_region_work_with_the_keyboard_alone(session: FakeSession, page: Page) -> None:
    press_tab_until(page, "#pause")
    outline = page.locator("#pause").evaluate("element => getComputedStyle(element).outlineStyle")
    assert outline == "solid"  # who uses the keyboard sees where it is
    page.keyboard.press("Enter")
    session.wait_for(ViewCommand("pause"))
    press_tab_until(page, "#region-x")
    for part in ("8", "4", "100", "50"):
        page.keyboard.type(part)
        page.keyboard.press("Tab")
    assert page.locator("#region-apply").evaluate("element => element === document.activeElement")
    page.keyboard.press("Enter")
    session.wait_for(ViewCommand("region", region_px=(8, 4, 100, 50)))
    press_tab_until(page, "#setting-watch-omg")


def test_notices_are_shown_as_long_as_they_hold(session: FakeSession, page: Page) -> None:
    assert page.locator("#notices").is_hidden()
    session.figures |= {"notices": ["counted coarser: memory is full <b>"], "exact": False}
    wait_for_text(page, "#notices", "counted coarser: memory is full <b>")
    wait_for_text(page, "#exact", "not exact")
    session.figures |= {"notices": []}
    page.locator("#notices").wait_for(state="hidden")


def test_before_the_first_frame_the_page_says_what_it_waits_for(session: FakeSession, open_page: OpenPage) -> None:
    page = open_page(session.view.url)
    wait_for_text(page, "#call-waiting", "Connecting to the session")
    session.view.show_numbers(session.figures)
    wait_for_text(page, "#call-waiting", "Waiting for the first frame of screen 1 (")
    wait_for_text(page, "#room-waiting", "What is found of the room appears here")
    session.view.show_numbers({**session.figures, "state": "starting", "message": "compiling"})
    wait_for_text(page, "#call-waiting", "Starting: compiling")


def test_after_a_reset_the_forgotten_room_is_no_longer_shown(session: FakeSession, page: Page) -> None:
    assert page.locator("#room").is_visible()
    session.figures |= {"state": "paused", "frames": 0, "coverage": None}
    page.locator("#room").wait_for(state="hidden")
    wait_for_text(page, "#room-waiting", "What is found of the room appears here")


def test_the_end_is_told_with_where_the_files_are_and_outlives_the_server(
    session: FakeSession, page: Page, complaints: list[str]
) -> None:
    page.get_by_role("button", name="Stop…").click()
    page.get_by_role("button", name="Save and end").click()
    session.wait_for(ViewCommand("stop"))
    wait_for_text(page, "#ended", "The session has ended: saved to out/call-1/")
    session.stop()
    page.wait_for_timeout(1500)
    wait_for_text(page, "#ended", "saved to out/call-1/")
    assert page.locator("#lost").is_hidden()
    assert page.get_by_role("button", name="Pause").is_disabled()
    assert complaints == []


def test_a_lost_connection_is_told_and_found_again(monkeypatch: pytest.MonkeyPatch, open_page: OpenPage) -> None:
    monkeypatch.setattr("stream.view.page.new_token", lambda: "the-same-token-twice")
    first = FakeSession().start()
    page = open_page(first.view.url)
    page.locator("#call-waiting").wait_for(state="hidden")
    first.view._server.stop()  # without a goodbye, as when the program is killed
    page.locator("#lost").wait_for(timeout=LOST_MS)
    wait_for_text(page, "#state", "connection lost")
    assert page.get_by_role("button", name="Pause").is_disabled()
    first.stop()
    second = FakeSession(port=int(first.view.url.split(":")[2].split("/")[0])).start()
    wait_for_text(page, "#state", "running")
    assert page.locator("#lost").is_hidden()
    before = pixels(page, "#call")
    page.wait_for_timeout(500)
    assert pixels(page, "#call") != before
    second.stop()


@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_window(session: FakeSession, open_page: OpenPage, width: int, scheme: str) -> None:
    session.figures["notices"] = [
        "a notice with averyveryveryveryveryveryveryveryveryverylongword/in/a/path/that/goes/on"
    ]
    page = open_page(session.start().view.url, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.locator("#call-waiting").wait_for(state="hidden")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    is_dark = sum(int(part) for part in background.removeprefix("rgb(").removesuffix(")").split(",")) < 3 * 128
    assert is_dark == (scheme == "dark")


def test_every_control_has_a_name_for_a_screen_reader(page: Page) -> None:
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, select")].filter(element => element.checkVisibility()
            && !element.labels?.length && !element.getAttribute("aria-label") && !element.textContent.trim())
            .map(element => element.id)"""
    )
    assert nameless == []


def test_a_wrong_token_shows_nothing(session: FakeSession, refused_status: Callable[[str], int]) -> None:
    assert refused_status(session.start().view.url[:-2] + "/") == 404


def test_a_foreign_name_that_resolves_here_shows_nothing_even_with_the_token(
    session: FakeSession, refused_status: Callable[[str], int]
) -> None:
    assert refused_status(session.start().view.url.replace("127.0.0.1", FOREIGN)) == 421


def test_a_page_of_another_site_can_neither_frame_read_nor_command(
    session: FakeSession, open_page: OpenPage, make_client: Callable[[], Client]
) -> None:
    other = make_client()  # another origin: the same host, another port
    page = open_page(f"http://127.0.0.1:{other.port}{other.root}page.css")
    session.start()
    outcome = page.evaluate(
        """async url => {
          const read = fetch(url).then(answer => answer.status, error => "blocked");
          const send = fetch(url + "commands", {method: "POST", mode: "no-cors", body: '{"kind":"stop"}'});
          const frame = document.body.appendChild(document.createElement("iframe"));
          const loaded = new Promise(resolve => { frame.onload = resolve; setTimeout(resolve, 2000); });
          frame.src = url;
          await Promise.allSettled([read, send, loaded]);
          return [await read, frame.contentDocument === null || frame.contentDocument.body.textContent === ""];
        }""",
        session.view.url,
    )
    assert outcome == ["blocked", True]
    assert session.commands == []
