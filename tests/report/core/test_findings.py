from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes.run import make_fake_run

from dissectory.analysis.tables.core import UNITS
from dissectory.errors import RunError
from dissectory.report.compare.reading import _best, _matches
from dissectory.report.core.findings import Findings

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run


@pytest.fixture(scope="module")
def findings(hostile: Run) -> Findings:
    return Findings.read(hostile)


def test_layers_keep_the_order_of_the_network_and_cover_all_units(hostile: Run, findings: Findings) -> None:
    table = hostile.table("layers").sort_values("index")
    assert [layer.name for layer in findings.layers] == table["layer"].tolist()
    assert [layer.last - layer.first for layer in findings.layers] == table["units"].tolist()
    assert findings.layers[-1].last == len(findings.units)


def test_every_unit_stands_at_its_place(hostile: Run, findings: Findings) -> None:
    table = hostile.table("units")
    for place in range(len(findings.units)):
        layer, unit = findings.layer_of(place).name, int(findings.units.unit[place])
        row = table[(table["layer"] == layer) & (table["unit"] == unit)].iloc[0]
        label = findings.label_of(place)
        assert findings.units.iou[place] == pytest.approx(row["iou"])
        assert (label.name if label else None) == (row["concept"] if isinstance(row["concept"], str) else None)
        assert np.isnan(findings.units.threshold[place]) == np.isnan(row["threshold"])


def test_pairs_of_a_unit_are_those_of_the_table_best_first(hostile: Run, findings: Findings) -> None:
    table = hostile.table("unit_concepts")
    for place in range(len(findings.units)):
        layer, unit = findings.layer_of(place).name, int(findings.units.unit[place])
        rows = table[(table["layer"] == layer) & (table["unit"] == unit)]
        found = findings.pairs.of(place)
        names = [findings.concepts[row].name for row in found["concept"]]
        assert dict(zip(names, found["intersection"], strict=True)) == dict(
            zip(rows["concept"], rows["intersection"], strict=True)
        )
        assert found["iou"].tolist() == sorted(rows["iou"].astype(float), reverse=True)


def test_units_of_a_concept_are_those_of_the_table_best_first(hostile: Run, findings: Findings) -> None:
    table = hostile.table("unit_concepts")
    for concept in findings.concepts:
        rows = table[table["concept"] == concept.name]
        found = findings.by_concept.of(concept.row)
        units = {
            (findings.layer_of(place).name, int(findings.units.unit[place])): iou
            for place, iou in zip(found["place"].tolist(), found["iou"].tolist(), strict=True)
        }
        expected = {
            (row.layer, row.unit): pytest.approx(float(row.iou))  # type: ignore[arg-type] # pandas types a cell loosely
            for row in rows.itertuples()
        }
        assert units == expected
        assert found["iou"].tolist() == sorted(found["iou"].tolist(), reverse=True)


def test_images_of_a_unit_come_by_rank(hostile: Run, findings: Findings) -> None:
    table = hostile.table("unit_images")
    for place in range(len(findings.units)):
        layer, unit = findings.layer_of(place).name, int(findings.units.unit[place])
        rows = table[(table["layer"] == layer) & (table["unit"] == unit)].sort_values("rank")
        assert findings.tops.of(place)["image"].tolist() == rows["image"].tolist()


def test_a_run_without_classes_has_none(bare: Run) -> None:
    assert Findings.read(bare).classes is None


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    from dissectory.analysis.run import Run  # noqa: PLC0415 - only this test makes one

    with pytest.raises(RunError, match="not a finished run"):
        Findings.read(Run(tmp_path))


def test_a_flat_unit_is_listed_for_no_concept(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", layers=1, units=4, hostile_names=False, concepts=5, images=4)
    before = Findings.read(run)
    place = int(before.by_concept.columns["place"][0])
    table = run.table("units").astype({"layer": object, "concept": object, "category": object, "iqr_concept": object})
    table.loc[place, "flat"] = True
    run.write_table(UNITS, {name: table[name] for name in map(str, table)})
    after = Findings.read(run)
    assert place in before.by_concept.columns["place"]
    assert place not in after.by_concept.columns["place"]
    assert len(after.pairs.of(place)["concept"]) == len(before.pairs.of(place)["concept"]), "its own page lists them"
    assert place not in [_best(after, concept).place for concept in after.concepts]
    assert _matches(after, range(len(after.concepts)))[place] == -1
