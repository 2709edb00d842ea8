"""The tables of attacks: attacked images, their units, and groups of units."""

from __future__ import annotations

from dissectory.analysis.tables.columns import IMAGE, LAYER, UNIT
from dissectory.analysis.tables.table import Column, Table

ATTACKS = Table(
    "attacks",
    "an attacked image",
    1,
    (
        IMAGE,
        Column("source", "name", "the class that the network predicts for the unchanged image"),
        Column("target", "name", "the class that the attack tries to make the network predict"),
        Column("success", "flag", "whether the network predicts the target for the changed image"),
        Column(
            "distance",
            "float",
            "L2 distance of the two images: square root of the sum of squared differences over all pixels and colors, "
            "with values from 0 to 1",
            "pixel values",
        ),
        Column("source_before", "float", "softmax probability of the source for the unchanged image", "1"),
        Column("target_before", "float", "softmax probability of the target for the unchanged image", "1"),
        Column("source_after", "float", "softmax probability of the source for the changed image", "1"),
        Column("target_after", "float", "softmax probability of the target for the changed image", "1"),
        Column(
            "amplification",
            "float",
            "factor by which the difference is amplified in its picture; empty if there is no difference",
            "times",
            nullable=True,
        ),
    ),
)

ATTACK_UNITS = Table(
    "attack_units",
    "an attacked image and a unit",
    3,
    (
        IMAGE,
        LAYER,
        UNIT,
        Column("peak", "float", "highest activation of the unit on the unchanged image", "activation"),
        Column("attacked_peak", "float", "highest activation of the unit on the changed image", "activation"),
        Column(
            "of_target",
            "flag",
            "whether the unit is one of the most important units of the target class; empty if these are not known",
            nullable=True,
        ),
        Column(
            "of_source",
            "flag",
            "whether the unit is one of the most important units of the source class; empty if these are not known",
            nullable=True,
        ),
    ),
)

ATTACK_CHANGES = Table(
    "attack_changes",
    "a group of units",
    2,
    (
        LAYER,
        Column(
            "group",
            "name",
            "target or source: the most important units of that class; other: units in neither group; all: all units",
        ),
        Column("images", "int", "images whose attack succeeded and for which the group is known", "images"),
        Column(
            "change",
            "float",
            "mean absolute change of a unit's peak activation, over the units of the group and then over these images; "
            "empty if there are no images",
            "activation",
            nullable=True,
        ),
        Column(
            "low",
            "float",
            "lower end of the 99 % interval of the change: 2.58 standard errors over images below it; empty for fewer "
            "than two images",
            "activation",
            nullable=True,
        ),
        Column(
            "high",
            "float",
            "upper end of this interval; empty for fewer than two images",
            "activation",
            nullable=True,
        ),
    ),
)
