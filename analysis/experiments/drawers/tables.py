"""Tables of a generator's units as detectors of their labels."""

from __future__ import annotations

from dissectory.analysis.tables.columns import IMAGE, LAYER, UNIT
from dissectory.analysis.tables.table import Column, Table

COUNTEREXAMPLES = Table(
    "counterexamples",
    "an image in which a generator drew a unit's label although the unit stayed below its threshold as a detector",
    4,
    (
        LAYER,
        UNIT,
        Column("concept", "name", "the unit's label, on more than 5 % of the image"),
        Column("rank", "int", "0 for the image with the largest area; equal areas in the order of images"),
        IMAGE,
        Column("peak", "float", "highest activation of the unit on the image", "activation"),
        Column("pixels", "int", "grid positions that carry the concept on the image", "grid positions"),
    ),
)
