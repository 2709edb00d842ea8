"""The tables of an insertion into a generator: what appears in which context, and pictures."""

from __future__ import annotations

from dissectory.analysis.tables.columns import LAYER, SEED
from dissectory.analysis.tables.table import Column, Table

INSERTIONS = Table(
    "insertions",
    "a concept whose units were forced on at one cell of each image, and a context: what the image showed there before",
    3,
    (
        LAYER,
        Column("concept", "name", "the concept whose units were forced on: those with the highest IoU"),
        Column(
            "context",
            "name",
            "a concept at the center of the cell before the units were forced on; (nothing) if there was none",
        ),
        Column("locations", "int", "cells with this context, at most one in each image", "cells"),
        Column(
            "added_pixels",
            "long",
            "grid positions, anywhere in these images, that carry the concept after the units were forced on but not "
            "before, over all these cells",
            "grid positions",
        ),
        Column("added", "float", "added_pixels divided by locations", "grid positions"),
        Column(
            "low",
            "float",
            "lower end of the 99 % interval of this mean, never below 0; empty for fewer than ten cells",
            "grid positions",
            nullable=True,
        ),
        Column("high", "float", "upper end of this interval", "grid positions", nullable=True),
    ),
)

NO_CONTEXT = "(nothing)"
"""The context of a cell whose center carries no concept."""

INSERTION_PICTURES = Table(
    "insertion_pictures",
    "an image before and after a concept's units were forced on: a row of tiles in the concept's picture",
    3,
    (
        LAYER,
        Column("concept", "name", "the concept whose units were forced on"),
        Column("rank", "int", "the row: images with the most added positions come first"),
        SEED,
        Column("y", "int", "row of the cell in which the units were forced on, from the top", "cells"),
        Column("x", "int", "column of the cell in which the units were forced on, from the left", "cells"),
        Column("context", "name", "what the image showed there before, as in the table insertions"),
        Column(
            "added_pixels",
            "long",
            "grid positions that carry the concept after the units were forced on but not before",
            "grid positions",
        ),
    ),
)
