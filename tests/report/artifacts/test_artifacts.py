"""The page of artifacts and counterexamples on pages of units, of fake tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes.run import HOSTILE_LAYER, make_fake_run

from dissectory.analysis.experiments.artifacts.tables import ARTIFACT_REMOVALS, ARTIFACTS
from dissectory.analysis.experiments.drawers.tables import COUNTEREXAMPLES
from dissectory.analysis.run import Run
from dissectory.report.artifacts.page import artifacts_page
from dissectory.report.artifacts.reading import Artifacts
from dissectory.report.build import build_site
from dissectory.report.edits.counterexamples import Counterexamples
from dissectory.report.edits.shots import counterexample_shots
from dissectory.report.site import Site

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dissectory.analysis.tables.table import Table

UNITS = 6


def write(run: Run, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    run.write_table(table, {column.name: [row[at] for row in rows] for at, column in enumerate(table.columns)})


def with_artifacts(
    folder: Path,
    distances: Sequence[float] = (0.8, 0.5),
    randoms: Sequence[float] = (0.8, 0.7),
    chance: float = 6.0,
) -> Run:
    """Scores fall with a unit's number, but for the first, which has none."""
    run = make_fake_run(folder, layers=2, units=4, control=False, gallery=False)
    scores = [None, *(9.0 - unit for unit in range(1, UNITS))]
    write(
        run,
        ARTIFACTS,
        [
            (HOSTILE_LAYER, unit, score, unit - 1 if unit else UNITS - 1, 4.0, chance)
            for unit, score in enumerate(scores)
        ],
    )
    rows = zip((0, 5, 9), distances, randoms, strict=False)
    write(
        run,
        ARTIFACT_REMOVALS,
        [(HOSTILE_LAYER, size, 30, distance, random, random - 0.05, random + 0.05) for size, distance, random in rows],
    )
    study = {**run.manifest.study, "artifacts": {"features": "python:a:b", "real": "photos"}}
    run.write_manifest(replace(run.manifest, study=study))
    return Run(folder)


def test_units_are_told_by_their_scores(tmp_path: Path) -> None:
    page = artifacts_page(Site(with_artifacts(tmp_path)))
    assert page
    assert page.answer.startswith("Unit 1,")
    assert "from the mean of real images is 8 standard deviations, " in page.remark
    assert "2.0 times" in page.remark
    assert "ten top images" in page.meaning
    assert page.features == "python:a:b"
    assert [row.chip.unit for row in page.rows] == [1, 2, 3, 4, 5]
    assert [float(row.order) for row in page.rows] == [8, 7, 6, 5, 4]


@pytest.mark.parametrize(
    ("distances", "randoms", "says"),
    [
        ((0.8, 0.5), (0.8, 0.7), "shrinks by 37.5 %. None of the three sets of as many random units has this effect."),
        (
            (0.8, 0.6),
            (0.8, 0.6),
            "25 %. This may not be specific to these units: removing as many random units shrinks it by 25 %",
        ),
        ((0.8, 0.7), (0.8, 0.82), "None of the three sets of as many"),
        ((0.8, 0.79), (0.8, 0.82), "removing as many random units does not shrink it on average"),
        ((0.8, 0.9), (0.8, 0.7), "no closer to real images: the distance grows by 12.5 %"),
        ((), (), ""),
    ],
)
def test_what_removing_them_does_is_told_beside_random_units(
    tmp_path: Path, distances: tuple[float, ...], randoms: tuple[float, ...], says: str
) -> None:
    page = artifacts_page(Site(with_artifacts(tmp_path, distances, randoms)))
    assert page
    assert says in page.found
    assert (page.chart is None) == (not distances)


def test_the_most_that_were_removed_are_told_of_however_it_came_out(tmp_path: Path) -> None:
    page = artifacts_page(Site(with_artifacts(tmp_path, (0.8, 0.5, 1.0), (0.8, 0.7, 0.7))))
    assert page
    assert page.found.startswith(
        "Without the 9 units with the highest scores, images are no closer to real images: the distance grows by 25 %."
    )


def test_the_highest_of_many_scores_is_told_beside_chance(tmp_path: Path) -> None:
    for chance, answer, whose in (
        (6.0, "Unit 1, more than any other.", "this unit"),
        (8.5, "None with certainty.", "unit 1"),
    ):
        page = artifacts_page(Site(with_artifacts(tmp_path / str(chance), chance=chance)))
        assert page
        assert page.answer == answer
        assert f"ten top images of {whose} from" in page.remark
        assert page.remark.endswith(f"By chance, the highest of 5 scores is above {chance:g} in 1 of 20 cases.")


@pytest.mark.parametrize(("tiles", "columns", "lines"), [(15, 5, 2), (10, 10, 1), (4, 5, 1), (12, 3, 4), (1, 5, 1)])
def test_so_many_lines_of_a_sprite_hold_the_images_that_the_score_is_of(
    tmp_path: Path, tiles: int, columns: int, lines: int
) -> None:
    run = with_artifacts(tmp_path)
    pictures = replace(run.manifest.pictures, unit_tiles=tiles, columns=columns)
    run.write_manifest(replace(run.manifest, pictures=pictures))
    page = artifacts_page(Site(Run(tmp_path)))
    assert page
    assert page.lines == lines


def test_the_page_is_in_the_site_of_a_run_that_has_the_tables(tmp_path: Path) -> None:
    site = build_site(with_artifacts(tmp_path)).parent
    page = (site / "artifacts.html").read_text()
    assert "<b>" + '"x"' not in page
    assert 'data-chart="artifacts"' in page
    assert 'href="artifacts.html"' in (site / "index.html").read_text()
    plain = make_fake_run(tmp_path / "plain", layers=1, units=3, control=False, gallery=False)
    assert Artifacts.read(Site(plain)) is None
    assert Counterexamples.read(Site(plain)) is None
    assert not (build_site(plain).parent / "artifacts.html").exists()


def test_units_without_any_score_have_no_page(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path, layers=1, units=3, control=False, gallery=False)
    write(run, ARTIFACTS, [("conv1", 0, None, 0, 4.0, None)])
    assert Artifacts.read(Site(run)) is None


def test_counterexamples_are_shown_by_area(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path, layers=2, units=4, control=False, gallery=False)
    concept = "<script>alert(1)</script>"
    rows = [(HOSTILE_LAYER, 2, concept, rank, 7 - rank, 1.5 - rank, 1568 // (rank + 1)) for rank in range(2)]
    write(run, COUNTEREXAMPLES, [*rows, ("gone", 0, concept, 0, 1, 1.0, 9)])
    site = Site(run)
    found = site.reading(Counterexamples)
    assert found
    shots = counterexample_shots(site, 4 + 2)
    assert shots
    (row,) = shots.rows
    assert [shot.note for shot in row.shots] == ["50 % · 1.5", "25 % · 0.5"]
    assert row.shots[1].says.endswith("peak 0.5")
    assert {shot.sprite for shot in row.shots} == {"images/counterexamples/1/2.webp"}
    assert counterexample_shots(site, 0) is None
    assert np.isclose([one.share for one in found.of_unit[6][1]], [0.5, 0.25]).all()
