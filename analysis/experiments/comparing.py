"""Units against concepts: the counts of a layer, shard by shard, once its thresholds are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.experiments.activations import (
    histograms_of,
    kept_of,
    moments_of,
    nonfinite_of,
    top_of,
)
from dissectory.analysis.tally.overlap import Overlaps, count, lit

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.experiments.labelled import LabelMaps
    from dissectory.analysis.experiments.shards import Shards
    from dissectory.analysis.subjects.layers import LayerInfo
    from dissectory.analysis.tally.histogram import Bins
    from dissectory.analysis.tally.moments import Moments
    from dissectory.analysis.tally.peaks import TopImages


@dataclass(frozen=True, slots=True)
class LayerResult:
    """What was found of the units of one layer.

    `thresholds` `(unit,)`; `lit` `(unit, top image, bytes)`: the active positions of each top image, packed bits.
    """

    layer: LayerInfo
    thresholds: npt.NDArray[np.float32]
    overlaps: Overlaps
    top: TopImages
    bins: tuple[Bins, ...]
    moments: Moments
    nonfinite: npt.NDArray[np.int64]
    lit: npt.NDArray[np.uint8]


def compare(
    layer: LayerInfo,
    shards: Shards,
    labels: LabelMaps,
    thresholds: npt.NDArray[np.float32],
    positions: int,
    *,
    threads: int,
) -> LayerResult:
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
    histograms = histograms_of(shards, layer.units)
    return LayerResult(
        layer,
        thresholds,
        Overlaps(intersection, active, labels.pixels),
        top,
        tuple(histograms.bins(unit) for unit in range(layer.units)),
        moments_of(shards, layer.units),
        nonfinite_of(shards),
        marks,
    )
