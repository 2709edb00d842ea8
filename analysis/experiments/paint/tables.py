"""Tables of painting: which layers a concept can be painted in."""

from __future__ import annotations

from dissectory.analysis.tables.columns import LAYER
from dissectory.analysis.tables.table import Column, Table

PAINT_TRIALS = Table(
    "paint_trials",
    "a concept that was painted in the middle of some images, and a layer",
    2,
    (
        LAYER,
        Column(
            "concept",
            "name",
            "the concept whose units, those with the highest IoU, were set to the levels at which they are on",
        ),
        Column("units", "int", "how many units", "units"),
        Column("images", "int", "images that were painted on, the first ones of the study", "images"),
        Column(
            "painted",
            "long",
            "grid positions under the brush, the middle half of rows and columns, that did not carry the concept",
            "grid positions",
        ),
        Column("came", "long", "those that carried it afterwards", "grid positions"),
        Column("share", "float", "came over painted; 0 where nothing was painted", "1"),
    ),
)
