"""The thresholds of a layer, found from its kept activations on disk, one block of units at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.measuring.activations import blocks, bound_of, lowest_of
from dissectory.analysis.tally.threads import in_blocks
from dissectory.analysis.tally.thresholds import threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.resuming.shards import Shard, Shards

    Floats = npt.NDArray[np.float32]
    _Entries = tuple[npt.NDArray[np.int64], Floats]


def find_thresholds(shards: Shards, above: int, threads: int) -> Floats:
    """Find the threshold of every unit `(unit,)`; NaN if the unit's bound was too high to find it.

    Args:
        shards: the layer's shards of all images.
        above: at most this many positions may exceed a threshold.
        threads: number of threads; the units are divided among them.
    """
    bound, lowest = bound_of(shards), lowest_of(shards)
    found = np.empty_like(bound)
    for first, last in blocks(shards):
        parts = [_entries(shard, first, last) for shard in shards]

        def work(begin: int, end: int, first: int = first, parts: Sequence[_Entries] = tuple(parts)) -> None:
            for unit in range(begin, end):
                place = first + unit
                values = np.concatenate([values[starts[unit] : starts[unit + 1]] for starts, values in parts])
                level = threshold(values[values > bound[place]], above, float(bound[place]), float(lowest[place]))
                found[place] = np.nan if level is None else level

        in_blocks(work, last - first, threads)
    return found


def _entries(shard: Shard, first: int, last: int) -> _Entries:
    """Read the kept activations of some units from a shard, and the index at which each unit's start."""
    starts = shard.read("offsets", first, last + 1)
    return starts - starts[0], shard.read("values", int(starts[0]), int(starts[-1]))
