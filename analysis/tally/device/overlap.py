"""The counts of `tally.overlap` in torch operations on a device; the numbers are the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dissectory.analysis.tally.device.memory import divided, to_device, to_host
from dissectory.analysis.tally.device.products import Pieces, counted, mask_type
from dissectory.analysis.tally.overlap import check_labels, check_positions, check_rows, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.kept import Kept

    _F32 = npt.NDArray[np.float32]
    _I32 = npt.NDArray[np.int32]
    _I64 = npt.NDArray[np.int64]
    _U16 = npt.NDArray[np.uint16]

_ENTRY_BYTES = 96
"""Bytes of temporary tensors for each kept activation."""


@dataclass(frozen=True, slots=True)
class DeviceCounts:
    """Counts of active positions and concepts on `device`, where temporary tensors use about `memory` bytes.

    `masks` is the type of the masks that are multiplied; `None` for the fastest one.
    """

    device: torch.device
    memory: int
    masks: torch.dtype | None = None

    def count(self, kept: Kept, thresholds: _F32, labels: _U16, row_of: _I32, concepts: int) -> tuple[_I64, _I64]:
        """Count as `overlap.count` does; no two images have the same row."""
        check_labels(labels, concepts)
        check_rows(kept, labels, row_of)
        pieces, maps = self._pieces(labels), to_device(labels, self.device)
        needed = pieces.unit_bytes(concepts)

        def work(first: int, last: int) -> tuple[Tensor, Tensor]:
            active = _Active.of(kept.units(first, last), thresholds[first:last], row_of, self.device)
            size = self.memory // (2 * pieces.row_bytes(last - first, concepts))

            def some(begin: int, end: int) -> Tensor:
                masks = active.masks(pieces, begin, end)
                return counted(masks, pieces.concept_masks(maps[begin:end], concepts))

            total = torch.zeros(last - first, concepts + 1, dtype=torch.int64, device=self.device)
            for met in divided(some, len(labels), size):
                total += met
            return total, active.per_unit

        met, active = self._by_units(kept, work, needed)
        return met[:, 1:], active

    def count_paired(
        self, kept: Kept, images: _I32, labels: _U16, moves: Sequence[int], concepts: int
    ) -> tuple[_I64, _I64]:
        """Count as `overlap.count_paired` does."""
        check_labels(labels, concepts)
        check_positions(kept, labels.shape[1])
        pieces, maps, row_of = self._pieces(labels), to_device(labels, self.device), rows_of(kept, images)
        everything = np.full(kept.count, -np.inf, dtype=np.float32)
        needed = pieces.unit_bytes(concepts) + 16 * len(moves) * (concepts + 1)

        def work(first: int, last: int) -> tuple[Tensor, Tensor]:
            active = _Active.of(kept.units(first, last), everything[first:last], row_of, self.device)
            size = self.memory // (2 * pieces.row_bytes(last - first, concepts))
            total = torch.zeros(last - first, len(moves), concepts + 1, dtype=torch.int64, device=self.device)

            def some(begin: int, end: int) -> Tensor:
                masks = active.masks(pieces, begin, end)
                rows = torch.arange(begin, end, device=self.device)
                found = torch.zeros_like(total)
                for number, move in enumerate(moves):
                    moved = maps[(rows + move) % len(maps)]
                    found[:, number] = counted(masks, pieces.concept_masks(moved, concepts))
                return found

            for met in divided(some, len(labels), size):
                total += met
            return total, active.per_unit

        met, active = self._by_units(kept, work, needed)
        return np.ascontiguousarray(met[:, :, 1:].swapaxes(0, 1)), active

    def count_by_image(
        self, kept: Kept, thresholds: _F32, concept: npt.NDArray[np.integer[Any]], labels: _U16, row_of: _I32
    ) -> tuple[_I32, _I32]:
        """Count as `overlap.count_by_image` does."""
        check_rows(kept, labels, row_of)
        maps, wanted = to_device(labels, self.device), to_device(np.asarray(concept, dtype=np.int64) + 1, self.device)

        def work(first: int, last: int) -> tuple[Tensor, Tensor]:
            active = _Active.of(kept.units(first, last), thresholds[first:last], row_of, self.device)
            mine = wanted[first:last][active.units]
            carries = (maps[active.rows, active.positions] == mine[:, None]).any(dim=1) & (mine > 0)
            return active.per_row(carries, len(labels)), active.per_row(torch.ones_like(carries), len(labels))

        met, active = self._by_units(kept, work, 16 * len(labels))
        return met.T.astype(np.int32), active.T.astype(np.int32)

    def _pieces(self, labels: _U16) -> Pieces:
        return Pieces(labels.shape[1], self.masks or mask_type(self.device))

    def _by_units(
        self, kept: Kept, work: Callable[[int, int], tuple[Tensor, Tensor]], needed: int
    ) -> tuple[_I64, _I64]:
        """Join two counts over ranges of units; each unit needs `needed` bytes and some for its entries."""
        found: list[tuple[_I64, _I64]] = []
        for start, end in _ranges(kept, needed, self.memory // 2):

            def some(first: int, last: int, start: int = start) -> tuple[_I64, _I64]:
                met, active = to_host(*work(start + first, start + last))
                return met, active

            found += divided(some, end - start, end - start)
        met, active = zip(*found, strict=True)
        return np.concatenate(met), np.concatenate(active)


def _ranges(kept: Kept, needed: int, memory: int) -> Iterator[tuple[int, int]]:
    """Divide units into ranges `(first, last)` without `last` that need at most `memory` bytes, or are one unit."""
    reached = np.concatenate([[0], (kept.sizes * _ENTRY_BYTES + needed).cumsum()])
    first = 0
    while first < kept.count:
        last = max(first + 1, int(np.searchsorted(reached, reached[first] + memory, side="right")) - 1)
        yield first, last
        first = last


@dataclass(frozen=True, slots=True)
class _Active:
    """Active positions of `count` units on a device: their `units`, `rows` of label maps and `positions` `(entry,)`."""

    count: int
    units: Tensor
    rows: Tensor
    positions: Tensor

    @classmethod
    def of(cls, kept: Kept, thresholds: _F32, row_of: _I32, device: torch.device) -> _Active:
        """Copy kept activations to a device, and keep those above their threshold in images with a row."""
        rows_of_pairs = to_device(np.append(row_of, np.int32(-1))[kept.images].astype(np.int64), device)
        sizes, per_unit = to_device(np.diff(kept.starts), device), to_device(np.diff(kept.first), device)
        pairs = torch.arange(len(rows_of_pairs), device=device).repeat_interleave(sizes, output_size=len(kept))
        of_pairs = torch.arange(kept.count, device=device).repeat_interleave(per_unit, output_size=len(rows_of_pairs))
        units, rows = of_pairs[pairs], rows_of_pairs[pairs]
        levels = to_device(thresholds, device)[units]
        chosen = ((to_device(kept.values, device) > levels) & (rows >= 0)).nonzero().squeeze(1)
        positions = to_device(kept.positions, device)[chosen].long()
        return cls(kept.count, units[chosen], rows[chosen], positions)

    @property
    def per_unit(self) -> Tensor:
        """The number of active positions `(unit,)`."""
        counts = torch.zeros(self.count, dtype=torch.int64, device=self.units.device)
        return counts.index_add_(0, self.units, torch.ones_like(self.units))

    def per_row(self, counted: Tensor, rows: int) -> Tensor:
        """Count the entries for which `counted` `(entry,)` is true `(unit, row)`."""
        counts = torch.zeros(self.count * rows, dtype=torch.int64, device=self.units.device)
        return counts.index_add_(0, self.units * rows + self.rows, counted.long()).view(self.count, rows)

    def masks(self, pieces: Pieces, begin: int, end: int) -> Tensor:
        """Mark the active positions of the rows `begin` to `end - 1`; see `Pieces.unit_masks`."""
        here = ((self.rows >= begin) & (self.rows < end)).nonzero().squeeze(1)
        rows = self.rows[here] - begin
        return pieces.unit_masks(rows, self.units[here], self.positions[here], (end - begin, self.count))
