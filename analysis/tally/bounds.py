"""What an activation must exceed to be kept: a lower bound of its unit's threshold, raised as images are seen.

A bound is the highest level that the images seen so far support: the mean number of positions above it, less `Z`
standard errors, is still more than the threshold will leave. Images are the sampling unit, and drawn without
replacement from all that there are. A bound can be too bold; `thresholds.settled` tells, and what it says is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.tally.compiling import compiled
from dissectory.analysis.tally.thresholds import count_above

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.tally.kept import Kept
    from dissectory.analysis.tally.upsampling import Upsampler

    _F32 = npt.NDArray[np.float32]
    _F64 = npt.NDArray[np.float64]
    _I64 = npt.NDArray[np.int64]

Z = 4.0
"""Standard errors between what the images show and what a bound relies on."""
FIRST_SHARE = 12
"""The first bound is the activation that this many times the quantile exceed in the first images' own maps."""
EXCESS = np.array([1.02, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6, 1.8, 2.1, 2.5, 3.0, 4.0, 5.0, 7.0])
"""Candidate levels: those that leave this many times as many positions as the threshold."""


def first_bound(
    maps: npt.NDArray[np.float32], total: int, quantile: float, upsampler: Upsampler
) -> npt.NDArray[np.float32]:
    """Bound every threshold `(unit,)` of `total` images from the maps `(batch, unit, height, width)` of a few.

    It is the activation that a generous share of the maps' own cells exceed, or the lowest that there is.
    """
    values = np.nan_to_num(maps, nan=0, posinf=0, neginf=0).swapaxes(0, 1).reshape(maps.shape[1], -1)
    share = min(FIRST_SHARE * quantile, 1)
    rank = max(values.shape[1] - 1 - count_above(share, values.shape[1]), 0)
    level = np.partition(values, rank, axis=1)[:, rank]
    lowest = upsampler.floor(values.min(axis=1))
    if len(maps) == total:
        return lowest
    return np.maximum(np.nextafter(level, np.float32(-np.inf)), lowest)


def raised(
    kept: Kept, seen: int, total: int, quantile: float, positions: int, bound: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Raise bounds `(unit,)` as far as the images seen support.

    Args:
        kept: what was kept of these images, above `bound`.
        seen: how many images were seen.
        total: how many there are.
        quantile: the share of positions that may be above a threshold.
        positions: of the grid.
        bound: `(unit,)`, so far.
    """
    needed = (count_above(quantile, total * positions) + 1) / total
    levels = np.sort(_candidates(kept, needed * seen * EXCESS, bound), axis=1)
    sums, squares = np.zeros(levels.shape), np.zeros(levels.shape)
    _count_levels(kept.first, kept.starts, kept.values, levels, sums, squares)
    mean = sums / seen
    variance = np.maximum(squares / seen - mean**2, 0) * (seen / max(seen - 1, 1))
    error = np.sqrt(variance / seen * (1 - seen / total))
    supported = mean - Z * error >= needed
    highest: npt.NDArray[np.float32] = np.where(supported, levels, bound[:, None]).max(axis=1)
    return np.maximum(bound, highest)


def _candidates(kept: Kept, ranks: npt.NDArray[np.float64], bound: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Levels `(unit, rank)` just below the values of some ranks: what is equal to those is still kept."""
    levels = np.repeat(bound[:, None], len(ranks), axis=1)
    for unit in range(kept.count):
        values = kept.of(unit)
        places = len(values) - 1 - ranks.astype(np.int64)
        there = places >= 0
        if there.any():
            levels[unit, there] = np.nextafter(np.partition(values, places[there])[places[there]], np.float32(-np.inf))
    return levels


@compiled
def _count_levels(first: _I64, starts: _I64, values: _F32, levels: _F32, sums: _F64, squares: _F64) -> None:
    """Add up, over images, how many values are above each level, and the squares of these numbers."""
    above = np.zeros(levels.shape[1], dtype=np.int64)
    for unit in range(len(first) - 1):
        for pair in range(first[unit], first[unit + 1]):
            above[:] = 0
            for entry in range(starts[pair], starts[pair + 1]):
                for level in range(len(above)):
                    above[level] += values[entry] > levels[unit, level]
            for level in range(len(above)):
                sums[unit, level] += above[level]
                squares[unit, level] += above[level] ** 2
