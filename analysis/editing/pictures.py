"""What the pictures of edits have in common: where they are, and their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run
    from dissectory.analysis.tables.table import Table

SHOWN = 5
"""Images shown of each concept."""


def rows_of_concepts(setting: Setting) -> list[int]:
    """The row of each concept of the vocabulary in the table concepts, which is sorted by name."""
    keys = setting.vocabulary.keys
    order = sorted(range(len(keys)), key=lambda number: keys[number])
    rows: list[int] = np.argsort(order).tolist()
    return rows


def write_rows(run: Run, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Write a table from its rows."""
    run.write_table(table, {column.name: [row[at] for row in rows] for at, column in enumerate(table.columns)})
