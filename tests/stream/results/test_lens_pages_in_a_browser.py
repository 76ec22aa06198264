"""The reports on both sides of the lens in a real Chromium: they fit every window, in both schemes, and can be read."""

from pathlib import Path

import pytest
from browser import CONTRASTS, LEAST_CONTRAST, chromium
from recordings import soft_picture
from subframes import TRIPLE, cycle_of, tags_of, write_subframes

from config.schema import VideoSettings
from pipelines.filming.camera import Camera
from stream.film_session import FilmSession
from stream.results.film_page import build_film_page
from stream.results.judge_page import build_judge_page
from stream.tools.film import FilmPlan
from stream.tools.judge import JudgePlan, judge

pytestmark = pytest.mark.browser

LONG_NAME = "a" * 150 + ".mkv"


@pytest.fixture
def pages(rng, tmp_path):
    """Both reports on a file with a long name."""
    cycle = cycle_of(soft_picture(rng, 36, 48), TRIPLE)
    path = write_subframes(tmp_path / LONG_NAME, cycle * 40, tags_of("triple" * 20, 3))
    filmed = FilmSession(FilmPlan(path, tmp_path, Camera()), ()).run(VideoSettings())
    return [build_film_page(filmed), build_judge_page(judge(JudgePlan(path)))]


def test_the_reports_fit_and_can_be_read(pages, tmp_path: Path):
    with chromium() as browser:
        for number, text in enumerate(pages):
            path = tmp_path / f"{number}.html"
            path.write_text(text, "utf-8")
            for scheme in ("light", "dark"):
                page = browser.new_page(color_scheme=scheme)
                heard: list[str] = []
                page.on("console", lambda message, heard=heard: heard.append(message.text))
                page.goto(path.as_uri())
                for width in (320, 700, 1600):
                    page.set_viewport_size({"width": width, "height": 800})
                    assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert min(page.evaluate(CONTRASTS)) >= LEAST_CONTRAST
                assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth === 48)")
                assert heard == []
                page.close()
