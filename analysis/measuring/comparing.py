"""Comparing units with concepts: the counts behind a layer's IoUs, shard by shard, once its thresholds are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.measuring.activations import (
    histograms_of,
    kept_of,
    moments_of,
    nonfinite_of,
    top_of,
)
from dissectory.analysis.tally.flat import count_within, is_flat, rounding_limits
from dissectory.analysis.tally.overlap import Overlaps, lit

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.measuring.label_maps import LabelMaps
    from dissectory.analysis.measuring.significance import Confidence
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.subjects.layers import LayerInfo
    from dissectory.analysis.tally.backends import Backend
    from dissectory.analysis.tally.histogram import Bins
    from dissectory.analysis.tally.information import Information
    from dissectory.analysis.tally.moments import Moments
    from dissectory.analysis.tally.peaks import TopImages


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one layer's units on `files` image files.

    `thresholds` is `(unit,)`. `lit` `(unit, top image, bytes)` marks the active grid positions of each top image, in
    packed bits. `flat` `(unit,)` marks flat units (see `tally.flat`).
    """

    layer: LayerInfo
    shards: Shards
    files: int
    thresholds: npt.NDArray[np.float32]
    overlaps: Overlaps
    flat: npt.NDArray[np.bool_]
    top: TopImages
    lit: npt.NDArray[np.uint8]

    @property
    def labels(self) -> npt.NDArray[np.intp]:
        """The concept of each unit's label `(unit,)`; -1 if the unit overlaps with no concept, or is flat."""
        return np.where(self.flat, -1, self.overlaps.best)


@dataclass(frozen=True, slots=True)
class LayerResult:
    """All results of one layer: counts, confidence of the labels, histograms, moments and second thresholds.

    `information` is `None` if the study does not ask for the second threshold.
    """

    layer: LayerInfo
    thresholds: npt.NDArray[np.float32]
    overlaps: Overlaps
    flat: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.intp]
    confidence: Confidence
    top: TopImages
    lit: npt.NDArray[np.uint8]
    bins: tuple[Bins, ...]
    moments: Moments
    nonfinite: npt.NDArray[np.int64]
    information: Information | None

    @classmethod
    def of(cls, counts: Counts, confidence: Confidence, information: Information | None) -> LayerResult:
        """Add the histograms and moments, read from the shards."""
        shards, units = counts.shards, counts.layer.units
        histograms = histograms_of(shards, units)
        return cls(
            counts.layer,
            counts.thresholds,
            counts.overlaps,
            counts.flat,
            counts.labels,
            confidence,
            counts.top,
            counts.lit,
            tuple(histograms.bins(unit) for unit in range(units)),
            moments_of(shards, units),
            nonfinite_of(shards),
            information,
        )


def compare(
    layer: LayerInfo,
    shards: Shards,
    labels: LabelMaps,
    thresholds: npt.NDArray[np.float32],
    positions: int,
    *,
    tally: Backend,
    threads: int,
) -> Counts:
    """Count the grid positions at which each unit is active, and those that also carry each concept.

    Args:
        layer: the layer.
        shards: its activations.
        labels: the label maps of the same images.
        thresholds: thresholds of its units `(unit,)`.
        positions: number of grid positions.
        tally: the backend that counts.
        threads: number of threads; the units are divided among them.
    """
    concepts, files = len(labels.pixels), len(labels.sizes)
    intersection = np.zeros((layer.units, concepts), dtype=np.int64)
    active, near = np.zeros((2, layer.units), dtype=np.int64)
    limits = rounding_limits(thresholds, moments_of(shards, layer.units))
    top = top_of(shards)
    marks = np.zeros((*top.images.shape, -(-positions // 8)), dtype=np.uint8)
    for shard in shards:
        rows = labels.between(shard.first, shard.last)
        kept = kept_of(shard, 0, layer.units)
        met, found = tally.count(kept, thresholds, rows.labels, rows.row_of(files), concepts)
        intersection += met
        active += found
        near += count_within(kept, thresholds, limits, threads)
        marks |= lit(kept, thresholds, top.images, positions)
    overlaps = Overlaps(intersection, active, labels.pixels)
    return Counts(layer, shards, files, thresholds, overlaps, is_flat(near, active), top, marks)
