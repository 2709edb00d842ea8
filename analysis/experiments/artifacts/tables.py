"""The tables of artifacts: the scores of units, and the effect of ablating them."""

from __future__ import annotations

from dissectory.analysis.tables.columns import LAYER, UNIT
from dissectory.analysis.tables.table import Column, Table

ARTIFACTS = Table(
    "artifacts",
    "a unit of a generator, with the mean distance of its ten strongest images from other images",
    2,
    (
        LAYER,
        UNIT,
        Column(
            "score",
            "float",
            "mean distance of the ten images on which the unit's peak activation is highest: the Mahalanobis distance, "
            "in a network's features, from the distribution of the real images or, without any, of all generated "
            "images; images that tie for the last of the ten places share them equally; empty if the peak is the same "
            "on all images",
            "standard deviations",
            nullable=True,
        ),
        Column("rank", "int", "0 for the highest score; units without a score come last"),
        Column("usual", "float", "mean of this distance over all images", "standard deviations"),
        Column(
            "chance",
            "float",
            "chance level: if the distances are assigned to the images at random, the highest score of all units is "
            "above this value in 1 of 20 cases; empty if no unit has a score",
            "standard deviations",
            nullable=True,
        ),
    ),
)

ARTIFACT_REMOVALS = Table(
    "artifact_removals",
    "a set of ablated units, those with the highest scores",
    2,
    (
        LAYER,
        Column("units", "int", "number of ablated units", "units"),
        Column("images", "int", "images that were generated without them; none is one of the study's images", "images"),
        Column(
            "distance",
            "float",
            "Frechet distance between these images and the real images, in a network's features",
            "squared feature values",
        ),
        Column(
            "random",
            "float",
            "the same distance with as many random units ablated: mean over several random sets",
            "squared feature values",
        ),
        Column("random_low", "float", "lowest distance of these random sets", "squared feature values"),
        Column("random_high", "float", "highest distance of these random sets", "squared feature values"),
    ),
)
