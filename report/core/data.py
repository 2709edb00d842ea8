"""The data page: every table with its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from dissectory.report import words

if TYPE_CHECKING:
    from dissectory.analysis.run import Run
    from dissectory.analysis.tables.table import Column, Table
    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A parquet file."""

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
    """The data page."""

    title: str
    answer: str
    remark: str
    tables: tuple[TableEntry, ...]


def data_page(site: Site) -> DataPage:
    """Make the data page of the tables that the run has."""
    run = site.run
    paths = [run.table_path(name) for name in run.tables]
    total = sum(path.stat().st_size for path in paths)
    return DataPage(
        title="Data",
        answer=f"In {words.count(len(paths), 'parquet table')}, {words.size(total)} in all.",
        remark="The tables have the integer counts of every ratio, so every number on this site can be recomputed.",
        tables=tuple(_entry(run, table) for table in run.tables.values()),
    )


def _entry(run: Run, table: Table) -> TableEntry:
    name, path = table.name, run.table_path(table.name)
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
    """Quote names, since some of them, such as `class`, are words of SQL."""
    return ", ".join(part if " " in part else f'"{part}"' for part in order.split(", "))
