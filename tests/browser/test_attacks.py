"""The page of attacks and the chart of agreement in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakes.attacks import UNITS, with_attacks, with_textures
from fakes.run import make_fake_run
from playwright.sync_api import expect

from dissectory.report.build import build_site
from dissectory.report.frame import sources
from dissectory.report.frame.assets import LIBRARIES

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with attacks and textures, and the real front-end libraries."""
    if not all((sources.VENDOR / library).is_file() for library in LIBRARIES):
        pytest.skip(f"needs {LIBRARIES} in {sources.VENDOR}: `pip install -e .` fetches them")
    run = make_fake_run(tmp_path_factory.mktemp("attacked") / "run", layers=2, concepts=8, images=10)
    return build_site(with_textures(with_attacks(run))).parent


@pytest.fixture
def address(site: Path) -> str:
    return f"{site.as_uri()}/"


@pytest.mark.parametrize(("chart", "dots"), [("groups", 4), ("agreement", UNITS - 1)])
def test_charts_become_plotly_when_looked_at(page: Page, address: str, chart: str, dots: int) -> None:
    page.goto(address + ("attacks.html" if chart == "groups" else "index.html"))
    if chart == "agreement":
        page.locator('a[href^="layers/"]').first.click()
    figure = page.locator(f"#{chart}")
    figure.get_by_role("button", name="Explore").click()
    expect(figure).to_have_attribute("data-drawn", "yes")
    assert figure.locator(".js-plotly-plot .trace .point").count() == dots


def test_pictures_are_there_and_fit_a_telephone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address + "attacks.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    pictures = page.locator(".triple img")
    expect(pictures).to_have_count(9)
    for place in range(9):
        pictures.nth(place).scroll_into_view_if_needed()
        expect(pictures.nth(place)).to_have_js_property("complete", value=True)
        assert pictures.nth(place).evaluate("picture => picture.naturalWidth") == 8


def test_units_that_change_sort_and_lead_to_their_pages(page: Page, address: str) -> None:
    page.goto(address + "attacks.html")
    cells = page.locator("#changed-table tbody tr td:nth-of-type(2)")
    values = [float(value) for value in cells.evaluate_all("cells => cells.map(cell => cell.dataset.value)")]
    assert values == sorted(values, reverse=True)
    page.get_by_role("columnheader", name="change").get_by_role("button").click()
    expect(cells.first).to_have_attribute("data-value", f"{min(values):.6f}")
    page.get_by_role("link", name="Unit 11 of").click()
    expect(page.locator("h1")).to_contain_text("What does unit 11 of")
