"""Tables of shape against texture."""

from __future__ import annotations

from dissectory.analysis.tables.columns import LAYER, UNIT
from dissectory.analysis.tables.table import Column, Table

TEXTURES = Table(
    "textures",
    "a unit, on images and on their re-textured copies",
    2,
    (
        LAYER,
        UNIT,
        Column("pairs", "int", "images that have a copy with other textures", "images"),
        Column(
            "active",
            "long",
            "grid positions of the images that are in the unit's top share, the study's quantile of them",
            "grid positions",
        ),
        Column("active_copies", "long", "the same of the copies, in their own top share", "grid positions"),
        Column("both", "long", "grid positions that are in both", "grid positions"),
        Column(
            "agreement",
            "float",
            "both, over the positions that are in one or both; empty where there are none",
            "1",
            nullable=True,
        ),
        Column("low", "float", "lower end of its 95 % interval, the images resampled", "1", nullable=True),
        Column("high", "float", "upper end of that interval", "1", nullable=True),
        Column(
            "chance",
            "float",
            "the agreement of images with copies of other images, over all such pairings; empty for one pair",
            "1",
            nullable=True,
        ),
    ),
)
