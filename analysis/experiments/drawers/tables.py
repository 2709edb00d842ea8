"""The table of counterexamples: images that a unit of a generator, as a detector of its label, misses."""

from __future__ import annotations

from dissectory.analysis.tables.columns import IMAGE, LAYER, UNIT
from dissectory.analysis.tables.table import Column, Table

COUNTEREXAMPLES = Table(
    "counterexamples",
    "a unit of a generator and an image that shows the unit's label although the unit's peak is not above its best "
    "threshold as a detector (see the table detectors)",
    4,
    (
        LAYER,
        UNIT,
        Column("concept", "name", "the unit's label; it covers more than 5 % of the image"),
        Column(
            "rank",
            "int",
            "0 for the image with the largest area; images with equal areas are in the order of their numbers",
        ),
        IMAGE,
        Column("peak", "float", "highest activation of the unit on the image", "activation"),
        Column("pixels", "int", "grid positions of the image that carry the concept", "grid positions"),
    ),
)
