"""Edits of a layer's output: units ablated (set to zero), and units forced on (raised to a level)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    Cells = npt.NDArray[np.intp]


def without(maps: Tensor, units: Cells) -> Tensor:
    """Return maps `(image, unit, height, width)` with some units set to zero."""
    changed = maps.clone()
    changed[:, units.tolist()] = 0
    return changed


def forced(maps: Tensor, units: Cells, levels: npt.NDArray[np.float32], rows: Cells, columns: Cells) -> Tensor:
    """Return maps `(image, unit, height, width)` with some units forced on at one cell of each image.

    Args:
        maps: the layer's output.
        units: the units to force on `(unit,)`.
        levels: the levels to which they are raised `(unit,)`; higher activations stay as they are.
        rows: the row of the cell in each image `(image,)`.
        columns: the column of the cell in each image `(image,)`.
    """
    changed = maps.clone()
    images, wanted = torch.arange(len(maps)), torch.from_numpy(units)
    cells = (images[:, None], wanted[None], torch.from_numpy(rows)[:, None], torch.from_numpy(columns)[:, None])
    changed[cells] = changed[cells].maximum(torch.from_numpy(levels).to(maps))
    return changed
