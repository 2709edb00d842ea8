"""Pictures of edits on the pages of concepts, and what a unit did alone on its page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from fakes.run import make_fake_run

from dissectory.analysis.experiments.generator_ablation.tables import (
    ABLATION_PICTURES,
    GENERATOR_ABLATIONS,
    UNIT_EFFECTS,
)
from dissectory.analysis.experiments.insertion.tables import INSERTION_PICTURES, INSERTIONS, NO_CONTEXT
from dissectory.report.build import build_site
from dissectory.report.edits.reading import EditResults
from dissectory.report.edits.shots import alone_view, insertion_shots, removal_shots
from dissectory.report.site import Site

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dissectory.analysis.run import Run
    from dissectory.analysis.tables.table import Table

LAYER = "fire4"


def write(run: Run, table: Table, rows: Sequence[Sequence[object]]) -> None:
    run.write_table(table, {column.name: [row[at] for row in rows] for at, column in enumerate(table.columns)})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = make_fake_run(tmp_path / "run")
    units = run.table("units")
    label = str(units[(units.layer == LAYER) & (units.unit == 2)].concept.iloc[0])
    names = [str(name) for name in run.table("concepts").concept if name != label]
    removals = [
        (LAYER, label, rank, size, 70 + rank, 400 - 100 * size - rank) for rank in range(3) for size in (0, 2, 4)
    ]
    write(run, ABLATION_PICTURES, removals)
    changes = [(-0.1 * size, -0.1 * size, -0.1 * size) for size in (0, 2, 4)]
    ablations = [
        (LAYER, label, "iou", 2 * place, label, 30, 9, 8, 90, 99, *change, 99, *changes[0])
        for place, change in enumerate(changes)
    ]
    write(run, GENERATOR_ABLATIONS, ablations)
    write(run, INSERTIONS, [(LAYER, label, names[0], 9, 90, 10.0, 8.0, 12.0)])
    write(
        run,
        INSERTION_PICTURES,
        [(LAYER, label, 0, 91, 1, 3, names[0], 12), (LAYER, label, 1, 90, 0, 0, NO_CONTEXT, 1)],
    )
    effects = [
        (LAYER, 2, label, 9, 40, 50, -0.2, -0.3, -0.1),
        (LAYER, 2, names[0], 9, 130, 100, 0.3, -0.1, 0.7),
        (LAYER, 2, names[1], 9, 5, 0, None, None, None),
        (LAYER, 3, names[0], 9, 99, 100, -0.01, None, None),
    ]
    write(run, UNIT_EFFECTS, effects)
    return run


def test_removals_are_shown_image_by_image(run: Run) -> None:
    site = Site(run)
    findings, edits = site.findings, site.reading(EditResults)
    assert edits
    (name,) = edits.removed
    (concept,) = (one for one in findings.concepts if one.name == name)
    shots = removal_shots(site, concept)
    assert shots
    assert shots.heads == ("all units", "\N{MINUS SIGN}2 units", "\N{MINUS SIGN}4 units")
    assert [len(row.shots) for row in shots.rows] == [3, 3, 3]
    last = shots.rows[2].shots[1]
    assert (last.sprite, last.place) == (f"images/ablation/{concept.row}.webp", "--c:1;--r:2;--n:3;--m:3")
    assert last.note == f"{100 * 198 / findings.manifest.grid**2:.1f} %"
    assert "seed 72 without 2 units" in last.says
    other = next(one for one in findings.concepts if one.name != name)
    assert removal_shots(site, other) is insertion_shots(site, other) is None


def test_insertions_frame_the_cell_of_the_layers_map(run: Run) -> None:
    site = Site(run)
    findings, edits = site.findings, site.reading(EditResults)
    assert edits
    (name,) = edits.inserted
    shots = insertion_shots(site, next(one for one in findings.concepts if one.name == name))
    assert shots
    layer = next(one for one in findings.layers if one.name == LAYER)
    side = 100 / layer.width
    assert shots.rows[0].shots[1].mark.startswith(f"left:{3 * side:.2f}%;top:{side:.2f}%;width:{side:.2f}%")
    assert [row.remark.partition(" was: ")[2] for row in shots.rows] == ["12 positions", "1 position"]
    assert shots.rows[1].remark == "where nothing was: 1 position"
    assert f"amplified {findings.manifest.pictures.amplified} times" in shots.says


def test_a_unit_alone_says_what_it_takes_away(run: Run) -> None:
    site = Site(run)
    findings = site.findings
    layer = next(one for one in findings.layers if one.name == LAYER)
    view = alone_view(site, layer.first + 2)
    assert view
    assert view.says.startswith(
        "Measured on 9 other images, removing only this unit takes away 20.0 % of the area of its label, "
    )
    own, second, third = view.changes
    assert (own.change, own.own, own.unsure) == ("-20.0 %", True, False)
    interval = "-10.0 % to +70.0 %"
    assert (second.change, second.interval, second.gained, second.unsure) == ("+30.0 %", interval, True, True)
    assert (third.change, third.bar, third.interval) == ("new", "", "")
    start, end = map(float, re.findall(r"--[az]:([\d.]+)%", own.bar))
    assert (start, end) == pytest.approx((50 - 50 * 0.2 / 0.33, 50), abs=0.1)
    assert view.shots
    assert [row.name for row in view.shots.rows] == ["with all units", "without the unit", "difference"]
    unsure = alone_view(site, layer.first + 3)
    assert unsure
    assert "takes no area away with certainty" in unsure.says
    still = alone_view(site, layer.first + 4)
    assert still
    assert still.says == "Removing only this unit changes no concept's area on any of the images."
    elsewhere = next(one for one in findings.layers if one.name != LAYER)
    assert alone_view(site, elsewhere.first) is None


def test_pages_have_them_and_load_pictures_late(run: Run) -> None:
    site = build_site(run).parent
    units = [path.read_text() for path in sorted((site / "units" / LAYER).glob("*.html"))]
    assert all('id="alone"' in page for page in units)
    concepts = "".join(path.read_text() for path in sorted((site / "concepts").glob("*.html")))
    pictures = re.findall(r'<img src="\.\./images/(?:ablation|insertion)/[^>]*>', concepts)
    assert len(pictures) == 9 + 6
    assert all('loading="lazy"' in picture for picture in pictures)


def test_runs_without_them_read_as_nothing(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run")
    assert EditResults.read(Site(run)) is None
