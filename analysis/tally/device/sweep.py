"""All statistics of one layer, collected in a pass over its maps, in torch operations where the maps are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.tally.device.blending import Blend
from dissectory.analysis.tally.device.memory import divided, to_device, to_host
from dissectory.analysis.tally.device.statistics import WIDTH, DeviceTopImages, UnitStatistics, bins_of, collected
from dissectory.analysis.tally.device.strongest import strongest
from dissectory.analysis.tally.histogram import Histograms
from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.moments import Moments
from dissectory.analysis.tally.threads import in_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.peaks import TopImages
    from dissectory.analysis.tally.upsampling import Upsampler

_CELL_BYTES = 64
"""Bytes of temporary tensors for each cell of a map with its border."""


class DeviceSweep:
    """`LayerSweep` in torch operations on a device, with equal results; the last digits of moments may differ.

    Units are tallied in groups, of which temporary tensors use about `memory` bytes. When the device has not enough
    memory, groups are halved, then the images of a single unit. Nothing is recorded of a batch that does not fit in
    spite of this, so it can be observed again in parts.
    """

    def __init__(
        self,
        upsampler: Upsampler,
        units: int,
        top_images: int,
        *,
        device: torch.device,
        memory: int,
        bound: npt.NDArray[np.float32] | None = None,
        threads: int = 1,
    ) -> None:
        self.upsampler = upsampler
        self.units = units
        self.bound = np.full(units, -np.inf, dtype=np.float32) if bound is None else bound.astype(np.float32)
        self.moments: tuple[Moments, ...] = ()
        self._device = device
        self._memory = memory
        self._threads = threads
        self._top = DeviceTopImages(units, top_images, device)
        self._counts = torch.zeros((units, WIDTH), dtype=torch.int64, device=device)
        self._lowest = torch.full((units,), torch.inf, device=device)
        self._nonfinite = torch.zeros(units, dtype=torch.int64, device=device)
        self._parts: list[Kept] = []

    @cached_property
    def _blend(self) -> Blend:
        return Blend.of(self.upsampler, self._device)

    @property
    def top(self) -> TopImages:
        """The top images so far."""
        return self._top.arrays

    @property
    def nonfinite(self) -> npt.NDArray[np.int64]:
        """The number of activations that are not finite `(unit,)`; they are tallied as 0."""
        found: npt.NDArray[np.int64] = to_host(self._nonfinite)[0]
        return found

    @property
    def histograms(self) -> Histograms:
        """The histograms of all activations so far."""
        histograms = Histograms(self.units)
        histograms.counts = collected(to_host(self._counts)[0])
        return histograms

    @property
    def lowest(self) -> npt.NDArray[np.float32]:
        """A lower bound of all upsampled values `(unit,)`."""
        return self.upsampler.floor(to_host(self._lowest)[0])

    @property
    def kept(self) -> Kept:
        """The kept activations of all images so far."""
        return Kept.joined(self._parts or [Kept.nothing(self.units)])

    @property
    def nbytes(self) -> int:
        """Size of the kept activations and of the counts so far, in bytes."""
        return self._counts.nbytes + sum(part.nbytes for part in self._parts)

    @torch.inference_mode()
    def observe(self, images: Sequence[int], maps: Tensor) -> None:
        """Add the maps `(batch, unit, height, width)` of some images, on any device and with any memory layout.

        Raises:
            torch.OutOfMemoryError: one unit of one image does not fit on the device; nothing is recorded.
        """
        batch = _DeviceBatch.of(images, maps.detach().to(self._device), self.bound)
        cells = (self.upsampler.height + 2) * (self.upsampler.width + 2)
        size = self._memory // (2 * len(images) * cells * _CELL_BYTES)
        found = list(divided(lambda first, last: self._group(batch, first, last), self.units, size))
        self._record(batch, UnitStatistics.of_units([one for one, _ in found]))
        self._parts.append(Kept.stacked([[kept] for _, kept in found], self._threads))

    def raise_bound(self, find: Callable[[Kept, npt.NDArray[np.float32]], npt.NDArray[np.float32]]) -> None:
        """Raise bounds `(unit,)`, and drop the activations that are no longer above them; see `LayerSweep`."""
        joined = self.kept

        def work(first: int, last: int) -> Kept:
            bound, kept = self.bound[first:last], joined.units(first, last)
            np.maximum(bound, find(kept, bound), out=bound)
            return kept.above(bound)

        blocks = in_blocks(work, self.units, self._threads)
        self._parts = [Kept.stacked([[block] for block in blocks], self._threads)]

    def _group(self, batch: _DeviceBatch, first: int, last: int) -> tuple[UnitStatistics, Kept]:
        """Tally the units `first` to `last - 1`: all images together, or parts of the images if it is one unit."""
        images = len(batch.images)
        if last - first > 1:
            return self._some(batch, slice(first, last), slice(images))
        found = list(
            divided(lambda begin, end: self._some(batch, slice(first, last), slice(begin, end)), images, images)
        )
        return UnitStatistics.of_images([one for one, _ in found]), Kept.joined([kept for _, kept in found])

    def _some(self, batch: _DeviceBatch, units: slice, images: slice) -> tuple[UnitStatistics, Kept]:
        """Tally some units in some images."""
        given = batch.maps[images, units].to(torch.float32).transpose(0, 1)
        finite = given.isfinite()
        maps = given.masked_fill(~finite, 0).contiguous()
        nonfinite = (~finite).sum(dim=(1, 2, 3))
        del given, finite
        statistics = UnitStatistics.of(maps.flatten(2), batch.offset[units], nonfinite)
        kept = strongest(maps, batch.bound[units], self._blend, batch.numbers[images], self._memory // 2)
        bins = bins_of(maps.flatten(2)).flatten()
        # This comes last: it needs no further memory, so a unit is never counted twice.
        one = torch.ones((), dtype=batch.counts.dtype, device=self._device)
        batch.counts[units].view(-1).scatter_add_(0, bins, one.expand(len(bins)))
        return statistics, kept

    def _record(self, batch: _DeviceBatch, found: UnitStatistics) -> None:
        """Add the statistics of a batch."""
        self._top.observe(batch.images, found.peaks, found.cells)
        self._counts += batch.counts
        self._lowest = torch.minimum(self._lowest, found.lowest)
        self._nonfinite += found.nonfinite
        count = len(batch.images) * self.upsampler.height * self.upsampler.width
        offset, sums, squares, peak = to_host(batch.offset, found.sums, found.squares, found.peaks.amax(dim=1))
        self.moments += (Moments.about(count, offset, sums, squares, peak),)


@dataclass(frozen=True, slots=True)
class _DeviceBatch:
    """A batch on a device: `images` and `numbers` are the image numbers there and on the host.

    `offset` `(unit,)` is each unit's first activation, 0 if it is not finite. `counts` `(unit, bin)` are the histograms
    of the batch, which the groups of units fill.
    """

    images: Tensor
    numbers: npt.NDArray[np.int32]
    maps: Tensor
    bound: Tensor
    offset: Tensor
    counts: Tensor

    @classmethod
    def of(cls, images: Sequence[int], maps: Tensor, bound: npt.NDArray[np.float32]) -> _DeviceBatch:
        """Describe the maps `(batch, unit, height, width)` of some images."""
        numbers, device, units = np.asarray(images, dtype=np.int32), maps.device, maps.shape[1]
        first = maps[0, :, 0, 0].to(torch.float32)
        offset = first.masked_fill(~first.isfinite(), 0).double()
        counts = torch.zeros((units, WIDTH), dtype=torch.int32, device=device)
        return cls(to_device(numbers, device), numbers, maps, to_device(bound, device), offset, counts)
