"""Columns and tables: names, types, units and meanings. The parquet files store them in their metadata."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
"""The version of the tables. Increase it when a change would mislead a program that reads older tables."""

Kind = Literal["int", "long", "float", "text", "name", "flag"]

_ARROW: Mapping[Kind, pa.DataType] = MappingProxyType(
    {
        "int": pa.int32(),
        "long": pa.int64(),
        "float": pa.float32(),
        "text": pa.string(),
        "name": pa.dictionary(pa.int32(), pa.string()),
        "flag": pa.bool_(),
    }
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `unit` is the unit of measurement: empty for a name, "1" for a ratio from 0 to 1."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    nullable: bool = False

    @property
    def arrow(self) -> pa.Field:
        """The column as an arrow field, with its description in the metadata."""
        metadata = {"description": self.meaning, "unit": self.unit}
        return pa.field(self.name, _ARROW[self.kind], nullable=self.nullable, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    The first `keys` columns identify a row, and the rows are sorted by them. `row` says what a row is.
    """

    name: str
    row: str
    keys: int
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """The names of the columns that identify a row."""
        return tuple(column.name for column in self.columns[: self.keys])

    @property
    def arrow(self) -> pa.Schema:
        """The table as an arrow schema, with its description in the metadata."""
        metadata = {"table": self.name, "row": self.row, "key": ",".join(self.key), "schema_version": str(VERSION)}
        return pa.schema([column.arrow for column in self.columns], metadata=metadata)

    def __getitem__(self, name: str) -> Column:
        """Find the column called `name`.

        Raises:
            KeyError: the table has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
