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

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.tally.upsampling import Upsampler

ENTRY_BYTES = 10
"""Memory of one kept value: float32 value, int32 image, uint16 position."""

SLACK = 1.5
"""A tail is compacted when it holds this many times what it must: less would sort more often, more costs memory."""

_MAPS_AT_ONCE = 1024
"""Maps upsampled in one go: their values stay in the processor's cache."""


def count_above(quantile: float, positions: int) -> int:
    """How many of `positions` values may exceed the threshold: floor(quantile * positions), in exact arithmetic.

    >>> count_above(0.01, 4_704_000)
    47040
    """
    return math.floor(Fraction(repr(quantile)) * positions)


def bold_guess(maps: npt.NDArray[np.float32], share: float, upsampler: Upsampler) -> npt.NDArray[np.float32]:
    """Guess a bound of every unit `(unit,)` for the tail of many images from the maps of a few.

    It is the activation that `share` of the maps' own cells exceed: near enough to the upsampled one, and much
    cheaper. A little lower than it, so that values which are equal to it are kept and can settle the matter; but not
    where it is the lowest value there is (0 after a ReLU): those are too many to keep, and settle without it.
    """
    values = maps.swapaxes(0, 1).reshape(maps.shape[1], -1)
    rank = max(values.shape[1] - 1 - count_above(share, values.shape[1]), 0)
    bound = np.partition(values, rank, axis=1)[:, rank]
    return np.where(bound > upsampler.floor(values.min(axis=1)), np.nextafter(bound, np.float32(-np.inf)), bound)


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

    `guess` `(unit,)` is a bound to begin with, such as a few images give: it saves most of the work. A guess can be
    too bold; `settled` tells, and what it says is exact.
    """

    def __init__(
        self, units: int, keep: int, upsampler: Upsampler, guess: npt.NDArray[np.float32] | None = None
    ) -> None:
        self.units = units
        self.keep = keep
        self.upsampler = upsampler
        self.bound = np.full(units, -np.inf, dtype=np.float32) if guess is None else guess.copy()
        self._proven = self.bound == -np.inf  # whether `keep` values that were seen are known to reach the bound
        self._lowest = np.full(units, np.inf, dtype=np.float32)
        self._chunks: list[Entries] = []

    def __len__(self) -> int:
        return sum(len(chunk) for chunk in self._chunks)

    def observe(self, images: Sequence[int], maps: npt.NDArray[np.float32], peaks: npt.NDArray[np.float32]) -> None:
        """Take in the maps `(batch, unit, height, width)` of some images and their `peaks` `(batch, unit)`."""
        np.minimum(self._lowest, self.upsampler.floor(maps.min(axis=(0, 2, 3))), out=self._lowest)
        # A map whose peak is not above the bound has nothing to give: it is never upsampled.
        unit, row = np.nonzero((self.upsampler.ceiling(peaks) > self.bound).T)
        if len(unit) == 0:
            return
        # Units one after the other: a bound that one part raises spares the next part of the same unit.
        starts = range(0, len(unit), _MAPS_AT_ONCE)
        found = [self._above(maps, unit[at : at + _MAPS_AT_ONCE], row[at : at + _MAPS_AT_ONCE]) for at in starts]
        units, rows, positions, values = (np.concatenate(part) for part in zip(*found, strict=True))
        offsets = np.zeros(self.units + 1, dtype=np.int64)
        np.cumsum(np.bincount(units, minlength=self.units), out=offsets[1:])
        numbers = np.asarray(images, dtype=np.int32)[rows]
        self._chunks.append(Entries(offsets, values, numbers, positions))
        if len(self) > SLACK * self.keep * self.units:
            self.compact()

    def _above(
        self, maps: npt.NDArray[np.float32], unit: npt.NDArray[np.intp], row: npt.NDArray[np.intp]
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.uint16], npt.NDArray[np.float32]]:
        """Find values above the bound: their unit, row of the batch, position and value."""
        found = self.upsampler.above(maps[row, unit], self.bound[unit])
        units, rows = unit[found.maps], row[found.maps]
        self._raise(units, found.values)
        above = found.values > self.bound[units]
        return units[above], rows[above], found.positions[above].astype(np.uint16), found.values[above]

    def _raise(self, units: npt.NDArray[np.intp], values: npt.NDArray[np.float32]) -> None:
        """Raise the bounds of units (ascending) that bring more values at once than can matter.

        Before there is a bound everything is above it: without this, the first batches would be kept whole.
        """
        for unit in np.flatnonzero(np.bincount(units, minlength=self.units) > self.keep):
            mine = values[slice(*np.searchsorted(units, [unit, unit + 1]))]
            self._reach(int(unit), mine)

    def _reach(self, unit: int, values: npt.NDArray[np.float32]) -> None:
        """Raise the bound of a unit to the `keep`-th largest of some values, if it is lower."""
        largest = np.partition(values, len(values) - self.keep)[len(values) - self.keep]
        if largest >= self.bound[unit]:
            self.bound[unit], self._proven[unit] = largest, True

    def compact(self) -> None:
        """Raise every bound as far as what was seen allows, and drop what is not above it."""
        parts = []
        for unit in range(self.units):
            values, images, positions = self._joined(unit)
            if len(values) >= self.keep:
                self._reach(unit, values)
            above = values > self.bound[unit]
            parts.append((values[above], images[above], positions[above]))
        offsets = np.zeros(self.units + 1, dtype=np.int64)
        np.cumsum([len(values) for values, _, _ in parts], out=offsets[1:])
        values, images, positions = (np.concatenate(part) for part in zip(*parts, strict=True))
        self._chunks = [Entries(offsets, values, images, positions)]

    def _joined(self, unit: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32], npt.NDArray[np.uint16]]:
        """Gather what is kept of a unit: values, images, positions. What a raised bound has overtaken is left out."""
        where = [(chunk, chunk.unit(unit)) for chunk in self._chunks]
        if not where:
            return np.empty(0, np.float32), np.empty(0, np.int32), np.empty(0, np.uint16)
        values = np.concatenate([chunk.values[at] for chunk, at in where])
        above = values > self.bound[unit]
        images = np.concatenate([chunk.images[at] for chunk, at in where])
        positions = np.concatenate([chunk.positions[at] for chunk, at in where])
        return values[above], images[above], positions[above]

    def __add__(self, other: Tail) -> Tail:
        """Add the tail of other images of the same study."""
        if (self.units, self.keep, self.upsampler) != (other.units, other.keep, other.upsampler):
            raise ValueError("tails add only when units, keep and grid are the same")
        total = Tail(self.units, self.keep, self.upsampler)
        total.bound = np.maximum(self.bound, other.bound)
        total._proven = (self._proven & (self.bound == total.bound)) | (other._proven & (other.bound == total.bound))
        total._lowest = np.minimum(self._lowest, other._lowest)
        total._chunks = [*self._chunks, *other._chunks]
        total.compact()
        return total

    def settled(self, above: int) -> bool:
        """Whether `threshold` finds every unit's value of rank `above`; if not, a guess was too bold."""
        kept = np.sum([np.diff(chunk.offsets) for chunk in self._chunks], axis=0, initial=0)
        # Where no value lies below the bound, as for a unit that is mostly zero, all others are equal to it.
        return bool(np.all((kept > above) | self._proven | (self._lowest >= self.bound)))

    def threshold(self, unit: int, above: int) -> float:
        """Find the value of rank `above` (0 is the largest) among all that were seen; `above` is below `keep`.

        At most `above` values are greater, and with any lower threshold more than `above` would be. Asked only of a
        tail that is `settled`.
        """
        if above >= self.keep:
            raise ValueError(f"rank {above} asked of a tail that keeps {self.keep}")
        values, _, _ = self._joined(unit)
        if len(values) <= above:  # the rest is equal to the bound
            return float(self.bound[unit])
        return float(np.partition(values, len(values) - 1 - above)[len(values) - 1 - above])

    def active(self, unit: int, threshold: float) -> Active:
        """Find where a unit exceeds a threshold that is not below its bound; images ascending."""
        values, images, positions = self._joined(unit)
        above = values > np.float32(threshold)
        images, positions = images[above], positions[above]
        order = np.lexsort((positions, images))
        return Active(images[order], positions[order])
