"""Tables of the ablation of a classifier: what each class loses, and units as detectors."""

from __future__ import annotations

from dissectory.analysis.tables.columns import LAYER, UNIT
from dissectory.analysis.tables.table import Column, Table

UNIT_ABLATIONS = Table(
    "unit_ablations",
    "a unit that was removed, a class and a split",
    4,
    (
        LAYER,
        UNIT,
        Column("class", "name", "the class of images, against all others"),
        Column("split", "name", "the part of the images: ranking or reporting"),
        Column("images", "int", "images of the class in the split", "images"),
        Column("others", "int", "other images in the split", "images"),
        Column(
            "taken",
            "int",
            "images of the split that the network takes for the class without the unit; empty where it was not removed",
            "images",
            nullable=True,
        ),
        Column(
            "right",
            "int",
            "images of the class that are taken for it without the unit; empty where it was not removed",
            "images",
            nullable=True,
        ),
        Column(
            "balanced_accuracy",
            "float",
            "mean of recall and the true negative rate without the unit; empty where it was not removed or the split "
            "lacks images of the class or others",
            "1",
            nullable=True,
        ),
        Column(
            "drop",
            "float",
            "balanced accuracy of the unchanged network less that without the unit; empty where that is",
            "1",
            nullable=True,
        ),
        Column(
            "lead_drop",
            "float",
            "by how much less the class's score leads the best other one without the unit, mean over the class's "
            "images; where the unit was not removed, a first-order estimate on the ranking split; else empty where "
            "there are none",
            "score",
            nullable=True,
        ),
        Column(
            "rank",
            "int",
            "the unit's place among the layer's units by what the class loses on the ranking split, drop and then "
            "lead_drop: 0 for the most important; empty where the split has no image of the class",
            nullable=True,
        ),
    ),
)

ABLATION_CURVES = Table(
    "ablation_curves",
    "a class, and a number of its most important units that were removed or alone kept",
    4,
    (
        LAYER,
        Column("class", "name", "the class of images, against all others; its units are ranked on the ranking split"),
        Column("mode", "name", "remove: without the most important units; keep: with these alone"),
        Column("units", "int", "how many units were removed, or kept", "units"),
        Column("images", "int", "images of the class in the reporting split", "images"),
        Column("others", "int", "other images in the reporting split", "images"),
        Column("taken", "int", "images of the reporting split that the network takes for the class then", "images"),
        Column("right", "int", "images of the class that are taken for it then", "images"),
        Column(
            "balanced_accuracy",
            "float",
            "mean of recall and the true negative rate; empty where the split lacks images of the class or others",
            "1",
            nullable=True,
        ),
        Column("labelled", "int", "images of the reporting split that are of any class", "images"),
        Column("correct", "int", "images that are taken for their own class then, whichever it is", "images"),
        Column(
            "all_class_accuracy",
            "float",
            "share of the labelled images that are taken for their own class; empty where there are none",
            "1",
            nullable=True,
        ),
        Column(
            "random",
            "float",
            "balanced accuracy with as many units taken at random, mean over draws; empty where not measured",
            "1",
            nullable=True,
        ),
        Column(
            "random_low",
            "float",
            "lower end of the interval that holds 95 % of the draws; empty where not measured",
            "1",
            nullable=True,
        ),
        Column("random_high", "float", "upper end of that interval; empty where not measured", "1", nullable=True),
    ),
)

UNIT_IMPORTANCE = Table(
    "unit_importance",
    "a unit, and what all classes together lose without it",
    2,
    (
        LAYER,
        UNIT,
        Column("classes_led", "int", "classes of whose four most important units it is one", "classes"),
        Column(
            "mean_drop",
            "float",
            "drop on the ranking split, mean over classes; empty where the unit was removed for none",
            "1",
            nullable=True,
        ),
        Column("mean_lead_drop", "float", "lead_drop on the same, mean over classes", "score", nullable=True),
    ),
)

CONFUSIONS = Table(
    "confusions",
    "a class without its most important units, and what its images are taken for then",
    4,
    (
        LAYER,
        Column("class", "name", "the class of images"),
        Column("units", "int", "how many of the class's most important units were removed", "units"),
        Column("taken_as", "name", "what the network takes the images for"),
        Column("images", "int", "images of the class in the reporting split that are taken for it", "images"),
    ),
)

DETECTORS = Table(
    "detectors",
    "a unit, and a set of images that its peak activation tells from the others",
    4,
    (
        LAYER,
        UNIT,
        Column("kind", "name", "what makes an image one of the set: class, or concept (on more than 5 % of its area)"),
        Column("positives", "name", "the class or the concept"),
        Column("images", "int", "images of the set", "images"),
        Column("others", "int", "other images", "images"),
        Column(
            "threshold",
            "float",
            "the peak with the best balanced accuracy of 'a higher peak is of the set'; of equal ones the highest; "
            "empty where the set or the others are empty",
            "activation",
            nullable=True,
        ),
        Column("taken", "int", "images whose peak is above that threshold; empty where it is", "images", nullable=True),
        Column("right", "int", "images of the set among them; empty where the threshold is", "images", nullable=True),
        Column(
            "balanced_accuracy",
            "float",
            "mean of recall and the true negative rate at that threshold; empty where it is",
            "1",
            nullable=True,
        ),
        Column(
            "area",
            "float",
            "area under the curve of true over false positive rate: how often an image of the set has the higher peak "
            "of a pair with another image, equal peaks counting half; empty where the set or the others are empty",
            "1",
            nullable=True,
        ),
        Column(
            "correlation",
            "float",
            "for a class: correlation over all images of the peak with the network's share for the class (softmax); "
            "empty for a concept, and where either does not vary",
            "1",
            nullable=True,
        ),
        Column("low", "float", "lower edge of the first bin of peaks", "activation"),
        Column("high", "float", "upper edge of the last bin of peaks, part of it", "activation"),
        Column("image_bins", "text", "images of the set in bins of equal width from low to high, between spaces"),
        Column("other_bins", "text", "other images in the same bins, between spaces"),
    ),
)
