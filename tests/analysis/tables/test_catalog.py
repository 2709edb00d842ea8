"""The contract of the tables: the names on which readers outside the project rely."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from dissectory.analysis.experiments import EXPERIMENTS
from dissectory.analysis.tables.catalog import CORE, all_tables
from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.analysis.tables.table import VERSION, Column, Table

PROMISED = {
    "layers": "layer, index, module, units, height, width, matched_units, matched_significant, matched_concepts",
    "concepts": "concept, category, source, pixels, images",
    "units": "layer, unit, threshold, concept, category, iou, iou_low, iou_high, q_value, matched, iqr, iqr_concept, "
    "mean, std, peak, active_fraction",
    "unit_concepts": "layer, unit, concept, intersection, union, iou, iqr, iqr_threshold",
    "unit_images": "layer, unit, rank, image, peak, y, x",
    "unit_histograms": "layer, unit, bin, low, high, count",
    "images": "image, path, class, width, height",
    "classes": "class, split, images, accuracy, precision, recall, balanced_accuracy",
    "unit_ablations": "layer, unit, class, split, balanced_accuracy, drop",
    "ablation_curves": "layer, class, mode, units, balanced_accuracy, all_class_accuracy",
}
"""Columns on which a reader of a run may rely, in this order; a table may have more columns."""

KEYS = {
    "layers": ("layer",),
    "concepts": ("concept",),
    "units": ("layer", "unit"),
    "unit_concepts": ("layer", "unit", "concept"),
    "unit_images": ("layer", "unit", "rank"),
    "unit_histograms": ("layer", "unit", "bin"),
    "images": ("image",),
    "classes": ("class", "split"),
    "unit_ablations": ("layer", "unit", "class", "split"),
    "ablation_curves": ("layer", "class", "mode", "units"),
    "detectors": ("layer", "unit", "kind", "positives"),
    "attacks": ("image",),
    "attack_units": ("image", "layer", "unit"),
    "attack_changes": ("layer", "group"),
    "textures": ("layer", "unit"),
}
"""The columns that identify a row of each table."""

COUNTS = {
    "units": {"active_fraction": "active"},
    "unit_concepts": {"iou": "intersection union"},
    "classes": {"accuracy": "images taken right", "precision": "taken right", "recall": "images right"},
    "unit_ablations": {"balanced_accuracy": "images others taken right"},
    "ablation_curves": {
        "balanced_accuracy": "images others taken right",
        "all_class_accuracy": "labelled correct",
    },
    "detectors": {"balanced_accuracy": "images others taken right"},
    "textures": {"agreement": "active active_copies both"},
}
"""The counts from which each ratio is computed: they are columns of the same table."""

ARROW = {
    pa.int32(),
    pa.int64(),
    pa.float32(),
    pa.string(),
    pa.bool_(),
    pa.dictionary(pa.int32(), pa.string()),
}

every_table = pytest.mark.parametrize("table", all_tables().values(), ids=all_tables().keys())


@pytest.mark.parametrize("name", PROMISED)
def test_promised_columns_are_present_and_in_order(name: str) -> None:
    promised = PROMISED[name].split(", ")
    names = [column.name for column in all_tables()[name].columns]
    assert [column for column in names if column in promised] == promised


@pytest.mark.parametrize("name", KEYS)
def test_promised_keys_identify_a_row(name: str) -> None:
    assert all_tables()[name].key == KEYS[name]


@pytest.mark.parametrize(
    ("name", "ratio", "counts"),
    [(name, ratio, counts) for name, ratios in COUNTS.items() for ratio, counts in ratios.items()],
)
def test_ratios_have_their_counts(name: str, ratio: str, counts: str) -> None:
    table = all_tables()[name]
    assert table[ratio].unit == "1"
    for count in counts.split():
        assert table[count].kind in {"int", "long"}


def test_tables_are_found_by_their_own_names() -> None:
    assert {name: table.name for name, table in all_tables().items()} == {name: name for name in all_tables()}
    for name in all_tables():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)  # a file's name too


@every_table
def test_key_columns_come_first_and_are_never_empty(table: Table) -> None:
    assert 1 <= table.keys <= len(table.columns)
    for column in table.columns[: table.keys]:
        assert column.name in table.key
        assert not column.nullable
        assert column.kind in {"int", "name"}


@every_table
def test_names_of_columns_are_unique(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)


@every_table
def test_names_can_be_written_without_quotes(table: Table) -> None:
    for column in table.columns:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", column.name)
        assert table[column.name] is column


@every_table
def test_meanings_are_phrases(table: Table) -> None:
    for meaning in (table.row, *(column.meaning for column in table.columns)):
        assert meaning.strip() == meaning != ""
        assert not meaning.endswith((".", ";", ",", ":"))
        assert "  " not in meaning


@every_table
def test_columns_that_say_when_they_are_empty_are_nullable(table: Table) -> None:
    for column in table.columns:
        assert column.nullable or not re.search(r"\bempty (if|for|unless|where)\b", column.meaning), column


@every_table
def test_arrow_fields_describe_themselves(table: Table) -> None:
    for column in table.columns:
        field = table.arrow.field(column.name)
        assert field.metadata == {b"description": column.meaning.encode(), b"unit": column.unit.encode()}
        assert field.nullable == column.nullable
        assert field.type in ARROW


@every_table
def test_arrow_schemas_describe_themselves(table: Table) -> None:
    schema = table.arrow
    assert schema.names == [column.name for column in table.columns]
    assert schema.metadata == {
        b"table": table.name.encode(),
        b"row": table.row.encode(),
        b"key": ",".join(table.key).encode(),
        b"schema_version": str(VERSION).encode(),
    }


@pytest.mark.parametrize(
    ("kind", "arrow"),
    [
        ("int", pa.int32()),
        ("long", pa.int64()),
        ("float", pa.float32()),
        ("text", pa.string()),
        ("name", pa.dictionary(pa.int32(), pa.string())),
        ("flag", pa.bool_()),
    ],
)
def test_kinds_are_arrow_types(kind: str, arrow: pa.DataType) -> None:
    assert Column("c", kind, "m").arrow.type == arrow  # type: ignore[arg-type]


def test_columns_of_one_name_are_of_one_kind() -> None:
    kinds: dict[str, set[str]] = {}
    for table in all_tables().values():
        for column in table.columns:
            kinds.setdefault(column.name, set()).add(column.kind)
    joined = {name: kinds[name] for name in ("layer", "unit", "concept", "image", "class", "category", "rank")}
    assert all(len(found) == 1 for found in joined.values()), joined


def test_an_unknown_column_is_no_column() -> None:
    with pytest.raises(KeyError, match="iuo"):
        all_tables()["units"]["iuo"]


def test_categories_are_the_five() -> None:
    assert CATEGORIES == ("object", "part", "material", "texture", "color")


def test_nobody_can_change_the_catalog() -> None:
    all_tables().clear()
    assert {"units", "attacks"} <= set(all_tables())


def test_every_table_has_a_name_of_its_own() -> None:
    declared = [table.name for experiment in EXPERIMENTS for table in experiment.tables]
    names = [*(table.name for table in CORE), *declared]
    assert list(all_tables()) == names
