"""Tables of the insertion into a generator: what appears in which context, and pictures."""

from __future__ import annotations

from dissectory.analysis.tables.columns import LAYER, SEED
from dissectory.analysis.tables.table import Column, Table

INSERTIONS = Table(
    "insertions",
    "a concept whose best units were forced on at one place of each image, and what stood there before",
    3,
    (
        LAYER,
        Column("concept", "name", "the concept that was to appear"),
        Column("context", "name", "a concept that the middle of the place carried before; (nothing) where it had none"),
        Column("locations", "int", "places with that context, one of each image", "places"),
        Column(
            "added_pixels",
            "long",
            "grid positions of whole images that came to carry the concept and did not before, over all these places",
            "grid positions",
        ),
        Column("added", "float", "mean of the same over the places", "grid positions"),
        Column(
            "low",
            "float",
            "lower end of the 99 % interval of that mean, 0 at least; empty for fewer than ten places",
            "grid positions",
            nullable=True,
        ),
        Column("high", "float", "upper end of it", "grid positions", nullable=True),
    ),
)

NO_CONTEXT = "(nothing)"
"""The context of a place that carried no concept."""

INSERTION_PICTURES = Table(
    "insertion_pictures",
    "an image in which a concept's units were forced on at one place, and the concept appeared",
    3,
    (
        LAYER,
        Column("concept", "name", "the concept that was to appear"),
        Column("rank", "int", "the picture's row: images in which most of it appeared come first"),
        SEED,
        Column("y", "int", "row of the layer's map in which the units were forced on", "cells"),
        Column("x", "int", "column of the layer's map", "cells"),
        Column("context", "name", "what stood there before, as in the table insertions; each of these has one picture"),
        Column("added_pixels", "long", "grid positions that came to carry the concept", "grid positions"),
    ),
)
