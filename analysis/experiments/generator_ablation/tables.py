"""Tables of the ablation of a generator: sets of units, single units, trials and pictures."""

from __future__ import annotations

from dissectory.analysis.tables.columns import LAYER, SEED, UNIT
from dissectory.analysis.tables.table import Column, Table

GENERATOR_ABLATIONS = Table(
    "generator_ablations",
    "a concept whose best units were removed from a generator, by a score, how many, and a concept that was measured",
    5,
    (
        LAYER,
        Column("concept", "name", "the concept whose units, those with the highest score, were removed"),
        Column("ranking", "name", "the score: iou, or iqr"),
        Column("units", "int", "how many units were removed", "units"),
        Column("measured", "name", "the concept whose area is given"),
        Column(
            "drawn",
            "int",
            "images that were looked through for such that show the concept; none of the study's",
            "images",
        ),
        Column("images", "int", "the first of them that show it: they were drawn without the units, too", "images"),
        Column("others", "int", "the first that do not show it, drawn without the units, too", "images"),
        Column(
            "pixels",
            "long",
            "grid positions of all these images that carry the measured concept without the units; where not all were "
            "drawn without them, each stands for all that show, or do not show, the concept",
            "grid positions",
        ),
        Column("baseline", "long", "as pixels, on the same images unchanged", "grid positions"),
        Column("change", "float", "pixels less baseline, over baseline; empty where that is 0", "1", nullable=True),
        Column(
            "low",
            "float",
            "lower end of the 99 % interval of change over images, -1 at least; empty for fewer than ten",
            "1",
            nullable=True,
        ),
        Column("high", "float", "upper end of it", "1", nullable=True),
        Column("random_pixels", "long", "as pixels, without as many units taken at random", "grid positions"),
        Column("random_change", "float", "as change, of random_pixels", "1", nullable=True),
        Column("random_low", "float", "lower end of its interval", "1", nullable=True),
        Column("random_high", "float", "upper end of its interval", "1", nullable=True),
    ),
)

UNIT_EFFECTS = Table(
    "unit_effects",
    "a unit that was removed from a generator alone, and a concept whose area that changed, or its label",
    3,
    (
        LAYER,
        UNIT,
        Column(
            "concept",
            "name",
            "the unit's label, or one of the four concepts and the two colors of which most positions came or went",
        ),
        Column("images", "int", "images that were drawn with and without the unit, others than those of the study"),
        Column("pixels", "long", "grid positions that carry the concept without the unit", "grid positions"),
        Column("baseline", "long", "grid positions that carry it on the same images unchanged", "grid positions"),
        Column("change", "float", "pixels less baseline, over baseline; empty where that is 0", "1", nullable=True),
        Column(
            "low",
            "float",
            "lower end of the 99 % interval of change over images, -1 at least; empty where fewer than ten have any",
            "1",
            nullable=True,
        ),
        Column("high", "float", "upper end of it", "1", nullable=True),
    ),
)

ABLATION_PICTURES = Table(
    "ablation_pictures",
    "a picture of a generator without the units that fit a concept best",
    4,
    (
        LAYER,
        Column("concept", "name", "the concept whose units were removed"),
        Column("rank", "int", "the picture's row: images with the largest area of the concept come first"),
        Column("units", "int", "how many units were removed: the picture's column", "units"),
        SEED,
        Column("pixels", "long", "grid positions that carry the concept", "grid positions"),
    ),
)

ABLATION_TRIALS = Table(
    "ablation_trials",
    "a concept whose best units were removed from some images, and a layer",
    2,
    (
        LAYER,
        Column("concept", "name", "the concept whose units, those with the highest IoU, were removed"),
        Column("units", "int", "how many units", "units"),
        Column("images", "int", "images that they were removed from, the first ones of the study", "images"),
        Column("baseline", "long", "grid positions that carry the concept on the images unchanged", "grid positions"),
        Column("pixels", "long", "those without the units", "grid positions"),
        Column("random_pixels", "long", "those without as many units taken at random", "grid positions"),
        Column(
            "lost", "float", "random_pixels or baseline, the smaller one, less pixels; over baseline, -1 at least", "1"
        ),
    ),
)
