"""The upsampled activations above the units' bounds, found and compacted where the maps are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.tally.device.memory import divided, to_host
from dissectory.analysis.tally.kept import Kept

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.device.blending import Blend

_POSITION_BYTES = 80
"""Bytes of temporary tensors for each position of a band, if all of them are above the bound."""


@dataclass(frozen=True, slots=True)
class _Entries:
    """Values above the bounds: `values`, `positions` and `pairs` `(entry,)`, pairs numbered `unit * images + image`."""

    values: Tensor
    positions: Tensor
    pairs: Tensor


def strongest(maps: Tensor, bound: Tensor, blend: Blend, images: npt.NDArray[np.int32], memory: int) -> Kept:
    """Keep the upsampled values of maps `(unit, image, height, width)` that are above their unit's bound `(unit,)`.

    Only these travel to the host. A band is a map's grid rows that lie between the same two rows of cells. A value is a
    mean of four cells, so bands without a cell above the bound are left out.

    Args:
        maps: finite activations.
        bound: the bounds, on the device of the maps.
        blend: the grid, on the same device.
        images: the images' numbers `(image,)`.
        memory: bytes that temporary tensors may use.
    """
    bordered = blend.bordered(maps)
    bands = _bands(bordered, bound, blend)
    size = max(1, memory // (blend.size * blend.rows.most * _POSITION_BYTES))
    found = list(divided(lambda first, last: _above(bordered, bound, blend, bands[first:last]), len(bands), size))
    return _kept(found, images, maps)


def _bands(bordered: Tensor, bound: Tensor, blend: Blend) -> Tensor:
    """List the bands with positions and a cell above the bound `(band, 3)`: unit, image, gap; in this order."""
    peaks, filled = bordered.amax(dim=3), blend.rows.begins.diff() > 0
    hot = torch.maximum(peaks[:, :, :-1], peaks[:, :, 1:]) > bound[:, None, None]
    return (hot & filled).nonzero()


def _above(bordered: Tensor, bound: Tensor, blend: Blend, bands: Tensor) -> _Entries:
    """Find the values above the bound in some bands; the order is that of the bands, then that of the positions."""
    unit, image, gap = bands.unbind(1)
    level, begins = bound[unit], blend.rows.begins
    over = blend.across(bordered[unit, image, gap])
    under = blend.across(bordered[unit, image, gap + 1])
    # The values of a column are between these two, so other columns hold nothing above the bound.
    columns = torch.maximum(over, under) > (level.double() * blend.whole)[:, None]
    lines = torch.arange(blend.rows.most, device=bands.device) < begins.diff()[gap][:, None]
    band, line, column = (lines[:, :, None] & columns[:, None, :]).nonzero().unbind(1)
    row = begins[gap][band] + line
    values = blend.down(over[band, column], under[band, column], blend.rows.parts[row], blend.rows.rests[row])
    above = (values > level[band]).nonzero().squeeze(1)
    pairs = unit * bordered.shape[1] + image
    return _Entries(values[above], (row * blend.size + column)[above].int(), pairs[band[above]])


def _kept(found: list[_Entries], images: npt.NDArray[np.int32], maps: Tensor) -> Kept:
    """Copy entries to the host, and order them by unit and image, as they already are."""
    units, batch = maps.shape[:2]
    if not found:
        return Kept.nothing(units)
    counts = torch.zeros(units * batch, dtype=torch.int64, device=maps.device)
    for part in found:
        counts.index_add_(0, part.pairs, torch.ones_like(part.pairs))
    values, positions = torch.cat([part.values for part in found]), torch.cat([part.positions for part in found])
    near, values_near, positions_near = to_host(counts, values, positions)
    entries = near.reshape(units, batch)
    filled = entries > 0
    return Kept(
        np.concatenate([[0], filled.sum(axis=1).cumsum()]),
        np.broadcast_to(images, entries.shape)[filled],
        np.concatenate([[0], entries[filled].cumsum()]),
        values_near,
        positions_near.astype(np.uint16),
    )
