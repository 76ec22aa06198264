"""The report in a real Chromium: it fits every window, in both schemes and on paper, and asks for nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import chromium

from stream.results.page import build_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

LONG_NAME = "a" * 150 + ".mp4"
LEAST_CONTRAST = 4.5  # WCAG 2.1, 1.4.3 (AA)

CONTRASTS = """() => {
  const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const parse = text => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.length === 3) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("h1, h2, h3, p, li, td, th, dt, dd, figcaption")].map(element => {
    const pair = [light(parse(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  });
}"""


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
