"""How reliable labels are: confidence intervals of their IoUs, and a test against the label maps of other images."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.measuring.activations import blocks, kept_of
from dissectory.analysis.tally.chance import (
    PAIRED_IMAGES,
    REPLICATES,
    Bootstrap,
    p_values,
    paired_places,
    poisson_weights,
    q_values,
    shifts,
)
from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.overlap import Overlaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.measuring.comparing import Counts
    from dissectory.analysis.measuring.label_maps import LabelMaps, Rows
    from dissectory.analysis.tally.backends import Backend

    Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Confidence:
    """The 95 % confidence interval of each label's IoU `(unit,)`, and the label's q-value; NaN without a label.

    The q-values of all units are NaN if labels are not tested.
    """

    low: Values
    high: Values
    q_values: Values


@dataclass(frozen=True, slots=True)
class Pairing:
    """The images of the test against chance: activations are compared with the label maps of other images.

    `rows` are these images in the order in which they were visited, with the label maps at the positions that the test
    uses. `places` numbers these positions (see `paired_places`). The images come from the first `batches` batches.
    `moves` holds a shift for each pairing: the activations of the image in row i are compared with the label map in row
    i + shift.
    """

    rows: Rows
    places: npt.NDArray[np.int32]
    batches: int
    moves: Sequence[int]

    @classmethod
    def of(cls, labels: LabelMaps, pairings: int, seed: int) -> Pairing:
        """Read the first images that were visited, and choose the shifts of `pairings` pairings."""
        rows, batches = labels.beginning(PAIRED_IMAGES)
        places = paired_places(math.isqrt(rows.labels.shape[1]))
        rows = replace(rows, labels=rows.labels[:, places >= 0])
        return cls(rows, places, batches, shifts(len(rows.images), pairings, seed))


def assess(
    layers: Sequence[Counts], labels: LabelMaps, tally: Backend, *, pairings: int, seed: int
) -> list[Confidence]:
    """Compute the confidence of the labels of all layers.

    Args:
        layers: the counts of each layer.
        labels: the label maps of all images.
        tally: the backend that counts.
        pairings: number of other images' label maps with which each image is compared; 0 for no test.
        seed: seed of the resampling and of the pairings.
    """
    intervals = _intervals(layers, labels, seed, tally)
    pairing = Pairing.of(labels, pairings, seed)
    p = [_p_values(counts, pairing, tally) for counts in layers]
    q = q_values(np.concatenate(p))
    ends = np.cumsum([len(values) for values in p])[:-1]
    return [Confidence(*interval, values) for interval, values in zip(intervals, np.split(q, ends), strict=True)]


def _intervals(layers: Sequence[Counts], labels: LabelMaps, seed: int, tally: Backend) -> list[tuple[Values, Values]]:
    """Resample the images, one shard of label maps at a time, and return the ends of each unit's interval."""
    bootstraps = [Bootstrap(counts.layer.units) for counts in layers]
    for first, last in labels.stretches:
        rows = labels.between(first, last)
        weights = poisson_weights(rows.images.tolist(), REPLICATES, seed)
        for counts, bootstrap in zip(layers, bootstraps, strict=True):
            best = counts.labels
            shards = [shard for shard in counts.shards if shard.first < last and shard.last > first]
            kept = Kept.joined([kept_of(shard, 0, counts.layer.units) for shard in shards])
            met = tally.count_by_image(kept, counts.thresholds, best, rows.labels, rows.row_of(counts.files))
            bootstrap.observe(weights, *met, np.where(best >= 0, rows.areas[:, best], 0))
    return [_labeled(counts, *bootstrap.interval()) for counts, bootstrap in zip(layers, bootstraps, strict=True)]


def _labeled(counts: Counts, *values: Values) -> tuple[Values, Values]:
    """Set the values of units without a label to NaN."""
    low, high = (np.where(counts.labels >= 0, value, np.nan) for value in values)
    return low, high


def _p_values(counts: Counts, pairing: Pairing, tally: Backend) -> Values:
    """Test the labels of a layer: compare each unit's highest IoU with its highest IoUs on other images' label maps."""
    rows = pairing.rows
    shards = [shard for shard in counts.shards if shard.first < pairing.batches]
    concepts = rows.areas.shape[1]
    pixels = np.bincount(rows.labels.ravel(), minlength=concepts + 1)[1:]
    parts = []
    for first, last in blocks(shards):
        level = counts.thresholds[first:last]
        kept = Kept.joined([kept_of(shard, first, last).above(level, pairing.places) for shard in shards])
        met, active = tally.count_paired(kept, rows.images, rows.labels, (0, *pairing.moves), concepts)
        parts.append([Overlaps(one, active, pixels).iou.max(axis=1, initial=0) for one in met])
    observed, null = np.split(np.concatenate(parts, axis=1), [1])
    return p_values(np.where(counts.labels >= 0, observed[0], np.nan), null)
