"""Tables of the control: its units, and its best unit for each concept."""

from __future__ import annotations

from dissectory.analysis.tables.columns import CONCEPT
from dissectory.analysis.tables.core import UNITS
from dissectory.analysis.tables.table import Column, Table

CONTROL_UNITS = Table("control_units", "a unit of the control network", 2, UNITS.columns)

CONTROL_CONCEPTS = Table(
    "control_concepts",
    "a concept, and the unit of the control network that fits it best",
    1,
    (
        CONCEPT,
        Column(
            "output",
            "flag",
            "whether an output of the network under study bears its name, so that it was a label in training; empty "
            "where the outputs have no names",
            nullable=True,
        ),
        Column("layer", "name", "the control unit's layer; empty where no unit touches the concept", nullable=True),
        Column("unit", "int", "the control unit; empty where no unit touches the concept", nullable=True),
        Column("intersection", "long", "grid positions that are active and carry the concept", "grid positions"),
        Column("union", "long", "grid positions that are active or carry the concept", "grid positions"),
        Column("iou", "float", "intersection over union, summed over all images before dividing", "1"),
    ),
)
