"""A generator that is told what to draw is painted with in a real browser, and goes on drawing what it was told."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from networks import drawing_generator as drawing
from PIL import Image
from playwright.sync_api import expect
from worlds import drawn_world

from dissectory.analysis.dissection import dissect
from dissectory.analysis.experiments.paint.painting import PAINT, Painting
from dissectory.report.build import build_site

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from playwright.sync_api import Browser, Page

    Pixels = npt.NDArray[np.uint8]

CELLS, CELL = drawing.CELLS, drawing.CELL


@pytest.fixture(scope="module")
def folder(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose site has a page to paint on; without the front-end libraries there is none."""
    assert site.is_dir()
    folder = tmp_path_factory.mktemp("conditional")
    model = {"source": f"python:{drawing.__file__}:Seasonal"}
    run = dissect(drawn_world.study(folder, model=model, paint={"images": drawing.SEASONS}), folder / "run")
    build_site(run)
    return run.folder


def shown(page: Page, strokes: int) -> Pixels:
    """The picture, as soon as it shows so many strokes."""
    stage = page.locator("[data-stage]")
    expect(stage).to_have_attribute("data-strokes", str(strokes))
    expect(stage).to_have_attribute("data-drawn", "yes")
    url = page.locator("[data-picture]").evaluate("canvas => canvas.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB"))


def cells(picture: Pixels) -> Pixels:
    """The color of each cell `(8, 8, 3)`."""
    return picture[CELL // 2 :: CELL, CELL // 2 :: CELL]


@pytest.mark.parametrize("image", range(drawing.SEASONS))
def test_a_stroke_lies_over_what_the_generator_was_told_to_draw(folder: Path, browser: Browser, image: int) -> None:
    names = [paint.concept for paint in Painting.read(folder / PAINT).paints]
    season = (drawn_world.SEED + image) % drawing.SEASONS
    level = drawn_world.levels()[image].clone()
    if season:
        level[drawing.THINGS.index("barn" if season == 1 else "lake")] = -1
    colors = np.array([drawing.COLORS[name] for name in drawing.CONCEPTS]) * 255
    wanted = np.einsum("kyx,kc->yxc", drawing.shows(level[None])[0].numpy(), colors)
    with browser.new_page() as page:
        page.goto(f"{(folder / 'site').as_uri()}/paint.html")
        page.locator("input[name=image]").nth(image).check(force=True)
        np.testing.assert_array_equal(cells(shown(page, 0)), wanted)
        page.locator(".pot label").nth(names.index("fog")).click()
        page.locator("input[name=size]").fill("1")
        box = page.locator("[data-stage]").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 6.5 * box["width"] / CELLS, box["y"] + 1.5 * box["height"] / CELLS)
        wanted[1, 6] = np.array(drawing.COLORS["fog"]) * 255
        np.testing.assert_array_equal(cells(shown(page, 1)), wanted)
