"""Tables of artifacts: the units' scores, and what their removal changes."""

from __future__ import annotations

from dissectory.analysis.tables.columns import LAYER, UNIT
from dissectory.analysis.tables.table import Column, Table

ARTIFACTS = Table(
    "artifacts",
    "a unit of a generator, by how unlike all others the images are that excite it most",
    2,
    (
        LAYER,
        UNIT,
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
        LAYER,
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
