"""The gallery and the control in a real browser: what lights up, by mouse, keyboard and touch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

GRID = 56


@pytest.fixture
def gallery(page: Page, address: str) -> Page:
    page.goto(address + "gallery.html")
    return page


def sheet(page: Page, pair: int, *, of_map: bool) -> Locator:
    return page.locator(".pair").nth(pair).locator(".sheet.map:visible" if of_map else ".sheet:not(.map)")


def dimmed(sheet: Locator) -> list[int] | None:
    """Which positions of a picture are dimmed; None where it is shown as it is."""
    found: list[int] | None = sheet.evaluate(
        """sheet => {
          const canvas = sheet.querySelector("canvas");
          if (!canvas) return null;
          const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          return Array.from({ length: canvas.width ** 2 }, (_, place) => Number(pixels[4 * place + 3] > 0));
        }"""
    )
    return found


def mask_of(page: Page, image: int, name: str) -> list[int]:
    """Where a concept is on an image of the gallery, as the page's data has it."""
    data = json.loads(page.locator("#regions").text_content() or "")
    number = [concept[0] for concept in data["concepts"]].index(name)
    runs = dict(data["images"][str(image)]).get(number, "")
    lit: list[int] = []
    for place, length in enumerate(runs.split()):
        lit += [place % 2] * int(length)
    return lit + [0] * (GRID**2 - len(lit))


def expect_lit(page: Page, name: str) -> None:
    """Every picture and every map is bright where the concept is, and dim elsewhere."""
    expect(page.locator("[data-readout] b")).to_have_text(name)
    for pair in range(page.locator(".pair").count()):
        image = int(page.locator(".pair").nth(pair).get_attribute("data-image") or "")
        expected = [1 - inside for inside in mask_of(page, image, name)]
        for of_map in (False, True):
            assert dimmed(sheet(page, pair, of_map=of_map)) == expected


def expect_nothing_lit(page: Page) -> None:
    expect(page.locator(".pair canvas")).to_have_count(0)
    expect(page.locator(".tag")).to_have_count(0)
    expect(page.locator("[data-readout]")).to_have_text("No concept is highlighted.")


def go_to(page: Page, sheet: Locator, row: int, column: int) -> tuple[float, float]:
    """Move the mouse to the middle of a position of a picture."""
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    assert box is not None
    x, y = box["x"] + (column + 0.5) / GRID * box["width"], box["y"] + (row + 0.5) / GRID * box["height"]
    page.mouse.move(x, y)
    return x, y


@pytest.mark.parametrize("of_map", [False, True])
def test_a_region_under_the_mouse_is_named_and_lit_everywhere(gallery: Page, *, of_map: bool) -> None:
    go_to(gallery, sheet(gallery, 1, of_map=of_map), 2, 12)
    expect(gallery.locator(".tag")).to_contain_text("tree")
    expect_lit(gallery, "tree")
    expect(gallery.locator(".keys .lit")).to_contain_text("tree")
    go_to(gallery, sheet(gallery, 1, of_map=of_map), 50, 50)
    expect_nothing_lit(gallery)


def test_a_click_keeps_a_region_lit_until_escape(gallery: Page) -> None:
    x, y = go_to(gallery, sheet(gallery, 1, of_map=True), 2, 12)
    gallery.mouse.click(x, y)
    gallery.mouse.move(5, 5)
    expect_lit(gallery, "tree")
    button = gallery.locator(".keys:visible button", has_text="tree")
    expect(button).to_have_attribute("aria-pressed", "true")
    gallery.keyboard.press("Escape")
    expect_nothing_lit(gallery)
    expect(button).to_have_attribute("aria-pressed", "false")


def test_where_two_concepts_overlap_the_smaller_is_lit_and_both_are_named(gallery: Page) -> None:
    go_to(gallery, sheet(gallery, 1, of_map=True), 15, 20)
    expect(gallery.locator(".tag")).to_have_text("tree, building")
    expect_lit(gallery, "tree")


def test_the_legend_lights_by_mouse_and_by_keyboard(gallery: Page) -> None:
    first, second = (gallery.locator(".keys:visible button").nth(place) for place in (0, 1))
    first.hover()
    expect_lit(gallery, first.locator(".name").inner_text())
    gallery.mouse.move(5, 5)
    expect_nothing_lit(gallery)
    gallery.locator("[name=kind]:checked").focus()
    gallery.keyboard.press("Tab")
    expect(first).to_be_focused()
    expect_lit(gallery, first.locator(".name").inner_text())
    gallery.keyboard.press("Tab")
    gallery.keyboard.press("Tab")
    gallery.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-pressed", "true")
    gallery.keyboard.press("Tab")
    expect_lit(gallery, second.locator(".name").inner_text())


def test_arrow_keys_go_through_the_regions_of_a_map(gallery: Page) -> None:
    sheet(gallery, 1, of_map=True).focus()
    names = []
    for _ in range(3):
        gallery.keyboard.press("ArrowRight")
        names.append(gallery.locator("[data-readout] b").inner_text())
        assert names[-1] in gallery.locator(".tag").inner_text()
    assert names == ["building", "tree", "building"]
    gallery.keyboard.press("Enter")
    gallery.keyboard.press("Tab")
    expect_lit(gallery, "building")


def test_the_switch_shows_the_maps_of_another_category(gallery: Page) -> None:
    gallery.locator(".which label", has_text="material").click()
    for pair in range(gallery.locator(".pair").count()):
        expect(sheet(gallery, pair, of_map=True)).to_have_attribute("data-kind", "material")
    names = gallery.locator(".keys:visible .name").all_inner_texts()
    assert {"wood", "brick"} <= set(names)
    assert "tree" not in names
    go_to(gallery, sheet(gallery, 1, of_map=False), 2, 12)
    expect(gallery.locator(".tag")).to_contain_text("brick")
    gallery.locator("[name=kind][value=material]").focus()
    gallery.keyboard.press("ArrowLeft")
    expect(sheet(gallery, 1, of_map=True)).to_have_attribute("data-kind", "part")


def test_names_are_shown_as_text_and_lead_to_their_pages(gallery: Page) -> None:
    gallery.locator(".which label", has_text="texture").click()
    item = gallery.locator(".keys:visible li", has_text="</script><img src=x onerror=alert(2)>")
    item.get_by_role("button").hover()
    expect(gallery.locator("[data-readout] b")).to_have_text("</script><img src=x onerror=alert(2)>")
    gallery.locator("[data-readout] a").evaluate("link => link.click()")
    expect(gallery.locator("h1")).to_contain_text("Which units detect </script><img src=x onerror=alert(2)>?")


def test_pictures_are_read_when_they_come_into_view(gallery: Page) -> None:
    maps = gallery.locator(".sheet.map[data-kind=color] img")
    assert maps.count() > 0
    assert maps.evaluate_all("images => images.every(image => !image.complete || !image.naturalWidth)")


@pytest.fixture
def telephone(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True, color_scheme="dark"
    )
    page = context.new_page()
    page.goto(address + "gallery.html")
    yield page
    context.close()


def test_a_finger_lights_a_region_and_finds_its_page(telephone: Page) -> None:
    region = sheet(telephone, 1, of_map=True)
    x, y = go_to(telephone, region, 2, 12)
    telephone.touchscreen.tap(x, y)
    expect_lit(telephone, "tree")
    expect(telephone.locator("[data-readout]")).to_be_in_viewport()
    telephone.locator(".keys:visible button", has_text="tree").tap()
    expect(telephone.locator(".pair canvas")).to_have_count(0)
    telephone.locator(".keys:visible button", has_text="building").tap()
    expect_lit(telephone, "building")
    telephone.locator("[data-readout] a").tap()
    expect(telephone.locator("h1")).to_contain_text("Which units detect building?")


def test_the_table_of_the_control_sorts_and_filters(page: Page, address: str) -> None:
    page.goto(address + "control.html")
    header = page.locator("#control-table th", has=page.get_by_role("button", name="ratio"))
    header.get_by_role("button").click()
    expect(header).to_have_attribute("aria-sort", "descending")
    cells = page.locator("#control-table tbody tr td:nth-of-type(5)")
    values = [float(value) for value in cells.evaluate_all("cells => cells.map(cell => cell.dataset.value)")]
    assert values == sorted(values, reverse=True)
    page.locator(".filters input[type=search]").fill("brick")
    expect(page.locator("#control-table tbody tr:not([hidden])")).to_have_count(1)


@pytest.mark.parametrize(
    ("href", "chart"),
    [("control.html", "pairs"), ("control.html", "beside"), ("index.html", "beside"), ("layers/fire4.html", "ranked")],
)
def test_charts_of_the_control_become_plotly_when_looked_at(page: Page, address: str, href: str, chart: str) -> None:
    page.goto(address + href)
    figure = page.locator(f"#{chart}")
    figure.get_by_role("button", name="Explore").click()
    expect(figure).to_have_attribute("data-drawn", "yes")
    expect(figure.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert figure.locator(".js-plotly-plot .trace").count() == 2
