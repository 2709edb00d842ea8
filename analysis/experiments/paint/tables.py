"""The table of painting: the layers in which each concept can be painted."""

from __future__ import annotations

from dissectory.analysis.tables.columns import LAYER
from dissectory.analysis.tables.table import Column, Table

PAINT_TRIALS = Table(
    "paint_trials",
    "a layer, and a concept that was painted with its units in the middle of some images",
    2,
    (
        LAYER,
        Column(
            "concept",
            "name",
            "the concept that was painted: the units with the highest IoU with it were set to their insertion levels",
        ),
        Column("units", "int", "number of units that were set", "units"),
        Column("images", "int", "number of images that were painted on, the first of the study", "images"),
        Column(
            "painted",
            "long",
            "grid positions under the brush (middle half of rows and columns) that did not carry the concept before",
            "grid positions",
        ),
        Column("came", "long", "painted positions that carried the concept afterwards", "grid positions"),
        Column("share", "float", "came, divided by painted; 0 if painted is 0", "1"),
    ),
)
