"""Every table of a run: its columns, their types, units and meaning, written down once.

The parquet files' own metadata, the data dictionary on the site and the checks on reading all
come from here. This module is the only thing that `analysis` and `report` share besides the
folder itself (`dissectory.analysis.run`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
"""Raised when a reader of older tables would go wrong."""

Kind = Literal["int", "long", "float", "text", "name", "flag"]
Category = Literal["object", "part", "material", "texture", "color"]

CATEGORIES: tuple[Category, ...] = ("object", "part", "material", "texture", "color")
"""What a concept can be, in the order in which every page and chart names them."""

SIGNIFICANT = 0.05
"""The q-value up to which a label counts as more than chance: this share of such labels may be false discoveries."""

_ARROW: Mapping[Kind, pa.DataType] = MappingProxyType(
    {
        "int": pa.int32(),
        "long": pa.int64(),
        "float": pa.float32(),
        "text": pa.string(),
        "name": pa.dictionary(pa.int32(), pa.string()),
        "flag": pa.bool_(),
    }
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `unit` is empty for a name, "1" for a ratio in 0..1."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    nullable: bool = False

    @property
    def arrow(self) -> pa.Field:
        """The column as an arrow field that carries its own description."""
        metadata = {"description": self.meaning, "unit": self.unit}
        return pa.field(self.name, _ARROW[self.kind], nullable=self.nullable, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Table:
    """One table; its first `keys` columns name a row and give the order of rows."""

    name: str
    row: str
    keys: int
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the columns that name a row."""
        return tuple(column.name for column in self.columns[: self.keys])

    @property
    def arrow(self) -> pa.Schema:
        """The table as an arrow schema, described in its metadata."""
        metadata = {"table": self.name, "row": self.row, "key": ",".join(self.key), "schema_version": str(VERSION)}
        return pa.schema([column.arrow for column in self.columns], metadata=metadata)

    def __getitem__(self, name: str) -> Column:
        """Find the column called `name`."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


_LAYER = Column("layer", "name", "the layer's name in the network, as PyTorch gives it")
_UNIT = Column("unit", "int", "the unit: a channel of the layer, counted from 0")
_CONCEPT = Column("concept", "name", "the concept")
_IMAGE = Column("image", "int", "the image's number, as in the table images")

LAYERS = Table(
    "layers",
    "a layer",
    1,
    (
        _LAYER,
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
        _CONCEPT,
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
        _LAYER,
        _UNIT,
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
        _LAYER,
        _UNIT,
        _CONCEPT,
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
        _LAYER,
        _UNIT,
        Column("rank", "int", "0 for the image with the highest peak; equal peaks in the order of images"),
        _IMAGE,
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
        _LAYER,
        _UNIT,
        Column("bin", "int", "the bin's number, from the lowest activation up; empty bins at both ends are left out"),
        Column("low", "float", "lower edge, part of the bin", "activation"),
        Column("high", "float", "upper edge, not part of the bin", "activation"),
        Column("count", "long", "activations of the unit's own map, over all images, in the bin", "activations"),
    ),
)

IMAGES = Table(
    "images",
    "an image",
    1,
    (
        _IMAGE,
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

CONCEPT_IMAGES = Table(
    "concept_images",
    "an image with much of a concept",
    2,
    (
        _CONCEPT,
        Column("rank", "int", "0 for the image with the largest area; equal areas in the order of images"),
        _IMAGE,
        Column("pixels", "int", "grid positions that carry the concept on the image", "grid positions"),
    ),
)

GALLERY = Table(
    "gallery",
    "an image of the gallery and a category of concepts",
    2,
    (
        _IMAGE,
        Column("category", "name", "object, part, material, texture or color: one that the study has concepts of"),
        Column("labelled", "int", "grid positions that carry a concept of the category on the image", "grid positions"),
    ),
)

GALLERY_CONCEPTS = Table(
    "gallery_concepts",
    "an image of the gallery and a concept that it shows",
    2,
    (
        _IMAGE,
        _CONCEPT,
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

CONTROL_UNITS = Table("control_units", "a unit of the control network", 2, UNITS.columns)

CONTROL_CONCEPTS = Table(
    "control_concepts",
    "a concept, and the unit of the control network that fits it best",
    1,
    (
        _CONCEPT,
        Column(
            "output",
            "flag",
            "whether an output of the network under study bears its name, so that it was a label in training; empty "
            "where the outputs have no names",
            nullable=True,
        ),
        Column("layer", "name", "the control unit's layer; empty where no unit touches the concept", nullable=True),
        Column("unit", "int", "the control unit; empty where no unit touches the concept", nullable=True),
        Column("intersection", "long", "grid positions that are active and carry the concept", "grid positions"),
        Column("union", "long", "grid positions that are active or carry the concept", "grid positions"),
        Column("iou", "float", "intersection over union, summed over all images before dividing", "1"),
    ),
)

UNIT_ABLATIONS = Table(
    "unit_ablations",
    "a unit that was removed, a class and a split",
    4,
    (
        _LAYER,
        _UNIT,
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
        _LAYER,
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
        _LAYER,
        _UNIT,
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
        _LAYER,
        Column("class", "name", "the class of images"),
        Column("units", "int", "how many of the class's most important units were removed", "units"),
        Column("taken_as", "name", "what the network takes the images for"),
        Column("images", "int", "images of the class in the reporting split that are taken for it", "images"),
    ),
)

GENERATOR_ABLATIONS = Table(
    "generator_ablations",
    "a concept whose best units were removed from a generator, by a score, how many, and a concept that was measured",
    5,
    (
        _LAYER,
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

INSERTIONS = Table(
    "insertions",
    "a concept whose best units were forced on at one place of each image, and what stood there before",
    3,
    (
        _LAYER,
        Column("concept", "name", "the concept that was to appear"),
        Column("context", "name", "a concept that the middle of the place carried before; (nothing) where it had none"),
        Column("locations", "int", "places with that context, one of each image", "places"),
        Column(
            "added_pixels",
            "long",
            "grid positions of whole images that came to carry the concept and did not before, over all these places",
            "grid positions",
        ),
        Column("added", "float", "mean of the same over the places", "grid positions"),
        Column(
            "low",
            "float",
            "lower end of the 99 % interval of that mean, 0 at least; empty for fewer than ten places",
            "grid positions",
            nullable=True,
        ),
        Column("high", "float", "upper end of it", "grid positions", nullable=True),
    ),
)

NO_CONTEXT = "(nothing)"
"""The context of a place that carried no concept."""

UNIT_EFFECTS = Table(
    "unit_effects",
    "a unit that was removed from a generator alone, and a concept whose area that changed, or its label",
    3,
    (
        _LAYER,
        _UNIT,
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

_SEED = Column("seed", "long", "the seed of the image")

ABLATION_PICTURES = Table(
    "ablation_pictures",
    "a picture of a generator without the units that fit a concept best",
    4,
    (
        _LAYER,
        Column("concept", "name", "the concept whose units were removed"),
        Column("rank", "int", "the picture's row: images with the largest area of the concept come first"),
        Column("units", "int", "how many units were removed: the picture's column", "units"),
        _SEED,
        Column("pixels", "long", "grid positions that carry the concept", "grid positions"),
    ),
)

INSERTION_PICTURES = Table(
    "insertion_pictures",
    "an image in which a concept's units were forced on at one place, and the concept appeared",
    3,
    (
        _LAYER,
        Column("concept", "name", "the concept that was to appear"),
        Column("rank", "int", "the picture's row: images in which most of it appeared come first"),
        _SEED,
        Column("y", "int", "row of the layer's map in which the units were forced on", "cells"),
        Column("x", "int", "column of the layer's map", "cells"),
        Column("context", "name", "what stood there before, as in the table insertions; each of these has one picture"),
        Column("added_pixels", "long", "grid positions that came to carry the concept", "grid positions"),
    ),
)

ABLATION_TRIALS = Table(
    "ablation_trials",
    "a concept whose best units were removed from some images, and a layer",
    2,
    (
        _LAYER,
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

PAINT_TRIALS = Table(
    "paint_trials",
    "a concept that was painted in the middle of some images, and a layer",
    2,
    (
        _LAYER,
        Column(
            "concept",
            "name",
            "the concept whose units, those with the highest IoU, were set to the levels at which they are on",
        ),
        Column("units", "int", "how many units", "units"),
        Column("images", "int", "images that were painted on, the first ones of the study", "images"),
        Column(
            "painted",
            "long",
            "grid positions under the brush, the middle half of rows and columns, that did not carry the concept",
            "grid positions",
        ),
        Column("came", "long", "those that carried it afterwards", "grid positions"),
        Column("share", "float", "came over painted; 0 where nothing was painted", "1"),
    ),
)

DETECTORS = Table(
    "detectors",
    "a unit, and a set of images that its peak activation tells from the others",
    4,
    (
        _LAYER,
        _UNIT,
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

COUNTEREXAMPLES = Table(
    "counterexamples",
    "an image in which a generator drew a unit's label although the unit stayed below its threshold as a detector",
    4,
    (
        _LAYER,
        _UNIT,
        Column("concept", "name", "the unit's label, on more than 5 % of the image"),
        Column("rank", "int", "0 for the image with the largest area; equal areas in the order of images"),
        _IMAGE,
        Column("peak", "float", "highest activation of the unit on the image", "activation"),
        Column("pixels", "int", "grid positions that carry the concept on the image", "grid positions"),
    ),
)

ARTIFACTS = Table(
    "artifacts",
    "a unit of a generator, by how unlike all others the images are that excite it most",
    2,
    (
        _LAYER,
        _UNIT,
        Column(
            "score",
            "float",
            "mean Mahalanobis distance of its ten strongest images from the distribution of real images, or of all "
            "generated ones, in features of a network; where images with equal peaks are the last of the ten, all such "
            "images count alike; empty where its peak is the same on all images",
            "standard deviations",
            nullable=True,
        ),
        Column("rank", "int", "0 for the highest score; units without one come last"),
        Column("usual", "float", "mean of that distance over all images", "standard deviations"),
        Column(
            "chance",
            "float",
            "what the highest score of all units is in 1 of 20 deals of the distances to other images; empty where no "
            "unit has a score",
            "standard deviations",
            nullable=True,
        ),
    ),
)

ARTIFACT_REMOVALS = Table(
    "artifact_removals",
    "a number of the units with the highest scores that were removed from a generator",
    2,
    (
        _LAYER,
        Column("units", "int", "how many units were removed", "units"),
        Column("images", "int", "images that were drawn without them, others than those of the study", "images"),
        Column(
            "distance",
            "float",
            "Frechet distance between these and the real images, in features of a network",
            "squared feature values",
        ),
        Column(
            "random",
            "float",
            "the same without as many units at random, the mean of some draws",
            "squared feature values",
        ),
        Column("random_low", "float", "the least of these draws", "squared feature values"),
        Column("random_high", "float", "the greatest of them", "squared feature values"),
    ),
)

ATTACKS = Table(
    "attacks",
    "an attacked image",
    1,
    (
        _IMAGE,
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
        _IMAGE,
        _LAYER,
        _UNIT,
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
        _LAYER,
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

TEXTURES = Table(
    "textures",
    "a unit, on images and on their re-textured copies",
    2,
    (
        _LAYER,
        _UNIT,
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

TABLES: Mapping[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            LAYERS,
            CONCEPTS,
            UNITS,
            UNIT_CONCEPTS,
            UNIT_IMAGES,
            UNIT_HISTOGRAMS,
            CONCEPT_IMAGES,
            IMAGES,
            CLASSES,
            GALLERY,
            GALLERY_CONCEPTS,
            CONTROL_UNITS,
            CONTROL_CONCEPTS,
            UNIT_ABLATIONS,
            ABLATION_CURVES,
            UNIT_IMPORTANCE,
            CONFUSIONS,
            DETECTORS,
            COUNTEREXAMPLES,
            ARTIFACTS,
            ARTIFACT_REMOVALS,
            GENERATOR_ABLATIONS,
            INSERTIONS,
            UNIT_EFFECTS,
            ABLATION_PICTURES,
            INSERTION_PICTURES,
            ABLATION_TRIALS,
            PAINT_TRIALS,
            ATTACKS,
            ATTACK_UNITS,
            ATTACK_CHANGES,
            TEXTURES,
        )
    }
)
"""All tables by name."""
