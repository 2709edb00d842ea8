"""The tables of the control: its units, and its best unit for each concept."""

from __future__ import annotations

from dissectory.analysis.tables.columns import CONCEPT
from dissectory.analysis.tables.core import UNITS
from dissectory.analysis.tables.table import Column, Table

CONTROL_UNITS = Table("control_units", "a unit of the control network", 2, UNITS.columns)

CONTROL_CONCEPTS = Table(
    "control_concepts",
    "a concept, with the unit of the control network that matches it best",
    1,
    (
        CONCEPT,
        Column(
            "output",
            "flag",
            "whether the concept has the name of an output of the network under study, so that it was a label in "
            "training; empty if the outputs have no names",
            nullable=True,
        ),
        Column(
            "layer",
            "name",
            "the layer of the control unit with the highest IoU; empty if no unit overlaps with the concept",
            nullable=True,
        ),
        Column(
            "unit",
            "int",
            "the control unit with the highest IoU; empty if no unit overlaps with the concept",
            nullable=True,
        ),
        Column(
            "intersection",
            "long",
            "grid positions, over all images, at which the control unit is active and that carry the concept",
            "grid positions",
        ),
        Column(
            "union",
            "long",
            "grid positions, over all images, at which the control unit is active or that carry the concept",
            "grid positions",
        ),
        Column("iou", "float", "IoU: intersection divided by union", "1"),
    ),
)
