"""The data page: every table with its dictionary; and the page of classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from dissectory.analysis.schema import TABLES
from dissectory.report import words

if TYPE_CHECKING:
    from dissectory.analysis.run import Run
    from dissectory.analysis.schema import Column
    from dissectory.report.findings import Findings
    from dissectory.report.removals import Removals


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One parquet file."""

    name: str
    href: str
    row: str
    key: str
    rows: str
    size: str
    columns: tuple[Column, ...]
    pandas: str
    duckdb: str


@dataclass(frozen=True, slots=True)
class DataPage:
    """Everything that the data page says."""

    title: str
    answer: str
    remark: str
    tables: tuple[TableEntry, ...]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class in a split; `href` is its page, if it has one, and `cells` pairs of what is shown and sorted by."""

    name: str
    href: str
    split: str
    images: int
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ClassesPage:
    """Everything that the page of classes says."""

    title: str
    answer: str
    remark: str
    head: tuple[tuple[str, str], ...]
    rows: tuple[ClassRow, ...]


def data_page(run: Run) -> DataPage:
    """Make the data page of the tables that the run has."""
    paths = [run.table_path(name) for name in TABLES if run.has(name)]
    total = sum(path.stat().st_size for path in paths)
    return DataPage(
        title="Data",
        answer=f"In {words.count(len(paths), 'parquet table')}, {words.size(total)} in all.",
        remark="Whole counts stand beside every ratio, so that each number on this site can be computed again.",
        tables=tuple(_entry(run, name) for name in TABLES if run.has(name)),
    )


def classes_page(findings: Findings, removals: Removals | None = None) -> ClassesPage | None:
    """Make the page of classes, which leads to the page of each that units were removed for; none without classes."""
    frame = findings.classes
    if frame is None or frame.empty:
        return None
    measures = ("balanced_accuracy", "recall", "precision", "accuracy")
    known = frame["balanced_accuracy"].dropna()
    mean = f", {words.percent(float(known.mean()))} on average" if len(known) else ""
    names = frame["class"].astype(str).nunique()
    pages = {one.name: one.href for one in removals.classes} if removals else {}
    return ClassesPage(
        title="Classes",
        answer=f"{words.count(names, 'class', 'classes')}{mean}.",
        remark="The average is of balanced accuracy: the mean of recall and the true negative rate; chance is 50 %."
        + (" Classes that the network has no output for are not known." if len(known) < len(frame) else ""),
        head=tuple((name.replace("_", " "), TABLES["classes"][name].meaning) for name in measures),
        rows=tuple(
            ClassRow(
                str(row["class"]),
                pages.get(str(row["class"]), ""),
                str(row["split"]),
                int(row["images"]),
                tuple(_cell(row[name]) for name in measures),
            )
            for row in frame.to_dict("records")
        ),
    )


def _entry(run: Run, name: str) -> TableEntry:
    table, path = TABLES[name], run.table_path(name)
    href = f"tables/{name}.parquet"
    order = "iou DESC" if "iou" in [column.name for column in table.columns] else ", ".join(table.key)
    return TableEntry(
        name=name,
        href=href,
        row=table.row,
        key=words.listed(table.key),
        rows=f"{pq.read_metadata(path).num_rows:,}",
        size=words.size(path.stat().st_size),
        columns=table.columns,
        pandas=f'import pandas as pd\n\n{name} = pd.read_parquet("{href}")\n{name}.head(10)',
        duckdb=f"SELECT *\nFROM '{href}'\nORDER BY {_quoted(order)}\nLIMIT 10;",
    )


def _quoted(order: str) -> str:
    """`class` and its like are words of SQL."""
    return ", ".join(part if " " in part else f'"{part}"' for part in order.split(", "))


def _cell(value: float | None) -> tuple[str, str]:
    if value is None or math.isnan(value):
        return "", "-1"
    return words.share(value), f"{value:.6f}"
