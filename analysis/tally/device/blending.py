"""Bilinear upsampling in torch operations, with the same products and sums as the compiled kernels.

Each product, sum and quotient is a torch operation of its own in float64. So nothing is fused or reordered, and the
values are identical on every device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from dissectory.analysis.tally.device.memory import to_device
from dissectory.analysis.tally.upsampling import Axis

if TYPE_CHECKING:
    from torch import Tensor

    from dissectory.analysis.tally.upsampling import Upsampler


@dataclass(frozen=True, slots=True)
class AxisTables:
    """One axis of a grid on a device: position k is between the bordered cells `left[k]` and `left[k] + 1`.

    A value there is the left cell times `rests[k]` plus the right cell times `parts[k]`. Gap g, between the bordered
    cells g and g + 1, contains the positions `begins[g]:begins[g + 1]`, at most `most` of them.
    """

    left: Tensor
    parts: Tensor
    rests: Tensor
    begins: Tensor
    most: int

    @classmethod
    def of(cls, cells: int, grid: int, device: torch.device) -> AxisTables:
        """Copy the tables of an axis to a device."""
        axis = Axis.of(cells, grid)
        begins = axis.begins(cells)
        most = int((begins[1:] - begins[:-1]).max())
        left, parts = to_device(axis.left, device), to_device(axis.parts, device)
        return cls(left, parts, to_device(2.0 * grid - axis.parts, device), to_device(begins, device), most)


@dataclass(frozen=True, slots=True)
class Blend:
    """An upsampler's grid on a device.

    `whole` and `scale` are tensors on the device: CUDA divides by a number of the host by multiplying with its rounded
    reciprocal.
    """

    size: int
    extend: bool
    rows: AxisTables
    columns: AxisTables
    whole: Tensor
    scale: Tensor

    @classmethod
    def of(cls, upsampler: Upsampler, device: torch.device) -> Blend:
        """Copy the tables of an upsampler to a device."""
        grid = upsampler.grid
        rows, columns = (AxisTables.of(cells, grid, device) for cells in (upsampler.height, upsampler.width))
        whole = torch.full((), 2.0 * grid, dtype=torch.float64, device=device)
        return cls(grid, upsampler.border == "extend", rows, columns, whole, whole * whole)

    def bordered(self, maps: Tensor) -> Tensor:
        """Return maps `(map, image, height, width)` with a border of one cell: zeros, or the outermost cells."""
        if self.extend:
            return nn.functional.pad(maps, (1, 1, 1, 1), mode="replicate")
        return nn.functional.pad(maps, (1, 1, 1, 1))

    def across(self, lines: Tensor) -> Tensor:
        """Blend rows of bordered maps `(..., width + 2)` to float64 `(..., grid)`, not divided yet."""
        columns = self.columns
        left = lines.index_select(-1, columns.left).double()
        right = lines.index_select(-1, columns.left + 1).double()
        return left * columns.rests + right * columns.parts

    def down(self, over: Tensor, under: Tensor, parts: Tensor, rests: Tensor) -> Tensor:
        """Blend what `across` returns for the rows above and below, and divide, to float32."""
        return ((over * rests + under * parts) / self.scale).float()

    def upsampled(self, maps: Tensor) -> Tensor:
        """Upsample maps `(unit, image, height, width)` to `(unit, image, position)`."""
        rows, wide = self.rows, self.across(self.bordered(maps))
        over, under = wide.index_select(2, rows.left), wide.index_select(2, rows.left + 1)
        return self.down(over, under, rows.parts[:, None], rows.rests[:, None]).flatten(2)
