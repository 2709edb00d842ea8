"""Counts as products of masks: each mask is 0 or 1, so a sum of products counts the positions where both are 1.

The numbers of a product are exact as long as its type holds all whole numbers up to the number of positions. So the
positions are cut into pieces: the products of the pieces are exact in whatever order a device adds, and are then added
in int64. On CUDA devices, half precision is used, in which products are fastest.
"""

from __future__ import annotations

import torch
from torch import Tensor

_WHOLE = {torch.float16: 2**11, torch.float32: 2**24}
"""Up to this number, a type holds all whole numbers."""


def mask_type(device: torch.device) -> torch.dtype:
    """Return the type of masks that a device multiplies fastest."""
    return torch.float16 if device.type == "cuda" else torch.float32


class Pieces:
    """How the positions of an image are cut: into `count` pieces of `size` positions; the last one is filled up."""

    def __init__(self, positions: int, dtype: torch.dtype) -> None:
        self.positions = positions
        self.dtype = dtype
        self.count = -(-positions // _WHOLE[dtype])
        self.size = -(-positions // self.count)

    def unit_masks(self, rows: Tensor, units: Tensor, positions: Tensor, shape: tuple[int, int]) -> Tensor:
        """Mark active positions in masks `(row * piece, unit, position)`.

        Args:
            rows: the row of each active position `(entry,)`.
            units: its unit `(entry,)`.
            positions: its position in the grid `(entry,)`.
            shape: the numbers of rows and of units.
        """
        masks = torch.zeros(shape[0] * self.count, shape[1], self.size, dtype=self.dtype, device=rows.device)
        piece = rows * self.count + positions // self.size
        index = (piece * shape[1] + units) * self.size + positions % self.size
        masks.view(-1).index_fill_(0, index, 1)
        return masks

    def concept_masks(self, labels: Tensor, concepts: int) -> Tensor:
        """Mark the concepts of labels `(row, position, plane)` in masks `(row * piece, position, concept + 1)`.

        The first column is 1 at positions where a plane has no concept.
        """
        rows, _, planes = labels.shape
        padded = torch.zeros(rows, self.count * self.size, planes, dtype=torch.int64, device=labels.device)
        padded[:, : self.positions] = labels
        masks = torch.zeros(rows, self.count * self.size, concepts + 1, dtype=self.dtype, device=labels.device)
        return masks.scatter_(2, padded, 1).view(rows * self.count, self.size, concepts + 1)

    def level_masks(self, values: Tensor, levels: Tensor) -> Tensor:
        """Mark where values `(unit, row, position)` are above levels `(unit, level)`.

        Returns:
            Masks `(row * piece, unit * level, position)`.
        """
        units, rows, _ = values.shape
        padded = torch.full((units, rows, self.count * self.size), -torch.inf, device=values.device)
        padded[:, :, : self.positions] = values
        cut = padded.view(units, rows, self.count, 1, self.size).permute(1, 2, 0, 3, 4)
        return (cut > levels[:, :, None]).to(self.dtype).reshape(rows * self.count, -1, self.size)

    def row_bytes(self, units: int, concepts: int) -> int:
        """Return the bytes of one row's masks and their product."""
        of_concepts = self.size * (concepts + 1) * self.dtype.itemsize
        return units * self.unit_bytes(concepts) + self.count * (of_concepts + 8 * self.size)

    def unit_bytes(self, concepts: int) -> int:
        """Return the bytes that each unit adds to those of one row."""
        return self.count * (self.size + concepts + 1) * self.dtype.itemsize


def counted(units: Tensor, concepts: Tensor) -> Tensor:
    """Count where both are 1, over masks `(mask, unit, position)` and `(mask, position, concept)`, in int64."""
    return torch.bmm(units, concepts).sum(dim=0, dtype=torch.int64)
