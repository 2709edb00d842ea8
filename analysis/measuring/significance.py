"""How sure the labels of units are: intervals of their IoUs, and a test against other images' label maps."""

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
from dissectory.analysis.tally.overlap import Overlaps, count_by_image, count_paired

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.measuring.comparing import Counts
    from dissectory.analysis.measuring.label_maps import LabelMaps, Rows

    Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sureness:
    """How sure labels are `(unit,)`: the ends of the IoU's interval, and the q-value; NaN where there is no label."""

    low: Values
    high: Values
    q_values: Values


@dataclass(frozen=True, slots=True)
class Pairing:
    """Images that are compared with other images' label maps.

    `rows` are these images in the order of the visit, with the label maps of the positions that are paired, and
    `places` the numbers of these among all (see `paired_places`); the images come from the first `batches`. In each
    pairing, the label map is that of the image so many places on as `moves` says.
    """

    rows: Rows
    places: npt.NDArray[np.int32]
    batches: int
    moves: Sequence[int]

    @classmethod
    def of(cls, labels: LabelMaps, pairings: int, seed: int) -> Pairing:
        """Read the first images, and draw `pairings`."""
        rows, batches = labels.beginning(PAIRED_IMAGES)
        places = paired_places(math.isqrt(rows.labels.shape[1]))
        rows = replace(rows, labels=rows.labels[:, places >= 0])
        return cls(rows, places, batches, shifts(len(rows.images), pairings, seed))


def assess(layers: Sequence[Counts], labels: LabelMaps, *, pairings: int, seed: int, threads: int) -> list[Sureness]:
    """Tell how sure the labels of all layers are.

    Args:
        layers: what was counted of each.
        labels: the label maps of all images.
        pairings: with how many other images' label maps each image is compared.
        seed: of resampling and pairing.
        threads: units are shared out to them.
    """
    intervals = _intervals(layers, labels, seed, threads)
    pairing = Pairing.of(labels, pairings, seed)
    p = [_p_values(counts, pairing, threads) for counts in layers]
    q = q_values(np.concatenate(p))
    ends = np.cumsum([len(values) for values in p])[:-1]
    return [Sureness(*interval, values) for interval, values in zip(intervals, np.split(q, ends), strict=True)]


def _intervals(layers: Sequence[Counts], labels: LabelMaps, seed: int, threads: int) -> list[tuple[Values, Values]]:
    """Resample the images, those of one shard of label maps after the other."""
    bootstraps = [Bootstrap(counts.layer.units) for counts in layers]
    for first, last in labels.stretches:
        rows = labels.between(first, last)
        weights = poisson_weights(rows.images.tolist(), REPLICATES, seed)
        for counts, bootstrap in zip(layers, bootstraps, strict=True):
            best = counts.overlaps.best
            shards = [shard for shard in counts.shards if shard.first < last and shard.last > first]
            kept = Kept.joined([kept_of(shard, 0, counts.layer.units) for shard in shards])
            met = count_by_image(kept, counts.thresholds, best, rows.labels, rows.row_of(counts.files), threads)
            bootstrap.observe(weights, *met, np.where(best >= 0, rows.areas[:, best], 0))
    return [_labelled(counts, *bootstrap.interval()) for counts, bootstrap in zip(layers, bootstraps, strict=True)]


def _labelled(counts: Counts, *values: Values) -> tuple[Values, Values]:
    """Leave out units without a label."""
    low, high = (np.where(counts.overlaps.best >= 0, value, np.nan) for value in values)
    return low, high


def _p_values(counts: Counts, pairing: Pairing, threads: int) -> Values:
    """Compare the labels of a layer with what its activations make of other images' label maps."""
    rows = pairing.rows
    shards = [shard for shard in counts.shards if shard.first < pairing.batches]
    concepts = rows.areas.shape[1]
    pixels = np.bincount(rows.labels.ravel(), minlength=concepts + 1)[1:]
    parts = []
    for first, last in blocks(shards):
        level = counts.thresholds[first:last]
        kept = Kept.joined([kept_of(shard, first, last).above(level, pairing.places) for shard in shards])
        met, active = count_paired(kept, rows.images, rows.labels, (0, *pairing.moves), concepts, threads)
        parts.append([Overlaps(one, active, pixels).iou.max(axis=1, initial=0) for one in met])
    observed, null = np.split(np.concatenate(parts, axis=1), [1])
    return p_values(np.where(counts.overlaps.best >= 0, observed[0], np.nan), null)
