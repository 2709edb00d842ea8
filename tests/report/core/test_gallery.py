"""The gallery's view: what it says of images and concepts is what the tables hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.report.core.gallery import GalleryPage, gallery_page
from dissectory.report.core.home import home_page
from dissectory.report.site import Site

if TYPE_CHECKING:
    import pandas as pd

    from dissectory.analysis.run import Run


@pytest.fixture(scope="module")
def page(hostile: Run) -> GalleryPage:
    made = gallery_page(Site(hostile))
    assert made is not None
    return made


@pytest.fixture(scope="module")
def shown(hostile: Run) -> pd.DataFrame:
    return hostile.table("gallery_concepts").astype({"concept": str})


def test_every_image_has_a_map_of_every_category(page: GalleryPage, hostile: Run) -> None:
    assert [entry.image for entry in page.entries] == list(range(0, 40, 6))
    for entry in page.entries:
        assert [made.category for made in entry.maps] == list(CATEGORIES)
        for path in (entry.href, *(made.href for made in entry.maps)):
            assert (hostile.folder / path).is_file()


def test_legends_come_by_area_and_say_its_share(page: GalleryPage, shown: pd.DataFrame) -> None:
    areas = shown.groupby("concept").pixels.sum()
    keys = {key.concept.name: key for legend in page.legends for key in legend.keys}
    assert set(keys) == set(areas.index)
    for legend in page.legends:
        pixels = [int(areas[key.concept.name]) for key in legend.keys]
        assert pixels == sorted(pixels, reverse=True)
        assert {key.concept.category for key in legend.keys} == {legend.category}
    for name, key in keys.items():
        assert key.share == f"{100 * areas[name] / (len(page.entries) * 56 * 56):.1f} %"
        assert key.images == f"in {(shown.concept == name).sum()} of 7 images"
        assert key.color == shown[shown.concept == name].color.iloc[0]


def test_the_browser_is_given_every_region(page: GalleryPage, shown: pd.DataFrame) -> None:
    data = json.loads(str(page.data))
    names = [name for name, _ in data["concepts"]]
    numbers = {key.number: key.concept.name for legend in page.legends for key in legend.keys}
    assert numbers == dict(enumerate(names))
    for entry in page.entries:
        rows = shown[shown.image == entry.image]
        regions = data["images"][str(entry.image)]
        assert {names[number]: runs for number, runs in regions} == dict(zip(rows.concept, rows.runs, strict=True))
        pixels = [int(rows[rows.concept == names[number]].pixels.iloc[0]) for number, _ in regions]
        assert pixels == sorted(pixels, reverse=True)


def test_maps_are_described_in_words(page: GalleryPage, shown: pd.DataFrame) -> None:
    assert {made.says for made in page.entries[0].maps} == {f"{name}: no concept" for name in CATEGORIES}
    objects = page.entries[1].maps[0].says
    of_image = shown[shown.image == page.entries[1].image]
    for row in of_image[of_image.concept.isin(objects.replace(":", " ").split())].itertuples():
        assert f"{row.concept} {100 * int(row.pixels) / 56**2:.1f}" in objects  # type: ignore[arg-type] # pandas types a cell loosely
    assert objects.startswith("object: ")


def test_the_first_line_counts_images_and_concepts(page: GalleryPage, shown: pd.DataFrame, hostile: Run) -> None:
    concepts = len(hostile.table("concepts"))
    assert page.answer == f"These 7 of 40 images show {shown.concept.nunique()} of {concepts} concepts."


def test_what_the_images_are_is_said_where_the_study_says_it(page: GalleryPage, hostile: Run, bare: Run) -> None:
    assert page.about == 'Drawn by a <b class="x">program</b>, & never seen.'
    for run, about in ((hostile, page.about), (bare, "")):
        assert home_page(Site(run)).about == about


def test_no_gallery_without_one(bare: Run) -> None:
    assert gallery_page(Site(bare)) is None
