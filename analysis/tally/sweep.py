"""Everything that is tallied of one layer as its maps go by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.tally.histogram import Histograms
from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.kernels import BINS, SPARE, Scratch, Tallies, group_of, sweep
from dissectory.analysis.tally.moments import Moments
from dissectory.analysis.tally.peaks import TopImages
from dissectory.analysis.tally.threads import in_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.upsampling import Upsampler


_ROOM = 20
"""At first there is room for one of so many positions; what is not used of it takes no memory."""


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
        self._counts = np.zeros((units, BINS + SPARE), dtype=np.int64)
        self._lowest = np.full(units, np.inf, dtype=np.float32)
        self._kept: list[Kept] = []

    @property
    def histograms(self) -> Histograms:
        """The histograms of all activations so far."""
        histograms = Histograms(self.units)
        histograms.counts[:] = self._counts[:, :BINS]
        return histograms

    @property
    def lowest(self) -> npt.NDArray[np.float32]:
        """What no upsampled value is below `(unit,)`."""
        return self.upsampler.floor(self._lowest)

    @property
    def kept(self) -> Kept:
        """What was kept of all images so far."""
        if len(self._kept) != 1:
            self._kept = [Kept.joined(self._kept)] if self._kept else [Kept.nothing(self.units)]
        return self._kept[0]

    @property
    def nbytes(self) -> int:
        """Bytes of what was kept and counted so far."""
        return self._counts.nbytes + sum(part.nbytes for part in self._kept)

    def observe(self, images: Sequence[int], maps: Tensor) -> None:
        """Take in the maps `(batch, unit, height, width)` of some images, on any device and of any layout."""
        values = maps.detach().to("cpu", torch.float32).flatten(2).contiguous().numpy()
        numbers = np.asarray(images, dtype=np.int32)
        tallies = Tallies(
            self.top.peaks, self.top.images, self.top.cells, self._counts,
            np.empty((self.units, 4)), self._lowest, self.nonfinite,
        )  # fmt: skip
        found = in_blocks(
            lambda first, last: self._sweep(values, numbers, first, last, tallies), self.units, self.threads
        )
        self._kept += [part for parts in found for part in parts]
        offset, total, squares, peak = tallies.sums.T
        self.moments += (Moments.about(values[:, 0].size, offset, total, squares, peak.astype(np.float32)),)

    def _sweep(
        self, values: npt.NDArray[np.float32], images: npt.NDArray[np.int32], first: int, last: int, tallies: Tallies
    ) -> list[Kept]:
        """Tally some units; what is kept of them, in as many parts as room was made for."""
        grid, batch, parts = self.upsampler.for_kernels, len(values), []
        scratch, group = Scratch.of(grid, batch), group_of(batch, values.shape[2])
        most = batch * grid.size**2
        while first < last:
            room = most + (last - first) * most // _ROOM
            found, positions = np.empty(room, dtype=np.float32), np.empty(room, dtype=np.uint16)
            sizes = np.zeros((last - first, batch), dtype=np.int64)
            end, entries = sweep(
                values, images, first, last, grid, self.bound, tallies, scratch, group, sizes, found, positions
            )
            sizes, found, positions = sizes[: end - first], found[:entries], positions[:entries]
            parts.append(Kept.of_sizes(sizes, images, found, positions, first, self.units - end))
            first = end
        return parts

    def raise_bound(self, bound: npt.NDArray[np.float32]) -> None:
        """Raise bounds `(unit,)` where they are lower, and let go of what is not above them."""
        self.bound = np.maximum(self.bound, bound)
        self._kept = [part.above(self.bound) for part in self._kept]
