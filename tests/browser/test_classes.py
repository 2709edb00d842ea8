"""The list of many classes in a browser: the first rows are shown, and all of them are sorted and searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakes.many_classes import make_many_classes
from playwright.sync_api import expect

from dissectory.report.build import build_site
from dissectory.report.frame import sources
from dissectory.report.frame.assets import LIBRARIES

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

CLASSES, SHOWN = 230, 200


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not all((sources.VENDOR / library).is_file() for library in LIBRARIES):
        pytest.skip(f"needs {LIBRARIES} in {sources.VENDOR}: `pip install -e .` fetches them")
    return build_site(make_many_classes(tmp_path_factory.mktemp("many") / "run", CLASSES, 32, each=3)).parent


@pytest.fixture
def address(site: Path) -> str:
    return f"{site.as_uri()}/"


def test_a_long_table_shows_its_first_rows_until_all_are_asked_for(page: Page, address: str) -> None:
    page.goto(f"{address}classes.html")
    rows, rest = page.locator("#classes-table tbody tr:visible"), page.locator("button.rest")
    expect(rows).to_have_count(SHOWN)
    expect(page.locator(".filters output")).to_have_text(f"{CLASSES} rows")
    expect(rest).to_have_text("Show the other 30 rows")
    rest.click()
    expect(rows).to_have_count(CLASSES)
    expect(rest).to_be_hidden()
    expect(rows.nth(SHOWN).locator("a")).to_be_focused()


def test_rows_that_are_not_shown_are_sorted_and_searched(page: Page, address: str) -> None:
    page.goto(f"{address}classes.html")
    rows = page.locator("#classes-table tbody tr:visible")
    names = page.locator("#classes-table tbody th")
    last = names.all_text_contents()[-1]
    page.get_by_placeholder("Filter by name").fill(last)
    expect(rows.locator("th")).to_have_text([last])
    expect(page.locator(".filters output")).to_have_text(f"1 of {CLASSES}")
    expect(page.locator("button.rest")).to_be_hidden()
    page.get_by_placeholder("Filter by name").fill("")
    page.get_by_role("button", name="without 20 units").click()
    expect(rows).to_have_count(SHOWN)
    losses = [float(text.split()[0]) for text in page.locator("#classes-table td:nth-child(3)").all_text_contents()]
    assert losses == sorted(losses)
    shown = [float(text.split()[0]) for text in rows.locator("td:nth-child(3)").all_text_contents()]
    assert shown == losses[:SHOWN]


def test_a_short_table_has_no_rest(page: Page, address: str) -> None:
    page.goto(f"{address}layers/fire4.html")
    expect(page.locator(".filters output")).to_have_text("32 rows")
    expect(page.locator("button.rest")).to_have_count(0)


def test_search_says_how_many_classes_fit(page: Page, address: str) -> None:
    page.goto(f"{address}index.html")
    page.locator("#search").fill("coastal")
    expect(page.locator("#found .group")).to_have_text(["Classes, 6 of 23"])
    expect(page.locator("#found a .name")).to_have_count(6)
    expect(page.locator("#found-count")).to_have_text("23 results")
    page.locator("#search").fill("coastal tower")
    expect(page.locator("#found .nothing")).to_be_visible()
    page.locator("#search").fill("coastal castle")
    expect(page.locator("#found .group")).to_have_text(["Classes"])
    expect(page.locator("#found-count")).to_have_text("1 result")
