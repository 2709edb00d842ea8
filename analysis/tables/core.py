"""The tables that every run has: layers, units, concepts, images and classes."""

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
        Column("index", "int", "the layer's place in the order in which the network computes, counted from 0"),
        Column("module", "name", "the kind of module, such as Conv2d"),
        Column("units", "int", "how many units the layer has", "units"),
        Column("height", "int", "height of the layer's map", "cells"),
        Column("width", "int", "width of the layer's map", "cells"),
        Column("matched_units", "int", "units whose label's IoU is above the study's iou_threshold", "units"),
        Column(
            "matched_significant",
            "int",
            f"matched units whose q_value is at most {SIGNIFICANT}; empty where no label was tested",
            "units",
            nullable=True,
        ),
        Column("matched_concepts", "int", "different concepts among the labels of matched units", "concepts"),
    ),
)

CONCEPTS = Table(
    "concepts",
    "a concept",
    1,
    (
        CONCEPT,
        Column("category", "name", "object, part, material, texture or color"),
        Column("source", "name", "the source of label maps that names it"),
        Column("pixels", "long", "grid positions that carry the concept, over all images", "grid positions"),
        Column("images", "int", "images in which it occurs", "images"),
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
            "t: the least upsampled activation that at most the study's quantile of all positions exceeds",
            "activation",
            nullable=True,
        ),
        Column("active", "long", "grid positions whose upsampled activation is above the threshold", "grid positions"),
        Column(
            "concept", "name", "the label: the concept with the highest IoU; empty where none is touched", nullable=True
        ),
        Column("category", "name", "the label's category", nullable=True),
        Column("iou", "float", "intersection over union of the active positions with the label", "1"),
        Column(
            "iou_low",
            "float",
            "lower end of the IoU's 95 % interval, the images resampled; empty where there is no label",
            "1",
            nullable=True,
        ),
        Column("iou_high", "float", "upper end of that interval; empty where there is no label", "1", nullable=True),
        Column(
            "q_value",
            "float",
            "the lowest false discovery rate, over all units of the study, at which the label passes as more than "
            "chance; empty where not tested",
            "1",
            nullable=True,
        ),
        Column("matched", "flag", "whether the IoU is above the study's iou_threshold"),
        Column(
            "iqr",
            "float",
            "highest information quality ratio over all concepts, touched or not, each at its own best threshold (see "
            "unit_concepts); 0 where the unit meets no concept more often than by chance; empty where not measured",
            "1",
            nullable=True,
        ),
        Column("iqr_concept", "name", "the concept of that ratio; empty where it is 0 or not measured", nullable=True),
        Column(
            "iqr_threshold",
            "float",
            "the threshold of that ratio; empty where it is 0 or not measured",
            "activation",
            nullable=True,
        ),
        Column("mean", "float", "mean of the unit's activation over its own map and all images", "activation"),
        Column("std", "float", "standard deviation of the same", "activation"),
        Column("peak", "float", "highest activation on any image", "activation"),
        Column("active_fraction", "float", "active over all grid positions of all images", "1"),
    ),
)

UNIT_CONCEPTS = Table(
    "unit_concepts",
    "a unit and a concept that it touches (a pair without a common position has no row: its IoU is 0)",
    3,
    (
        LAYER,
        UNIT,
        CONCEPT,
        Column("intersection", "long", "grid positions that are active and carry the concept", "grid positions"),
        Column("union", "long", "grid positions that are active or carry the concept", "grid positions"),
        Column("iou", "float", "intersection over union, summed over all images before dividing", "1"),
        Column(
            "iqr",
            "float",
            "information quality ratio at iqr_threshold: the mutual information of being above it and carrying the "
            "concept, over their joint entropy, of all grid positions; 0 where they meet at no candidate more often "
            "than by chance; empty where not measured",
            "1",
            nullable=True,
        ),
        Column(
            "iqr_threshold",
            "float",
            "the one of 63 candidates with the highest ratio, the lowest of equals, out of those above which unit and "
            "concept meet more often than by chance. Candidates of a unit: its threshold t, 48 levels that 95 % to "
            "0.05 % of the activations of its own map exceed, their odds in equal factors, and 14 evenly spaced "
            "between these; empty where there is none, or not measured",
            "activation",
            nullable=True,
        ),
    ),
)

UNIT_IMAGES = Table(
    "unit_images",
    "a unit's k-th strongest image",
    3,
    (
        LAYER,
        UNIT,
        Column("rank", "int", "0 for the image with the highest peak; equal peaks in the order of images"),
        IMAGE,
        Column("peak", "float", "highest activation of the unit on the image", "activation"),
        Column("y", "int", "row of that peak in the layer's map, from the top", "cells"),
        Column("x", "int", "column of that peak in the layer's map, from the left", "cells"),
    ),
)

UNIT_HISTOGRAMS = Table(
    "unit_histograms",
    "a bin of a unit's activations",
    3,
    (
        LAYER,
        UNIT,
        Column("bin", "int", "the bin's number, from the lowest activation up; empty bins at both ends are left out"),
        Column("low", "float", "lower edge, part of the bin", "activation"),
        Column("high", "float", "upper edge, not part of the bin", "activation"),
        Column("count", "long", "activations of the unit's own map, over all images, in the bin", "activations"),
    ),
)

CONCEPT_IMAGES = Table(
    "concept_images",
    "an image with much of a concept",
    2,
    (
        CONCEPT,
        Column("rank", "int", "0 for the image with the largest area; equal areas in the order of images"),
        IMAGE,
        Column("pixels", "int", "grid positions that carry the concept on the image", "grid positions"),
    ),
)

IMAGES = Table(
    "images",
    "an image",
    1,
    (
        IMAGE,
        Column("path", "text", "the file, relative to the image folder; for a generated image its seed"),
        Column(
            "class",
            "name",
            "the first sub-folder, or what a generator was told to draw; empty where images have no classes",
            nullable=True,
        ),
        Column("width", "int", "width of the picture", "pixels"),
        Column("height", "int", "height of the picture", "pixels"),
        Column("seed", "long", "the seed of the latents that a generator drew it of; else empty", nullable=True),
    ),
)

CLASSES = Table(
    "classes",
    "a class, a split",
    2,
    (
        Column("class", "name", "the class of images"),
        Column("split", "name", "the part of the images: all, ranking or reporting"),
        Column("images", "int", "images of the class in the split", "images"),
        Column("taken", "int", "images of the split that the network takes for the class", "images", nullable=True),
        Column("right", "int", "images of the class that are taken for it", "images", nullable=True),
        Column(
            "accuracy",
            "float",
            "share of all images for which 'is it this class?' is answered right; empty where the network has no "
            "output for the class",
            "1",
            nullable=True,
        ),
        Column("precision", "float", "share of the images taken for the class that are of it", "1", nullable=True),
        Column("recall", "float", "share of the class's images that are taken for it", "1", nullable=True),
        Column(
            "balanced_accuracy", "float", "mean of recall and the true negative rate; chance is 0.5", "1", nullable=True
        ),
    ),
)

GALLERY = Table(
    "gallery",
    "an image of the gallery and a category of concepts",
    2,
    (
        IMAGE,
        Column("category", "name", "object, part, material, texture or color: one that the study has concepts of"),
        Column("labelled", "int", "grid positions that carry a concept of the category on the image", "grid positions"),
    ),
)

GALLERY_CONCEPTS = Table(
    "gallery_concepts",
    "an image of the gallery and a concept that it shows",
    2,
    (
        IMAGE,
        CONCEPT,
        Column("pixels", "int", "grid positions that carry the concept on the image", "grid positions"),
        Column("color", "name", "the concept's color in the gallery's label maps, as #rrggbb"),
        Column(
            "runs",
            "text",
            "where it is, row by row from the top left: how many positions without it, then with it, then without it, "
            "and so on, between spaces",
        ),
    ),
)
