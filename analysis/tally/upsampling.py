"""Bring a unit's map to the common grid, as exactly as a float32 can say it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from dissectory.analysis.tally.kernels import Grid

Border = Literal["zeros", "extend"]
Maps = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Axis:
    """Where the grid's cell centres fall between the cell centres of a map with one cell of border on each side.

    Position k lies between the bordered cells `left[k]` and `left[k] + 1`, `parts[k]` of `2 * grid` parts of the way.
    """

    left: npt.NDArray[np.intp]
    parts: npt.NDArray[np.float64]

    @classmethod
    def of(cls, cells: int, grid: int, step: int = 1) -> Axis:
        """Half-pixel centres (`align_corners=False`), in whole numbers; of every `step`-th position only.

        >>> Axis.of(2, 4)
        Axis(left=array([0, 1, 1, 2]), parts=array([6., 2., 6., 2.]))
        """
        left, parts = np.divmod((2 * np.arange(step // 2, grid, step) + 1) * cells + grid, 2 * grid)
        return cls(left, parts.astype(np.float64))

    def begins(self, cells: int) -> npt.NDArray[np.int64]:
        """Where the positions of each of the `cells + 1` gaps begin, and where the last ones end.

        >>> Axis.of(2, 4).begins(2)
        array([0, 1, 3, 4])
        """
        return np.searchsorted(self.left, np.arange(cells + 2)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Upsampled:
    """Values above a bound: `values[k]` is that of the map `maps[k]` at the position `positions[k]` of the grid."""

    maps: npt.NDArray[np.intp]
    positions: npt.NDArray[np.intp]
    values: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Upsampler:
    """Bilinear upsampling of maps `(maps, height, width)` to `grid * grid` positions.

    Exact but for the last rounding to float32: weights are whole numbers, so float64 holds their sums with float32
    activations without error (as long as the four neighbours are within a factor of some hundreds of each other), and
    one division ends it. Equal sums stay equal, what cancels is zero, and nothing depends on the order of the sums.
    A grid smaller than the map samples it at the grid's cell centres.

    Beyond the outermost cell centres the value blends toward zero (`zeros`: the bilinear sampler with zero padding of
    the reference implementation) or repeats the outermost cell (`extend`: the usual resize).
    """

    height: int
    width: int
    grid: int
    border: Border = "zeros"
    step: int = 1

    @property
    def positions(self) -> int:
        """How many positions it looks at."""
        rows, columns = self._axes
        return len(rows.left) * len(columns.left)

    def __call__(self, maps: Maps) -> Maps:
        """Upsample finite maps to `(maps, grid * grid)`."""
        everything = np.full(len(maps), -np.inf, dtype=np.float32)
        return self.above(maps, everything).values.reshape(len(maps), self.grid**2)

    def above(self, maps: Maps, bounds: npt.NDArray[np.float32]) -> Upsampled:
        """Find the upsampled values of finite maps that are greater than each map's bound `(maps,)`.

        A value is a mean of its four neighbours in the map, so it can be above the bound only where the greatest of
        them is. Few positions are: the others are never computed, which is three times as fast as upsampling
        everything by matrix products.
        """
        bordered = self._bordered(maps)
        wide = np.maximum(bordered[:, :, :-1], bordered[:, :, 1:])
        hot = np.maximum(wide[:, :-1], wide[:, 1:]) > bounds[:, None, None]
        promising = np.flatnonzero(hot.reshape(len(maps), -1).take(self._corners, axis=1))
        of, position = np.divmod(promising, self.grid**2)
        values = self._interpolate(bordered, of, position)
        above = values > bounds[of]
        return Upsampled(of[above], position[above], values[above])

    @cached_property
    def for_kernels(self) -> Grid:
        """The same in whole numbers, as compiled loops take it."""
        rows, columns = self._axes
        row_begins, column_begins = rows.begins(self.height), columns.begins(self.width)
        used = np.zeros((self.height + 1) * self.width + 1, dtype=np.uint8)
        gaps = np.outer(np.diff(row_begins), np.diff(column_begins)) > 0
        for row, filled in enumerate(gaps):
            used[row * self.width : (row + 1) * self.width + 1] |= filled
        extend, whole = self.border == "extend", 2.0 * self.grid
        return Grid(
            self.height, self.width, len(rows.left), extend, whole,
            row_begins, rows.parts, column_begins, columns.parts, used,
        )  # fmt: skip

    @cached_property
    def _axes(self) -> tuple[Axis, Axis]:
        return Axis.of(self.height, self.grid, self.step), Axis.of(self.width, self.grid, self.step)

    @cached_property
    def _corners(self) -> npt.NDArray[np.intp]:
        """For each position, the number of the upper left one of its neighbours among all that can be one."""
        rows, columns = self._axes
        return (rows.left[:, None] * (self.width + 1) + columns.left).ravel()

    def _bordered(self, maps: Maps) -> Maps:
        if self.border == "extend":
            return np.pad(maps, ((0, 0), (1, 1), (1, 1)), mode="edge")
        return np.pad(maps, ((0, 0), (1, 1), (1, 1)))

    def _interpolate(self, bordered: Maps, of: npt.NDArray[np.intp], position: npt.NDArray[np.intp]) -> Maps:
        """Blend the four neighbours of chosen positions."""
        (rows, columns), line = self._axes, self.width + 2
        row, column = np.divmod(position, self.grid)
        corner = (of * (self.height + 2) + rows.left[row]) * line + columns.left[column]
        cells, right, whole = bordered.ravel(), columns.parts[column], 2 * self.grid
        above = _blend(cells.take(corner), cells.take(corner + 1), right, whole)
        below = _blend(cells.take(corner + line), cells.take(corner + line + 1), right, whole)
        return (_blend(above, below, rows.parts[row], whole) / whole**2).astype(np.float32)

    def ceiling(self, peaks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Bound the upsampled values of maps by their peaks: with zeros around, 0 can be more than a negative peak."""
        return np.maximum(peaks, 0) if self.border == "zeros" else peaks

    def floor(self, lowest: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Bound the upsampled values of maps by their lowest activations."""
        return np.minimum(lowest, 0) if self.border == "zeros" else lowest


def _blend(
    one: npt.NDArray[np.floating], other: npt.NDArray[np.floating], parts: npt.NDArray[np.float64], whole: int
) -> npt.NDArray[np.float64]:
    """Weigh two values by whole numbers; the sum is `whole` times their mean."""
    return one * (whole - parts) + other * parts
