"""Everything that is tallied of one layer as its maps go by."""

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
"""Units that stand side by side in a processor's cache line."""
_MOST_UNITS = 64
"""Units that are tallied in one go."""
_MOST_COUNTED = 2**32 - 1
"""Activations of a unit that are counted in 32 bits."""
_TILE = 1 << 18
"""Activations that are brought from one layout to another in one go: they stay in the processor's second cache."""


class LayerSweep:
    """Top images, histograms, moments and the strongest activations of the units of one layer, of some images.

    `bound` `(unit,)` is what an upsampled activation must exceed to be kept; without one, all are kept. It can be
    raised between two batches: see `raise_bound`. `moments` are those of each batch: added in the order of the visit
    they are the same, however the images are shared out. `lowest` `(unit,)` is a lower bound of every upsampled
    value. `nonfinite` `(unit,)` counts activations that are not finite; they are tallied as 0 and must be reported.
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
        """What no upsampled value is below `(unit,)`."""
        return self.upsampler.floor(self._lowest)

    @property
    def kept(self) -> Kept:
        """What was kept of all images so far."""
        return Kept.stacked([block.kept for block in self._blocks], self.threads)

    @property
    def nbytes(self) -> int:
        """Bytes of what was kept and counted so far."""
        return self._counts.nbytes + sum(part.nbytes for block in self._blocks for part in block.parts)

    def observe(self, images: Sequence[int], maps: Tensor) -> None:
        """Take in the maps `(batch, unit, height, width)` of some images, on any device and of any layout."""
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
        """Raise bounds `(unit,)`, and let go of what is not above them.

        Args:
            find: is called for blocks of units, each with what was kept of all images so far and with its bounds, and
                gives new ones; the higher ones hold.
        """

        def work(block: _Block) -> None:
            bound, kept = self.bound[block.first : block.last], Kept.joined(block.kept)
            np.maximum(bound, find(kept, bound), out=bound)
            block.parts = [kept.above(bound)]

        self._each(work)

    def _make_room(self, activations: int) -> None:
        """Put the counts of histograms away before they grow too large for their type, which is chosen to be small."""
        if self._counted + activations > _MOST_COUNTED:
            self._counts_before = self.histograms.counts
            self._counts[:], self._counted = 0, 0
        self._counted += activations

    def _each(self, work: Callable[[_Block], None]) -> None:
        """Do something with all blocks, in threads."""

        def some(first: int, last: int) -> None:
            for block in self._blocks[first:last]:
                work(block)

        in_blocks(some, len(self._blocks), self.threads)

    def _sweep(self, block: _Block, batch: _Batch, tallies: Tallies) -> None:
        """Tally the units of a block; what is kept of them comes in as many parts as room was made for."""
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
    """Neighboring units that are worked on together, `first` to `last` without the last, and what is kept of them."""

    first: int
    last: int
    parts: list[Kept] = field(default_factory=list)

    @property
    def kept(self) -> list[Kept]:
        """The parts, one at least."""
        return self.parts or [Kept.nothing(self.last - self.first)]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Images and their maps as memory holds them: `(batch, unit, cell)`, or with `units_last` `(batch, cell, unit)`."""

    images: npt.NDArray[np.int32]
    maps: npt.NDArray[np.float32]
    units_last: bool

    @classmethod
    def of(cls, images: Sequence[int], maps: Tensor) -> _Batch:
        """Bring maps `(batch, unit, height, width)` to this processor, changing their order only if it is another."""
        numbers, near = np.asarray(images, dtype=np.int32), maps.detach().to("cpu", torch.float32)
        last = near.permute(0, 2, 3, 1)
        if last.is_contiguous() and not near.is_contiguous():
            return cls(numbers, last.flatten(1, 2).numpy(), units_last=True)
        return cls(numbers, near.contiguous().flatten(2).numpy(), units_last=False)

    def parts(self, first: int, last: int) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], int]]:
        """Images, their maps `(batch, unit, cell)`, and which unit is the first there; for some units, part by part."""
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
