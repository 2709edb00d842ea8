"""Everything that is tallied of one layer as its maps go by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.tally import kernels
from dissectory.analysis.tally.histogram import Histograms
from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.moments import Moments
from dissectory.analysis.tally.peaks import TopImages
from dissectory.analysis.tally.threads import in_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.upsampling import Upsampler


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
        self.histograms = Histograms(units)
        self.moments: tuple[Moments, ...] = ()
        self.nonfinite = np.zeros(units, dtype=np.int64)
        self._lowest = np.full(units, np.inf, dtype=np.float32)
        self._kept: list[Kept] = []

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
        return self.histograms.counts.nbytes + sum(part.nbytes for part in self._kept)

    def observe(self, images: Sequence[int], maps: Tensor) -> None:
        """Take in the maps `(batch, unit, height, width)` of some images, on any device and of any layout."""
        values = maps.detach().to("cpu", torch.float32).contiguous().numpy()
        numbers = np.asarray(images, dtype=np.int32)
        sums = np.empty((self.units, 4))

        def work(first: int, last: int) -> tuple[npt.NDArray[np.int64], ...]:
            found: tuple[npt.NDArray[np.int64], ...] = kernels.sweep(
                values, numbers, first, last, self.upsampler.kernel, self.bound,
                self.top.peaks, self.top.images, self.top.cells,
                self.histograms.counts, sums, self._lowest, self.nonfinite,
            )  # fmt: skip
            return found

        sizes, found, positions = (
            np.concatenate(part) for part in zip(*in_blocks(work, self.units, self.threads), strict=True)
        )
        count = values[:, 0].size
        self.moments += (Moments.about(count, sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3].astype(np.float32)),)
        self._kept.append(_by_pairs(numbers, sizes, found, positions))

    def raise_bound(self, bound: npt.NDArray[np.float32]) -> None:
        """Raise bounds `(unit,)` where they are lower, and let go of what is not above them."""
        self.bound = np.maximum(self.bound, bound)
        self._kept = [self.kept.above(self.bound)]


def _by_pairs(
    images: npt.NDArray[np.int32],
    sizes: npt.NDArray[np.int64],
    values: npt.NDArray[np.float32],
    positions: npt.NDArray[np.uint16],
) -> Kept:
    """Entries by unit and image, as they were found with `sizes` `(unit, image)`."""
    filled = sizes > 0
    first = np.concatenate([[0], filled.sum(axis=1).cumsum()])
    starts = np.concatenate([[0], sizes[filled].cumsum()])
    return Kept(first, np.broadcast_to(images, sizes.shape)[filled], starts, values, positions)
