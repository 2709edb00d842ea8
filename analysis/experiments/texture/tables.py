"""The table of shape against texture."""

from __future__ import annotations

from dissectory.analysis.tables.columns import LAYER, UNIT
from dissectory.analysis.tables.table import Column, Table

TEXTURES = Table(
    "textures",
    "a unit, compared on images and their re-textured copies",
    2,
    (
        LAYER,
        UNIT,
        Column("pairs", "int", "pairs of an image and its copy with other textures", "images"),
        Column(
            "active",
            "long",
            "grid positions of the images at which the unit is active: above its threshold on the images",
            "grid positions",
        ),
        Column(
            "active_copies",
            "long",
            "grid positions of the copies at which the unit is active: above its threshold on the copies",
            "grid positions",
        ),
        Column("both", "long", "grid positions that are active in an image and in its copy", "grid positions"),
        Column(
            "agreement",
            "float",
            "both, divided by the positions that are active in an image, in its copy or in both; empty if there are "
            "none",
            "1",
            nullable=True,
        ),
        Column(
            "low",
            "float",
            "lower end of the 95 % confidence interval of agreement, from resampled images",
            "1",
            nullable=True,
        ),
        Column("high", "float", "upper end of this interval", "1", nullable=True),
        Column(
            "chance",
            "float",
            "chance level: the agreement of images with the copies of other images, over all such pairs; empty if "
            "there is only one pair",
            "1",
            nullable=True,
        ),
    ),
)
