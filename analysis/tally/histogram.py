"""Histograms of every unit's activations: exact, mergeable, and without a range that must be known in advance.

The bits of a float are its bin: sign, exponent and the first five bits of the mantissa. So a bin is at most 3 % wide
relative to its value. The bins are the same for all units and all shards, and finding a value's bin needs no search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dissectory.analysis.tally.kernels import BINS, LOWEST, SHIFT, SIDE


def bin_edges() -> npt.NDArray[np.float64]:
    """Return the `BINS + 1` edges, ascending; bin k contains low <= value < high (mirrored below zero)."""
    codes = (np.arange(SIDE + 1) + LOWEST).astype(np.int32) << SHIFT
    positive = codes.view(np.float32).astype(np.float64)
    positive[0] = 0.0
    return np.concatenate([-positive[:0:-1], positive])


@dataclass(frozen=True, slots=True)
class Bins:
    """A unit's histogram for display: edges `(bins + 1,)` and counts `(bins,)`."""

    edges: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]


class Histograms:
    """Counts `(unit, BINS)` of activations over the layer's own map."""

    def __init__(self, units: int) -> None:
        self.counts = np.zeros((units, BINS), dtype=np.int64)

    def bins(self, unit: int, wanted: int = 60) -> Bins:
        """Merge a unit's fine bins into about `wanted` bins of nearly equal width; no fine bin is split."""
        counts, edges = self.counts[unit], bin_edges()
        filled = np.flatnonzero(counts)
        if len(filled) == 0:
            return Bins(np.zeros(1), np.zeros(0, dtype=np.int64))
        first, last = filled[0], filled[-1] + 1
        targets = np.linspace(edges[first], edges[last], wanted + 1)
        cuts = np.unique(np.abs(edges[first : last + 1, None] - targets).argmin(axis=0)) + first
        return Bins(edges[cuts], np.add.reduceat(counts, cuts[:-1]))
