"""Columns and tables: names, types, units and meanings, which the parquet files carry in their own metadata."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
"""Raised when a reader of older tables would go wrong."""

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
    """One column: `unit` is empty for a name, "1" for a ratio in 0..1."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    nullable: bool = False

    @property
    def arrow(self) -> pa.Field:
        """The column as an arrow field that carries its own description."""
        metadata = {"description": self.meaning, "unit": self.unit}
        return pa.field(self.name, _ARROW[self.kind], nullable=self.nullable, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Table:
    """One table; its first `keys` columns name a row and give the order of rows."""

    name: str
    row: str
    keys: int
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the columns that name a row."""
        return tuple(column.name for column in self.columns[: self.keys])

    @property
    def arrow(self) -> pa.Schema:
        """The table as an arrow schema, described in its metadata."""
        metadata = {"table": self.name, "row": self.row, "key": ",".join(self.key), "schema_version": str(VERSION)}
        return pa.schema([column.arrow for column in self.columns], metadata=metadata)

    def __getitem__(self, name: str) -> Column:
        """Find the column called `name`."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
