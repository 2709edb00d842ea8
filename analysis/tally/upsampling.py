"""Bring a unit's map to the common grid, as exactly as a float32 can say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Border = Literal["zeros", "extend"]


def interpolation_matrix(cells: int, grid: int, border: Border) -> np.ndarray:
    """Weights `(grid, cells)` of linear interpolation with half-pixel centres (`align_corners=False`).

    Beyond the outermost cell centres the value blends toward zero (`zeros`: the bilinear sampler with zero padding of
    the reference implementation) or repeats the outermost cell (`extend`: the usual resize).

    >>> interpolation_matrix(2, 4, "extend")
    array([[1.  , 0.  ],
           [0.75, 0.25],
           [0.25, 0.75],
           [0.  , 1.  ]])
    >>> interpolation_matrix(2, 4, "zeros")[0]
    array([0.75, 0.  ])
    """
    centres = (np.arange(grid) + 0.5) * cells / grid - 0.5
    if border == "extend":
        centres = centres.clip(0, cells - 1)
    left = np.floor(centres).astype(int)
    weights = np.zeros((grid, cells))
    for cell, share in ((left, left + 1 - centres), (left + 1, centres - left)):
        inside = (cell >= 0) & (cell < cells)
        weights[np.flatnonzero(inside), cell[inside]] += share[inside]
    return weights


@dataclass(frozen=True)
class Upsampler:
    """Bilinear upsampling of maps `(maps, height, width)` to `(maps, grid * grid)`.

    Computed in float64 and rounded once to float32, so that the result does not depend on the order of the sums:
    equal activations stay equal, and an independent computation in float64 finds the same numbers. A grid smaller
    than the map samples it at the grid's cell centres.
    """

    height: int
    width: int
    grid: int
    border: Border = "zeros"

    def __call__(self, maps: Tensor) -> Tensor:
        """Upsample; `maps` are finite float32 or lower precision."""
        rows, columns = self._matrices(maps.device)
        count = maps.shape[0]
        # One plain matrix product along the width, then one small product a map: the fastest order measured.
        wide = (maps.reshape(-1, self.width).double() @ columns.T).view(count, self.height, self.grid)
        return torch.matmul(rows, wide).reshape(count, self.grid**2).float()

    def _matrices(self, device: torch.device) -> tuple[Tensor, Tensor]:
        rows = torch.from_numpy(interpolation_matrix(self.height, self.grid, self.border))
        columns = torch.from_numpy(interpolation_matrix(self.width, self.grid, self.border))
        return rows.to(device), columns.to(device)

    def ceiling(self, peaks: Tensor) -> Tensor:
        """Bound the upsampled values of maps by their peaks: with zeros around, 0 can be more than a negative peak."""
        return peaks.clamp(min=0) if self.border == "zeros" else peaks
