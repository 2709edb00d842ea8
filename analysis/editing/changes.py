"""Changes of a layer's output: units set to zero, and units forced on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    Cells = npt.NDArray[np.intp]


def without(maps: Tensor, units: Cells) -> Tensor:
    """Set units of maps `(image, unit, height, width)` to zero."""
    changed = maps.clone()
    changed[:, units.tolist()] = 0
    return changed


def forced(maps: Tensor, units: Cells, levels: npt.NDArray[np.float32], rows: Cells, columns: Cells) -> Tensor:
    """Raise units of maps `(image, unit, height, width)` to levels `(unit,)` at one cell of each image; lower none."""
    changed = maps.clone()
    images, wanted = torch.arange(len(maps)), torch.from_numpy(units)
    at = (images[:, None], wanted[None], torch.from_numpy(rows)[:, None], torch.from_numpy(columns)[:, None])
    changed[at] = changed[at].maximum(torch.from_numpy(levels).to(maps))
    return changed
