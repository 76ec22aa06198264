"""The report in a real Chromium: it fits every window, in both schemes and on paper, and asks for nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import CONTRASTS, LEAST_CONTRAST, chromium

from stream.results.page import build_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

LONG_NAME = "a" * 150 + ".mp4"


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("media", ["screen", "print"])
def test_the_report_fits_and_can_be_read(
    browser: "Browser", tmp_path: Path, leak_findings: Any, report_of: Any, scheme: Any, media: Any
) -> None:
    report = report_of(leak_findings, notices=[f"camera lost: {LONG_NAME}"], ended_by=LONG_NAME)
    report["source"]["name"] = LONG_NAME
    (tmp_path / "report.html").write_text(build_page(leak_findings, report), "utf-8")
    page = browser.new_page(color_scheme=scheme)
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url) if not request.url.startswith("data:") else None)
    page.emulate_media(media=media, color_scheme=scheme)
    address = (tmp_path / "report.html").as_uri()
    page.goto(address)
    for width in (320, 700, 1600):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 40
    assert min(contrasts) >= LEAST_CONTRAST
    sizes = page.evaluate("[...document.images].map(image => [image.complete, image.naturalWidth])")
    assert sizes == [[True, 150]] * 4
    assert heard == [address]
    page.close()
