"""What the pictures of all edits share: the row of each concept, which names its picture, and writing their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run
    from dissectory.analysis.tables.table import Table

SHOWN = 5
"""At most this many images are shown for each concept."""


def rows_of_concepts(setting: Setting) -> list[int]:
    """Return the row of each concept of the vocabulary in the table concepts, which is sorted by name."""
    keys = setting.vocabulary.keys
    order = sorted(range(len(keys)), key=lambda number: keys[number])
    rows: list[int] = np.argsort(order).tolist()
    return rows


def write_rows(run: Run, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Write a table from its rows; each row has a value for every column, in order."""
    run.write_table(table, {column.name: [row[index] for row in rows] for index, column in enumerate(table.columns)})
