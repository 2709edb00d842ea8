"""The catalog of all tables: the tables of the dissection, and those that each experiment declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.analysis import experiments
from dissectory.analysis.tables import core

if TYPE_CHECKING:
    from dissectory.analysis.tables.table import Table

CORE: tuple[Table, ...] = (
    core.LAYERS,
    core.CONCEPTS,
    core.UNITS,
    core.UNIT_CONCEPTS,
    core.UNIT_IMAGES,
    core.UNIT_HISTOGRAMS,
    core.CONCEPT_IMAGES,
    core.IMAGES,
    core.CLASSES,
    core.GALLERY,
    core.GALLERY_CONCEPTS,
)
"""The tables of the dissection."""


def all_tables() -> dict[str, Table]:
    """List every table that a run may have, by its name, in the order of the data page."""
    declared = (table for experiment in experiments.EXPERIMENTS for table in experiment.tables)
    return {table.name: table for table in (*CORE, *declared)}
