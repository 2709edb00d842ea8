"""What a reader of the site sees and does, in a real browser."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

KINDS = (
    "index.html",
    "concepts.html",
    "classes.html",
    "gallery.html",
    "control.html",
    "data.html",
    "method.html",
    "glossary.html",
    "layers/conv1.html",
    "layers/fire4.html",
    "units/fire4/0.html",
    "units/fire4/1.html",
    "units/fire4/7.html",
    "concepts/script-alert-1-script.html",
    "concepts/con-.html",
    "classes/ski-resort.html",
)


def index_of(site: Path) -> dict[str, list[list[str]]]:
    text = (site / "search-index.js").read_text(encoding="utf-8")
    found: dict[str, list[list[str]]] = json.loads(text.removeprefix("window.dissectoryIndex=").rstrip(";\n"))
    return found


@pytest.mark.parametrize("href", KINDS)
def test_every_kind_of_page_opens_in_silence_and_fits_a_telephone(page: Page, address: str, href: str) -> None:
    page.goto(address + href)
    expect(page.locator("h1")).to_be_visible()
    broken = page.eval_on_selector_all(
        "img", "images => images.filter(i => i.complete && i.src && !i.naturalWidth).map(i => i.src)"
    )
    assert broken == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "wider than a telephone"


def test_search_finds_a_unit_by_its_concept(page: Page, address: str) -> None:
    page.goto(address + "layers/fire4.html")
    row = page.locator("#units-table tbody tr[data-matched]").first
    concept = row.locator("td").nth(1).inner_text()
    unit = row.locator("th").inner_text()
    page.keyboard.press("/")
    page.keyboard.type(f"{concept} fire4")
    options = page.locator("#found a[role=option]")
    expect(options.first).to_be_visible()
    wanted = options.filter(has_text=f"fire4:{unit}")
    expect(wanted.first).to_contain_text(concept)
    expect(page.locator("#search")).to_have_attribute("aria-expanded", "true")
    wanted.first.click()
    expect(page.locator("h1")).to_contain_text(f"What does unit {unit} of fire4 detect?")


def test_search_goes_by_keyboard_alone(page: Page, address: str) -> None:
    page.goto(address + "units/fire4/7.html")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("fire4")
    options = page.locator("#found a[role=option]")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("What do the units of fire4 detect?")
    page.keyboard.press("/")
    page.keyboard.type("nothing is called like this")
    expect(page.locator("#found")).to_contain_text("No results for")
    page.keyboard.press("Escape")
    expect(page.locator("#found")).to_be_hidden()


def test_search_shows_names_as_text(page: Page, address: str) -> None:
    page.goto(address + "index.html")
    page.locator("#search").fill("<script>alert(1)")
    expect(page.locator("#found a").first).to_contain_text("<script>alert(1)</script>")
    page.locator("#search").press("Enter")
    expect(page.locator("h1")).to_contain_text("Which units detect <script>alert(1)</script>?")


def test_search_finds_classes(page: Page, address: str) -> None:
    page.goto(address + "index.html")
    page.locator("#search").fill("ski")
    expect(page.locator("#found a").first).to_contain_text("class of images")
    page.locator("#search").press("Enter")
    expect(page.locator("h1")).to_contain_text("Which units does ski resort 🎿 need?")


def test_every_result_leads_to_a_page(site: Path) -> None:
    index = index_of(site)
    for layer in index["layers"]:
        assert (site / "layers" / f"{layer[1]}.html").is_file()
    for concept in index["concepts"]:
        assert (site / "concepts" / f"{concept[1]}.html").is_file()
    assert [(site / "classes" / f"{one[1]}.html").is_file() for one in index["classes"]] == [True] * 3


def test_a_table_sorts_by_its_headers(page: Page, address: str) -> None:
    page.goto(address + "layers/fire4.html")
    header = page.locator("#units-table th", has=page.get_by_role("button", name="IoU"))

    def values() -> list[float]:
        cells = page.locator("#units-table tbody td[data-value]:nth-of-type(3)")
        return [float(value) for value in cells.evaluate_all("cells => cells.map(cell => cell.dataset.value)")]

    expect(page.locator("#units-table th").first).to_have_attribute("aria-sort", "ascending")
    header.get_by_role("button").click()
    expect(header).to_have_attribute("aria-sort", "descending")
    assert values() == sorted(values(), reverse=True)
    assert len(set(values())) > 5
    header.get_by_role("button").click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    assert values() == sorted(values())
    expect(page.locator("#units-table th[aria-sort=ascending]")).to_have_count(1)


def test_a_table_filters_by_text_category_and_match(page: Page, address: str) -> None:
    page.goto(address + "layers/fire4.html")
    rows = page.locator("#units-table tbody tr")
    shown = page.locator("#units-table tbody tr:not([hidden])")
    count = page.locator("output[name=count]")
    everything = rows.count()
    expect(count).to_have_text(f"{everything} rows")

    page.get_by_text("matched only").click()
    matched = page.locator("#units-table tbody tr[data-matched]").count()
    assert 0 < matched < everything
    expect(shown).to_have_count(matched)
    expect(count).to_have_text(f"{matched} of {everything}")

    page.locator(".filters .kinds label", has_text="object").click()
    objects = page.locator("#units-table tbody tr[data-matched][data-category=object]").count()
    assert objects > 0
    expect(shown).to_have_count(matched - objects)

    page.locator(".filters input[type=search]").fill("there is no such concept")
    expect(shown).to_have_count(0)
    expect(page.get_by_text("No unit fits these filters.")).to_be_visible()


def test_a_table_filters_what_is_beyond_chance(page: Page, address: str) -> None:
    page.goto(address + "layers/fire4.html")
    shown = page.locator("#units-table tbody tr:not([hidden])")
    page.get_by_text("more than chance only").click()
    sure = page.locator("#units-table tbody tr[data-sure]").count()
    assert 0 < sure < page.locator("#units-table tbody tr[data-matched]").count()
    expect(shown).to_have_count(sure)
    page.get_by_text("matched only").click()
    both = page.locator("#units-table tbody tr[data-sure][data-matched]").count()
    assert 0 < both <= sure
    expect(shown).to_have_count(both)
    expect(shown.filter(has_text="may be chance")).to_have_count(0)


def test_a_label_that_could_be_chance_says_so_and_looks_it(page: Page, address: str) -> None:
    page.goto(address + "layers/fire4.html")
    sure, doubtful = page.locator("tr[data-matched][data-sure]").first, page.locator("tr[data-matched].doubt").first
    expect(doubtful.locator("td").nth(1)).to_contain_text("may be chance")
    expect(sure.locator("td").nth(1)).not_to_contain_text("may be chance")
    fills = [
        row.locator(".bar").evaluate("bar => getComputedStyle(bar, '::before').backgroundImage")
        for row in (sure, doubtful)
    ]
    assert fills[0] == "none"
    assert "repeating-linear-gradient" in fills[1]
    name, unit = doubtful.locator("td").nth(1).inner_text().split("\n")[0], doubtful.locator("th").inner_text()
    page.locator("#search").fill(f"fire4 {unit} {name}")
    option = page.locator("#found a[role=option]").filter(has_text=f"fire4:{unit}")
    expect(option.first).to_contain_text("may be chance")
    option.first.click()
    expect(page.locator("h1 .answer")).to_contain_text("perhaps")
    expect(page.locator(".evidence")).to_contain_text("This label may be chance: of all labels with")


def test_an_interval_lies_on_the_bar_where_it_is(page: Page, address: str) -> None:
    page.goto(address + "layers/fire4.html")
    row = page.locator("#units-table tbody tr[data-matched]").first
    low, high = map(float, row.locator("td").nth(3).inner_text().split(" to "))
    iou = float(row.locator("td").nth(2).get_attribute("data-value") or "")
    ends = row.locator(".bar").evaluate(
        """bar => {
          const whole = bar.getBoundingClientRect(), part = bar.querySelector("i").getBoundingClientRect();
          const width = parseFloat(getComputedStyle(bar, "::before").width);
          return [part.left - whole.left, part.right - whole.left].map(end => end / width);
        }"""
    )
    assert ends == pytest.approx([low / iou, high / iou], abs=0.06)


@pytest.mark.parametrize("width", [1000, 1200, 1440])
def test_where_in_the_network_is_seen_whole(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address + "concepts/sky.html")
    stage = page.locator("#strip .stage")
    assert stage.evaluate("stage => stage.scrollWidth - stage.clientWidth") <= 0


@pytest.mark.parametrize(
    ("href", "chart"),
    [
        ("index.html", "matched"),
        ("layers/fire4.html", "concepts"),
        ("layers/fire4.html", "ious"),
        ("units/fire4/7.html", "histogram"),
        ("concepts/sky.html", "strip"),
        ("classes/ski-resort.html", "curve-fire4"),
        ("layers/fire4.html", "led-chart"),
        ("layers/fire4.html", "groups-chart"),
        ("units/fire4/7.html", "detector-1"),
    ],
)
def test_a_chart_is_drawn_and_becomes_plotly_when_looked_at(page: Page, address: str, href: str, chart: str) -> None:
    page.goto(address + href)
    figure = page.locator(f"#{chart}")
    expect(figure.locator("svg path").first).to_be_attached()
    expect(figure.locator("figcaption")).to_contain_text(re.compile(r"\w+ \w+ \w+.*\."))
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    height = figure.locator(".stage").bounding_box()
    figure.locator(".stage").hover()
    expect(figure.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(figure).to_have_attribute("data-drawn", "yes")
    after = figure.locator(".stage").bounding_box()
    assert height is not None
    assert after is not None
    assert abs(after["height"] - height["height"]) < 30
    assert figure.locator(".js-plotly-plot .trace, .js-plotly-plot .point").count() > 0


def test_a_chart_can_be_explored_by_keyboard_and_follows_the_theme(page: Page, address: str) -> None:
    page.goto(address + "units/fire4/7.html")
    figure = page.locator("#histogram")
    figure.get_by_role("button", name="Explore").focus()
    page.keyboard.press("Enter")
    expect(figure).to_have_attribute("data-drawn", "yes")
    tick = figure.locator(".js-plotly-plot .xtick text").first
    light = tick.evaluate("text => getComputedStyle(text).fill")
    page.get_by_role("button", name="Dark theme").click()
    expect(tick).not_to_have_css("fill", light)


def test_the_numbers_of_a_chart_are_a_table(page: Page, address: str) -> None:
    page.goto(address + "layers/fire4.html")
    figure = page.locator("#ious")
    figure.get_by_text("The numbers").click()
    cells = figure.locator("tbody tr td:last-child").all_inner_texts()
    expect(figure.locator("tbody")).to_be_visible()
    assert sum(int(cell) for cell in cells) == page.locator("#units-table tbody tr").count()


def test_the_mask_can_be_switched_off_and_stays_off(page: Page, address: str) -> None:
    page.goto(address + "units/fire4/7.html")
    mask, switch = page.locator(".tiles .mask").first, page.get_by_role("switch")
    expect(mask).to_be_visible()
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.click()
    expect(mask).to_be_hidden()
    expect(switch).to_have_attribute("aria-checked", "false")
    page.goto(address + "concepts/sky.html")
    expect(page.locator(".tiles .mask").first).to_be_hidden()
    page.get_by_role("switch").click()
    expect(page.locator(".tiles .mask").first).to_be_visible()


def test_the_theme_is_remembered(page: Page, address: str) -> None:
    page.goto(address + "index.html")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Dark theme").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    page.goto(address + "units/fire4/7.html")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_tiles_show_their_own_part_of_the_sprite(page: Page, address: str) -> None:
    page.goto(address + "units/fire4/7.html")
    places = page.locator(".tiles .tile").evaluate_all(
        """tiles => tiles.map(tile => {
          const box = tile.getBoundingClientRect(), image = tile.querySelector('img').getBoundingClientRect();
          return [Math.round((box.left - image.left) / box.width), Math.round((box.top - image.top) / box.height)];
        })"""
    )
    assert places == [[place % 5, place // 5] for place in range(15)]


def test_a_snippet_is_copied(page: Page, address: str) -> None:
    page.goto(address + "data.html")
    button = page.locator("#units [data-copy]").first
    button.click()
    expect(button).to_have_text("Copied")


def test_pages_lead_from_unit_to_unit(page: Page, address: str) -> None:
    page.goto(address + "units/fire4/7.html")
    page.locator("a[rel=next]").click()
    expect(page.locator("h1")).to_contain_text("What does unit 8 of fire4 detect?")
    page.locator("h1").click()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("h1")).to_contain_text("What does unit 7 of fire4 detect?")
    page.locator(".cards .card").first.click()
    expect(page.locator("h1")).to_contain_text("What does unit ")
