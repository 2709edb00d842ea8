"""The strongest activations of every unit, exactly: what thresholds and overlaps are made of.

Only the top quantile of a unit's upsampled activations can lie above its threshold. So one pass over the images
keeps, for every unit, the values that can still belong to them, with the place where they stood. In the end the
threshold is an order statistic of what was kept (its rank error is zero), and the active positions are at hand
without a second pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.upsampling import Upsampler

ENTRY_BYTES = 10
"""Memory of one kept value: float32 value, int32 image, uint16 position."""

SLACK = 1.5
"""A tail is compacted when it holds this many times what it must: less would sort more often, more costs memory."""

_MAPS_AT_ONCE = 256
"""Maps upsampled in one go: their values stay in the processor's cache."""


def count_above(quantile: float, positions: int) -> int:
    """How many of `positions` values may exceed the threshold: floor(quantile * positions), in exact arithmetic.

    >>> count_above(0.01, 4_704_000)
    47040
    """
    return math.floor(Fraction(repr(quantile)) * positions)


@dataclass(frozen=True, slots=True)
class Entries:
    """Kept values, grouped by unit: those of unit u are `offsets[u]:offsets[u + 1]`, images ascending."""

    offsets: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    images: npt.NDArray[np.int32]
    positions: npt.NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.values)

    def unit(self, unit: int) -> slice:
        """Where a unit's entries stand."""
        return slice(int(self.offsets[unit]), int(self.offsets[unit + 1]))


@dataclass(frozen=True, slots=True)
class Active:
    """Positions at which one unit is above its threshold: image numbers and positions in the grid, row by row."""

    images: npt.NDArray[np.int32]
    positions: npt.NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.images)


class Tail:
    """The `keep` largest upsampled activations of every unit of a layer.

    The state is a bound for every unit and all values seen above it. The bound is the `keep`-th largest value seen so
    far (minus infinity before there are so many), hence never above the `keep`-th largest of all.
    """

    def __init__(self, units: int, keep: int, upsampler: Upsampler) -> None:
        self.units = units
        self.keep = keep
        self.upsampler = upsampler
        self.bound = np.full(units, -np.inf, dtype=np.float32)
        self._chunks: list[Entries] = []

    def __len__(self) -> int:
        return sum(len(chunk) for chunk in self._chunks)

    def observe(self, images: Sequence[int], maps: Tensor, peaks: Tensor) -> None:
        """Take in the maps `(batch, unit, height, width)` of some images and their `peaks` `(batch, unit)`."""
        bound = torch.from_numpy(self.bound).to(maps.device)
        # A map whose peak is not above the bound has nothing to give: it is never upsampled.
        promising = self.upsampler.ceiling(peaks) > bound
        unit, row = promising.T.nonzero(as_tuple=True)
        if len(unit) == 0:
            return
        parts = zip(unit.split(_MAPS_AT_ONCE), row.split(_MAPS_AT_ONCE), strict=True)
        found = [self._above(maps, units, rows, bound) for units, rows in parts]
        units, rows, positions, values = (np.concatenate(part) for part in zip(*found, strict=True))
        offsets = np.zeros(self.units + 1, dtype=np.int64)
        np.cumsum(np.bincount(units, minlength=self.units), out=offsets[1:])
        numbers = np.asarray(images, dtype=np.int32)[rows]
        self._chunks.append(Entries(offsets, values, numbers, positions))
        if len(self) > SLACK * self.keep * self.units:
            self.compact()

    def _above(self, maps: Tensor, unit: Tensor, row: Tensor, bound: Tensor) -> tuple[npt.NDArray[np.generic], ...]:
        """Find values above the bound: their unit, row of the batch, position and value."""
        up = self.upsampler(maps[row, unit])
        pair, position = (up > bound[unit, None]).nonzero(as_tuple=True)
        return (
            unit[pair].cpu().numpy(),
            row[pair].cpu().numpy(),
            position.cpu().numpy().astype(np.uint16),
            up[pair, position].cpu().numpy(),
        )

    def compact(self) -> None:
        """Raise every bound as far as what was seen allows, and drop what is not above it."""
        parts = []
        for unit in range(self.units):
            values, images, positions = self._joined(unit)
            if len(values) >= self.keep:
                self.bound[unit] = np.partition(values, len(values) - self.keep)[len(values) - self.keep]
            above = values > self.bound[unit]
            parts.append((values[above], images[above], positions[above]))
        offsets = np.zeros(self.units + 1, dtype=np.int64)
        np.cumsum([len(values) for values, _, _ in parts], out=offsets[1:])
        values, images, positions = (np.concatenate(part) for part in zip(*parts, strict=True))
        self._chunks = [Entries(offsets, values, images, positions)]

    def _joined(
        self, unit: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32], npt.NDArray[np.uint16]]:
        where = [(chunk, chunk.unit(unit)) for chunk in self._chunks]
        if not where:
            return np.empty(0, np.float32), np.empty(0, np.int32), np.empty(0, np.uint16)
        return (
            np.concatenate([chunk.values[at] for chunk, at in where]),
            np.concatenate([chunk.images[at] for chunk, at in where]),
            np.concatenate([chunk.positions[at] for chunk, at in where]),
        )

    def __add__(self, other: Tail) -> Tail:
        """Add the tail of other images of the same study."""
        if (self.units, self.keep, self.upsampler) != (other.units, other.keep, other.upsampler):
            raise ValueError("tails add only when units, keep and grid are the same")
        total = Tail(self.units, self.keep, self.upsampler)
        total.bound = np.maximum(self.bound, other.bound)
        total._chunks = [*self._chunks, *other._chunks]
        total.compact()
        return total

    def threshold(self, unit: int, above: int) -> np.float32:
        """Find the value of rank `above` (0 is the largest) among all that were seen; `above` is below `keep`.

        At most `above` values are greater, and with any lower threshold more than `above` would be.
        """
        if above >= self.keep:
            raise ValueError(f"rank {above} asked of a tail that keeps {self.keep}")
        values, _, _ = self._joined(unit)
        if len(values) <= above:  # the rest is equal to the bound
            return self.bound[unit]
        return np.partition(values, len(values) - 1 - above)[len(values) - 1 - above]

    def active(self, unit: int, threshold: np.float32) -> Active:
        """Find where a unit exceeds a threshold that is not below its bound; images ascending."""
        values, images, positions = self._joined(unit)
        above = values > threshold
        images, positions = images[above], positions[above]
        order = np.lexsort((positions, images))
        return Active(images[order], positions[order])
