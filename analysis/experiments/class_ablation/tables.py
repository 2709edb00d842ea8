"""The tables of the ablation of a classifier: the effect on each class, and units as detectors."""

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
        Column("class", "name", "the class of images, compared with all other images"),
        Column("split", "name", "the split of the images: ranking or reporting"),
        Column("images", "int", "images of the class in the split", "images"),
        Column("others", "int", "other images in the split", "images"),
        Column(
            "taken",
            "int",
            "images of the split that are predicted as the class without the unit; empty if the unit was not removed",
            "images",
            nullable=True,
        ),
        Column(
            "right",
            "int",
            "images of the class that are predicted as the class without the unit; empty if the unit was not removed",
            "images",
            nullable=True,
        ),
        Column(
            "balanced_accuracy",
            "float",
            "mean of recall and true negative rate without the unit; empty if the unit was not removed, or the split "
            "has no images of the class or no others",
            "1",
            nullable=True,
        ),
        Column(
            "drop",
            "float",
            "balanced accuracy of the unchanged network minus balanced_accuracy; empty if balanced_accuracy is",
            "1",
            nullable=True,
        ),
        Column(
            "lead_drop",
            "float",
            "drop of the class's lead without the unit, as a mean over the class's images; the lead is the class's "
            "score minus the best other score. If the unit was not removed, a first-order estimate on the ranking "
            "split, and empty on the reporting split; empty if the split has no images of the class",
            "score",
            nullable=True,
        ),
        Column(
            "rank",
            "int",
            "the rank of the unit among the layer's units by drop, then by lead_drop, on the ranking split: 0 for the "
            "most important unit; empty if the ranking split has no images of the class",
            nullable=True,
        ),
    ),
)

ABLATION_CURVES = Table(
    "ablation_curves",
    "a class, and a number of its most important units that were removed, or only they were kept",
    4,
    (
        LAYER,
        Column(
            "class", "name", "the class of images, compared with all others; its units are ranked on the ranking split"
        ),
        Column("mode", "name", "remove: the most important units are removed; keep: only these units are kept"),
        Column("units", "int", "number of units that were removed, or kept", "units"),
        Column("images", "int", "images of the class in the reporting split", "images"),
        Column("others", "int", "other images in the reporting split", "images"),
        Column("taken", "int", "images of the reporting split that are then predicted as the class", "images"),
        Column("right", "int", "images of the class that are then predicted as the class", "images"),
        Column(
            "balanced_accuracy",
            "float",
            "mean of recall and true negative rate; empty if the reporting split has no images of the class or no "
            "others",
            "1",
            nullable=True,
        ),
        Column("labelled", "int", "images of the reporting split that belong to any class", "images"),
        Column("correct", "int", "images that are then predicted as their own class, whichever it is", "images"),
        Column(
            "all_class_accuracy",
            "float",
            "correct, divided by labelled; empty if labelled is 0",
            "1",
            nullable=True,
        ),
        Column(
            "random",
            "float",
            "balanced accuracy with as many random units, as a mean over draws; empty if not measured",
            "1",
            nullable=True,
        ),
        Column(
            "random_low",
            "float",
            "lower end of the interval that contains 95 % of these draws; empty if not measured",
            "1",
            nullable=True,
        ),
        Column("random_high", "float", "upper end of this interval; empty if not measured", "1", nullable=True),
    ),
)

UNIT_IMPORTANCE = Table(
    "unit_importance",
    "a unit, and the effect of its removal on all classes together",
    2,
    (
        LAYER,
        UNIT,
        Column("classes_led", "int", "classes for which the unit is one of the four most important units", "classes"),
        Column(
            "mean_drop",
            "float",
            "drop (see unit_ablations) on the ranking split, as a mean over classes; empty if the unit was not "
            "removed, or no class has images in the ranking split",
            "1",
            nullable=True,
        ),
        Column(
            "mean_lead_drop",
            "float",
            "lead_drop on the ranking split, as a mean over classes; empty if no class has images in the ranking split",
            "score",
            nullable=True,
        ),
    ),
)

CONFUSIONS = Table(
    "confusions",
    "a class without its most important units, and a class that is then predicted for its images",
    4,
    (
        LAYER,
        Column("class", "name", "the class of images"),
        Column("units", "int", "number of the class's most important units that were removed", "units"),
        Column("taken_as", "name", "the class that is predicted for the images"),
        Column("images", "int", "images of the class in the reporting split with this prediction", "images"),
    ),
)

DETECTORS = Table(
    "detectors",
    "a unit, and a set of images that its peak activation separates from the other images",
    4,
    (
        LAYER,
        UNIT,
        Column(
            "kind",
            "name",
            "class: the set is the images of a class; concept: the images with a concept on more than 5 % of their "
            "area",
        ),
        Column("positives", "name", "the class or the concept"),
        Column("images", "int", "images of the set", "images"),
        Column("others", "int", "other images", "images"),
        Column(
            "threshold",
            "float",
            "the peak activation above which an image counts as one of the set: the threshold with the best balanced "
            "accuracy, the highest of equal ones; empty if there are no images in the set or no others",
            "activation",
            nullable=True,
        ),
        Column(
            "taken",
            "int",
            "images whose peak activation is above the threshold; empty if there is no threshold",
            "images",
            nullable=True,
        ),
        Column(
            "right",
            "int",
            "images of the set whose peak activation is above the threshold; empty if there is no threshold",
            "images",
            nullable=True,
        ),
        Column(
            "balanced_accuracy",
            "float",
            "mean of recall and true negative rate at the threshold; empty if there is no threshold",
            "1",
            nullable=True,
        ),
        Column(
            "area",
            "float",
            "area under the ROC curve (true against false positive rate): the share of pairs of an image of the set "
            "and another image in which the image of the set has the higher peak activation, where equal peaks count "
            "half; empty if there are no images in the set or no others",
            "1",
            nullable=True,
        ),
        Column(
            "correlation",
            "float",
            "for a class: correlation of the peak activation with the softmax score of the class, over all images; "
            "empty for a concept, and if either of the two is constant",
            "1",
            nullable=True,
        ),
        Column("low", "float", "lower edge of the first bin of peak activations", "activation"),
        Column("high", "float", "upper edge of the last bin of peak activations; it belongs to the bin", "activation"),
        Column(
            "image_bins",
            "text",
            "images of the set in each bin, separated by spaces; the bins have equal widths from low to high",
        ),
        Column("other_bins", "text", "other images in each of these bins, separated by spaces"),
    ),
)
