"""The tables of the dissection: layers, units, concepts, images, classes and the gallery."""

from __future__ import annotations

from dissectory.analysis.tables.categories import SIGNIFICANT
from dissectory.analysis.tables.columns import CONCEPT, IMAGE, LAYER, UNIT
from dissectory.analysis.tables.table import Column, Table

LAYERS = Table(
    "layers",
    "a layer",
    1,
    (
        LAYER,
        Column("index", "int", "the position of the layer in the order of computation, counted from 0"),
        Column("module", "name", "the class of the layer's module, such as Conv2d"),
        Column("units", "int", "number of units in the layer", "units"),
        Column("height", "int", "height of the layer's activation map", "cells"),
        Column("width", "int", "width of the layer's activation map", "cells"),
        Column("matched_units", "int", "units whose label's IoU is above the study's iou_threshold", "units"),
        Column(
            "matched_significant",
            "int",
            f"matched units whose q_value is at most {SIGNIFICANT}; empty if labels were not tested",
            "units",
            nullable=True,
        ),
        Column("matched_concepts", "int", "number of different concepts among the labels of matched units", "concepts"),
    ),
)

CONCEPTS = Table(
    "concepts",
    "a concept",
    1,
    (
        CONCEPT,
        Column("category", "name", "object, part, material, texture or color"),
        Column("source", "name", "the source of label maps that provides the concept"),
        Column("pixels", "long", "grid positions that carry the concept, over all images", "grid positions"),
        Column("images", "int", "images in which the concept occurs", "images"),
    ),
)

UNITS = Table(
    "units",
    "a unit",
    2,
    (
        LAYER,
        UNIT,
        Column(
            "threshold",
            "float",
            "t: the lowest value that at most the study's quantile of all upsampled activations exceed",
            "activation",
            nullable=True,
        ),
        Column("active", "long", "grid positions whose upsampled activation is above the threshold", "grid positions"),
        Column(
            "flat",
            "flag",
            "whether more than a tenth of the active positions have an activation within rounding of the threshold t: "
            "at most 4e-6 above it, relative to the absolute value of t or, if that is larger, to the root mean square "
            "of the unit's activations. Which of these positions are active depends on the device, so a flat unit has "
            "no label",
        ),
        Column(
            "concept",
            "name",
            "the label: the concept with the highest IoU; empty if the unit overlaps with no concept, or is flat",
            nullable=True,
        ),
        Column("category", "name", "the label's category; empty if there is no label", nullable=True),
        Column(
            "iou",
            "float",
            "IoU of the unit's active positions and the positions of its label; 0 if there is no label",
            "1",
        ),
        Column(
            "iou_low",
            "float",
            "lower end of the IoU's 95 % confidence interval, from resampled images; empty if there is no label",
            "1",
            nullable=True,
        ),
        Column("iou_high", "float", "upper end of this interval; empty if there is no label", "1", nullable=True),
        Column(
            "q_value",
            "float",
            "the lowest false discovery rate, over all units of the study, at which the label counts as more than "
            "chance; empty if there is no label or labels were not tested",
            "1",
            nullable=True,
        ),
        Column("matched", "flag", "whether the IoU is above the study's iou_threshold"),
        Column(
            "iqr",
            "float",
            "highest information quality ratio over all concepts, each at its own best threshold (see unit_concepts), "
            "whether or not they overlap at the threshold t; 0 if the unit overlaps with no concept more often than by "
            "chance; empty if not measured",
            "1",
            nullable=True,
        ),
        Column(
            "iqr_concept", "name", "the concept with this ratio; empty if the ratio is 0 or not measured", nullable=True
        ),
        Column(
            "iqr_threshold",
            "float",
            "the threshold with this ratio; empty if the ratio is 0 or not measured",
            "activation",
            nullable=True,
        ),
        Column("mean", "float", "mean activation over all cells of the unit's map and all images", "activation"),
        Column("std", "float", "standard deviation of these activations", "activation"),
        Column("peak", "float", "highest activation on any image", "activation"),
        Column("active_fraction", "float", "active, divided by the number of grid positions of all images", "1"),
    ),
)

UNIT_CONCEPTS = Table(
    "unit_concepts",
    "a unit and a concept that overlap (a pair without a common grid position has no row: its IoU is 0)",
    3,
    (
        LAYER,
        UNIT,
        CONCEPT,
        Column(
            "intersection",
            "long",
            "grid positions, over all images, at which the unit is active and that carry the concept",
            "grid positions",
        ),
        Column(
            "union",
            "long",
            "grid positions, over all images, at which the unit is active or that carry the concept",
            "grid positions",
        ),
        Column("iou", "float", "IoU: intersection divided by union", "1"),
        Column(
            "iqr",
            "float",
            "information quality ratio at iqr_threshold: the mutual information, over all grid positions, of 'the "
            "activation is above the threshold' and 'the position carries the concept', divided by their joint "
            "entropy; 0 if unit and concept overlap more often than by chance at no candidate threshold; empty if not "
            "measured",
            "1",
            nullable=True,
        ),
        Column(
            "iqr_threshold",
            "float",
            "the threshold with the highest ratio among 63 candidates (the lowest of equal ones), out of those at "
            "which unit and concept overlap more often than by chance. The candidates are the unit's threshold t, 48 "
            "levels that 95 % to 0.05 % of the activations of its own map exceed, the odds of these shares in equal "
            "ratios, and 14 levels evenly spaced between the lowest and the highest of them; empty if the ratio is 0 "
            "or not measured",
            "activation",
            nullable=True,
        ),
    ),
)

UNIT_IMAGES = Table(
    "unit_images",
    "a unit and one of its top images",
    3,
    (
        LAYER,
        UNIT,
        Column(
            "rank",
            "int",
            "0 for the image with the highest peak; images with equal peaks are in the order of their numbers",
        ),
        IMAGE,
        Column("peak", "float", "highest activation of the unit on the image", "activation"),
        Column("y", "int", "row of this peak in the layer's map, from the top", "cells"),
        Column("x", "int", "column of this peak in the layer's map, from the left", "cells"),
    ),
)

UNIT_HISTOGRAMS = Table(
    "unit_histograms",
    "a bin of the histogram of a unit's activations",
    3,
    (
        LAYER,
        UNIT,
        Column(
            "bin",
            "int",
            "the bin's number, from the lowest activation up; bins without activations at both ends are left out",
        ),
        Column("low", "float", "lower edge, included in the bin", "activation"),
        Column("high", "float", "upper edge, not included in the bin", "activation"),
        Column(
            "count", "long", "activations in the bin, over all cells of the unit's map and all images", "activations"
        ),
    ),
)

CONCEPT_IMAGES = Table(
    "concept_images",
    "a concept and one of its example images, those with the largest areas",
    2,
    (
        CONCEPT,
        Column(
            "rank",
            "int",
            "0 for the image with the largest area; images with equal areas are in the order of their numbers",
        ),
        IMAGE,
        Column("pixels", "int", "grid positions of the image that carry the concept", "grid positions"),
    ),
)

IMAGES = Table(
    "images",
    "an image",
    1,
    (
        IMAGE,
        Column("path", "text", "path of the file in the image folder; for a generated image, its seed"),
        Column(
            "class",
            "name",
            "the image's class: the first subfolder, or the class that a generator was given; empty if it has none",
            nullable=True,
        ),
        Column("width", "int", "width of the image file or the generated image", "pixels"),
        Column("height", "int", "height of the image file or the generated image", "pixels"),
        Column(
            "seed",
            "long",
            "the seed of the latents from which a generator generated the image; empty for a file",
            nullable=True,
        ),
    ),
)

CLASSES = Table(
    "classes",
    "a class of images in one split",
    2,
    (
        Column("class", "name", "the name of the class"),
        Column("split", "name", "the images that are counted: all, or those of the ranking or the reporting split"),
        Column("images", "int", "images of the class in the split", "images"),
        Column(
            "taken",
            "int",
            "images of the split for which the network predicts the class; empty if it has no output for the class",
            "images",
            nullable=True,
        ),
        Column("right", "int", "images of the class for which the network predicts the class", "images", nullable=True),
        Column(
            "accuracy",
            "float",
            "share of the split's images that the network correctly assigns to the class or to the other classes; "
            "empty if the network has no output for the class",
            "1",
            nullable=True,
        ),
        Column(
            "precision",
            "float",
            "share of the images predicted as the class that belong to it: right divided by taken",
            "1",
            nullable=True,
        ),
        Column(
            "recall",
            "float",
            "share of the class's images that are predicted as the class: right divided by images",
            "1",
            nullable=True,
        ),
        Column(
            "balanced_accuracy",
            "float",
            "mean of recall and the true negative rate; chance level is 0.5",
            "1",
            nullable=True,
        ),
    ),
)

GALLERY = Table(
    "gallery",
    "an image of the gallery and a category of concepts",
    2,
    (
        IMAGE,
        Column("category", "name", "object, part, material, texture or color; only categories of the study's concepts"),
        Column("labelled", "int", "grid positions of the image that carry a concept of the category", "grid positions"),
    ),
)

GALLERY_CONCEPTS = Table(
    "gallery_concepts",
    "an image of the gallery and a concept that it shows",
    2,
    (
        IMAGE,
        CONCEPT,
        Column("pixels", "int", "grid positions of the image that carry the concept", "grid positions"),
        Column("color", "name", "the concept's color in the gallery's label maps, as #rrggbb"),
        Column(
            "runs",
            "text",
            "where the concept is: run lengths of the grid positions, row by row from the top left, first without the "
            "concept, then with it, and so on in turn, separated by spaces",
        ),
    ),
)
