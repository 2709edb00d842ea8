"""All statistics of one layer, collected in a pass over its maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.tally.histogram import Histograms
from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.kernels import BINS, SPARE, Found, Scratch, Tallies, bring_together, sweep
from dissectory.analysis.tally.moments import Moments
from dissectory.analysis.tally.peaks import TopImages
from dissectory.analysis.tally.threads import in_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.upsampling import Upsampler


_LINE = 16
"""Units that are adjacent in a cache line of the processor."""
_MOST_UNITS = 64
"""Most units that are tallied together."""
_MOST_COUNTED = 2**32 - 1
"""Most activations of a unit that 32-bit counts can hold."""
_TILE = 1 << 18
"""Activations that are converted to another layout together, so that they stay in the second-level cache."""


class LayerSweep:
    """Top images, histograms, moments and the strongest activations of the units of one layer, for some images.

    Upsampled activations above `bound` `(unit,)` are kept; without a bound, all are. `raise_bound` raises it between
    two batches. `moments` has one entry for each batch: added in the order of the batches, they are the same however
    the images are distributed. `lowest` `(unit,)` is a lower bound of all upsampled values. `nonfinite` `(unit,)` is
    the number of activations that are not finite; they are tallied as 0 and must be reported.
    """

    def __init__(
        self,
        upsampler: Upsampler,
        units: int,
        top_images: int,
        *,
        bound: npt.NDArray[np.float32] | None = None,
        threads: int = 1,
    ) -> None:
        self.upsampler = upsampler
        self.units = units
        self.threads = threads
        self.bound = np.full(units, -np.inf, dtype=np.float32) if bound is None else bound.astype(np.float32)
        self.top = TopImages(units, top_images)
        self.moments: tuple[Moments, ...] = ()
        self.nonfinite = np.zeros(units, dtype=np.int64)
        self._counts, self._counted = np.zeros((units, BINS + SPARE), dtype=np.uint32), 0
        self._counts_before = np.zeros((units, BINS), dtype=np.int64)
        self._lowest = np.full(units, np.inf, dtype=np.float32)
        step = min(_MOST_UNITS, -(-units // (4 * threads * _LINE)) * _LINE)
        self._blocks = [_Block(first, min(first + step, units)) for first in range(0, units, step)]

    @property
    def histograms(self) -> Histograms:
        """The histograms of all activations so far."""
        histograms = Histograms(self.units)
        histograms.counts = self._counts_before + self._counts[:, :BINS]
        return histograms

    @property
    def lowest(self) -> npt.NDArray[np.float32]:
        """A lower bound of all upsampled values `(unit,)`."""
        return self.upsampler.floor(self._lowest)

    @property
    def kept(self) -> Kept:
        """The kept activations of all images so far."""
        return Kept.stacked([block.kept for block in self._blocks], self.threads)

    @property
    def nbytes(self) -> int:
        """Size of the kept activations and of the counts so far, in bytes."""
        return self._counts.nbytes + sum(part.nbytes for block in self._blocks for part in block.parts)

    def observe(self, images: Sequence[int], maps: Tensor) -> None:
        """Add the maps `(batch, unit, height, width)` of some images, on any device and with any memory layout."""
        count = len(images) * self.upsampler.height * self.upsampler.width
        self._make_room(count)
        batch = _Batch.of(images, maps)
        sums = np.empty((self.units, 4))
        tallies = Tallies(
            self.top.peaks, self.top.images, self.top.cells, self._counts, sums, self._lowest, self.nonfinite
        )
        self._each(lambda block: self._sweep(block, batch, tallies))
        offset, total, squares, peak = sums.T
        self.moments += (Moments.about(count, offset, total, squares, peak.astype(np.float32)),)

    def raise_bound(self, find: Callable[[Kept, npt.NDArray[np.float32]], npt.NDArray[np.float32]]) -> None:
        """Raise bounds `(unit,)`, and drop the activations that are no longer above them.

        Args:
            find: called for each block of units with the activations kept so far and the current bounds; returns new
                bounds. The higher of old and new bounds apply.
        """

        def work(block: _Block) -> None:
            bound, kept = self.bound[block.first : block.last], Kept.joined(block.kept)
            np.maximum(bound, find(kept, bound), out=bound)
            block.parts = [kept.above(bound)]

        self._each(work)

    def _make_room(self, activations: int) -> None:
        """Move the histograms' counts to 64 bits before they overflow their 32 bits, which save memory traffic."""
        if self._counted + activations > _MOST_COUNTED:
            self._counts_before = self.histograms.counts
            self._counts[:], self._counted = 0, 0
        self._counted += activations

    def _each(self, work: Callable[[_Block], None]) -> None:
        """Call `work` for all blocks, in threads."""

        def some(first: int, last: int) -> None:
            for block in self._blocks[first:last]:
                work(block)

        in_blocks(some, len(self._blocks), self.threads)

    def _sweep(self, block: _Block, batch: _Batch, tallies: Tallies) -> None:
        """Tally the units of a block; their kept activations come in as many parts as memory was allocated for."""
        grid = self.upsampler.for_kernels
        for part, (images, maps, origin) in enumerate(batch.parts(block.first, block.last)):
            scratch, at = Scratch.of(grid, len(images)), block.first
            while at < block.last:
                found = Found.room(block.last - block.first, len(images), grid.size**2)
                at, pairs, entries = sweep(
                    maps, origin, images, at, block.last, grid, self.bound, tallies, part == 0, scratch, found,
                    block.first,
                )  # fmt: skip
                found.first[at - block.first + 1 :] = pairs
                block.parts.append(
                    Kept(
                        found.first, found.images[:pairs], found.starts[: pairs + 1],
                        found.values[:entries], found.positions[:entries],
                    )
                )  # fmt: skip


@dataclass(eq=False, slots=True)
class _Block:
    """Neighboring units that are processed together, `first` to `last` without `last`, and their kept activations."""

    first: int
    last: int
    parts: list[Kept] = field(default_factory=list)

    @property
    def kept(self) -> list[Kept]:
        """The parts, at least one."""
        return self.parts or [Kept.nothing(self.last - self.first)]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Images and their maps in memory order: `(batch, unit, cell)`, or with `units_last` `(batch, cell, unit)`."""

    images: npt.NDArray[np.int32]
    maps: npt.NDArray[np.float32]
    units_last: bool

    @classmethod
    def of(cls, images: Sequence[int], maps: Tensor) -> _Batch:
        """Copy maps `(batch, unit, height, width)` to the CPU; only other layouts than these two are rearranged."""
        numbers, near = np.asarray(images, dtype=np.int32), maps.detach().to("cpu", torch.float32)
        last = near.permute(0, 2, 3, 1)
        if last.is_contiguous() and not near.is_contiguous():
            return cls(numbers, last.flatten(1, 2).numpy(), units_last=True)
        return cls(numbers, near.contiguous().flatten(2).numpy(), units_last=False)

    def parts(self, first: int, last: int) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], int]]:
        """Yield images, their maps `(batch, unit, cell)`, and the number of the first unit there, part by part."""
        if not self.units_last:
            yield self.images, self.maps, 0
            return
        cells = self.maps.shape[1]
        size = max(1, _TILE // (cells * _LINE))
        maps = np.empty((size, last - first, cells), dtype=np.float32)
        for start in range(0, len(self.images), size):
            here = slice(start, start + size)
            bring_together(self.maps[here], first, last, maps)
            yield self.images[here], maps[: len(self.images[here])], first
