"""Tables of attacks: the attacked images, units and groups of units."""

from __future__ import annotations

from dissectory.analysis.tables.columns import IMAGE, LAYER, UNIT
from dissectory.analysis.tables.table import Column, Table

ATTACKS = Table(
    "attacks",
    "an attacked image",
    1,
    (
        IMAGE,
        Column("source", "name", "the network's output for the unchanged image: its class, before"),
        Column("target", "name", "the output that the network was to be brought to"),
        Column("success", "flag", "whether the network takes the changed image for the target"),
        Column(
            "distance",
            "float",
            "L2 distance of the two pictures: root of the summed squares of the differences of all pixels and colors, "
            "which are 0..1",
            "pixel values",
        ),
        Column("source_before", "float", "the source's share of the softmax, for the unchanged image", "1"),
        Column("target_before", "float", "the target's share of it", "1"),
        Column("source_after", "float", "the source's share of the softmax, for the changed image", "1"),
        Column("target_after", "float", "the target's share of it", "1"),
        Column(
            "amplification",
            "float",
            "by how much the difference is amplified in its picture; empty where there is none",
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
        Column("attacked_peak", "float", "highest activation on the changed image", "activation"),
        Column(
            "of_target",
            "flag",
            "whether it is one of the units that matter most to the target class; empty where they are not known",
            nullable=True,
        ),
        Column(
            "of_source",
            "flag",
            "whether it is one of the units that matter most to the source class; empty where they are not known",
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
            "target or source: the units that matter most to that class; other: those in neither; all: all units",
        ),
        Column("images", "int", "images whose attack succeeded and for which the group is known", "images"),
        Column(
            "change",
            "float",
            "absolute change of a unit's peak activation: mean over the group, then over these images",
            "activation",
            nullable=True,
        ),
        Column("low", "float", "that less 2.58 standard errors over images: 99 %", "activation", nullable=True),
        Column("high", "float", "that and 2.58 standard errors; empty for one image", "activation", nullable=True),
    ),
)
