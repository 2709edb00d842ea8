"""Histograms of every unit's activations, exact and mergeable, without knowing the range beforehand.

The bits of a float are its bin: sign, exponent and the first five bits of the mantissa. So bins are at most 3 % wide
relative to their value, the same for all units and all shards, and counting them is one `bincount`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_MANTISSA_BITS = 5
_SHIFT = 23 - _MANTISSA_BITS
_LOWEST = (127 - 30) << _MANTISSA_BITS
"""Magnitudes below 2^-30 count as zero."""
_SIDE = 64 << _MANTISSA_BITS
"""Bins on each side of zero: 64 octaves, up to 2^34; what is larger counts into the last."""
BINS = 2 * _SIDE


def bin_edges() -> npt.NDArray[np.float64]:
    """The `BINS + 1` edges, ascending; bin k holds low <= value < high (mirrored below zero)."""
    codes = (np.arange(_SIDE + 1) + _LOWEST).astype(np.int32) << _SHIFT
    positive = codes.view(np.float32).astype(np.float64)
    positive[0] = 0.0
    return np.concatenate([-positive[:0:-1], positive])


@dataclass(frozen=True, slots=True)
class Bins:
    """A unit's histogram for people: edges `(bins + 1,)` and counts `(bins,)`."""

    edges: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]


class Histograms:
    """Counts `(unit, BINS)` of activations over the layer's own map."""

    def __init__(self, units: int) -> None:
        self.counts = np.zeros((units, BINS), dtype=np.int64)

    def observe(self, maps: Tensor) -> None:
        """Take in finite maps `(batch, unit, height, width)`."""
        units = maps.shape[1]
        bits = maps.float().contiguous().view(torch.int32)
        magnitude = ((bits & 0x7FFFFFFF) >> _SHIFT).sub_(_LOWEST).clamp_(0, _SIDE - 1)
        # Below zero the order of the bits is mirrored: -1 - magnitude. Minus zero and its like belong to zero.
        code = torch.where((bits < 0) & (magnitude > 0), _SIDE - 1 - magnitude, _SIDE + magnitude)
        code += torch.arange(units, dtype=torch.int32, device=maps.device).mul_(BINS)[:, None, None]
        self.counts += torch.bincount(code.flatten(), minlength=units * BINS).view(units, BINS).cpu().numpy()

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
