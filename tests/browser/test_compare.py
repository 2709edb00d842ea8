"""The page that compares two networks, and that of artifacts, in a browser."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fakes.run import make_fake_run
from playwright.sync_api import expect

from dissectory.analysis.experiments.artifacts.tables import ARTIFACT_REMOVALS, ARTIFACTS
from dissectory.analysis.run import Related, Run
from dissectory.report.build import build_site
from dissectory.report.frame import sources
from dissectory.report.frame.assets import LIBRARIES

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

LAYERS = (3, 2)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with a related one, which has artifacts, and the real front-end libraries."""
    if not all((sources.VENDOR / library).is_file() for library in LIBRARIES):
        pytest.skip(f"needs {LIBRARIES} in {sources.VENDOR}: `pip install -e .` fetches them")
    folder = tmp_path_factory.mktemp("compared")
    run = make_fake_run(folder, layers=LAYERS[0], units=6, concepts=12, images=10)
    run.write_manifest(replace(run.manifest, related=(Related("the other", "beside"),)))
    other = make_fake_run(folder / "beside", layers=LAYERS[1], units=6, concepts=12, images=10, seed=3)
    layer = other.table("layers").sort_values("index")["layer"].iloc[0]
    other.write_table(
        ARTIFACTS,
        {
            "layer": [layer] * 3,
            "unit": [1, 2, 3],
            "score": [5.0, 9.0, 7.0],
            "rank": [2, 0, 1],
            "usual": [4.0] * 3,
            "chance": [8.0] * 3,
        },
    )
    removals = {"units": [0, 5], "images": [8, 8], "distance": [0.8, 0.6], "random": [0.8, 0.7]}
    ends = {"random_low": [0.8, 0.65], "random_high": [0.8, 0.75]}
    other.write_table(ARTIFACT_REMOVALS, {"layer": [layer] * 2, **removals, **ends})
    return build_site(Run(folder)).parent


@pytest.fixture
def address(site: Path) -> str:
    return f"{site.as_uri()}/"


@pytest.mark.parametrize("where", ["compare.html", "index.html", "beside/index.html"])
def test_layers_compared_become_plotly_when_looked_at(page: Page, address: str, where: str) -> None:
    page.goto(address + where)
    figure = page.locator("#depth")
    figure.get_by_role("button", name="Explore").click()
    expect(figure).to_have_attribute("data-drawn", "yes")
    points = figure.locator(".js-plotly-plot .trace .point")
    expect(points).not_to_have_count(0)
    assert points.count() % sum(LAYERS) == 0


def test_units_of_both_sites_are_reached_from_the_table(page: Page, address: str) -> None:
    for network in ("units/", "beside/units/"):
        page.goto(address + "compare.html")
        page.locator(f'#compare-table a[href^="{network}"]').first.click()
        expect(page.locator("h1")).to_contain_text("detect?")


def test_concepts_sort_by_the_fit_of_either_network(page: Page, address: str) -> None:
    page.goto(address + "compare.html")
    page.locator("#compare-table").get_by_role("button", name="the other").click()
    cells = page.locator("#compare-table tbody tr td:nth-of-type(3)")
    values = [float(value) for value in cells.evaluate_all("cells => cells.map(cell => cell.dataset.value)")]
    assert len(values) == 12
    assert values == sorted(values, reverse=True)


def test_artifacts_are_shown_and_fit_a_telephone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for where in ("compare.html", "beside/artifacts.html"):
        page.goto(address + where)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#artifacts-table tbody th").all_inner_texts() == ["2", "3", "1"]
    figure = page.locator("#distance")
    figure.get_by_role("button", name="Explore").click()
    expect(figure).to_have_attribute("data-drawn", "yes")
