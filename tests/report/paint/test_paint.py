"""The page to paint on: what it says, and the files that it loads."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from typing import TYPE_CHECKING

import pytest
from fakes.painting import SEEDS, make_fake_painting
from fakes.run import make_fake_run

from dissectory.analysis.experiments.paint.painting import PAINT
from dissectory.analysis.experiments.paint.tables import PAINT_TRIALS
from dissectory.errors import RunError
from dissectory.report.build import build_site
from dissectory.report.frame import sources
from dissectory.report.paint import page as paint
from dissectory.report.paint import reading as painting
from dissectory.report.paint.page import PaintPage, paint_page
from dissectory.report.paint.reading import ENGINE, OFFLINE, PaintFiles
from dissectory.report.site import Site

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run


def page_of(run: Run, *given: object) -> PaintPage:
    page = paint_page(Site(run, *given))
    assert page is not None
    return page


@pytest.fixture
def page(hostile: Run) -> PaintPage:
    return page_of(hostile)


def small(folder: Path) -> Run:
    run = make_fake_run(folder / "run", layers=1, units=2, hostile_names=False, concepts=4, images=3)
    make_fake_painting(run.folder / PAINT, "no layer of the run", ["sky"])
    return run


def test_a_page_is_there_only_where_there_is_something_to_paint_on(hostile: Run, bare: Run) -> None:
    assert (hostile.folder / "site" / "paint.html").is_file()
    assert 'href="paint.html"' in (hostile.folder / "site" / "index.html").read_text(encoding="utf-8")
    assert not (bare.folder / "site" / "paint.html").exists()
    assert not (bare.folder / "site" / PAINT).exists()
    assert 'href="paint.html"' not in (bare.folder / "site" / "index.html").read_text(encoding="utf-8")


def test_how_well_a_concept_appeared_stands_with_its_units(hostile: Run, page: PaintPage) -> None:
    assert {pot.tried for pot in page.pots} == {""}
    trial = (page.layer, page.pots[1].name, 2, 6, 1000, 123, 0.123)
    columns = PAINT_TRIALS.columns
    hostile.write_table(PAINT_TRIALS, {column.name: [trial[at]] for at, column in enumerate(columns)})
    tried = page_of(hostile).pots
    hostile.table_path("paint_trials").unlink()
    assert [pot.tried for pot in tried] == [
        "",
        "In trials on a few of the images, 12.3 % of the painted positions showed it.",
        "",
    ]


def test_concepts_and_units_lead_to_their_pages(page: PaintPage, hostile: Run) -> None:
    site = hostile.folder / "site"
    linked, tree, unknown = page.pots
    for pot in (linked, tree):
        assert pot.link is not None
        assert (site / pot.link.href).is_file()
        assert pot.link.name == pot.name
    assert unknown.link is None
    assert [link.unit for link in tree.units] == [1, 2]
    assert all((site / link.href).is_file() for link in tree.units)
    assert (site / page.layer_href).is_file()
    assert [choice.seed for choice in page.choices] == list(SEEDS)
    assert all((site / choice.href).is_file() for choice in page.choices)


def test_colors_are_those_of_the_gallery_and_all_others_apart(page: PaintPage, hostile: Run) -> None:
    table = hostile.table("gallery_concepts")
    known = dict(zip(table["concept"].astype(str), table["color"].astype(str), strict=True))
    assert "tree" in known
    assert {pot.name: pot.color for pot in page.pots if pot.name in known}.items() <= known.items()
    assert len({pot.color for pot in page.pots}) == len(page.pots)


def test_a_run_without_gallery_and_layer_is_painted_all_the_same(bare: Run, tmp_path: Path) -> None:
    made = make_fake_painting(tmp_path / PAINT, "no layer of the run", ["sky", "none"])
    page = page_of(bare, PaintFiles.of(tmp_path / PAINT, made))
    assert page.layer_href == ""
    assert [link.href for pot in page.pots for link in pot.units] == [""] * 4
    assert len({pot.color for pot in page.pots}) == 2


def test_what_the_browser_is_told(page: PaintPage) -> None:
    told = json.loads(str(page.data))
    assert told["inputs"] == [["layer", [12, 4, 6]], ["around0", [3]]]
    assert told["paints"][1] == ["tree", page.pots[1].color, [1, 2], [1.5, 2.0]]
    assert (told["picture"], told["range"], told["seeds"]) == ([16, 24], [-1, 1], list(SEEDS))
    assert told["offline"] is True
    assert (page.rows, page.columns, page.sizes) == (4, 6, (1, 3))
    assert "0.0123 of one of 256 levels" in page.agreement
    assert "</script>" not in str(page.data)


def test_a_reader_is_asked_before_a_large_generator_is_loaded(
    hostile: Run, page: PaintPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not page.asks
    monkeypatch.setattr(paint, "ASK", 100)
    asking = page_of(hostile)
    assert asking.asks
    assert asking.size.endswith("B")


def test_plain_files_and_the_script_for_folders_hold_the_same(hostile: Run) -> None:
    site = hostile.folder / "site"
    script = (site / PAINT / OFFLINE).read_text(encoding="ascii")
    held = json.loads(script.removeprefix("window.dissectoryOffline=").removesuffix(";\n"))
    files = PaintFiles.read(Site(hostile))
    assert files
    assert (
        set(held) == set(files.loaded) == {"paint/rest.onnx", "paint/maps.f16", *(f"vendor/{name}" for name in ENGINE)}
    )
    for name, source in files.loaded.items():
        assert gzip.decompress(base64.b64decode(held[name])) == (site / name).read_bytes() == source.read_bytes()


def test_a_script_that_were_too_large_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painting, "OFFLINE_MOST", 100)
    site = build_site(small(tmp_path)).parent
    assert not (site / PAINT / OFFLINE).exists()
    assert (site / PAINT / "rest.onnx").is_file()
    assert '"offline":false' in (site / "paint.html").read_text(encoding="utf-8")


def test_a_missing_engine_is_named_with_its_remedy(
    tmp_path: Path, vendor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = shutil.copytree(vendor, tmp_path / "vendor")
    (part / "onnxruntime.wasm").unlink()
    monkeypatch.setattr(sources, "VENDOR", part)
    with pytest.raises(RunError, match=r"the library onnxruntime\.wasm is missing .* pip install"):
        build_site(small(tmp_path))


def test_a_painting_with_a_hole_is_one_message(tmp_path: Path) -> None:
    run = small(tmp_path)
    (run.folder / PAINT / "1.png").unlink()
    with pytest.raises(RunError, match=r"1\.png is missing or cut short: run the study again"):
        build_site(run)
