"""The activations of a layer on disk: the arrays of each shard, read for one block of units or one shard at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.tally.histogram import Histograms
from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.moments import Moments
from dissectory.analysis.tally.peaks import TopImages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from dissectory.analysis.resuming.shards import Shard, Shards
    from dissectory.analysis.tally.sweeping import Sweep

    Arrays = dict[str, npt.NDArray[np.generic]]

BLOCK_BYTES = 1 << 24
"""About this many bytes of kept activations are read at once."""
_ENTRY_BYTES = 6
"""Bytes of one kept activation and its position."""


def arrays_of(sweep: Sweep) -> Arrays:
    """Return everything that a sweep has tallied, as the arrays of a shard."""
    kept, counts, top = sweep.kept, sweep.histograms.counts.ravel(), sweep.top
    filled = counts.nonzero()[0]
    moments = [(part.mean, part.squares, part.peak) for part in sweep.moments]
    return {
        "bound": sweep.bound,
        "lowest": sweep.lowest,
        "nonfinite": sweep.nonfinite,
        "first": kept.first,
        "images": kept.images,
        "starts": kept.starts,
        "values": kept.values,
        "positions": kept.positions,
        "offsets": kept.starts[kept.first],
        "top_peaks": top.peaks,
        "top_images": top.images,
        "top_cells": top.cells,
        "bins": filled,
        "counts": counts[filled],
        "moments": np.array(moments, dtype=np.float64).reshape(len(moments), 3, sweep.units),
        "moment_counts": np.array([part.count for part in sweep.moments], dtype=np.int64),
    }


def kept_of(shard: Shard, first: int, last: int) -> Kept:
    """Read the kept activations of the units `first` to `last - 1` from a shard."""
    pairs = shard.read("first", first, last + 1)
    starts = shard.read("starts", pairs[0], pairs[-1] + 1)
    entries = (int(starts[0]), int(starts[-1]))
    return Kept(
        pairs - pairs[0],
        shard.read("images", pairs[0], pairs[-1]),
        starts - starts[0],
        shard.read("values", *entries),
        shard.read("positions", *entries),
    )


def blocks(shards: Iterable[Shard]) -> Iterator[tuple[int, int]]:
    """Divide the units into blocks `(first, last)` without `last`.

    All shards together hold at most `BLOCK_BYTES` of kept activations of a block, unless the block is a single unit.
    """
    entries = np.sum([np.diff(shard.read("offsets")) for shard in shards], axis=0)
    reached = np.concatenate([[0], (entries * _ENTRY_BYTES).cumsum()])
    first = 0
    while first < len(entries):
        last = max(first + 1, int(np.searchsorted(reached, reached[first] + BLOCK_BYTES, side="right")) - 1)
        yield first, last
        first = last


def bound_of(shards: Shards) -> npt.NDArray[np.float32]:
    """Return each unit's bound `(unit,)`: every activation above it was kept, in all shards."""
    bound: npt.NDArray[np.float32] = np.max([shard.read("bound") for shard in shards], axis=0)
    return bound


def lowest_of(shards: Shards) -> npt.NDArray[np.float32]:
    """Return a lower bound of each unit's upsampled activations `(unit,)`."""
    lowest: npt.NDArray[np.float32] = np.min([shard.read("lowest") for shard in shards], axis=0)
    return lowest


def nonfinite_of(shards: Shards) -> npt.NDArray[np.int64]:
    """Count the activations of each unit that were not finite `(unit,)`."""
    total: npt.NDArray[np.int64] = np.sum([shard.read("nonfinite") for shard in shards], axis=0)
    return total


def activations_of(shards: Shards) -> int:
    """Count the activations of one unit, over all images; every unit of a layer has the same number."""
    return sum(int(shard.read("moment_counts").sum()) for shard in shards)


def top_of(shards: Shards) -> TopImages:
    """Return the top images of each unit, over all shards."""
    first, *others = (_top(shard) for shard in shards)
    return sum(others, start=first)


def _top(shard: Shard) -> TopImages:
    peaks = shard.read("top_peaks")
    top = TopImages(*peaks.shape)
    top.peaks, top.images, top.cells = peaks, shard.read("top_images"), shard.read("top_cells")
    return top


def histograms_of(shards: Shards, units: int) -> Histograms:
    """Return the histograms of all activations, over all shards."""
    total = Histograms(units)
    for shard in shards:
        total.counts.reshape(-1)[shard.read("bins")] += shard.read("counts")
    return total


def moments_of(shards: Shards, units: int) -> Moments:
    """Return the moments of all activations. Batches are added in the order in which they were visited.

    The order is fixed because the rounding of a sum depends on it.
    """
    total = Moments.none(units)
    for shard in shards:
        for count, (mean, squares, peak) in zip(shard.read("moment_counts"), shard.read("moments"), strict=True):
            total += Moments(int(count), mean, squares, peak.astype(np.float32))
    return total
