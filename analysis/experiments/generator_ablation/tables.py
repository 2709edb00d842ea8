"""The tables of a generator's ablation: sets of units, single units, pictures, and trials of layers."""

from __future__ import annotations

from dissectory.analysis.tables.columns import LAYER, SEED, UNIT
from dissectory.analysis.tables.table import Column, Table

GENERATOR_ABLATIONS = Table(
    "generator_ablations",
    "a set of ablated units, those with the highest score for a concept, and a concept whose area was measured",
    5,
    (
        LAYER,
        Column("concept", "name", "the concept whose units were ablated: those with the highest score for it"),
        Column("ranking", "name", "the score: iou or iqr"),
        Column("units", "int", "number of ablated units", "units"),
        Column("measured", "name", "the concept whose area is measured"),
        Column(
            "drawn",
            "int",
            "images that were generated unchanged, to find those that show the concept; none is one of the study's "
            "images",
            "images",
        ),
        Column("images", "int", "images that show the concept, and were also generated without the units", "images"),
        Column(
            "others", "int", "images that do not show the concept, and were also generated without the units", "images"
        ),
        Column(
            "pixels",
            "long",
            "grid positions that carry the measured concept on all the generated images, without the units; estimated "
            "if only some of the images were generated without the units: each of these then represents several images "
            "that show, or do not show, the concept",
            "grid positions",
        ),
        Column("baseline", "long", "the same as pixels, for the unchanged images", "grid positions"),
        Column(
            "change",
            "float",
            "pixels minus baseline, divided by baseline; empty if baseline is 0",
            "1",
            nullable=True,
        ),
        Column(
            "low",
            "float",
            "lower end of the 99 % interval of change over images, never below -1; empty if fewer than ten images show "
            "the measured concept, or if fewer than ten images of a kind represent a larger number",
            "1",
            nullable=True,
        ),
        Column("high", "float", "upper end of this interval", "1", nullable=True),
        Column("random_pixels", "long", "the same as pixels, with as many random units ablated", "grid positions"),
        Column("random_change", "float", "the same as change, for random_pixels", "1", nullable=True),
        Column("random_low", "float", "lower end of the 99 % interval of random_change", "1", nullable=True),
        Column("random_high", "float", "upper end of this interval", "1", nullable=True),
    ),
)

UNIT_EFFECTS = Table(
    "unit_effects",
    "a unit of a generator that was ablated alone, and a concept whose area changed, or the unit's label",
    3,
    (
        LAYER,
        UNIT,
        Column(
            "concept",
            "name",
            "the unit's label, or one of the four concepts and the two colors whose areas changed most",
        ),
        Column(
            "images",
            "int",
            "images that were generated with and without the unit; none is one of the study's images",
            "images",
        ),
        Column("pixels", "long", "grid positions that carry the concept without the unit", "grid positions"),
        Column("baseline", "long", "grid positions that carry the concept on the unchanged images", "grid positions"),
        Column(
            "change",
            "float",
            "pixels minus baseline, divided by baseline; empty if baseline is 0",
            "1",
            nullable=True,
        ),
        Column(
            "low",
            "float",
            "lower end of the 99 % interval of change over images, never below -1; empty if fewer than ten images show "
            "the concept",
            "1",
            nullable=True,
        ),
        Column("high", "float", "upper end of this interval", "1", nullable=True),
    ),
)

ABLATION_PICTURES = Table(
    "ablation_pictures",
    "a tile in a concept's picture: an image generated with some of the concept's units ablated",
    4,
    (
        LAYER,
        Column("concept", "name", "the concept whose units were ablated"),
        Column("rank", "int", "the tile's row: images with the largest area of the concept come first"),
        Column("units", "int", "number of ablated units; each number has a column of tiles", "units"),
        SEED,
        Column("pixels", "long", "grid positions of the image that carry the concept", "grid positions"),
    ),
)

ABLATION_TRIALS = Table(
    "ablation_trials",
    "a layer and a concept whose units in this layer were ablated in a few images, to choose a layer",
    2,
    (
        LAYER,
        Column("concept", "name", "the concept whose units were ablated: those with the highest IoU"),
        Column("units", "int", "number of ablated units", "units"),
        Column("images", "int", "images in which they were ablated: the first images of the study", "images"),
        Column("baseline", "long", "grid positions that carry the concept on the unchanged images", "grid positions"),
        Column("pixels", "long", "grid positions that carry the concept without the units", "grid positions"),
        Column(
            "random_pixels",
            "long",
            "grid positions that carry the concept with as many random units ablated",
            "grid positions",
        ),
        Column(
            "lost",
            "float",
            "share of the area that is lost beyond the effect of random units: the smaller one of baseline and "
            "random_pixels, minus pixels, divided by baseline; never below -1",
            "1",
        ),
    ),
)
