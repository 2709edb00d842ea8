"""Units against concepts: the counts of a layer, shard by shard, once its thresholds are known."""

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
from dissectory.analysis.tally.overlap import Overlaps, count, lit

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.measuring.label_maps import LabelMaps
    from dissectory.analysis.measuring.significance import Sureness
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.subjects.layers import LayerInfo
    from dissectory.analysis.tally.histogram import Bins
    from dissectory.analysis.tally.information import Information
    from dissectory.analysis.tally.moments import Moments
    from dissectory.analysis.tally.peaks import TopImages


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted of the units of one layer on `files` images.

    `thresholds` `(unit,)`; `lit` `(unit, top image, bytes)`: the active positions of each top image, packed bits.
    """

    layer: LayerInfo
    shards: Shards
    files: int
    thresholds: npt.NDArray[np.float32]
    overlaps: Overlaps
    top: TopImages
    lit: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LayerResult:
    """What was found of the units of one layer: what was counted, how sure it is, and what else was tallied.

    `information` is there where the study asks for it.
    """

    layer: LayerInfo
    thresholds: npt.NDArray[np.float32]
    overlaps: Overlaps
    sureness: Sureness
    top: TopImages
    lit: npt.NDArray[np.uint8]
    bins: tuple[Bins, ...]
    moments: Moments
    nonfinite: npt.NDArray[np.int64]
    information: Information | None

    @classmethod
    def of(cls, counts: Counts, sureness: Sureness, information: Information | None) -> LayerResult:
        """Read the rest of what was tallied."""
        shards, units = counts.shards, counts.layer.units
        histograms = histograms_of(shards, units)
        return cls(
            counts.layer,
            counts.thresholds,
            counts.overlaps,
            sureness,
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
    threads: int,
) -> Counts:
    """Count where the units of a layer are active, and which concepts they meet there.

    Args:
        layer: the layer.
        shards: its activations.
        labels: the label maps of the same images.
        thresholds: of its units `(unit,)`.
        positions: of the grid.
        threads: units are shared out to them.
    """
    concepts, files = len(labels.pixels), len(labels.sizes)
    intersection = np.zeros((layer.units, concepts), dtype=np.int64)
    active = np.zeros(layer.units, dtype=np.int64)
    top = top_of(shards)
    marks = np.zeros((*top.images.shape, -(-positions // 8)), dtype=np.uint8)
    for shard in shards:
        rows = labels.between(shard.first, shard.last)
        kept = kept_of(shard, 0, layer.units)
        met, found = count(kept, thresholds, rows.labels, rows.row_of(files), concepts, threads)
        intersection += met
        active += found
        marks |= lit(kept, thresholds, top.images, positions)
    return Counts(layer, shards, files, thresholds, Overlaps(intersection, active, labels.pixels), top, marks)
