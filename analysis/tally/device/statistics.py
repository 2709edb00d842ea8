"""Small statistics of a batch of maps in torch operations: peaks, sums, histograms, top images."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.tally.kernels import BINS, LOWEST, SHIFT, SIDE, SPARE
from dissectory.analysis.tally.peaks import NO_IMAGE, TopImages

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

WIDTH = BINS + SPARE
"""Bins of a unit; the spare bins are for zeros, so that counting them need not wait for one another."""
_MAGNITUDE = 0x7FFFFFFF
_LOW_BITS = 32
_LOW = 2**_LOW_BITS - 1


@dataclass(frozen=True, slots=True)
class UnitStatistics:
    """Statistics of some units in some images.

    `peaks` and `cells` `(unit, image)` are the highest activation and its first cell. The others are `(unit,)`: the
    `lowest` activation, the sums of the deviations from the unit's offset and of their squares, and the number of
    activations that are not finite.
    """

    peaks: Tensor
    cells: Tensor
    lowest: Tensor
    sums: Tensor
    squares: Tensor
    nonfinite: Tensor

    @classmethod
    def of(cls, maps: Tensor, offset: Tensor, nonfinite: Tensor) -> UnitStatistics:
        """Compute the statistics of finite maps `(unit, image, cell)`; `offset` `(unit,)` is float64."""
        deviations = (maps.double() - offset[:, None, None]).flatten(1)
        peaks = maps.amax(dim=2)
        cells = (maps == peaks[:, :, None]).int().argmax(dim=2)  # the first one, also among minus zero and zero
        sums = deviations.sum(dim=1)
        # Adding 0 turns minus zero into zero.
        return cls(peaks + 0.0, cells, maps.amin(dim=(1, 2)) + 0.0, sums, deviations.square_().sum(dim=1), nonfinite)

    @staticmethod
    def of_images(parts: Sequence[UnitStatistics]) -> UnitStatistics:
        """Join the statistics of the same units in different images."""
        first, *others = parts
        for part in others:
            first = UnitStatistics(
                torch.cat([first.peaks, part.peaks], dim=1),
                torch.cat([first.cells, part.cells], dim=1),
                torch.minimum(first.lowest, part.lowest),
                first.sums + part.sums,
                first.squares + part.squares,
                first.nonfinite + part.nonfinite,
            )
        return first

    @staticmethod
    def of_units(parts: Sequence[UnitStatistics]) -> UnitStatistics:
        """Join the statistics of different units in the same images."""
        return UnitStatistics(
            *(torch.cat([getattr(part, one.name) for part in parts]) for one in fields(UnitStatistics))
        )


def bins_of(maps: Tensor) -> Tensor:
    """Return the bin of each activation `(unit, image * cell)`, counted over the units, as the kernels do."""
    bits = maps.flatten(1).view(torch.int32)
    magnitude = ((bits & _MAGNITUDE) >> SHIFT).sub_(LOWEST).clamp_(0, SIDE - 1)
    place = (magnitude ^ (bits >> 31)).add_(SIDE)
    units, count = bits.shape
    spare = torch.arange(count, dtype=torch.int32, device=maps.device) % SPARE + BINS
    firsts = torch.arange(units, device=maps.device)[:, None] * WIDTH
    return torch.where(bits == 0, spare, place) + firsts


def collected(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Add the spare bins of counts `(unit, WIDTH)`, and tiny negative values, to the bin of zero `(unit, BINS)`."""
    found = counts[:, :BINS].copy()
    found[:, SIDE] += counts[:, BINS:].sum(axis=1) + found[:, SIDE - 1]
    found[:, SIDE - 1] = 0
    return found


class DeviceTopImages:
    """`TopImages` on a device: a peak and its image are one integer, whose order is that of the ranks."""

    def __init__(self, units: int, count: int, device: torch.device) -> None:
        nothing = torch.full((units, count), -torch.inf, device=device)
        self._keys = _keys(nothing, torch.full((count,), NO_IMAGE, device=device))
        self._cells = torch.zeros((units, count), dtype=torch.int64, device=device)

    def observe(self, images: Tensor, peaks: Tensor, cells: Tensor) -> None:
        """Add the peaks `(unit, image)` of some images, and the cells at which they occur."""
        keys, all_cells = torch.cat([self._keys, _keys(peaks, images)], dim=1), torch.cat([self._cells, cells], dim=1)
        self._keys, order = keys.topk(self._keys.shape[1], dim=1)
        self._cells = all_cells.gather(1, order)

    @property
    def arrays(self) -> TopImages:
        """The top images on the host."""
        top = TopImages(*self._keys.shape)
        keys = self._keys.cpu().numpy()
        ordered = (keys >> _LOW_BITS).astype(np.int32)
        top.peaks = (ordered ^ ((ordered >> 31) & np.int32(_MAGNITUDE))).view(np.float32)
        top.images = (_LOW - (keys & _LOW)).astype(np.uint32).view(np.int32)
        top.cells = self._cells.cpu().numpy().astype(np.int32)
        return top


def _keys(peaks: Tensor, images: Tensor) -> Tensor:
    """Combine peaks `(unit, image)` and image numbers: higher peaks are greater, then lower numbers; -1 is the last."""
    bits = peaks.contiguous().view(torch.int32)
    ordered = bits ^ ((bits >> 31) & _MAGNITUDE)
    return (ordered.long() << _LOW_BITS).add(_LOW - (images.long() & _LOW))
