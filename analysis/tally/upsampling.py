"""Upsample a unit's map to the common grid, exactly up to rounding to float32."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from dissectory.analysis.tally.kernels import Grid

Border = Literal["zeros", "extend"]


@dataclass(frozen=True, slots=True)
class Axis:
    """Where the centers of the grid positions are between the cell centers of a map with a border of one cell.

    Position k is between the bordered cells `left[k]` and `left[k] + 1`, at `parts[k] / (2 * grid)` of the way.
    """

    left: npt.NDArray[np.intp]
    parts: npt.NDArray[np.float64]

    @classmethod
    def of(cls, cells: int, grid: int) -> Axis:
        """Compute half-pixel centers (`align_corners=False`), in integers.

        >>> Axis.of(2, 4)
        Axis(left=array([0, 1, 1, 2]), parts=array([6., 2., 6., 2.]))
        """
        left, parts = np.divmod((2 * np.arange(grid) + 1) * cells + grid, 2 * grid)
        return cls(left, parts.astype(np.float64))

    def begins(self, cells: int) -> npt.NDArray[np.int64]:
        """Return the first position in each of the `cells + 1` gaps, and the end of the last gap.

        >>> Axis.of(2, 4).begins(2)
        array([0, 1, 3, 4])
        """
        return np.searchsorted(self.left, np.arange(cells + 2)).astype(np.int64)


@dataclass(frozen=True)
class Upsampler:
    """Bilinear upsampling of maps `(height, width)` to `grid * grid` positions.

    The result is exact except for the last rounding to float32. Weights are integers, so float64 holds their sums with
    float32 activations without error (as long as the four neighbors are within a factor of some hundreds of each
    other), and a single division follows. Equal sums stay equal, canceling sums are zero, and the order of the sums
    does not matter. A grid smaller than the map samples it at the centers of the grid positions.

    Beyond the outermost cell centers, values blend toward zero (`zeros`: the bilinear sampler with zero padding of the
    reference implementation) or repeat the outermost cell (`extend`: the usual resize).
    """

    height: int
    width: int
    grid: int
    border: Border = "zeros"

    @property
    def positions(self) -> int:
        """The number of grid positions."""
        return self.grid**2

    @cached_property
    def for_kernels(self) -> Grid:
        """The same upsampling in the form that the kernels take."""
        rows, columns = self._axes
        row_begins, column_begins = rows.begins(self.height), columns.begins(self.width)
        used = np.zeros((self.height + 1) * self.width + 1, dtype=np.uint8)
        for row, filled in enumerate(np.outer(np.diff(row_begins), np.diff(column_begins)) > 0):
            used[row * self.width : (row + 1) * self.width + 1] |= filled
        extend, whole = self.border == "extend", 2.0 * self.grid
        return Grid(
            self.height, self.width, self.grid, extend, whole,
            row_begins, rows.parts, column_begins, columns.parts, used,
        )  # fmt: skip

    @cached_property
    def _axes(self) -> tuple[Axis, Axis]:
        return Axis.of(self.height, self.grid), Axis.of(self.width, self.grid)

    def floor(self, lowest: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return a lower bound of upsampled values, from the lowest activations: with a zero border, 0 may be lower."""
        return np.minimum(lowest, 0) if self.border == "zeros" else lowest
