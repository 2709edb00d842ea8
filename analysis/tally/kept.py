"""The strongest activations of every unit and their positions, from which thresholds and overlaps are computed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dissectory.analysis.tally.compiling import compiled, constant
from dissectory.analysis.tally.threads import in_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    _F32 = npt.NDArray[np.float32]
    _I32 = npt.NDArray[np.int32]
    _I64 = npt.NDArray[np.int64]
    _U16 = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Kept:
    """Upsampled activations that may be above the thresholds, ordered by unit, then by image. The arrays are read-only.

    The pairs (unit, image) of unit u are `first[u]:first[u + 1]`. Their image numbers `images` `(pair,)` are in the
    order of the pass, each at most once per unit. The entries of pair p are `starts[p]:starts[p + 1]`: `values` and
    `positions` `(entry,)`, numbered row by row in the grid, ascending.
    """

    first: npt.NDArray[np.int64]
    images: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    positions: npt.NDArray[np.uint16]

    def __post_init__(self) -> None:
        """Convert every array to the one form for which the kernels are compiled."""
        for field, dtype in zip(fields(self), _DTYPES, strict=True):
            object.__setattr__(self, field.name, constant(getattr(self, field.name), dtype))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def count(self) -> int:
        """The number of units."""
        return len(self.first) - 1

    @property
    def nbytes(self) -> int:
        """The size of all arrays, in bytes."""
        return sum(getattr(self, field.name).nbytes for field in fields(self))

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """The number of entries of each unit `(unit,)`."""
        return np.diff(self.starts[self.first])

    @classmethod
    def nothing(cls, units: int) -> Kept:
        """Return an object without any entries."""
        return cls(
            np.zeros(units + 1, np.int64),
            np.empty(0, np.int32),
            np.zeros(1, np.int64),
            np.empty(0, np.float32),
            np.empty(0, np.uint16),
        )

    def units(self, first: int, last: int) -> Kept:
        """Return the neighboring units `first` to `last`, without `last`; entries are not copied."""
        pairs = slice(self.first[first], self.first[last])
        starts = self.starts[pairs.start : pairs.stop + 1]
        entries = slice(starts[0], starts[-1])
        return Kept(
            self.first[first : last + 1] - pairs.start,
            self.images[pairs],
            starts - entries.start,
            self.values[entries],
            self.positions[entries],
        )

    def of(self, unit: int) -> npt.NDArray[np.float32]:
        """Return all values of one unit."""
        pairs = self.first[unit : unit + 2]
        return self.values[slice(*self.starts[pairs])]

    def above(self, bounds: npt.NDArray[np.float32], places: npt.NDArray[np.int32] | None = None) -> Kept:
        """Keep only entries above their unit's bound `(unit,)`, and only pairs that still have entries.

        With `places` `(position,)`, ascending, positions are renumbered; positions with -1 are dropped.
        """
        places = np.arange(1 << 16, dtype=np.int32) if places is None else places
        if self.positions.max(initial=0) >= len(places):
            raise ValueError(f"position {self.positions.max()} is outside the grid of {len(places)} positions")
        first, images, starts = np.zeros_like(self.first), np.empty_like(self.images), np.zeros_like(self.starts)
        values, positions = np.empty_like(self.values), np.empty_like(self.positions)
        pairs, entries = _above(
            self.first, self.images, self.starts, self.values, self.positions, constant(bounds, np.float32),
            constant(places, np.int32), first, images, starts, values, positions,
        )  # fmt: skip
        return Kept(first, images[:pairs], starts[: pairs + 1], values[:entries], positions[:entries])

    @staticmethod
    def joined(parts: Sequence[Kept]) -> Kept:
        """Join the entries of the same units in different images; `parts` are in the order of the pass."""
        return parts[0] if len(parts) == 1 else Kept.stacked([parts])

    @staticmethod
    def stacked(blocks: Sequence[Sequence[Kept]], threads: int = 1) -> Kept:
        """Join the parts of each block of units, then concatenate the blocks."""
        first = _stacked([[part.first for part in parts] for parts in blocks])
        begin = _stacked([[part.starts[part.first] for part in parts] for parts in blocks])
        images, starts = np.empty(first[-1], dtype=np.int32), np.full(first[-1] + 1, begin[-1])
        values, positions = np.empty(begin[-1], dtype=np.float32), np.empty(begin[-1], dtype=np.uint16)
        units = np.cumsum([0, *(parts[0].count for parts in blocks)])

        def place(block: int, last: int) -> None:
            for number in range(block, last):
                here = slice(units[number], units[number + 1])
                pair, entry = first[here].copy(), begin[here].copy()
                for part in blocks[number]:
                    _place(
                        part.first, part.images, part.starts, part.values, part.positions,
                        pair, entry, images, starts, values, positions,
                    )  # fmt: skip

        in_blocks(place, len(blocks), threads)
        return Kept(first, images, starts, values, positions)


def _stacked(blocks: Sequence[Sequence[npt.NDArray[np.int64]]]) -> npt.NDArray[np.int64]:
    """Merge the ends of the units, counted from 0 in each part of each block, to ends over all units and parts."""
    sizes = [np.sum([np.diff(ends) for ends in parts], axis=0, dtype=np.int64) for parts in blocks]
    return np.cumsum(np.concatenate([np.zeros(1, dtype=np.int64), *sizes]))


_DTYPES = (np.int64, np.int32, np.int64, np.float32, np.uint16)


@compiled
def _above(
    first: _I64, images: _I32, starts: _I64, values: _F32, positions: _U16, bounds: _F32, places: _I32,
    new_first: _I64, new_images: _I32, new_starts: _I64, new_values: _F32, new_positions: _U16,
) -> tuple[int, int]:  # fmt: skip
    """Write the entries that `above` keeps, and their pairs; return the numbers of both."""
    pairs = entries = 0
    for unit in range(len(first) - 1):
        for pair in range(first[unit], first[unit + 1]):
            for entry in range(starts[pair], starts[pair + 1]):
                place = places[positions[entry]]
                new_values[entries], new_positions[entries] = values[entry], place
                entries += int((values[entry] > bounds[unit]) & (place >= 0))
            if entries > new_starts[pairs]:
                new_images[pairs] = images[pair]
                pairs += 1
                new_starts[pairs] = entries
        new_first[unit + 1] = pairs
    return pairs, entries


@compiled
def _place(
    first: _I64, images: _I32, starts: _I64, values: _F32, positions: _U16,
    next_pair: _I64, next_entry: _I64, all_images: _I32, all_starts: _I64, all_values: _F32, all_positions: _U16,
) -> None:  # fmt: skip
    """Copy one part's pairs and entries to the next free places of each unit."""
    for unit in range(len(first) - 1):
        begin, end = starts[first[unit]], starts[first[unit + 1]]
        pair, entry = next_pair[unit], next_entry[unit]
        for old in range(first[unit], first[unit + 1]):
            all_images[pair] = images[old]
            all_starts[pair] = starts[old] - begin + entry
            pair += 1
        old_values, old_positions = values[begin:end], positions[begin:end]
        new_values, new_positions = all_values[entry : entry + end - begin], all_positions[entry : entry + end - begin]
        for place in range(end - begin):
            new_values[place], new_positions[place] = old_values[place], old_positions[place]
        next_pair[unit], next_entry[unit] = pair, entry + end - begin
