"""Histograms of every unit's activations, exact and mergeable, without knowing the range beforehand.

The bits of a float are its bin: sign, exponent and the first five bits of the mantissa. So bins are at most 3 % wide
relative to their value, the same for all units and all shards, and counting them is one `bincount`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dissectory.analysis.tally.kernels import BINS, LOWEST, MANTISSA_BITS, SHIFT, SIDE

_CODES = 256 << MANTISSA_BITS
"""Exponents and mantissas of one sign."""
_UPPER = int(sys.byteorder == "little")


def bin_edges() -> npt.NDArray[np.float64]:
    """The `BINS + 1` edges, ascending; bin k holds low <= value < high (mirrored below zero)."""
    codes = (np.arange(SIDE + 1) + LOWEST).astype(np.int32) << SHIFT
    positive = codes.view(np.float32).astype(np.float64)
    positive[0] = 0.0
    return np.concatenate([-positive[:0:-1], positive])


def _side(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Join what is too small to the first bin, and what is too large to the last."""
    side = codes[LOWEST : LOWEST + SIDE].copy()
    side[0] += codes[:LOWEST].sum()
    side[-1] += codes[LOWEST + SIDE :].sum()
    return side


@dataclass(frozen=True, slots=True)
class Bins:
    """A unit's histogram for people: edges `(bins + 1,)` and counts `(bins,)`."""

    edges: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]


class Histograms:
    """Counts `(unit, BINS)` of activations over the layer's own map."""

    def __init__(self, units: int) -> None:
        self.counts = np.zeros((units, BINS), dtype=np.int64)

    def observe(self, maps: npt.NDArray[np.float32]) -> None:
        """Take in finite maps `(batch, unit, height, width)`."""
        # The upper two bytes of a float32 hold all bits that matter: half the memory to go through.
        upper = np.ascontiguousarray(maps).view(np.uint16)[..., _UPPER::2]
        for unit, counts in enumerate(self.counts):
            codes = np.bincount((upper[:, unit] >> (SHIFT - 16)).ravel(), minlength=2 * _CODES)
            counts[SIDE:] += _side(codes[:_CODES])
            below = _side(codes[_CODES:])
            counts[SIDE] += below[0]  # minus zero and its like belong to zero
            counts[: SIDE - 1] += below[:0:-1]

    def __add__(self, other: Histograms) -> Histograms:
        """Add the histograms of other activations."""
        total = Histograms(len(self.counts))
        total.counts = self.counts + other.counts
        return total

    def bins(self, unit: int, wanted: int = 60) -> Bins:
        """Join a unit's fine bins to about `wanted` bins of nearly equal width; no count is split."""
        counts, edges = self.counts[unit], bin_edges()
        filled = np.flatnonzero(counts)
        if len(filled) == 0:
            return Bins(np.zeros(1), np.zeros(0, dtype=np.int64))
        first, last = filled[0], filled[-1] + 1
        targets = np.linspace(edges[first], edges[last], wanted + 1)
        cuts = np.unique(np.abs(edges[first : last + 1, None] - targets).argmin(axis=0)) + first
        return Bins(edges[cuts], np.add.reduceat(counts, cuts[:-1]))
