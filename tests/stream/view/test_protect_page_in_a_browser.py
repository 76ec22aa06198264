"""The page of a protected camera as a person uses it: a real Chromium on a real session with a camera of noise."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser import chromium
from protected import BACKGROUND, BoxProtection, Camera, camera_image

from config.loader import load_profile
from config.reload import ProfileWatcher
from config.schema import Profile
from pipelines.base import Frame
from pipelines.protection.alone import BackgroundAlone
from pipelines.protection.contract import Background, Protection
from stream.backgrounds.open import open_background
from stream.protect import ProtectSession
from stream.sources.base import Source
from stream.sources.blank import BlankSource
from stream.view.page import PageView

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SOON_MS = 8000

PIXELS_OF_THE_CAMERA = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((red, n) => n % 4 === 0 && red > 230).length;
}"""


class _EndlessCamera(Camera):
    def __init__(self, image: np.ndarray) -> None:
        super().__init__([image])
        self.n_read = 0

    def read(self) -> Frame:
        time.sleep(0.03)
        self.n_read += 1
        return Frame(self.frames[0].image, self.n_read * 0.03)


@contextmanager
def page_of(
    source: Source, make_protection: Callable[[Profile, Background], Protection], out: Path
) -> Iterator["Page"]:
    """Run a session of the source and show its page."""
    flags = {"protect.background": BACKGROUND, "page.picture_rate_hz": 20}
    profile = load_profile("default", flags)
    view = PageView(profile.page)
    session = ProtectSession(
        source,
        make_protection,
        open_background,
        out,
        profile,
        ProfileWatcher("default", flags),
        [view],
    )
    running = threading.Thread(target=session.run)
    running.start()
    complaints: list[str] = []
    try:
        with chromium() as browser:
            shown = browser.new_page()
            shown.set_default_timeout(SOON_MS)
            shown.on("console", lambda said: complaints.extend([said.text] if said.type == "error" else []))
            shown.on("pageerror", lambda error: complaints.append(str(error)))
            shown.goto(view.url)
            yield shown
    finally:
        session.stop()
        running.join()
        view.close()
    assert complaints == []


@pytest.fixture
def page(tmp_path: Path, rng: np.random.Generator) -> Iterator["Page"]:
    camera = _EndlessCamera(camera_image(rng))
    with page_of(camera, lambda _, background: BoxProtection(background), tmp_path) as shown:
        yield shown


def wait_until(page: "Page", is_so: Any) -> None:
    until_s = time.monotonic() + SOON_MS / 1000
    while not is_so() and time.monotonic() < until_s:
        page.wait_for_timeout(20)
    assert is_so()


def test_a_person_sees_what_the_others_see_and_hides_by_key_and_button(page: "Page") -> None:
    output, state = page.locator("#call"), page.locator("#state")
    page.get_by_role("heading", name="What the others see").wait_for()
    wait_until(page, lambda: output.evaluate(PIXELS_OF_THE_CAMERA) > 0)
    page.get_by_role("heading", name="Mask").wait_for()
    assert page.get_by_text("White: the camera is shown").is_visible()
    for of_watch in ("Coverage", "Coverage over time", "Memory", "Save now", "Mark what is found"):
        assert page.get_by_text(of_watch, exact=True).is_hidden(), of_watch
    page.get_by_text("Failed frames").wait_for()

    page.keyboard.press("p")
    wait_until(page, lambda: state.inner_text() == "paused" and output.evaluate(PIXELS_OF_THE_CAMERA) == 0)
    page.get_by_role("button", name="Show me again").click()
    wait_until(page, lambda: state.inner_text() == "running" and output.evaluate(PIXELS_OF_THE_CAMERA) > 0)
    page.get_by_role("button", name="Hide me").click()
    wait_until(page, lambda: state.inner_text() == "paused" and output.evaluate(PIXELS_OF_THE_CAMERA) == 0)
    page.keyboard.press("p")
    wait_until(page, lambda: state.inner_text() == "running")

    field = page.get_by_label("background", exact=True)
    field.fill("pop")  # a letter of a text is no key
    field.press("Enter")
    page.get_by_text("no such file or colour").wait_for()
    assert state.inner_text() == "running"
    field.fill("#00ff00")
    field.press("Enter")
    page.locator("#figures").get_by_text("#00ff00").wait_for()

    page.get_by_label("mirror", exact=True).click()  # a switch has the focus now, which is no typing
    page.keyboard.press("p")
    wait_until(page, lambda: state.inner_text() == "paused")
    page.keyboard.press("p")
    wait_until(page, lambda: state.inner_text() == "running")

    page.get_by_role("button", name="Stop…").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.locator("#ended").wait_for()


def test_a_background_alone_hides_nobody_and_has_neither_mask_nor_meter(tmp_path: Path) -> None:
    with page_of(
        BlankSource("alone", 48, 64, 30.0), lambda _, background: BackgroundAlone(background), tmp_path
    ) as page:
        page.get_by_role("heading", name="What goes out").wait_for()
        state = page.locator("#state")
        page.get_by_role("button", name="Show a placeholder (p)").click()
        wait_until(page, lambda: state.inner_text() == "paused")
        page.get_by_role("button", name="Show the background again (p)").click()
        wait_until(page, lambda: state.inner_text() == "running")
        for of_a_camera in ("Mask", "Room shown so far", "Camera was moved…", "Hide me (p)"):
            assert not any(each.is_visible() for each in page.get_by_text(of_a_camera, exact=True).all()), of_a_camera
