"""Painting with the units of a generator, in a real browser: what every stroke draws is known."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from networks import planted_generator
from networks.planted_generator import CELL, COLORS, COLUMNS, ROWS, UNITS
from PIL import Image
from playwright.sync_api import expect
from worlds.planted_painting import PAINTS, SEEDS

from dissectory.analysis.dissection import dissect
from dissectory.analysis.experiments.paint.painting import PAINT, Painting
from dissectory.analysis.measuring.setting import Setting, open_setting
from dissectory.analysis.study.study import Study
from dissectory.analysis.subjects.images import ViewBatch
from dissectory.report.build import build_site

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from playwright.sync_api import Browser, Page, Route

    Cell = tuple[int, int]
    Pixels = npt.NDArray[np.uint8]

RED, BLUE, GREEN = range(3)
BLACK_IMAGE, BLUE_IMAGE, GREEN_IMAGE = range(3)


@dataclass(frozen=True)
class Stroke:
    """What a test painted."""

    paint: int
    cells: Sequence[Cell]
    strength: float = 1.0
    erases: bool = False


def picture(image: int, *strokes: Stroke) -> Pixels:
    """Draw as the definition says: a unit's level in a cell, times its color, over the background."""
    latent = planted_generator.latents()[image].numpy()
    maps = np.broadcast_to(latent[:UNITS, None, None], (UNITS, ROWS, COLUMNS)).copy()
    for stroke in strokes:
        for unit, level in zip(PAINTS[stroke.paint].units, PAINTS[stroke.paint].levels, strict=True):
            for row, column in stroke.cells:
                maps[unit, row, column] = 0 if stroke.erases else level * stroke.strength
    values = np.einsum("urc,uk->rck", maps, np.array(COLORS)) + latent[UNITS:]
    levels: Pixels = np.rint((values.clip(-1, 1) + 1) * 127.5).astype(np.uint8)
    return levels.repeat(CELL, axis=0).repeat(CELL, axis=1)


def around(row: int, column: int) -> list[Cell]:
    """The cells of a brush of three cells, of which some may lie outside."""
    return [
        (y, x)
        for y in range(row - 1, row + 2)
        for x in range(column - 1, column + 2)
        if y in range(ROWS) and x in range(COLUMNS)
    ]


def open_page(page: Page, address: str, fragment: str = "") -> None:
    page.goto(f"{address}paint.html{fragment}")
    expect(page.locator("[data-stage]")).to_have_attribute("data-drawn", "yes")


def shown(page: Page, strokes: int) -> Pixels:
    """The picture, as soon as it shows so many strokes."""
    stage = page.locator("[data-stage]")
    expect(stage).to_have_attribute("data-strokes", str(strokes))
    expect(stage).to_have_attribute("data-drawn", "yes")
    url = page.locator("[data-picture]").evaluate("canvas => canvas.toDataURL('image/png')")
    whole = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBA"))
    assert (whole[..., 3] == 255).all()
    return whole[..., :3]


def place(page: Page, cell: Cell, grid: Cell = (ROWS, COLUMNS)) -> tuple[float, float]:
    """Where the middle of a cell is in the window."""
    rows, columns = grid
    stage = page.locator("[data-stage]")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    return box["x"] + (cell[1] + 0.5) * box["width"] / columns, box["y"] + (cell[0] + 0.5) * box["height"] / rows


def drag(page: Page, *cells: Cell, grid: Cell = (ROWS, COLUMNS)) -> None:
    page.mouse.move(*place(page, cells[0], grid))
    page.mouse.down()
    for cell in cells[1:]:
        page.mouse.move(*place(page, cell, grid))
    page.mouse.up()


def take(page: Page, paint: int, *, size: int = 1) -> None:
    """Choose a concept, and a brush of so many cells."""
    page.locator(".pot label").nth(paint).click()
    slide(page, "size", (size + 1) // 2)


def slide(page: Page, name: str, value: int) -> None:
    page.locator(f"input[name={name}]").fill(str(value))


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def test_a_stroke_draws_its_concept_where_it_was_painted_and_nowhere_else(page: Page, address: str) -> None:
    open_page(page, address)
    assert (shown(page, 0) == picture(BLACK_IMAGE)).all()
    take(page, RED)
    drag(page, (1, 1), (1, 5))
    painted = shown(page, 1)
    assert (painted == picture(BLACK_IMAGE, Stroke(RED, [(1, column) for column in range(1, 6)]))).all()
    assert painted[CELL, CELL].tolist() == [255, 0, 0]
    says = re.compile(r"1 stroke: it draws red in 5 of 35 cells\. .* in \d+ ms\.")
    expect(page.locator("[data-status]")).to_have_text(says)


def test_concepts_sizes_and_strengths_lie_over_each_other(page: Page, address: str) -> None:
    open_page(page, address)
    take(page, GREEN, size=3)
    slide(page, "strength", 40)
    drag(page, (0, 0))
    take(page, RED)
    slide(page, "strength", 60)
    drag(page, (1, 0))
    take(page, GREEN)
    slide(page, "strength", 20)
    drag(page, (0, 0))
    strokes = (
        Stroke(GREEN, around(0, 0), strength=0.4),
        Stroke(RED, [(1, 0)], strength=0.6),
        Stroke(GREEN, [(0, 0)], strength=0.2),
    )
    assert (shown(page, 3) == picture(BLACK_IMAGE, *strokes)).all()


def test_what_is_erased_is_gone_under_the_brush(page: Page, address: str) -> None:
    open_page(page, address)
    page.locator("[data-images] label").nth(BLUE_IMAGE).click()
    assert (shown(page, 0) == picture(BLUE_IMAGE)).all()
    take(page, BLUE, size=3)
    page.get_by_text("erases it").click()
    drag(page, (3, 3))
    assert (shown(page, 1) == picture(BLUE_IMAGE, Stroke(BLUE, around(3, 3), erases=True))).all()
    expect(page.locator("input[name=strength]")).to_be_disabled()


def test_undo_redo_and_starting_over_bring_back_the_exact_pixels(page: Page, address: str) -> None:
    open_page(page, address)
    for name in ("Undo", "Redo", "Start over"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    pictures = [shown(page, 0)]
    for number, paint in enumerate((RED, BLUE), start=1):
        take(page, paint)
        drag(page, (number, 1), (number, 3))
        pictures.append(shown(page, number))
    assert len({one.tobytes() for one in pictures}) == 3
    press(page, "Undo")
    assert (shown(page, 1) == pictures[1]).all()
    page.keyboard.press("Control+z")
    assert (shown(page, 0) == pictures[0]).all()
    press(page, "Redo")
    page.keyboard.press("Control+Shift+z")
    assert (shown(page, 2) == pictures[2]).all()
    press(page, "Start over")
    assert (shown(page, 0) == pictures[0]).all()
    expect(page.locator("[data-status]")).to_contain_text("No stroke")
    press(page, "Undo")
    assert (shown(page, 2) == pictures[2]).all()


def test_undoing_while_painting_takes_back_the_stroke_under_way_alone(page: Page, address: str) -> None:
    open_page(page, address)
    take(page, RED)
    drag(page, (0, 0))
    painted = shown(page, 1)
    page.mouse.move(*place(page, (2, 2)))
    page.mouse.down()
    page.mouse.move(*place(page, (2, 4)))
    page.keyboard.press("Control+z")
    page.mouse.move(*place(page, (3, 4)))
    page.mouse.up()
    assert (shown(page, 1) == painted).all()
    expect(page.get_by_role("button", name="Redo")).to_be_disabled()


def test_a_stroke_under_way_does_not_go_over_to_another_image(page: Page, address: str) -> None:
    open_page(page, address)
    page.mouse.move(*place(page, (2, 2)))
    page.mouse.down()
    page.evaluate("location.hash = '#image=5'")
    expect(page.locator("[data-images] input").nth(BLUE_IMAGE)).to_be_checked()
    page.mouse.move(*place(page, (3, 4)))
    page.mouse.up()
    assert (shown(page, 0) == picture(BLUE_IMAGE)).all()
    page.locator("[data-images] label").nth(BLACK_IMAGE).click()
    assert (shown(page, 0) == picture(BLACK_IMAGE)).all()


def test_strokes_quicker_than_drawing_are_all_painted(page: Page, address: str) -> None:
    open_page(page, address)
    take(page, RED)
    page.locator("[data-stage]").evaluate(
        """(stage, [rows, columns]) => {
          stage.setPointerCapture = () => {};
          const box = stage.getBoundingClientRect();
          for (let cell = 0; cell < rows * columns; cell += 2) {
            const clientX = box.left + ((cell % columns) + .5) * box.width / columns;
            const clientY = box.top + (Math.floor(cell / columns) + .5) * box.height / rows;
            for (const kind of ["pointerdown", "pointerup"])
              stage.dispatchEvent(new PointerEvent(kind, { clientX, clientY, isPrimary: true, pointerId: 1 }));
          }
        }""",
        [ROWS, COLUMNS],
    )
    cells = [divmod(cell, COLUMNS) for cell in range(0, ROWS * COLUMNS, 2)]
    assert (shown(page, len(cells)) == picture(BLACK_IMAGE, Stroke(RED, cells))).all()


def test_the_brush_is_outlined_so_that_it_can_be_seen_on_its_own_color(page: Page, address: str) -> None:
    open_page(page, address)
    page.mouse.move(*place(page, (2, 3)))
    colors = page.locator("[data-tint]").evaluate(
        """canvas => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const found = new Set();
          for (let at = 0; at < data.length; at += 4)
            if (data[at + 3] === 255) found.add(data.slice(at, at + 3).join());
          return [...found];
        }"""
    )
    assert set(colors) == {"0,0,0", "255,255,255"}


def test_a_link_holds_the_edit(page: Page, address: str, browser: Browser) -> None:
    open_page(page, address)
    page.locator("[data-images] label").nth(GREEN_IMAGE).click()
    take(page, GREEN)
    drag(page, (4, 6))
    take(page, RED, size=3)
    page.get_by_text("erases it").click()
    drag(page, (2, 2))
    page.get_by_text("draws it").click()
    slide(page, "strength", 130)
    drag(page, (0, 0), (0, 6))
    painted, link = shown(page, 3), page.url
    assert f"#image={SEEDS[GREEN_IMAGE]}&" in link
    other = browser.new_page()
    other.goto(link)
    assert (shown(other, 3) == painted).all()
    assert other.locator("[data-images] input").nth(GREEN_IMAGE).is_checked()
    press(other, "Undo")
    assert (shown(other, 0) == picture(GREEN_IMAGE)).all(), "what a link brought is one step"
    other.close()


def test_a_link_is_followed_on_the_page_too_and_a_foreign_one_paints_nothing(page: Page, address: str) -> None:
    open_page(page, address)
    page.evaluate("location.hash = '#image=5&stroke=erase.100.1-2.blue'")
    many = "&stroke=draw.100.0-z.blue" * 60_000
    stroke = Stroke(BLUE, [(0, 1), (0, 2)], erases=True)
    assert (shown(page, 1) == picture(BLUE_IMAGE, stroke)).all()
    wrong = (
        "image=6",
        "image=5&stroke=draw.100.1-2.violet",
        "image=5&stroke=draw.999.1-2.blue",
        "image=5&stroke=draw.100.0-10.blue",
        "image=5&stroke=draw.100.<b>.blue",
        "image=5&stroke=",
        "image=",
        "image=0x5",
        "image=%",
        "stroke=draw.100.1-2.blue",
        "image=5&stroke=draw.100.0-zzzz.blue",
        "image=5" + many,
    )
    for text in wrong:
        page.evaluate("text => { location.hash = text; }", text)
        expect(page.locator("[data-status]")).to_contain_text("This link cannot be used")
        assert (shown(page, 1) == picture(BLUE_IMAGE, stroke)).all()
        page.evaluate("location.hash = '#image=5&stroke=erase.100.1-2.blue'")
        expect(page.locator("[data-status]")).to_contain_text("1 stroke: it erases blue in 2 of 35 cells.")


def test_painting_by_keyboard_alone(page: Page, address: str) -> None:
    open_page(page, address)
    page.locator("[data-stage]").focus()
    for key in ("[", "ArrowUp", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    first = Stroke(RED, [(1, 2)])
    assert (shown(page, 1) == picture(BLACK_IMAGE, first)).all()
    expect(page.locator("[data-where]")).to_have_text("Row 2, column 3")
    page.keyboard.down("Space")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    page.keyboard.up("Space")
    second = Stroke(RED, [(1, 2), (1, 3), (1, 4), (2, 4)])
    assert (shown(page, 2) == picture(BLACK_IMAGE, second)).all()
    page.keyboard.press("e")
    expect(page.locator("[data-where]")).to_have_text("Erases red")
    page.keyboard.press("Enter")
    third = Stroke(RED, [(2, 4)], erases=True)
    assert (shown(page, 3) == picture(BLACK_IMAGE, second, third)).all()
    page.keyboard.down("Space")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    page.keyboard.up("Space")
    assert (shown(page, 3) == picture(BLACK_IMAGE, second, third)).all(), "what is canceled is not painted"


def test_painting_by_touch(page: Page, address: str) -> None:
    open_page(page, address)
    take(page, RED)
    touch = page.context.new_cdp_session(page)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, cell in (("touchStart", (3, 1)), ("touchMove", (3, 3)), ("touchMove", (3, 5)), ("touchEnd", None)):
        points = [dict(zip("xy", place(page, cell), strict=True))] if cell else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert (shown(page, 1) == picture(BLACK_IMAGE, Stroke(RED, [(3, column) for column in range(1, 6)]))).all()


def test_each_image_keeps_what_was_painted_on_it(page: Page, address: str) -> None:
    open_page(page, address)
    take(page, RED)
    drag(page, (0, 0))
    painted = shown(page, 1)
    page.locator("[data-images] label").nth(BLUE_IMAGE).click()
    assert (shown(page, 0) == picture(BLUE_IMAGE)).all()
    page.locator("[data-images] label").nth(BLACK_IMAGE).click()
    assert (shown(page, 1) == painted).all()


def test_what_was_before_can_be_seen(page: Page, address: str) -> None:
    open_page(page, address)
    take(page, RED)
    drag(page, (0, 0))
    shown(page, 1)
    canvas, before = page.locator("[data-picture]"), page.get_by_role("button", name="Before")
    expect(canvas).to_be_visible()
    before.click()
    expect(before).to_have_attribute("aria-pressed", "true")
    expect(canvas).to_be_hidden()
    drag(page, (1, 1))
    shown(page, 2)
    expect(canvas).to_be_visible()


def test_the_picture_is_saved_and_the_link_is_copied(page: Page, address: str) -> None:
    open_page(page, address)
    take(page, GREEN)
    drag(page, (2, 2))
    painted = shown(page, 1)
    with page.expect_download() as waiting:
        press(page, "Save picture")
    assert waiting.value.suggested_filename == f"painted-{SEEDS[0]}.png"
    saved = Image.open(io.BytesIO(waiting.value.path().read_bytes()))
    assert (np.asarray(saved.convert("RGB")) == painted).all()
    press(page, "Copy link")
    expect(page.locator("[data-do=link]")).to_have_text(re.compile("Copied|address bar"))


def test_a_concept_leads_to_its_page_and_its_units_are_named(page: Page, address: str) -> None:
    open_page(page, address)
    expect(page.locator("[data-units]:visible")).to_contain_text("red is painted with 2 units: 0, 3.")
    take(page, GREEN)
    expect(page.locator("[data-units]:visible")).to_contain_text("<script>alert(1)</script> is painted with 1 unit: 1.")
    page.locator(".pot a").nth(GREEN).click()
    expect(page.locator("h1")).to_contain_text("Which units detect <script>alert(1)</script>?")


def test_a_large_generator_is_loaded_when_it_is_asked_for(served: str, browser: Browser) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def large(route: Route) -> None:
        body = route.fetch().text().replace('class="page paint"', 'class="page paint" data-asks="yes"')
        route.fulfill(body=body, content_type="text/html")

    page.route("**/paint.html", large)
    page.goto(f"{served}paint.html")
    button = page.get_by_role("button", name=re.compile(r"Load the generator \(\d+ MB\)"))
    expect(button).to_be_visible()
    expect(page.get_by_role("button", name="Save picture")).to_be_disabled()
    drag(page, (1, 1), (1, 3))
    expect(page.locator("[data-status]")).to_contain_text("load the generator first")
    assert not [url for url in asked if "vendor/" in url or url.endswith(".onnx")]
    button.click()
    assert (shown(page, 0) == picture(BLACK_IMAGE)).all()
    expect(button).to_be_hidden()
    assert {url.removeprefix(served) for url in asked if "vendor/" in url} == {
        "vendor/onnxruntime.mjs",
        "vendor/onnxruntime.wasm",
    }
    page.close()


def test_a_folder_that_is_too_large_says_what_is_needed(site: Path, browser: Browser) -> None:
    page = browser.new_page()
    html = (site / "paint.html").read_text(encoding="utf-8").replace('"offline":true', '"offline":false')
    page.route("**/paint.html", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{site.as_uri()}/paint.html")
    expect(page.locator("[data-status]")).to_contain_text("dissectory serve")
    expect(page.locator("[data-stage] img")).to_be_visible()
    drag(page, (1, 1), (1, 3))
    expect(page.locator("[data-status]")).to_contain_text("dissectory serve")
    expect(page.get_by_role("button", name="Load the generator")).to_be_hidden()
    page.close()


def test_a_server_that_is_gone_is_named_and_can_be_asked_again(served: str, browser: Browser) -> None:
    page = browser.new_page()
    page.route("**/onnxruntime.wasm", lambda route: route.abort("internetdisconnected"))
    page.goto(f"{served}paint.html")
    expect(page.locator("[data-status]")).to_contain_text("vendor/onnxruntime.wasm could not be loaded")
    expect(page.get_by_role("button", name="Save picture")).to_be_disabled()
    page.unroute("**/onnxruntime.wasm")
    page.get_by_role("button", name="Load the generator").click()
    expect(page.locator("[data-status]")).to_contain_text("Ready.")
    expect(page.get_by_role("button", name="Save picture")).to_be_enabled()
    page.close()


def test_the_whole_picture_is_in_the_window_at_once(page: Page, address: str) -> None:
    open_page(page, address)
    box = page.locator("[data-stage]").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 900


def test_the_page_fits_a_telephone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    open_page(page, address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_cannot_be_loaded_is_said(site: Path, browser: Browser) -> None:
    """Without the script for folders: the page tells what is wrong, and can be asked again."""
    page = browser.new_page()
    page.route("**/offline.js", lambda route: route.abort())
    page.goto(f"{site.as_uri()}/paint.html")
    expect(page.locator("[data-status]")).to_contain_text("could not be loaded: paint/offline.js")
    expect(page.locator("[data-stage] img")).to_be_visible()
    page.unroute("**/offline.js")
    page.get_by_role("button", name="Load the generator").click()
    expect(page.locator("[data-status]")).to_contain_text("Ready.")
    page.close()


EMBEDDED = "python:dissectory.analysis.demo.networks"
SNOW, GRASS = "snowfield", "grass"
MIDDLE, ALL = slice(4, 12), slice(0, 16)


@dataclass(frozen=True)
class Scenes:
    """A site of the embedded generator, and the segmenter that its tables were made with."""

    site: Path
    painting: Painting
    setting: Setting

    def where(self, concept: str, picture: Pixels) -> npt.NDArray[np.bool_]:
        """Where a concept is on a picture, on 16 x 16 times 4 x 4 positions."""
        batch = ViewBatch((0,), ("painted",), np.ascontiguousarray(picture)[None], ((64, 64),))
        labels = self.setting.vocabulary.label(batch)[0]
        found: npt.NDArray[np.bool_] = (labels == self.setting.vocabulary.keys.index(concept) + 1).any(axis=0)
        return found

    def original(self, image: int) -> Pixels:
        """A picture to paint on."""
        return np.asarray(Image.open(self.site / PAINT / f"{image}.png").convert("RGB"))


@pytest.fixture(scope="module")
def scenes(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Scenes:
    """Two hundred scenes are enough to know the units; `site` sees to the front-end libraries."""
    assert site.is_dir()
    values = {
        "model": {"source": f"{EMBEDDED}:trained_generator", "kind": "generator", "layers": ["layer3"]},
        "latents": {"count": 200},
        "concepts": {"sources": [f"{EMBEDDED}:trained_segmenter"]},
        "dissection": {"pairings": 0, "top_images": 1},
        "paint": {},
    }
    study = Study.from_dict(values)
    run = dissect(study, tmp_path_factory.mktemp("scenes") / "run")
    return Scenes(build_site(run).parent, Painting.read(run.folder / PAINT), open_setting(study))


def sweep(page: Page, scenes: Scenes, image: int, concept: str, cells: slice) -> None:
    """Choose an image and a concept, and go with a broad brush over a square of cells, up to its edges."""
    page.locator("[data-images] label").nth(image).click()
    names = [paint.concept for paint in scenes.painting.paints]
    take(page, names.index(concept), size=5)
    first, last = cells.start + 2, cells.stop - 3
    lines = [*range(first, last, 5), last]
    turns = [(line, column) for line in lines for column in (first, last)]
    drag(page, *turns, grid=scenes.painting.grid)


def test_snow_comes_where_it_is_painted(scenes: Scenes, browser: Browser) -> None:
    images = range(len(scenes.painting.seeds))
    before = [scenes.where(SNOW, scenes.original(image)) for image in images]
    under = np.zeros_like(before[0])
    under[4 * MIDDLE.start : 4 * MIDDLE.stop, 4 * MIDDLE.start : 4 * MIDDLE.stop] = True
    bare = [image for image in images if not before[image].any()][:3]
    came = []
    for image in bare:
        page = browser.new_page()
        open_page(page, f"{scenes.site.as_uri()}/")
        sweep(page, scenes, image, SNOW, MIDDLE)
        after = scenes.where(SNOW, shown(page, 1))
        came.append(after[under].mean())
        assert after[~under].mean() < after[under].mean()
        page.close()
    assert np.mean(came) > 0.25, came


def test_grass_goes_where_it_is_erased(scenes: Scenes, browser: Browser) -> None:
    images = range(len(scenes.painting.seeds))
    areas = [scenes.where(GRASS, scenes.original(image)).mean() for image in images]
    greenest = int(np.argmax(areas))
    page = browser.new_page()
    open_page(page, f"{scenes.site.as_uri()}/")
    page.get_by_text("erases it").click()
    sweep(page, scenes, greenest, GRASS, ALL)
    left = scenes.where(GRASS, shown(page, 1)).mean()
    assert left < 0.6 * areas[greenest], (left, areas[greenest])
    press(page, "Undo")
    assert scenes.where(GRASS, shown(page, 0)).mean() == pytest.approx(areas[greenest], abs=0.01)
    page.close()
